#include "crypto/keys/key_file.h"

#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/escaping.h"
#include "crypto/cbor/cbor.h"
#include "crypto/keys/cose_key.h"
#include "crypto/text/text.h"

namespace tam::keys {
namespace {

using cbor::AsBytes;
using cbor::AsView;
using Json = nlohmann::json;

constexpr size_t kMaxFileBytes = 1 << 16;

absl::Status Invalid(std::string_view message) {
  return absl::InvalidArgumentError(AbslView(message));
}

// A key of any kind as an AnyKey.
template <typename Key>
absl::StatusOr<AnyKey> Any(absl::StatusOr<Key> key) {
  if (!key.ok()) return key.status();
  return AnyKey(*std::move(key));
}

bool HoldsPublicPem(std::string_view text) {
  return text.find("-----BEGIN PUBLIC KEY-----") != std::string_view::npos;
}

absl::StatusOr<AnyKey> ParsePem(std::string_view text, Curves curves) {
  if (HoldsPublicPem(text)) return Any(PublicKey::FromPem(text, curves));
  return Any(PrivateKey::FromPem(text));
}

absl::StatusOr<AnyKey> ParseCoseKey(Bytes content, Curves curves) {
  const auto document = cbor::Document::Parse(content, cbor::Limits(), "cose-key");
  if (!document.ok()) return document.status();
  const std::optional<cbor::Item> kty = document->root().Find(kLabelKty);
  if (kty.has_value() && kty->is_uint() && *kty->Uint() == kKtySymmetric) {
    return Any(MacKey::FromCoseKey(content));
  }
  if (document->root().Find(kLabelD).has_value()) return Any(PrivateKey::FromCoseKey(content));
  return Any(PublicKey::FromCoseKey(content, curves));
}

// The text of a member; nullopt when it is absent.
absl::StatusOr<std::optional<std::string>> TextMember(const Json& object, const char* name) {
  const auto at = object.find(name);
  if (at == object.end()) return std::nullopt;
  if (!at->is_string()) {
    return Invalid(Concat("jwk.", name, ": want text, got ", at->type_name()));
  }
  return at->get_ref<const std::string&>();
}

// Adds the base64url member `name` under `label`.
absl::Status CopyBytes(const Json& object, const char* name, int64_t label, cbor::MapBuilder& map) {
  const auto text = TextMember(object, name);
  if (!text.ok()) return text.status();
  if (!text->has_value()) return absl::OkStatus();
  std::string bytes;
  if (!absl::WebSafeBase64Unescape(**text, &bytes)) {
    return Invalid(Concat("jwk.", name, ": want base64url, got other text"));
  }
  map.Set(label, cbor::Writer().ByteString(bytes));
  return absl::OkStatus();
}

// Adds the number that stands for the text member `name`, which `numbers` must know.
absl::Status CopyName(const Json& object, const char* name, int64_t label,
                      const std::map<std::string, int64_t>& numbers, cbor::MapBuilder& map) {
  const auto text = TextMember(object, name);
  if (!text.ok()) return text.status();
  if (!text->has_value()) return absl::OkStatus();
  const auto number = numbers.find(**text);
  if (number == numbers.end()) {
    return Invalid(Concat("jwk.", name, ": want one of ", numbers.size(), " known names, got \"",
                          absl::CHexEscape(**text).substr(0, 64), "\""));
  }
  map.Set(label, cbor::Writer().Int(number->second));
  return absl::OkStatus();
}

absl::Status CopyKeyOps(const Json& object, cbor::MapBuilder& map) {
  const auto at = object.find("key_ops");
  if (at == object.end()) return absl::OkStatus();
  if (!at->is_array()) return Invalid("jwk.key_ops: want an array, got another type");
  static const auto& numbers = *new std::map<std::string, int64_t>{{"sign", kOpSign},
                                                                   {"verify", kOpVerify},
                                                                   {"deriveKey", kOpDeriveKey},
                                                                   {"deriveBits", kOpDeriveBits}};
  cbor::Writer operations;
  operations.Array(at->size());
  for (const Json& element : *at) {
    const auto number =
        element.is_string() ? numbers.find(element.get_ref<const std::string&>()) : numbers.end();
    operations.Int(number == numbers.end() ? 0 : number->second);  // 0 is no operation.
  }
  map.Set(kLabelKeyOps, std::move(operations));
  return absl::OkStatus();
}

absl::Status CheckUse(const Json& object, std::string_view want) {
  const auto use = TextMember(object, "use");
  if (!use.ok()) return use.status();
  if (!use->has_value() || **use == want) return absl::OkStatus();
  return Invalid(Concat("jwk.use: want ", want, ", got another use"));
}

// A JWK is rewritten as the COSE_Key it stands for, so that one set of checks serves both.
absl::StatusOr<secret::SecretBytes> CoseKeyOfJwk(const Json& object, std::string_view use) {
  static const auto& kty = *new std::map<std::string, int64_t>{
      {"EC", kKtyEc2}, {"OKP", kKtyOkp}, {"oct", kKtySymmetric}};
  static const auto& crv = *new std::map<std::string, int64_t>{{"P-256", kCrvP256},
                                                               {"P-384", kCrvP384},
                                                               {"P-521", kCrvP521},
                                                               {"Ed25519", kCrvEd25519},
                                                               {"X25519", kCrvX25519}};
  static const auto& alg = *new std::map<std::string, int64_t>{
      {"ES256", -7},   {"ESP256", -9}, {"ES384", -35},   {"ESP384", -51}, {"ES512", -36},
      {"ESP512", -52}, {"EdDSA", -8},  {"Ed25519", -19}, {"HS256", 5},    {"ECDH-ES+A128KW", -29}};
  cbor::MapBuilder map;
  for (const absl::Status& status :
       {CheckUse(object, use), CopyName(object, "kty", kLabelKty, kty, map),
        CopyName(object, "alg", kLabelAlg, alg, map), CopyName(object, "crv", kLabelCrv, crv, map),
        CopyBytes(object, "x", kLabelX, map), CopyBytes(object, "y", kLabelY, map),
        CopyBytes(object, "d", kLabelD, map), CopyBytes(object, "k", kLabelK, map),
        CopyKeyOps(object, map)}) {
    if (!status.ok()) return status;
  }
  const std::string encoded = map.Encode();
  return secret::SecretBytes(AsBytes(encoded));
}

Json ParseJson(std::string_view text) {
  return Json::parse(text.begin(), text.end(), nullptr, /*allow_exceptions=*/false);
}

absl::StatusOr<AnyKey> ParseJsonKey(std::string_view text, Curves curves) {
  const Json object = ParseJson(text);
  if (!object.is_object()) return Invalid("key file: want a JSON object, got other text");
  if (object.contains("kty")) {
    const absl::StatusOr<secret::SecretBytes> cose_key = CoseKeyOfJwk(object, "sig");
    if (!cose_key.ok()) return cose_key.status();
    return ParseCoseKey(cose_key->Reveal(), curves);
  }
  const auto ascii = object.find("hmac256_key_ascii");
  if (ascii == object.end() || !ascii->is_string()) {
    return Invalid("key file: want JSON with \"kty\" or text \"hmac256_key_ascii\", got neither");
  }
  return Any(MacKey::FromBytes(AsBytes(ascii->get_ref<const std::string&>())));
}

enum class Form { kPem, kJson, kCbor };

// InvalidArgument for a file too large or without content.
absl::StatusOr<Form> FormOf(Bytes content) {
  if (content.size() > kMaxFileBytes) {
    return Invalid(
        Concat("key file: want at most ", kMaxFileBytes, " bytes, got ", content.size()));
  }
  const std::string_view text = AsView(content);
  if (text.find("-----BEGIN ") != std::string_view::npos) return Form::kPem;
  const size_t first = text.find_first_not_of(" \t\r\n");
  if (first == std::string_view::npos) return Invalid("key file: want a key, got nothing");
  return text[first] == '{' ? Form::kJson : Form::kCbor;
}

// The COSE_Key that a JWK or a CBOR file of an agreement key holds.
absl::StatusOr<secret::SecretBytes> AgreementCoseKey(Form form, Bytes content) {
  if (form == Form::kCbor) return secret::SecretBytes(content);
  const Json object = ParseJson(AsView(content));
  if (!object.is_object() || !object.contains("kty")) {
    return Invalid("key file: want a JWK, got other JSON");
  }
  return CoseKeyOfJwk(object, "enc");
}

bool HasPrivateMember(Bytes cose_key) {
  const auto document = cbor::Document::Parse(cose_key, cbor::Limits(), "cose-key");
  return document.ok() && document->root().Find(kLabelD).has_value();
}

}  // namespace

absl::StatusOr<AnyKey> ParseKeyFile(Bytes content, Curves curves) {
  const absl::StatusOr<Form> form = FormOf(content);
  if (!form.ok()) return form.status();
  switch (*form) {
    case Form::kPem:
      return ParsePem(AsView(content), curves);
    case Form::kJson:
      return ParseJsonKey(AsView(content), curves);
    case Form::kCbor:
      break;
  }
  return ParseCoseKey(content, curves);
}

absl::StatusOr<PublicKey> ParsePublicKeyFile(Bytes content, Curves curves) {
  const absl::StatusOr<AnyKey> key = ParseKeyFile(content, curves);
  if (!key.ok()) return key.status();
  if (const auto* public_key = std::get_if<PublicKey>(&*key)) return *public_key;
  if (const auto* private_key = std::get_if<PrivateKey>(&*key)) return private_key->public_key();
  return Invalid("key file: want a public key, got a symmetric one");
}

absl::StatusOr<AgreementKey> ParseAgreementKeyFile(Bytes content) {
  const absl::StatusOr<Form> form = FormOf(content);
  if (!form.ok()) return form.status();
  if (*form == Form::kPem) return AgreementKey::FromPem(AsView(content));
  const absl::StatusOr<secret::SecretBytes> cose_key = AgreementCoseKey(*form, content);
  if (!cose_key.ok()) return cose_key.status();
  return AgreementKey::FromCoseKey(cose_key->Reveal());
}

absl::StatusOr<AgreementPublicKey> ParseAgreementPublicKeyFile(Bytes content) {
  const absl::StatusOr<Form> form = FormOf(content);
  if (!form.ok()) return form.status();
  absl::StatusOr<AgreementKey> key = absl::UnknownError("");
  if (*form == Form::kPem) {
    if (HoldsPublicPem(AsView(content))) return AgreementPublicKey::FromPem(AsView(content));
    key = AgreementKey::FromPem(AsView(content));
  } else {
    const absl::StatusOr<secret::SecretBytes> cose_key = AgreementCoseKey(*form, content);
    if (!cose_key.ok()) return cose_key.status();
    if (!HasPrivateMember(cose_key->Reveal())) {
      return AgreementPublicKey::FromCoseKey(cose_key->Reveal());
    }
    key = AgreementKey::FromCoseKey(cose_key->Reveal());
  }
  if (!key.ok()) return key.status();
  return key->public_key();
}

}  // namespace tam::keys

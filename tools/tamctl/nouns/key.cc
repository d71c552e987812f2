#include "crypto/keys/key.h"

#include "crypto/cbor/cbor.h"
#include "crypto/keys/agreement.h"
#include "crypto/text/text.h"
#include "proto/tam/v1/signing.pb.h"
#include "tools/tamctl/call.h"
#include "tools/tamctl/nouns/key.h"
#include "tools/tamctl/nouns/nouns.h"
#include "tools/tamctl/output.h"

namespace tam::tamctl {
namespace {

const std::vector<Column>& Columns() {
  static const auto& columns = *new std::vector<Column>{
      {"THUMBPRINT", "thumbprint"}, {"PURPOSE", "purpose"},     {"SUITE", "suite"},
      {"STATE", "state"},           {"CREATED", "create_time"}, {"RETIRED", "retire_time"}};
  return columns;
}

constexpr char kPurposes[] =
    "teep-message (default), attestation-result, decryption or tam-evidence";

absl::StatusOr<v1::KeyPurpose> ReadPurpose(Context& context, std::string_view otherwise) {
  const std::string text = context.FlagOr("purpose", otherwise);
  if (text == "teep-message") return v1::KEY_PURPOSE_TEEP_MESSAGE;
  if (text == "attestation-result") return v1::KEY_PURPOSE_ATTESTATION_RESULT;
  if (text == "decryption") return v1::KEY_PURPOSE_TEEP_DECRYPTION;
  if (text == "tam-evidence") return v1::KEY_PURPOSE_TAM_EVIDENCE;
  if (text == "all") return v1::KEY_PURPOSE_UNSPECIFIED;
  return UsageError(Concat("--purpose: want ", kPurposes, ", got '", text, "'"));
}

// A key that decrypts knows one suite, so that none need be named.
absl::StatusOr<v1::CipherSuite> ReadSuite(Context& context, v1::KeyPurpose purpose) {
  if (purpose == v1::KEY_PURPOSE_TEEP_DECRYPTION) {
    const std::string suite = context.FlagOr("suite", "ecdh-es-a128kw");
    if (suite == "ecdh-es-a128kw") return v1::CIPHER_SUITE_ECDH_ES_A128KW;
    return UsageError(Concat("--suite: want ecdh-es-a128kw, got '", suite, "'"));
  }
  const auto suite = context.Required("suite");
  if (!suite.ok()) return suite.status();
  if (*suite == "esp256") return v1::CIPHER_SUITE_ESP256;
  if (*suite == "ed25519") return v1::CIPHER_SUITE_ED25519;
  return UsageError(Concat("--suite: want esp256 or ed25519, got '", *suite, "'"));
}

absl::Status Create(Context& context) {
  v1::CreateSigningKeyRequest request;
  request.set_parent(context.TenantName());
  const auto purpose = ReadPurpose(context, "teep-message");
  if (!purpose.ok()) return purpose.status();
  if (*purpose == v1::KEY_PURPOSE_UNSPECIFIED) return UsageError("--purpose: a key has one");
  request.set_purpose(*purpose);
  const auto suite = ReadSuite(context, *purpose);
  if (!suite.ok()) return suite.status();
  request.set_suite(*suite);
  request.set_standby(context.Has("standby"));
  const auto answer =
      Call<v1::CreateSigningKeyResponse>(context, "SigningService/CreateSigningKey", request);
  return answer.ok() ? PrintOne(context, answer->key(), Columns()) : answer.status();
}

absl::StatusOr<v1::ListSigningKeysResponse> ReadKeys(Context& context) {
  v1::ListSigningKeysRequest request;
  request.set_parent(context.TenantName());
  return CallPages<v1::ListSigningKeysResponse>(
      context, "SigningService/ListSigningKeys", request,
      [](const v1::ListSigningKeysResponse& all) { return all.keys_size(); });
}

absl::Status List(Context& context) {
  const auto keys = ReadKeys(context);
  return keys.ok() ? PrintList(context, *keys, "keys", Columns()) : keys.status();
}

}  // namespace

absl::StatusOr<v1::SigningKey> FindSigningKey(Context& context) {
  const auto keys = ReadKeys(context);
  if (!keys.ok()) return keys.status();
  const std::string& argument = context.arguments()[0];
  const v1::SigningKey* found = nullptr;
  for (const v1::SigningKey& key : keys->keys()) {
    if (key.name() != argument && FieldText(key, {"", "thumbprint"}).rfind(argument, 0) != 0) {
      continue;
    }
    if (found != nullptr) return UsageError("more than one key starts so");
    found = &key;
  }
  if (found == nullptr) return absl::NotFoundError(Concat("no signing key ", argument));
  return *found;
}

namespace {

absl::Status Activate(Context& context) {
  const auto key = FindSigningKey(context);
  if (!key.ok()) return key.status();
  v1::ActivateSigningKeyRequest request;
  request.set_name(key->name());
  const auto answer =
      Call<v1::ActivateSigningKeyResponse>(context, "SigningService/ActivateSigningKey", request);
  return answer.ok() ? PrintOne(context, answer->key(), Columns()) : answer.status();
}

absl::Status Retire(Context& context) {
  const auto key = FindSigningKey(context);
  if (!key.ok()) return key.status();
  v1::RetireSigningKeyRequest request;
  request.set_name(key->name());
  const auto answer =
      Call<v1::RetireSigningKeyResponse>(context, "SigningService/RetireSigningKey", request);
  return answer.ok() ? PrintOne(context, answer->key(), Columns()) : answer.status();
}

template <typename Key>
absl::StatusOr<std::string> ExportAs(const v1::SigningKey& key, const std::string& form) {
  const auto parsed = Key::FromCoseKey(cbor::AsBytes(key.cose_key()));
  if (!parsed.ok()) return absl::InternalError("the server's key does not parse");
  return form == "pem" ? parsed->ToPem() : parsed->cose_key();
}

absl::StatusOr<std::string> Export(const v1::SigningKey& key, const std::string& form) {
  if (form == "pem" || form == "cose") {
    return key.purpose() == v1::KEY_PURPOSE_TEEP_DECRYPTION
               ? ExportAs<keys::AgreementPublicKey>(key, form)
               : ExportAs<keys::PublicKey>(key, form);
  }
  return UsageError(Concat("--form: want pem or cose, got '", form, "'"));
}

absl::Status ExportKeys(Context& context) {
  const std::string form = context.FlagOr("form", "pem");
  const bool all = context.arguments().empty();
  if (all && form != "pem") return UsageError("--form cose exports one key: name its thumbprint");
  std::vector<v1::SigningKey> keys;
  if (all) {
    const auto purpose = ReadPurpose(context, "teep-message");
    if (!purpose.ok()) return purpose.status();
    const auto listed = ReadKeys(context);
    if (!listed.ok()) return listed.status();
    for (const v1::SigningKey& key : listed->keys()) {
      const bool wanted = *purpose == v1::KEY_PURPOSE_UNSPECIFIED || key.purpose() == *purpose;
      if (wanted && key.state() != v1::SIGNING_KEY_STATE_RETIRED) keys.push_back(key);
    }
    if (keys.empty()) return absl::NotFoundError("no active key of that purpose");
  } else {
    const auto key = FindSigningKey(context);
    if (!key.ok()) return key.status();
    keys.push_back(*key);
  }
  std::string out;
  for (const v1::SigningKey& key : keys) {
    const auto text = Export(key, form);
    if (!text.ok()) return text.status();
    out += *text;
  }
  return context.WriteFile(context.FlagOr("output", "-"), out);
}

absl::Status ShowOne(Context& context) {
  const auto key = FindSigningKey(context);
  return key.ok() ? PrintOne(context, *key, Columns()) : key.status();
}

}  // namespace

std::vector<Command> KeyCommands() {
  return {
      {.noun = "key",
       .verb = "create",
       .summary = "make a signing key of the TAM; it replaces the active one of its kind",
       .details = "With --standby it replaces nothing before `tamctl key activate`, so that "
                  "devices can be given its public part first.",
       .flags = {{"suite", "NAME", "esp256 or ed25519; none for decryption"},
                 {"purpose", "NAME", kPurposes},
                 {"standby", "", "the active key goes on signing"}},
       .example = "tamctl key create --suite esp256 --standby",
       .run = Create},
      {.noun = "key",
       .verb = "activate",
       .arguments = "THUMBPRINT",
       .min_arguments = 1,
       .max_arguments = 1,
       .summary = "let a key on standby sign, in place of the active one",
       .flags = {kLimitFlag},
       .example = "tamctl key activate 7077436568198fdc",
       .run = Activate},
      {.noun = "key",
       .verb = "list",
       .summary = "list a tenant's signing keys",
       .flags = {kLimitFlag},
       .example = "tamctl key list",
       .run = List},
      {.noun = "key",
       .verb = "show",
       .arguments = "THUMBPRINT",
       .min_arguments = 1,
       .max_arguments = 1,
       .summary = "show a signing key; the start of its thumbprint does",
       .flags = {kLimitFlag},
       .example = "tamctl key show 7077436568198fdc",
       .run = ShowOne},
      {.noun = "key",
       .verb = "retire",
       .arguments = "THUMBPRINT",
       .min_arguments = 1,
       .max_arguments = 1,
       .summary = "stop a key from signing",
       .flags = {kLimitFlag},
       .example = "tamctl key retire 7077436568198fdc",
       .run = Retire},
      {.noun = "key",
       .verb = "export",
       .arguments = "[THUMBPRINT]",
       .min_arguments = 0,
       .max_arguments = 1,
       .summary = "write public keys for devices to trust",
       .details = "Without THUMBPRINT: every key of the purpose that signs or stands by, one PEM "
                  "block each.",
       .flags = {{"form", "NAME", "pem (default) or cose, a COSE_Key"},
                 {"purpose", "NAME", "as of create, or all"},
                 {"output", "FILE", "-o: where to; default: standard output"},
                 kLimitFlag},
       .example = "tamctl key export -o tam-keys.pem",
       .run = ExportKeys}};
}

}  // namespace tam::tamctl

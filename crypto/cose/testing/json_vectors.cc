#include "crypto/cose/testing/json_vectors.h"

#include <variant>
#include <vector>

#include "absl/strings/escaping.h"
#include "crypto/cbor/cbor.h"
#include "crypto/cose/encrypt.h"
#include "crypto/keys/key_file.h"

namespace tam::cose::testing {
namespace {

using cbor::AsBytes;

std::string FromHex(const std::string& hex) { return absl::HexStringToBytes(hex); }

std::string External(const Json& outer) { return FromHex(outer.value("external", "")); }

absl::Status JudgeSigned(const std::string& bytes, const Json& outer,
                         const std::vector<Json>& signers) {
  const auto message = Message::Parse(AsBytes(bytes), TagRule::kOptional);
  if (!message.ok()) return message.status();
  const std::string external = External(outer);
  for (const Json& signer : signers) {
    Json jwk = PlainJwk(signer["key"]);
    jwk.erase("d");  // larger curves are read as public keys alone
    const auto key = keys::ParsePublicKeyFile(AsBytes(jwk.dump()), keys::Curves::kAll);
    if (!key.ok()) return key.status();
    const auto payload = message->Verify(*key, AlgorithmPolicy::All(), AsBytes(external));
    if (!payload.ok()) return payload.status();
  }
  return absl::OkStatus();
}

absl::Status JudgeMac0(const std::string& bytes, const Json& outer) {
  const auto message = Message::Parse(AsBytes(bytes), TagRule::kOptional);
  if (!message.ok()) return message.status();
  const std::string secret = SymmetricKey(outer["recipients"][0]["key"]);
  const auto key = keys::MacKey::FromBytes(AsBytes(secret));
  if (!key.ok()) return key.status();
  const std::string external = External(outer);
  return message->VerifyMac(*key, AsBytes(external));
}

absl::StatusOr<DecryptedPayload> Decrypt(const std::string& bytes, const Json& outer) {
  const auto message = EncryptedMessage::Parse(AsBytes(bytes), TagRule::kOptional);
  if (!message.ok()) return message.status();
  const std::string external = External(outer);
  const Json& jwk = outer["recipients"][0]["key"];
  if (jwk["kty"] == "oct") {
    return message->DecryptWithSecret(AsBytes(SymmetricKey(jwk)), AsBytes(external));
  }
  const auto key = keys::ParseAgreementKeyFile(AsBytes(PlainJwk(jwk).dump()));
  if (!key.ok()) return key.status();
  return message->Decrypt(*key, "", AsBytes(external));  // RFC 9053 alone: no `other`
}

absl::Status JudgeEncrypted(const std::string& bytes, const Json& outer, const Json& input) {
  const auto payload = Decrypt(bytes, outer);
  if (!payload.ok()) return payload.status();
  if (cbor::AsView(payload->bytes()) == input["plaintext"].get<std::string>()) {
    return absl::OkStatus();
  }
  return absl::DataLossError("want the vector's plaintext, got another");
}

}  // namespace

Json PlainJwk(Json jwk) {
  for (const std::string name : {"x", "y", "d"}) {
    const auto hex = jwk.find(name + "_hex");
    if (hex == jwk.end()) continue;
    std::string encoded;
    absl::WebSafeBase64Escape(FromHex(hex->get<std::string>()), &encoded);
    jwk[name] = encoded;
  }
  for (const char* name : {"kid", "alg", "use"}) jwk.erase(name);
  return jwk;
}

std::string SymmetricKey(const Json& jwk) {
  std::string secret;
  absl::WebSafeBase64Unescape(jwk["k"].get<std::string>(), &secret);
  return secret;
}

absl::Status JudgeJsonVector(const Json& vector) {
  const std::string bytes = FromHex(vector["output"]["cbor"].get<std::string>());
  const Json& input = vector["input"];
  if (input.contains("sign0")) return JudgeSigned(bytes, input["sign0"], {input["sign0"]});
  if (input.contains("sign")) {
    return JudgeSigned(bytes, input["sign"], input["sign"]["signers"].get<std::vector<Json>>());
  }
  if (input.contains("mac0")) return JudgeMac0(bytes, input["mac0"]);
  if (input.contains("mac")) return JudgeMac(AsBytes(bytes), input["mac"]["recipients"][0]["key"]);
  for (const char* name : {"encrypted", "enveloped"}) {
    if (input.contains(name)) return JudgeEncrypted(bytes, input[name], input);
  }
  return absl::UnimplementedError("want a structure of COSE, got none that is known");
}

}  // namespace tam::cose::testing

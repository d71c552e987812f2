#include "crypto/cose/testing/vector_judges.h"

#include <string>
#include <string_view>

#include "crypto/cbor/cbor.h"
#include "crypto/cose/cose.h"
#include "crypto/cose/encrypt.h"
#include "crypto/cose/testing/json_vectors.h"
#include "crypto/keys/key_file.h"
#include "crypto/text/text.h"

namespace tam::cose::testing {
namespace {

using cbor::AsBytes;
using tam::testing::Judgement;
using tam::testing::ReadFile;
using tam::testing::Value;
using tam::testing::VectorCase;

Judgement Verdict(std::string_view verdict, const absl::Status& status) {
  return {std::string(verdict), std::string(StdView(status.message()))};
}

bool Contains(std::string_view text, std::string_view part) {
  return text.find(part) != std::string_view::npos;
}

// "decrypts to" in words of the row: the text between the first pair of quotation marks.
std::string Quoted(const std::string& text) {
  const size_t begin = text.find('"');
  return begin == std::string::npos ? ""
                                    : text.substr(begin + 1, text.find('"', begin + 1) - begin - 1);
}

absl::StatusOr<keys::Thumbprint> ThumbprintOf(const std::string& file, const std::string& content) {
  if (Contains(file, "ecdh")) {
    const auto key = keys::ParseAgreementPublicKeyFile(AsBytes(content));
    if (!key.ok()) return key.status();
    return key->thumbprint();
  }
  const auto key = keys::ParsePublicKeyFile(AsBytes(content));
  if (!key.ok()) return key.status();
  return key->thumbprint();
}

// A COSE_Key has the thumbprint that the row states; another file holds a key, and that of a
// thumbprint where the row states one.
Judgement JudgeKey(const VectorCase& row, const std::string& folder) {
  const std::string file = Value(row, "file");
  const std::string content = ReadFile(folder + file);
  const std::string verdict = file.ends_with(".cbor") ? "thumbprint" : "data";
  if (file.ends_with("suit-symmetric.json")) {
    return keys::ParseKeyFile(AsBytes(content)).ok() ? Judgement{verdict, ""}
                                                     : Judgement{"refused", "no MAC key"};
  }
  const auto thumbprint = ThumbprintOf(file, content);
  if (!thumbprint.ok()) return Verdict("refused", thumbprint.status());
  std::string stated;
  for (const char* name : {"thumbprint", "what", "expect", "verified"}) stated += Value(row, name);
  if (verdict == "data" && !Contains(stated, "thumbprint")) return {verdict, ""};
  const std::string hex = keys::ThumbprintHex(*thumbprint);
  if (Contains(stated, hex)) return {verdict, ""};
  return {"refused", "the thumbprint is " + hex};
}

// Signed by one of the keys of the independent stack.
Judgement JudgeSignature(const VectorCase& row, const std::string& folder) {
  const std::string bytes = ReadFile(folder + Value(row, "file"));
  const auto message = Message::Parse(AsBytes(bytes), TagRule::kRequired);
  if (!message.ok()) return Verdict("refused", message.status());
  absl::Status last;
  for (const char* name : {"tamP", "tamE", "agent", "verifier"}) {
    const std::string pem = ReadFile(Concat(folder, "keys/libteep-", name, ".pub.pem"));
    const auto key = keys::ParsePublicKeyFile(AsBytes(pem));
    if (!key.ok()) return Verdict("refused", key.status());
    const auto payload = message->Verify(*key, AlgorithmPolicy::WithOlderNumbers());
    if (payload.ok()) return {"cose-valid", ""};
    last = payload.status();
  }
  return Verdict("cose-unknown-key", last);
}

// Opens under the context that the row names, to the plaintext that it names, and under no other.
Judgement JudgeEncrypt(const VectorCase& row, const std::string& folder) {
  const std::string bytes = ReadFile(folder + Value(row, "file"));
  const auto message = EncryptedMessage::Parse(AsBytes(bytes), TagRule::kRequired);
  if (!message.ok()) return Verdict("refused", message.status());
  const auto key =
      keys::ParseAgreementKeyFile(AsBytes(ReadFile(folder + "keys/t-tam-ecdh-p256.priv.pem")));
  if (!key.ok()) return Verdict("refused", key.status());
  const std::string named = Quoted(Value(row, "what"));
  bool opened = false;
  for (const std::string_view other :
       {kEatEncryption, kSuitReportEncryption, kSuitPayloadEncryption, std::string_view()}) {
    const auto payload = message->Decrypt(*key, other);
    if (payload.ok() != (other == named)) return {"refused", Concat("context \"", other, "\"")};
    if (!payload.ok()) continue;
    if (cbor::AsView(payload->bytes()) != Quoted(Value(row, "expect"))) {
      return {"refused", "another plaintext"};
    }
    opened = true;
  }
  return opened ? Judgement{"decrypts", ""} : Judgement{"refused", "no context is named"};
}

// A SUIT_Encryption_Info and its ciphertext lie in one folder under the same name.
absl::Status JudgeFirmware(const std::string& folder, const std::string& name,
                           std::string_view plaintext) {
  const std::string info =
      ReadFile(Concat(folder, "suit/firmware-encryption/encryption-info-", name, ".cbor"));
  const std::string ciphertext =
      ReadFile(Concat(folder, "suit/firmware-encryption/ciphertext-", name, ".bin"));
  const auto message = EncryptedMessage::Parse(AsBytes(info), TagRule::kRequired);
  if (!message.ok()) return message.status();
  const std::string kek =
      Json::parse(ReadFile(folder + "keys/suit-symmetric.json"))["aeskw_kek_ascii"];
  const auto device = keys::ParseAgreementKeyFile(
      AsBytes(ReadFile(folder + "keys/suit-recipient-ecdh.priv.jwk.json")));
  if (!device.ok()) return device.status();
  const auto payload =
      message->recipients()[0].algorithm == kA128Kw
          ? message->DecryptDetachedWithSecret(AsBytes(kek), AsBytes(ciphertext))
          : message->DecryptDetached(*device, kSuitPayloadEncryption, AsBytes(ciphertext));
  if (!payload.ok()) return payload.status();
  if (cbor::AsView(payload->bytes()) == plaintext) return absl::OkStatus();
  return absl::DataLossError("another plaintext");
}

Judgement JudgeFirmwareRow(const VectorCase& row, const std::string& folder,
                           std::string_view prefix, std::string_view verdict) {
  const std::string file = Value(row, "file");
  const size_t begin = file.find(prefix) + prefix.size();
  const std::string name = file.substr(begin, file.rfind('.') - begin);
  const absl::Status status = JudgeFirmware(folder, name, Quoted(Value(row, "verified")));
  return status.ok() ? Judgement{std::string(verdict), ""} : Verdict("refused", status);
}

Judgement JudgeJson(const VectorCase& row, const std::string& folder) {
  const absl::Status status = JudgeJsonVector(Json::parse(ReadFile(folder + Value(row, "file"))));
  return Verdict(status.ok() ? "valid" : "invalid", status);
}

Judgement JudgeInfo(const VectorCase& row, const std::string& folder) {
  return JudgeFirmwareRow(row, folder, "encryption-info-", "decrypts");
}

Judgement JudgeCiphertext(const VectorCase& row, const std::string& folder) {
  return JudgeFirmwareRow(row, folder, "ciphertext-", "data");
}

}  // namespace

const tam::testing::Judges& VectorJudges() {
  static const auto& judges = *new tam::testing::Judges{
      {"key", JudgeKey},
      {"COSE_Key", JudgeKey},
      {"COSE_Sign1/COSE_Sign", JudgeSignature},
      {"COSE_Encrypt", JudgeEncrypt},
      {"COSE JSON vector", JudgeJson},
      {"SUIT_Encryption_Info (COSE_Encrypt, detached)", JudgeInfo},
      {"ciphertext", JudgeCiphertext},
  };
  return judges;
}

}  // namespace tam::cose::testing

#include "teep/suit/testing/vector_judges.h"

#include <nlohmann/json.hpp>
#include <set>
#include <string_view>
#include <vector>

#include "absl/strings/escaping.h"
#include "crypto/cbor/cbor.h"
#include "crypto/cose/encrypt.h"
#include "crypto/keys/key.h"
#include "crypto/keys/key_file.h"
#include "crypto/secret/secret.h"
#include "crypto/text/text.h"
#include "teep/suit/commands.h"
#include "teep/suit/envelope.h"
#include "teep/suit/report.h"
#include "teep/suit/status_macros.h"

namespace tam::suit::testing {
namespace {

using cbor::AsBytes;
using tam::testing::Judgement;
using tam::testing::ReadFile;
using tam::testing::Value;
using tam::testing::VectorCase;

bool Contains(std::string_view text, std::string_view part) {
  return text.find(part) != std::string_view::npos;
}

std::string SymmetricKey(const std::string& folder, const char* name) {
  return nlohmann::json::parse(ReadFile(folder + "keys/suit-symmetric.json"))[name];
}

absl::StatusOr<VerifiedEnvelope> Verify(const std::string& bytes, const std::string& folder,
                                        const std::string& key) {
  SUIT_ASSIGN_OR_RETURN(Envelope envelope, Envelope::Parse(AsBytes(bytes)));
  if (key == "suit-symmetric") {
    const std::string secret = SymmetricKey(folder, "hmac256_key_ascii");
    SUIT_ASSIGN_OR_RETURN(const keys::MacKey mac, keys::MacKey::FromBytes(AsBytes(secret)));
    return VerifiedEnvelope::VerifyMac(std::move(envelope), mac);
  }
  const std::string file = ReadFile(Concat(folder, "keys/", key, ".pub.pem"));
  SUIT_ASSIGN_OR_RETURN(const keys::PublicKey anchor, keys::ParsePublicKeyFile(AsBytes(file)));
  return VerifiedEnvelope::Verify(std::move(envelope), {&anchor, 1});
}

// The key that the row's text names; the developer's where it names none.
std::string KeyOf(const VectorCase& row) {
  for (const char* key : {"suit-symmetric", "suit-fwenc-dependent"}) {
    if (Contains(Value(row, "expect"), key)) return key;
  }
  return "suit-example";
}

// What commands of a manifest set, in any of its sequences.
struct Settings {
  struct Sealed {
    std::string content;
    std::string info;
  };
  std::vector<Sealed> sealed;
  std::set<std::string> digests;  // SHA-256
};

absl::Status AddParameters(const cbor::Item& map, Settings& out) {
  if (const auto digest = map.Find(parameter::kImageDigest)) {
    SUIT_ASSIGN_OR_RETURN(const Bytes bytes, digest->ByteString());
    SUIT_ASSIGN_OR_RETURN(const Digest parsed, ParseDigest(bytes, "image-digest"));
    out.digests.insert(parsed.bytes);
  }
  const auto content = map.Find(parameter::kContent);
  const auto info = map.Find(parameter::kEncryptionInfo);
  if (!content.has_value() || !info.has_value()) return absl::OkStatus();
  SUIT_ASSIGN_OR_RETURN(const Bytes sealed, content->ByteString());
  SUIT_ASSIGN_OR_RETURN(const Bytes header, info->ByteString());
  out.sealed.push_back({cbor::AsString(sealed), cbor::AsString(header)});
  return absl::OkStatus();
}

absl::Status AddSequence(const CommandSequence& sequence, Settings& out) {
  for (const Command& command : sequence) {
    if (command.code != command::kOverrideParameters) continue;
    SUIT_ASSIGN_OR_RETURN(const cbor::Document document,
                          cbor::Document::Parse(AsBytes(command.argument)));
    SUIT_RETURN_IF_ERROR(AddParameters(document.root(), out));
  }
  return absl::OkStatus();
}

absl::StatusOr<std::string> Decrypt(const Settings::Sealed& sealed, const std::string& folder) {
  SUIT_ASSIGN_OR_RETURN(const auto message, cose::EncryptedMessage::Parse(
                                                AsBytes(sealed.info), cose::TagRule::kRequired));
  const std::string file = ReadFile(folder + "keys/suit-recipient-ecdh.priv.jwk.json");
  SUIT_ASSIGN_OR_RETURN(const auto key, keys::ParseAgreementKeyFile(AsBytes(file)));
  const std::string kek = SymmetricKey(folder, "aeskw_kek_ascii");
  auto payload =
      message.recipients()[0].algorithm == cose::kA128Kw
          ? message.DecryptDetachedWithSecret(AsBytes(kek), AsBytes(sealed.content))
          : message.DecryptDetached(key, cose::kSuitPayloadEncryption, AsBytes(sealed.content));
  if (!payload.ok()) return payload.status();
  return cbor::AsString(payload->bytes());
}

absl::Status AddManifest(const Manifest& manifest, Settings& out) {
  SUIT_RETURN_IF_ERROR(AddSequence(manifest.shared_sequence, out));
  for (const auto& [section, sequence] : manifest.sequences) {
    SUIT_RETURN_IF_ERROR(AddSequence(sequence, out));
  }
  return absl::OkStatus();
}

// Content decrypts, to an image that the manifest or a dependency in it names where they name any.
absl::Status CheckSealedContent(const Settings& settings, const std::string& folder, bool wanted) {
  if (wanted && settings.sealed.empty()) return absl::NotFoundError("no encrypted content");
  for (const Settings::Sealed& sealed : settings.sealed) {
    SUIT_ASSIGN_OR_RETURN(const std::string plaintext, Decrypt(sealed, folder));
    const auto digest = secret::Sha256(AsBytes(plaintext));
    if (settings.digests.empty()) continue;
    if (settings.digests.contains(std::string(cbor::AsView(digest)))) continue;
    return absl::DataLossError("content: want the image-digest of the manifest, got another");
  }
  return absl::OkStatus();
}

absl::Status CheckEnvelope(const VectorCase& row, const std::string& folder) {
  SUIT_ASSIGN_OR_RETURN(const VerifiedEnvelope verified,
                        Verify(ReadFile(folder + Value(row, "file")), folder, KeyOf(row)));
  SUIT_RETURN_IF_ERROR(CollectComponentFacts(verified.manifest()).status());
  Settings settings;
  SUIT_RETURN_IF_ERROR(AddManifest(verified.manifest(), settings));
  for (const auto& [name, bytes] : verified.envelope().integrated_payloads()) {
    if (name != "#dependent.suit" && name != "#dependency-manifest") continue;
    SUIT_ASSIGN_OR_RETURN(const VerifiedEnvelope inner, Verify(bytes, folder, "suit-example"));
    SUIT_RETURN_IF_ERROR(AddManifest(inner.manifest(), settings));
  }
  return CheckSealedContent(settings, folder, Contains(Value(row, "expect"), "decrypts"));
}

Judgement Refused(const absl::Status& status) {
  return {"refused", std::string(StdView(status.message()))};
}

Judgement JudgeEnvelope(const VectorCase& row, const std::string& folder) {
  const absl::Status status = CheckEnvelope(row, folder);
  return status.ok() ? Judgement{"valid", ""} : Refused(status);
}

Judgement JudgeUpload(const VectorCase& row, const std::string& folder) {
  const auto verified = Verify(ReadFile(folder + Value(row, "file")), folder, "suit-example");
  const absl::Status status = verified.ok() ? CheckPublishable(*verified) : verified.status();
  return status.ok() ? Judgement{"accept", ""} : Refused(status);
}

// Its own bytes again when encoded, with the nonce that the row states.
Judgement JudgeReport(const VectorCase& row, const std::string& folder) {
  const std::string bytes = ReadFile(folder + Value(row, "file"));
  const auto report = ParseReport(AsBytes(bytes));
  if (!report.ok()) return Refused(report.status());
  const auto encoded = EncodeReport(*report);
  if (!encoded.ok()) return Refused(encoded.status());
  if (*encoded != bytes) return {"refused", "encodes to other bytes"};
  const std::string nonce = absl::BytesToHexString(AbslView(report->nonce.value_or("")));
  if (Value(row, "expect") == "nonce " + nonce) return {"valid", ""};
  return {"refused", "the nonce is " + nonce};
}

Judgement JudgePayload(const VectorCase& row, const std::string& folder) {
  const auto digest = secret::Sha256(AsBytes(ReadFile(folder + Value(row, "file"))));
  const std::string hex = absl::BytesToHexString(AbslView(cbor::AsView(digest)));
  if (Contains(Value(row, "verified"), hex)) return {"data", ""};
  return {"refused", "the digest is " + hex};
}

}  // namespace

const tam::testing::Judges& VectorJudges() {
  static const auto& judges = *new tam::testing::Judges{
      {"suit-envelope", JudgeEnvelope},
      {"developer upload", JudgeUpload},
      {"NEGATIVE developer upload", JudgeUpload},
      {"SUIT_Report", JudgeReport},
      {"payload", JudgePayload},
  };
  return judges;
}

}  // namespace tam::suit::testing

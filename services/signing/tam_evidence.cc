#include "services/signing/tam_evidence.h"

#include <fstream>
#include <iterator>

#include "crypto/cbor/cbor.h"
#include "crypto/secret/secret.h"
#include "crypto/text/text.h"
#include "services/signing/compose.h"

namespace tam::signing {
namespace {

constexpr char kModel[] = "tamd";
constexpr char kHardwareVersion[] = "any";  // a program knows nothing of the machine below it
constexpr size_t kOemIdSize = 16;
constexpr size_t kUeidSize = 16;
constexpr char kRandUeid = 1;

std::string Hash(const std::string& text, size_t size) {
  return cbor::AsString(secret::Sha256(cbor::AsBytes(text))).substr(0, size);
}

absl::StatusOr<std::string> ReadProgramDigest() {
  std::ifstream program("/proc/self/exe", std::ios::binary);
  const std::string bytes{std::istreambuf_iterator<char>(program), {}};
  if (!program.good() && !program.eof()) return absl::InternalError("/proc/self/exe: unreadable");
  if (bytes.empty()) return absl::InternalError("/proc/self/exe: want a program, got nothing");
  return cbor::AsString(secret::Sha256(cbor::AsBytes(bytes)));
}

}  // namespace

absl::StatusOr<std::string> ProgramDigest() {
  static const auto& digest = *new absl::StatusOr<std::string>(ReadProgramDigest());
  return digest;
}

std::string TamEvidenceFormat() {
  return eat::FormatMediaType({.type = "application",
                               .subtype = "eat+cwt",
                               .parameters = {{"eat_profile", eat::kEvidenceProfile}}});
}

absl::StatusOr<eat::Claims> ComposeTamEvidence(const v1::TamAttestation& asked,
                                               const storage::TenantId& tenant,
                                               const keys::Thumbprint& message_key, absl::Time now,
                                               const std::string& program_digest) {
  eat::Claims claims;
  if (!asked.nonce().empty()) {
    if (asked.nonce().size() < kMinNonce || asked.nonce().size() > kMaxNonce) {
      return absl::InvalidArgumentError(Concat("tam_attestation.nonce: want ", kMinNonce, "..",
                                               kMaxNonce, " bytes, got ", asked.nonce().size()));
    }
    claims.nonces = {asked.nonce()};
  }
  claims.profile = eat::kEvidenceProfile;
  claims.issued_at = absl::FromUnixSeconds(absl::ToUnixSeconds(now));
  claims.cnf = eat::Confirmation{std::nullopt, cbor::AsString(message_key), std::nullopt};
  claims.ueid = kRandUeid + Hash(Concat("tam", cbor::AsString(tenant.bytes())), kUeidSize);
  claims.oemid = Hash("tamarack", kOemIdSize);
  claims.hwmodel = kModel;
  claims.hwversion = kHardwareVersion;
  claims.measurements = {eat::EncodeMeasurements({{kModel, program_digest}})};
  return claims;
}

}  // namespace tam::signing

// EAT Attestation Results (draft-ietf-rats-ear) in CBOR: read, and judged by their trust vectors.
//
//   EAR = { 265: profile, 6: iat, ? 4: exp, 1004: { 0: developer, 1: build }, ? 1000: status,
//           ? 1002: raw evidence, ? 10: nonce, 266: { + name => appraisal } }
//   appraisal = { 1000: status, ? 1001: { * 0..7 => int8 }, ? 1003: [+ policy id], ? 10: nonce,
//                 ? 65000: TEEP claims }
#ifndef TAMARACK_TEEP_EAT_EAR_H_
#define TAMARACK_TEEP_EAT_EAR_H_

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "teep/eat/eat.h"

namespace tam::eat {

inline constexpr char kEarProfile[] = "tag:ietf.org,2026:rats/ear#03";

// Tiers of draft-ietf-rats-ar4si; the values are those of ear_status.
enum class EarTier : int64_t { kNone = 0, kAffirming = 2, kWarning = 32, kContraindicated = 96 };

// -1..1 none, 2..31 affirming, 32..95 warning, 96.. contraindicated; -2..-32, -33..-96 and below
// mirror them.
EarTier EarTierOf(int8_t value);

struct EarAppraisal {
  EarTier status = EarTier::kNone;
  std::map<uint64_t, int8_t> vector;  // 0..7
  std::vector<std::string> policies;
  std::optional<std::string> nonce;
  std::optional<Claims> teep_claims;  // 65000
  bool operator==(const EarAppraisal&) const = default;
};

struct Ear {
  std::string profile;
  absl::Time issued_at;
  std::optional<absl::Time> expires;
  std::string developer;
  std::string build;
  std::optional<EarTier> status;
  std::optional<std::string> nonce;
  bool has_raw_evidence = false;  // which is not kept: it identifies the device
  std::map<std::string, EarAppraisal> submods;
  bool operator==(const Ear&) const = default;
};

// The claims set of an EAR whose signature has been verified. Unknown claims are ignored.
// InvalidArgument with path: a mandatory claim missing, a type or range wrong, no appraisal or more
// than 32, more than 64 KiB.
absl::StatusOr<Ear> ParseEar(Bytes payload);

// OK only when the profile is among `profiles`, every appraisal's status is affirming, the overall
// one too where there is one, every entry of a vector is affirming or says nothing, the entries of
// `required` are affirming, and no status is better than its vector's worst entry. PermissionDenied
// "ear.NAME: want X, got Y" otherwise. Times and nonces are the caller's to check.
absl::Status CheckAffirming(const Ear& ear, const std::vector<std::string>& profiles,
                            const std::vector<uint64_t>& required);

}  // namespace tam::eat

#endif  // TAMARACK_TEEP_EAT_EAR_H_

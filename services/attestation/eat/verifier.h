// The EAT verifier: Evidence signed by a device's attestation key, and Attestation Results that a
// device brings from another verifier. Pure: no storage, no clock, no state; the same code serves
// the attestation service and offline use.
//
// Order (ATTESTATION.md section 1): bound and parse, select by media type, authenticate, then every
// other check, of which all findings are collected. A failure of the first three ends the matter
// with one finding, for nothing in an unauthentic token can be believed.
#ifndef TAMARACK_SERVICES_ATTESTATION_EAT_VERIFIER_H_
#define TAMARACK_SERVICES_ATTESTATION_EAT_VERIFIER_H_

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "crypto/keys/key.h"
#include "services/attestation/eat/appraisal.h"
#include "teep/eat/eat.h"

namespace tam::attestation {

inline constexpr size_t kMaxEvidenceBytes = size_t{64} * 1024;
inline constexpr absl::Duration kClockSkew = absl::Seconds(60);

// oemid: 3 or 16 bytes of the claim, or 4 bytes of a PEN, big endian. Empty parts: not known.
struct ClassId {
  std::string oemid;
  std::string hwmodel;
  bool operator==(const ClassId&) const = default;
};

// What the payload must be about.
struct Expectations {
  std::string challenge;  // eat_nonce must equal it, whole
  // Not empty: freshness by timestamp in place of the challenge. aud must equal it, iat be at most
  // eat::kMaxTimestampAge old, and eat_nonce absent.
  std::string audience;
  keys::Thumbprint agent{};  // the key that signed the TEEP message; cnf must name it
  std::string ueid;          // empty: not known yet
  ClassId device_class;      // a known part must be the payload's
  absl::Time at;             // the instant of the judgement
};

enum class MeasurementRule {
  // Digest maps (eat::ParseMeasurements): each name of the reference values present with one of its
  // digests, no name beyond them, and at least one reference value for the class.
  kReferenceValues,
  // Some, in digest maps that can be read: the reference values are not known here.
  kForm,
  // Not appraised.
  kIgnored,
};

struct EvidencePolicy {
  std::vector<std::string> profiles;  // accepted eat_profile values of the media type
  std::vector<keys::PublicKey> keys;  // attestation keys registered for the device
  std::map<std::string, std::set<std::string>> reference_values;  // name -> SHA-256 digests
  MeasurementRule measurements = MeasurementRule::kReferenceValues;
};

struct ResultPolicy {
  std::vector<std::string> profiles;       // accepted names of the TEEP profile
  std::vector<keys::PublicKey> verifiers;  // whose results are believed (T-34)
};

// -9 and -19, and -7 and -8 with a key that fits.
Appraisal AppraiseEvidence(const std::string& format, eat::Bytes payload,
                           const EvidencePolicy& policy, const Expectations& expected);
// `format` nullopt: absent, the TEEP profile.
Appraisal AppraiseResult(const std::optional<std::string>& format, eat::Bytes payload,
                         const ResultPolicy& policy, const Expectations& expected);

// What AppraiseEvidence would find whatever the tenant had registered: for who knows neither
// attestation keys nor reference values (`tamctl check`). Empty is no acceptance, but that nothing
// here stands against one. Other than there:
//   - any eat_profile may be the media type's;
//   - whoever may have signed, but one of `known` that the kid names must have;
//   - of another profile than eat::kEvidenceProfile, whose claims are for its own verifier, no more
//     is asked than times, freshness, and that a profile or cnf that is there be the right one.
std::vector<Finding> PreviewEvidence(const std::string& format, eat::Bytes payload,
                                     const std::vector<keys::PublicKey>& known,
                                     const Expectations& expected);

// The class that a token claims, with nothing verified: to look reference values up, no more.
// InvalidArgument where the token or the claims cannot be read; parts that are absent are empty.
absl::StatusOr<ClassId> ClaimedClass(eat::Bytes payload);
// The class of parsed claims.
ClassId ClassOf(const eat::Claims& claims);

}  // namespace tam::attestation

#endif  // TAMARACK_SERVICES_ATTESTATION_EAT_VERIFIER_H_

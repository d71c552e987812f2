// What every verifier of evidence takes and gives, whatever its format: one folder a format beside
// this one. Verifiers are pure: no storage, no clock, no network; the service and `tamctl
// attestation verify` run the same ones.
//
// Order of each (ATTESTATION.md section 1): bound and parse, authenticate, bind. The first failure
// of these ends the matter with one finding and no claims, for nothing in unauthentic evidence can
// be believed. What is authentic is then judged, and all of that is reported.
#ifndef TAMARACK_SERVICES_ATTESTATION_EVIDENCE_EVIDENCE_H_
#define TAMARACK_SERVICES_ATTESTATION_EVIDENCE_EVIDENCE_H_

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/time/time.h"
#include "absl/types/span.h"
#include "crypto/keys/key.h"
#include "services/attestation/eat/appraisal.h"

namespace tam::attestation {

using Bytes = absl::Span<const uint8_t>;

// Enough for each format (ATTESTATION.md section 1); more is refused before anything is read.
inline constexpr size_t kMaxEvidenceBytes = 64 << 10;

// From the device or a file: hostile, and so is what travels beside the evidence.
struct EvidenceInput {
  Bytes evidence;  // at most kMaxEvidenceBytes
  // What the media type's profile parameter says ("tag:psacertified.org,2023:psa#tfm"); the
  // evidence must agree. Empty: the media type has none, and a verifier takes each that it knows.
  std::string profile;
  std::vector<std::string> certificates;  // DER, the leaf first, where the evidence bears none
  std::map<uint16_t, std::map<uint32_t, std::string>> pcrs;  // TPM: hash algorithm, index, value
  std::string event_log;
  std::string signature;    // TPM: bare, where it stands apart from the quote
  std::string public_area;  // TPM: TPMT_PUBLIC or SubjectPublicKeyInfo of the attestation key
  // By name: "tcb_info", "qe_identity", "pck_crl", "root_ca_crl", "tcb_info_issuer_chain", ...
  // Checked like those of TrustedInput before any is used.
  std::map<std::string, std::string> collateral;
};

// Configured by the tenant, and believed.
struct TrustedInput {
  std::vector<std::string> anchors;   // DER; compared as keys, never by name
  std::vector<keys::PublicKey> keys;  // attestation keys registered without a certificate
  // Of those keys: the one instance (the format's octets) that each may speak for. A key that is
  // not here may speak for any.
  std::map<keys::Thumbprint, std::string> key_instances;
  // Attestation keys that device and verifier share: COSE_Mac0 alone.
  std::vector<keys::MacKey> mac_keys;
  // Registered attestation keys as SubjectPublicKeyInfo (DER), for kinds that keys::PublicKey has
  // not: TPMs sign with RSA.
  std::vector<std::string> key_infos;
  std::map<std::string, std::string> collateral;
  // Certificate revocation lists, DER, for formats whose collateral names none.
  std::vector<std::string> crls;
  // For how long collateral counts after its next update: what a policy says that accepts expired
  // collateral. What it is used for is warned of, and affirms nothing. Certificates have none.
  absl::Duration collateral_grace = absl::ZeroDuration();
};

// What the evidence must be about.
struct Subject {
  // The instant of the judgement. Nothing here reads a clock.
  absl::Time at;
  // The exact octets of the format's own field for freshness (EAT and PSA nonce, report data,
  // qualifying data, CCA challenge, Nitro nonce). Nullopt: not asked for (offline use alone).
  std::optional<std::string> nonce;
};

// What the trusted computing base is worth; ATTESTATION.md section 6.1, in Intel's words.
enum class TcbStatus {
  kNone,  // the format has no such thing
  kUpToDate,
  kSwHardeningNeeded,
  kConfigurationNeeded,
  kConfigurationAndSwHardeningNeeded,
  kTdRelaunchAdvised,
  kTdRelaunchAdvisedConfigurationNeeded,
  kOutOfDate,
  kOutOfDateConfigurationNeeded,
  kRevoked,
  kNotSupported,
  kUnknown,  // collateral is missing
};

struct Tcb {
  TcbStatus status = TcbStatus::kNone;    // converged
  TcbStatus platform = TcbStatus::kNone;  // its parts
  TcbStatus qe = TcbStatus::kNone;
  TcbStatus module = TcbStatus::kNone;
  absl::Time date = absl::InfinitePast();
  std::vector<std::string> advisories;
  uint32_t evaluation_number = 0;
  // When the first of the collateral that led here expires.
  absl::Time until = absl::InfiniteFuture();
  bool operator==(const Tcb&) const = default;
};

// Authentic claims in terms that hold for all formats.
struct EvidenceClaims {
  // Names one device or platform; empty: masked, or the format has none.
  std::string instance;
  // The attestation key belongs to that one device (IAK, TPM AK), not to a host and all its guests.
  bool key_is_the_devices = false;
  keys::Thumbprint key{};      // of a registered attestation key that signed; zeros: by a chain
  std::string platform_class;  // FMSPC, product, implementation id, ...
  // Named digests to be compared with reference values: "mrenclave", "rtmr0", "pcr.sha256.7", a
  // component's type, ...
  std::map<std::string, std::string> measurements;
  // Named numbers a policy can bound: "isvsvn", "isvprodid", "tee_tcb_svn.0", "vmpl", "guest_svn",
  // ...
  std::map<std::string, uint64_t> numbers;
  // Further names and values, for people: text, or bytes as hexadecimal.
  std::map<std::string, std::string> details;
  bool debug = false;  // of the TEE, its lifecycle, or its boot
  Tcb tcb;
};

// What a verifier says.
struct EvidenceVerdict {
  // Set exactly when `unauthentic` is empty.
  std::optional<EvidenceClaims> claims;
  // The one reason for which it is not authentic, fresh, or bound.
  std::vector<Finding> unauthentic;
  // Of what is authentic: everything that a policy without exceptions refuses or warns of. Debug, a
  // lifecycle, a status of the TCB; not measurements, for which a verifier has no reference values.
  std::vector<Finding> refused;
  std::vector<Finding> warned;
  TrustVector trust;

  bool authentic() const { return unauthentic.empty(); }
  static EvidenceVerdict Unauthentic(Finding finding) {
    EvidenceVerdict verdict;
    verdict.unauthentic.push_back(std::move(finding));
    verdict.trust = TrustVector::CryptoFailed();
    return verdict;
  }
};

}  // namespace tam::attestation

#endif  // TAMARACK_SERVICES_ATTESTATION_EVIDENCE_EVIDENCE_H_

// All of a quote but its own signature: the platform that a quoting enclave ran on, what Intel says
// of both, and the attestation key that this enclave vouches for. It stays the same for months,
// quote after quote, so it is verified once and kept (PlatformCache); what then remains of each
// quote is one signature.
//
// ATTESTATION.md section 6.1, steps 1 to 8 but 5.
#ifndef TAMARACK_SERVICES_ATTESTATION_DCAP_PLATFORM_H_
#define TAMARACK_SERVICES_ATTESTATION_DCAP_PLATFORM_H_

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "crypto/keys/key.h"
#include "crypto/secret/secret.h"
#include "crypto/x509/anchored.h"
#include "services/attestation/dcap/collateral.h"
#include "services/attestation/dcap/pck.h"
#include "services/attestation/dcap/quote.h"
#include "services/attestation/evidence/evidence.h"

namespace tam::attestation::dcap {

// What a tenant trusts, read once and named by a digest. Immutable, cheap to copy, thread safe.
class Trust {
 public:
  explicit Trust(TrustedInput input);

  const TrustedInput& input() const { return state_->input; }
  const std::vector<x509::Certificate>& anchors() const { return state_->anchors; }
  // InvalidArgument where an anchor is no certificate.
  const absl::Status& status() const { return state_->status; }
  const secret::Digest256& digest() const { return state_->digest; }

 private:
  struct State {
    TrustedInput input;
    std::vector<x509::Certificate> anchors;
    absl::Status status;
    secret::Digest256 digest;
  };
  std::shared_ptr<const State> state_;
};

// When a thing is valid; both ends included.
struct Window {
  absl::Time from = absl::InfinitePast();
  absl::Time until = absl::InfiniteFuture();
  void Narrow(absl::Time later, absl::Time earlier);
  bool Contains(absl::Time at) const { return from <= at && at <= until; }
};

// Built by VerifyPlatform alone: what is in it was verified. Immutable, thread safe.
class VerifiedPlatform {
 public:
  const keys::PublicKey& attestation_key() const { return *attestation_key_; }
  const PckFacts& pck() const { return pck_; }
  uint16_t qe_isv_svn() const { return qe_isv_svn_; }
  // Null where the collateral is missing.
  const TcbInfo* tcb_info() const { return tcb_info_ ? &*tcb_info_ : nullptr; }
  const QeIdentity* qe_identity() const { return qe_identity_ ? &*qe_identity_ : nullptr; }
  // When all that was used here is valid; the instant of verification is within it but for what
  // `late` names.
  const Window& window() const { return window_; }
  // The certificates' alone.
  const Window& pck_window() const { return pck_window_; }
  const std::vector<Finding>& missing() const { return missing_; }  // collateral
  const std::vector<Finding>& late() const { return late_; }  // past its next update, within grace

 private:
  friend class PlatformVerifier;
  VerifiedPlatform() = default;
  std::optional<keys::PublicKey> attestation_key_;  // always
  PckFacts pck_;
  uint16_t qe_isv_svn_ = 0;
  std::optional<TcbInfo> tcb_info_;
  std::optional<QeIdentity> qe_identity_;
  Window window_;
  Window pck_window_;
  std::vector<Finding> missing_;
  std::vector<Finding> late_;
};

// Each piece of collateral as it counts: the tenant's where it has one of that name, else what came
// with the evidence, which the same checks meet.
std::string_view PickCollateral(const EvidenceInput& evidence, const Trust& trust,
                                const std::string& name);

// Nine ECDSA verifications with that of the quote, where all collateral is there. Unauthenticated
// or InvalidArgument "claim: want …, got …" for the first thing that is wrong.
absl::StatusOr<std::shared_ptr<const VerifiedPlatform>> VerifyPlatform(
    const Quote& quote, const EvidenceInput& evidence, const Trust& trust, absl::Time at);

// A digest of all bytes that VerifyPlatform looks at, and of nothing else: two quotes with the same
// one are of the same platform and key, by the same collateral and anchors.
secret::Digest256 PlatformDigest(const Quote& quote, const EvidenceInput& evidence,
                                 const Trust& trust);

}  // namespace tam::attestation::dcap

#endif  // TAMARACK_SERVICES_ATTESTATION_DCAP_PLATFORM_H_

// A quote of a TPM of tests, to be changed and verified.
#ifndef TAMARACK_SERVICES_ATTESTATION_TPM_TPM_FIXTURE_H_
#define TAMARACK_SERVICES_ATTESTATION_TPM_TPM_FIXTURE_H_

#include <string>
#include <vector>

#include "crypto/cbor/cbor.h"
#include "gtest/gtest.h"
#include "services/attestation/tpm/testing/device.h"
#include "services/attestation/tpm/tpm.h"

namespace tam::attestation {

inline const absl::Time kAt = absl::FromUnixSeconds(1'800'000'000);

inline std::vector<std::string> Claims(const std::vector<Finding>& findings) {
  std::vector<std::string> claims;
  for (const Finding& finding : findings) claims.push_back(finding.claim);
  return claims;
}

inline std::string Why(const EvidenceVerdict& verdict) {
  return verdict.authentic() ? "" : verdict.unauthentic.front().claim;
}

class TpmTest : public ::testing::Test {
 protected:
  // What `device` sends of a quote, and what is trusted of it.
  void Take(const tpm::testing::Device& device,
            const tpm::testing::QuoteSpec& spec = tpm::testing::QuoteSpec()) {
    attest_ = device.Quote(spec);
    input_ = EvidenceInput();
    input_.signature = device.Sign(attest_);
    input_.public_area = device.PublicArea();
    input_.certificates = device.certificates();
    input_.pcrs = spec.pcrs;
    trusted_ = TrustedInput();
    trusted_.anchors = {device.root().der};
    subject_ = {kAt, spec.extra_data};
  }

  EvidenceVerdict Verify() {
    input_.evidence = cbor::AsBytes(attest_);
    return VerifyTpm(input_, trusted_, subject_);
  }

  static const tpm::testing::Device& device() {
    static const auto& device = *new tpm::testing::Device();
    return device;
  }

  std::string attest_;
  EvidenceInput input_;
  TrustedInput trusted_;
  Subject subject_;
};

}  // namespace tam::attestation

#endif  // TAMARACK_SERVICES_ATTESTATION_TPM_TPM_FIXTURE_H_

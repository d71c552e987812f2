// Any bytes as a report, with the certificates of a platform made here. Only what it signed is
// authentic, every refusal says why, and what is signed over any content is judged without harm.
#include <cstdlib>
#include <string>

#include "services/attestation/snp/snp.h"
#include "services/attestation/snp/testing/platform.h"

namespace tam::attestation {
namespace {

void Require(bool condition) {
  if (!condition) std::abort();
}

EvidenceVerdict Verify(const snp::testing::Platform& platform, Bytes report) {
  EvidenceInput input;
  input.evidence = report;
  input.certificates = platform.certificates();
  TrustedInput trusted;
  trusted.anchors = {platform.ark().der};
  return VerifySnp(input, trusted, {absl::FromUnixSeconds(1'800'000'000), std::nullopt});
}

void CheckVerdict(const EvidenceVerdict& verdict) {
  Require(verdict.authentic() == verdict.claims.has_value());
  for (const auto* list : {&verdict.unauthentic, &verdict.refused, &verdict.warned}) {
    for (const Finding& finding : *list) Require(!finding.claim.empty());
  }
}

void CheckInput(Bytes input) {
  static const auto& platform = *new snp::testing::Platform();
  const EvidenceVerdict verdict = Verify(platform, input);
  Require(!verdict.authentic());  // no input holds a signature of that key
  CheckVerdict(verdict);
  if (input.size() != snp::kReportBytes) return;
  const std::string own =
      platform.Sign(std::string(reinterpret_cast<const char*>(input.data()), input.size()));
  CheckVerdict(Verify(platform, Bytes(reinterpret_cast<const uint8_t*>(own.data()), own.size())));
}

}  // namespace
}  // namespace tam::attestation

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  tam::attestation::CheckInput(tam::attestation::Bytes(data, size));
  return 0;
}

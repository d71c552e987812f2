// The first byte says what the rest is: a quote (also signed by a key that is registered), a
// signature, a public area, an event log, an Azure vTPM's report. Every refusal says why, nothing
// but what the key signed is authentic, and a log that is read is within its bounds.
#include <cstdlib>
#include <string>

#include "crypto/cbor/cbor.h"
#include "services/attestation/tpm/event_log.h"
#include "services/attestation/tpm/hcl_report.h"
#include "services/attestation/tpm/testing/device.h"
#include "services/attestation/tpm/tpm.h"

namespace tam::attestation {
namespace {

using tpm::testing::Device;

void Require(bool condition) {
  if (!condition) std::abort();
}

const Device& OurDevice() {
  static const auto& device =
      *new Device({.kind = verify::Kind::kP256, .scheme = tpm::Scheme::kEcdsa});
  return device;
}

EvidenceVerdict Verify(const std::string& attest, const EvidenceInput& with) {
  EvidenceInput input = with;
  input.evidence = cbor::AsBytes(attest);
  TrustedInput trusted;
  trusted.key_infos = {OurDevice().ak().key.Spki()};
  EvidenceVerdict verdict =
      VerifyTpm(input, trusted, {absl::FromUnixSeconds(1'800'000'000), std::nullopt});
  Require(verdict.authentic() == verdict.claims.has_value());
  for (const auto* list : {&verdict.unauthentic, &verdict.refused, &verdict.warned}) {
    for (const Finding& finding : *list) Require(!finding.claim.empty());
  }
  return verdict;
}

EvidenceInput Right(const std::string& attest) {
  EvidenceInput input;
  input.signature = OurDevice().Sign(attest);
  input.public_area = OurDevice().PublicArea();
  input.pcrs = tpm::testing::SomePcrs();
  return input;
}

void CheckLog(const std::string& bytes) {
  const auto log = tpm::ReplayEventLog(bytes);
  const auto* read = std::get_if<tpm::EventLog>(&log);
  Require(read == nullptr || read->events <= tpm::kMaxEvents);
  const std::string quote = OurDevice().Quote();
  EvidenceInput input = Right(quote);
  input.event_log = bytes;
  Require(Verify(quote, input).authentic());
}

void CheckHclReport(const std::string& bytes) {
  const auto report = tpm::ParseHclReport(bytes);
  if (const auto* read = std::get_if<tpm::HclReport>(&report)) {
    const auto key = tpm::AttestationKeyOf(*read);
    const auto* wrong = std::get_if<Finding>(&key);
    Require(wrong == nullptr || !wrong->claim.empty());
  }
}

void CheckInput(uint8_t what, const std::string& bytes) {
  const std::string quote = OurDevice().Quote();
  EvidenceInput input = Right(quote);
  switch (what % 5) {
    case 0:
      Require(!Verify(bytes, input).authentic() || bytes == quote);
      Verify(bytes, Right(bytes));
      return;
    case 1:
      input.signature = bytes;
      Require(!Verify(quote, input).authentic());
      return;
    case 2:
      input.public_area = bytes;
      Verify(quote, input);
      return;
    case 3:
      return CheckLog(bytes);
    default:
      return CheckHclReport(bytes);
  }
}

}  // namespace
}  // namespace tam::attestation

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  tam::attestation::CheckInput(data[0],
                               std::string(reinterpret_cast<const char*>(data) + 1, size - 1));
  return 0;
}

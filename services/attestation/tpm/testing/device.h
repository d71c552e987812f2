// A TPM of tests: a key of its own, certified by a maker of its own, which signs quotes.
#ifndef TAMARACK_SERVICES_ATTESTATION_TPM_TESTING_DEVICE_H_
#define TAMARACK_SERVICES_ATTESTATION_TPM_TESTING_DEVICE_H_

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "crypto/verify/testing/issued.h"
#include "services/attestation/tpm/structures.h"

namespace tam::attestation::tpm::testing {

using Pcrs = std::map<uint16_t, std::map<uint32_t, std::string>>;

// PCR 0, 4 and 7 of SHA-256.
Pcrs SomePcrs();

struct QuoteSpec {
  uint32_t magic = 0xff544347;
  uint16_t type = 0x8018;
  std::string extra_data = std::string(32, 'n');
  uint8_t safe = 1;
  Pcrs pcrs = SomePcrs();  // all are selected
};

struct DeviceSpec {
  verify::Kind kind = verify::Kind::kRsa;
  Scheme scheme = Scheme::kRsassa;  // kEcdsa for elliptic keys
  uint16_t hash = kSha256;
  uint32_t attributes = 0x00050072;
  bool key_chooses = false;  // the public area names no scheme
  verify::testing::IssueSpec leaf = {.common_name = "AK", .purposes = "2.23.133.8.3"};
};

class Device {
 public:
  explicit Device(const DeviceSpec& spec = DeviceSpec());

  const verify::testing::Issued& root() const { return root_; }
  const verify::testing::Issued& issuer() const { return issuer_; }
  const verify::testing::Issued& ak() const { return ak_; }
  std::vector<std::string> certificates() const { return {ak_.der, issuer_.der}; }
  std::string PublicArea() const;
  std::string Quote(const QuoteSpec& spec = QuoteSpec()) const;
  // TPMT_SIGNATURE with `hash` (kSha1: a signature with SHA-256 that says SHA-1).
  std::string Sign(std::string_view attest) const;
  // The value alone.
  std::string SignBare(std::string_view attest) const;

 private:
  DeviceSpec spec_;
  verify::testing::Issued root_, issuer_, ak_;
};

// A crypto-agile event log of SHA-256.
struct LogEvent {
  uint32_t pcr = 0;
  uint32_t type = 0;
  std::string data;
  std::string digest;  // empty: of the data
};
std::string EventLogOf(const std::vector<LogEvent>& events);
// UEFI_VARIABLE_DATA of SecureBoot.
std::string SecureBootVariable(bool on);

// An Azure vTPM's report around a SEV-SNP report, whose report data must be `ReportDataFor(json)`.
std::string HclReportOf(std::string_view hardware_report, std::string_view json);
std::string ReportDataFor(std::string_view json);
// {"keys":[{"kid":"HCLAkPub",...}]}
std::string HclJson(const verify::testing::SigningKey& ak);

}  // namespace tam::attestation::tpm::testing

#endif  // TAMARACK_SERVICES_ATTESTATION_TPM_TESTING_DEVICE_H_

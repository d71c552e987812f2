// A processor with SEV-SNP of tests: an AMD of its own, which certified its key, and reports that
// it signs.
#ifndef TAMARACK_SERVICES_ATTESTATION_SNP_TESTING_PLATFORM_H_
#define TAMARACK_SERVICES_ATTESTATION_SNP_TESTING_PLATFORM_H_

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "crypto/verify/testing/issued.h"
#include "services/attestation/snp/report.h"

namespace tam::attestation::snp::testing {

struct PlatformSpec {
  Product product = Product::kMilan;
  Signer signer = Signer::kVcek;
  std::string issuer_product;                  // empty: the product's
  TcbBytes tcb = {3, 0, 0, 0, 0, 0, 8, 0xd1};  // the last part takes two octets in DER
  std::string chip_id = std::string(64, 'c');
  // Extensions of the signer's certificate below 1.3.6.1.4.1.3704.1 in place of the right ones;
  // empty content: left out.
  std::map<std::string, std::string> extensions;
  verify::testing::IssueSpec leaf;  // dates and serial number; AMD's serial number is 0
};

struct ReportSpec {
  uint32_t version = 2;
  uint64_t policy = 0x30000;
  uint32_t vmpl = 0;
  uint32_t flags = 0;
  std::string report_data = std::string(64, 'n');
  std::string measurement = std::string(48, 'm');
  std::string family_model_stepping = std::string("\x19\x01\x01", 3);  // version 3 and above
  TcbBytes current = {3, 0, 0, 0, 0, 0, 8, 0xd1};
  std::string chip_id = std::string(64, 'c');
};

class Platform {
 public:
  explicit Platform(const PlatformSpec& spec = PlatformSpec());

  const verify::testing::Issued& ark() const { return ark_; }
  const verify::testing::Issued& ask() const { return ask_; }
  const verify::testing::Issued& signer() const { return signer_; }
  // The signer's, then the ASK's.
  std::vector<std::string> certificates() const { return {signer_.der, ask_.der}; }

  std::string Report(const ReportSpec& spec = ReportSpec()) const;
  // Over the signed part of `report`, of which the rest is written anew.
  std::string Sign(std::string report) const;

 private:
  PlatformSpec spec_;
  verify::testing::Issued ark_, ask_, signer_;
};

}  // namespace tam::attestation::snp::testing

#endif  // TAMARACK_SERVICES_ATTESTATION_SNP_TESTING_PLATFORM_H_

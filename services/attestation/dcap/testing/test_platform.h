// An Intel platform of tests: its own root, PCK chain, quoting enclave, collateral and quotes, all
// right by default, and each part alterable before it is signed. Nothing of it leads to Intel's
// root. A failure ends the process.
#ifndef TAMARACK_SERVICES_ATTESTATION_DCAP_TESTING_TEST_PLATFORM_H_
#define TAMARACK_SERVICES_ATTESTATION_DCAP_TESTING_TEST_PLATFORM_H_

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/time/time.h"
#include "crypto/keys/key.h"
#include "crypto/x509/testing/issuer.h"
#include "services/attestation/dcap/collateral.h"
#include "services/attestation/dcap/quote.h"
#include "services/attestation/evidence/evidence.h"

namespace tam::attestation::dcap::testing {

// Within the dates of all that follows.
inline const absl::Time kNow = absl::FromUnixSeconds(1'800'000'000);

// Alters a part before it is signed or wrapped.
using Edit = std::function<void(std::string&)>;

// Replaces the one `from` in `text`; ends the process when it is not there.
void Replace(std::string& text, std::string_view from, std::string_view to);

struct PlatformSpec {
  Tee tee = Tee::kSgx;
  uint16_t version = 3;  // of the quote
  bool td15 = false;     // version 5 alone
  bool platform_ca = false;
  Components components = {5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 200};
  uint16_t pce_svn = 10;
  uint16_t qe_isv_svn = 6;
  absl::Time pck_not_after = absl::FromUnixSeconds(1'900'000'000);
  absl::Time issue_date = kNow - absl::Hours(240);
  absl::Time next_update = kNow + absl::Hours(480);
  std::vector<uint64_t> revoked_by_root = {};  // serials: 2 the CA, 4 the TCB signer
  std::vector<uint64_t> revoked_by_ca = {};    // 3 the PCK
  Edit body = {};                              // of the quote, before the attestation key signs
  Edit header = {};
  Edit qe_report = {};  // before the PCK signs
  Edit pck_extension = {};
  Edit tcb_info = {};  // the inner object, before it is signed
  Edit qe_identity = {};
  Edit pem = {};  // the certification data
  uint16_t certification_type = 5;
};

class TestPlatform {
 public:
  explicit TestPlatform(PlatformSpec spec = {});

  // Its root as the anchor, and all collateral.
  TrustedInput Trusted() const;
  // 64 bytes of report data, or fewer and zeros.
  std::string Quote(std::string_view report_data = "report data") const;
  // The chain as the quote bears it.
  std::string ChainPem() const;
  std::vector<std::string> ChainDer() const;
  const x509::testing::Issuer& root() const { return root_; }
  const x509::testing::Issuer& ca() const { return ca_; }

  // The inner objects as they are before they are altered, and the outer ones.
  std::string TcbInfo() const;
  std::string QeIdentity() const;
  std::string Sign(std::string_view member, const std::string& inner) const;

 private:
  std::string Body(std::string_view report_data) const;
  std::string Certified() const;

  PlatformSpec spec_;
  x509::testing::Issuer root_;
  x509::testing::Issuer ca_;
  x509::testing::Issuer pck_;
  x509::testing::Issuer signer_;
  keys::PrivateKey attestation_key_;
  // Made once, as a quoting enclave is certified once.
  std::string certified_;
};

}  // namespace tam::attestation::dcap::testing

#endif  // TAMARACK_SERVICES_ATTESTATION_DCAP_TESTING_TEST_PLATFORM_H_

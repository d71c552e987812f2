#include "services/attestation/snp/snp.h"

#include <string>
#include <vector>

#include "crypto/cbor/cbor.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "services/attestation/snp/testing/platform.h"

namespace tam::attestation {
namespace {

using snp::Product;
using snp::Signer;
using snp::TcbBytes;
using snp::testing::Platform;
using snp::testing::PlatformSpec;
using snp::testing::ReportSpec;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

const absl::Time kAt = absl::FromUnixSeconds(1'800'000'000);

EvidenceVerdict Verify(const Platform& platform, const std::string& report, absl::Time at = kAt) {
  EvidenceInput input;
  input.evidence = cbor::AsBytes(report);
  input.certificates = platform.certificates();
  TrustedInput trusted;
  trusted.anchors = {platform.ark().der};
  return VerifySnp(input, trusted, {at, std::string(64, 'n')});
}

std::vector<std::string> Claims(const std::vector<Finding>& findings) {
  std::vector<std::string> claims;
  for (const Finding& finding : findings) claims.push_back(finding.claim);
  return claims;
}

std::string Why(const EvidenceVerdict& verdict) {
  return verdict.authentic() ? "" : verdict.unauthentic.front().claim;
}

class SnpTest : public ::testing::Test {
 protected:
  const Platform& platform() {
    static const Platform& platform = *new Platform();
    return platform;
  }
};

TEST_F(SnpTest, AcceptsAReportOfItsOwnChip) {
  const EvidenceVerdict verdict = Verify(platform(), platform().Report());
  ASSERT_EQ(Why(verdict), "");
  EXPECT_THAT(verdict.refused, IsEmpty());
  EXPECT_THAT(verdict.warned, IsEmpty());
  EXPECT_EQ(verdict.claims->measurements.at("measurement"), std::string(48, 'm'));
  EXPECT_EQ(verdict.claims->instance.substr(0, 4), "6363");
  EXPECT_EQ(verdict.claims->platform_class, "Milan");
  EXPECT_EQ(verdict.claims->numbers.at("reported_tcb.microcode"), 0xd1u);
  EXPECT_EQ(verdict.claims->numbers.at("guest_svn"), 7u);
  EXPECT_EQ(verdict.claims->numbers.at("platform.alias_check"), 1u);
  EXPECT_EQ(verdict.claims->details.at("revocation"), "no list");
  EXPECT_FALSE(verdict.claims->key_is_the_devices);
  EXPECT_EQ(verdict.claims->tcb.until, absl::FromUnixSeconds(1'900'000'000));
  EXPECT_EQ(verdict.trust.hardware, 2);
}

TEST_F(SnpTest, RefusesEachFlippedByte) {
  const std::string report = platform().Report();
  for (size_t i = 0; i < report.size(); ++i) {
    for (const uint8_t bit : {0x01, 0x80}) {
      std::string flipped = report;
      flipped[i] = static_cast<char>(flipped[i] ^ bit);
      EXPECT_FALSE(Verify(platform(), flipped).authentic()) << i;
    }
  }
}

TEST_F(SnpTest, RefusesEachOtherLength) {
  const std::string report = platform().Report();
  for (size_t size = 0; size < report.size(); ++size) {
    EXPECT_EQ(Why(Verify(platform(), report.substr(0, size))), "report.size") << size;
  }
  EXPECT_EQ(Why(Verify(platform(), report + '\0')), "report.size");
}

TEST_F(SnpTest, RefusesAnotherNonceAndItsBeginning) {
  EvidenceInput input;
  const std::string report = platform().Report();
  input.evidence = cbor::AsBytes(report);
  input.certificates = platform().certificates();
  TrustedInput trusted;
  trusted.anchors = {platform().ark().der};
  for (const size_t size : {0, 1, 32, 63, 65}) {
    const Subject subject{kAt, std::string(size, 'n')};
    EXPECT_EQ(Why(VerifySnp(input, trusted, subject)), "report_data") << size;
  }
  EXPECT_TRUE(VerifySnp(input, trusted, {kAt, std::nullopt}).authentic());
}

TEST_F(SnpTest, RefusesOtherAnchorsAndChains) {
  const Platform other;
  const std::string report = platform().Report();
  EvidenceInput input;
  input.evidence = cbor::AsBytes(report);
  input.certificates = platform().certificates();
  TrustedInput trusted;
  EXPECT_EQ(Why(VerifySnp(input, trusted, {kAt, {}})), "chain[1].issuer");
  // The same name, another key.
  trusted.anchors = {other.ark().der};
  EXPECT_EQ(Why(VerifySnp(input, trusted, {kAt, {}})), "chain[1].signature");
  // A root that travels with the evidence is no anchor.
  input.certificates.push_back(platform().ark().der);
  EXPECT_EQ(Why(VerifySnp(input, trusted, {kAt, {}})), "chain[2].signature");
  trusted.anchors.push_back(platform().ark().der);
  EXPECT_EQ(Why(VerifySnp(input, trusted, {kAt, {}})), "");
  // Another chip's certificate, whose chain holds.
  input.certificates = other.certificates();
  EXPECT_EQ(Why(VerifySnp(input, trusted, {kAt, {}})), "signature");
  input.certificates = {platform().ask().der, platform().signer().der};
  EXPECT_EQ(Why(VerifySnp(input, trusted, {kAt, {}})), "chain[1].basicConstraints");
  input.certificates.clear();
  EXPECT_EQ(Why(VerifySnp(input, trusted, {kAt, {}})), "certificates");
  trusted.collateral = {{"vcek", platform().signer().der}, {"ask", platform().ask().der}};
  EXPECT_EQ(Why(VerifySnp(input, trusted, {kAt, {}})), "");
}

TEST_F(SnpTest, HoldsFromTheFirstSecondToTheLast) {
  PlatformSpec spec;
  spec.leaf.not_before = kAt;
  spec.leaf.not_after = kAt + absl::Hours(1);
  const Platform dated(spec);
  const std::string report = dated.Report();
  EXPECT_EQ(Why(Verify(dated, report, kAt - absl::Seconds(1))), "chain[0].validity");
  EXPECT_EQ(Why(Verify(dated, report, kAt)), "");
  EXPECT_EQ(Why(Verify(dated, report, kAt + absl::Hours(1))), "");
  EXPECT_EQ(Why(Verify(dated, report, kAt + absl::Hours(1) + absl::Seconds(1))),
            "chain[0].validity");
}

TEST_F(SnpTest, RevocationListsCount) {
  const std::string report = platform().Report();
  EvidenceInput input;
  input.evidence = cbor::AsBytes(report);
  input.certificates = platform().certificates();
  TrustedInput trusted;
  trusted.anchors = {platform().ark().der};
  const auto why = [&] { return Why(VerifySnp(input, trusted, {kAt, {}})); };
  trusted.crls = {platform().ark().RevocationList({2}), platform().ask().RevocationList({2})};
  const EvidenceVerdict verdict = VerifySnp(input, trusted, {kAt, {}});
  ASSERT_EQ(Why(verdict), "");
  EXPECT_EQ(verdict.claims->details.at("revocation"), "checked");
  trusted.crls = {platform().ark().RevocationList({1})};  // the ASK's serial number
  EXPECT_EQ(why(), "chain[1].revocation");
  trusted.crls = {platform().ask().RevocationList({0})};  // the VCEK's
  EXPECT_EQ(why(), "chain[0].revocation");
  trusted.crls = {platform().ask().RevocationList({0}, kAt - absl::Hours(2), kAt - absl::Hours(1))};
  EXPECT_EQ(why(), "chain[0].revocation");  // an old list revokes still
  trusted.crls = {platform().ask().RevocationList({}, kAt - absl::Hours(2), kAt - absl::Hours(1))};
  EXPECT_EQ(why(), "crl");
  trusted.crls = {Platform().ask().RevocationList({})};  // of the name, by another key
  EXPECT_EQ(why(), "crl");
  trusted.crls = {"x"};
  EXPECT_EQ(why(), "crl");
}

TEST_F(SnpTest, TheCertificateIsTheReportsOwn) {
  const auto why = [](const PlatformSpec& spec, const ReportSpec& report = {}) {
    const Platform platform(spec);
    return Why(Verify(platform, platform.Report(report)));
  };
  PlatformSpec spec;
  for (const char* part : {"3.1", "3.2", "3.3", "3.8"}) {
    spec.extensions = {{part, std::string("\x02\x01\x55", 3)}};
    EXPECT_EQ(why(spec).substr(0, 13), "reported_tcb.") << part;
    spec.extensions = {{part, ""}};
    EXPECT_EQ(why(spec).substr(0, 13), "reported_tcb.") << part;
    spec.extensions = {{part, std::string("\x02\x01\x88", 3)}};  // negative
    EXPECT_EQ(why(spec).substr(0, 13), "reported_tcb.") << part;
  }
  spec.extensions = {{"4", std::string(64, 'd')}};
  EXPECT_EQ(why(spec), "chip_id");
  spec.extensions = {{"4", std::string(63, 'c')}};
  EXPECT_EQ(why(spec), "certificate.hwID");
  spec.extensions = {{"5", "\x16\x01x"}};
  EXPECT_EQ(why(spec), "certificate.csp_id");
  spec.extensions = {{"2", "\x16\x04Rome"}};
  EXPECT_EQ(why(spec), "certificate.product");
  spec.extensions.clear();
  spec.issuer_product = "Genoa";
  EXPECT_EQ(why(spec), "certificate.issuer");
  spec.issuer_product.clear();
  ReportSpec report;
  report.version = 3;
  EXPECT_EQ(why(spec, report), "");
  report.family_model_stepping = std::string("\x19\x11\x01", 3);
  EXPECT_EQ(why(spec, report), "processor");
  report.family_model_stepping = std::string("\x17\x01\x01", 3);
  EXPECT_EQ(why(spec, report), "processor");
}

TEST_F(SnpTest, AMaskedChipIsNobody) {
  ReportSpec spec;
  spec.chip_id = std::string(64, '\0');
  const EvidenceVerdict verdict = Verify(platform(), platform().Report(spec));
  ASSERT_EQ(Why(verdict), "");
  EXPECT_EQ(verdict.claims->instance, "");
}

TEST_F(SnpTest, AVlekIsAcceptedAsOneAlone) {
  PlatformSpec spec;
  spec.signer = Signer::kVlek;
  const Platform vlek(spec);
  ReportSpec report;
  report.chip_id = std::string(64, '\0');
  const EvidenceVerdict verdict = Verify(vlek, vlek.Report(report));
  ASSERT_EQ(Why(verdict), "");
  EXPECT_EQ(verdict.claims->instance, "");
  EXPECT_EQ(verdict.claims->details.at("signer"), "VLEK");
  std::string as_vcek = vlek.Report(report);
  as_vcek[0x48] = 0;
  EXPECT_EQ(Why(Verify(vlek, vlek.Sign(as_vcek))), "certificate.subject");
  std::string by_nobody = vlek.Report(report);
  by_nobody[0x48] = 7 << 2;
  EXPECT_EQ(Why(Verify(vlek, vlek.Sign(by_nobody))), "signing_key");
  spec.extensions = {{"5", ""}};
  const Platform nameless(spec);
  EXPECT_EQ(Why(Verify(nameless, nameless.Report(report))), "certificate.csp_id");
  spec.extensions = {{"4", "x"}};
  const Platform with_chip(spec);
  EXPECT_EQ(Why(Verify(with_chip, with_chip.Report(report))), "certificate.hwID");
}

TEST_F(SnpTest, TurinHasAnotherOrderAndAShorterChipId) {
  PlatformSpec spec;
  spec.product = Product::kTurin;
  spec.tcb = {1, 2, 3, 4, 0, 0, 0, 5};
  spec.chip_id = "12345678" + std::string(56, '\0');
  const Platform turin(spec);
  ReportSpec report;
  report.version = 5;
  report.family_model_stepping = std::string("\x1a\x02\x01", 3);
  report.current = spec.tcb;
  report.chip_id = spec.chip_id;
  const EvidenceVerdict verdict = Verify(turin, turin.Report(report));
  ASSERT_EQ(Why(verdict), "");
  EXPECT_THAT(verdict.refused, IsEmpty());
  EXPECT_EQ(verdict.claims->numbers.at("reported_tcb.fmc"), 1u);
  EXPECT_EQ(verdict.claims->numbers.at("reported_tcb.snp"), 4u);
  report.chip_id[8] = 'x';
  EXPECT_EQ(Why(Verify(turin, turin.Report(report))), "chip_id");
}

TEST_F(SnpTest, JudgesWhatIsAuthentic) {
  const auto verify = [this](const ReportSpec& spec) {
    return Verify(platform(), platform().Report(spec));
  };
  ReportSpec spec;
  spec.policy = 0xb0000;
  EXPECT_THAT(Claims(verify(spec).refused), ElementsAre("policy.debug"));
  EXPECT_TRUE(verify(spec).claims->debug);
  EXPECT_EQ(verify(spec).trust.configuration, 96);
  spec.policy = 0x10000;
  EXPECT_THAT(Claims(verify(spec).refused), ElementsAre("policy.reserved"));
  spec.policy = 0x70000;
  EXPECT_THAT(Claims(verify(spec).refused), IsEmpty());
  EXPECT_THAT(Claims(verify(spec).warned), ElementsAre("policy.migration_agent"));
  spec.policy = 0x30000 | uint64_t{1} << 26;
  EXPECT_THAT(Claims(verify(spec).warned), ElementsAre("policy.unknown_bits"));
  spec = ReportSpec();
  spec.vmpl = 3;
  EXPECT_THAT(Claims(verify(spec).refused), IsEmpty());
  for (const uint32_t vmpl : {4u, 0xffffffffu}) {
    spec.vmpl = vmpl;
    EXPECT_THAT(Claims(verify(spec).refused), ElementsAre("vmpl"));
  }
  spec = ReportSpec();
  spec.current[6] = 7;
  EXPECT_THAT(Claims(verify(spec).refused), ElementsAre("current_tcb.snp"));
  // As one integer it would be larger.
  spec.current[7] = 0xff;
  EXPECT_THAT(Claims(verify(spec).refused), ElementsAre("current_tcb.snp"));
}

TEST_F(SnpTest, AlgorithmVersionAndFormOfTheSignatureAreFixed) {
  const std::string report = platform().Report();
  const auto with = [&](size_t at, char value) {
    std::string changed = report;
    changed[at] = value;
    return Why(Verify(platform(), changed));
  };
  EXPECT_EQ(with(0x34, 2), "signature_algorithm");
  for (const char version : {0, 1, 4, 6, 99}) EXPECT_EQ(with(0, version), "version");
  EXPECT_EQ(with(0x2a0 + 48, 1), "signature.r");
  EXPECT_EQ(with(0x2a0 + 72 + 48, 1), "signature.s");
  EXPECT_EQ(with(0x2a0 + 144, 1), "signature.reserved");
  EXPECT_EQ(with(snp::kReportBytes - 1, 1), "signature.reserved");
  std::string zero = report;
  zero.replace(0x2a0, 144, std::string(144, '\0'));
  EXPECT_EQ(Why(Verify(platform(), zero)), "signature");
}

}  // namespace
}  // namespace tam::attestation

// Quotes of a platform of our own, with one thing wrong at a time: certificates, the quoting
// enclave, collateral and dates.
#include "services/attestation/dcap/platform.h"

#include <iostream>
#include <string>
#include <utility>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "services/attestation/dcap/verify_fixture.h"

namespace tam::attestation {
namespace {

using dcap::Tee;
using dcap::testing::AsBytes;
using dcap::testing::Claim;
using dcap::testing::Claims;
using dcap::testing::kNow;
using dcap::testing::PlatformSpec;
using dcap::testing::Replace;
using dcap::testing::TestPlatform;
using dcap::testing::Verify;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

TEST(ChainTest, LeadsToAConfiguredRootByItsKey) {
  const TestPlatform platform;
  TrustedInput other = platform.Trusted();
  other.anchors = {TestPlatform().root().der()};  // of the same name
  EXPECT_THAT(Claim(Verify(Tee::kSgx, platform.Quote(), other)), HasSubstr("pck_chain"));
  other.anchors.clear();
  EXPECT_THAT(Claim(Verify(Tee::kSgx, platform.Quote(), other)), HasSubstr("pck_chain"));
  // A root that the evidence brings is no anchor.
  EvidenceInput bringing;
  bringing.certificates = platform.ChainDer();
  EXPECT_THAT(Claim(Verify(Tee::kSgx, platform.Quote(), other, {.at = kNow, .nonce = std::nullopt},
                           bringing)),
              HasSubstr("pck_chain"));
  other.anchors = {"no certificate"};
  EXPECT_THAT(Claim(Verify(Tee::kSgx, platform.Quote(), other)), HasSubstr("anchors[0]"));
  // Several, one of which is right; and the root's key, certified anew.
  other.anchors = {TestPlatform().root().der(), platform.root().der()};
  EXPECT_EQ(Claim(Verify(Tee::kSgx, platform.Quote(), other)), "authentic");
  other.anchors = {platform.root()
                       .Reissued({.common_name = "Intel SGX Root CA",
                                  .serial = 77,
                                  .authority = true,
                                  .path_length = 1})
                       .der()};
  EXPECT_EQ(Claim(Verify(Tee::kSgx, platform.Quote(), other)), "authentic");
}

TEST(ChainTest, IsThreeCertificatesInTheirOrderAndForm) {
  const auto with = [](const dcap::testing::Edit& edit) {
    PlatformSpec spec;
    spec.pem = edit;
    return Claim(Verify(spec));
  };
  const TestPlatform other;
  const std::string end = "-----END CERTIFICATE-----\n";
  EXPECT_EQ(with([](std::string& pem) { pem.push_back('\0'); }), "authentic");
  EXPECT_EQ(with([](std::string& pem) { pem.append(2, '\0'); }), "pck_chain.pem");
  EXPECT_EQ(with([](std::string& pem) { pem.pop_back(); }), "authentic");
  EXPECT_EQ(with([](std::string& pem) { pem += "\n"; }), "pck_chain.pem");
  EXPECT_EQ(with([](std::string& pem) { pem = "\n" + pem; }), "pck_chain.pem");
  EXPECT_EQ(with([](std::string& pem) { Replace(pem, "\n", "\r\n"); }), "pck_chain.pem");
  EXPECT_EQ(with([](std::string& pem) { pem += "x"; }), "pck_chain.pem");
  EXPECT_EQ(with([](std::string& pem) { pem.clear(); }), "pck_chain.pem");
  EXPECT_EQ(with([&](std::string& pem) { pem += other.root().pem(); }), "pck_chain.pem");
  EXPECT_EQ(with([&](std::string& pem) { pem.resize(pem.find(end) + end.size()); }),
            "pck_chain.length");
  EXPECT_EQ(with([&](std::string& pem) { pem.resize(pem.rfind("-----BEGIN")); }),
            "pck_chain.length");
  EXPECT_EQ(with([&](std::string& pem) {
              pem.resize(pem.rfind("-----BEGIN"));
              pem += other.root().pem();
            }),
            "pck_chain[1].signature");
  EXPECT_THAT(with([&](std::string& pem) {
                const size_t second = pem.find(end) + end.size();
                pem = pem.substr(second) + pem.substr(0, second);
              }),
              HasSubstr("pck_chain"));
}

TEST(ChainTest, OtherKindsOfCertificationDataNeedTheChainFromOutside) {
  PlatformSpec spec;
  spec.certification_type = 1;
  const std::string clear =
      std::string(16, 'p') + std::string(15, '\5') + "\xc8" + std::string("\x0a\0", 2);
  spec.pem = [&](std::string& pem) { pem = clear; };
  const TestPlatform platform(spec);
  const TrustedInput trusted = platform.Trusted();
  const Subject subject = {.at = kNow, .nonce = std::nullopt};
  EvidenceInput input;
  EXPECT_EQ(Claim(Verify(Tee::kSgx, platform.Quote(), trusted, subject, input)), "pck_chain.pem");
  input.certificates = platform.ChainDer();
  EXPECT_EQ(Claim(Verify(Tee::kSgx, platform.Quote(), trusted, subject, input)), "authentic");
  TrustedInput with_chain = trusted;
  with_chain.collateral["pck_chain"] = platform.ChainPem();
  EXPECT_EQ(Claim(Verify(Tee::kSgx, platform.Quote(), with_chain)), "authentic");
  spec.pem = [&](std::string& pem) { pem = std::string(16, 'x') + clear.substr(16); };
  const TestPlatform other(spec);
  input.certificates = other.ChainDer();
  EXPECT_EQ(Claim(Verify(Tee::kSgx, other.Quote(), other.Trusted(), subject, input)),
            "pck_chain.ppid");
  for (const uint16_t type : {2, 3, 4}) {
    spec.certification_type = type;
    const TestPlatform encrypted(spec);
    input.certificates = encrypted.ChainDer();
    EXPECT_EQ(Claim(Verify(Tee::kSgx, encrypted.Quote(), encrypted.Trusted(), subject, input)),
              "pck_chain.certification_type");
  }
  spec.certification_type = 6;
  EXPECT_EQ(Claim(Verify(spec)), "quote.certification_type");
}

TEST(ChainTest, ThePckSaysWhatAPckMust) {
  const auto with = [](const dcap::testing::Edit& edit) {
    PlatformSpec spec;
    spec.pck_extension = edit;
    return Claim(Verify(spec));
  };
  EXPECT_THAT(with([](std::string& der) { der.pop_back(); }), HasSubstr("sgx_extension"));
  EXPECT_THAT(with([](std::string& der) { der += "x"; }), HasSubstr("sgx_extension"));
  EXPECT_THAT(with([](std::string& der) { der.clear(); }), HasSubstr("sgx_extension"));
  // FMSPC under another number, so that there is none.
  EXPECT_THAT(with([](std::string& der) {
                Replace(der, std::string("\x0d\x01\x04\x04\x06", 5),
                        std::string("\x0d\x01\x09\x04\x06", 5));
              }),
              HasSubstr("sgx_extension.4"));
  // A second PPID in the place of the PCE id.
  EXPECT_THAT(with([](std::string& der) {
                Replace(der, std::string("\x0d\x01\x03\x04\x02", 5),
                        std::string("\x0d\x01\x01\x04\x02", 5));
              }),
              HasSubstr("sgx_extension"));
  PlatformSpec platform_ca;
  platform_ca.platform_ca = true;
  const EvidenceVerdict verdict = Verify(platform_ca);
  ASSERT_TRUE(verdict.claims.has_value());
  EXPECT_EQ(verdict.claims->details.at("pck.ca"), "platform");
  EXPECT_EQ(verdict.claims->details.at("platform_instance_id"), "69696969696969696969696969696969");
}

TEST(QeTest, VouchesForTheKeyWithAllOfItsReportData) {
  const auto with = [](const dcap::testing::Edit& edit) {
    PlatformSpec spec;
    spec.qe_report = edit;
    return Claim(Verify(spec));
  };
  EXPECT_EQ(with([](std::string& r) { r[320] ^= 1; }), "qe_report.key_binding");
  EXPECT_EQ(with([](std::string& r) { r[383] = 1; }), "qe_report.key_binding");
  EXPECT_EQ(with([](std::string& r) { r[128] ^= 1; }), "qe_identity.mrsigner");
  EXPECT_EQ(with([](std::string& r) { r[256] = 9; }), "qe_identity.isvprodid");
  EXPECT_EQ(with([](std::string& r) { r[16] = 1; }), "qe_identity.miscselect");
  EXPECT_EQ(with([](std::string& r) { r[48] ^= 2; }), "qe_identity.attributes");  // debug
  EXPECT_EQ(with([](std::string& r) { r[48] ^= 4; }), "authentic");               // not in the mask
}

TEST(RevocationTest, OfEachCertificate) {
  const auto with = [](std::vector<uint64_t> by_root, std::vector<uint64_t> by_ca) {
    PlatformSpec spec;
    spec.revoked_by_root = std::move(by_root);
    spec.revoked_by_ca = std::move(by_ca);
    return Claim(Verify(spec));
  };
  EXPECT_EQ(with({1, 3, 5}, {1, 2, 4}), "authentic");
  EXPECT_EQ(with({}, {3}), "pck_chain.revoked");
  EXPECT_EQ(with({2}, {}), "pck_chain.revoked");
  EXPECT_EQ(with({4}, {}), "tcb_info_issuer_chain.revoked");
}

TEST(RevocationTest, TheListIsTheLeafsIssuers) {
  const TestPlatform platform;
  TrustedInput trusted = platform.Trusted();
  PlatformSpec other;
  other.platform_ca = true;
  trusted.collateral["pck_crl"] = TestPlatform(other).Trusted().collateral["pck_crl"];
  EXPECT_EQ(Claim(Verify(Tee::kSgx, platform.Quote(), trusted)), "pck_crl.issuer");
  trusted.collateral["pck_crl"] = TestPlatform().Trusted().collateral["pck_crl"];
  EXPECT_EQ(Claim(Verify(Tee::kSgx, platform.Quote(), trusted)), "pck_crl.signature");
  trusted.collateral["pck_crl"] = trusted.collateral["root_ca_crl"];
  EXPECT_EQ(Claim(Verify(Tee::kSgx, platform.Quote(), trusted)), "pck_crl.issuer");
  trusted.collateral["pck_crl"] = "no list";
  EXPECT_EQ(Claim(Verify(Tee::kSgx, platform.Quote(), trusted)), "pck_crl.crl");
}

TEST(DatesTest, ASecondEachSide) {
  const absl::Duration second = absl::Seconds(1);
  PlatformSpec spec;
  EXPECT_EQ(Claim(Verify(spec, spec.issue_date)), "authentic");
  EXPECT_EQ(Claim(Verify(spec, spec.next_update)), "authentic");
  EXPECT_EQ(Claim(Verify(spec, spec.issue_date - second)), "root_ca_crl.issue_date");
  EXPECT_EQ(Claim(Verify(spec, spec.next_update + second)), "root_ca_crl.next_update");
  PlatformSpec certificate;
  certificate.pck_not_after = kNow;
  EXPECT_EQ(Claim(Verify(certificate, kNow)), "authentic");
  EXPECT_EQ(Claim(Verify(certificate, kNow + second)), "pck_chain[0].validity");
  PlatformSpec wide;
  wide.issue_date = absl::FromUnixSeconds(1'600'000'000);
  wide.next_update = absl::FromUnixSeconds(2'000'000'000);
  EXPECT_EQ(Claim(Verify(wide, absl::FromUnixSeconds(1'700'000'000))), "authentic");
  EXPECT_EQ(Claim(Verify(wide, absl::FromUnixSeconds(1'700'000'000) - second)),
            "pck_chain[0].validity");
  EXPECT_EQ(Claim(Verify(wide, absl::FromUnixSeconds(1'900'000'000) + second)),
            "pck_chain[0].validity");
}

TEST(DatesTest, EachOfTheCollateralHasItsOwn) {
  const auto late = [](bool tcb_info, std::string_view from, std::string_view to) {
    PlatformSpec spec;
    (tcb_info ? spec.tcb_info : spec.qe_identity) = [=](std::string& json) {
      Replace(json, from, to);
    };
    return Claim(Verify(spec));
  };
  // kNow is 2027-01-15T08:00:00Z.
  EXPECT_EQ(late(true, "2027-02-04T08:00:00Z", "2027-01-15T08:00:00Z"), "authentic");
  EXPECT_EQ(late(true, "2027-02-04T08:00:00Z", "2027-01-15T07:59:59Z"), "tcb_info.next_update");
  EXPECT_EQ(late(false, "2027-02-04T08:00:00Z", "2027-01-15T07:59:59Z"), "qe_identity.next_update");
  EXPECT_EQ(late(true, "2027-01-05T08:00:00Z", "2027-01-15T08:00:00Z"), "authentic");
  EXPECT_EQ(late(true, "2027-01-05T08:00:00Z", "2027-01-15T08:00:01Z"), "tcb_info.issue_date");
  EXPECT_EQ(late(false, "2027-01-05T08:00:00Z", "2027-01-15T08:00:01Z"), "qe_identity.issue_date");
}

TEST(DatesTest, GraceLetsOldCollateralCountAndWarns) {
  const PlatformSpec spec;
  const TestPlatform platform(spec);
  TrustedInput trusted = platform.Trusted();
  trusted.collateral_grace = absl::Hours(1);
  const auto at = [&](absl::Duration after) {
    return Verify(Tee::kSgx, platform.Quote(), trusted,
                  {.at = spec.next_update + after, .nonce = std::nullopt});
  };
  const EvidenceVerdict within = at(absl::Hours(1));
  ASSERT_EQ(Claim(within), "authentic");
  EXPECT_THAT(Claims(within.refused), IsEmpty());
  EXPECT_THAT(Claims(within.warned),
              ElementsAre("root_ca_crl.next_update", "pck_crl.next_update", "tcb_info.next_update",
                          "qe_identity.next_update"));
  EXPECT_EQ(within.trust.hardware, 0);
  EXPECT_EQ(Claim(at(absl::Hours(1) + absl::Seconds(1))), "root_ca_crl.next_update");
  EXPECT_THAT(Claims(at(absl::ZeroDuration()).warned), IsEmpty());
}

TEST(CollateralTest, MissingIsNamedAndRefusedByDefault) {
  const TestPlatform platform;
  for (const std::string name : {"root_ca_crl", "pck_crl", "tcb_info", "qe_identity",
                                 "tcb_info_issuer_chain", "qe_identity_issuer_chain"}) {
    TrustedInput trusted = platform.Trusted();
    trusted.collateral.erase(name);
    const EvidenceVerdict verdict = Verify(Tee::kSgx, platform.Quote(), trusted);
    ASSERT_EQ(Claim(verdict), "authentic") << name;
    EXPECT_THAT(Claims(verdict.refused), ElementsAre("collateral." + name));
    EXPECT_EQ(verdict.trust.hardware, 0) << name;
    EXPECT_EQ(verdict.claims->tcb.status,
              name.ends_with("crl") ? TcbStatus::kUpToDate : TcbStatus::kUnknown);
    // What the device brings meets the same checks.
    EvidenceInput input;
    const TrustedInput own = platform.Trusted();
    input.collateral[name] = own.collateral.at(name);
    const Subject subject = {.at = kNow, .nonce = std::nullopt};
    EXPECT_THAT(Claims(Verify(Tee::kSgx, platform.Quote(), trusted, subject, input).refused),
                IsEmpty());
    input.collateral[name] = "x";
    EXPECT_NE(Claim(Verify(Tee::kSgx, platform.Quote(), trusted, subject, input)), "authentic");
    // And the tenant's goes before it.
    EXPECT_EQ(Claim(Verify(Tee::kSgx, platform.Quote(), own, subject, input)), "authentic");
  }
}

TEST(CollateralTest, IsOfThisPlatformAndKind) {
  const auto with = [](std::string_view from, std::string_view to) {
    PlatformSpec spec;
    spec.tcb_info = [=](std::string& json) { Replace(json, from, to); };
    return Claim(Verify(spec));
  };
  EXPECT_EQ(with("00a067110001", "00A067110001"), "authentic");
  EXPECT_EQ(with("00a067110001", "00a067110002"), "tcb_info.fmspc");
  EXPECT_EQ(with("\"pceId\":\"0000\"", "\"pceId\":\"0001\""), "tcb_info.pceid");
  EXPECT_EQ(with("\"version\":3", "\"version\":4"), "tcb_info.tcbInfo.version");
  EXPECT_EQ(with("\"tcbType\":0", "\"tcbType\":1"), "tcb_info.tcbInfo.tcbType");
  PlatformSpec td;
  td.tee = Tee::kTdx;
  td.version = 4;
  const TestPlatform sgx;
  const TestPlatform tdx(td);
  EXPECT_EQ(Claim(Verify(Tee::kTdx, tdx.Quote(), tdx.Trusted())), "authentic");
  PlatformSpec spec;
  spec.tcb_info = [&](std::string& json) { json = tdx.TcbInfo(); };
  EXPECT_EQ(Claim(Verify(spec)), "tcb_info.id");
  spec.tcb_info = {};
  spec.qe_identity = [&](std::string& json) { json = tdx.QeIdentity(); };
  EXPECT_EQ(Claim(Verify(spec)), "qe_identity.id");
  td.qe_identity = [&](std::string& json) { json = sgx.QeIdentity(); };
  EXPECT_EQ(Claim(Verify(td)), "qe_identity.id");
  td.qe_identity = {};
  td.tcb_info = [&](std::string& json) { json = sgx.TcbInfo(); };
  EXPECT_EQ(Claim(Verify(td)), "tcb_info.id");
}

TEST(CollateralTest, IsSignedByIntelsSignerOfCollateral) {
  const TestPlatform platform;
  TrustedInput trusted = platform.Trusted();
  const auto verify = [&] { return Claim(Verify(Tee::kSgx, platform.Quote(), trusted)); };
  trusted.collateral["tcb_info_issuer_chain"] = platform.ChainPem();
  EXPECT_EQ(verify(), "tcb_info_issuer_chain[0].subject");
  trusted.collateral["tcb_info_issuer_chain"] =
      TestPlatform().Trusted().collateral["tcb_info_issuer_chain"];
  EXPECT_THAT(verify(), HasSubstr("tcb_info_issuer_chain"));
  trusted = platform.Trusted();
  trusted.collateral["tcb_info"] = TestPlatform().Trusted().collateral["tcb_info"];
  EXPECT_EQ(verify(), "tcb_info.signature");
  trusted = platform.Trusted();
  trusted.collateral["qe_identity"] = TestPlatform().Trusted().collateral["qe_identity"];
  EXPECT_EQ(verify(), "qe_identity.signature");
  // The same content written otherwise is another content.
  trusted = platform.Trusted();
  Replace(trusted.collateral["tcb_info"], "\"version\":3", "\"version\": 3");
  EXPECT_EQ(verify(), "tcb_info.signature");
  trusted = platform.Trusted();
  Replace(trusted.collateral["tcb_info"], "OutOfDate", "UpToDate");
  EXPECT_EQ(verify(), "tcb_info.signature");
}

TEST(CollateralTest, EveryFlippedByteIsRefused) {
  const TestPlatform platform;
  const std::string quote = platform.Quote();
  for (const auto& [name, content] : platform.Trusted().collateral) {
    TrustedInput trusted = platform.Trusted();
    size_t accepted = 0;
    for (size_t i = 0; i < content.size(); ++i) {
      trusted.collateral[name] = content;
      trusted.collateral[name][i] = static_cast<char>(content[i] ^ (1 << (i % 8)));
      if (Verify(Tee::kSgx, quote, trusted).authentic()) {
        ++accepted;
        ADD_FAILURE() << name << " byte " << i;
      }
    }
    std::cout << name << ": " << content.size() << " bytes flipped, accepted " << accepted
              << std::endl;
  }
}

TEST(CollateralKeyTest, SaysWhoseCollateralIsNeeded) {
  PlatformSpec spec;
  spec.tee = Tee::kTdx;
  spec.version = 4;
  spec.platform_ca = true;
  const std::string quote = TestPlatform(spec).Quote();
  EvidenceInput input;
  input.evidence = AsBytes(quote);
  const auto key = dcap::UnverifiedCollateralKey(input);
  ASSERT_TRUE(key.ok()) << key.status();
  EXPECT_EQ(key->fmspc, "00a067110001");
  EXPECT_EQ(key->ca, "platform");
  EXPECT_EQ(key->tee, Tee::kTdx);
  input.evidence = input.evidence.subspan(1);
  EXPECT_FALSE(dcap::UnverifiedCollateralKey(input).ok());
}

}  // namespace
}  // namespace tam::attestation

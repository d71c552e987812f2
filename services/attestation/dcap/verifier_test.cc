// Quotes of a platform of our own, with one thing wrong at a time: their form and what they say.
#include "services/attestation/dcap/verifier.h"

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
using dcap::testing::Claim;
using dcap::testing::Claims;
using dcap::testing::kNow;
using dcap::testing::PlatformSpec;
using dcap::testing::TestPlatform;
using dcap::testing::Verify;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

struct Shape {
  const char* name;
  Tee tee;
  uint16_t version;
  bool td15;
};

constexpr Shape kShapes[] = {{"SgxV3", Tee::kSgx, 3, false},   {"SgxV4", Tee::kSgx, 4, false},
                             {"SgxV5", Tee::kSgx, 5, false},   {"TdxV4", Tee::kTdx, 4, false},
                             {"Tdx10V5", Tee::kTdx, 5, false}, {"Tdx15V5", Tee::kTdx, 5, true}};

class ShapeTest : public ::testing::TestWithParam<Shape> {
 protected:
  static PlatformSpec Spec() {
    PlatformSpec spec;
    spec.tee = GetParam().tee;
    spec.version = GetParam().version;
    spec.td15 = GetParam().td15;
    return spec;
  }
  EvidenceVerdict VerifyQuote(const std::string& quote) const {
    return Verify(GetParam().tee, quote, trusted_);
  }

  const TestPlatform platform_{Spec()};
  const TrustedInput trusted_ = platform_.Trusted();
  const std::string quote_ = platform_.Quote();
};

TEST_P(ShapeTest, IsAccepted) {
  const EvidenceVerdict verdict = VerifyQuote(quote_);
  ASSERT_EQ(Claim(verdict), "authentic") << verdict.unauthentic.front().found;
  EXPECT_THAT(Claims(verdict.refused), IsEmpty());
  EXPECT_THAT(Claims(verdict.warned), IsEmpty());
  EXPECT_EQ(verdict.trust.hardware, 2);
  EXPECT_EQ(verdict.claims->tcb.status, TcbStatus::kUpToDate);
  EXPECT_EQ(verdict.claims->tcb.evaluation_number, 17U);
  EXPECT_EQ(verdict.claims->tcb.until, kNow + absl::Hours(480));
  EXPECT_EQ(verdict.claims->instance, "70707070707070707070707070707070");
  EXPECT_EQ(verdict.claims->platform_class, "00a067110001");
  EXPECT_FALSE(verdict.claims->debug);
  EXPECT_FALSE(verdict.claims->key_is_the_devices);
}

TEST_P(ShapeTest, EveryFlippedByteIsRefused) {
  size_t accepted = 0;
  for (size_t i = 0; i < quote_.size(); ++i) {
    std::string flipped = quote_;
    flipped[i] = static_cast<char>(flipped[i] ^ (1 << (i % 8)));
    if (VerifyQuote(flipped).authentic()) {
      ++accepted;
      ADD_FAILURE() << "byte " << i;
    }
  }
  std::cout << GetParam().name << ": " << quote_.size() << " bytes flipped, accepted " << accepted
            << std::endl;
}

TEST_P(ShapeTest, IsRefusedCutAtEachLengthAndWithMoreBytes) {
  for (size_t size = 0; size < quote_.size(); ++size) {
    const EvidenceVerdict verdict = VerifyQuote(quote_.substr(0, size));
    ASSERT_FALSE(verdict.authentic()) << size;
    ASSERT_THAT(Claim(verdict), HasSubstr("length")) << size;
  }
  EXPECT_EQ(Claim(VerifyQuote(quote_ + "x")), "quote.trailing");
  EXPECT_EQ(Claim(VerifyQuote(quote_ + std::string("\0x", 2))), "quote.trailing");
  EXPECT_EQ(Claim(VerifyQuote(quote_ + std::string(70, '\0'))),
            GetParam().version == 4 ? "authentic" : "quote.trailing");
  EXPECT_EQ(Claim(VerifyQuote(quote_ + std::string(dcap::kMaxQuoteBytes, '\0'))), "quote.size");
}

TEST_P(ShapeTest, IsOfItsOwnFormatAlone) {
  const Tee other = GetParam().tee == Tee::kTdx ? Tee::kSgx : Tee::kTdx;
  EXPECT_EQ(Claim(Verify(other, quote_, trusted_)), "quote.tee_type");
}

TEST_P(ShapeTest, BindsAllOfTheReportData) {
  const std::string data(64, 'n');
  const std::string quote = platform_.Quote(data);
  const auto verify = [&](const std::string& nonce) {
    return Claim(Verify(GetParam().tee, quote, trusted_, {.at = kNow, .nonce = nonce}));
  };
  EXPECT_EQ(verify(data), "authentic");
  EXPECT_EQ(verify(std::string(63, 'n') + "m"), "report_data");
  EXPECT_EQ(verify("m" + std::string(63, 'n')), "report_data");
  EXPECT_EQ(verify(data.substr(0, 63)), "report_data");
  EXPECT_EQ(verify(data.substr(0, 32)), "report_data");
  EXPECT_EQ(verify(data + "n"), "report_data");
  EXPECT_EQ(verify(""), "report_data");
  const std::string padded = platform_.Quote("short");
  EXPECT_EQ(Claim(Verify(GetParam().tee, padded, trusted_, {.at = kNow, .nonce = "short"})),
            "report_data");
}

INSTANTIATE_TEST_SUITE_P(Shapes, ShapeTest, ::testing::ValuesIn(kShapes),
                         [](const auto& info) { return info.param.name; });

TEST(SgxTest, ClaimsWhatTheReportSays) {
  const EvidenceVerdict verdict = Verify(PlatformSpec{});
  ASSERT_TRUE(verdict.claims.has_value());
  EXPECT_EQ(verdict.claims->measurements.at("mrenclave"), std::string(32, 'e'));
  EXPECT_EQ(verdict.claims->measurements.at("mrsigner"), std::string(32, 's'));
  EXPECT_EQ(verdict.claims->numbers.at("isvprodid"), 7U);
  EXPECT_EQ(verdict.claims->numbers.at("isvsvn"), 8U);
  EXPECT_EQ(verdict.claims->numbers.at("qe.isvsvn"), 6U);
  EXPECT_EQ(verdict.claims->details.at("pck.serial"), "03");
}

TEST(SgxTest, DebugIsRefusedByDefault) {
  PlatformSpec spec;
  spec.body = [](std::string& body) { body[48] = 7; };
  const EvidenceVerdict verdict = Verify(spec);
  ASSERT_TRUE(verdict.claims.has_value());
  EXPECT_TRUE(verdict.claims->debug);
  EXPECT_THAT(Claims(verdict.refused), ElementsAre("attributes.debug"));
  EXPECT_EQ(verdict.trust.configuration, 96);
}

class TdTest : public ::testing::Test {
 protected:
  static EvidenceVerdict With(size_t at, char value) {
    PlatformSpec spec;
    spec.tee = Tee::kTdx;
    spec.version = 5;
    spec.td15 = true;
    spec.body = [=](std::string& body) { body[at] = value; };
    EvidenceVerdict verdict = Verify(spec);
    EXPECT_TRUE(verdict.authentic());
    return verdict;
  }
};

TEST_F(TdTest, ClaimsWhatTheReportSays) {
  const EvidenceVerdict verdict = With(0, 4);
  EXPECT_EQ(verdict.claims->measurements.at("mrtd"), std::string(48, 't'));
  EXPECT_EQ(verdict.claims->measurements.at("mrseam"), std::string(48, 'm'));
  EXPECT_EQ(verdict.claims->measurements.at("rtmr0"), std::string(48, 'r'));
  EXPECT_EQ(verdict.claims->measurements.at("rtmr3"), std::string(48, '\0'));
  EXPECT_EQ(verdict.claims->details.at("tee_tcb_svn"), "04010300000000000000000000000000");
  EXPECT_EQ(verdict.claims->numbers.at("tee_tcb_svn.2"), 3U);
  EXPECT_EQ(verdict.claims->tcb.module, TcbStatus::kUpToDate);
}

TEST_F(TdTest, WhatMakesATdUnfitIsRefusedByDefault) {
  EXPECT_THAT(Claims(With(120, 1).refused), ElementsAre("attributes.debug"));
  EXPECT_TRUE(With(120, 1).claims->debug);
  EXPECT_THAT(Claims(With(120, 2).refused), ElementsAre("tdattributes.debug_group"));
  EXPECT_TRUE(With(120, static_cast<char>(0x80)).claims->debug);
  EXPECT_THAT(Claims(With(121, 1).refused), ElementsAre("tdattributes.reserved"));
  EXPECT_THAT(Claims(With(126, 1).refused), ElementsAre("tdattributes.reserved"));
  EXPECT_THAT(Claims(With(123, 0).refused), ElementsAre("tdattributes.sept_ve_disable"));
  EXPECT_THAT(Claims(With(127, static_cast<char>(0x80)).refused), IsEmpty());  // PERFMON
  EXPECT_THAT(Claims(With(600, 1).refused), ElementsAre("mrservicetd"));
  const EvidenceVerdict foreign = With(64, 1);
  EXPECT_EQ(foreign.claims->tcb.status, TcbStatus::kNotSupported);
  EXPECT_THAT(Claims(foreign.refused), ElementsAre("tdx_module.mrsignerseam", "tcb.status"));
  EXPECT_THAT(Claims(With(112, 1).refused),
              ElementsAre("seamattributes", "tdx_module.seamattributes", "tcb.status"));
}

TEST(HeaderTest, UnknownOnesAreRefused) {
  const auto with = [](size_t at, char value, uint16_t version = 3, Tee tee = Tee::kSgx) {
    PlatformSpec spec;
    spec.tee = tee;
    spec.version = version;
    spec.header = [=](std::string& header) { header[at] = value; };
    return Claim(Verify(spec));
  };
  EXPECT_EQ(with(0, 2), "quote.version");
  EXPECT_EQ(with(0, 6), "quote.version");
  EXPECT_EQ(with(1, 1), "quote.version");
  EXPECT_EQ(with(2, 3), "quote.attestation_key_type");
  EXPECT_EQ(with(4, 1), "quote.tee_type");
  EXPECT_EQ(with(4, static_cast<char>(0x81)), "quote.tee_type");  // version 3 has no TDs
  EXPECT_EQ(with(4, static_cast<char>(0x82), 4, Tee::kTdx), "quote.tee_type");
  EXPECT_EQ(with(12, 0), "quote.qe_vendor_id");
  EXPECT_EQ(with(8, 9), "authentic");  // QE SVN: signed, and for people
  // A quote of version 4 that says 5, signed as such.
  EXPECT_EQ(with(0, 5, 4, Tee::kTdx), "quote.body_type");
}

}  // namespace
}  // namespace tam::attestation

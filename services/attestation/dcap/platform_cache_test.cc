#include "services/attestation/dcap/platform_cache.h"

#include <string>
#include <utility>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "services/attestation/dcap/testing/test_platform.h"
#include "services/attestation/dcap/verifier.h"

namespace tam::attestation::dcap {
namespace {

using testing::kNow;
using testing::PlatformSpec;
using testing::TestPlatform;

class PlatformCacheTest : public ::testing::Test {
 protected:
  EvidenceVerdict Verify(const std::string& quote, const Trust& trust, absl::Time at = kNow) {
    EvidenceInput input;
    input.evidence = Bytes(reinterpret_cast<const uint8_t*>(quote.data()), quote.size());
    return VerifySgx(input, trust, {.at = at, .nonce = std::nullopt}, cache_);
  }
  std::pair<uint64_t, uint64_t> HitsAndMisses() const {
    return {cache_.counts().hits, cache_.counts().misses};
  }
  static std::pair<uint64_t, uint64_t> Are(uint64_t hits, uint64_t misses) {
    return {hits, misses};
  }

  const TestPlatform platform_;
  const Trust trust_{platform_.Trusted()};
  PlatformCache cache_{2};
};

TEST_F(PlatformCacheTest, OtherQuotesOfOneKeyNeedTheirSignatureAlone) {
  EXPECT_TRUE(Verify(platform_.Quote("first"), trust_).authentic());
  EXPECT_EQ(HitsAndMisses(), Are(0, 1));
  const EvidenceVerdict second = Verify(platform_.Quote("second"), trust_);
  EXPECT_TRUE(second.authentic());
  EXPECT_EQ(second.claims->tcb.status, TcbStatus::kUpToDate);
  EXPECT_EQ(HitsAndMisses(), Are(1, 1));
  // That signature is looked at each time.
  std::string altered = platform_.Quote("third");
  altered[64] = static_cast<char>(altered[64] ^ 1);
  const EvidenceVerdict refused = Verify(altered, trust_);
  EXPECT_EQ(HitsAndMisses(), Are(2, 1));
  ASSERT_FALSE(refused.authentic());
  EXPECT_EQ(refused.unauthentic.front().claim, "quote.signature");
}

TEST_F(PlatformCacheTest, NothingOutlivesItsDates) {
  const PlatformSpec spec;
  const std::string quote = platform_.Quote();
  EXPECT_TRUE(Verify(quote, trust_).authentic());
  EXPECT_TRUE(Verify(quote, trust_, spec.next_update).authentic());
  EXPECT_EQ(HitsAndMisses(), Are(1, 1));
  EXPECT_FALSE(Verify(quote, trust_, spec.issue_date - absl::Seconds(1)).authentic());
  EXPECT_EQ(cache_.counts().size, 1U);
  EXPECT_FALSE(Verify(quote, trust_, spec.next_update + absl::Seconds(1)).authentic());
  EXPECT_EQ(HitsAndMisses(), Are(1, 3));
  EXPECT_EQ(cache_.counts().size, 0U);
}

TEST_F(PlatformCacheTest, EachThingThatDecidesIsInTheDigest) {
  const std::string quote = platform_.Quote();
  const TrustedInput same = trust_.input();
  EXPECT_TRUE(Verify(quote, trust_).authentic());
  for (const auto& [name, content] : same.collateral) {
    TrustedInput other = same;
    other.collateral[name].pop_back();
    (void)Verify(quote, Trust(other));
    EXPECT_EQ(cache_.counts().hits, 0U) << name;
  }
  TrustedInput other = same;
  other.anchors.push_back(TestPlatform().root().der());
  EXPECT_TRUE(Verify(quote, Trust(other)).authentic());
  other = same;
  other.anchors.clear();
  EXPECT_FALSE(Verify(quote, Trust(other)).authentic());
  other = same;
  other.collateral_grace = absl::Hours(1);
  EXPECT_TRUE(Verify(quote, Trust(other)).authentic());
  EXPECT_EQ(cache_.counts().hits, 0U);
  // The same content from another copy is the same.
  EXPECT_TRUE(Verify(quote, Trust(other)).authentic());
  EXPECT_EQ(cache_.counts().hits, 1U);
}

// What comes beside the evidence counts as well, each byte of it.
TEST_F(PlatformCacheTest, WhatTheDeviceBringsIsInTheDigest) {
  const std::string quote = platform_.Quote();
  TrustedInput bare = trust_.input();
  const std::string info = bare.collateral.at("tcb_info");
  bare.collateral.erase("tcb_info");
  const Trust trust(bare);
  EvidenceInput input;
  input.evidence = Bytes(reinterpret_cast<const uint8_t*>(quote.data()), quote.size());
  const Subject subject = {.at = kNow, .nonce = std::nullopt};
  EXPECT_FALSE(VerifySgx(input, trust, subject, cache_).refused.empty());
  input.collateral["tcb_info"] = info;
  EXPECT_TRUE(VerifySgx(input, trust, subject, cache_).refused.empty());
  input.collateral["tcb_info"].back() = ' ';
  EXPECT_FALSE(VerifySgx(input, trust, subject, cache_).authentic());
  EXPECT_EQ(HitsAndMisses(), Are(0, 3));
}

TEST_F(PlatformCacheTest, ARevocationCountsAtOnce) {
  const std::string quote = platform_.Quote();
  EXPECT_TRUE(Verify(quote, trust_).authentic());
  TrustedInput revoked = platform_.Trusted();
  revoked.collateral["pck_crl"] = platform_.ca().RevocationList({.serials = {3}});
  const EvidenceVerdict verdict = Verify(quote, Trust(revoked));
  ASSERT_FALSE(verdict.authentic());
  EXPECT_EQ(verdict.unauthentic.front().claim, "pck_chain.revoked");
}

TEST_F(PlatformCacheTest, FailuresLeaveNothing) {
  std::string bad = platform_.Quote();
  bad[bad.size() - 700] = static_cast<char>(bad[bad.size() - 700] ^ 1);
  for (int i = 0; i < 100; ++i) EXPECT_FALSE(Verify(bad, trust_).authentic());
  EXPECT_FALSE(Verify("garbage", trust_).authentic());
  EXPECT_EQ(cache_.counts().size, 0U);
}

TEST_F(PlatformCacheTest, WhatIsLateIsNotKept) {
  const PlatformSpec spec;
  TrustedInput trusted = platform_.Trusted();
  trusted.collateral_grace = absl::Hours(1);
  const Trust trust(trusted);
  for (int i = 0; i < 2; ++i) {
    const EvidenceVerdict verdict =
        Verify(platform_.Quote(), trust, spec.next_update + absl::Seconds(1));
    EXPECT_TRUE(verdict.authentic());
    EXPECT_EQ(verdict.warned.size(), 4U);
  }
  EXPECT_EQ(cache_.counts().size, 0U);
}

TEST_F(PlatformCacheTest, KeepsTheMostRecentlyUsed) {
  const TestPlatform second;
  const TestPlatform third;
  const Trust second_trust(second.Trusted());
  const Trust third_trust(third.Trusted());
  EXPECT_TRUE(Verify(platform_.Quote(), trust_).authentic());
  EXPECT_TRUE(Verify(second.Quote(), second_trust).authentic());
  EXPECT_TRUE(Verify(platform_.Quote(), trust_).authentic());  // hit
  EXPECT_TRUE(Verify(third.Quote(), third_trust).authentic());
  EXPECT_EQ(cache_.counts().size, 2U);
  EXPECT_TRUE(Verify(platform_.Quote(), trust_).authentic());  // hit
  EXPECT_TRUE(Verify(second.Quote(), second_trust).authentic());
  EXPECT_EQ(HitsAndMisses(), Are(2, 4));
  cache_.Clear();
  EXPECT_EQ(cache_.counts().size, 0U);
}

}  // namespace
}  // namespace tam::attestation::dcap

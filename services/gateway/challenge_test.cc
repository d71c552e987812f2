#include "services/gateway/challenge.h"

#include <string>

#include "gtest/gtest.h"
#include "tests/support/row.h"
#include "tests/support/status_matchers.h"

namespace tam::gateway {
namespace {

using ::testing::HasSubstr;
using testing::StatusIs;

constexpr int64_t kNowMs = 1'764'000'000'123;

class CountingRandom : public secret::RandomSource {
 public:
  void Fill(absl::Span<uint8_t> out) override {
    for (uint8_t& byte : out) byte = next_++;
  }

 private:
  uint8_t next_ = 1;
};

Bytes View(const std::string& s) {
  return Bytes(reinterpret_cast<const uint8_t*>(s.data()), s.size());
}

EpochKeys KeysAround(int64_t unix_ms, uint8_t fill = 0x5a) {
  EpochKeys keys;
  for (int64_t epoch = EpochOf(unix_ms) - 7; epoch <= EpochOf(unix_ms) + 1; ++epoch) {
    std::array<uint8_t, 32> key;
    key.fill(static_cast<uint8_t>(fill + epoch));
    keys.emplace(epoch, secret::SecretBytes(key));
  }
  return keys;
}

ChallengeBinding Binding() {
  ChallengeBinding binding;
  binding.endpoint_uid.fill(0xee);
  binding.generation = 7;
  binding.data_items = 11;
  return binding;
}

class ChallengeTest : public ::testing::Test {
 protected:
  std::string Make(const ChallengeBinding& binding, absl::Time at,
                   ChallengeKind kind = ChallengeKind::kChallenge) {
    auto made = MakeChallenge(keys_, binding, kind, at, random_);
    EXPECT_TRUE(made.ok()) << made.status();
    return made.value_or("");
  }
  absl::StatusOr<Challenge> Open(const ChallengeBinding& binding, const std::string& bytes,
                                 absl::Duration later = absl::ZeroDuration()) {
    return OpenChallenge(keys_, binding, now_ + later, View(bytes));
  }

  EpochKeys keys_ = KeysAround(kNowMs);
  CountingRandom random_;
  const absl::Time now_ = absl::FromUnixMillis(kNowMs);
};

TEST_F(ChallengeTest, SaysWhenAndForWhatItWasIssued) {
  TAM_ROW("T-01");
  const std::string bytes = Make(Binding(), now_);
  ASSERT_EQ(bytes.size(), kChallengeSize);
  TAM_ASSERT_OK_AND_ASSIGN(const Challenge challenge, Open(Binding(), bytes));
  EXPECT_EQ(challenge.kind, ChallengeKind::kChallenge);
  EXPECT_EQ(challenge.data_items, 11);
  EXPECT_EQ(challenge.issue_ms, kNowMs);
  EXPECT_EQ(challenge.generation, 7u);
  EXPECT_EQ(challenge.random, (std::array<uint8_t, 8>{1, 2, 3, 4, 5, 6, 7, 8}));
}

TEST_F(ChallengeTest, KindsSurviveTheRoundTrip) {
  for (ChallengeKind kind :
       {ChallengeKind::kChallenge, ChallengeKind::kToken, ChallengeKind::kPassportToken}) {
    TAM_ASSERT_OK_AND_ASSIGN(const Challenge challenge,
                             Open(Binding(), Make(Binding(), now_, kind)));
    EXPECT_EQ(challenge.kind, kind);
  }
}

TEST_F(ChallengeTest, TwoIssuedInTheSameMillisecondDiffer) {
  TAM_ROW("T-02");
  EXPECT_NE(Make(Binding(), now_), Make(Binding(), now_));
}

TEST_F(ChallengeTest, AnyAlteredBitIsRefused) {
  const std::string bytes = Make(Binding(), now_);
  for (size_t bit = 0; bit < kChallengeSize * 8; ++bit) {
    std::string altered = bytes;
    altered[bit / 8] = static_cast<char>(altered[bit / 8] ^ (1 << (bit % 8)));
    EXPECT_FALSE(Open(Binding(), altered).ok()) << "bit " << bit;
  }
}

TEST_F(ChallengeTest, ForgedMacIsUnauthenticated) {
  std::string bytes = Make(Binding(), now_);
  bytes[31] ^= 1;
  const absl::Status refusal = Open(Binding(), bytes).status();
  EXPECT_THAT(refusal, StatusIs(absl::StatusCode::kUnauthenticated, HasSubstr("not issued")));
  EXPECT_TRUE(MayBeLiftedByRefresh(refusal));
}

TEST_F(ChallengeTest, AnotherEndpointsIsUnauthenticated) {
  ChallengeBinding other = Binding();
  other.endpoint_uid[15] = 0;
  EXPECT_THAT(Open(other, Make(Binding(), now_)),
              StatusIs(absl::StatusCode::kUnauthenticated, HasSubstr("this endpoint")));
}

TEST_F(ChallengeTest, AnotherDeploymentsKeysAreUnauthenticated) {
  const std::string bytes = Make(Binding(), now_);
  keys_ = KeysAround(kNowMs, 0x11);
  EXPECT_THAT(Open(Binding(), bytes), StatusIs(absl::StatusCode::kUnauthenticated));
}

TEST_F(ChallengeTest, ShortLongAndReservedKindAreMalformed) {
  const std::string bytes = Make(Binding(), now_);
  EXPECT_THAT(Open(Binding(), bytes.substr(1)),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("got 31")));
  EXPECT_THAT(Open(Binding(), bytes + "x"),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("got 33")));
  std::string reserved = bytes;
  reserved[1] = static_cast<char>(0xc0 | 11);
  EXPECT_THAT(Open(Binding(), reserved),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("kind")));
}

TEST_F(ChallengeTest, ExpiresAfterItsLifetime) {
  TAM_ROW("T-16", "T-19");
  const std::string bytes = Make(Binding(), now_);
  EXPECT_OK(Open(Binding(), bytes, absl::Hours(6)));
  const absl::Status refusal = Open(Binding(), bytes, absl::Hours(6) + absl::Seconds(1)).status();
  EXPECT_THAT(refusal, StatusIs(absl::StatusCode::kDeadlineExceeded, HasSubstr("6h1s")));
  EXPECT_FALSE(MayBeLiftedByRefresh(refusal));
}

TEST_F(ChallengeTest, LifetimeIsThePresentConfigurations) {
  TAM_ROW("T-21");
  const std::string bytes = Make(Binding(), now_);
  ChallengeBinding shorter = Binding();
  shorter.lifetime = absl::Minutes(1);
  EXPECT_THAT(Open(shorter, bytes, absl::Minutes(2)),
              StatusIs(absl::StatusCode::kDeadlineExceeded));
}

TEST_F(ChallengeTest, IssuedAheadOfTheClockIsOutOfRange) {
  const std::string bytes = Make(Binding(), now_ + absl::Seconds(3));
  EXPECT_THAT(Open(Binding(), bytes), StatusIs(absl::StatusCode::kOutOfRange));
  EXPECT_OK(Open(Binding(), bytes, absl::Seconds(1)));
}

TEST_F(ChallengeTest, UnknownEpochAsksForARefresh) {
  const std::string bytes = Make(Binding(), now_);
  keys_.erase(EpochOf(kNowMs));
  const absl::Status refusal = Open(Binding(), bytes).status();
  EXPECT_THAT(refusal, StatusIs(absl::StatusCode::kNotFound, HasSubstr("no key")));
  EXPECT_TRUE(MayBeLiftedByRefresh(refusal));
}

TEST_F(ChallengeTest, NoKeyForThePresentHourIsUnavailable) {
  keys_.erase(EpochOf(kNowMs));
  EXPECT_THAT(MakeChallenge(keys_, Binding(), ChallengeKind::kToken, now_, random_),
              StatusIs(absl::StatusCode::kUnavailable));
}

TEST_F(ChallengeTest, PreviousGenerationCountsIfItAskedForAll) {
  const std::string bytes = Make(Binding(), now_);
  ChallengeBinding next = Binding();
  next.generation = 8;
  next.data_items = 3;
  TAM_ASSERT_OK_AND_ASSIGN(const Challenge challenge, Open(next, bytes));
  EXPECT_EQ(challenge.generation, 7u);
  EXPECT_EQ(challenge.data_items, 11);
}

TEST_F(ChallengeTest, PreviousGenerationThatAskedForLessIsRefused) {
  ChallengeBinding lax = Binding();
  lax.data_items = 10;
  const std::string bytes = Make(lax, now_, ChallengeKind::kToken);
  ChallengeBinding strict = Binding();
  strict.generation = 8;
  EXPECT_THAT(Open(strict, bytes),
              StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("asked for less")));
}

TEST_F(ChallengeTest, GenerationBeforeThePreviousIsRefused) {
  const std::string bytes = Make(Binding(), now_);
  ChallengeBinding later = Binding();
  later.generation = 9;
  EXPECT_THAT(Open(later, bytes), StatusIs(absl::StatusCode::kUnauthenticated));
}

TEST_F(ChallengeTest, FirstGenerationHasNoPrevious) {
  ChallengeBinding zero = Binding();
  zero.generation = 0;
  const std::string bytes = Make(zero, now_);
  ChallengeBinding first = Binding();
  first.generation = 1;
  EXPECT_THAT(Open(first, bytes), StatusIs(absl::StatusCode::kUnauthenticated));
}

TEST_F(ChallengeTest, EpochOf256HoursBeforeIsNotMistaken) {
  std::string bytes = Make(Binding(), now_);
  keys_ = KeysAround(kNowMs + 256 * kEpochMilliseconds);
  EXPECT_THAT(Open(Binding(), bytes, absl::Hours(256)), StatusIs(absl::StatusCode::kNotFound));
}

}  // namespace
}  // namespace tam::gateway

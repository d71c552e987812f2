#include "crypto/secret/secret.h"

#include <string>
#include <utility>

#include "absl/strings/escaping.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/status_matchers.h"

namespace tam::secret {
namespace {

using ::tam::testing::StatusIs;
using ::testing::HasSubstr;

Bytes View(const std::string& s) {
  return Bytes(reinterpret_cast<const uint8_t*>(s.data()), s.size());
}

std::string Hex(Bytes bytes) {
  return absl::BytesToHexString({reinterpret_cast<const char*>(bytes.data()), bytes.size()});
}

std::string Unhex(const char* hex) { return absl::HexStringToBytes(hex); }

class CountingRandom final : public RandomSource {
 public:
  void Fill(absl::Span<uint8_t> out) override {
    for (uint8_t& byte : out) byte = next_++;
  }

 private:
  uint8_t next_ = 1;
};

KeyWrapper NewWrapper(char fill) {
  return *KeyWrapper::Create(SecretBytes(View(std::string(32, fill))));
}

TEST(DigestTest, MatchesPublishedVectors) {
  // FIPS 180-4 example; RFC 4231 case 2.
  EXPECT_EQ(Hex(Sha256(View("abc"))),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(Hex(HmacSha256(View("Jefe"), View("what do ya want for nothing?"))),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
}

TEST(HkdfTest, MatchesRfc5869Case1) {
  const std::string info = Unhex("f0f1f2f3f4f5f6f7f8f9");
  EXPECT_EQ(Hex(HkdfSha256(View(Unhex("0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b")),
                           View(Unhex("000102030405060708090a0b0c")), info, 42)
                    .Reveal()),
            "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865");
}

TEST(SecretBytesTest, MovesLeaveNothingBehind) {
  SecretBytes first(View("secret"));
  SecretBytes second(std::move(first));
  EXPECT_EQ(second.size(), 6u);
  EXPECT_EQ(first.size(), 0u);  // NOLINT(bugprone-use-after-move): that is what is tested.
  SecretBytes third(View("other"));
  third = std::move(second);
  EXPECT_EQ(Hex(third.Reveal()), Hex(View("secret")));
  EXPECT_EQ(second.size(), 0u);  // NOLINT(bugprone-use-after-move)
}

TEST(ConstantTimeEqualsTest, ComparesLengthAndContent) {
  EXPECT_TRUE(ConstantTimeEquals(View("abc"), View("abc")));
  EXPECT_TRUE(ConstantTimeEquals({}, {}));
  EXPECT_FALSE(ConstantTimeEquals(View("abc"), View("abd")));
  EXPECT_FALSE(ConstantTimeEquals(View("abc"), View("abcd")));
}

TEST(RandomSourceTest, SystemGivesFreshBytes) {
  std::array<uint8_t, 32> a{};
  std::array<uint8_t, 32> b{};
  RandomSource::System().Fill(absl::MakeSpan(a));
  RandomSource::System().Fill(absl::MakeSpan(b));
  EXPECT_NE(a, b);
}

TEST(KeyWrapperTest, UnwrapsWhatItWrapped) {
  const KeyWrapper wrapper = NewWrapper('k');
  CountingRandom random;
  const std::string wrapped = wrapper.Wrap(View("private"), "tenant-1", random);
  EXPECT_EQ(wrapped.size(), 12u + 7u + 16u);
  EXPECT_EQ(Hex(View(wrapped.substr(0, 12))), "0102030405060708090a0b0c");
  TAM_ASSERT_OK_AND_ASSIGN(const SecretBytes plain, wrapper.Unwrap(View(wrapped), "tenant-1"));
  EXPECT_EQ(Hex(plain.Reveal()), Hex(View("private")));
  EXPECT_NE(wrapper.Wrap(View("private"), "tenant-1", random), wrapped);
}

TEST(KeyWrapperTest, RefusesAlteredBytesContextAndKey) {
  const KeyWrapper wrapper = NewWrapper('k');
  CountingRandom random;
  const std::string wrapped = wrapper.Wrap(View("private"), "tenant-1", random);
  for (size_t i = 0; i < wrapped.size(); ++i) {
    std::string altered = wrapped;
    altered[i] ^= 1;
    EXPECT_THAT(wrapper.Unwrap(View(altered), "tenant-1"),
                StatusIs(absl::StatusCode::kUnauthenticated, HasSubstr("sealed by this")));
  }
  EXPECT_THAT(wrapper.Unwrap(View(wrapped), "tenant-2"),
              StatusIs(absl::StatusCode::kUnauthenticated, HasSubstr("for this context")));
  EXPECT_THAT(NewWrapper('x').Unwrap(View(wrapped), "tenant-1"),
              StatusIs(absl::StatusCode::kUnauthenticated, HasSubstr("sealed by this")));
  EXPECT_THAT(wrapper.Unwrap(View(wrapped.substr(0, 27)), "tenant-1"),
              StatusIs(absl::StatusCode::kUnauthenticated, HasSubstr("at least 28 bytes, got 27")));
}

TEST(KeyWrapperTest, WantsThirtyTwoBytes) {
  EXPECT_THAT(KeyWrapper::Create(SecretBytes(View("short"))),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("want 32 bytes, got 5")));
}

}  // namespace
}  // namespace tam::secret

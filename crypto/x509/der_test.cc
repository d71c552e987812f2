#include "crypto/x509/der.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/status_matchers.h"

namespace tam::x509 {
namespace {

using ::tam::testing::IsOk;
using ::tam::testing::IsOkAndHolds;
using ::tam::testing::StatusIs;
using ::testing::SizeIs;

constexpr auto kInvalid = absl::StatusCode::kInvalidArgument;

DerElement Integer(std::string_view content) { return {kDerInteger, content}; }

TEST(DerTest, ReadsElementsInTheirOrder) {
  const std::string der = {0x30, 0x06, 0x06, 0x01, 0x2a, 0x02, 0x01, 0x07};
  const auto within = ReadDerWithin(kDerSequence, der);
  ASSERT_THAT(within, IsOkAndHolds(SizeIs(2)));
  EXPECT_THAT(DerOidText((*within)[0]), IsOkAndHolds("1.2"));
  EXPECT_THAT(DerNumber((*within)[1]), IsOkAndHolds(7U));
  EXPECT_THAT(DerOidText((*within)[1]), StatusIs(kInvalid));
  EXPECT_THAT(DerNumber((*within)[0]), StatusIs(kInvalid));
  EXPECT_THAT(ReadDer(""), IsOkAndHolds(SizeIs(0)));
}

TEST(DerTest, RefusesWhatIsNotDer) {
  const std::string der = {0x30, 0x06, 0x06, 0x01, 0x2a, 0x02, 0x01, 0x07};
  for (size_t cut = 1; cut < der.size(); ++cut) {
    EXPECT_THAT(ReadDerWithin(kDerSequence, std::string_view(der).substr(0, cut)),
                StatusIs(kInvalid))
        << cut;
  }
  EXPECT_THAT(ReadDerWithin(kDerSequence, der + der), StatusIs(kInvalid));
  EXPECT_THAT(ReadDerWithin(kDerOctetString, der), StatusIs(kInvalid));
  const std::string long_length = {0x04, static_cast<char>(0x81), 0x01, 0x00};
  EXPECT_THAT(ReadDer(long_length), StatusIs(kInvalid));
  const std::string indefinite = {0x30, static_cast<char>(0x80), 0x00, 0x00};
  EXPECT_THAT(ReadDer(indefinite), StatusIs(kInvalid));
  const std::string huge = {0x04,
                            static_cast<char>(0x84),
                            static_cast<char>(0xff),
                            static_cast<char>(0xff),
                            static_cast<char>(0xff),
                            static_cast<char>(0xff)};
  EXPECT_THAT(ReadDer(huge), StatusIs(kInvalid));
  const std::string long_tag = {0x1f, static_cast<char>(0x81), 0x01, 0x00};
  EXPECT_THAT(ReadDer(long_tag), StatusIs(kInvalid));
  std::string many;
  for (int i = 0; i < 65; ++i) many += std::string("\x04\x00", 2);
  EXPECT_THAT(ReadDer(many), StatusIs(kInvalid));
}

TEST(DerTest, NumbersAreNotNegativeAndShort) {
  EXPECT_THAT(DerNumber(Integer(std::string("\x00", 1))), IsOkAndHolds(0U));
  EXPECT_THAT(DerNumber(Integer(std::string("\x00\xd9", 2))), IsOkAndHolds(0xd9U));
  EXPECT_THAT(DerNumber(Integer(std::string("\x00\xff\xff\xff\xff\xff\xff\xff\xff", 9))),
              IsOkAndHolds(~uint64_t{0}));
  EXPECT_THAT(DerNumber(Integer("")), StatusIs(kInvalid));
  EXPECT_THAT(DerNumber(Integer("\xd9")), StatusIs(kInvalid));
  EXPECT_THAT(DerNumber(Integer(std::string("\x00\x07", 2))), StatusIs(kInvalid));
  EXPECT_THAT(DerNumber(Integer("\x01\x01\x01\x01\x01\x01\x01\x01\x01")), StatusIs(kInvalid));
}

}  // namespace
}  // namespace tam::x509

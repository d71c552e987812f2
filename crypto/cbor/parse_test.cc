#include <string>
#include <string_view>

#include "absl/strings/escaping.h"
#include "crypto/cbor/cbor.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/row.h"
#include "tests/support/status_matchers.h"

namespace tam::cbor {
namespace {

using ::tam::testing::IsOk;
using ::tam::testing::StatusIs;
using ::testing::HasSubstr;

constexpr auto kInvalid = absl::StatusCode::kInvalidArgument;

absl::Status ParseHex(const std::string& hex, const Limits& limits = Limits()) {
  const std::string bytes = absl::HexStringToBytes(hex);
  return Document::Parse(AsBytes(bytes), limits).status();
}

struct Case {
  const char* hex;
  const char* reason;
};

TEST(ParseTest, AcceptsEveryDeterministicForm) {
  for (const char* hex : {"00",
                          "17",
                          "1818",
                          "18ff",
                          "190100",
                          "1a00010000",
                          "20",
                          "37",
                          "3818",
                          "3bffffffffffffffff",
                          "1bffffffffffffffff",
                          "40",
                          "4101",
                          "60",
                          "6161",
                          "62c3a9",
                          "63e282ac",
                          "64f0908080",
                          "80",
                          "8101",
                          "a0",
                          "a10102",
                          "c100",
                          "d8184100",
                          "f4",
                          "f5",
                          "f6",
                          "f7",
                          "f90000",
                          "f98000",
                          "f93c00",
                          "f97bff",
                          "f90001",
                          "f97c00",
                          "f9fc00",
                          "f97e00",
                          "fa47c35000",
                          "fa7f7fffff",
                          "fa33000000",
                          "fb3ff199999999999a",
                          "fb7e37e43c8800759c",
                          "a202000100",
                          "a26161016001"}) {
    EXPECT_THAT(ParseHex(hex), IsOk()) << hex;
  }
}

class RefusalTest : public ::testing::TestWithParam<Case> {};

TEST_P(RefusalTest, SaysWhy) {
  TAM_ROW("T-04", "S-01");
  EXPECT_THAT(ParseHex(GetParam().hex), StatusIs(kInvalid, HasSubstr(GetParam().reason)))
      << GetParam().hex;
}

INSTANTIATE_TEST_SUITE_P(
    Heads, RefusalTest,
    ::testing::Values(
        Case{"", "offset 0, $: want an item, got the end of the input"},
        Case{"0001", "offset 1, $: want the end of the input, got 1 trailing bytes"},
        Case{"1817", "want the shortest head for 23, got one of 2 bytes"},
        Case{"1900ff", "want the shortest head for 255"},
        Case{"1a0000ffff", "want the shortest head for 65535"},
        Case{"1b00000000ffffffff", "want the shortest head for 4294967295"},
        Case{"581700", "want the shortest head"}, Case{"9800", "want the shortest head"},
        Case{"b800", "want the shortest head"}, Case{"d81200", "want the shortest head"},
        Case{"18", "want a whole head"}, Case{"1901", "want a whole head"},
        Case{"1c", "want a defined head, got a reserved one"}, Case{"5f40ff", "indefinite"},
        Case{"9fff", "indefinite"}, Case{"bfff", "indefinite"}, Case{"ff", "indefinite"}));

INSTANTIATE_TEST_SUITE_P(
    Lengths, RefusalTest,
    ::testing::Values(Case{"4201", "want a string of 2 bytes, got 1"},
                      Case{"5bffffffffffffffff00", "want a string of 18446744073709551615 bytes"},
                      Case{"7affffffff61", "want a string of 4294967295 bytes, got 1"},
                      Case{"8201", "want 2 elements, got 1 bytes"},
                      Case{"820141", "offset 2, $[1]: want a string of 1 bytes, got 0"},
                      Case{"9bffffffffffffffff", "want 18446744073709551615 elements"},
                      Case{"a2010203", "want 2 pairs, got 3 bytes"},
                      Case{"bbffffffffffffffff", "want 18446744073709551615 pairs"},
                      Case{"a101", "want 1 pairs, got 1 bytes"},
                      Case{"c1", "want an item, got the end"}));

INSTANTIATE_TEST_SUITE_P(
    Contents, RefusalTest,
    ::testing::Values(
        Case{"c241ff", "want no bignum tag"}, Case{"c341ff", "want no bignum tag"},
        Case{"e0", "got simple value 0"}, Case{"f3", "got simple value 19"},
        Case{"f814", "got simple value 20"}, Case{"f8ff", "got simple value 255"},
        Case{"61ff", "want valid UTF-8"}, Case{"62c080", "want valid UTF-8"},
        Case{"63eda080", "want valid UTF-8"}, Case{"64f4908080", "want valid UTF-8"},
        Case{"61c3", "want valid UTF-8"}, Case{"6961616161616161616180", "trailing"},
        Case{"696161616161616161ff", "want valid UTF-8"}, Case{"fa3f800000", "shortest form"},
        Case{"fa33800000", "shortest form"}, Case{"fb3ff0000000000000", "shortest form"},
        Case{"fb40f86a0000000000", "shortest form"}, Case{"fa7f800000", "shortest form"},
        Case{"fb7ff0000000000000", "shortest form"}, Case{"fa7fc00000", "shortest form"},
        Case{"fb7ff8000000000000", "shortest form"}, Case{"f97e01", "shortest form"},
        Case{"f9fe00", "shortest form"}));

INSTANTIATE_TEST_SUITE_P(
    Keys, RefusalTest,
    ::testing::Values(Case{"a201000102", "offset 3, $.1: want every map key once"},
                      Case{"a3010002000103", "offset 5, $.1: want every map key once"},
                      Case{"a2616100616101", "$.a: want every map key once"},
                      Case{"a24101004101f6", "$.h'01': want every map key once"},
                      Case{"a28000800080", "want every map key once"}, Case{"8101a0", "trailing"},
                      Case{"a11382a201000102f6", "offset 6, $.19[0].1: want every map key once"},
                      Case{"a1a18000", "want an item"}));

TEST(ParseTest, RefusesDuplicateKeysInBigUnsortedMaps) {
  constexpr int kPairs = 20000;
  Writer writer;
  writer.MapHead(kPairs + 1);
  for (int i = kPairs; i > 0; --i) writer.Int(i).Null();
  const std::string good = writer.bytes() + std::string("\x00\xf6", 2);
  EXPECT_THAT(Document::Parse(AsBytes(good)), IsOk());
  writer.Int(7).Null();
  EXPECT_THAT(Document::Parse(AsBytes(writer.bytes())),
              StatusIs(kInvalid, HasSubstr("$.7: want every map key once")));
}

TEST(ParseTest, RefusesUnsortedMapsWhereAsked) {
  const Limits sorted{.require_sorted_maps = true};
  EXPECT_THAT(ParseHex("a3010018180020f6", sorted), IsOk());
  EXPECT_THAT(ParseHex("a201002000", sorted), IsOk());
  EXPECT_THAT(ParseHex("a220000100", sorted),
              StatusIs(kInvalid, HasSubstr("offset 3, $.{key 1}: want map keys in ascending")));
}

TEST(ParseTest, BoundsDepthBytesAndItems) {
  TAM_ROW("R-02", "S-01");
  EXPECT_THAT(ParseHex("818180", Limits{.max_depth = 3}), IsOk());
  EXPECT_THAT(ParseHex("818180", Limits{.max_depth = 2}),
              StatusIs(kInvalid, HasSubstr("$[0][0]: want at most 2 nested")));
  EXPECT_THAT(ParseHex("c1c1c100", Limits{.max_depth = 2}),
              StatusIs(kInvalid, HasSubstr("want at most 2 nested")));
  EXPECT_THAT(ParseHex("4100", Limits{.max_bytes = 1}),
              StatusIs(kInvalid, HasSubstr("want at most 1 bytes, got 2")));
  EXPECT_THAT(ParseHex("820000", Limits{.max_items = 3}), IsOk());
  EXPECT_THAT(ParseHex("820000", Limits{.max_items = 2}),
              StatusIs(kInvalid, HasSubstr("$[1]: want at most 2 items")));
}

TEST(ParseTest, SurvivesVeryDeepInputWithoutRecursion) {
  const std::string deep = std::string(1000000, '\x81') + '\x00';
  EXPECT_THAT(Document::Parse(AsBytes(deep)), StatusIs(kInvalid, HasSubstr("nested")));
  const Limits unbounded{.max_bytes = 2000000, .max_depth = 2000000, .max_items = 2000000};
  EXPECT_THAT(Document::Parse(AsBytes(deep), unbounded), IsOk());
}

TEST(ParseTest, ReadsHalfFloatsExactly) {
  const auto read = [](const char* hex) {
    const std::string bytes = absl::HexStringToBytes(hex);
    return Document::Parse(AsBytes(bytes))->root().Float().value();
  };
  EXPECT_EQ(read("f93c00"), 1.0);
  EXPECT_EQ(read("f9c400"), -4.0);
  EXPECT_EQ(read("f90001"), 5.960464477539063e-8);
  EXPECT_EQ(read("f90400"), 0.00006103515625);
  EXPECT_EQ(read("f97bff"), 65504.0);
  EXPECT_EQ(read("fa47c35000"), 100000.0);
  EXPECT_EQ(read("fb3ff199999999999a"), 1.1);
}

}  // namespace
}  // namespace tam::cbor

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/strings/escaping.h"
#include "crypto/cbor/cbor.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/status_matchers.h"

namespace tam::cbor {
namespace {

using ::tam::testing::IsOk;
using ::tam::testing::IsOkAndHolds;
using ::tam::testing::StatusIs;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr auto kInvalid = absl::StatusCode::kInvalidArgument;

class ItemTest : public ::testing::Test {
 protected:
  Item Parse(const std::string& hex, std::string_view root_path = "$") {
    bytes_ = absl::HexStringToBytes(hex);
    document_.emplace(*Document::Parse(AsBytes(bytes_), Limits(), root_path));
    return document_->root();
  }

  std::string bytes_;
  std::optional<Document> document_;
};

TEST_F(ItemTest, ReadsScalars) {
  const Item array = Parse("8a1bffffffffffffffff3b7fffffffffffffff4201026161f5f4f6f7f93c00c100");
  EXPECT_THAT(array.at(0).Uint(), IsOkAndHolds(UINT64_MAX));
  EXPECT_THAT(array.at(1).Int(), IsOkAndHolds(INT64_MIN));
  EXPECT_EQ(AsView(*array.at(2).ByteString()), "\x01\x02");
  EXPECT_THAT(array.at(3).Text(), IsOkAndHolds(std::string_view("a")));
  EXPECT_THAT(array.at(4).Bool(), IsOkAndHolds(true));
  EXPECT_THAT(array.at(5).Bool(), IsOkAndHolds(false));
  EXPECT_TRUE(array.at(6).is_null());
  EXPECT_EQ(array.at(7).type(), Type::kUndefined);
  EXPECT_THAT(array.at(8).Float(), IsOkAndHolds(1.0));
  EXPECT_EQ(array.at(9).tag(), 1u);
  EXPECT_THAT(array.at(9).at(0).Uint(), IsOkAndHolds(0u));
}

TEST_F(ItemTest, NamesOffsetPathWantedAndFound) {
  const Item root = Parse("820182a11307a16361626300", "query-response");
  const Item options = root.at(1);
  EXPECT_THAT(options.at(0).Get(19)->ByteString(8, 64),
              StatusIs(kInvalid,
                       "offset 5, query-response[1][0].19: want byte string of 8..64 "
                       "bytes, got unsigned integer"));
  EXPECT_THAT(options.at(0).Get(20),
              StatusIs(kInvalid, "offset 3, query-response[1][0].20: missing"));
  EXPECT_THAT(options.at(1).Get("abc")->Text(),
              StatusIs(kInvalid, HasSubstr("query-response[1][1].abc: want text string, got")));
  EXPECT_THAT(root.Get(1), StatusIs(kInvalid, "offset 0, query-response: want map, got array"));
  EXPECT_THAT(root.at(0).Error("want peace"),
              StatusIs(kInvalid, "offset 1, query-response[0]: want peace"));
}

TEST_F(ItemTest, ChecksRanges) {
  const Item root = Parse("85184043010203626162a10000820000");
  EXPECT_THAT(root.at(0).Uint(64), IsOkAndHolds(64u));
  EXPECT_THAT(root.at(0).Uint(63),
              StatusIs(kInvalid, HasSubstr("want unsigned integer of at most 63, got 64")));
  EXPECT_THAT(root.at(1).ByteString(3, 3), IsOk());
  EXPECT_THAT(root.at(1).ByteString(8, 64),
              StatusIs(kInvalid, HasSubstr("want byte string of 8..64 bytes, got 3")));
  EXPECT_THAT(root.at(1).ByteString(32, 32), StatusIs(kInvalid, HasSubstr("of 32 bytes")));
  EXPECT_THAT(root.at(2).Text(3), StatusIs(kInvalid, HasSubstr("of at least 3 bytes, got 2")));
  EXPECT_THAT(root.at(3).CheckMap(1, 1), IsOk());
  EXPECT_THAT(root.at(3).CheckMap(2), StatusIs(kInvalid, HasSubstr("map of at least 2 pairs")));
  EXPECT_THAT(root.at(4).CheckArray(2), IsOk());
  EXPECT_THAT(root.at(4).CheckArray(0, 1),
              StatusIs(kInvalid, HasSubstr("array of at most 1 elements, got 2")));
}

TEST_F(ItemTest, RefusesIntegersBeyondInt64) {
  const Item root = Parse("821b80000000000000003b8000000000000000");
  EXPECT_THAT(root.at(0).Int(), StatusIs(kInvalid, HasSubstr("want integer of 64 bits")));
  EXPECT_THAT(root.at(1).Int(), StatusIs(kInvalid, HasSubstr("want integer of 64 bits")));
}

TEST_F(ItemTest, FindsKeysOfEitherSignAndText) {
  const Item map = Parse("a400012081026161030804");
  EXPECT_THAT(map.Find(0)->Uint(), IsOkAndHolds(1u));
  EXPECT_EQ(map.Find(-1)->size(), 1u);
  EXPECT_THAT(map.Find("a")->Uint(), IsOkAndHolds(3u));
  EXPECT_THAT(map.Find(8)->Uint(), IsOkAndHolds(4u));
  EXPECT_EQ(map.Find(26), std::nullopt);
  EXPECT_EQ(map.Find(-2), std::nullopt);
  EXPECT_EQ(map.Find("b"), std::nullopt);
}

TEST_F(ItemTest, IteratesWithoutAndWithVectors) {
  const Item root = Parse("8201a2018102038103");
  std::vector<size_t> offsets;
  for (Item element : root.each()) offsets.push_back(element.offset());
  EXPECT_THAT(offsets, ElementsAre(1, 2));
  std::vector<uint64_t> keys;
  std::vector<uint64_t> values;
  for (auto [key, value] : root.at(1).each_pair()) {
    keys.push_back(*key.Uint());
    values.push_back(*value.at(0).Uint());
  }
  EXPECT_THAT(keys, ElementsAre(1, 3));
  EXPECT_THAT(values, ElementsAre(2, 3));
  EXPECT_EQ(root.elements().size(), 2u);
  EXPECT_EQ(root.at(1).entries().size(), 2u);
  EXPECT_TRUE(root.at(0).elements().empty());
  EXPECT_TRUE(root.entries().empty());
}

TEST_F(ItemTest, ShowsItsOwnBytes) {
  const Item root = Parse("8301a1024103f6");
  EXPECT_EQ(absl::BytesToHexString(AsString(root.encoded())), "8301a1024103f6");
  EXPECT_EQ(absl::BytesToHexString(AsString(root.at(1).encoded())), "a1024103");
}

TEST_F(ItemTest, SurvivesAMoveOfItsDocument) {
  const std::string bytes = absl::HexStringToBytes("8107");
  Document first = *Document::Parse(AsBytes(bytes));
  const Item root = first.root();
  const Document second = std::move(first);
  EXPECT_THAT(root.at(0).Uint(), IsOkAndHolds(7u));
  EXPECT_EQ(root.at(0).path(), "$[0]");
}

}  // namespace
}  // namespace tam::cbor

#include "tests/conformance/mutated/mutator.h"

#include <map>
#include <set>
#include <string>

#include "crypto/cbor/cbor.h"
#include "gtest/gtest.h"
#include "tests/conformance/mutated/cbor_tree.h"
#include "tests/support/status_matchers.h"

namespace tam::conformance {
namespace {

// [2, {6: h'..' of {1: 9, -2: "t"}, 8: [true, null]}]
std::string Sample() {
  cbor::Writer inside;
  inside.MapHead(2).Int(1).Uint(9).Int(-2).Text("a text inside");
  cbor::Writer out;
  out.Array(2).Uint(2).MapHead(2).Uint(6).ByteString(inside.bytes());
  out.Uint(8).Array(3).Bool(true).Null().Tag(5).ByteString(std::string("0123456789abcdef"));
  return std::move(out).Take();
}

TEST(CborTreeTest, WritesWhatItRead) {
  TAM_ASSERT_OK_AND_ASSIGN(const Node tree, ParseTree(Sample()));
  EXPECT_EQ(EncodeTree(tree), Sample());
}

TEST(CborTreeTest, SeesInsideByteStrings) {
  TAM_ASSERT_OK_AND_ASSIGN(Node tree, ParseTree(Sample()));
  for (Node* node : AllNodes(tree)) {
    if (node->type == cbor::Type::kText) node->bytes = "changed";
  }
  EXPECT_NE(EncodeTree(tree).find("changed"), std::string::npos);
}

TEST(MutatorTest, EachChangeChangesTheBytesAndFollowsTheSeed) {
  for (const FieldChange change : kFieldChanges) {
    SCOPED_TRACE(FieldChangeName(change));
    std::set<std::string> outcomes;
    for (uint64_t seed = 0; seed < 200; ++seed) {
      std::string made[2];
      for (std::string& bytes : made) {
        TAM_ASSERT_OK_AND_ASSIGN(Node tree, ParseTree(Sample()));
        Random random(seed);
        ASSERT_TRUE(ChangeField(tree, change, random));
        bytes = EncodeTree(tree);
      }
      EXPECT_EQ(made[0], made[1]);
      outcomes.insert(made[0]);
    }
    outcomes.erase(Sample());
    EXPECT_GE(outcomes.size(), 3u);
  }
}

TEST(MutatorTest, NothingToDropInAnInteger) {
  Node one = UintNode(1);
  Random random(1);
  EXPECT_FALSE(ChangeField(one, FieldChange::kDrop, random));
  EXPECT_FALSE(ChangeField(one, FieldChange::kSwap, random));
}

TEST(MutatorTest, OneBitIsFlipped) {
  Random random(7);
  std::string bytes = "some bytes";
  FlipBit(bytes, random);
  int differing = 0;
  for (size_t i = 0; i < bytes.size(); ++i) {
    differing += __builtin_popcount(static_cast<unsigned char>(bytes[i] ^ "some bytes"[i]));
  }
  EXPECT_EQ(differing, 1);
}

}  // namespace
}  // namespace tam::conformance

#include <string>
#include <utility>
#include <vector>

#include "absl/strings/escaping.h"
#include "crypto/cbor/cbor.h"
#include "crypto/cbor/diagnostic.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/status_matchers.h"

namespace tam::cbor {
namespace {

using ::tam::testing::IsOk;

TEST(WriterTest, WritesShortestHeads) {
  Writer writer;
  writer.Array(12).Uint(23).Uint(24).Uint(255).Uint(256).Uint(65535).Uint(65536);
  writer.Uint(0xffffffff).Uint(0x100000000).Int(-1).Int(-25).Int(INT64_MIN).Int(INT64_MAX);
  EXPECT_EQ(absl::BytesToHexString(writer.bytes()),
            "8c17181818ff19010019ffff1a000100001affffffff1b0000000100000000"
            "2038183b7fffffffffffffff1b7fffffffffffffff");
  EXPECT_THAT(Document::Parse(AsBytes(writer.bytes())), IsOk());
}

TEST(WriterTest, WritesEveryType) {
  Writer writer;
  writer.Array(6).ByteString("\x01").Text("a").Bool(true).Bool(false).Null().Tag(18).Raw("\x80");
  EXPECT_EQ(absl::BytesToHexString(std::move(writer).Take()), "8641016161f5f4f6d280");
}

TEST(MapBuilderTest, SortsByEncodedKeyAndKeepsTheLastValue) {
  MapBuilder map;
  map.Set("a", Writer().Uint(0)).Set(-1, Writer().Uint(1)).Set(24, Writer().Uint(2));
  map.Set(3, Writer().Uint(9)).Set(3, Writer().Uint(3));
  EXPECT_EQ(map.size(), 4u);
  const std::string encoded = map.Encode();
  EXPECT_EQ(absl::BytesToHexString(encoded), "a403031818022001616100");
  EXPECT_THAT(Document::Parse(AsBytes(encoded), Limits{.require_sorted_maps = true}), IsOk());
}

std::string DiagnoseHex(const std::string& hex,
                        const DiagnosticOptions& options = DiagnosticOptions()) {
  const std::string bytes = absl::HexStringToBytes(hex);
  return Diagnose(Document::Parse(AsBytes(bytes))->root(), options);
}

TEST(DiagnoseTest, WritesOneLine) {
  EXPECT_EQ(DiagnoseHex("8a01203bffffffffffffffff4200ff6161a20102616103d280f4f6f7"),
            "[1, -1, -18446744073709551616, h'00ff', \"a\", {1: 2, \"a\": 3}, 18([]), false, null, "
            "undefined]");
}

TEST(DiagnoseTest, WritesFloatsSoThatTheyReadAsFloats) {
  EXPECT_EQ(DiagnoseHex("86f93c00fb3ff199999999999af97e00f97c00f9fc00f98000"),
            "[1.0, 1.1, NaN, Infinity, -Infinity, -0.0]");
}

TEST(DiagnoseTest, EscapesWhatATerminalWouldObey) {
  EXPECT_EQ(DiagnoseHex("6d1b5b6d225c0ac285e280aec3a9"),
            "\"\\u001b[m\\\"\\\\\\n\\u0085\\u202e\xc3\xa9\"");
}

TEST(DiagnoseTest, IndentsAndCuts) {
  EXPECT_EQ(DiagnoseHex("82a1014301020380", {.indent = 2, .max_bytes_shown = 2}),
            "[\n  {\n    1: h'0102...'/3 bytes/\n  },\n  []\n]");
}

TEST(DiagnoseTest, ShowsEmbeddedItemsWhereTheCallerSaysSo) {
  std::vector<std::string> asked;
  DiagnosticOptions options;
  options.embedded = [&asked](const Item& item) {
    asked.push_back(item.path());
    return true;
  };
  // The first string holds [1, h'05'], in which h'05' holds 5; the second holds no item.
  EXPECT_EQ(DiagnoseHex("82448201410541ff", options), "[<<[1, <<5>>]>>, h'ff']");
  EXPECT_THAT(asked, ::testing::ElementsAre("$[0]", "$[0][1]", "$[1]"));
}

}  // namespace
}  // namespace tam::cbor

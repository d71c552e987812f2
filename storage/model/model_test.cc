#include <gtest/gtest.h>

#include <numeric>
#include <sstream>

#include "absl/container/flat_hash_set.h"
#include "storage/model/call.h"
#include "storage/model/component_id.h"
#include "storage/model/id.h"

namespace tam::storage {
namespace {

RandomSource Counting() {
  return [](absl::Span<uint8_t> out) { std::iota(out.begin(), out.end(), uint8_t{0xf0}); };
}

ComponentId Component(std::vector<std::string> segments) {
  std::vector<Bytes> bytes;
  for (const std::string& s : segments) bytes.emplace_back(s.begin(), s.end());
  return *ComponentId::FromSegments(std::move(bytes));
}

TEST(Id, NewIdIsAVersion4Uuid) {
  const TenantId id = NewId<TenantId>(Counting());
  EXPECT_EQ(id.ToString(), "f0f1f2f3-f4f5-46f7-b8f9-fafbfcfdfeff");
}

TEST(Id, PrintsAndParsesBack) {
  const DeviceId id = NewId<DeviceId>(Counting());
  EXPECT_EQ(*DeviceId::Parse(id.ToString()), id);
  EXPECT_EQ(*DeviceId::Parse("f0f1f2f3f4f546f7b8f9fafbfcfdfeff"), id);
  const KeyThumbprint key = *KeyThumbprint::FromBytes(Bytes(32, 0xab));
  EXPECT_EQ(*KeyThumbprint::Parse(key.ToString()), key);
  EXPECT_EQ(key.ToString().substr(0, 6), "ababab");
}

TEST(Id, RefusesOtherLengthsAndOtherText) {
  EXPECT_EQ(TenantId::FromBytes(Bytes(15)).status().message(), "TenantId: want 16 bytes, got 15");
  for (const char* text :
       {"", "f0", "f0f1f2f3-f4f5-46f7-b8f9+fafbfcfdfeff", "g0f1f2f3f4f546f7b8f9fafbfcfdfeff"}) {
    EXPECT_EQ(TenantId::Parse(text).status().code(), absl::StatusCode::kInvalidArgument) << text;
  }
}

TEST(Id, HashesComparesAndPrints) {
  absl::flat_hash_set<EndpointId> set;
  set.insert(EndpointId());
  set.insert(NewId<EndpointId>(Counting()));
  EXPECT_EQ(set.size(), 2u);
  EXPECT_TRUE(EndpointId().is_nil());
  EXPECT_LT(EndpointId(), NewId<EndpointId>(Counting()));
  std::ostringstream out;
  out << EndpointId();
  EXPECT_EQ(out.str(), "00000000-0000-0000-0000-000000000000");
}

TEST(ComponentId, APrefixIsAPrefixOfTheKey) {
  const ComponentId prefix = Component({"acme", "x"});
  for (const ComponentId& id : {Component({"acme", "x", "app"}), prefix}) {
    EXPECT_TRUE(prefix.IsPrefixOf(id));
    const Bytes key = id.ToKey(), start = prefix.ToKey();
    EXPECT_TRUE(std::equal(start.begin(), start.end(), key.begin()));
  }
  EXPECT_FALSE(prefix.IsPrefixOf(Component({"acme", "xy"})));
  EXPECT_FALSE(prefix.IsPrefixOf(Component({"acme"})));
}

TEST(ComponentId, KeyRoundTripsAndRefusesTornBytes) {
  const ComponentId id = Component({"", "a/b", std::string(300, 'z')});
  EXPECT_EQ(*ComponentId::FromKey(id.ToKey()), id);
  Bytes torn = id.ToKey();
  torn.pop_back();
  EXPECT_EQ(ComponentId::FromKey(torn).status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(ComponentId::FromKey(Bytes{0}).status().code(), absl::StatusCode::kInvalidArgument);
}

TEST(ComponentId, RefusesTooManyOrTooLongSegments) {
  EXPECT_EQ(ComponentId::FromSegments(std::vector<Bytes>(65)).status().code(),
            absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(ComponentId::FromSegments({Bytes(65536)}).status().code(),
            absl::StatusCode::kInvalidArgument);
}

TEST(ComponentId, PrintsForPeople) {
  EXPECT_EQ(Component({"acme", "a/b", "app"}).ToString(), "acme/h'612f62'/app");
}

TEST(PageRequest, LimitIsBounded) {
  EXPECT_EQ(PageRequest{}.EffectiveLimit(), 50);
  EXPECT_EQ((PageRequest{7, ""}).EffectiveLimit(), 7);
  EXPECT_EQ((PageRequest{5000, ""}).EffectiveLimit(), 1000);
}

}  // namespace
}  // namespace tam::storage

#include "services/registry/refusal_board.h"

#include <gtest/gtest.h>

namespace tam::registry {
namespace {

storage::DeviceId Device(uint8_t n) {
  std::array<uint8_t, 16> bytes{};
  bytes[0] = n;
  return storage::DeviceId(bytes);
}

TurnedAway Because(const std::string& claim) {
  return {{claim, "expected", "found"}, absl::UnixEpoch()};
}

TEST(RefusalBoardTest, KeepsTheLastOfADeviceInItsTenant) {
  RefusalBoard board;
  board.Note({}, Device(1), Because("first"));
  board.Note({}, Device(1), Because("second"));
  ASSERT_TRUE(board.Find({}, Device(1)).has_value());
  EXPECT_EQ(board.Find({}, Device(1))->reason.claim, "second");
  EXPECT_FALSE(board.Find({}, Device(2)).has_value());
  EXPECT_FALSE(board.Find(storage::TenantId(Device(9).array()), Device(1)).has_value());
}

TEST(RefusalBoardTest, TheOldestMakesRoom) {
  RefusalBoard board(2);
  board.Note({}, Device(1), Because("one"));
  board.Note({}, Device(2), Because("two"));
  board.Note({}, Device(1), Because("one again"));
  board.Note({}, Device(3), Because("three"));
  EXPECT_TRUE(board.Find({}, Device(1)).has_value());
  EXPECT_FALSE(board.Find({}, Device(2)).has_value());
  EXPECT_TRUE(board.Find({}, Device(3)).has_value());
}

}  // namespace
}  // namespace tam::registry

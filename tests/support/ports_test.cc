#include "tests/support/ports.h"

#include <set>

#include "gtest/gtest.h"
#include "tests/support/status_matchers.h"

namespace tam::testing {
namespace {

TEST(PortReservationsTest, GivesEachPortOnceBelowThoseOfClients) {
  PortReservations mine, others;
  std::set<int> ports;
  for (int i = 0; i < 20; ++i) {
    TAM_ASSERT_OK_AND_ASSIGN(const int a, mine.Take());
    TAM_ASSERT_OK_AND_ASSIGN(const int b, others.Take());
    ports.insert({a, b});
  }
  EXPECT_EQ(ports.size(), 40u);
  EXPECT_GE(*ports.begin(), 1024);
  EXPECT_LT(*ports.rbegin(), 32768);
}

}  // namespace
}  // namespace tam::testing

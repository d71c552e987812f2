#ifndef TAMARACK_TESTS_SUPPORT_ROW_H_
#define TAMARACK_TESTS_SUPPORT_ROW_H_

// Says which rows of tests/conformance/requirements.tsv a test proves:
//
//   TEST_F(RefusalTest, SaysWhy) {
//     TAM_ROW("T-04", "T-05");
//
// At most once in a test, with string literals alone: tools/conformance reads the sources for it
// and writes docs/conformance.md. The ids also go into the test's entry of test.xml, which shows
// that the test which ran is the one that was read. A shell test says `# TAM_ROW T-66` on a line of
// its own. A test bears a row's id only if it fails when the TAM breaks that row.

#include <initializer_list>
#include <string>

#include "gtest/gtest.h"

namespace tam::testing {

inline void RecordRows(std::initializer_list<const char*> ids) {
  std::string all;
  for (const char* id : ids) all += (all.empty() ? "" : " ") + std::string(id);
  ::testing::Test::RecordProperty("rows", all);
}

}  // namespace tam::testing

#define TAM_ROW(...) ::tam::testing::RecordRows({__VA_ARGS__})

#endif  // TAMARACK_TESTS_SUPPORT_ROW_H_

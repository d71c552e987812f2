// Both layouts of a TAM, for tests of what holds in each.
#ifndef TAMARACK_TESTS_E2E_LAYOUTS_H_
#define TAMARACK_TESTS_E2E_LAYOUTS_H_

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/e2e/tam_processes.h"

namespace tam::testing {

// One process with everything; or two of each service.
inline StackOptions OptionsOf(Layout layout) {
  StackOptions options;
  options.layout = layout;
  options.replicas = layout == Layout::kApart ? 2 : 1;
  return options;
}

// Both, or where they are sanitized, which costs a dozen large processes, the one that has all code
// in it.
inline std::vector<Layout> LayoutsToTest() {
#ifdef __SANITIZE_ADDRESS__
  return {Layout::kTogether};
#else
  return {Layout::kTogether, Layout::kApart};
#endif
}

inline std::string NameOf(Layout layout) { return layout == Layout::kApart ? "Apart" : "Together"; }

inline std::string LayoutName(const ::testing::TestParamInfo<Layout>& info) {
  return NameOf(info.param);
}

}  // namespace tam::testing

#endif  // TAMARACK_TESTS_E2E_LAYOUTS_H_

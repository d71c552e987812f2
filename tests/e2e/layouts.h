// Both layouts of a TAM, for tests of what holds in each: SharedTamTest with
// INSTANTIATE_IN_LAYOUTS.
#ifndef TAMARACK_TESTS_E2E_LAYOUTS_H_
#define TAMARACK_TESTS_E2E_LAYOUTS_H_

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "tests/e2e/scenario.h"
#include "tests/e2e/stack.h"
#include "tests/e2e/tam_processes.h"
#include "tests/support/status_matchers.h"

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

// `layout`, where it is to be tested.
inline std::vector<Layout> OnlyIn(Layout layout) {
  const std::vector<Layout> all = LayoutsToTest();
  if (std::find(all.begin(), all.end(), layout) == all.end()) return {};
  return {layout};
}

// One TAM with tenant "demo" for all tests of a suite, each of which uses devices of its own: a
// whole TAM takes seconds to start. What is to be there for all comes from SetUpTam, once.
class SharedTamTest : public ::testing::TestWithParam<Layout> {
 protected:
  void SetUp() override {
    if (tam_ != nullptr) return;
    auto stack = Stack::Start(Options());
    ASSERT_THAT(stack, IsOk());
    tam_ = std::make_unique<Tam>(*std::move(stack));
    scenario().SetUpTenant();
    SetUpTam();
  }
  static void TearDownTestSuite() { tam_.reset(); }
  virtual StackOptions Options() const { return OptionsOf(GetParam()); }
  virtual void SetUpTam() {}

  static Stack& stack() { return *tam_->stack; }
  static Scenario& scenario() { return tam_->scenario; }

 private:
  struct Tam {
    explicit Tam(std::unique_ptr<Stack> started) : stack(std::move(started)), scenario(*stack) {}
    std::unique_ptr<Stack> stack;
    Scenario scenario;
  };
  static inline std::unique_ptr<Tam> tam_;
};

// A suite each, so that each has a TAM of its own.
#define INSTANTIATE_IN_LAYOUTS(suite)                                                              \
  INSTANTIATE_TEST_SUITE_P(Together, suite, ::testing::ValuesIn(OnlyIn(Layout::kTogether)),        \
                           LayoutName);                                                            \
  INSTANTIATE_TEST_SUITE_P(Apart, suite, ::testing::ValuesIn(OnlyIn(Layout::kApart)), LayoutName); \
  static_assert(true)

}  // namespace tam::testing

#endif  // TAMARACK_TESTS_E2E_LAYOUTS_H_

#ifndef TAMARACK_TESTS_SUPPORT_STATUS_MATCHERS_H_
#define TAMARACK_TESTS_SUPPORT_STATUS_MATCHERS_H_

// gMock matchers for absl::Status and absl::StatusOr<T>:
//
//   EXPECT_THAT(Parse(bytes), IsOk());
//   EXPECT_THAT(Parse(bytes), IsOkAndHolds(Field(&Header::version, 1)));
//   EXPECT_THAT(Parse(bytes), StatusIs(absl::StatusCode::kInvalidArgument,
//                                      HasSubstr("trailing bytes")));
//   EXPECT_OK(store.Delete(id));
//   TAM_ASSERT_OK_AND_ASSIGN(Header header, Parse(bytes));
//
// Stateless, and therefore thread safe as far as gMock is.

#include <ostream>
#include <string>
#include <type_traits>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace tam::testing {
namespace internal {

inline const absl::Status& StatusOf(const absl::Status& status) { return status; }

template <typename T>
const absl::Status& StatusOf(const absl::StatusOr<T>& result) {
  return result.status();
}

inline std::string Describe(const absl::Status& status) {
  return status.ok() ? "which is OK" : "whose status is " + status.ToString();
}

class IsOkMatcher {
 public:
  template <typename T>
  bool MatchAndExplain(const T& actual, ::testing::MatchResultListener* listener) const {
    const absl::Status& status = StatusOf(actual);
    *listener << Describe(status);
    return status.ok();
  }
  void DescribeTo(std::ostream* os) const { *os << "is OK"; }
  void DescribeNegationTo(std::ostream* os) const { *os << "is not OK"; }
};

class StatusIsMatcher {
 public:
  StatusIsMatcher(::testing::Matcher<absl::StatusCode> code,
                  ::testing::Matcher<const std::string&> message)
      : code_(std::move(code)), message_(std::move(message)) {}

  template <typename T>
  bool MatchAndExplain(const T& actual, ::testing::MatchResultListener* listener) const {
    const absl::Status& status = StatusOf(actual);
    *listener << Describe(status);
    return code_.Matches(status.code()) && message_.Matches(std::string(status.message()));
  }
  void DescribeTo(std::ostream* os) const {
    *os << "has a status code that ";
    code_.DescribeTo(os);
    *os << " and a message that ";
    message_.DescribeTo(os);
  }
  void DescribeNegationTo(std::ostream* os) const {
    *os << "has a status code that ";
    code_.DescribeNegationTo(os);
    *os << " or a message that ";
    message_.DescribeNegationTo(os);
  }

 private:
  ::testing::Matcher<absl::StatusCode> code_;
  ::testing::Matcher<const std::string&> message_;
};

template <typename StatusOrT>
class IsOkAndHoldsImpl : public ::testing::MatcherInterface<StatusOrT> {
 public:
  using Value = typename std::remove_cv_t<std::remove_reference_t<StatusOrT>>::value_type;

  template <typename Inner>
  explicit IsOkAndHoldsImpl(const Inner& inner)
      : inner_(::testing::SafeMatcherCast<const Value&>(inner)) {}

  bool MatchAndExplain(StatusOrT actual, ::testing::MatchResultListener* listener) const override {
    if (!actual.ok()) {
      *listener << Describe(actual.status());
      return false;
    }
    *listener << "which holds " << ::testing::PrintToString(*actual);
    ::testing::StringMatchResultListener inner_listener;
    const bool matches = inner_.MatchAndExplain(*actual, &inner_listener);
    if (!inner_listener.str().empty()) *listener << ", " << inner_listener.str();
    return matches;
  }
  void DescribeTo(std::ostream* os) const override {
    *os << "is OK and holds a value that ";
    inner_.DescribeTo(os);
  }
  void DescribeNegationTo(std::ostream* os) const override {
    *os << "is not OK or holds a value that ";
    inner_.DescribeNegationTo(os);
  }

 private:
  ::testing::Matcher<const Value&> inner_;
};

template <typename Inner>
class IsOkAndHoldsMatcher {
 public:
  explicit IsOkAndHoldsMatcher(Inner inner) : inner_(std::move(inner)) {}

  template <typename StatusOrT>
  operator ::testing::Matcher<StatusOrT>() const {  // NOLINT: gMock wants it implicit.
    return ::testing::Matcher<StatusOrT>(new IsOkAndHoldsImpl<const StatusOrT&>(inner_));
  }

 private:
  Inner inner_;
};

}  // namespace internal

// Matches an OK absl::Status or absl::StatusOr<T>.
inline ::testing::PolymorphicMatcher<internal::IsOkMatcher> IsOk() {
  return ::testing::MakePolymorphicMatcher(internal::IsOkMatcher());
}

// Matches an OK absl::StatusOr<T> whose value matches `inner` (a matcher or a value).
template <typename Inner>
internal::IsOkAndHoldsMatcher<std::decay_t<Inner>> IsOkAndHolds(Inner&& inner) {
  return internal::IsOkAndHoldsMatcher<std::decay_t<Inner>>(std::forward<Inner>(inner));
}

// Matches an absl::Status or absl::StatusOr<T> by its code and, where given, its message. Both
// may be matchers; a plain message is compared in full.
inline ::testing::PolymorphicMatcher<internal::StatusIsMatcher> StatusIs(
    ::testing::Matcher<absl::StatusCode> code,
    ::testing::Matcher<const std::string&> message = ::testing::_) {
  return ::testing::MakePolymorphicMatcher(
      internal::StatusIsMatcher(std::move(code), std::move(message)));
}

}  // namespace tam::testing

#define EXPECT_OK(expression) EXPECT_THAT(expression, ::tam::testing::IsOk())
#define ASSERT_OK(expression) ASSERT_THAT(expression, ::tam::testing::IsOk())

// Evaluates `expression`, an absl::StatusOr<T>; ends the test with its status where it failed,
// otherwise moves its value into `lhs`, which may declare a variable. More than one statement:
// not for the body of an `if` without braces.
#define TAM_ASSERT_OK_AND_ASSIGN(lhs, ...) \
  TAM_ASSERT_OK_AND_ASSIGN_AT_(TAM_STATUS_CONCAT_(tam_status_or_, __LINE__), lhs, (__VA_ARGS__))

#define TAM_STATUS_CONCAT_(a, b) TAM_STATUS_CONCAT_INNER_(a, b)
#define TAM_STATUS_CONCAT_INNER_(a, b) a##b
#define TAM_ASSERT_OK_AND_ASSIGN_AT_(result, lhs, expression)                 \
  auto result = expression;                                                   \
  ASSERT_TRUE(result.ok()) << #expression << " returned " << result.status(); \
  lhs = *std::move(result)

#endif  // TAMARACK_TESTS_SUPPORT_STATUS_MATCHERS_H_

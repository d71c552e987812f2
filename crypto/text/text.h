// Abseil's text functions for std::string_view.
//
// Debian builds Abseil with a string_view class of its own (C++14), to which std::string_view does
// not convert: absl::StrCat and its kin take std::string but not std::string_view. Concat and
// Append take either. The rest goes through AbslView and StdView.
#ifndef TAMARACK_CRYPTO_TEXT_TEXT_H_
#define TAMARACK_CRYPTO_TEXT_TEXT_H_

#include <string>
#include <string_view>
#include <type_traits>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"

namespace tam {

inline absl::string_view AbslView(std::string_view s) { return {s.data(), s.size()}; }
inline std::string_view StdView(absl::string_view s) { return {s.data(), s.size()}; }

namespace internal {

template <typename T>
inline decltype(auto) ConcatArgument(const T& argument) {
  if constexpr (std::is_same_v<T, std::string_view>) {
    return AbslView(argument);
  } else {
    return (argument);
  }
}

}  // namespace internal

// absl::StrCat: text, numbers, absl::Hex and the like.
template <typename... T>
std::string Concat(const T&... arguments) {
  return absl::StrCat(internal::ConcatArgument(arguments)...);
}

// absl::StrAppend.
template <typename... T>
void Append(std::string* to, const T&... arguments) {
  absl::StrAppend(to, internal::ConcatArgument(arguments)...);
}

}  // namespace tam

#endif  // TAMARACK_CRYPTO_TEXT_TEXT_H_

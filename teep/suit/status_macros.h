// Early returns for absl::Status; for this folder's .cc files alone.
#ifndef TAMARACK_TEEP_SUIT_STATUS_MACROS_H_
#define TAMARACK_TEEP_SUIT_STATUS_MACROS_H_

#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

#define SUIT_RETURN_IF_ERROR(expression)                                                \
  do {                                                                                  \
    if (absl::Status suit_status = (expression); !suit_status.ok()) return suit_status; \
  } while (false)

#define SUIT_CONCAT_INNER_(a, b) a##b
#define SUIT_CONCAT_(a, b) SUIT_CONCAT_INNER_(a, b)
#define SUIT_ASSIGN_OR_RETURN(lhs, ...) \
  SUIT_ASSIGN_OR_RETURN_AT_(SUIT_CONCAT_(suit_status_or_, __LINE__), lhs, (__VA_ARGS__))
#define SUIT_ASSIGN_OR_RETURN_AT_(result, lhs, expression) \
  auto result = expression;                                \
  if (!result.ok()) return result.status();                \
  lhs = *std::move(result)

#endif  // TAMARACK_TEEP_SUIT_STATUS_MACROS_H_

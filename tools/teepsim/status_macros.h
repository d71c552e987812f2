// Early returns for absl::Status; for this folder's .cc files alone.
#ifndef TAMARACK_TOOLS_TEEPSIM_STATUS_MACROS_H_
#define TAMARACK_TOOLS_TEEPSIM_STATUS_MACROS_H_

#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

#define TEEPSIM_RETURN_IF_ERROR(expression)                                                      \
  do {                                                                                           \
    if (absl::Status teepsim_status = (expression); !teepsim_status.ok()) return teepsim_status; \
  } while (false)

#define TEEPSIM_CONCAT_INNER_(a, b) a##b
#define TEEPSIM_CONCAT_(a, b) TEEPSIM_CONCAT_INNER_(a, b)
#define TEEPSIM_ASSIGN_OR_RETURN(lhs, ...) \
  TEEPSIM_ASSIGN_OR_RETURN_AT_(TEEPSIM_CONCAT_(teepsim_status_or_, __LINE__), lhs, (__VA_ARGS__))
#define TEEPSIM_ASSIGN_OR_RETURN_AT_(result, lhs, expression) \
  auto result = expression;                                   \
  if (!result.ok()) return result.status();                   \
  lhs = *std::move(result)

#endif  // TAMARACK_TOOLS_TEEPSIM_STATUS_MACROS_H_

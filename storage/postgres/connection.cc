#include "storage/postgres/connection.h"

#include "absl/strings/cord.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

namespace tam::storage::postgres {
namespace {

constexpr char kSqlState[] = "tamarack/sqlstate";
constexpr char kLost[] = "lost";

absl::StatusCode CodeOf(const std::string& state) {
  if (state == "40001" || state == "40P01") return absl::StatusCode::kAborted;
  if (state == "23505") return absl::StatusCode::kAlreadyExists;
  if (state == "57014") return absl::StatusCode::kDeadlineExceeded;
  // Connection exceptions, insufficient resources, operator intervention.
  for (const char* group : {"08", "53", "57"}) {
    if (absl::StartsWith(state, group)) return absl::StatusCode::kUnavailable;
  }
  // A read-only server: a standby, or one that is being failed over.
  if (state == "25006") return absl::StatusCode::kUnavailable;
  // 42501 too: a role that may not do its own service's work is a fault of the installation, and
  // nothing that the caller was refused.
  return absl::StatusCode::kInternal;
}

absl::Status WithState(absl::StatusCode code, const std::string& state,
                       const std::string& message) {
  absl::Status status(code, absl::StrCat("database: ", message));
  status.SetPayload(kSqlState, absl::Cord(state));
  return status;
}

}  // namespace

absl::Status SqlError(const std::string& state, const std::string& message) {
  return WithState(CodeOf(state), state, absl::StrCat("SQLSTATE ", state, ": ", message));
}

absl::Status ConnectionLost(const std::string& message) {
  return WithState(absl::StatusCode::kUnavailable, kLost, message);
}

std::string SqlState(const absl::Status& status) {
  const absl::optional<absl::Cord> state = status.GetPayload(kSqlState);
  return state.has_value() && *state != kLost ? std::string(*state) : "";
}

bool IsConnectionLost(const absl::Status& status) {
  const absl::optional<absl::Cord> state = status.GetPayload(kSqlState);
  if (!state.has_value()) return false;
  const std::string text(*state);
  // 57P01..57P03: the server is shutting down or starting, and ends this session.
  return text == kLost || absl::StartsWith(text, "08") || absl::StartsWith(text, "57P0") ||
         text == "25006";
}

bool IsConflict(const absl::Status& status) {
  const std::string state = SqlState(status);
  return state == "40001" || state == "40P01";
}

bool IsUniqueViolation(const absl::Status& status) { return SqlState(status) == "23505"; }

}  // namespace tam::storage::postgres

#ifndef TAMARACK_SERVICES_RUNTIME_LOG_H_
#define TAMARACK_SERVICES_RUNTIME_LOG_H_

// The log: one line of JSON an event, on stderr.
//
//   Log(Severity::kInfo, "listening", {{"admin", "127.0.0.1:9443"}});
//   {"time":"2026-01-02T03:04:05.678Z","severity":"info","event":"listening","admin":"..."}

#include <initializer_list>
#include <string>
#include <utility>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace tam::runtime {

enum class Severity { kDebug, kInfo, kWarning, kError };

using LogFields = std::initializer_list<std::pair<absl::string_view, absl::string_view>>;

// Events below it are dropped. kInfo at start. Thread safe, as is all here.
void SetLogThreshold(Severity severity);

// Writes the event in one write. Never pass a secret, key material, or evidence.
void Log(Severity severity, absl::string_view event, LogFields fields);

// The line that Log writes, without the newline.
std::string FormatLogLine(absl::Time time, Severity severity, absl::string_view event,
                          LogFields fields);

}  // namespace tam::runtime

#endif  // TAMARACK_SERVICES_RUNTIME_LOG_H_

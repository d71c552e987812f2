#include "services/runtime/log.h"

#include <unistd.h>

#include <atomic>
#include <cstddef>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/time/clock.h"

namespace tam::runtime {
namespace {

std::atomic<Severity> threshold = Severity::kInfo;

absl::string_view NameOf(Severity severity) {
  switch (severity) {
    case Severity::kDebug:
      return "debug";
    case Severity::kInfo:
      return "info";
    case Severity::kWarning:
      return "warning";
    case Severity::kError:
      return "error";
  }
  return "error";
}

// Everything beyond printable ASCII is escaped byte by byte, so that no text of another's can break
// the line or the encoding.
void AppendJsonText(std::string& out, absl::string_view text) {
  out.push_back('"');
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out.push_back('\\');
      out.push_back(c);
    } else if (byte < 0x20 || byte > 0x7e) {
      absl::StrAppendFormat(&out, "\\u%04x", byte);
    } else {
      out.push_back(c);
    }
  }
  out.push_back('"');
}

void AppendField(std::string& out, absl::string_view name, absl::string_view value) {
  if (out.back() != '{') out.push_back(',');
  AppendJsonText(out, name);
  out.push_back(':');
  AppendJsonText(out, value);
}

}  // namespace

void SetLogThreshold(Severity severity) { threshold.store(severity, std::memory_order_relaxed); }

std::string FormatLogLine(absl::Time time, Severity severity, absl::string_view event,
                          LogFields fields) {
  std::string line = "{";
  AppendField(line, "time", absl::FormatTime("%Y-%m-%dT%H:%M:%E3SZ", time, absl::UTCTimeZone()));
  AppendField(line, "severity", NameOf(severity));
  AppendField(line, "event", event);
  for (const auto& [name, value] : fields) AppendField(line, name, value);
  line.push_back('}');
  return line;
}

void Log(Severity severity, absl::string_view event, LogFields fields) {
  if (severity < threshold.load(std::memory_order_relaxed)) return;
  const std::string line = FormatLogLine(absl::Now(), severity, event, fields) + "\n";
  // A log that cannot be written must not stop the work.
  [[maybe_unused]] const ssize_t written = write(STDERR_FILENO, line.data(), line.size());
}

}  // namespace tam::runtime

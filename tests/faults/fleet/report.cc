#include "tests/faults/fleet/report.h"

#include <stdlib.h>

#include <algorithm>
#include <cctype>
#include <fstream>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "nlohmann/json.hpp"

namespace tam::testing {
namespace {

constexpr double kFullRate = 0.9;

nlohmann::json SecondsOrNull(const std::optional<absl::Duration>& duration) {
  if (!duration.has_value()) return nullptr;
  return static_cast<double>(absl::ToInt64Milliseconds(*duration)) / 1000.0;
}

// Name and first point, with what a file name may not have replaced.
std::string FileName(const FaultResult& result) {
  std::string file = result.name;
  if (!result.points.empty()) absl::StrAppend(&file, " ", result.points.front());
  std::replace_if(
      file.begin(), file.end(),
      [](unsigned char c) { return !std::isalnum(c) && c != '-' && c != '.'; }, '-');
  return file + ".json";
}

std::optional<absl::Duration> Longest(const std::optional<absl::Duration>& a,
                                      const std::optional<absl::Duration>& b) {
  if (!a.has_value() || !b.has_value()) return std::nullopt;
  return std::max(*a, *b);
}

}  // namespace

FaultResult Merge(const FaultResult& a, const FaultResult& b) {
  FaultResult all = a;
  all.runs += b.runs;
  all.sessions_before += b.sessions_before;
  all.sessions_during += b.sessions_during;
  all.sessions_after += b.sessions_after;
  for (const auto& [kind, count] : b.device_errors) all.device_errors[kind] += count;
  all.sessions_given_up += b.sessions_given_up;
  all.to_first_session = Longest(a.to_first_session, b.to_first_session);
  all.to_full_rate = Longest(a.to_full_rate, b.to_full_rate);
  all.ledger_differences += b.ledger_differences;
  return all;
}

std::string ToJson(const FaultResult& result) {
  nlohmann::ordered_json json;
  json["name"] = result.name;
  json["points"] = result.points;
  json["runs"] = result.runs;
  json["sessions_before"] = result.sessions_before;
  json["sessions_during"] = result.sessions_during;
  json["sessions_after"] = result.sessions_after;
  json["device_errors"] = nlohmann::json::object();
  for (const auto& [kind, count] : result.device_errors) json["device_errors"][kind] = count;
  json["sessions_given_up"] = result.sessions_given_up;
  json["seconds_to_first_session"] = SecondsOrNull(result.to_first_session);
  json["seconds_to_full_rate"] = SecondsOrNull(result.to_full_rate);
  json["ledger_differences"] = result.ledger_differences;
  return json.dump(2, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
}

absl::Status SaveFaultResult(const FaultResult& result) {
  const char* folder = getenv("TAM_FAULTS_REPORT");
  if (folder == nullptr || *folder == '\0') return absl::OkStatus();
  const std::string path = absl::StrCat(folder, "/", FileName(result));
  std::ofstream file(path);
  file << ToJson(result);
  file.close();
  if (file) return absl::OkStatus();
  return absl::InternalError(absl::StrCat(path, ": cannot be written"));
}

absl::Duration LongForm() {
  const char* text = getenv("TAM_FAULTS_MINUTES");
  double minutes = 0;
  if (text == nullptr || !absl::SimpleAtod(text, &minutes)) return absl::ZeroDuration();
  return absl::Minutes(minutes);
}

void AddRecovery(const std::vector<Completion>& completions, const FaultTimes& times,
                 FaultResult& result) {
  std::vector<absl::Duration> ends;
  for (const Completion& session : completions) {
    ends.push_back(session.ended);
    const absl::Duration after = session.ended - times.fault_begin;
    if (session.begun >= times.fault_begin &&
        (!result.to_first_session.has_value() || after < *result.to_first_session)) {
      result.to_first_session = after;
    }
  }
  std::sort(ends.begin(), ends.end());
  const auto between = [&ends](absl::Duration from, absl::Duration to) {
    return static_cast<double>(std::lower_bound(ends.begin(), ends.end(), to) -
                               std::lower_bound(ends.begin(), ends.end(), from));
  };
  const double seconds = absl::ToDoubleSeconds(times.fault_begin - times.measured_from);
  if (seconds <= 0 || ends.empty()) return;
  const double wanted = kFullRate * between(times.measured_from, times.fault_begin) / seconds;
  // A window ends where a session ends: nothing changes for the better between.
  for (const absl::Duration end : ends) {
    const absl::Duration from = end - absl::Seconds(1);
    if (from < times.fault_begin) continue;
    if (between(from, end) + 1 < wanted) continue;
    result.to_full_rate = end - times.fault_begin;
    return;
  }
}

}  // namespace tam::testing

#include <optional>
#include <string>

#include "absl/strings/cord.h"
#include "absl/strings/numbers.h"
#include "crypto/text/text.h"
#include "tools/tamctl/command.h"

namespace tam::tamctl {
namespace {

constexpr int kDone = 0;
constexpr int kRefused = 1;
constexpr int kUsage = 2;

constexpr char kExitPayload[] = "tamctl/exit";

// Of EndWith.
std::optional<int> ExitCodeOf(const absl::Status& status) {
  const auto payload = status.GetPayload(kExitPayload);
  int code = 0;
  if (!payload.has_value() || !absl::SimpleAtoi(std::string(*payload), &code)) return std::nullopt;
  return code;
}

int Report(const absl::Status& status, std::ostream& err) {
  if (status.ok()) return kDone;
  if (const auto code = ExitCodeOf(status)) return *code;
  if (IsUsageError(status)) {
    err << "tamctl: " << status.message() << "\n";
    return kUsage;
  }
  err << "tamctl: " << absl::StatusCodeToString(status.code()) << ": " << status.message() << "\n";
  return kRefused;
}

}  // namespace

absl::Status EndWith(int exit_code) {
  absl::Status status = absl::CancelledError("the command ends with an exit code of its own");
  status.SetPayload(kExitPayload, absl::Cord(std::to_string(exit_code)));
  return status;
}

int Run(const std::vector<std::string>& words, Environment& environment) {
  const auto line = ParseCommandLine(words);
  if (!line.ok()) return Report(line.status(), environment.err);
  if (line->help) {
    environment.out << (line->command != nullptr  ? CommandHelp(*line->command)
                        : line->help_noun.empty() ? GeneralHelp()
                                                  : NounHelp(line->help_noun));
    return kDone;
  }
  Context context(environment, *line);
  absl::Status status = context.Init();
  if (status.ok()) status = line->command->run(context);
  environment.out.flush();
  if ((status.ok() || ExitCodeOf(status).has_value()) && !environment.out) {
    status = absl::UnavailableError("cannot write the output");
  }
  return Report(status, environment.err);
}

}  // namespace tam::tamctl

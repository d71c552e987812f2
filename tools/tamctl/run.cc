#include "crypto/text/text.h"
#include "tools/tamctl/command.h"

namespace tam::tamctl {
namespace {

constexpr int kDone = 0;
constexpr int kRefused = 1;
constexpr int kUsage = 2;

int Report(const absl::Status& status, std::ostream& err) {
  if (status.ok()) return kDone;
  if (IsUsageError(status)) {
    err << "tamctl: " << status.message() << "\n";
    return kUsage;
  }
  err << "tamctl: " << absl::StatusCodeToString(status.code()) << ": " << status.message() << "\n";
  return kRefused;
}

}  // namespace

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
  if (status.ok() && !environment.out) status = absl::UnavailableError("cannot write the output");
  return Report(status, environment.err);
}

}  // namespace tam::tamctl

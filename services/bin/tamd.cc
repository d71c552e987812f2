#include "services/bin/tamd.h"

#include <sys/resource.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <string>
#include <thread>

#include "absl/flags/usage.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "services/bin/config.h"
#include "services/bin/process.h"
#include "services/runtime/files.h"
#include "services/runtime/log.h"

namespace tam::bin {
namespace {

using runtime::Log;
using runtime::Severity;

// Blocks the signals that end the process, in this thread and all that it will start.
sigset_t BlockEndSignals() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  std::signal(SIGPIPE, SIG_IGN);
  return signals;
}

// A device's connection is a descriptor, and the usual soft limit is 1,024.
void RaiseDescriptorLimit() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
}

absl::Status Announce(const Config& config, const Process& process) {
  Log(Severity::kInfo, "listening",
      {{"admin", process.admin_address()}, {"http", process.http_address()}});
  if (config.ready_file.empty()) return absl::OkStatus();
  std::string lines;
  if (!process.admin_address().empty()) {
    absl::StrAppend(&lines, "admin=", process.admin_address(), "\n");
  }
  if (!process.http_address().empty()) {
    absl::StrAppend(&lines, "http=", process.http_address(), "\n");
  }
  return runtime::ReplaceFile(config.ready_file, lines);
}

constexpr absl::Duration kDrainGrace = absl::Seconds(5);

// A call that never returns, such as one to a database that hangs, must not keep the process: what
// was acknowledged is committed, and nothing else would be lost.
void ExitHardAfter(absl::Duration patience) {
  std::thread([patience] {
    absl::SleepFor(patience);
    Log(Severity::kError, "drain.timeout", {});
    _exit(1);
  }).detach();
}

int Fail(const absl::Status& status) {
  Log(Severity::kError, "start.failed", {{"status", status.ToString()}});
  return 1;
}

constexpr char kUsage[] =
    "The Trusted Application Manager.\n\n"
    "  tamd --services=all --database_dir=DIR --kek_file=FILE --tls_cert=FILE --tls_key=FILE "
    "--tls_ca=FILE";

}  // namespace

int RunTamd(int argc, char** argv) {
  absl::SetProgramUsageMessage(kUsage);
  absl::StatusOr<Config> config = ReadConfig(argc, argv);
  if (!config.ok()) {
    std::fprintf(stderr, "tamd: %s\n", std::string(config.status().message()).c_str());
    return 2;
  }
  runtime::SetLogThreshold(config->log_level);
  const sigset_t signals = BlockEndSignals();
  RaiseDescriptorLimit();
  absl::StatusOr<std::unique_ptr<Process>> process = Process::Start(*config);
  if (!process.ok()) return Fail(process.status());
  if (absl::Status announced = Announce(*config, **process); !announced.ok()) {
    return Fail(announced);
  }
  int signal = 0;
  sigwait(&signals, &signal);
  Log(Severity::kInfo, "draining", {{"signal", absl::StrCat(signal)}});
  ExitHardAfter(config->drain_timeout + kDrainGrace);
  (*process)->Drain();
  Log(Severity::kInfo, "stopped", {});
  return 0;
}

}  // namespace tam::bin

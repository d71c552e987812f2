#include "tests/support/postgres.h"

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "tests/support/process.h"

extern char** environ;

namespace tam::testing {
namespace {

constexpr int kNotInstalled = 3;  // An exit code of tools/private-postgres.

std::string ScriptPath() {
  const char* sources = std::getenv("TEST_SRCDIR");
  const char* workspace = std::getenv("TEST_WORKSPACE");
  constexpr char kScript[] = "tools/private-postgres";
  if (sources == nullptr || workspace == nullptr) return kScript;
  return absl::StrCat(sources, "/", workspace, "/", kScript);
}

absl::Status FromErrno(absl::string_view what, int error) {
  return absl::UnavailableError(absl::StrCat("private-postgres: ", what, ": ", strerror(error)));
}

bool IsDatabaseName(absl::string_view name) {
  if (name.empty() || name.size() > 63 || (name[0] >= '0' && name[0] <= '9')) return false;
  for (char c : name) {
    if (!(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9') && c != '_') return false;
  }
  return true;
}

// Reads until the other end closes or `marker` has come with the rest of its line.
std::string ReadThrough(int fd, absl::string_view marker) {
  std::string text;
  char chunk[512];
  while (true) {
    const ssize_t n = read(fd, chunk, sizeof(chunk));
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return text;
    text.append(chunk, static_cast<size_t>(n));
    if (absl::StrContains(text, marker) && absl::EndsWith(text, "\n")) return text;
  }
}

// Starts `path` in a session of its own (a signal to the test's group passes it by), with the
// given standard input and output.
absl::StatusOr<pid_t> Spawn(std::vector<std::string> argv, int input, int output) {
  std::vector<char*> arguments;
  for (std::string& a : argv) arguments.push_back(a.data());
  arguments.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  posix_spawnattr_t attributes;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, input, STDIN_FILENO);
  posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO);
  posix_spawnattr_init(&attributes);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSID);
  pid_t child = -1;
  const int error =
      posix_spawn(&child, arguments[0], &actions, &attributes, arguments.data(), environ);
  posix_spawnattr_destroy(&attributes);
  posix_spawn_file_actions_destroy(&actions);
  if (error != 0) return FromErrno(argv[0], error);
  return child;
}

int WaitFor(pid_t child) {
  int status = 0;
  while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

}  // namespace

absl::StatusOr<PrivatePostgres*> PrivatePostgres::Get() {
  static const absl::StatusOr<std::unique_ptr<PrivatePostgres>> shared = Start();
  if (!shared.ok()) return shared.status();
  return shared->get();
}

absl::StatusOr<std::unique_ptr<PrivatePostgres>> PrivatePostgres::Start(Survives survives) {
  std::unique_ptr<PrivatePostgres> server(new PrivatePostgres);
  if (absl::Status status = server->Launch(survives); !status.ok()) return status;
  return server;
}

absl::Status PrivatePostgres::Launch(Survives survives) {
  int input[2];
  int output[2];
  if (pipe2(input, O_CLOEXEC) != 0) return FromErrno("pipe", errno);
  lifeline_ = input[1];
  if (pipe2(output, O_CLOEXEC) != 0) {
    const int error = errno;
    close(input[0]);
    return FromErrno("pipe", error);
  }
  report_ = output[0];
  std::vector<std::string> command = {ScriptPath(), "start", "--unsafe-fast", "--until-eof"};
  if (survives == Survives::kKill) command.push_back("--restartable");
  absl::StatusOr<pid_t> child = Spawn(std::move(command), input[0], output[1]);
  close(input[0]);
  close(output[1]);
  if (!child.ok()) return child.status();
  script_ = *child;
  return ReadReport();
}

absl::Status PrivatePostgres::ReadReport() {
  const std::string text = ReadThrough(report_, "\nstate=");
  for (absl::string_view line : absl::StrSplit(text, '\n')) {
    const std::pair<absl::string_view, absl::string_view> entry = absl::StrSplit(line, '=');
    pid_t pid = -1;
    if (entry.first == "socket") socket_ = std::string(entry.second);
    if (entry.first == "pid") server_ = absl::SimpleAtoi(entry.second, &pid) ? pid : -1;
  }
  if (!socket_.empty() && server_ > 0 && absl::StrContains(text, "state=started")) {
    return absl::OkStatus();
  }
  const int code = WaitFor(std::exchange(script_, -1));
  if (code == kNotInstalled) {
    return absl::FailedPreconditionError(
        "PostgreSQL 15 is not installed; tools/install-deps installs it");
  }
  return absl::UnavailableError(
      absl::StrCat("private-postgres: exit code ", code, "; the reason stands on stderr"));
}

PrivatePostgres::~PrivatePostgres() {
  if (server_ > 0) Signal(SIGCONT);
  if (lifeline_ >= 0) close(lifeline_);
  if (script_ > 0) WaitFor(script_);
  if (report_ >= 0) close(report_);
}

void PrivatePostgres::Kill() { Signal(SIGKILL); }

absl::Status PrivatePostgres::Restart() {
  constexpr absl::string_view kCommand = "start\n";
  if (Running()) return absl::FailedPreconditionError("private-postgres: the server runs");
  if (write(lifeline_, kCommand.data(), kCommand.size()) != static_cast<ssize_t>(kCommand.size())) {
    return FromErrno("start", errno);
  }
  return ReadReport();
}

void PrivatePostgres::Signal(int signal) { SignalFamily(server_, signal); }

bool PrivatePostgres::Running() const { return !AwaitEnd(server_, absl::ZeroDuration()); }

std::string PrivatePostgres::Dsn(absl::string_view database, absl::string_view user) const {
  return absl::StrCat("host=", socket_, " dbname=", database, " user=", user);
}

absl::Status PrivatePostgres::CreateDatabase(absl::string_view name) const {
  if (!IsDatabaseName(name)) {
    return absl::InvalidArgumentError(
        absl::StrCat("database: want [a-z_][a-z0-9_]{0,62}, got ", name));
  }
  absl::StatusOr<std::string> done = Query("postgres", absl::StrCat("CREATE DATABASE ", name));
  if (!done.ok() && absl::StrContains(done.status().message(), "already exists")) {
    return absl::AlreadyExistsError(done.status().message());
  }
  return done.status();
}

absl::StatusOr<std::string> PrivatePostgres::Query(absl::string_view database,
                                                   absl::string_view sql) const {
  absl::StatusOr<Finished> psql =
      RunProcess({"/usr/bin/psql", "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-d",
                  absl::StrCat(Dsn(database), " client_encoding=UTF8"), "-c", std::string(sql)});
  if (!psql.ok()) return psql.status();
  if (psql->exit_code != 0) return absl::InternalError(psql->err);
  return std::move(psql->out);
}

}  // namespace tam::testing

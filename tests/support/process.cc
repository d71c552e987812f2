#include "tests/support/process.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <condition_variable>
#include <filesystem>
#include <fstream>
#include <functional>
#include <mutex>
#include <thread>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"

namespace tam::testing {
namespace {

std::vector<char*> Pointers(const std::vector<std::string>& strings) {
  std::vector<char*> out;
  out.reserve(strings.size() + 1);
  for (const std::string& s : strings) out.push_back(const_cast<char*>(s.c_str()));
  out.push_back(nullptr);
  return out;
}

std::vector<std::string> EnvironmentWith(const std::vector<std::string>& more) {
  std::vector<std::string> all;
  for (char** e = environ; *e != nullptr; ++e) all.emplace_back(*e);
  all.insert(all.end(), more.begin(), more.end());
  return all;
}

// In the child: dies with the parent, then becomes argv.
[[noreturn]] void Exec(const std::vector<char*>& argv, const std::vector<char*>& environment) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  execvpe(argv[0], argv.data(), environment.data());
  const char* reason = strerror(errno);
  (void)!write(STDERR_FILENO, reason, strlen(reason));
  _exit(127);
}

int ExitCode(int wait_status) {
  return WIFSIGNALED(wait_status) ? 128 + WTERMSIG(wait_status) : WEXITSTATUS(wait_status);
}

// Drains both pipes until their ends or the deadline; false when the deadline came first.
bool Drain(int out_fd, int err_fd, Finished& result, absl::Time deadline) {
  pollfd fds[2] = {{out_fd, POLLIN, 0}, {err_fd, POLLIN, 0}};
  std::string* sinks[2] = {&result.out, &result.err};
  int open = 2;
  while (open > 0) {
    const absl::Duration left = deadline - absl::Now();
    if (left <= absl::ZeroDuration()) return false;
    if (poll(fds, 2, static_cast<int>(absl::ToInt64Milliseconds(left)) + 1) <= 0) continue;
    for (int i = 0; i < 2; ++i) {
      if (fds[i].fd < 0 || fds[i].revents == 0) continue;
      char buffer[65536];
      const ssize_t n = read(fds[i].fd, buffer, sizeof(buffer));
      if (n > 0) {
        sinks[i]->append(buffer, static_cast<size_t>(n));
      } else {
        fds[i].fd = -1;
        --open;
      }
    }
  }
  return true;
}

// PR_SET_PDEATHSIG fires when the thread that forked ends, so one that never ends does it.
class ForkingThread {
 public:
  static ForkingThread& Get() {
    static ForkingThread& thread = *new ForkingThread();
    return thread;
  }

  pid_t Run(std::function<pid_t()> fork_child) {
    const std::lock_guard one_at_a_time(callers_);
    std::unique_lock lock(mutex_);
    task_ = std::move(fork_child);
    changed_.notify_all();
    changed_.wait(lock, [this] { return task_ == nullptr; });
    return result_;
  }

 private:
  ForkingThread() {
    std::thread([this] {
      std::unique_lock lock(mutex_);
      while (true) {
        changed_.wait(lock, [this] { return task_ != nullptr; });
        result_ = task_();
        task_ = nullptr;
        changed_.notify_all();
      }
    }).detach();
  }

  std::mutex callers_;
  std::mutex mutex_;  // Guards what follows.
  std::condition_variable changed_;
  std::function<pid_t()> task_;
  pid_t result_ = -1;
};

pid_t ParentOf(pid_t pid) {
  std::ifstream stat(absl::StrCat("/proc/", pid, "/stat"));
  std::string line;
  std::getline(stat, line);
  // "pid (name) state ppid ...": the name may hold anything.
  const size_t name_end = line.rfind(')');
  if (name_end == std::string::npos || name_end + 4 > line.size()) return -1;
  return static_cast<pid_t>(std::strtol(line.c_str() + name_end + 4, nullptr, 10));
}

std::vector<pid_t> ChildrenOf(pid_t parent) {
  std::vector<pid_t> children;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator("/proc", error)) {
    pid_t pid = -1;
    if (!absl::SimpleAtoi(entry.path().filename().string(), &pid)) continue;
    if (ParentOf(pid) == parent) children.push_back(pid);
  }
  return children;
}

}  // namespace

bool AwaitEnd(pid_t pid, absl::Duration timeout) {
  const int fd = static_cast<int>(syscall(SYS_pidfd_open, pid, 0));
  if (fd < 0) return errno == ESRCH;
  pollfd wait = {fd, POLLIN, 0};
  const bool ended = poll(&wait, 1, static_cast<int>(absl::ToInt64Milliseconds(timeout))) == 1;
  close(fd);
  return ended;
}

void SignalFamily(pid_t parent, int signal) {
  if (signal != SIGCONT) kill(parent, SIGSTOP);
  const std::vector<pid_t> children = ChildrenOf(parent);
  // First the parent: one that is left behind would see its children die.
  if (signal == SIGKILL) kill(parent, SIGKILL);
  for (const pid_t child : children) kill(child, signal);
  if (signal == SIGCONT) kill(parent, SIGCONT);
  if (signal != SIGKILL) return;
  AwaitEnd(parent, absl::Seconds(30));
  for (const pid_t child : children) AwaitEnd(child, absl::Seconds(30));
}

absl::StatusOr<Finished> RunProcess(const std::vector<std::string>& argv,
                                    const std::vector<std::string>& environment,
                                    absl::Duration timeout) {
  const std::vector<std::string> env = EnvironmentWith(environment);
  const std::vector<char*> argv_pointers = Pointers(argv);
  const std::vector<char*> env_pointers = Pointers(env);
  int out[2], err[2];
  if (pipe2(out, O_CLOEXEC) != 0 || pipe2(err, O_CLOEXEC) != 0) {
    return absl::InternalError(absl::StrCat("pipe2: ", strerror(errno)));
  }
  const pid_t pid = fork();
  if (pid < 0) return absl::InternalError(absl::StrCat("fork: ", strerror(errno)));
  if (pid == 0) {
    dup2(open("/dev/null", O_RDONLY), STDIN_FILENO);
    dup2(out[1], STDOUT_FILENO);
    dup2(err[1], STDERR_FILENO);
    Exec(argv_pointers, env_pointers);
  }
  close(out[1]);
  close(err[1]);
  Finished result;
  const bool in_time = Drain(out[0], err[0], result, absl::Now() + timeout);
  if (!in_time) kill(pid, SIGKILL);
  close(out[0]);
  close(err[0]);
  int status = 0;
  waitpid(pid, &status, 0);
  if (!in_time) {
    return absl::DeadlineExceededError(
        absl::StrCat(argv[0], ": not finished after ", absl::FormatDuration(timeout),
                     "; stdout: ", result.out, "; stderr: ", result.err));
  }
  result.exit_code = ExitCode(status);
  return result;
}

absl::StatusOr<Background> Background::Start(const std::vector<std::string>& argv,
                                             const std::string& log_path,
                                             const std::vector<std::string>& environment) {
  const std::vector<std::string> env = EnvironmentWith(environment);
  const std::vector<char*> argv_pointers = Pointers(argv);
  const std::vector<char*> env_pointers = Pointers(env);
  const int log = open(log_path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  if (log < 0) return absl::InternalError(absl::StrCat(log_path, ": ", strerror(errno)));
  const pid_t pid = ForkingThread::Get().Run([&] {
    const pid_t child = fork();
    if (child != 0) return child;
    dup2(open("/dev/null", O_RDONLY), STDIN_FILENO);
    dup2(log, STDOUT_FILENO);
    dup2(log, STDERR_FILENO);
    Exec(argv_pointers, env_pointers);
  });
  close(log);
  if (pid < 0) return absl::InternalError(absl::StrCat(argv[0], ": cannot fork"));
  return Background(pid);
}

Background::Background(Background&& other) noexcept : pid_(std::exchange(other.pid_, -1)) {}

Background& Background::operator=(Background&& other) noexcept {
  std::swap(pid_, other.pid_);
  return *this;
}

Background::~Background() {
  if (pid_ > 0) Stop(SIGKILL);
}

bool Background::Running() {
  if (pid_ <= 0) return false;
  siginfo_t info = {};
  return waitid(P_PID, static_cast<id_t>(pid_), &info, WEXITED | WNOHANG | WNOWAIT) == 0 &&
         info.si_pid == 0;
}

int Background::Stop(int signal, absl::Duration grace) {
  if (pid_ <= 0) return -1;
  kill(pid_, signal);
  const absl::Time deadline = absl::Now() + grace;
  while (Running()) {
    if (absl::Now() > deadline) kill(pid_, SIGKILL);
    poll(nullptr, 0, 5);
  }
  int status = 0;
  waitpid(pid_, &status, 0);
  pid_ = -1;
  return ExitCode(status);
}

}  // namespace tam::testing

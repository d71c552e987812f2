// A whole TAM for end-to-end tests: a private PostgreSQL, credentials, the schema, and `tamd` in
// one process or every service apart, all as the real binaries; and the two programs that its users
// type, `tamctl` and `teepsim`.
#ifndef TAMARACK_TESTS_E2E_STACK_H_
#define TAMARACK_TESTS_E2E_STACK_H_

#include <atomic>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "tests/e2e/tam_processes.h"
#include "tests/support/postgres.h"
#include "tests/support/process.h"

namespace tam::testing {

// The process name of PostgreSQL, besides those of TamProcesses.
inline constexpr char kPostgres[] = "postgres";

// Thread safe once started. Calls that cannot even be made end the test process with a message.
class Stack {
 public:
  // Everything lies below a fresh folder of the test's temporary one.
  static absl::StatusOr<std::unique_ptr<Stack>> Start(StackOptions options = StackOptions());
  ~Stack();

  // Runs `tamctl ARGS...` with the certificate of `who`: "admin", "operator", "developer",
  // "developer2", "auditor". The tenant is "demo". Any replica may answer.
  Finished Tamctl(const std::string& who, const std::vector<std::string>& args);
  // The same in bash, which ends at the first failure: `script` may call tamctl. `variables` are
  // "NAME=value".
  Finished Shell(const std::string& who, const std::string& script,
                 const std::vector<std::string>& variables);
  Finished Teepsim(const std::vector<std::string>& args);
  // Rows of a query as the database's owner sees it, columns separated by '|'.
  std::string Sql(const std::string& query);
  // A digest over every row of every table of the services' schemas: equal before and after when
  // nothing changed.
  std::string DatabaseDigest();
  // Moves the SQL clock by so many seconds from the real one.
  void SetClockOffset(int64_t seconds);

  // Processes by name: `tam().names()` and kPostgres. As in TamProcesses; of PostgreSQL, Kill
  // always is SIGKILL to each of its processes, after which nothing that was committed is lost.
  absl::Status StartProcess(const std::string& name);
  int Kill(const std::string& name, int signal);
  void Signal(const std::string& name, int signal);
  bool Running(const std::string& name);
  pid_t Pid(const std::string& name);
  // SIGKILL where it runs, then a start.
  absl::Status Restart(const std::string& name);
  TamProcesses& tam() { return *tam_; }

  // All processes but PostgreSQL. The exit code of the first that did not exit with 0.
  absl::Status StartTamd() { return tam_->StartAll(); }
  int StopTamd(int signal);
  // What all of them printed.
  std::string TamdLog() const;

  // At a gateway's replica.
  std::string TamUrl(const std::string& path, int replica = 0) const {
    return "http://" + tam_->HttpAddress(replica) + path;
  }
  // At the gateways in turn.
  std::string NextTamUrl(const std::string& path) {
    return TamUrl(path,
                  static_cast<int>(next_gateway_++ % static_cast<unsigned>(options_.replicas)));
  }
  const StackOptions& options() const { return options_; }
  std::string Path(const std::string& name) const { return folder_ + "/" + name; }
  std::string Credential(const std::string& name) const { return Path("credentials/" + name); }

 private:
  std::vector<std::string> TamctlEnvironment(const std::string& who) const;
  explicit Stack(StackOptions options) : options_(std::move(options)) {}
  absl::Status Prepare();
  void WriteSecrets();
  absl::Status Migrate();

  const StackOptions options_;
  std::string folder_;
  std::unique_ptr<PrivatePostgres> postgres_;
  std::mutex postgres_mutex_;  // one at a time kills and restarts it
  std::unique_ptr<TamProcesses> tam_;
  std::atomic<unsigned> next_gateway_ = 0;
};

}  // namespace tam::testing

#endif  // TAMARACK_TESTS_E2E_STACK_H_

// The processes of a TAM, by name: which there are, what each is told, starting and ending them.
#ifndef TAMARACK_TESTS_E2E_TAM_PROCESSES_H_
#define TAMARACK_TESTS_E2E_TAM_PROCESSES_H_

#include <sys/types.h>

#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "tests/support/ports.h"
#include "tests/support/process.h"

namespace tam::testing {

// kTogether: each process is `tamd --services=all`. kApart: each runs one service, with the
// certificate and the database role of that service, and knows all replicas of every other.
enum class Layout { kTogether, kApart };

struct StackOptions {
  Layout layout = Layout::kTogether;
  // Of the one process, or of each service.
  int replicas = 1;
  // Path of the program.
  std::string tamd = "services/bin/tamd";
  // More flags, and environment ("NAME=value"): of one process ("gateway-1"), of all replicas of a
  // service ("gateway"; "tamd" where together), or of every process (""). Later flags win, in the
  // order "", service, process. TAM_PROCESS_NAME is the process's name in any case.
  std::map<std::string, std::vector<std::string>> flags;
  std::map<std::string, std::vector<std::string>> environment;
};

// Names are "tamd-0", "tamd-1" where together; "registry-0", "gateway-1" where apart. Addresses
// stay the same over restarts. Thread safe; a start holds up the other calls until it is done.
class TamProcesses {
 public:
  // `folder` holds credentials/, secrets/kek, dsn/ as Stack makes them; it gets logs.
  TamProcesses(StackOptions options, std::string folder);

  // Takes ports for all. Once, before anything starts.
  absl::Status TakePorts();

  const std::vector<std::string>& names() const { return names_; }
  // Starts one that does not run, or all that do not, and waits until they are ready. Internal with
  // the end of its log where one ends instead; DeadlineExceeded after 60 s.
  absl::Status Start(const std::string& name);
  absl::Status StartAll();
  // Sends `signal`, where it is not 0, and waits for the end (SIGKILL after 20 s). The exit code,
  // 128 + signal when a signal ended it, -1 where it does not run. A process that ended by itself
  // is taken note of.
  int Stop(const std::string& name, int signal);
  // For signals whose end nobody waits for, as SIGSTOP and SIGCONT.
  void Signal(const std::string& name, int signal);
  bool Running(const std::string& name);
  // -1 where it does not run.
  pid_t Pid(const std::string& name);
  // Resident memory. 0 where it does not run.
  int64_t RssBytes(const std::string& name);
  // What it printed, over all its lives.
  std::string Log(const std::string& name) const;

  // "host:port" of the TEEP listener of a gateway, the TAM of a replica.
  std::string HttpAddress(int replica) const;
  // Of the gRPC listener of a replica of "registry", ...; of the whole process where together.
  std::string AdminAddress(const std::string& service, int replica = 0) const;
  // What TAMCTL_SERVER is set to.
  std::string AdminServers() const;

 private:
  struct Member {
    std::string service;  // "all" where together
    std::string admin;    // "host:port"; empty for a gateway
    std::string http;     // empty for others than gateways
    std::optional<Background> process;
  };

  std::vector<std::string> CommandLine(const std::string& name, const Member& member) const;
  std::string Peers() const;
  std::vector<std::string> More(const std::map<std::string, std::vector<std::string>>& given,
                                const std::string& name, const Member& member) const;
  std::string ReadyFile(const std::string& name) const;
  absl::Status Launch(const std::string& name, Member& member);
  absl::Status AwaitReady(const std::string& name, Member& member);
  std::string Path(const std::string& name) const { return folder_ + "/" + name; }

  const StackOptions options_;
  const std::string folder_;
  PortReservations ports_;
  std::vector<std::string> names_;
  std::map<std::string, Member> members_;  // keys and addresses are constant
  std::mutex mutex_;                       // guards the processes of members_
};

// The whole content of a file; empty where there is none.
std::string ContentOf(const std::string& path);

}  // namespace tam::testing

#endif  // TAMARACK_TESTS_E2E_TAM_PROCESSES_H_

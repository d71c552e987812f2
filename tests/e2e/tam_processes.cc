#include "tests/e2e/tam_processes.h"

#include <poll.h>
#include <signal.h>

#include <filesystem>
#include <fstream>
#include <iterator>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/time/clock.h"

namespace tam::testing {
namespace {

constexpr char kTogether[] = "all";
constexpr char kGateway[] = "gateway";
constexpr size_t kLogTail = 4000;

std::vector<std::string> Services(Layout layout) {
  if (layout == Layout::kTogether) return {kTogether};
  return {"signing", "registry", "catalog", "attestation", "audit", kGateway};
}

}  // namespace

std::string ContentOf(const std::string& path) {
  std::ifstream stream(path, std::ios::binary);
  return std::string(std::istreambuf_iterator<char>(stream), {});
}

TamProcesses::TamProcesses(StackOptions options, std::string folder)
    : options_(std::move(options)), folder_(std::move(folder)) {
  for (const std::string& service : Services(options_.layout)) {
    for (int i = 0; i < options_.replicas; ++i) {
      names_.push_back(absl::StrCat(service == kTogether ? "tamd" : service, "-", i));
      members_[names_.back()].service = service;
    }
  }
}

absl::Status TamProcesses::TakePorts() {
  for (auto& [name, member] : members_) {
    for (std::string* address : {&member.admin, &member.http}) {
      if (address == &member.admin && member.service == kGateway) continue;
      if (address == &member.http && member.service != kGateway && member.service != kTogether) {
        continue;
      }
      absl::StatusOr<int> port = ports_.Take();
      if (!port.ok()) return port.status();
      *address = absl::StrCat("127.0.0.1:", *port);
    }
  }
  return absl::OkStatus();
}

// "NAME=host:port,..." of every listener of services.
std::string TamProcesses::Peers() const {
  std::vector<std::string> peers;
  for (const std::string& name : names_) {
    const Member& member = members_.at(name);
    if (!member.admin.empty()) peers.push_back(absl::StrCat(member.service, "=", member.admin));
  }
  return absl::StrJoin(peers, ",");
}

std::string TamProcesses::AdminServers() const {
  return options_.layout == Layout::kTogether ? members_.at(names_.front()).admin : Peers();
}

std::string TamProcesses::AdminAddress(const std::string& service, int replica) const {
  const std::string kind = options_.layout == Layout::kTogether ? "tamd" : service;
  return members_.at(absl::StrCat(kind, "-", replica)).admin;
}

std::string TamProcesses::HttpAddress(int replica) const {
  const char* service = options_.layout == Layout::kTogether ? "tamd" : kGateway;
  return members_.at(absl::StrCat(service, "-", replica)).http;
}

std::vector<std::string> TamProcesses::More(
    const std::map<std::string, std::vector<std::string>>& given, const std::string& name,
    const Member& member) const {
  std::vector<std::string> more;
  const std::string kind = member.service == kTogether ? "tamd" : member.service;
  for (const std::string& whom : {std::string(), kind, name}) {
    const auto found = given.find(whom);
    if (found != given.end()) more.insert(more.end(), found->second.begin(), found->second.end());
  }
  return more;
}

std::string TamProcesses::ReadyFile(const std::string& name) const { return Path(name + ".ready"); }

std::vector<std::string> TamProcesses::CommandLine(const std::string& name,
                                                   const Member& member) const {
  std::vector<std::string> line = {options_.tamd,
                                   "--services=" + member.service,
                                   "--trust_domain=tamarack.example",
                                   absl::StrCat("--tls_dir=", Path("credentials/services")),
                                   absl::StrCat("--tls_ca=", Path("credentials/ca.pem")),
                                   absl::StrCat("--ready_file=", ReadyFile(name))};
  if (!member.admin.empty()) {
    // One service finds the connection of its own role there and no other.
    const std::string dsn = member.service == kTogether ? "dsn" : "dsn/of-" + member.service;
    line.push_back(absl::StrCat("--database_dir=", Path(dsn)));
    line.push_back(absl::StrCat("--admin_listen=", member.admin));
  }
  if (!member.http.empty()) line.push_back(absl::StrCat("--http_listen=", member.http));
  if (member.service == kTogether || member.service == "signing") {
    line.push_back(absl::StrCat("--kek_file=", Path("secrets/kek")));
  }
  if (options_.layout == Layout::kApart) {
    line.push_back(absl::StrCat("--peers=", Peers()));
    line.push_back("--database_connections=8");
  }
  for (std::string& flag : More(options_.flags, name, member)) line.push_back(std::move(flag));
  return line;
}

absl::Status TamProcesses::Launch(const std::string& name, Member& member) {
  if (member.process.has_value() && member.process->Running()) return absl::OkStatus();
  std::filesystem::remove(ReadyFile(name));
  std::vector<std::string> environment = More(options_.environment, name, member);
  environment.push_back("TAM_PROCESS_NAME=" + name);
  absl::StatusOr<Background> process =
      Background::Start(CommandLine(name, member), Path(name + ".log"), environment);
  if (!process.ok()) return process.status();
  member.process = *std::move(process);
  return absl::OkStatus();
}

absl::Status TamProcesses::AwaitReady(const std::string& name, Member& member) {
  const absl::Time deadline = absl::Now() + absl::Seconds(60);
  while (ContentOf(ReadyFile(name)).empty()) {
    if (!member.process->Running()) {
      const std::string log = Log(name);
      return absl::InternalError(
          absl::StrCat(name, " ended:\n", log.substr(log.size() - std::min(log.size(), kLogTail))));
    }
    if (absl::Now() > deadline) {
      return absl::DeadlineExceededError(absl::StrCat(name, " is not ready after 60 s"));
    }
    poll(nullptr, 0, 5);
  }
  return absl::OkStatus();
}

absl::Status TamProcesses::Start(const std::string& name) {
  const std::lock_guard lock(mutex_);
  Member& member = members_.at(name);
  if (absl::Status launched = Launch(name, member); !launched.ok()) return launched;
  return AwaitReady(name, member);
}

absl::Status TamProcesses::StartAll() {
  const std::lock_guard lock(mutex_);
  for (auto& [name, member] : members_) {
    if (absl::Status launched = Launch(name, member); !launched.ok()) return launched;
  }
  for (auto& [name, member] : members_) {
    if (absl::Status ready = AwaitReady(name, member); !ready.ok()) return ready;
  }
  return absl::OkStatus();
}

int TamProcesses::Stop(const std::string& name, int signal) {
  const std::lock_guard lock(mutex_);
  Member& member = members_.at(name);
  if (!member.process.has_value()) return -1;
  const int code = member.process->Stop(signal);
  member.process.reset();
  return code;
}

void TamProcesses::Signal(const std::string& name, int signal) {
  if (const pid_t pid = Pid(name); pid > 0) kill(pid, signal);
}

bool TamProcesses::Running(const std::string& name) { return Pid(name) > 0; }

pid_t TamProcesses::Pid(const std::string& name) {
  const std::lock_guard lock(mutex_);
  Member& member = members_.at(name);
  return member.process.has_value() && member.process->Running() ? member.process->pid() : -1;
}

int64_t TamProcesses::RssBytes(const std::string& name) {
  const pid_t pid = Pid(name);
  std::ifstream status(absl::StrCat("/proc/", pid, "/status"));
  for (std::string word; status >> word;) {
    int64_t kib = 0;
    if (word == "VmRSS:" && status >> kib) return kib * 1024;
  }
  return 0;
}

std::string TamProcesses::Log(const std::string& name) const {
  return ContentOf(Path(name + ".log"));
}

}  // namespace tam::testing

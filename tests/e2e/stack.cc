#include "tests/e2e/stack.h"

#include <signal.h>
#include <stdlib.h>

#include <filesystem>
#include <fstream>
#include <iostream>

#include "absl/strings/str_cat.h"

namespace tam::testing {
namespace {

constexpr char kTamctl[] = "tools/tamctl/tamctl";
constexpr char kTeepsim[] = "tools/teepsim/teepsim";
constexpr char kDatabase[] = "tamarack";

[[noreturn]] void Die(const std::string& what, const absl::Status& status) {
  std::cerr << "stack: " << what << ": " << status << std::endl;
  abort();
}

Finished Must(const std::vector<std::string>& argv, const std::vector<std::string>& environment) {
  absl::StatusOr<Finished> done = RunProcess(argv, environment);
  if (!done.ok()) Die(argv[0], done.status());
  return *std::move(done);
}

absl::Status CheckDone(const std::string& what, const Finished& done) {
  if (done.exit_code == 0) return absl::OkStatus();
  return absl::InternalError(
      absl::StrCat(what, ": exit ", done.exit_code, "\n", done.out, done.err));
}

void WriteFile(const std::string& path, const std::string& content) {
  std::ofstream(path, std::ios::binary) << content;
  std::filesystem::permissions(
      path, std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
}

}  // namespace

absl::StatusOr<std::unique_ptr<Stack>> Stack::Start(StackOptions options) {
  std::unique_ptr<Stack> stack(new Stack(std::move(options)));
  absl::Status status = stack->Prepare();
  if (status.ok()) status = stack->Migrate();
  if (status.ok()) status = stack->StartTamd();
  if (!status.ok()) return status;
  return stack;
}

Stack::~Stack() {
  if (tam_ == nullptr) return;
  // Those that were stopped could not end in order.
  for (const std::string& name : tam_->names()) tam_->Signal(name, SIGCONT);
  StopTamd(SIGTERM);
}

absl::Status Stack::Prepare() {
  const char* base = getenv("TEST_TMPDIR");
  std::string pattern = absl::StrCat(base == nullptr ? "/tmp" : base, "/stack.XXXXXX");
  if (mkdtemp(pattern.data()) == nullptr) return absl::InternalError("mkdtemp");
  folder_ = pattern;
  absl::Status status = CheckDone(
      "dev-credentials", Must({"tools/dev-credentials", Path("credentials"), "--with-bad"}, {}));
  if (!status.ok()) return status;
  absl::StatusOr<std::unique_ptr<PrivatePostgres>> postgres =
      PrivatePostgres::Start(PrivatePostgres::Survives::kKill);
  if (!postgres.ok()) return postgres.status();
  postgres_ = *std::move(postgres);
  WriteSecrets();
  tam_ = std::make_unique<TamProcesses>(options_, folder_);
  return tam_->TakePorts();
}

// dsn/NAME.dsn for a process with all services, and dsn/of-NAME/NAME.dsn for one with that alone.
void Stack::WriteSecrets() {
  for (const char* name : {"secrets", "dsn"}) std::filesystem::create_directory(Path(name));
  WriteFile(Path("secrets/kek"), std::string(32, 'k'));
  for (const std::string role :
       {"owner", "registry", "attestation", "catalog", "signing", "audit"}) {
    const std::string dsn = postgres_->Dsn(kDatabase, absl::StrCat("tam_", role));
    const std::string alone = Path("dsn/of-" + role);
    std::filesystem::create_directory(alone);
    for (const std::string& folder : {Path("dsn"), alone}) {
      WriteFile(absl::StrCat(folder, "/", role, ".dsn"), dsn);
    }
  }
}

absl::Status Stack::Migrate() {
  for (const char* sql :
       {"CREATE ROLE tam_owner LOGIN CREATEROLE", "CREATE DATABASE tamarack OWNER tam_owner"}) {
    absl::StatusOr<std::string> done = postgres_->Query("postgres", sql);
    if (!done.ok()) return done.status();
  }
  return CheckDone("tamctl db migrate",
                   Must({kTamctl, "db", "migrate", "--dsn-file", Path("dsn/owner.dsn")}, {}));
}

absl::Status Stack::StartProcess(const std::string& name) {
  if (name != kPostgres) return tam_->Start(name);
  const std::lock_guard lock(postgres_mutex_);
  return postgres_->Running() ? absl::OkStatus() : postgres_->Restart();
}

int Stack::Kill(const std::string& name, int signal) {
  if (name != kPostgres) return tam_->Stop(name, signal);
  const std::lock_guard lock(postgres_mutex_);
  postgres_->Kill();
  return 128 + SIGKILL;
}

void Stack::Signal(const std::string& name, int signal) {
  if (name != kPostgres) return tam_->Signal(name, signal);
  const std::lock_guard lock(postgres_mutex_);
  postgres_->Signal(signal);
}

bool Stack::Running(const std::string& name) {
  return name == kPostgres ? postgres_->Running() : tam_->Running(name);
}

pid_t Stack::Pid(const std::string& name) {
  return name == kPostgres ? postgres_->server_pid() : tam_->Pid(name);
}

absl::Status Stack::Restart(const std::string& name) {
  Kill(name, SIGKILL);
  return StartProcess(name);
}

int Stack::StopTamd(int signal) {
  int code = 0;
  // All at once, then each end is waited for.
  for (const std::string& name : tam_->names()) tam_->Signal(name, signal);
  for (const std::string& name : tam_->names()) {
    const int one = tam_->Stop(name, 0);
    if (code == 0) code = one;
  }
  return code;
}

std::string Stack::TamdLog() const {
  std::string log;
  for (const std::string& name : tam_->names()) {
    absl::StrAppend(&log, "== ", name, "\n", tam_->Log(name));
  }
  return log;
}

std::vector<std::string> Stack::TamctlEnvironment(const std::string& who) const {
  std::vector<std::string> environment = {absl::StrCat("TAMCTL_SERVER=", tam_->AdminServers()),
                                          absl::StrCat("TAMCTL_CA=", Credential("ca.pem")),
                                          "TAMCTL_TENANT=demo"};
  if (!who.empty()) {
    environment.push_back(absl::StrCat("TAMCTL_CERT=", Credential(who + ".pem")));
    environment.push_back(absl::StrCat("TAMCTL_KEY=", Credential(who + ".key")));
  }
  return environment;
}

Finished Stack::Tamctl(const std::string& who, const std::vector<std::string>& args) {
  std::vector<std::string> argv = {kTamctl};
  argv.insert(argv.end(), args.begin(), args.end());
  return Must(argv, TamctlEnvironment(who));
}

Finished Stack::Shell(const std::string& who, const std::string& script,
                      const std::vector<std::string>& variables) {
  std::vector<std::string> environment = TamctlEnvironment(who);
  environment.insert(environment.end(), variables.begin(), variables.end());
  const std::string tamctl = absl::StrCat("tamctl() { ", kTamctl, " \"$@\"; }\n");
  return Must({"/bin/bash", "-euo", "pipefail", "-c", tamctl + script}, environment);
}

Finished Stack::Teepsim(const std::vector<std::string>& args) {
  std::vector<std::string> argv = {kTeepsim};
  argv.insert(argv.end(), args.begin(), args.end());
  return Must(argv, {});
}

std::string Stack::Sql(const std::string& query) {
  absl::StatusOr<std::string> rows = postgres_->Query(kDatabase, query);
  if (!rows.ok()) Die(query, rows.status());
  return *std::move(rows);
}

std::string Stack::DatabaseDigest() {
  return Sql(
      "SELECT format('%s.%s', n.nspname, c.relname), md5(query_to_xml(format('SELECT t FROM %I.%I "
      "t "
      "ORDER BY t::text', n.nspname, c.relname), true, true, '')::text) FROM pg_class c JOIN "
      "pg_namespace n ON n.oid = c.relnamespace WHERE c.relkind IN ('r', 'p') AND NOT "
      "c.relispartition AND n.nspname IN ('registry', 'attestation', 'catalog', 'signing', "
      "'audit', 'tam') ORDER BY 1");
}

void Stack::SetClockOffset(int64_t seconds) {
  Sql(absl::StrCat(
      "CREATE OR REPLACE FUNCTION tam.now() RETURNS timestamptz LANGUAGE sql STABLE AS "
      "$$ SELECT clock_timestamp() + interval '",
      seconds, " seconds' $$"));
}

}  // namespace tam::testing

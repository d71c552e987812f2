#include "tests/e2e/stack.h"

#include <poll.h>
#include <signal.h>
#include <stdlib.h>

#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "absl/time/clock.h"

namespace tam::testing {
namespace {

constexpr char kTamd[] = "services/bin/tamd";
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

std::string ReadFile(const std::string& path) {
  std::ifstream stream(path, std::ios::binary);
  return std::string(std::istreambuf_iterator<char>(stream), {});
}

absl::StatusOr<std::unique_ptr<Stack>> Stack::Start() {
  std::unique_ptr<Stack> stack(new Stack());
  absl::Status status = stack->Prepare();
  if (status.ok()) status = stack->Migrate();
  if (status.ok()) status = stack->StartTamd();
  if (!status.ok()) return status;
  return stack;
}

Stack::~Stack() {
  if (tamd_.has_value()) StopTamd(SIGTERM);
}

absl::Status Stack::Prepare() {
  const char* base = getenv("TEST_TMPDIR");
  std::string pattern = absl::StrCat(base == nullptr ? "/tmp" : base, "/stack.XXXXXX");
  if (mkdtemp(pattern.data()) == nullptr) return absl::InternalError("mkdtemp");
  folder_ = pattern;
  for (const char* name : {"secrets", "dsn"}) std::filesystem::create_directory(Path(name));
  absl::Status status = CheckDone(
      "dev-credentials", Must({"tools/dev-credentials", Path("credentials"), "--with-bad"}, {}));
  if (!status.ok()) return status;
  absl::StatusOr<std::unique_ptr<PrivatePostgres>> postgres = PrivatePostgres::Start();
  if (!postgres.ok()) return postgres.status();
  postgres_ = *std::move(postgres);
  WriteFile(Path("secrets/kek"), std::string(32, 'k'));
  for (const char* role : {"owner", "registry", "attestation", "catalog", "signing", "audit"}) {
    WriteFile(absl::StrCat(Path("dsn/"), role, ".dsn"),
              postgres_->Dsn(kDatabase, absl::StrCat("tam_", role)));
  }
  return absl::OkStatus();
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

absl::Status Stack::StartTamd() {
  std::filesystem::remove(Path("ready"));
  absl::StatusOr<Background> tamd = Background::Start(
      {kTamd, "--services=all", absl::StrCat("--database_dir=", Path("dsn")),
       absl::StrCat("--kek_file=", Path("secrets/kek")), "--trust_domain=tamarack.example",
       absl::StrCat("--tls_cert=", Credential("service-all.pem")),
       absl::StrCat("--tls_key=", Credential("service-all.key")),
       absl::StrCat("--tls_ca=", Credential("ca.pem")), "--admin_listen=127.0.0.1:0",
       "--http_listen=127.0.0.1:0", absl::StrCat("--ready_file=", Path("ready"))},
      Path("tamd.log"));
  if (!tamd.ok()) return tamd.status();
  tamd_ = *std::move(tamd);
  return AwaitReady();
}

absl::Status Stack::AwaitReady() {
  const absl::Time deadline = absl::Now() + absl::Seconds(60);
  while (ReadFile(Path("ready")).empty()) {
    if (!tamd_->Running()) return absl::InternalError(absl::StrCat("tamd ended:\n", TamdLog()));
    if (absl::Now() > deadline) return absl::DeadlineExceededError("tamd is not ready after 60 s");
    poll(nullptr, 0, 20);
  }
  for (absl::string_view line : absl::StrSplit(ReadFile(Path("ready")), '\n')) {
    if (absl::ConsumePrefix(&line, "admin=")) admin_address_ = std::string(line);
    if (absl::ConsumePrefix(&line, "http=")) http_address_ = std::string(line);
  }
  if (admin_address_.empty() || http_address_.empty()) {
    return absl::InternalError("the ready file names no addresses");
  }
  return absl::OkStatus();
}

int Stack::StopTamd(int signal) {
  const int code = tamd_->Stop(signal);
  tamd_.reset();
  return code;
}

Finished Stack::Tamctl(const std::string& who, const std::vector<std::string>& args) {
  std::vector<std::string> argv = {kTamctl};
  argv.insert(argv.end(), args.begin(), args.end());
  std::vector<std::string> environment = {absl::StrCat("TAMCTL_SERVER=", admin_address_),
                                          absl::StrCat("TAMCTL_CA=", Credential("ca.pem")),
                                          "TAMCTL_TENANT=demo"};
  if (!who.empty()) {
    environment.push_back(absl::StrCat("TAMCTL_CERT=", Credential(who + ".pem")));
    environment.push_back(absl::StrCat("TAMCTL_KEY=", Credential(who + ".key")));
  }
  return Must(argv, environment);
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

std::string Stack::TamdLog() const { return ReadFile(Path("tamd.log")); }

}  // namespace tam::testing

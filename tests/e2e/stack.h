// A whole TAM for end-to-end tests: a private PostgreSQL, credentials, the schema, and `tamd`, all
// as the real binaries; and the two programs that its users type, `tamctl` and `teepsim`.
#ifndef TAMARACK_TESTS_E2E_STACK_H_
#define TAMARACK_TESTS_E2E_STACK_H_

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "tests/support/postgres.h"
#include "tests/support/process.h"

namespace tam::testing {

// Not thread safe. Calls that cannot even be made end the test process with a message.
class Stack {
 public:
  // Everything lies below a fresh folder of the test's temporary one.
  static absl::StatusOr<std::unique_ptr<Stack>> Start();
  ~Stack();

  // Runs `tamctl ARGS...` with the certificate of `who`: "admin", "operator", "developer",
  // "developer2", "auditor". The tenant is "demo".
  Finished Tamctl(const std::string& who, const std::vector<std::string>& args);
  Finished Teepsim(const std::vector<std::string>& args);
  // Rows of a query as the database's owner sees it, columns separated by '|'.
  std::string Sql(const std::string& query);
  // A digest over every row of every table of the services' schemas: equal before and after when
  // nothing changed.
  std::string DatabaseDigest();
  // Moves the SQL clock by so many seconds from the real one.
  void SetClockOffset(int64_t seconds);

  absl::Status StartTamd();
  int StopTamd(int signal);

  std::string TamUrl(const std::string& path) const { return "http://" + http_address_ + path; }
  const std::string& admin_address() const { return admin_address_; }
  const std::string& http_address() const { return http_address_; }
  std::string Path(const std::string& name) const { return folder_ + "/" + name; }
  std::string Credential(const std::string& name) const { return Path("credentials/" + name); }
  std::string TamdLog() const;

 private:
  Stack() = default;
  absl::Status Prepare();
  absl::Status Migrate();
  absl::Status AwaitReady();

  std::string folder_;
  std::unique_ptr<PrivatePostgres> postgres_;
  std::optional<Background> tamd_;
  std::string admin_address_;
  std::string http_address_;
};

// The whole content of a file; empty where there is none.
std::string ReadFile(const std::string& path);

}  // namespace tam::testing

#endif  // TAMARACK_TESTS_E2E_STACK_H_

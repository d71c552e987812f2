// A private PostgreSQL for one test process, on a Unix socket, started by tools/private-postgres.
#ifndef TAMARACK_TESTS_SUPPORT_POSTGRES_H_
#define TAMARACK_TESTS_SUPPORT_POSTGRES_H_

#include <sys/types.h>

#include <atomic>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace tam::testing {

// A server that nothing outlives: it is stopped and its data deleted when the object goes or the
// process ends, also by SIGKILL (the script waits for the end of a pipe that only this process
// holds). Not durable (fsync off). Starting takes about half a second. Every role logs in without
// a password. Thread safe once started, except Kill, Restart and Signal: one thread at a time.
class PrivatePostgres {
 public:
  // What is committed survives: nothing; or kill -9 of the server, which may then be restarted.
  enum class Survives { kNothing, kKill };

  // The server that all tests of this process share, started at the first call and stopped when
  // the process exits. Borrowed. FailedPrecondition where PostgreSQL is not installed, otherwise
  // Unavailable; the script's own words stand on stderr. A failure is final for the process.
  static absl::StatusOr<PrivatePostgres*> Get();

  // A server of one's own, for tests that stop it or fill it.
  static absl::StatusOr<std::unique_ptr<PrivatePostgres>> Start(
      Survives survives = Survives::kNothing);

  PrivatePostgres(const PrivatePostgres&) = delete;
  PrivatePostgres& operator=(const PrivatePostgres&) = delete;
  ~PrivatePostgres();

  // A libpq connection string. The superuser is "postgres".
  std::string Dsn(absl::string_view database = "postgres",
                  absl::string_view user = "postgres") const;

  // An empty database, owned by the superuser. InvalidArgument unless `name` is
  // [a-z_][a-z0-9_]{0,62}; AlreadyExists.
  absl::Status CreateDatabase(absl::string_view name) const;

  // Runs `sql` as the superuser through psql, for set-up and checks: the rows, one a line, with
  // '|' between columns. Internal with the server's message where it refuses.
  absl::StatusOr<std::string> Query(absl::string_view database, absl::string_view sql) const;

  // Of a server that survives it. Kill: SIGKILL to every process of the server; none is left when
  // it returns. Restart: the server runs again on the same data and socket, however it ended;
  // Unavailable where it does not come up.
  void Kill();
  absl::Status Restart();
  // To every process of the server: SIGSTOP makes it hang, SIGCONT go on.
  void Signal(int signal);
  bool Running() const;

  const std::string& socket_folder() const { return socket_; }
  pid_t server_pid() const { return server_; }

 private:
  PrivatePostgres() = default;
  absl::Status Launch(Survives survives);
  absl::Status ReadReport();

  std::string socket_;
  std::atomic<pid_t> server_ = -1;
  pid_t script_ = -1;
  int lifeline_ = -1;  // The write end of the script's standard input.
  int report_ = -1;    // The read end of its standard output.
};

}  // namespace tam::testing

#endif  // TAMARACK_TESTS_SUPPORT_POSTGRES_H_

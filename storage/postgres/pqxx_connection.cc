#include "storage/postgres/pqxx_connection.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <exception>
#include <pqxx/pqxx>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/time/clock.h"
#include "storage/postgres/bounded_connect.h"

namespace tam::storage::postgres {
namespace {

// The first line of what the server says, in two parts. Connections ask for verbose messages
// ("ERROR:  42501: permission denied ..."), because libpqxx 6 keeps the SQLSTATE of some errors
// only. The lines after the first may quote values.
struct ServerError {
  // Empty: not the server's words.
  std::string state;
  std::string message;
};

ServerError ParseError(absl::string_view what) {
  absl::string_view line = what.substr(0, what.find('\n'));
  const size_t severity = line.find(":  ");
  if (severity == absl::string_view::npos || line.size() < severity + 10 ||
      line.substr(severity + 8, 2) != ": ") {
    return {"", std::string(line)};
  }
  return {std::string(line.substr(severity + 3, 5)), std::string(line.substr(severity + 10))};
}

// Runs `act` and turns whatever libpqxx throws into a status.
template <typename Act>
absl::Status Guarded(const Act& act) {
  try {
    act();
    return absl::OkStatus();
  } catch (const pqxx::broken_connection& e) {
    return ConnectionLost(ParseError(e.what()).message);
  } catch (const pqxx::in_doubt_error& e) {
    return ConnectionLost(ParseError(e.what()).message);
  } catch (const std::exception& e) {
    const ServerError error = ParseError(e.what());
    return SqlError(error.state.empty() ? "XX000" : error.state, error.message);
  }
}

Rows Copy(const pqxx::result& result) {
  Rows rows;
  rows.reserve(result.size());
  for (const pqxx::row& from : result) {
    Row& to = rows.emplace_back();
    to.reserve(from.size());
    for (const pqxx::field& field : from) {
      if (field.is_null()) {
        to.emplace_back(std::nullopt);
      } else {
        to.emplace_back(std::string(field.c_str(), field.size()));
      }
    }
  }
  return rows;
}

// A connection that is made within a time limit.
class Link : public pqxx::connection_base {
 public:
  Link(const std::string& dsn, absl::Time deadline)
      : connection_base(policy_), policy_(dsn, deadline) {
    init();
  }
  ~Link() { close(); }

 private:
  BoundedConnect policy_;
};

class PqxxConnection : public Connection {
 public:
  PqxxConnection(const std::string& dsn, absl::Time deadline) : connection_(dsn, deadline) {
    // A connection that is lost is given up, never silently opened again.
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"
    connection_.inhibit_reactivation(true);
#pragma GCC diagnostic pop
    connection_.set_verbosity(pqxx::connection_base::verbose);
    socket_ = fcntl(connection_.sock(), F_DUPFD_CLOEXEC, 0);
    if (socket_ < 0) throw pqxx::broken_connection("no file descriptor");
  }
  ~PqxxConnection() override { close(socket_); }

  absl::StatusOr<Rows> Execute(const std::string& sql, const Params& params) override {
    std::vector<const char*> values;
    values.reserve(params.values().size());
    for (const std::optional<std::string>& value : params.values()) {
      values.push_back(value.has_value() ? value->c_str() : nullptr);
    }
    Rows rows;
    absl::Status status = Run([&] {
      pqxx::nontransaction tx(connection_);
      rows = Copy(tx.exec_params(sql, pqxx::prepare::make_dynamic_params(values)));
    });
    if (!status.ok()) return status;
    return rows;
  }

  absl::Status ExecuteScript(const std::string& sql) override {
    return Run([&] {
      pqxx::nontransaction tx(connection_);
      tx.exec(sql);
    });
  }

  void Interrupt() override { shutdown(socket_, SHUT_RDWR); }

  // Nobody speaks on an idle connection but a server that ends it.
  bool Usable() override {
    pollfd socket{socket_, POLLIN, 0};
    return poll(&socket, 1, 0) == 0;
  }

 private:
  template <typename Act>
  absl::Status Run(const Act& act) {
    absl::Status status = Guarded(act);
    // Whatever libpqxx makes of it: without a connection there was no answer.
    if (!status.ok() && !connection_.is_open() && !IsConnectionLost(status)) {
      return ConnectionLost(std::string(status.message()));
    }
    return status;
  }

  Link connection_;
  // The connection's socket under a number of our own: libpq may close its own at any moment, and
  // the number may then be another file's when Interrupt comes.
  int socket_ = -1;
};

// The server's own words, which hold no address; empty if it said nothing.
std::string ServersReason(const std::string& error) {
  const size_t begin = error.find("FATAL:  ");
  if (begin == std::string::npos) return "";
  return absl::StrCat(": ", error.substr(begin, error.find('\n', begin) - begin));
}

}  // namespace

absl::StatusOr<std::unique_ptr<Connection>> ConnectPqxx(const std::string& dsn,
                                                        absl::Time deadline) {
  std::string reason;
  try {
    return std::make_unique<PqxxConnection>(dsn, deadline);
  } catch (const std::exception& e) {
    reason = ServersReason(e.what());
  }
  if (absl::Now() >= deadline) {
    return absl::DeadlineExceededError("database: not connected by the deadline");
  }
  return ConnectionLost(absl::StrCat("cannot connect", reason));
}

}  // namespace tam::storage::postgres

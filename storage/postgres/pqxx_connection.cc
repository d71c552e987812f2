#include "storage/postgres/pqxx_connection.h"

#include <exception>
#include <pqxx/pqxx>
#include <utility>

#include "absl/strings/string_view.h"

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

class PqxxConnection : public Connection {
 public:
  explicit PqxxConnection(const std::string& dsn) : connection_(dsn) {
    // A connection that is lost is given up, never silently opened again.
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"
    connection_.inhibit_reactivation(true);
#pragma GCC diagnostic pop
    connection_.set_verbosity(pqxx::connection_base::verbose);
  }

  absl::StatusOr<Rows> Execute(const std::string& sql, const Params& params) override {
    std::vector<const char*> values;
    values.reserve(params.values().size());
    for (const std::optional<std::string>& value : params.values()) {
      values.push_back(value.has_value() ? value->c_str() : nullptr);
    }
    Rows rows;
    absl::Status status = Guarded([&] {
      pqxx::nontransaction tx(connection_);
      rows = Copy(tx.exec_params(sql, pqxx::prepare::make_dynamic_params(values)));
    });
    if (!status.ok()) return status;
    return rows;
  }

  absl::Status ExecuteScript(const std::string& sql) override {
    return Guarded([&] {
      pqxx::nontransaction tx(connection_);
      tx.exec(sql);
    });
  }

 private:
  pqxx::connection connection_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<Connection>> ConnectPqxx(const std::string& dsn) {
  std::unique_ptr<Connection> connection;
  absl::Status status = Guarded([&] { connection = std::make_unique<PqxxConnection>(dsn); });
  if (!status.ok()) return ConnectionLost("cannot connect");
  return connection;
}

}  // namespace tam::storage::postgres

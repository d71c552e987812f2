#include "storage/postgres/pqxx_connection.h"

#include <exception>
#include <pqxx/pqxx>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"

namespace tam::storage::postgres {
namespace {

// The server's first line: the ones after it may quote values.
std::string FirstLine(const char* what) {
  std::string text(what);
  const size_t end = text.find('\n');
  return std::string(absl::StripPrefix(text.substr(0, end), "ERROR:  "));
}

// Runs `act` and turns whatever libpqxx throws into a status.
template <typename Act>
absl::Status Guarded(const Act& act) {
  try {
    act();
    return absl::OkStatus();
  } catch (const pqxx::too_many_connections& e) {
    return ConnectionLost(FirstLine(e.what()));
  } catch (const pqxx::broken_connection& e) {
    return ConnectionLost(FirstLine(e.what()));
  } catch (const pqxx::serialization_failure& e) {
    return SqlError("40001", FirstLine(e.what()));
  } catch (const pqxx::deadlock_detected& e) {
    return SqlError("40P01", FirstLine(e.what()));
  } catch (const pqxx::in_doubt_error& e) {
    return ConnectionLost(FirstLine(e.what()));
  } catch (const pqxx::sql_error& e) {
    return SqlError(e.sqlstate().empty() ? "XX000" : e.sqlstate(), FirstLine(e.what()));
  } catch (const std::exception& e) {
    return absl::InternalError(absl::StrCat("database: ", FirstLine(e.what())));
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
    connection_.set_verbosity(pqxx::connection_base::terse);
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

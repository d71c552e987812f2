#include "storage/postgres/bounded_connect.h"

#include <poll.h>
#include <postgresql/libpq-fe.h>

#include <algorithm>
#include <cerrno>
#include <memory>
#include <new>
#include <pqxx/except>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_split.h"
#include "absl/time/clock.h"

namespace tam::storage::postgres {
namespace {

constexpr absl::Duration kConnectTimeout = absl::Seconds(5);

using Handle = std::unique_ptr<PGconn, decltype(&PQfinish)>;

// A connection string, taken apart. What it does not say is empty.
class Options {
 public:
  explicit Options(const std::string& dsn)
      : options_(PQconninfoParse(dsn.c_str(), nullptr), &PQconninfoFree) {
    if (options_ == nullptr) throw pqxx::broken_connection("malformed connection string");
  }

  std::string Get(absl::string_view keyword) const {
    for (const PQconninfoOption* o = options_.get(); o->keyword != nullptr; ++o) {
      if (keyword == o->keyword && o->val != nullptr) return o->val;
    }
    return "";
  }
  std::vector<std::string> GetList(absl::string_view keyword) const {
    return absl::StrSplit(Get(keyword), ',');
  }

 private:
  const std::unique_ptr<PQconninfoOption, decltype(&PQconninfoFree)> options_;
};

// One of the hosts that a connection string names; all empty: as the whole string says.
struct Target {
  std::string host;
  std::string hostaddr;
  std::string port;
};

// The nth of a list that may be one value for all.
std::string Nth(const std::vector<std::string>& list, size_t n) {
  return list.size() == 1 ? list[0] : (n < list.size() ? list[n] : "");
}

std::vector<Target> TargetsOf(const Options& options) {
  const std::vector<std::string> hosts = options.GetList("host");
  const std::vector<std::string> addresses = options.GetList("hostaddr");
  const std::vector<std::string> ports = options.GetList("port");
  const size_t count = std::max(hosts.size(), addresses.size());
  if (count == 1) return {Target()};
  std::vector<Target> targets;
  for (size_t n = 0; n < count; ++n) {
    targets.push_back({Nth(hosts, n), Nth(addresses, n), Nth(ports, n)});
  }
  return targets;
}

absl::Duration TimeoutOf(const Options& options) {
  int seconds = 0;
  if (!absl::SimpleAtoi(options.Get("connect_timeout"), &seconds)) return kConnectTimeout;
  return seconds > 0 ? absl::Seconds(seconds) : absl::InfiniteDuration();
}

// Of a keyword that stands twice libpq takes the last value that is not empty.
Handle Begin(const std::string& dsn, const Target& target) {
  const char* keywords[] = {"keepalives_idle",
                            "keepalives_interval",
                            "keepalives_count",
                            "tcp_user_timeout",
                            "dbname",
                            "host",
                            "hostaddr",
                            "port",
                            nullptr};
  const char* values[] = {"5",
                          "2",
                          "3",
                          "10000",
                          dsn.c_str(),
                          target.host.c_str(),
                          target.hostaddr.c_str(),
                          target.port.c_str(),
                          nullptr};
  Handle begun(PQconnectStartParams(keywords, values, /*expand_dbname=*/1), &PQfinish);
  if (begun == nullptr) throw std::bad_alloc();
  return begun;
}

// True once it stands; false when it has failed or the time is over.
bool Complete(PGconn* connection, absl::Time deadline) {
  if (PQstatus(connection) == CONNECTION_BAD) return false;
  PostgresPollingStatusType next = PGRES_POLLING_WRITING;
  while (next != PGRES_POLLING_OK) {
    const absl::Duration left = deadline - absl::Now();
    if (next == PGRES_POLLING_FAILED || left <= absl::ZeroDuration()) return false;
    pollfd socket{PQsocket(connection),
                  static_cast<short>(next == PGRES_POLLING_READING ? POLLIN : POLLOUT), 0};
    const int64_t wait = absl::ToInt64Milliseconds(std::min(left, absl::Minutes(1))) + 1;
    const int ready = poll(&socket, 1, static_cast<int>(wait));
    if (ready < 0 && errno != EINTR) return false;
    if (ready > 0) next = PQconnectPoll(connection);
  }
  return true;
}

}  // namespace

pqxx::connectionpolicy::handle BoundedConnect::do_startconnect(handle present) {
  if (present != nullptr) return present;
  const Options parsed(options());
  const absl::Duration timeout = TimeoutOf(parsed);
  std::string reason;
  for (const Target& target : TargetsOf(parsed)) {
    Handle begun = Begin(options(), target);
    if (Complete(begun.get(), std::min(deadline_, absl::Now() + timeout))) return begun.release();
    reason = PQerrorMessage(begun.get());
  }
  throw pqxx::broken_connection(reason);
}

}  // namespace tam::storage::postgres

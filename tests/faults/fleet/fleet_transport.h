// How a device of the fleet reaches a TAM that may fail: it says the same again until it is
// answered, as a patient broker does, and writes down what it saw.
#ifndef TAMARACK_TESTS_FAULTS_FLEET_FLEET_TRANSPORT_H_
#define TAMARACK_TESTS_FAULTS_FLEET_FLEET_TRANSPORT_H_

#include <atomic>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "tests/faults/fleet/ledger.h"
#include "tools/teepsim/transport.h"

namespace tam::testing {

struct Patience {
  absl::Duration reply_timeout = absl::Seconds(5);
  // Between two attempts; also in place of the seconds that a Retry-After names.
  absl::Duration pause = absl::Milliseconds(50);
  // For one message, all attempts together; then the device starts again.
  absl::Duration total = absl::Seconds(60);
};

// One session of one device. Not thread safe, but `stopping` may be set by any thread: then no
// further attempt is made.
class FleetTransport : public teepsim::TamTransport {
 public:
  // Called before a QueryResponse is sent for the first time; may block. An error ends the session.
  using Gate = std::function<absl::Status()>;

  // `urls` are the same TAM through several gateways; attempts go round, from the one at `first`
  // on. `sticky`: the whole session goes to one, over one connection, until it fails. Borrows.
  FleetTransport(const std::vector<teepsim::Url>& urls, size_t first, bool sticky,
                 const Patience& patience, DeviceLedger& ledger, MessageLog& log,
                 const std::atomic<bool>& stopping, const Gate& gate);

  // Unavailable when patience is at its end, or the answer is no 2xx or 503.
  absl::StatusOr<std::optional<std::string>> Exchange(std::string_view message) override;

 private:
  absl::StatusOr<teepsim::HttpReply> PostOnce(std::string_view message);
  void Pause() const;

  const std::vector<teepsim::Url>& urls_;
  size_t next_;
  const bool sticky_;
  const Patience& patience_;
  DeviceLedger& ledger_;
  MessageLog& log_;
  const std::atomic<bool>& stopping_;
  const Gate& gate_;
  std::optional<teepsim::HttpClient> client_;
  int exchanges_ = 0;
};

// "connect", "send", "receive" or "timeout": what a device saw when a request failed.
std::string KindOfFailure(const absl::Status& status);

}  // namespace tam::testing

#endif  // TAMARACK_TESTS_FAULTS_FLEET_FLEET_TRANSPORT_H_

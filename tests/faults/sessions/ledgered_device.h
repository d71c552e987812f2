// A device of one case whose messages the test sends, by hand or stepwise, with a ledger of what it
// knows.
#ifndef TAMARACK_TESTS_FAULTS_SESSIONS_LEDGERED_DEVICE_H_
#define TAMARACK_TESTS_FAULTS_SESSIONS_LEDGERED_DEVICE_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "teep/message/message.h"
#include "tests/e2e/hand_made_agent.h"
#include "tests/e2e/stack.h"
#include "tests/faults/fleet/ledger.h"
#include "tests/faults/sessions/stepped_session.h"

namespace tam::testing {

// Either RunSession or the calls below it: one process at a time holds the folder of a device. Not
// thread safe.
class LedgeredDevice {
 public:
  // Borrows the stack. The device stands in `folder`, registered as `name`.
  LedgeredDevice(Stack& stack, std::string name, std::string folder)
      : stack_(stack), name_(std::move(name)), folder_(std::move(folder)), log_(ledger_) {}

  const std::string& name() const { return name_; }
  const std::string& folder() const { return folder_; }
  const DeviceLedger& ledger() const { return ledger_; }
  MessageLog& log() { return log_; }

  // A whole session. Errors of RunSteppedSession.
  absl::StatusOr<teepsim::SessionResult> RunSession(
      const std::vector<std::string>& urls, const SteppedTransport::Before& before = nullptr);

  HandMadeAgent& agent();
  // Of a fresh QueryRequest; zeros and a test failure where there is none.
  std::string Challenge(int gateway);
  // Signed, with good Evidence; the ledger expects it to be sent next.
  std::string Response(const std::string& challenge);
  // Once, to that gateway.
  Reply Send(int gateway, const std::string& message);
  // A Success says so: that manifest is on the device now.
  void NoteInstalled(const ManifestVersion& version);

 private:
  Stack& stack_;
  const std::string name_;
  const std::string folder_;
  DeviceLedger ledger_;
  MessageLog log_;
  std::unique_ptr<HandMadeAgent> agent_;
};

}  // namespace tam::testing

#endif  // TAMARACK_TESTS_FAULTS_SESSIONS_LEDGERED_DEVICE_H_

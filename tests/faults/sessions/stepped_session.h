// One session of a simulated device whose every message goes where the test says, with the test's
// own deeds between them.
#ifndef TAMARACK_TESTS_FAULTS_SESSIONS_STEPPED_SESSION_H_
#define TAMARACK_TESTS_FAULTS_SESSIONS_STEPPED_SESSION_H_

#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "tests/faults/fleet/ledger.h"
#include "tools/teepsim/device.h"
#include "tools/teepsim/transport.h"

namespace tam::testing {

// Message n (0: the empty one that begins the session) goes to urls[n], all further ones to the
// last. Not thread safe.
class SteppedTransport : public teepsim::TamTransport {
 public:
  // Called before message n is sent.
  using Before = std::function<void(size_t n, std::string_view message)>;

  // Borrows the log.
  SteppedTransport(std::vector<std::string> urls, Before before, MessageLog& log)
      : urls_(std::move(urls)), before_(std::move(before)), log_(log) {}

  absl::StatusOr<std::optional<std::string>> Exchange(std::string_view message) override;

  size_t sent() const { return sent_; }

 private:
  const std::vector<std::string> urls_;
  const Before before_;
  MessageLog& log_;
  size_t sent_ = 0;
};

// The session of the device in `folder`. Errors of Device::RunSession and of opening the folder.
absl::StatusOr<teepsim::SessionResult> RunSteppedSession(const std::string& folder,
                                                         SteppedTransport& transport);

}  // namespace tam::testing

#endif  // TAMARACK_TESTS_FAULTS_SESSIONS_STEPPED_SESSION_H_

#include "tests/faults/sessions/stepped_session.h"

#include <algorithm>
#include <memory>
#include <utility>

#include "tools/teepsim/device_state.h"
#include "tools/teepsim/transcript.h"

namespace tam::testing {

absl::StatusOr<std::optional<std::string>> SteppedTransport::Exchange(std::string_view message) {
  const size_t n = sent_++;
  if (before_) before_(n, message);
  absl::StatusOr<teepsim::Url> url = teepsim::ParseUrl(urls_[std::min(n, urls_.size() - 1)]);
  if (!url.ok()) return url.status();
  teepsim::HttpClient client;
  teepsim::HttpTamTransport tam(*std::move(url), client);
  log_.Sending(message);
  auto answer = tam.Exchange(message);
  if (answer.ok()) log_.Answered(*answer);
  return answer;
}

absl::StatusOr<teepsim::SessionResult> RunSteppedSession(const std::string& folder,
                                                         SteppedTransport& transport) {
  absl::StatusOr<std::unique_ptr<teepsim::DeviceState>> state = teepsim::DeviceState::Open(folder);
  if (!state.ok()) return state.status();
  teepsim::LoopbackPayloadSource payloads;
  teepsim::Transcript quiet(nullptr);
  teepsim::Device device(**state, transport, payloads, quiet);
  return device.RunSession();
}

}  // namespace tam::testing

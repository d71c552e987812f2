#include "tests/faults/fleet/fleet_transport.h"

#include <poll.h>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"

namespace tam::testing {

std::string KindOfFailure(const absl::Status& status) {
  const absl::string_view message = status.message();
  if (absl::StrContains(message, "imed out") || absl::StrContains(message, "timeout") ||
      absl::StrContains(message, "Operation canceled")) {
    return "timeout";
  }
  for (const char* step : {"connect", "handshake", "send", "receive"}) {
    if (absl::StrContains(message, absl::StrCat(": ", step))) return step;
  }
  return "transport";
}

FleetTransport::FleetTransport(const std::vector<teepsim::Url>& urls, size_t first, bool sticky,
                               const Patience& patience, DeviceLedger& ledger, MessageLog& log,
                               const std::atomic<bool>& stopping, const Gate& gate)
    : urls_(urls),
      next_(first),
      sticky_(sticky),
      patience_(patience),
      ledger_(ledger),
      log_(log),
      stopping_(stopping),
      gate_(gate) {}

absl::StatusOr<teepsim::HttpReply> FleetTransport::PostOnce(std::string_view message) {
  if (!sticky_) {
    client_.reset();
    ++next_;
  }
  if (!client_.has_value()) {
    client_.emplace(teepsim::HttpClient::Options{.timeout = patience_.reply_timeout});
  }
  auto reply = client_->Post(urls_[next_ % urls_.size()], message);
  // A sticky one looks for another gateway, too, once its own is gone.
  if (!reply.ok()) {
    client_.reset();
    ++next_;
  }
  return reply;
}

void FleetTransport::Pause() const {
  // Nothing can be waited for: it is the device that decides when to try again.
  poll(nullptr, 0, static_cast<int>(absl::ToInt64Milliseconds(patience_.pause)));
}

absl::StatusOr<std::optional<std::string>> FleetTransport::Exchange(std::string_view message) {
  if (exchanges_++ == 1) {
    if (absl::Status passed = gate_(); !passed.ok()) return passed;
  }
  const absl::Time deadline = absl::Now() + patience_.total;
  absl::Status last = absl::UnavailableError("the fleet is stopping");
  log_.Sending(message);
  for (; !stopping_.load() && absl::Now() < deadline; Pause()) {
    const absl::StatusOr<teepsim::HttpReply> reply = PostOnce(message);
    if (!reply.ok()) {
      ++ledger_.errors[KindOfFailure(reply.status())];
      last = reply.status();
      continue;
    }
    auto answer = teepsim::CheckTamReply(*reply);
    if (answer.ok()) {
      log_.Answered(*answer);
      return answer;
    }
    ++ledger_.errors[absl::StrCat("http ", reply->status)];
    if (reply->status != 503) return answer;
    last = answer.status();
    ++next_;
  }
  return last;
}

}  // namespace tam::testing

#include "tests/faults/load/issue_time.h"

#include <variant>

#include "crypto/cbor/cbor.h"
#include "crypto/cose/cose.h"
#include "services/gateway/challenge.h"
#include "teep/message/message.h"
#include "tools/teepsim/transport.h"

namespace tam::testing {

absl::Time ReadIssueTime(const std::string& url) {
  const absl::Time none = absl::InfinitePast();
  const auto address = teepsim::ParseUrl(url);
  if (!address.ok()) return none;
  teepsim::HttpClient client;
  const auto reply = client.Post(*address, "");
  if (!reply.ok() || reply->body.empty()) return none;
  const auto cose = cose::Message::Parse(cbor::AsBytes(reply->body), cose::TagRule::kRequired);
  if (!cose.ok() || !cose->unverified_payload().has_value()) return none;
  const auto message = teep::Decode(cbor::AsBytes(*cose->unverified_payload()));
  if (!message.ok()) return none;
  const auto* request = std::get_if<teep::QueryRequest>(&*message);
  if (request == nullptr || !request->challenge.has_value()) return none;
  return absl::FromUnixMillis(
      gateway::ReadUnverifiedChallenge(cbor::AsBytes(*request->challenge)).issue_ms);
}

}  // namespace tam::testing

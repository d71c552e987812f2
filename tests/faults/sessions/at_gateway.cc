#include "tests/faults/sessions/at_gateway.h"

#include <gtest/gtest.h>

#include "crypto/cbor/cbor.h"
#include "crypto/cose/cose.h"
#include "teep/message/message.h"
#include "tests/e2e/scenario.h"
#include "tools/teepsim/transport.h"

namespace tam::testing {

Reply PostAt(Stack& stack, int gateway, const std::string& body) {
  teepsim::HttpClient client;
  const auto answer = client.Post(*teepsim::ParseUrl(stack.TamUrl(kMainPath, gateway)), body);
  Reply reply;
  if (!answer.ok()) {
    ADD_FAILURE() << answer.status();
    return reply;
  }
  reply.status = answer->status;
  reply.body = answer->body;
  if (reply.body.empty()) return reply;
  const auto cose = cose::Message::Parse(cbor::AsBytes(reply.body), cose::TagRule::kRequired);
  if (!cose.ok() || !cose->unverified_payload().has_value()) return reply;
  auto message = teep::Decode(cbor::AsBytes(*cose->unverified_payload()));
  if (message.ok()) reply.message = *std::move(message);
  return reply;
}

std::string ChallengeAt(Stack& stack, int gateway) {
  const Reply reply = PostAt(stack, gateway, "");
  if (!reply.message.has_value() || !std::holds_alternative<teep::QueryRequest>(*reply.message)) {
    ADD_FAILURE() << "no QueryRequest, status " << reply.status;
    return std::string(32, '\0');
  }
  return std::get<teep::QueryRequest>(*reply.message).challenge.value_or("");
}

}  // namespace tam::testing

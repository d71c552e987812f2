#include "tests/e2e/hand_made_agent.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <iostream>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "crypto/cbor/cbor.h"
#include "crypto/cose/cose.h"
#include "tools/teepsim/evidence.h"
#include "tools/teepsim/transport.h"

namespace tam::testing {
namespace {

template <typename T>
T Must(absl::StatusOr<T> value) {
  if (value.ok()) return *std::move(value);
  std::cerr << "hand-made agent: " << value.status() << std::endl;
  abort();
}

std::optional<teep::Message> Read(const std::string& body) {
  if (body.empty()) return std::nullopt;
  auto cose = cose::Message::Parse(cbor::AsBytes(body), cose::TagRule::kRequired);
  if (!cose.ok() || !cose->unverified_payload().has_value()) return std::nullopt;
  auto message = teep::Decode(cbor::AsBytes(*cose->unverified_payload()));
  if (!message.ok()) return std::nullopt;
  return *std::move(message);
}

}  // namespace

teep::Update Reply::update() const {
  if (message.has_value() && std::holds_alternative<teep::Update>(*message)) {
    return std::get<teep::Update>(*message);
  }
  ADD_FAILURE() << "no Update in the answer, status " << status;
  return teep::Update();
}

HandMadeAgent::HandMadeAgent(Stack& stack, const std::string& folder)
    : stack_(stack), state_(Must(teepsim::DeviceState::Open(folder))) {}

HandMadeAgent::~HandMadeAgent() {
  if (left_ >= 0) close(left_);
}

void HandMadeAgent::SendAndLeave(const std::string& path, const std::string& body) {
  const teepsim::Url url = Must(teepsim::ParseUrl(stack_.TamUrl(path)));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  int port = 0;
  ASSERT_TRUE(absl::SimpleAtoi(url.port, &port));
  address.sin_port = htons(static_cast<uint16_t>(port));
  ASSERT_EQ(inet_pton(AF_INET, url.host.c_str(), &address.sin_addr), 1);
  if (left_ >= 0) close(left_);
  left_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  ASSERT_EQ(connect(left_, reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
  const std::string request =
      absl::StrCat("POST ", url.target, " HTTP/1.1\r\nHost: ", url.host, ":", url.port,
                   "\r\nAccept: application/teep+cbor\r\nContent-Type: application/teep+cbor\r\n",
                   "Content-Length: ", body.size(), "\r\n\r\n", body);
  ASSERT_EQ(send(left_, request.data(), request.size(), MSG_NOSIGNAL),
            static_cast<ssize_t>(request.size()));
}

Reply HandMadeAgent::Post(const std::string& path, const std::string& body) {
  teepsim::HttpClient client;
  const teepsim::HttpReply reply =
      Must(client.Post(Must(teepsim::ParseUrl(stack_.NextTamUrl(path))), body));
  return {reply.status, reply.body, Read(reply.body)};
}

std::string HandMadeAgent::Challenge(const std::string& path) {
  const Reply reply = Post(path, "");
  if (!reply.message.has_value() || !std::holds_alternative<teep::QueryRequest>(*reply.message)) {
    ADD_FAILURE() << "no QueryRequest at " << path << ", status " << reply.status;
    return std::string(32, '\0');
  }
  const auto& request = std::get<teep::QueryRequest>(*reply.message);
  return request.challenge.has_value() ? *request.challenge : request.token.value_or("");
}

teep::QueryResponse HandMadeAgent::UnsignedResponse(const std::string& challenge) const {
  teep::QueryResponse response;
  response.attestation_payload_format = teepsim::EvidenceFormat();
  response.attestation_payload = Must(teepsim::MakeEvidence(*state_, challenge, {}));
  teep::SystemPropertyClaims firmware;
  firmware.component_id = {"firmware"};
  firmware.image_digest = {-16, std::string(32, 'f')};
  response.tc_list = {firmware};
  return response;
}

std::string HandMadeAgent::Response(const std::string& challenge) {
  return Sign(UnsignedResponse(challenge));
}

std::string HandMadeAgent::Sign(const teep::Message& message) const {
  const std::string payload = Must(teep::Encode(message));
  return Must(cose::Sign1(state_->agent_key(), cbor::AsBytes(payload)));
}

}  // namespace tam::testing

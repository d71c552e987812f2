#include "tests/faults/sessions/ledgered_device.h"

#include <gtest/gtest.h>

#include <optional>
#include <utility>

#include "crypto/cbor/cbor.h"
#include "crypto/cose/cose.h"
#include "tests/e2e/scenario.h"
#include "tools/teepsim/device_state.h"
#include "tools/teepsim/transport.h"

namespace tam::testing {
namespace {

std::optional<teep::Message> Read(const std::string& body) {
  if (body.empty()) return std::nullopt;
  const auto cose = cose::Message::Parse(cbor::AsBytes(body), cose::TagRule::kRequired);
  if (!cose.ok() || !cose->unverified_payload().has_value()) return std::nullopt;
  auto message = teep::Decode(cbor::AsBytes(*cose->unverified_payload()));
  if (!message.ok()) return std::nullopt;
  return *std::move(message);
}

}  // namespace

absl::StatusOr<teepsim::SessionResult> LedgeredDevice::RunSession(
    const std::vector<std::string>& urls, const SteppedTransport::Before& before) {
  SteppedTransport transport(urls, before, log_);
  ++ledger_.begun;
  auto result = RunSteppedSession(folder_, transport);
  ++(result.ok() && result->ok() ? ledger_.completed : ledger_.given_up);
  const auto state = teepsim::DeviceState::Open(folder_);
  if (!state.ok()) return state.status();
  ledger_.present.clear();
  for (const auto& manifest : (*state)->record().manifests) {
    NoteInstalled({ComponentKey(manifest.id), manifest.digest.bytes, manifest.sequence_number});
  }
  return result;
}

HandMadeAgent& LedgeredDevice::agent() {
  if (agent_ == nullptr) agent_ = std::make_unique<HandMadeAgent>(stack_, folder_);
  return *agent_;
}

std::string LedgeredDevice::Challenge(int gateway) {
  const Reply reply = Send(gateway, "");
  if (!reply.message.has_value() || !std::holds_alternative<teep::QueryRequest>(*reply.message)) {
    ADD_FAILURE() << "no QueryRequest, status " << reply.status;
    return std::string(32, '\0');
  }
  return std::get<teep::QueryRequest>(*reply.message).challenge.value_or("");
}

std::string LedgeredDevice::Response(const std::string& challenge) {
  log_.WillAnswer(challenge);
  return agent().Response(challenge);
}

Reply LedgeredDevice::Send(int gateway, const std::string& message) {
  const int64_t outstanding = ledger_.Outstanding();
  log_.Sending(message);
  teepsim::HttpClient client;
  const auto answer = client.Post(*teepsim::ParseUrl(stack_.TamUrl(kMainPath, gateway)), message);
  Reply reply;
  if (!answer.ok()) {
    ADD_FAILURE() << answer.status();
    return reply;
  }
  reply.status = answer->status;
  reply.body = answer->body;
  reply.message = Read(reply.body);
  log_.Answered(reply.body.empty() ? std::nullopt : std::optional(reply.body));
  if (ledger_.Outstanding() < outstanding) ++ledger_.completed;
  return reply;
}

void LedgeredDevice::NoteInstalled(const ManifestVersion& version) {
  ledger_.present.insert(version);
  ledger_.installs.try_emplace(version, 1);
}

}  // namespace tam::testing

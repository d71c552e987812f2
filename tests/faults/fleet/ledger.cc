#include "tests/faults/fleet/ledger.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "crypto/cbor/cbor.h"
#include "crypto/cose/cose.h"
#include "teep/message/message.h"

namespace tam::testing {
namespace {

std::optional<teep::Message> Read(std::string_view bytes) {
  if (bytes.empty()) return std::nullopt;
  auto cose = cose::Message::Parse(cbor::AsBytes(bytes), cose::TagRule::kRequired);
  if (!cose.ok() || !cose->unverified_payload().has_value()) return std::nullopt;
  auto message = teep::Decode(cbor::AsBytes(*cose->unverified_payload()));
  if (!message.ok()) return std::nullopt;
  return *std::move(message);
}

}  // namespace

std::string ComponentKey(const std::vector<std::string>& segments) {
  std::string key;
  for (const std::string& segment : segments) {
    key += static_cast<char>(segment.size() >> 8 & 0xff);
    key += static_cast<char>(segment.size() & 0xff);
    key += segment;
  }
  return key;
}

int64_t DeviceLedger::Outstanding() const {
  return std::count_if(updates.begin(), updates.end(),
                       [](const auto& entry) { return !entry.second.acknowledged; });
}

void MessageLog::Sending(std::string_view bytes) {
  response_.clear();
  reported_token_.clear();
  const std::optional<teep::Message> message = Read(bytes);
  if (!message.has_value()) return;
  if (std::holds_alternative<teep::QueryResponse>(*message)) {
    response_ = challenge_;
    ledger_.responses.try_emplace(response_);
    return;
  }
  const auto* success = std::get_if<teep::Success>(&*message);
  const auto* error = std::get_if<teep::Error>(&*message);
  const std::optional<std::string> token = success != nullptr ? success->token
                                           : error != nullptr ? error->token
                                                              : std::nullopt;
  if (!token.has_value()) return;
  const auto seen = ledger_.updates.find(*token);
  if (seen == ledger_.updates.end()) return;  // an Error to a QueryRequest
  reported_token_ = *token;
  seen->second.reported = true;
  seen->second.success = success != nullptr;
}

void MessageLog::Answered(const std::optional<std::string>& answer) {
  if (!response_.empty()) return QueryResponseAnswered(answer);
  if (!reported_token_.empty()) ledger_.updates[reported_token_].acknowledged = true;
  if (!answer.has_value()) return;
  const std::optional<teep::Message> message = Read(*answer);
  if (!message.has_value()) return;
  if (const auto* request = std::get_if<teep::QueryRequest>(&*message)) {
    challenge_ = request->challenge.has_value() ? *request->challenge : request->token.value_or("");
  }
}

void MessageLog::QueryResponseAnswered(const std::optional<std::string>& answer) {
  SentResponse& sent = ledger_.responses[response_];
  if (!answer.has_value()) {
    sent.answer = Answer::kNothing;
    return;
  }
  sent.answer = Answer::kRefused;
  const std::optional<teep::Message> message = Read(*answer);
  const auto* update = message.has_value() ? std::get_if<teep::Update>(&*message) : nullptr;
  if (update == nullptr) return;
  if (update->err_code.has_value()) {
    ++ledger_.errors[absl::StrCat("err-code ", static_cast<uint64_t>(*update->err_code))];
  }
  if (!update->token.has_value()) return;
  sent.answer = Answer::kUpdate;
  sent.token = *update->token;
  ledger_.updates.try_emplace(*update->token);
}

}  // namespace tam::testing

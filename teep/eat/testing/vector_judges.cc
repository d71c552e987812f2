#include "teep/eat/testing/vector_judges.h"

#include <string>

#include "absl/status/status.h"
#include "crypto/cbor/cbor.h"
#include "crypto/cose/cose.h"
#include "crypto/text/text.h"
#include "teep/eat/bundle.h"
#include "teep/eat/ear.h"
#include "teep/eat/eat.h"

namespace tam::eat::testing {
namespace {

using cbor::AsBytes;
using tam::testing::Judgement;
using tam::testing::ReadFile;
using tam::testing::Value;
using tam::testing::VectorCase;

Judgement Verdict(const char* good, const absl::Status& status) {
  if (status.ok()) return {good, ""};
  return {"refused", std::string(StdView(status.message()))};
}

std::string Content(const VectorCase& row, const std::string& folder) {
  return ReadFile(folder + Value(row, "file"));
}

Judgement JudgeClaims(const VectorCase& row, const std::string& folder) {
  return Verdict("parses", ParseClaims(AsBytes(Content(row, folder))).status());
}

absl::StatusOr<Claims> UnverifiedClaims(const std::string& token) {
  const auto message = cose::Message::Parse(StripCwtTag(AsBytes(token)), cose::TagRule::kRequired);
  if (!message.ok()) return message.status();
  if (!message->unverified_payload().has_value()) {
    return absl::InvalidArgumentError("token: want a payload, got nil");
  }
  return ParseClaims(AsBytes(*message->unverified_payload()));
}

absl::Status CheckBundle(const std::string& bytes) {
  const auto bundle = ParseBundle(AsBytes(bytes));
  if (!bundle.ok()) return bundle.status();
  const auto claims = UnverifiedClaims(bundle->token);
  return claims.ok() ? OpenDetached(*bundle, *claims).status() : claims.status();
}

Judgement JudgeToken(const VectorCase& row, const std::string& folder) {
  const std::string bytes = Content(row, folder);
  if (IsBundle(AsBytes(bytes))) return Verdict("parses", CheckBundle(bytes));
  return Verdict("parses", UnverifiedClaims(bytes).status());
}

Judgement JudgeEar(const VectorCase& row, const std::string& folder) {
  const auto ear = ParseEar(AsBytes(Content(row, folder)));
  return Verdict("accept", ear.ok() ? CheckAffirming(*ear, {kEarProfile}, {}) : ear.status());
}

}  // namespace

const tam::testing::Judges& VectorJudges() {
  static const auto& judges = *new tam::testing::Judges{
      {"EAT claims-set", JudgeClaims},
      {"EAT token", JudgeToken},
      {"EAR claims-set", JudgeEar},
  };
  return judges;
}

}  // namespace tam::eat::testing

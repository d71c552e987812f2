// What a verified Success or Error leads to (TEEP.md sections 4.4 and 8).
#include <algorithm>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "crypto/cbor/cbor.h"
#include "services/gateway/conversions.h"
#include "services/gateway/session.h"
#include "teep/suit/report.h"

namespace tam::gateway {
namespace {

using Answer = absl::StatusOr<std::optional<std::string>>;

constexpr size_t kMaxReason = 256;

std::string ReasonOf(const suit::Report& report) {
  if (!report.failure.has_value()) return "";
  std::string reason =
      absl::StrCat(suit::ReportReasonName(report.failure->reason), " (code ", report.failure->code,
                   ", section ", report.failure->record.section, ")");
  return reason.substr(0, kMaxReason);
}

// Opens reports and adds what they say of each manifest. False when one does not carry `token` as
// its nonce, or is malformed or not authentic: the message is dropped (T-44). A container that
// this TAM cannot open says nothing.
bool AddResults(const std::vector<std::string>& reports, const std::string& token,
                const keys::PublicKey& agent, v1::ReportRequest& request) {
  suit::ReportKeys keys;
  keys.message_key = &agent;
  for (const std::string& bytes : reports) {
    const auto opened = suit::OpenReport(cbor::AsBytes(bytes), keys);
    if (absl::IsUnimplemented(opened.status())) continue;
    if (!opened.ok() || opened->report.nonce != token) return false;
    const suit::Digest& digest = opened->report.manifest_digest;
    if (digest.algorithm != suit::kSha256 || digest.bytes.size() != 32) continue;
    v1::ManifestResult* result = request.add_results();
    result->set_digest(digest.bytes);
    result->set_success(!opened->report.failure.has_value());
    result->set_reason(ReasonOf(opened->report));
  }
  return true;
}

uint32_t CodeOf(const teep::Error& error) {
  return static_cast<uint32_t>(
      std::min<uint64_t>(static_cast<uint64_t>(error.err_code), UINT32_MAX));
}

template <typename List, typename Wanted>
bool Overlaps(const List& theirs, const Wanted& ours) {
  return std::any_of(ours.begin(), ours.end(), [&](const auto& value) {
    return std::find(theirs.begin(), theirs.end(), value) != theirs.end();
  });
}

// Whether another QueryRequest of ours could do better than the one that this Error answers.
bool IsWorthAnotherQuery(const teep::Error& error) {
  switch (error.err_code) {
    case teep::ErrorCode::kUnsupportedFreshnessMechanisms:
      return Overlaps(error.supported_freshness_mechanisms,
                      std::vector<uint64_t>{teep::kFreshnessNonce});
    case teep::ErrorCode::kUnsupportedMsgVersion:
      return Overlaps(error.versions, std::vector<uint64_t>{0});
    case teep::ErrorCode::kUnsupportedCipherSuites:
      return Overlaps(error.supported_cipher_suites, teep::MandatoryCipherSuites());
    case teep::ErrorCode::kUnsupportedSuitReport:
    case teep::ErrorCode::kTemporaryError:
      return true;
    default:
      return false;
  }
}

}  // namespace

Answer SessionEngine::OnSuccess(Session& session, const teep::Success& success) {
  if (!success.token.has_value() || !dependencies_.issued.MayBeUpdateToken(*success.token)) {
    return Drop(session, Outcome::kDroppedToken);
  }
  v1::ReportRequest request;
  request.set_token(*success.token);
  request.set_success(true);
  request.set_message(success.msg.value_or(""));
  return Report(session, std::move(request), success.suit_reports);
}

Answer SessionEngine::OnError(Session& session, const teep::Error& error) {
  if (!error.token.has_value()) return OnErrorWithoutToken(session, error);
  if (dependencies_.issued.MayBeQueryToken(*error.token)) return OnErrorToQuery(session, error);
  if (!dependencies_.issued.MayBeUpdateToken(*error.token)) {
    return Drop(session, Outcome::kDroppedToken);
  }
  v1::ReportRequest request;
  request.set_token(*error.token);
  request.set_success(false);
  request.set_err_code(
      static_cast<uint32_t>(std::min<uint64_t>(static_cast<uint64_t>(error.err_code), UINT32_MAX)));
  request.set_message(error.err_msg.value_or(""));
  request.set_back_off_seconds(absl::ToInt64Seconds(BackOffFor(error.err_code)));
  return Report(session, std::move(request), error.suit_reports);
}

Answer SessionEngine::Report(Session& session, v1::ReportRequest request,
                             const std::vector<std::string>& suit_reports) {
  auto agent = keys::PublicKey::FromCoseKey(cbor::AsBytes(session.device.agent_key()));
  if (!agent.ok()) return Fail(session, absl::InternalError(agent.status().message()));
  if (!AddResults(suit_reports, request.token(), *agent, request)) {
    return Drop(session, Outcome::kDroppedReportNonce);
  }
  request.set_tenant_uid(session.endpoint->tenant_uid);
  request.set_device_uid(session.device.device_uid());
  request.set_endpoint_uid(session.endpoint->uid);
  request.set_thumbprint(session.kid);
  request.set_pending(session.device.key_state() == v1::KEY_STATE_PENDING);
  request.set_message_digest(session.message_digest);
  auto result = dependencies_.peers.Report(session.context, request);
  if (!result.ok()) return Fail(session, result.status());
  switch (result->outcome()) {
    case v1::REPORT_OUTCOME_RECORDED:
      return Silent(session, Outcome::kReportRecorded,
                    request.success() ? "" : absl::StrCat("err-code ", request.err_code()));
    case v1::REPORT_OUTCOME_ALREADY_ANSWERED:
      return Silent(session, Outcome::kReportRepeated);
    case v1::REPORT_OUTCOME_KEY_NOT_ACTIVE:
      return Drop(session, Outcome::kDroppedKeyNotActive);
    default:
      return Drop(session, Outcome::kReportUnknownToken);
  }
}

// Anybody may have recorded this message and play it again: it changes nothing (TEEP.md A24).
Answer SessionEngine::OnErrorWithoutToken(Session& session, const teep::Error& error) {
  Record(session, Outcome::kErrorWithoutToken, teep::ErrorCodeName(error.err_code));
  source_failures_.TryTake(session.source);
  if (!IsWorthAnotherQuery(error) || !MayReplyStateless(session)) {
    return std::optional<std::string>();
  }
  if (absl::Status budget = CheckQueryBudget(session); !budget.ok()) return budget;
  auto query = MakeQueryRequest(*session.endpoint, session.context);
  if (!query.ok()) return Fail(session, query.status());
  Record(session, Outcome::kQueryRequestSent);
  return std::optional<std::string>(*std::move(query));
}

// An Error with the token of a QueryRequest of ours: uses the token up, so that it counts once.
Answer SessionEngine::OnErrorToQuery(Session& session, const teep::Error& error) {
  session.challenge = error.token;
  session.opened = Open(session, *error.token);
  ReopenIfRefused(session);
  if (absl::IsUnavailable(session.opened.status())) return Fail(session, session.opened.status());
  if (!session.opened.ok() || session.opened->kind == ChallengeKind::kChallenge) {
    return Drop(session, Outcome::kDroppedToken, session.opened.status().message());
  }
  if (IsUsed(session)) return Drop(session, Outcome::kDroppedUsedChallenge);
  v1::AcceptRequest accept = NewAccept(session);
  accept.set_err_code(CodeOf(error));
  accept.set_back_off_seconds(absl::ToInt64Seconds(BackOffFor(error.err_code)));
  auto result = dependencies_.peers.Accept(session.context, accept);
  if (!result.ok()) return Fail(session, result.status());
  if (result->outcome() != v1::ACCEPT_OUTCOME_ACCEPTED) {
    return Drop(session, Outcome::kDroppedUsedChallenge, v1::AcceptOutcome_Name(result->outcome()));
  }
  return Silent(session, Outcome::kErrorToQueryRecorded, teep::ErrorCodeName(error.err_code));
}

absl::Duration SessionEngine::BackOffFor(teep::ErrorCode code) const {
  switch (code) {
    case teep::ErrorCode::kPermanentError:
      return config_.back_off_permanent;
    case teep::ErrorCode::kTemporaryError:
      return config_.back_off_temporary;
    case teep::ErrorCode::kManifestProcessingFailed:
      return absl::ZeroDuration();  // other components may still be updated
    default:
      return config_.back_off_other;
  }
}

}  // namespace tam::gateway

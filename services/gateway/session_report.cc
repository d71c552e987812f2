// What a verified Success or Error leads to (TEEP.md sections 4.4 and 8).
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "crypto/cbor/cbor.h"
#include "services/gateway/conversions.h"
#include "services/gateway/session.h"

namespace tam::gateway {
namespace {

using Answer = absl::StatusOr<std::optional<std::string>>;

}  // namespace

Answer SessionEngine::OnUnsoundReports(const Session& session, const absl::Status& status) {
  if (absl::IsInvalidArgument(status)) {
    return Drop(session, Outcome::kDroppedMalformed, status.message());
  }
  if (absl::IsFailedPrecondition(status)) {
    return Drop(session, Outcome::kDroppedReportNonce, status.message());
  }
  return Fail(session, status);
}

Answer SessionEngine::OnSuccess(Session& session, const teep::Success& success) {
  if (!success.token.has_value() || !dependencies_.issued.MayBeUpdateToken(*success.token)) {
    return Drop(session, Outcome::kDroppedToken);
  }
  auto reports = ReadReports(session, success.suit_reports, success.token);
  if (!reports.ok()) return OnUnsoundReports(session, reports.status());
  if (reports->failed > 0) {
    Record(session, Outcome::kFlagged, "Success with the report of a failure");
  }
  v1::ReportRequest request;
  request.set_token(*success.token);
  request.set_success(true);
  request.set_message(success.msg.value_or(""));
  request.mutable_results()->Assign(reports->results.begin(), reports->results.end());
  return Report(session, std::move(request), std::nullopt);
}

Answer SessionEngine::OnError(Session& session, const teep::Error& error) {
  const auto reports = ReadReports(session, error.suit_reports, error.token);
  if (!reports.ok()) return OnUnsoundReports(session, reports.status());
  if (reports->succeeded > 0 && reports->failed + reports->unreadable == 0) {
    Record(session, Outcome::kFlagged, "Error with reports of successes alone");
  }
  Remark(session, error);
  if (!error.token.has_value()) return OnErrorWithoutToken(session, error);
  if (dependencies_.issued.MayBeQueryToken(*error.token)) return OnErrorToQuery(session, error);
  if (!dependencies_.issued.MayBeUpdateToken(*error.token)) {
    return Drop(session, Outcome::kDroppedToken);
  }
  v1::ReportRequest request;
  request.set_token(*error.token);
  request.set_success(false);
  request.set_err_code(CodeOf(error));
  request.set_message(error.err_msg.value_or(""));
  // Only who wants the TAM's attestation is asked again: the next Update would meet the other
  // errors as this one did.
  std::optional<QueryOptions> query;
  if (error.err_code == teep::ErrorCode::kAttestationRequired) {
    query = BetterQuery(session, error, session.endpoint->binding.data_items);
  }
  if (!query.has_value()) {
    request.set_back_off_seconds(absl::ToInt64Seconds(BackOffFor(error.err_code)));
  }
  request.mutable_results()->Assign(reports->results.begin(), reports->results.end());
  return Report(session, std::move(request), query);
}

Answer SessionEngine::Report(Session& session, v1::ReportRequest request,
                             const std::optional<QueryOptions>& query) {
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
      Record(session, Outcome::kReportRecorded,
             request.success() ? "" : absl::StrCat("err-code ", request.err_code()));
      return SendQuery(session, query);
    case v1::REPORT_OUTCOME_ALREADY_ANSWERED:
      return Drop(session, Outcome::kReportRepeated);
    case v1::REPORT_OUTCOME_KEY_NOT_ACTIVE:
      return Drop(session, Outcome::kDroppedKeyNotActive);
    default:
      return Drop(session, Outcome::kReportUnknownToken);
  }
}

}  // namespace tam::gateway

#include "services/gateway/session_suit_reports.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "crypto/cbor/cbor.h"
#include "services/gateway/session.h"

namespace tam::gateway {
namespace {

constexpr size_t kMaxReason = 256;
constexpr size_t kDigestSize = 32;

std::string ReasonOf(const suit::Report& report) {
  if (!report.failure.has_value()) return "";
  std::string reason =
      absl::StrCat(suit::ReportReasonName(report.failure->reason), " (code ", report.failure->code,
                   ", section ", report.failure->record.section, ")");
  return reason.substr(0, kMaxReason);
}

void Add(const suit::ContainedReport& opened, SuitReports& out) {
  const bool failed = opened.report.failure.has_value();
  ++(failed ? out.failed : out.succeeded);
  out.by_unknown_key |= opened.protection == suit::ReportProtection::kUnknownKey;
  out.by_message_key |= opened.protection == suit::ReportProtection::kMessageKey;
  const suit::Digest& digest = opened.report.manifest_digest;
  if (digest.algorithm != suit::kSha256 || digest.bytes.size() != kDigestSize) return;
  v1::ManifestResult& result = out.results.emplace_back();
  result.set_digest(digest.bytes);
  result.set_success(!failed);
  result.set_reason(ReasonOf(opened.report));
}

}  // namespace

std::string SuitReports::Summary() const {
  if (succeeded + failed + unreadable == 0) return "";
  return absl::StrCat(succeeded, " reports succeeded, ", failed, " failed, ", unreadable,
                      " unreadable");
}

absl::StatusOr<SuitReports> ReadSuitReports(const std::vector<std::string>& reports,
                                            const std::optional<std::string>& token,
                                            const suit::ReportKeys& keys) {
  SuitReports out;
  for (const std::string& bytes : reports) {
    const auto opened = suit::OpenReport(cbor::AsBytes(bytes), keys);
    if (absl::IsUnimplemented(opened.status())) {
      ++out.unreadable;
      continue;
    }
    if (absl::IsUnauthenticated(opened.status())) {
      return absl::InvalidArgumentError(opened.status().message());
    }
    if (!opened.ok()) return opened.status();
    if (token.has_value() && !suit::HasNonce(opened->report, *token)) {
      return absl::FailedPreconditionError("suit-report-nonce is not the token");
    }
    Add(*opened, out);
  }
  return out;
}

absl::StatusOr<SuitReports> SessionEngine::ReadReports(Session& session,
                                                       const std::vector<std::string>& reports,
                                                       const std::optional<std::string>& token) {
  suit::ReportKeys keys;
  keys.report_keys = dependencies_.report_keys;
  keys.message_key = &*session.agent;
  keys.decrypt = [&](suit::Bytes sealed) {
    return Decrypt(session, v1::DECRYPT_USE_SUIT_REPORT, cbor::AsView(sealed));
  };
  auto read = ReadSuitReports(reports, token, keys);
  if (read.ok() && read->by_message_key) {
    Record(session, Outcome::kFlagged, "suit-report signed by the key of the message");
  }
  if (read.ok() && read->by_unknown_key && !dependencies_.report_keys.empty()) {
    Record(session, Outcome::kFlagged, "suit-report signed by a key that is not registered");
  }
  return read;
}

}  // namespace tam::gateway

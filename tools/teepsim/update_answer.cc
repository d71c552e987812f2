// What a device does with an Update.
#include "crypto/cbor/cbor.h"
#include "crypto/secret/secret.h"
#include "crypto/text/text.h"
#include "teep/suit/report.h"
#include "tools/teepsim/device.h"
#include "tools/teepsim/status_macros.h"

namespace tam::teepsim {
namespace {

constexpr int64_t kAuthenticationKey = 2;

std::string DigestOf(std::string_view bytes) {
  const secret::Digest256 digest = secret::Sha256(cbor::AsBytes(bytes));
  return std::string(digest.begin(), digest.end());
}

// Over what the Update asks for: its signature and attestation result may differ when it is sent
// again.
absl::StatusOr<std::string> UpdateDigest(const teep::Update& update) {
  teep::Update asked;
  asked.token = update.token;
  asked.manifest_list = update.manifest_list;
  asked.unneeded_manifest_list = update.unneeded_manifest_list;
  TEEPSIM_ASSIGN_OR_RETURN(const std::string encoded, teep::Encode(asked));
  return DigestOf(encoded);
}

}  // namespace

Device::Next Device::AnswerUpdate(const teep::Update& update) {
  if (update.err_code.has_value()) {
    result_.tam_error = update.err_code;
    result_.tam_error_message = update.err_msg.value_or("");
    transcript_.Note(Concat("the TAM says ", teep::ErrorCodeName(*update.err_code), ": ",
                            result_.tam_error_message));
  }
  if (options_.stop_after_query_response) {
    transcript_.Note("not processed, as asked");
    return std::nullopt;
  }
  if (update.err_code.has_value() && update.manifest_list.empty() &&
      update.unneeded_manifest_list.empty()) {
    return std::nullopt;
  }
  if (!update.token.has_value()) return ProcessUpdate(update);
  TEEPSIM_ASSIGN_OR_RETURN(const std::string digest, UpdateDigest(update));
  const auto& last = state_.record().last_answer;
  if (last.has_value() && last->token == *update.token) {
    if (last->update_digest != digest) {
      return RefuseMessage(update.token, "update.token: was used for another Update");
    }
    transcript_.Note("answered before: nothing is processed again");
    repeated_answer_ = last->answer;
    return std::nullopt;
  }
  answering_ = LastAnswer{.token = *update.token, .update_digest = digest, .answer = ""};
  return ProcessUpdate(update);
}

// Removals first, which stop at a failure; then every manifest, each for itself.
Device::Next Device::ProcessUpdate(const teep::Update& update) {
  std::vector<std::string> reports;
  for (const suit::ComponentId& id : update.unneeded_manifest_list) {
    TEEPSIM_RETURN_IF_ERROR(RemoveManifest(id, reports, update.token));
    if (!result_.problems.empty()) break;
  }
  if (result_.problems.empty()) {
    for (const std::string& bytes : update.manifest_list) {
      TEEPSIM_RETURN_IF_ERROR(InstallManifest(bytes, reports, update.token));
    }
  }
  if (result_.problems.empty()) {
    teep::Success success;
    success.token = update.token;
    success.suit_reports = std::move(reports);
    return teep::Message(std::move(success));
  }
  teep::Error error;
  error.token = update.token;
  error.err_code = teep::ErrorCode::kManifestProcessingFailed;
  error.err_msg = teep::FitErrMsg(result_.problems.front());
  error.suit_reports = std::move(reports);
  return SendError(std::move(error));
}

absl::Status Device::AddReport(suit::Report report, const std::optional<std::string>& nonce,
                               std::vector<std::string>& reports) const {
  report.nonce = nonce;
  TEEPSIM_ASSIGN_OR_RETURN(std::string encoded, suit::EncodeReport(report));
  TEEPSIM_ASSIGN_OR_RETURN(
      std::string contained,
      ProtectReport(std::move(encoded), state_.report_key(), options_.protection));
  reports.push_back(std::move(contained));
  return absl::OkStatus();
}

absl::Status Device::RemoveManifest(const suit::ComponentId& id, std::vector<std::string>& reports,
                                    const std::optional<std::string>& token) {
  const std::string name = suit::ComponentIdText(id);
  const auto installed = state_.FindManifest(id);
  if (!installed.has_value()) {
    transcript_.Note(Concat("remove ", name, ": is not installed"));
    result_.removed.push_back(id);
    return absl::OkStatus();
  }
  TEEPSIM_ASSIGN_OR_RETURN(const std::string bytes, state_.ReadEnvelope(installed->digest));
  TEEPSIM_ASSIGN_OR_RETURN(suit::Envelope envelope, suit::Envelope::Parse(cbor::AsBytes(bytes)));
  TEEPSIM_ASSIGN_OR_RETURN(
      const suit::VerifiedEnvelope verified,
      suit::VerifiedEnvelope::Verify(std::move(envelope), state_.record().manifest_anchors));
  Outcome outcome = SuitProcessor(identity_, state_, payloads_).Uninstall(verified);
  if (!outcome.ok()) {
    transcript_.Note(Concat("remove ", name, ": failed: ", outcome.problem));
    result_.problems.push_back(Concat(name, ": ", outcome.problem));
    return AddReport(std::move(outcome.report), token, reports);
  }
  TEEPSIM_RETURN_IF_ERROR(state_.CommitUninstall(id, outcome.changes));
  transcript_.Note(Concat("removed ", name, " seq ", installed->sequence_number));
  for (const auto& [component, content] : outcome.changes) {
    if (content == nullptr) {
      transcript_.Note(Concat("  deleted ", suit::ComponentIdText(component)));
    }
  }
  result_.removed.push_back(id);
  return absl::OkStatus();
}

absl::StatusOr<Outcome> Device::ProcessEnvelope(suit::Envelope envelope) {
  const suit::ComponentId id = ManifestIdOf(envelope.unverified_manifest());
  transcript_.Note(Concat("manifest ", suit::ComponentIdText(id), " seq ",
                          envelope.unverified_manifest().sequence_number, ", digest ",
                          ShortHex(envelope.claimed_digest().bytes)));
  auto verified = suit::VerifiedEnvelope::Verify(envelope, state_.record().manifest_anchors);
  if (!verified.ok()) {
    Outcome outcome;
    outcome.report = RefusalReport(envelope, kAuthenticationKey, suit::ReportReason::kUnauthorised);
    outcome.problem = std::string(StdView(verified.status().message()));
    return outcome;
  }
  const keys::Thumbprint& signer = verified->signer()->thumbprint();
  transcript_.Note(
      Concat("  signature verified: anchor ", ShortHex(std::string(signer.begin(), signer.end()))));
  Outcome outcome = SuitProcessor(identity_, state_, payloads_).Install(*verified);
  if (!outcome.ok()) return outcome;
  if (outcome.unchanged) {
    transcript_.Note("  is installed already, and valid");
  } else {
    TEEPSIM_RETURN_IF_ERROR(state_.CommitInstall(verified->envelope(), outcome.changes));
  }
  for (const auto& [component, content] : outcome.changes) {
    transcript_.Note(content == nullptr ? Concat("  deleted ", suit::ComponentIdText(component))
                                        : Concat("  installed ", suit::ComponentIdText(component),
                                                 ", ", content->size(), " bytes, digest ",
                                                 ShortHex(DigestOf(*content))));
  }
  result_.installed.push_back(id);
  return outcome;
}

absl::Status Device::InstallManifest(std::string_view bytes, std::vector<std::string>& reports,
                                     const std::optional<std::string>& token) {
  absl::StatusOr<suit::Envelope> envelope = suit::Envelope::Parse(cbor::AsBytes(bytes));
  if (!envelope.ok()) {
    // There is no manifest digest that a report could name.
    transcript_.Note(Concat("manifest refused: ", StdView(envelope.status().message())));
    result_.problems.push_back(std::string(StdView(envelope.status().message())));
    return absl::OkStatus();
  }
  const std::string name = suit::ComponentIdText(ManifestIdOf(envelope->unverified_manifest()));
  TEEPSIM_ASSIGN_OR_RETURN(Outcome outcome, ProcessEnvelope(*std::move(envelope)));
  if (!outcome.ok()) {
    transcript_.Note(Concat("  failed: ", outcome.problem));
    result_.problems.push_back(Concat(name, ": ", outcome.problem));
  }
  return AddReport(std::move(outcome.report), token, reports);
}

}  // namespace tam::teepsim

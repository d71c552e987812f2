#include "tools/teepsim/suit_processor/processor.h"

#include "crypto/text/text.h"
#include "teep/suit/commands.h"
#include "tools/teepsim/suit_processor/interpreter.h"

namespace tam::teepsim {
namespace {

using suit::ReportReason;
using suit::Section;

constexpr int64_t kFailed = -1;
constexpr int64_t kSequenceNumberKey = 2;
constexpr Section kInstallOrder[] = {Section::kDependencyResolution, Section::kPayloadFetch,
                                     Section::kCandidateVerification, Section::kInstall,
                                     Section::kValidate};

suit::Report ReportOn(const suit::Envelope& envelope) {
  suit::Report report;
  report.reference_uri = envelope.unverified_manifest().reference_uri.value_or("");
  report.manifest_digest = envelope.claimed_digest();
  return report;
}

Outcome Refuse(const suit::Envelope& envelope, int64_t section, ReportReason reason,
               std::string problem) {
  Outcome outcome;
  outcome.report = RefusalReport(envelope, section, reason);
  outcome.problem = std::move(problem);
  return outcome;
}

Outcome OutcomeOf(const suit::Envelope& envelope, const Interpreter& interpreter,
                  MaybeFailure failure) {
  Outcome outcome;
  outcome.report = ReportOn(envelope);
  outcome.report.records = interpreter.records();
  outcome.invoked = interpreter.invoked();
  if (failure.has_value()) {
    outcome.problem = std::move(failure->problem);
    outcome.report.failure = suit::Report::Failure{
        .code = kFailed, .record = std::move(failure->record), .reason = failure->reason};
    return outcome;
  }
  outcome.report.claims = interpreter.Claims();
  outcome.changes = interpreter.changes();
  return outcome;
}

}  // namespace

suit::ComponentId ManifestIdOf(const suit::Manifest& manifest) {
  if (manifest.manifest_component_id.has_value()) return *manifest.manifest_component_id;
  return manifest.components.empty() ? suit::ComponentId() : manifest.components.front();
}

suit::Report RefusalReport(const suit::Envelope& envelope, int64_t section, ReportReason reason) {
  suit::Report report = ReportOn(envelope);
  suit::Record record;
  record.section = section;
  report.failure =
      suit::Report::Failure{.code = kFailed, .record = std::move(record), .reason = reason};
  return report;
}

Outcome SuitProcessor::Install(const suit::VerifiedEnvelope& verified) {
  const suit::Envelope& envelope = verified.envelope();
  const suit::Manifest& manifest = verified.manifest();
  for (const Section section : kInstallOrder) {
    const int64_t key = static_cast<int64_t>(section);
    if (manifest.absent_severed.contains(key)) {
      return Refuse(envelope, key, ReportReason::kSeveringUnsupported,
                    Concat(suit::SectionName(key), " is severed and not in the envelope"));
    }
  }
  const auto installed = holdings_.FindManifest(ManifestIdOf(manifest));
  if (installed.has_value() && manifest.sequence_number < installed->sequence_number) {
    return Refuse(envelope, kSequenceNumberKey, ReportReason::kConditionFailed,
                  Concat("rollback: sequence number ", manifest.sequence_number,
                         " is lower than the installed ", installed->sequence_number));
  }
  if (installed.has_value() && installed->digest == verified.manifest_digest()) {
    Interpreter interpreter(envelope, identity_, holdings_, payloads_);
    if (!interpreter.Run(Section::kValidate).has_value() &&
        interpreter.Claims().size() == manifest.components.size()) {
      Outcome outcome = OutcomeOf(envelope, interpreter, std::nullopt);
      outcome.changes.clear();
      outcome.unchanged = true;
      return outcome;
    }
  }
  Interpreter interpreter(envelope, identity_, holdings_, payloads_);
  for (const Section section : kInstallOrder) {
    MaybeFailure failure = interpreter.Run(section);
    if (failure.has_value()) return OutcomeOf(envelope, interpreter, std::move(failure));
  }
  return OutcomeOf(envelope, interpreter, std::nullopt);
}

Outcome SuitProcessor::Uninstall(const suit::VerifiedEnvelope& verified) {
  Interpreter interpreter(verified.envelope(), identity_, holdings_, payloads_);
  MaybeFailure failure = interpreter.Run(Section::kUninstall);
  return OutcomeOf(verified.envelope(), interpreter, std::move(failure));
}

}  // namespace tam::teepsim

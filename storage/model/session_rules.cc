#include "storage/model/session_rules.h"

#include <limits>

#include "absl/strings/str_cat.h"

namespace tam::storage {
namespace {

absl::Status Invalid(absl::string_view text) { return absl::InvalidArgumentError(text); }

absl::Status CheckAudit(const AuditEntry& audit, const TenantId& tenant, const DeviceId& device) {
  if (audit.tenant == tenant && audit.device == device) return absl::OkStatus();
  return Invalid("audit: want the request's tenant and device, got others");
}

absl::Status CheckPlan(const UpdatePlan& plan) {
  for (const UpdateManifest& manifest : plan.manifests) {
    if (manifest.manifest_component.empty()) {
      return Invalid("update.manifests.manifest_component: want at least one segment, got none");
    }
    if (!IsStorableSequence(manifest.sequence)) {
      return Invalid(
          absl::StrCat("update.manifests.sequence: want at most 2^63-1, got ", manifest.sequence));
    }
  }
  for (const ComponentId& unlink : plan.unlinks) {
    if (unlink.empty()) return Invalid("update.unlinks: want at least one segment, got none");
  }
  return absl::OkStatus();
}

absl::Status CheckIdentity(const AcceptRequest& request) {
  if (!request.identity.has_value()) return absl::OkStatus();
  const bool accepted = request.attestation.has_value() &&
                        request.attestation->verdict == AttestationVerdict::kAccepted;
  if (!accepted || request.pending) {
    return Invalid("identity: want an accepted attestation by an active key, got neither or one");
  }
  if (request.identity->ueid.empty()) return Invalid("identity.ueid: want one, got none");
  return CheckAudit(request.identity->audit, request.tenant, request.device);
}

}  // namespace

absl::Status TooManyKeys(size_t max) {
  return absl::ResourceExhaustedError(
      absl::StrCat("endpoint.keys: want at most ", max, ", got more"));
}

bool IsStorableSequence(uint64_t sequence) {
  return sequence <= static_cast<uint64_t>(std::numeric_limits<int64_t>::max());
}

absl::Status CheckAcceptRequest(const AcceptRequest& request) {
  if (absl::Status s = CheckAudit(request.audit, request.tenant, request.device); !s.ok()) return s;
  if (absl::Status s = CheckIdentity(request); !s.ok()) return s;
  const bool refused = request.attestation.has_value() &&
                       request.attestation->verdict == AttestationVerdict::kRefused;
  const bool restricted = request.pending || refused;
  const char* who = refused ? "refused by attestation" : "pending key";
  if (restricted && !request.reported_state.empty()) {
    return Invalid(absl::StrCat("reported_state: want none (", who, "), got some"));
  }
  const bool believed = request.attestation.has_value() || request.update.has_value() ||
                        !request.reported_state.empty();
  if (request.back_off < absl::ZeroDuration() ||
      (request.back_off > absl::ZeroDuration() && believed)) {
    return Invalid("back_off: want none negative, and nothing else with it");
  }
  if (!request.update.has_value()) return absl::OkStatus();
  if (restricted && (!request.update->manifests.empty() || !request.update->unlinks.empty())) {
    return Invalid(absl::StrCat("update: want an err-code alone (", who, "), got manifests"));
  }
  if (request.update_lifetime <= absl::ZeroDuration()) {
    return Invalid("update_lifetime: want a positive time, got none");
  }
  return CheckPlan(*request.update);
}

absl::Status CheckReportRequest(const ReportRequest& request) {
  if (absl::Status s = CheckAudit(request.audit, request.tenant, request.device); !s.ok()) return s;
  if (request.back_off < absl::ZeroDuration() ||
      (request.success && request.back_off > absl::ZeroDuration())) {
    return Invalid("back_off: want none on a Success and none negative");
  }
  return absl::OkStatus();
}

}  // namespace tam::storage

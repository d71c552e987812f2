#include <set>
#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "services/registry/convert.h"
#include "services/registry/handler.h"
#include "services/registry/requests.h"

namespace tam::registry {
namespace {

// How many keys of an endpoint are tried on a message that names none.
constexpr size_t kMaxKeysWithoutKid = 16;

v1::AcceptOutcome OutcomeOf(storage::AcceptOutcome outcome) {
  switch (outcome) {
    case storage::AcceptOutcome::kOpened:
      return v1::ACCEPT_OUTCOME_ACCEPTED;
    case storage::AcceptOutcome::kSameAgain:
      return v1::ACCEPT_OUTCOME_SAME_AGAIN;
    case storage::AcceptOutcome::kAnswered:
      return v1::ACCEPT_OUTCOME_ANSWERED;
    case storage::AcceptOutcome::kSuperseded:
      return v1::ACCEPT_OUTCOME_SUPERSEDED;
    case storage::AcceptOutcome::kExpired:
      return v1::ACCEPT_OUTCOME_EXPIRED;
    case storage::AcceptOutcome::kUsed:
      return v1::ACCEPT_OUTCOME_USED;
    case storage::AcceptOutcome::kFuture:
      return v1::ACCEPT_OUTCOME_FUTURE;
    case storage::AcceptOutcome::kKeyNotActive:
      return v1::ACCEPT_OUTCOME_KEY_NOT_ACTIVE;
  }
  return v1::ACCEPT_OUTCOME_UNSPECIFIED;
}

v1::ReportOutcome OutcomeOf(storage::ReportOutcome outcome) {
  switch (outcome) {
    case storage::ReportOutcome::kRecorded:
      return v1::REPORT_OUTCOME_RECORDED;
    case storage::ReportOutcome::kAlreadyAnswered:
      return v1::REPORT_OUTCOME_ALREADY_ANSWERED;
    case storage::ReportOutcome::kUnknownToken:
      return v1::REPORT_OUTCOME_UNKNOWN_TOKEN;
    case storage::ReportOutcome::kKeyNotActive:
      return v1::REPORT_OUTCOME_KEY_NOT_ACTIVE;
  }
  return v1::REPORT_OUTCOME_UNSPECIFIED;
}

void AddGuard(const storage::GuardView& guard, v1::GuardState& out) {
  if (guard.last_challenge.has_value()) {
    out.set_last_issue_ms(guard.last_challenge->issued_ms);
    out.set_last_random(ToWire(guard.last_challenge->random.bytes()));
  }
  if (guard.last_message.has_value()) {
    out.set_last_message_digest(ToWire(guard.last_message->bytes()));
  }
  if (guard.last_token.has_value()) out.set_last_token(ToWire(guard.last_token->bytes()));
}

// Open updates of this endpoint, oldest first, and the one that the last message opened.
void AddUpdates(const storage::KeyLookup& lookup, v1::LookupResponse& out) {
  bool has_last = !lookup.last_update.has_value();
  for (auto it = lookup.open_updates.rbegin(); it != lookup.open_updates.rend(); ++it) {
    has_last = has_last || it->plan.token == lookup.last_update->plan.token;
    *out.add_updates() = ToProto(*it);
  }
  if (!has_last) *out.add_updates() = ToProto(*lookup.last_update);
}

void AddInstalled(const storage::KeyLookup& lookup, v1::LookupResponse& out) {
  for (const storage::DeviceManifest& manifest : lookup.manifests) {
    if (!manifest.installed.has_value()) continue;
    v1::ManifestRef* ref = out.add_installed();
    ref->set_digest(ToWire(manifest.installed->digest.bytes()));
    ref->set_component_id(ComponentToWire(manifest.manifest_component));
    ref->set_sequence(manifest.installed->sequence);
    ref->set_domain_uid(ToWire(manifest.domain.bytes()));
  }
}

absl::StatusOr<storage::AcceptRequest> ReadAccept(const v1::AcceptRequest& request) {
  storage::AcceptRequest out;
  TAM_ASSIGN_OR_RETURN(out.tenant, Fixed<storage::TenantId>("tenant_uid", request.tenant_uid()));
  TAM_ASSIGN_OR_RETURN(out.device, Fixed<storage::DeviceId>("device_uid", request.device_uid()));
  TAM_ASSIGN_OR_RETURN(out.endpoint,
                       Fixed<storage::EndpointId>("endpoint_uid", request.endpoint_uid()));
  TAM_ASSIGN_OR_RETURN(out.key, Fixed<storage::KeyThumbprint>("thumbprint", request.thumbprint()));
  TAM_ASSIGN_OR_RETURN(out.challenge.random,
                       Fixed<storage::ChallengeRandom>("random", request.random()));
  TAM_ASSIGN_OR_RETURN(out.message,
                       Fixed<storage::MessageDigest>("message_digest", request.message_digest()));
  out.challenge.issued_ms = request.issue_ms();
  out.pending = request.pending();
  if (request.err_code() != 0 &&
      (request.has_attestation() || !request.reported().empty() || request.has_update())) {
    return absl::InvalidArgumentError("err_code: want no attestation, reported or update with it");
  }
  if (request.back_off_seconds() != 0 && request.err_code() == 0) {
    return absl::InvalidArgumentError("back_off_seconds: want an err_code with it");
  }
  out.back_off = absl::Seconds(request.back_off_seconds());
  if (request.has_attestation() && request.attestation().verdict() != v1::VERDICT_UNSPECIFIED) {
    out.attestation = FromProto(request.attestation());
  }
  if (!request.reported().empty()) out.reported_state = ReportedState(request.reported());
  if (request.has_update()) {
    TAM_ASSIGN_OR_RETURN(out.update, FromProto(request.update()));
    if (request.update().deadline_seconds() <= 0) {
      return absl::InvalidArgumentError("update.deadline_seconds: want more than 0");
    }
    out.update_lifetime = absl::Seconds(request.update().deadline_seconds());
  }
  return out;
}

// Of a device that has no ueid yet; a pending key proves nothing of it.
bool ClaimsIdentity(const v1::AcceptRequest& request) {
  return !request.pending() && request.attestation().verdict() == v1::VERDICT_ACCEPTED &&
         !request.attestation().ueid().empty();
}

std::string HexOf(const std::string& bytes) { return absl::BytesToHexString(bytes); }

std::string KindOf(const v1::AcceptRequest& request) {
  if (request.err_code() != 0) return "session.error";
  return request.attestation().verdict() == v1::VERDICT_REFUSED ? "session.refused"
                                                                : "session.accepted";
}

// What was decided, by digests and codes: never evidence, tokens or keys.
runtime::AuditDetails DetailsOf(const v1::AcceptRequest& request) {
  runtime::AuditDetails details = {{"message", HexOf(request.message_digest())}};
  if (request.err_code() != 0) details["err_code"] = absl::StrCat(request.err_code());
  if (request.has_attestation()) {
    details["verdict"] = v1::Verdict_Name(request.attestation().verdict());
    // What follows a point is the device's to name.
    std::set<std::string> claims;
    for (const v1::Reason& reason : request.attestation().reasons()) {
      claims.insert(reason.claim().substr(0, reason.claim().find('.')));
    }
    if (!claims.empty()) details["refused_claims"] = absl::StrJoin(claims, " ");
  }
  if (!request.has_update()) return details;
  std::string manifests;
  for (const v1::ManifestRef& ref : request.update().manifests()) {
    absl::StrAppend(&manifests, manifests.empty() ? "" : " ", HexOf(ref.digest()));
  }
  details["manifests"] = manifests;
  details["unlinks"] = absl::StrCat(request.update().unlinks_size());
  if (request.update().err_code() != 0) {
    details["err_code"] = absl::StrCat(request.update().err_code());
  }
  return details;
}

}  // namespace

SessionHandler::SessionHandler(const Stores& stores, storage::RandomSource random)
    : stores_(stores), audit_(stores.pseudonyms, std::move(random)) {}

absl::StatusOr<v1::ResolveEndpointResponse> SessionHandler::ResolveEndpoint(
    const Context& context, const v1::ResolveEndpointRequest& request) {
  TAM_ASSIGN_OR_RETURN(const storage::Endpoint endpoint,
                       stores_.endpoints.GetByPath(request.path(), DeadlineOf(context)));
  TAM_ASSIGN_OR_RETURN(const storage::Tenant tenant,
                       stores_.tenants.Get(endpoint.tenant, DeadlineOf(context)));
  if (tenant.state != storage::TenantState::kActive) {
    return absl::NotFoundError("the tenant of this endpoint is suspended");
  }
  v1::ResolveEndpointResponse response;
  response.set_tenant_uid(ToWire(tenant.id.bytes()));
  response.set_tenant_id(tenant.name);
  *response.mutable_endpoint() = ToProto(endpoint, tenant.name);
  if (endpoint.previous.has_value()) {
    response.set_previous_data_items(endpoint.previous->data_items);
  }
  if (!endpoint.current.legacy.keys_without_kid) return response;
  auto keys = stores_.sessions.ListEndpointKeys(tenant.id, endpoint.id, kMaxKeysWithoutKid,
                                                DeadlineOf(context));
  response.set_too_many_agent_keys(absl::IsResourceExhausted(keys.status()));
  if (response.too_many_agent_keys()) return response;
  if (!keys.ok()) return keys.status();
  for (const storage::Bytes& key : *keys) response.add_agent_keys(ToWire(key));
  return response;
}

absl::StatusOr<v1::LookupResponse> SessionHandler::Lookup(const Context& context,
                                                          const v1::LookupRequest& request) {
  TAM_ASSIGN_OR_RETURN(const auto tenant,
                       Fixed<storage::TenantId>("tenant_uid", request.tenant_uid()));
  TAM_ASSIGN_OR_RETURN(const auto endpoint,
                       Fixed<storage::EndpointId>("endpoint_uid", request.endpoint_uid()));
  TAM_ASSIGN_OR_RETURN(const auto key,
                       Fixed<storage::KeyThumbprint>("thumbprint", request.thumbprint()));
  TAM_ASSIGN_OR_RETURN(const storage::KeyLookup lookup,
                       stores_.sessions.Lookup(tenant, endpoint, key, DeadlineOf(context)));
  if (lookup.pseudonym.has_value()) audit_.Remember(tenant, lookup.device, *lookup.pseudonym);
  v1::LookupResponse response;
  response.set_device_uid(ToWire(lookup.device.bytes()));
  response.set_device_id(lookup.device_name);
  response.set_agent_key(ToWire(lookup.public_key));
  response.set_key_state(ToProto(lookup.key_state));
  response.set_ueid(ToWire(lookup.ueid));
  if (lookup.device_class != storage::DeviceClass()) {
    *response.mutable_device_class() = ToProto(lookup.device_class);
  }
  for (const auto& [name, value] : lookup.labels) (*response.mutable_labels())[name] = value;
  AddGuard(lookup.guard, *response.mutable_guard());
  response.set_last_result(ToWire(lookup.last_result));
  AddUpdates(lookup, response);
  AddInstalled(lookup, response);
  if (lookup.back_off_until.has_value()) {
    response.set_back_off_until_ms(absl::ToUnixMillis(*lookup.back_off_until));
  }
  return response;
}

absl::StatusOr<v1::AcceptResponse> SessionHandler::Accept(const Context& context,
                                                          const v1::AcceptRequest& request) {
  TAM_ASSIGN_OR_RETURN(storage::AcceptRequest accept, ReadAccept(request));
  if (ClaimsIdentity(request)) {
    storage::IdentityClaim& claim = accept.identity.emplace();
    claim.ueid = FromWire(request.attestation().ueid());
    claim.device_class = FromProto(request.attestation().device_class());
    TAM_ASSIGN_OR_RETURN(claim.audit, audit_.OfDevice(context, accept.tenant, accept.device,
                                                      "device.identity.claim"));
  }
  TAM_ASSIGN_OR_RETURN(accept.audit, audit_.OfDevice(context, accept.tenant, accept.device,
                                                     KindOf(request), DetailsOf(request)));
  TAM_ASSIGN_OR_RETURN(const storage::AcceptResult result,
                       stores_.sessions.Accept(accept, DeadlineOf(context)));
  v1::AcceptResponse response;
  response.set_outcome(OutcomeOf(result.outcome));
  if (result.update.has_value()) {
    *response.mutable_update() = ToProto(*result.update);
  }
  return response;
}

absl::StatusOr<v1::ReportResponse> SessionHandler::Report(const Context& context,
                                                          const v1::ReportRequest& request) {
  storage::ReportRequest report;
  TAM_ASSIGN_OR_RETURN(report.tenant, Fixed<storage::TenantId>("tenant_uid", request.tenant_uid()));
  TAM_ASSIGN_OR_RETURN(report.device, Fixed<storage::DeviceId>("device_uid", request.device_uid()));
  TAM_ASSIGN_OR_RETURN(report.endpoint,
                       Fixed<storage::EndpointId>("endpoint_uid", request.endpoint_uid()));
  TAM_ASSIGN_OR_RETURN(report.key,
                       Fixed<storage::KeyThumbprint>("thumbprint", request.thumbprint()));
  TAM_ASSIGN_OR_RETURN(report.token, Fixed<storage::UpdateToken>("token", request.token()));
  TAM_RETURN_IF_ERROR(
      Fixed<storage::MessageDigest>("message_digest", request.message_digest()).status());
  report.pending = request.pending();
  report.success = request.success();
  for (const v1::ManifestResult& result : request.results()) {
    storage::ManifestReport manifest;
    TAM_ASSIGN_OR_RETURN(manifest.digest,
                         Fixed<storage::ManifestDigest>("results.digest", result.digest()));
    manifest.installed = result.success();
    manifest.reason = result.reason();
    report.manifests.push_back(std::move(manifest));
  }
  report.back_off = absl::Seconds(request.back_off_seconds());
  if (!request.success()) report.err_code = request.err_code();
  report.err_msg = request.message();
  const runtime::AuditDetails details = {{"message", HexOf(request.message_digest())},
                                         {"err_code", absl::StrCat(request.err_code())}};
  TAM_ASSIGN_OR_RETURN(
      report.audit,
      audit_.OfDevice(context, report.tenant, report.device,
                      request.success() ? "update.succeeded" : "update.failed", details));
  TAM_ASSIGN_OR_RETURN(const storage::ReportResult result,
                       stores_.sessions.Report(report, DeadlineOf(context)));
  v1::ReportResponse response;
  response.set_outcome(OutcomeOf(result.outcome));
  return response;
}

absl::StatusOr<v1::NoteRefusalResponse> SessionHandler::NoteRefusal(
    const Context&, const v1::NoteRefusalRequest& request) {
  TAM_ASSIGN_OR_RETURN(const auto tenant,
                       Fixed<storage::TenantId>("tenant_uid", request.tenant_uid()));
  TAM_ASSIGN_OR_RETURN(const auto device,
                       Fixed<storage::DeviceId>("device_uid", request.device_uid()));
  const v1::Reason& reason = request.reason();
  stores_.refusals->Note(tenant, device,
                         {{reason.claim(), reason.expected(), reason.found()},
                          absl::FromUnixMillis(request.time_ms())});
  return v1::NoteRefusalResponse();
}

}  // namespace tam::registry

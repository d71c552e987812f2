// What sessions bring, as stored values.
#include <utility>

#include "crypto/cbor/cbor.h"
#include "services/registry/convert.h"

namespace tam::registry {
namespace {

absl::StatusOr<storage::UpdateManifest> FromProto(const v1::ManifestRef& ref) {
  auto digest = Fixed<storage::ManifestDigest>("update.manifests.digest", ref.digest());
  if (!digest.ok()) return digest.status();
  auto domain = Fixed<storage::DomainId>("update.manifests.domain_uid", ref.domain_uid());
  if (!domain.ok()) return domain.status();
  auto component = ComponentFromWire("update.manifests.component_id", ref.component_id());
  if (!component.ok()) return component.status();
  storage::UpdateManifest out;
  out.manifest = {*domain, *digest};
  out.manifest_component = *std::move(component);
  out.sequence = ref.sequence();
  return out;
}

}  // namespace

absl::StatusOr<storage::UpdatePlan> FromProto(const v1::NewUpdate& update) {
  storage::UpdatePlan plan;
  auto token = Fixed<storage::UpdateToken>("update.token", update.token());
  if (!token.ok()) return token.status();
  plan.token = *token;
  for (const auto& ref : update.manifests()) {
    auto manifest = FromProto(ref);
    if (!manifest.ok()) return manifest.status();
    plan.manifests.push_back(*std::move(manifest));
  }
  for (const auto& unlink : update.unlinks()) {
    auto component = ComponentFromWire("update.unlinks", unlink);
    if (!component.ok()) return component.status();
    plan.unlinks.push_back(*std::move(component));
  }
  if (update.err_code() != 0) plan.err_code = update.err_code();
  plan.err_msg = update.err_msg();
  plan.catalog_generation = static_cast<uint64_t>(update.catalog_generation());
  return plan;
}

storage::AttestationRecord FromProto(const v1::AttestationOutcome& outcome) {
  storage::AttestationRecord out;
  out.verdict = outcome.verdict() == v1::VERDICT_ACCEPTED ? storage::AttestationVerdict::kAccepted
                                                          : storage::AttestationVerdict::kRefused;
  for (const v1::Reason& reason : outcome.reasons()) {
    out.reasons.push_back({reason.claim(), reason.expected(), reason.found()});
  }
  out.result = FromWire(outcome.result());
  out.payload_format = outcome.payload_format();
  out.claims_summary = outcome.claims_summary();
  return out;
}

storage::Bytes ReportedState(
    const google::protobuf::RepeatedPtrField<v1::ReportedComponent>& held) {
  cbor::Writer writer;
  writer.Array(static_cast<size_t>(held.size()));
  for (const v1::ReportedComponent& component : held) {
    writer.Array(3);
    writer.ByteString(component.component_id());
    writer.ByteString(component.image_digest());
    writer.Uint(component.image_size());
  }
  return FromWire(writer.bytes());
}

}  // namespace tam::registry

#include "services/catalog/convert.h"

#include <set>
#include <utility>

#include "absl/strings/escaping.h"
#include "absl/time/time.h"
#include "crypto/cbor/cbor.h"
#include "crypto/keys/key.h"
#include "crypto/text/text.h"
#include "services/catalog/publication.h"
#include "services/runtime/resource.h"

namespace tam::catalog {
namespace {

constexpr int kMaxOwners = 64;
constexpr int kMaxPrefixes = 64;
constexpr int kMaxAnchors = 16;
constexpr size_t kMaxDescription = 128;
constexpr int kMaxSelectorDevices = 1000;
constexpr int kMaxSelectorLabels = 64;

std::string FromBytes(absl::Span<const uint8_t> bytes) { return cbor::AsString(bytes); }

storage::Bytes ToBytes(const std::string& text) { return storage::Bytes(text.begin(), text.end()); }

void SetTime(absl::Time time, google::protobuf::Timestamp* out) {
  const int64_t nanos = absl::ToUnixNanos(time);
  out->set_seconds(nanos / 1000000000);
  out->set_nanos(static_cast<int32_t>(nanos % 1000000000));
}

absl::Status CheckCount(std::string_view field, int max, int got) {
  if (got <= max) return absl::OkStatus();
  return absl::InvalidArgumentError(Concat(field, ": want at most ", max, ", found ", got));
}

absl::StatusOr<storage::TrustAnchor> AnchorFromProto(const v1::TrustAnchor& from, int index) {
  const std::string path = Concat("domain.trust_anchors[", index, "]");
  absl::StatusOr<keys::PublicKey> key =
      absl::InvalidArgumentError("key: want cose_key or pem, found neither");
  if (from.key().has_cose_key()) {
    key = keys::PublicKey::FromCoseKey(cbor::AsBytes(from.key().cose_key()));
  } else if (from.key().has_pem()) {
    key = keys::PublicKey::FromPem(from.key().pem());
  }
  if (!key.ok()) {
    return absl::InvalidArgumentError(Concat(path, ".", StdView(key.status().message())));
  }
  if (from.description().size() > kMaxDescription) {
    return absl::InvalidArgumentError(Concat(path, ".description: want at most ", kMaxDescription,
                                             " bytes, found ", from.description().size()));
  }
  storage::TrustAnchor anchor;
  anchor.thumbprint = storage::KeyThumbprint(key->thumbprint());
  anchor.public_key = ToBytes(key->cose_key());
  anchor.description = from.description();
  return anchor;
}

absl::Status SetAnchors(const v1::Domain& from, storage::Domain& to) {
  absl::Status status = CheckCount("domain.trust_anchors", kMaxAnchors, from.trust_anchors_size());
  if (!status.ok()) return status;
  to.anchors.clear();
  std::set<storage::KeyThumbprint> seen;
  for (int i = 0; i < from.trust_anchors_size(); ++i) {
    absl::StatusOr<storage::TrustAnchor> anchor = AnchorFromProto(from.trust_anchors(i), i);
    if (!anchor.ok()) return anchor.status();
    if (!seen.insert(anchor->thumbprint).second) {
      return absl::InvalidArgumentError(
          Concat("domain.trust_anchors[", i, "]: want each key once, found it again"));
    }
    to.anchors.push_back(*std::move(anchor));
  }
  return absl::OkStatus();
}

absl::Status SetPrefixes(const v1::Domain& from, storage::Domain& to) {
  absl::Status status =
      CheckCount("domain.component_prefixes", kMaxPrefixes, from.component_prefixes_size());
  if (!status.ok()) return status;
  if (from.component_prefixes().empty()) {
    return absl::InvalidArgumentError("domain.component_prefixes: want at least 1, found none");
  }
  to.prefixes.clear();
  for (int i = 0; i < from.component_prefixes_size(); ++i) {
    absl::StatusOr<storage::ComponentId> prefix = ComponentIdFromWire(
        from.component_prefixes(i), Concat("domain.component_prefixes[", i, "]"));
    if (!prefix.ok()) return prefix.status();
    to.prefixes.push_back(*std::move(prefix));
  }
  return absl::OkStatus();
}

absl::Status SetSelector(const v1::DeviceSelector& from, storage::DeviceSelector& to) {
  absl::Status status =
      CheckCount("deployment.selector.devices", kMaxSelectorDevices, from.devices_size());
  if (status.ok()) {
    status = CheckCount("deployment.selector.labels", kMaxSelectorLabels,
                        static_cast<int>(from.labels().size()));
  }
  if (!status.ok()) return status;
  to = storage::DeviceSelector();
  for (int i = 0; i < from.devices_size(); ++i) {
    absl::StatusOr<storage::DeviceId> device = storage::DeviceId::Parse(from.devices(i));
    if (!device.ok()) {
      return absl::InvalidArgumentError(
          Concat("deployment.selector.devices[", i, "]: want a UUID"));
    }
    to.devices.push_back(*device);
  }
  if (from.has_device_class()) {
    to.device_class = storage::DeviceClass{ToBytes(from.device_class().oemid()),
                                           ToBytes(from.device_class().hwmodel())};
  }
  to.labels = storage::Labels(from.labels().begin(), from.labels().end());
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<storage::ComponentId> ComponentIdFromWire(std::string_view encoded,
                                                         std::string_view field) {
  absl::StatusOr<suit::ComponentId> id = suit::ParseComponentId(cbor::AsBytes(encoded), field);
  if (!id.ok()) return id.status();
  if (id->empty()) {
    return absl::InvalidArgumentError(Concat(field, ": want at least 1 segment, found none"));
  }
  return ToStorage(*id);
}

std::string ComponentIdToWire(const storage::ComponentId& id) {
  return suit::EncodeComponentId(ToSuit(id));
}

std::string ComponentIdToText(const storage::ComponentId& id) {
  return suit::ComponentIdText(ToSuit(id));
}

std::string DomainName(std::string_view tenant, std::string_view domain) {
  return Concat("tenants/", tenant, "/domains/", domain);
}

absl::Status SetDomain(const v1::Domain& from, storage::Domain& to) {
  absl::Status status = CheckCount("domain.owners", kMaxOwners, from.owners_size());
  if (status.ok()) status = SetPrefixes(from, to);
  if (status.ok()) status = SetAnchors(from, to);
  if (!status.ok()) return status;
  to.owners.assign(from.owners().begin(), from.owners().end());
  switch (from.state()) {
    case v1::DOMAIN_STATE_UNSPECIFIED:
      return absl::OkStatus();
    case v1::DOMAIN_STATE_ACTIVE:
      to.state = storage::DomainState::kActive;
      return absl::OkStatus();
    case v1::DOMAIN_STATE_SUSPENDED:
      to.state = storage::DomainState::kSuspended;
      return absl::OkStatus();
    default:
      return absl::InvalidArgumentError("domain.state: want ACTIVE or SUSPENDED");
  }
}

v1::Domain DomainToProto(const storage::Domain& domain, std::string_view tenant) {
  v1::Domain out;
  out.set_name(DomainName(tenant, domain.name));
  out.set_uid(FromBytes(domain.id.bytes()));
  for (const std::string& owner : domain.owners) out.add_owners(owner);
  for (const storage::ComponentId& prefix : domain.prefixes) {
    out.add_component_prefixes(ComponentIdToWire(prefix));
  }
  for (const storage::TrustAnchor& anchor : domain.anchors) {
    v1::TrustAnchor* a = out.add_trust_anchors();
    a->mutable_key()->set_cose_key(FromBytes(anchor.public_key));
    a->set_thumbprint(FromBytes(anchor.thumbprint.bytes()));
    a->set_description(anchor.description);
  }
  out.set_state(domain.state == storage::DomainState::kActive      ? v1::DOMAIN_STATE_ACTIVE
                : domain.state == storage::DomainState::kSuspended ? v1::DOMAIN_STATE_SUSPENDED
                                                                   : v1::DOMAIN_STATE_DELETED);
  out.set_etag(runtime::EtagOf(domain.version));
  SetTime(domain.created, out.mutable_create_time());
  return out;
}

v1::Manifest ManifestToProto(const storage::Manifest& manifest, std::string_view domain_name) {
  v1::Manifest out;
  out.set_name(Concat(domain_name, "/manifests/", manifest.digest.ToString()));
  out.set_digest(FromBytes(manifest.digest.bytes()));
  out.set_component_id(ComponentIdToWire(manifest.manifest_component));
  out.set_component(ComponentIdToText(manifest.manifest_component));
  out.set_sequence(manifest.sequence);
  for (const storage::ComponentId& component : manifest.components) {
    out.add_components(ComponentIdToText(component));
  }
  out.set_envelope_size(static_cast<int64_t>(manifest.envelope_size));
  out.set_signer_thumbprint(FromBytes(manifest.signer.bytes()));
  out.set_withdrawn(manifest.state == storage::ManifestState::kWithdrawn);
  out.set_etag(runtime::EtagOf(out.withdrawn() ? 2 : 1));
  SetTime(manifest.published, out.mutable_create_time());
  return out;
}

v1::Component ComponentToProto(const storage::ComponentSummary& component,
                               std::string_view domain_name) {
  v1::Component out;
  out.set_component_id(ComponentIdToWire(component.manifest_component));
  out.set_component(ComponentIdToText(component.manifest_component));
  if (component.newest.has_value()) {
    out.set_latest_manifest(Concat(domain_name, "/manifests/", component.newest->ToString()));
    out.set_latest_sequence(component.newest_sequence);
  }
  out.set_manifest_count(static_cast<int32_t>(component.manifest_count));
  return out;
}

absl::Status SetDeployment(const v1::Deployment& from, storage::Deployment& to) {
  absl::Status status = SetSelector(from.selector(), to.selector);
  if (!status.ok()) return status;
  to.pinned.reset();
  if (!from.pinned_manifest().empty()) {
    absl::StatusOr<storage::ManifestDigest> digest =
        storage::ManifestDigest::FromBytes(cbor::AsBytes(from.pinned_manifest()));
    if (!digest.ok()) {
      return absl::InvalidArgumentError(Concat("deployment.pinned_manifest: want 32 bytes, found ",
                                               from.pinned_manifest().size()));
    }
    to.pinned = *digest;
  }
  to.unattested_allowed = from.allow_unattested();
  to.state = from.paused() ? storage::DeploymentState::kPaused : storage::DeploymentState::kActive;
  return absl::OkStatus();
}

v1::Deployment DeploymentToProto(const storage::Deployment& deployment, std::string_view tenant,
                                 std::string_view domain_name) {
  v1::Deployment out;
  out.set_name(Concat("tenants/", tenant, "/deployments/", deployment.name));
  out.set_uid(FromBytes(deployment.id.bytes()));
  out.set_domain(std::string(domain_name));
  out.set_component_id(ComponentIdToWire(deployment.manifest_component));
  out.set_component(ComponentIdToText(deployment.manifest_component));
  if (deployment.pinned.has_value()) {
    out.set_pinned_manifest(FromBytes(deployment.pinned->bytes()));
  }
  v1::DeviceSelector* selector = out.mutable_selector();
  for (const storage::DeviceId& device : deployment.selector.devices) {
    selector->add_devices(device.ToString());
  }
  if (deployment.selector.device_class.has_value()) {
    const storage::DeviceClass& device_class = *deployment.selector.device_class;
    selector->mutable_device_class()->set_oemid(FromBytes(device_class.oem_id));
    selector->mutable_device_class()->set_hwmodel(FromBytes(device_class.hw_model));
  }
  for (const auto& [label, value] : deployment.selector.labels) {
    (*selector->mutable_labels())[label] = value;
  }
  out.set_allow_unattested(deployment.unattested_allowed);
  out.set_paused(deployment.state == storage::DeploymentState::kPaused);
  out.set_etag(runtime::EtagOf(deployment.version));
  SetTime(deployment.created, out.mutable_create_time());
  return out;
}

}  // namespace tam::catalog

#include "services/registry/convert.h"

#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "crypto/cbor/cbor.h"
#include "services/registry/names.h"

namespace tam::registry {
namespace {

constexpr uint32_t kAttestationBit = 1;

// `value` where it lies in the range, `absent` for 0.
absl::StatusOr<int64_t> InRange(std::string_view field, int64_t value, int64_t absent, int64_t min,
                                int64_t max) {
  if (value == 0) return absent;
  if (value >= min && value <= max) return value;
  return absl::InvalidArgumentError(
      absl::StrCat("endpoint.", std::string(field), ": want ", min, "..", max, ", got ", value));
}

v1::Reason ToProto(const storage::AttestationReason& reason) {
  v1::Reason out;
  out.set_claim(reason.claim);
  out.set_expected(reason.expected);
  out.set_found(reason.found);
  return out;
}

v1::AttestationRecord ToProto(const storage::AttestationRecord& record) {
  v1::AttestationRecord out;
  out.set_verdict(record.verdict == storage::AttestationVerdict::kAccepted ? v1::VERDICT_ACCEPTED
                                                                           : v1::VERDICT_REFUSED);
  for (const auto& reason : record.reasons) *out.add_reasons() = ToProto(reason);
  out.set_payload_format(record.payload_format);
  out.set_claims_summary(record.claims_summary);
  *out.mutable_time() = registry::ToProto(record.at);
  return out;
}

void AddInstalled(const storage::DeviceManifest& manifest, v1::Device& out) {
  const auto add = [&](v1::InstallState state) {
    v1::InstalledManifest* entry = out.add_installed();
    entry->set_component(manifest.manifest_component.ToString());
    entry->set_state(state);
    *entry->mutable_report_time() = registry::ToProto(manifest.changed);
    return entry;
  };
  if (manifest.installed.has_value()) {
    auto* entry = add(v1::INSTALL_STATE_INSTALLED);
    entry->set_sequence(manifest.installed->sequence);
    entry->set_digest(ToWire(manifest.installed->digest.bytes()));
  }
  if (manifest.failure.has_value()) {
    auto* entry = add(v1::INSTALL_STATE_FAILED);
    entry->set_sequence(manifest.failure->sequence);
    entry->set_digest(ToWire(manifest.failure->digest.bytes()));
    entry->set_reason(manifest.failure->reason);
  }
  if (!manifest.installed.has_value() && !manifest.failure.has_value()) {
    add(v1::INSTALL_STATE_UNLINKED);
  }
}

v1::UpdateState ToProto(storage::UpdateState state) {
  switch (state) {
    case storage::UpdateState::kOpen:
      return v1::UPDATE_STATE_OPEN;
    case storage::UpdateState::kSucceeded:
      return v1::UPDATE_STATE_SUCCEEDED;
    case storage::UpdateState::kFailed:
      return v1::UPDATE_STATE_FAILED;
    case storage::UpdateState::kSuperseded:
      return v1::UPDATE_STATE_SUPERSEDED;
    case storage::UpdateState::kExpired:
      return v1::UPDATE_STATE_EXPIRED;
  }
  return v1::UPDATE_STATE_UNSPECIFIED;
}

v1::LegacyOptions ToProto(const storage::LegacyOptions& legacy) {
  using Sign1 = storage::LegacyOptions::Sign1;
  v1::LegacyOptions out;
  out.set_older_algorithms(legacy.older_algorithms);
  out.set_untagged(legacy.untagged);
  out.set_keys_without_kid(legacy.keys_without_kid);
  out.set_sign1_suite(legacy.sign1 == Sign1::kEsp256    ? v1::CIPHER_SUITE_ESP256
                      : legacy.sign1 == Sign1::kEd25519 ? v1::CIPHER_SUITE_ED25519
                                                        : v1::CIPHER_SUITE_UNSPECIFIED);
  return out;
}

storage::LegacyOptions FromProto(const v1::LegacyOptions& legacy) {
  using Sign1 = storage::LegacyOptions::Sign1;
  storage::LegacyOptions out;
  out.older_algorithms = legacy.older_algorithms();
  out.untagged = legacy.untagged();
  out.keys_without_kid = legacy.keys_without_kid();
  out.sign1 = legacy.sign1_suite() == v1::CIPHER_SUITE_ESP256    ? Sign1::kEsp256
              : legacy.sign1_suite() == v1::CIPHER_SUITE_ED25519 ? Sign1::kEd25519
                                                                 : Sign1::kNone;
  return out;
}

// After wire profile and attestation_required.
absl::Status SetAttestationOptions(const v1::Endpoint& endpoint, storage::EndpointConfig& config) {
  config.passport = endpoint.passport();
  config.timestamps = endpoint.timestamps();
  config.return_results = endpoint.return_results();
  const bool any = config.passport || config.timestamps || config.return_results;
  if (any &&
      (!config.attestation_required || config.wire_profile != storage::WireProfile::kDraft26)) {
    return absl::InvalidArgumentError(
        "endpoint: want passport, timestamps and return_results only where attestation is required "
        "and wire_profile is draft-26");
  }
  if (config.passport && config.timestamps) {
    return absl::InvalidArgumentError("endpoint.timestamps: want false with passport");
  }
  return absl::OkStatus();
}

}  // namespace

EndpointNames NamesOf(const std::vector<storage::Endpoint>& endpoints) {
  EndpointNames names;
  for (const storage::Endpoint& endpoint : endpoints) names[endpoint.id] = endpoint.name;
  return names;
}

std::string ToWire(absl::Span<const uint8_t> bytes) {
  return std::string(bytes.begin(), bytes.end());
}

storage::Bytes FromWire(std::string_view bytes) {
  return storage::Bytes(bytes.begin(), bytes.end());
}

google::protobuf::Timestamp ToProto(absl::Time time) {
  google::protobuf::Timestamp out;
  const int64_t seconds = absl::ToUnixSeconds(time);
  out.set_seconds(seconds);
  out.set_nanos(
      static_cast<int32_t>(absl::ToInt64Nanoseconds(time - absl::FromUnixSeconds(seconds))));
  return out;
}

std::string ComponentToWire(const storage::ComponentId& id) {
  cbor::Writer writer;
  writer.Array(id.segments().size());
  for (const storage::Bytes& segment : id.segments()) writer.ByteString(segment);
  return std::move(writer).Take();
}

absl::StatusOr<storage::ComponentId> ComponentFromWire(std::string_view field,
                                                       const std::string& bytes) {
  auto document = cbor::Document::Parse(cbor::AsBytes(bytes), cbor::Limits(), field);
  if (!document.ok()) return document.status();
  if (absl::Status array = document->root().CheckArray(1, 64); !array.ok()) return array;
  std::vector<storage::Bytes> segments;
  for (const cbor::Item& item : document->root().elements()) {
    auto segment = item.ByteString();
    if (!segment.ok()) return segment.status();
    segments.emplace_back(segment->begin(), segment->end());
  }
  return storage::ComponentId::FromSegments(std::move(segments));
}

std::string EtagOf(uint64_t version) { return absl::StrCat(version); }

absl::StatusOr<uint64_t> VersionOf(const std::string& etag) {
  if (etag.empty()) return 0;
  uint64_t version = 0;
  if (absl::SimpleAtoi(etag, &version) && version > 0) return version;
  return absl::AbortedError("etag: the resource has another version");
}

v1::Tenant ToProto(const storage::Tenant& tenant) {
  v1::Tenant out;
  out.set_name(TenantResource(tenant.name));
  out.set_uid(ToWire(tenant.id.bytes()));
  out.set_display_name(tenant.display_name);
  out.set_etag(EtagOf(tenant.version));
  *out.mutable_create_time() = ToProto(tenant.created);
  out.set_state(tenant.state == storage::TenantState::kActive ? v1::TENANT_STATE_ACTIVE
                                                              : v1::TENANT_STATE_SUSPENDED);
  return out;
}

v1::Endpoint ToProto(const storage::Endpoint& endpoint, std::string_view tenant) {
  const storage::EndpointConfig& config = endpoint.current;
  v1::Endpoint out;
  out.set_name(EndpointResource(tenant, endpoint.name));
  out.set_uid(ToWire(endpoint.id.bytes()));
  out.set_path(endpoint.path);
  out.set_wire_profile(config.wire_profile == storage::WireProfile::kLegacy
                           ? v1::WIRE_PROFILE_LEGACY
                           : v1::WIRE_PROFILE_DRAFT_26);
  out.set_attestation_required(config.attestation_required);
  out.set_data_items(config.data_items);
  out.set_config_generation(static_cast<int64_t>(config.generation));
  out.set_challenge_lifetime_seconds(absl::ToInt64Seconds(config.challenge_lifetime));
  out.set_update_deadline_seconds(absl::ToInt64Seconds(config.update_lifetime));
  out.set_max_message_bytes(static_cast<int64_t>(config.max_message_bytes));
  out.set_etag(EtagOf(config.generation));
  *out.mutable_create_time() = ToProto(endpoint.created);
  out.set_passport(config.passport);
  out.set_timestamps(config.timestamps);
  out.set_return_results(config.return_results);
  if (config.wire_profile == storage::WireProfile::kLegacy) {
    *out.mutable_legacy() = ToProto(config.legacy);
  }
  return out;
}

absl::StatusOr<storage::EndpointConfig> ConfigFromProto(const v1::Endpoint& endpoint) {
  storage::EndpointConfig config;
  if (endpoint.wire_profile() == v1::WIRE_PROFILE_LEGACY) {
    config.wire_profile = storage::WireProfile::kLegacy;
  } else if (endpoint.has_legacy()) {
    return absl::InvalidArgumentError("endpoint.legacy: want none where wire_profile is draft-26");
  }
  config.legacy = FromProto(endpoint.legacy());
  config.attestation_required = endpoint.attestation_required();
  config.data_items = endpoint.data_items() != 0        ? endpoint.data_items()
                      : endpoint.attestation_required() ? 11u
                                                        : 10u;
  if (config.data_items > 15 ||
      ((config.data_items & kAttestationBit) != 0) != config.attestation_required) {
    return absl::InvalidArgumentError(
        absl::StrCat("endpoint.data_items: want bits 0 to 3, bit 0 as attestation_required, got ",
                     endpoint.data_items()));
  }
  if (absl::Status s = SetAttestationOptions(endpoint, config); !s.ok()) return s;
  auto lifetime = InRange("challenge_lifetime_seconds", endpoint.challenge_lifetime_seconds(),
                          21600, 60, 21600);
  if (!lifetime.ok()) return lifetime.status();
  auto deadline =
      InRange("update_deadline_seconds", endpoint.update_deadline_seconds(), 86400, 60, 2592000);
  if (!deadline.ok()) return deadline.status();
  auto size = InRange("max_message_bytes", endpoint.max_message_bytes(), 1048576, 1024, 1048576);
  if (!size.ok()) return size.status();
  config.challenge_lifetime = absl::Seconds(*lifetime);
  config.update_lifetime = absl::Seconds(*deadline);
  config.max_message_bytes = static_cast<uint64_t>(*size);
  return config;
}

v1::DeviceClass ToProto(const storage::DeviceClass& device_class) {
  v1::DeviceClass out;
  out.set_oemid(ToWire(device_class.oem_id));
  out.set_hwmodel(ToWire(device_class.hw_model));
  return out;
}

storage::DeviceClass FromProto(const v1::DeviceClass& device_class) {
  return {FromWire(device_class.oemid()), FromWire(device_class.hwmodel())};
}

v1::KeyState ToProto(storage::DeviceKeyState state) {
  switch (state) {
    case storage::DeviceKeyState::kPending:
      return v1::KEY_STATE_PENDING;
    case storage::DeviceKeyState::kActive:
      return v1::KEY_STATE_ACTIVE;
    case storage::DeviceKeyState::kRetired:
      return v1::KEY_STATE_RETIRED;
    case storage::DeviceKeyState::kBanned:
      return v1::KEY_STATE_BANNED;
  }
  return v1::KEY_STATE_UNSPECIFIED;
}

v1::DeviceKey ToProto(const storage::DeviceKey& key, const storage::DeviceId& device,
                      std::string_view tenant, const EndpointNames& endpoints) {
  v1::DeviceKey out;
  out.set_name(DeviceKeyResource(tenant, device, key.thumbprint));
  out.set_thumbprint(ToWire(key.thumbprint.bytes()));
  out.set_cose_key(ToWire(key.public_key));
  out.set_state(ToProto(key.state));
  for (const storage::EndpointId& id : key.endpoints) {
    // An endpoint that was deleted since has no name any more.
    if (auto found = endpoints.find(id); found != endpoints.end()) {
      out.add_endpoints(EndpointResource(tenant, found->second));
    }
  }
  *out.mutable_create_time() = ToProto(key.created);
  return out;
}

v1::Device ToProto(const storage::Device& device, std::string_view tenant) {
  v1::Device out;
  out.set_name(DeviceResource(tenant, device.id));
  out.set_uid(ToWire(device.id.bytes()));
  out.set_display_name(device.name);
  if (device.device_class != storage::DeviceClass()) {
    *out.mutable_device_class() = ToProto(device.device_class);
  }
  for (const auto& [key, value] : device.labels) (*out.mutable_labels())[key] = value;
  out.set_ueid(ToWire(device.ueid));
  out.set_etag(EtagOf(device.version));
  *out.mutable_create_time() = ToProto(device.created);
  return out;
}

v1::Device ToProto(const storage::DeviceRecord& record, std::string_view tenant,
                   const EndpointNames& endpoints) {
  v1::Device out = ToProto(record.device, tenant);
  for (const auto& key : record.keys) {
    *out.add_keys() = ToProto(key, record.device.id, tenant, endpoints);
  }
  for (const auto& manifest : record.manifests) AddInstalled(manifest, out);
  if (record.last_attestation.has_value()) {
    *out.mutable_last_attestation() = ToProto(*record.last_attestation);
  }
  for (const auto& update : record.open_updates) *out.add_open_updates() = ToProto(update);
  if (record.last_contact.has_value()) {
    *out.mutable_last_contact_time() = ToProto(*record.last_contact);
  }
  return out;
}

v1::ManifestRef ToProto(const storage::UpdateManifest& manifest) {
  v1::ManifestRef out;
  out.set_digest(ToWire(manifest.manifest.digest.bytes()));
  out.set_component_id(ComponentToWire(manifest.manifest_component));
  out.set_sequence(manifest.sequence);
  out.set_domain_uid(ToWire(manifest.manifest.domain.bytes()));
  return out;
}

v1::UpdateRecord ToProto(const storage::UpdateRecord& update) {
  v1::UpdateRecord out;
  out.set_token(ToWire(update.plan.token.bytes()));
  out.set_state(ToProto(update.state));
  for (const auto& manifest : update.plan.manifests) *out.add_manifests() = ToProto(manifest);
  for (const auto& unlink : update.plan.unlinks) out.add_unlinks(ComponentToWire(unlink));
  out.set_err_code(update.plan.err_code.value_or(0));
  out.set_err_msg(update.plan.err_msg);
  out.set_deadline_ms(absl::ToUnixMillis(update.deadline));
  out.set_opened_ms(absl::ToUnixMillis(update.opened));
  out.set_endpoint_uid(ToWire(update.endpoint.bytes()));
  out.set_thumbprint(ToWire(update.key.bytes()));
  return out;
}

}  // namespace tam::registry

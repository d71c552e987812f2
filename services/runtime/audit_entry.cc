#include "services/runtime/audit_entry.h"

#include <utility>

#include "absl/time/clock.h"
#include "absl/types/span.h"
#include "crypto/cbor/cbor.h"
#include "crypto/text/text.h"

namespace tam::runtime {
namespace {

constexpr uint64_t kFormatVersion = 1;
constexpr size_t kMaxKnownPseudonyms = 4096;

struct Parts {
  std::string_view kind;
  std::string_view role;
  absl::Span<const uint8_t> actor;  // empty: none
  std::string_view target;
  const AuditDetails& details;
  std::string_view request_id;
};

std::string EncodeDetails(const AuditDetails& details) {
  cbor::MapBuilder map;
  for (const auto& [key, value] : details) map.Set(key, cbor::Writer().Text(value));
  return map.Encode();
}

storage::Bytes Encode(const Parts& parts) {
  cbor::MapBuilder map;
  map.Set(0, cbor::Writer().Uint(kFormatVersion));
  map.Set(1, cbor::Writer().Text(parts.kind));
  map.Set(2, cbor::Writer().Text(parts.role));
  if (!parts.actor.empty()) map.Set(3, cbor::Writer().ByteString(parts.actor));
  if (!parts.target.empty()) map.Set(4, cbor::Writer().Text(parts.target));
  if (!parts.details.empty()) map.Set(5, cbor::Writer().Raw(EncodeDetails(parts.details)));
  if (!parts.request_id.empty()) map.Set(6, cbor::Writer().Text(parts.request_id));
  const std::string encoded = map.Encode();
  return storage::Bytes(encoded.begin(), encoded.end());
}

}  // namespace

std::string_view RoleText(Role role) {
  switch (role) {
    case Role::kAdmin:
      return "admin";
    case Role::kOperator:
      return "operator";
    case Role::kDeveloper:
      return "developer";
    case Role::kAuditor:
      return "auditor";
    case Role::kGatewayService:
      return "gateway";
    case Role::kRegistryService:
      return "registry";
    case Role::kAttestationService:
      return "attestation";
    case Role::kCatalogService:
      return "catalog";
    case Role::kSigningService:
      return "signing";
    case Role::kAuditService:
      return "audit";
  }
  return "unknown";
}

absl::StatusOr<storage::AuditEntry> AuditComposer::OfCaller(const CallContext& context,
                                                            const storage::TenantId& tenant,
                                                            std::string_view kind,
                                                            std::string_view target,
                                                            const AuditDetails& details) {
  absl::StatusOr<storage::Pseudonym> actor =
      PseudonymOf(tenant, context.caller.spiffe_id(), {context.deadline});
  if (!actor.ok()) return actor.status();
  storage::AuditEntry entry;
  entry.tenant = tenant;
  entry.kind = std::string(kind);
  entry.entry = Encode(
      {kind, RoleText(context.caller.role()), actor->bytes(), target, details, context.request_id});
  return entry;
}

storage::AuditEntry AuditComposer::OfDevice(const CallContext& context,
                                            const storage::TenantId& tenant,
                                            const storage::DeviceId& device, std::string_view kind,
                                            const AuditDetails& details) {
  storage::AuditEntry entry;
  entry.tenant = tenant;
  entry.device = device;
  entry.kind = std::string(kind);
  entry.entry = Encode({kind, "device", device.bytes(), "", details, context.request_id});
  return entry;
}

absl::StatusOr<storage::Pseudonym> AuditComposer::PseudonymOf(const storage::TenantId& tenant,
                                                              const std::string& subject,
                                                              storage::CallDeadline deadline) {
  const auto key = std::make_pair(tenant, subject);
  {
    absl::MutexLock lock(&mutex_);
    const auto it = known_.find(key);
    if (it != known_.end()) return it->second;
  }
  absl::StatusOr<storage::Pseudonym> pseudonym = pseudonyms_.GetOrCreate(
      tenant, subject, storage::NewId<storage::Pseudonym>(random_), deadline);
  if (!pseudonym.ok()) return pseudonym;
  absl::MutexLock lock(&mutex_);
  if (known_.size() >= kMaxKnownPseudonyms) known_.clear();
  known_.emplace(key, *pseudonym);
  return pseudonym;
}

absl::StatusOr<ReadAuditEntry> ParseAuditEntry(absl::Span<const uint8_t> entry) {
  absl::StatusOr<cbor::Document> document = cbor::Document::Parse(entry);
  if (!document.ok()) return document.status();
  const cbor::Item map = document->root();
  absl::StatusOr<cbor::Item> version = map.Get(0);
  if (!version.ok()) return version.status();
  absl::StatusOr<uint64_t> format = version->Uint(kFormatVersion);
  if (!format.ok()) return format.status();
  ReadAuditEntry read;
  for (const auto& [key, text] :
       {std::pair{1, &read.kind}, {2, &read.role}, {4, &read.target}, {6, &read.request_id}}) {
    const std::optional<cbor::Item> item = map.Find(key);
    if (!item.has_value()) continue;
    absl::StatusOr<std::string_view> value = item->Text();
    if (!value.ok()) return value.status();
    *text = std::string(*value);
  }
  if (const std::optional<cbor::Item> item = map.Find(3)) {
    absl::StatusOr<cbor::Bytes> bytes = item->ByteString(16, 16);
    if (!bytes.ok()) return bytes.status();
    absl::StatusOr<storage::Pseudonym> actor = storage::Pseudonym::FromBytes(*bytes);
    if (!actor.ok()) return actor.status();
    read.actor = *actor;
  }
  if (const std::optional<cbor::Item> item = map.Find(5)) {
    for (const auto& [key, value] : item->each_pair()) {
      absl::StatusOr<std::string_view> name = key.Text();
      absl::StatusOr<std::string_view> text = value.Text();
      if (!name.ok()) return name.status();
      if (!text.ok()) return text.status();
      read.details.emplace(*name, *text);
    }
  }
  return read;
}

absl::Status DenialRecorder::RecordDenial(const Denial& denial) {
  // Its own short time: the caller's deadline must not be a way around the record.
  CallContext context = denial.context;
  context.deadline = absl::Now() + absl::Seconds(5);
  storage::TenantId tenant;
  if (context.caller.BelongsToTenant()) {
    absl::StatusOr<storage::Tenant> found =
        tenants_.GetByName(context.caller.tenant(), {context.deadline});
    // A certificate may name a tenant that is no more: then the platform keeps the record.
    if (!found.ok() && !absl::IsNotFound(found.status())) return found.status();
    if (found.ok()) tenant = found->id;
  }
  AuditDetails details = {{"method", std::string(denial.method)}, {"reason", denial.reason}};
  absl::StatusOr<storage::AuditEntry> entry =
      composer_.OfCaller(context, tenant, "rpc.denied", denial.resource.substr(0, 256), details);
  if (!entry.ok()) return entry.status();
  return writer_.Record(*entry, {context.deadline});
}

}  // namespace tam::runtime

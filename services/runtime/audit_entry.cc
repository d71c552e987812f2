#include "services/runtime/audit_entry.h"

#include <algorithm>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "absl/time/clock.h"
#include "absl/types/span.h"
#include "crypto/cbor/cbor.h"
#include "crypto/text/text.h"

namespace tam::runtime {
namespace {

constexpr uint64_t kFormatVersion = 2;
constexpr size_t kMaxKnownPseudonyms = 4096;

struct Parts {
  std::string_view kind;
  std::string_view role;
  absl::Span<const uint8_t> actor;  // empty: none
  std::string_view target;
  const AuditDetails& details;
  std::string_view request_id;
};

// What follows one of these in a resource name tells one device or key from all others.
bool NamesDeviceOrKey(absl::string_view collection) {
  return collection == "devices" || collection == "keys" || collection == "attestationKeys";
}

std::string SubjectOf(absl::string_view collection, absl::string_view id) {
  return absl::StrCat(collection == "devices" ? "device/" : "key/", id);
}

std::string DeviceSubject(const storage::DeviceId& device) {
  return SubjectOf("devices", device.ToString());
}

bool LooksLikeResource(absl::string_view text) {
  for (absl::string_view segment : absl::StrSplit(text, '/')) {
    const bool fits = !segment.empty() && segment.size() <= 128 &&
                      std::all_of(segment.begin(), segment.end(), [](char c) {
                        return absl::ascii_isalnum(static_cast<unsigned char>(c)) || c == '-' ||
                               c == '_' || c == '.';
                      });
    if (!fits) return false;
  }
  return absl::StartsWith(text, "tenants/");
}

// Calls `replace` with each segment that stands for a device or key, and puts what it returns
// there.
template <typename Replace>
std::string MapTarget(std::string_view target, const Replace& replace) {
  std::vector<std::string> segments = absl::StrSplit(AbslView(target), '/');
  for (size_t i = 1; i < segments.size(); ++i) {
    if (NamesDeviceOrKey(segments[i - 1])) segments[i] = replace(segments[i - 1], segments[i]);
  }
  return absl::StrJoin(segments, "/");
}

std::optional<storage::Pseudonym> ReadPseudonym(absl::string_view segment) {
  if (!absl::ConsumePrefix(&segment, "~")) return std::nullopt;
  auto pseudonym = storage::Pseudonym::Parse(segment);
  if (!pseudonym.ok()) return std::nullopt;
  return *pseudonym;
}

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
  absl::StatusOr<std::string> resource = Pseudonymise(tenant, target, {context.deadline});
  if (!resource.ok()) return resource.status();
  storage::AuditEntry entry;
  entry.tenant = tenant;
  entry.kind = std::string(kind);
  entry.entry = Encode({kind, RoleText(context.caller.role()), actor->bytes(), *resource, details,
                        context.request_id});
  return entry;
}

absl::StatusOr<storage::AuditEntry> AuditComposer::OfDevice(const CallContext& context,
                                                            const storage::TenantId& tenant,
                                                            const storage::DeviceId& device,
                                                            std::string_view kind,
                                                            const AuditDetails& details) {
  absl::StatusOr<storage::Pseudonym> actor =
      PseudonymOf(tenant, DeviceSubject(device), {context.deadline});
  if (!actor.ok()) return actor.status();
  storage::AuditEntry entry;
  entry.tenant = tenant;
  entry.device = device;
  entry.kind = std::string(kind);
  entry.entry = Encode({kind, "device", actor->bytes(), "", details, context.request_id});
  return entry;
}

void AuditComposer::Remember(const storage::TenantId& tenant, const storage::DeviceId& device,
                             const storage::Pseudonym& pseudonym) {
  Keep(tenant, DeviceSubject(device), pseudonym);
}

void AuditComposer::Keep(const storage::TenantId& tenant, const std::string& subject,
                         const storage::Pseudonym& pseudonym) {
  absl::MutexLock lock(&mutex_);
  if (known_.size() >= kMaxKnownPseudonyms) known_.clear();
  known_.emplace(std::make_pair(tenant, subject), pseudonym);
}

absl::StatusOr<storage::Pseudonym> AuditComposer::PseudonymOf(const storage::TenantId& tenant,
                                                              const std::string& subject,
                                                              storage::CallDeadline deadline) {
  {
    absl::MutexLock lock(&mutex_);
    const auto it = known_.find(std::make_pair(tenant, subject));
    if (it != known_.end()) return it->second;
  }
  absl::StatusOr<storage::Pseudonym> pseudonym = pseudonyms_.GetOrCreate(
      tenant, subject, storage::NewId<storage::Pseudonym>(random_), deadline);
  if (pseudonym.ok()) Keep(tenant, subject, *pseudonym);
  return pseudonym;
}

absl::StatusOr<std::string> AuditComposer::Pseudonymise(const storage::TenantId& tenant,
                                                        std::string_view target,
                                                        storage::CallDeadline deadline) {
  absl::Status status;
  std::string mapped =
      MapTarget(target, [&](const std::string& collection, const std::string& id) -> std::string {
        // "-" is nobody in particular.
        if (id.empty() || id == "-" || !status.ok()) return id;
        auto pseudonym = PseudonymOf(tenant, SubjectOf(collection, id), deadline);
        if (!pseudonym.ok()) {
          status = pseudonym.status();
          return id;
        }
        return absl::StrCat("~", pseudonym->ToString());
      });
  if (!status.ok()) return status;
  return mapped;
}

std::vector<storage::Pseudonym> PseudonymsIn(const std::string& target) {
  std::vector<storage::Pseudonym> found;
  MapTarget(target, [&](const std::string&, const std::string& id) {
    if (const auto pseudonym = ReadPseudonym(id)) found.push_back(*pseudonym);
    return id;
  });
  return found;
}

std::string Resolve(const std::string& target,
                    const std::map<storage::Pseudonym, std::string>& subjects) {
  return MapTarget(target, [&](const std::string&, const std::string& id) {
    const auto pseudonym = ReadPseudonym(id);
    if (!pseudonym.has_value()) return id;
    const auto subject = subjects.find(*pseudonym);
    if (subject == subjects.end()) return id;
    return subject->second.substr(subject->second.find('/') + 1);
  });
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
  const bool readable = denial.resource.empty() || LooksLikeResource(denial.resource);
  absl::StatusOr<storage::AuditEntry> entry = composer_.OfCaller(
      context, tenant, "rpc.denied", readable ? denial.resource : "(malformed)", details);
  if (!entry.ok()) return entry.status();
  return writer_.Record(*entry, {context.deadline});
}

}  // namespace tam::runtime

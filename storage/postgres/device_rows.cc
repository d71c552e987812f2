#include "storage/postgres/device_rows.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "storage/postgres/audit_fragment.h"

namespace tam::storage::postgres {
namespace {

constexpr size_t kDeadlineSize = 8;

OpenSlot ReadSlot(const Bytes& bytes) {
  uint64_t micros = 0;
  for (size_t i = 0; i < kDeadlineSize && i < bytes.size(); ++i) micros = micros << 8 | bytes[i];
  OpenSlot slot;
  slot.deadline = absl::FromUnixMicros(static_cast<int64_t>(micros));
  if (bytes.size() == kDeadlineSize + UpdateToken::kSize) {
    slot.token = *UpdateToken::FromBytes(absl::MakeConstSpan(bytes).subspan(kDeadlineSize));
  }
  return slot;
}

}  // namespace

Device ReadDevice(const TenantId& tenant, RowReader& row) {
  Device device;
  device.tenant = tenant;
  device.id = row.Fixed<DeviceId>();
  device.name = row.Text();
  device.device_class.oem_id = row.Binary();
  device.device_class.hw_model = row.Binary();
  const std::vector<std::string> keys = row.TextArray();
  const std::vector<std::string> values = row.TextArray();
  for (size_t i = 0; i < std::min(keys.size(), values.size()); ++i) {
    device.labels[keys[i]] = values[i];
  }
  device.ueid = row.Binary();
  device.version = row.Unsigned();
  device.created = row.Time();
  return device;
}

UpdateRecord ReadUpdate(RowReader& row) {
  UpdateRecord update;
  update.plan.token = row.Fixed<UpdateToken>();
  update.endpoint = row.Fixed<EndpointId>();
  update.key = row.Fixed<KeyThumbprint>();
  const auto domains = row.FixedArray<DomainId>();
  const auto digests = row.FixedArray<ManifestDigest>();
  const auto components = row.ComponentArray();
  const auto sequences = row.IntArray();
  const size_t count =
      std::min({domains.size(), digests.size(), components.size(), sequences.size()});
  for (size_t i = 0; i < count; ++i) {
    update.plan.manifests.push_back(
        {{domains[i], digests[i]}, components[i], static_cast<uint64_t>(sequences[i])});
  }
  update.plan.unlinks = row.ComponentArray();
  const std::optional<int64_t> err_code = row.Optional(&RowReader::Int);
  if (err_code.has_value()) update.plan.err_code = static_cast<uint32_t>(*err_code);
  update.plan.err_msg = row.Text();
  update.plan.catalog_generation = row.Unsigned();
  update.opened = row.Time();
  update.deadline = row.Time();
  return update;
}

GuardView ReadGuard(RowReader& row) {
  GuardView guard;
  const int64_t issued_ms = row.Int();
  if (row.NextIsNull()) {
    row.Skip(2);
  } else {
    guard.last_challenge = ChallengePoint{issued_ms, row.Fixed<ChallengeRandom>()};
    guard.last_message = row.Fixed<MessageDigest>();
  }
  guard.last_token = row.Optional(&RowReader::Fixed<UpdateToken>);
  for (const Bytes& slot : row.BinaryArray()) guard.slots.push_back(ReadSlot(slot));
  return guard;
}

UpdateState StateNow(const UpdateRecord& update, const GuardView& guard, absl::Time now) {
  if (update.deadline <= now) return UpdateState::kExpired;
  const bool in_slot =
      std::any_of(guard.slots.begin(), guard.slots.end(),
                  [&](const OpenSlot& slot) { return slot.token == update.plan.token; });
  return in_slot ? UpdateState::kOpen : UpdateState::kSuperseded;
}

Bytes Lane(bool pending, const KeyThumbprint& key) {
  return pending ? Bytes(key.bytes().begin(), key.bytes().end()) : Bytes();
}

void AddReasons(const std::vector<AttestationReason>& reasons, Params& params) {
  std::vector<std::string> claims, expected, found;
  for (const AttestationReason& reason : reasons) {
    claims.push_back(reason.claim);
    expected.push_back(reason.expected);
    found.push_back(reason.found);
  }
  params.Add(claims).Add(expected).Add(found);
}

std::vector<AttestationReason> ReadReasons(RowReader& row) {
  const auto claims = row.TextArray();
  const auto expected = row.TextArray();
  const auto found = row.TextArray();
  std::vector<AttestationReason> reasons;
  for (size_t i = 0; i < std::min({claims.size(), expected.size(), found.size()}); ++i) {
    reasons.push_back({claims[i], expected[i], found[i]});
  }
  return reasons;
}

absl::Status WriteAudit(Connection& connection, const AuditEntry& entry) {
  Params params;
  const std::string sql =
      absl::StrCat("WITH act AS (SELECT 1)", AuditFragment(entry, "act", params), "SELECT 1");
  return connection.Execute(sql, params).status();
}

}  // namespace tam::storage::postgres

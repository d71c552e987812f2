#include "services/audit/handler.h"

#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "services/runtime/audit_entry.h"
#include "services/runtime/resource_name.h"

namespace tam::audit {
namespace {

std::string ToText(absl::Span<const uint8_t> bytes) {
  return std::string(bytes.begin(), bytes.end());
}

void SetTime(absl::Time time, google::protobuf::Timestamp& out) {
  const int64_t micros = absl::ToUnixMicros(time);
  out.set_seconds(micros / 1'000'000);
  out.set_nanos(static_cast<int32_t>(micros % 1'000'000) * 1000);
}

absl::StatusOr<std::optional<absl::Time>> ReadTime(absl::string_view field, bool set,
                                                   const google::protobuf::Timestamp& time) {
  if (!set) return std::nullopt;
  // The span of a Timestamp: years 1 to 9999.
  if (time.seconds() < -62'135'596'800 || time.seconds() > 253'402'300'799 || time.nanos() < 0 ||
      time.nanos() > 999'999'999) {
    return absl::InvalidArgumentError(absl::StrCat(field, ": want a time, got one out of range"));
  }
  return absl::FromUnixSeconds(time.seconds()) + absl::Nanoseconds(time.nanos());
}

std::string DetailText(const runtime::AuditDetails& details) {
  std::string text;
  for (const auto& [key, value] : details) {
    absl::StrAppend(&text, text.empty() ? "" : "; ", key, ": ", value);
  }
  return text;
}

using Subjects = std::map<storage::Pseudonym, std::string>;

// An entry that cannot be read is shown by its bytes alone: the record is never hidden.
void ShowParts(const storage::AuditEntry& entry, const Subjects& subjects, v1::AuditEntry& out) {
  absl::StatusOr<runtime::ReadAuditEntry> parts = runtime::ParseAuditEntry(entry.entry);
  if (!parts.ok()) {
    out.set_detail(absl::StrCat("unreadable entry: ", parts.status().message()));
    return;
  }
  out.set_resource(runtime::Resolve(parts->target, subjects));
  out.set_detail(DetailText(parts->details));
  if (parts->role == "device") {
    out.set_actor("device");
  } else if (parts->actor.has_value()) {
    const auto subject = subjects.find(*parts->actor);
    out.set_actor(subject != subjects.end()
                      ? subject->second
                      : absl::StrCat(parts->role, " (erased) ", parts->actor->ToString()));
  } else {
    out.set_actor(parts->role);
  }
}

v1::AuditEntry Show(const storage::AuditRecord& record, const Subjects& subjects) {
  v1::AuditEntry out;
  out.set_uid(ToText(record.id.bytes()));
  SetTime(record.at, *out.mutable_time());
  out.set_tenant_uid(ToText(record.entry.tenant.bytes()));
  if (!record.entry.device.is_nil()) out.set_device_uid(ToText(record.entry.device.bytes()));
  out.set_action(record.entry.kind);
  out.set_entry(ToText(record.entry.entry));
  ShowParts(record.entry, subjects, out);
  return out;
}

// Of people who acted, and of devices and keys that were acted on.
std::vector<storage::Pseudonym> PseudonymsOf(const std::vector<storage::AuditRecord>& records) {
  std::set<storage::Pseudonym> found;
  for (const storage::AuditRecord& record : records) {
    absl::StatusOr<runtime::ReadAuditEntry> parts = runtime::ParseAuditEntry(record.entry.entry);
    if (!parts.ok()) continue;
    if (parts->actor.has_value() && parts->role != "device") found.insert(*parts->actor);
    for (const storage::Pseudonym& named : runtime::PseudonymsIn(parts->target)) {
      found.insert(named);
    }
  }
  return {found.begin(), found.end()};
}

}  // namespace

absl::StatusOr<v1::ListEntriesResponse> AuditHandler::ListEntries(
    const runtime::CallContext& context, const v1::ListEntriesRequest& request) {
  absl::StatusOr<storage::AuditFilter> filter = ReadFilter(context, request);
  if (!filter.ok()) return filter.status();
  if (request.page_size() < 0) {
    return absl::InvalidArgumentError(
        absl::StrCat("page_size: want 0 to 1000, got ", request.page_size()));
  }
  const storage::CallDeadline deadline{context.deadline};
  absl::StatusOr<storage::Page<storage::AuditRecord>> page =
      entries_.List(*filter, {request.page_size(), request.page_token()}, deadline);
  if (!page.ok()) return page.status();
  absl::StatusOr<Subjects> subjects = Subjects();
  if (const auto wanted = PseudonymsOf(page->items); !wanted.empty()) {
    subjects = pseudonyms_.Subjects(filter->tenant, wanted, deadline);
  }
  if (!subjects.ok()) return subjects.status();
  v1::ListEntriesResponse response;
  for (const storage::AuditRecord& record : page->items) {
    *response.add_entries() = Show(record, *subjects);
  }
  response.set_next_page_token(page->next);
  return response;
}

absl::StatusOr<storage::AuditFilter> AuditHandler::ReadFilter(
    const runtime::CallContext& context, const v1::ListEntriesRequest& request) {
  storage::AuditFilter filter;
  if (request.parent() != "tenants/-") {
    auto ids = runtime::ParseResourceName("parent", request.parent(), "tenants/{t}");
    if (!ids.ok()) return ids.status();
    absl::StatusOr<storage::Tenant> tenant = tenants_.GetByName(ids->front(), {context.deadline});
    if (!tenant.ok()) return tenant.status();
    filter.tenant = tenant->id;
  }
  if (!request.device().empty()) {
    const std::string pattern = absl::StrCat(request.parent(), "/devices/{d}");
    auto ids = runtime::ParseResourceName("device", request.device(), pattern);
    if (!ids.ok()) return ids.status();
    absl::StatusOr<storage::DeviceId> device = storage::DeviceId::Parse(ids->front());
    if (!device.ok()) return device.status();
    filter.device = *device;
  }
  auto from = ReadTime("start_time", request.has_start_time(), request.start_time());
  if (!from.ok()) return from.status();
  filter.from = *from;
  auto until = ReadTime("end_time", request.has_end_time(), request.end_time());
  if (!until.ok()) return until.status();
  filter.until = *until;
  return filter;
}

}  // namespace tam::audit

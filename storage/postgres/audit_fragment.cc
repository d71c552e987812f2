#include "storage/postgres/audit_fragment.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"

namespace tam::storage::postgres {

std::string AuditFragment(const AuditEntry& entry, absl::string_view source, Params& params) {
  const int first = params.size() + 1;
  params.Add(entry.tenant).Add(entry.device).Add(entry.kind).Add(entry.entry);
  const auto param = [&](int n, absl::string_view type) {
    return absl::StrCat("$", first + n, "::", type);
  };
  return absl::StrReplaceAll(
      R"sql(,
audit_id AS MATERIALIZED (SELECT gen_random_uuid() AS id FROM {source} LIMIT 1),
audited AS (
  INSERT INTO audit.entries (tenant_id, device_id, id, shard, at, kind, entry)
  SELECT {tenant}, {device}, id, get_byte(uuid_send(id), 15) % 16, tam.now(), {kind}, {entry}
  FROM audit_id),
audit_queued AS (
  INSERT INTO audit.pending (shard, id, tenant_id, at)
  SELECT get_byte(uuid_send(id), 15) % 16, id, {tenant}, tam.now() FROM audit_id)
)sql",
      {{"{source}", source},
       {"{tenant}", param(0, "uuid")},
       {"{device}", param(1, "uuid")},
       {"{kind}", param(2, "text")},
       {"{entry}", param(3, "bytea")}});
}

}  // namespace tam::storage::postgres

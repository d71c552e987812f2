#include "tests/faults/fleet/tam_record.h"

#include "absl/status/status.h"
#include "absl/strings/escaping.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "crypto/cbor/cbor.h"
#include "crypto/cose/cose.h"
#include "teep/eat/eat.h"

namespace tam::testing {
namespace {

using Columns = std::vector<std::string>;

// `select` names d, the device's row, and what it joins by the keys of a device.
std::vector<Columns> Rows(const Sql& sql, const std::string& prefix, const std::string& columns,
                          const std::string& table, const std::string& rest = "") {
  std::vector<Columns> rows;
  const std::string text =
      sql(absl::StrCat("SELECT d.name, ", columns, " FROM ", table,
                       " x JOIN registry.devices d USING (tenant_id, device_id) "
                       "WHERE starts_with(d.name, '",
                       prefix, "') ", rest));
  for (absl::string_view line : absl::StrSplit(text, '\n', absl::SkipEmpty())) {
    rows.push_back(absl::StrSplit(line, '|'));
  }
  return rows;
}

int64_t Number(const std::string& text) {
  int64_t number = -1;
  return absl::SimpleAtoi(text, &number) ? number : -1;
}

// The nonce of a signed attestation result: the challenge that was answered.
absl::StatusOr<std::string> NonceOf(const std::string& result) {
  auto cose = cose::Message::Parse(cbor::AsBytes(result), cose::TagRule::kOptional);
  if (!cose.ok()) return cose.status();
  if (!cose->unverified_payload().has_value()) return absl::InternalError("result: no payload");
  auto claims = eat::ParseClaims(cbor::AsBytes(*cose->unverified_payload()));
  if (!claims.ok()) return claims.status();
  if (claims->nonces.size() != 1) return absl::InternalError("result: want one nonce");
  return claims->nonces.front();
}

absl::Status ReadAccepted(const Sql& sql, const std::string& prefix, TamRecord& record) {
  for (const Columns& row : Rows(sql, prefix, "encode(x.result, 'hex')", "registry.attestations")) {
    auto nonce = NonceOf(absl::HexStringToBytes(row[1]));
    if (!nonce.ok()) {
      return absl::InternalError(absl::StrCat(row[0], ": ", nonce.status().message()));
    }
    record.devices[row[0]].accepted.push_back(*std::move(nonce));
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<TamRecord> ReadTamRecord(const Sql& sql, const std::string& prefix) {
  TamRecord record;
  for (const Columns& row : Rows(sql, prefix, "0", "registry.devices")) record.devices[row[0]];
  for (const Columns& row :
       Rows(sql, prefix, "encode(x.component, 'hex'), encode(x.digest, 'hex'), x.sequence",
            "registry.device_manifests", "AND x.digest IS NOT NULL")) {
    const ManifestVersion version{absl::HexStringToBytes(row[1]), absl::HexStringToBytes(row[2]),
                                  static_cast<uint64_t>(Number(row[3]))};
    record.devices[row[0]].installed[version.component] = version;
  }
  if (auto status = ReadAccepted(sql, prefix, record); !status.ok()) return status;
  for (const Columns& row : Rows(sql, prefix, "encode(x.token, 'hex')", "registry.updates")) {
    record.devices[row[0]].open.push_back(absl::HexStringToBytes(row[1]));
  }
  for (const Columns& row :
       Rows(sql, prefix, "encode(x.token, 'hex'), x.state", "registry.updates_history")) {
    // 1 and 2: succeeded and failed, storage::UpdateState.
    record.devices[row[0]].closed.push_back({absl::HexStringToBytes(row[1]), row[2] == "1"});
  }
  for (const Columns& row :
       Rows(sql, prefix, "x.kind, count(*)", "audit.entries", "GROUP BY d.name, x.kind")) {
    record.devices[row[0]].audit[row[1]] = Number(row[2]);
  }
  const Columns totals =
      absl::StrSplit(absl::StripAsciiWhitespace(sql("SELECT (SELECT count(*) FROM audit.entries), "
                                                    "(SELECT count(*) FROM audit.pending)")),
                     '|');
  if (totals.size() != 2) return absl::InternalError("audit: no totals");
  record.audit_entries = Number(totals[0]);
  record.audit_pending = Number(totals[1]);
  return record;
}

}  // namespace tam::testing

#include "teep/suit/report.h"

#include "crypto/cbor/cbor.h"
#include "crypto/text/text.h"
#include "teep/suit/items.h"
#include "teep/suit/status_macros.h"

namespace tam::suit {
namespace {

constexpr int64_t kNonceKey = 2;
constexpr int64_t kRecordsKey = 3;
constexpr int64_t kResultKey = 4;
constexpr int64_t kResultCodeKey = 5;
constexpr int64_t kResultRecordKey = 6;
constexpr int64_t kResultReasonKey = 7;
constexpr int64_t kCapabilityKey = 8;
constexpr int64_t kReferenceKey = 99;
constexpr int64_t kClaimsComponentKey = 0;

constexpr size_t kMaxRecords = 4096;
constexpr size_t kMaxPath = 16;
constexpr size_t kMaxUriBytes = 2048;

absl::StatusOr<Parameters> ReadParameters(const cbor::Item& item, bool with_component) {
  SUIT_RETURN_IF_ERROR(item.CheckMap());
  Parameters parameters;
  for (const auto [key, value] : item.each_pair()) {
    SUIT_ASSIGN_OR_RETURN(const int64_t label, key.Int());
    if (with_component && label == kClaimsComponentKey) continue;
    parameters.emplace(label, cbor::AsString(value.encoded()));
  }
  return parameters;
}

//   SUIT_Record = [manifest-id: [* uint], section: int, offset: uint, component-index: uint,
//                  properties: { * parameter }]
absl::StatusOr<Record> ReadRecord(const cbor::Item& item) {
  SUIT_RETURN_IF_ERROR(item.CheckArray(5, 5));
  Record record;
  SUIT_RETURN_IF_ERROR(item.at(0).CheckArray(0, kMaxPath));
  for (const cbor::Item element : item.at(0).each()) {
    SUIT_ASSIGN_OR_RETURN(const uint64_t step, element.Uint());
    record.manifest_id.push_back(step);
  }
  SUIT_ASSIGN_OR_RETURN(record.section, item.at(1).Int());
  SUIT_ASSIGN_OR_RETURN(record.offset, item.at(2).Uint());
  SUIT_ASSIGN_OR_RETURN(record.component_index, item.at(3).Uint());
  SUIT_ASSIGN_OR_RETURN(record.parameters, ReadParameters(item.at(4), false));
  return record;
}

//   system-property-claims = { 0: component-id, + parameter }
absl::StatusOr<ReportedClaims> ReadClaims(const cbor::Item& item) {
  ReportedClaims claims;
  SUIT_ASSIGN_OR_RETURN(const cbor::Item id, item.Get(kClaimsComponentKey));
  SUIT_ASSIGN_OR_RETURN(claims.component_id, ComponentIdFrom(id));
  SUIT_ASSIGN_OR_RETURN(claims.parameters, ReadParameters(item, true));
  if (claims.parameters.empty()) return item.Error("want at least one parameter beside key 0");
  return claims;
}

absl::Status ReadRecords(const cbor::Item& item, Report& report) {
  SUIT_RETURN_IF_ERROR(item.CheckArray(0, kMaxRecords));
  for (const cbor::Item element : item.each()) {
    if (element.is_map()) {
      SUIT_ASSIGN_OR_RETURN(ReportedClaims claims, ReadClaims(element));
      report.claims.push_back(std::move(claims));
    } else {
      SUIT_ASSIGN_OR_RETURN(Record record, ReadRecord(element));
      report.records.push_back(std::move(record));
    }
  }
  return absl::OkStatus();
}

//   result = true / { 5: int, 6: SUIT_Record, 7: reason }
absl::Status ReadResult(const cbor::Item& item, Report& report) {
  if (item.is_bool()) {
    SUIT_ASSIGN_OR_RETURN(const bool success, item.Bool());
    return success ? absl::OkStatus() : item.Error("want true or a map, got false");
  }
  SUIT_RETURN_IF_ERROR(item.CheckMap(3));
  Report::Failure failure;
  SUIT_ASSIGN_OR_RETURN(const cbor::Item code, item.Get(kResultCodeKey));
  SUIT_ASSIGN_OR_RETURN(failure.code, code.Int());
  SUIT_ASSIGN_OR_RETURN(const cbor::Item record, item.Get(kResultRecordKey));
  SUIT_ASSIGN_OR_RETURN(failure.record, ReadRecord(record));
  SUIT_ASSIGN_OR_RETURN(const cbor::Item reason, item.Get(kResultReasonKey));
  SUIT_ASSIGN_OR_RETURN(const uint64_t number, reason.Uint());
  failure.reason = static_cast<ReportReason>(number);
  report.failure = std::move(failure);
  return absl::OkStatus();
}

absl::Status ReadReference(const cbor::Item& item, Report& report) {
  SUIT_RETURN_IF_ERROR(item.CheckArray(2, 2));
  SUIT_ASSIGN_OR_RETURN(std::string_view uri, item.at(0).Text(0, kMaxUriBytes));
  report.reference_uri = std::string(uri);
  SUIT_ASSIGN_OR_RETURN(report.manifest_digest, DigestFrom(item.at(1)));
  return absl::OkStatus();
}

absl::StatusOr<Report> ReadReport(const cbor::Item& root) {
  SUIT_RETURN_IF_ERROR(root.CheckMap(3));
  Report report;
  SUIT_ASSIGN_OR_RETURN(const cbor::Item reference, root.Get(kReferenceKey));
  SUIT_RETURN_IF_ERROR(ReadReference(reference, report));
  if (const auto nonce = root.Find(kNonceKey)) {
    SUIT_ASSIGN_OR_RETURN(Bytes bytes, nonce->ByteString(1, 512));
    report.nonce = cbor::AsString(bytes);
  }
  SUIT_ASSIGN_OR_RETURN(const cbor::Item records, root.Get(kRecordsKey));
  SUIT_RETURN_IF_ERROR(ReadRecords(records, report));
  SUIT_ASSIGN_OR_RETURN(const cbor::Item result, root.Get(kResultKey));
  SUIT_RETURN_IF_ERROR(ReadResult(result, report));
  if (const auto capability = root.Find(kCapabilityKey)) {
    SUIT_RETURN_IF_ERROR(capability->CheckMap());
    report.capability_report = cbor::AsString(capability->encoded());
  }
  return report;
}

std::string EncodeLabel(int64_t label) {
  cbor::Writer writer;
  writer.Int(label);
  return std::move(writer).Take();
}

cbor::MapBuilder ParametersBuilder(const Parameters& parameters) {
  cbor::MapBuilder map;
  for (const auto& [label, value] : parameters) map.SetRaw(EncodeLabel(label), value);
  return map;
}

void WriteRecord(const Record& record, cbor::Writer& writer) {
  writer.Array(5).Array(record.manifest_id.size());
  for (const uint64_t step : record.manifest_id) writer.Uint(step);
  writer.Int(record.section).Uint(record.offset).Uint(record.component_index);
  ParametersBuilder(record.parameters).WriteTo(writer);
}

cbor::Writer EncodeResult(const std::optional<Report::Failure>& failure) {
  cbor::Writer writer;
  if (!failure.has_value()) {
    writer.Bool(true);
    return writer;
  }
  cbor::Writer code;
  code.Int(failure->code);
  cbor::Writer record;
  WriteRecord(failure->record, record);
  cbor::Writer reason;
  reason.Uint(static_cast<uint64_t>(failure->reason));
  cbor::MapBuilder map;
  map.Set(kResultCodeKey, std::move(code));
  map.Set(kResultRecordKey, std::move(record));
  map.Set(kResultReasonKey, std::move(reason));
  map.WriteTo(writer);
  return writer;
}

}  // namespace

std::string ReportReasonName(ReportReason reason) {
  static constexpr const char* kNames[] = {
      "ok",
      "cbor-parse",
      "cose-unsupported",
      "algorithm-unsupported",
      "unauthorised",
      "command-unsupported",
      "component-unsupported",
      "component-unauthorised",
      "parameter-unsupported",
      "severing-unsupported",
      "condition-failed",
      "operation-failed",
      "invoke-pending",
  };
  const uint64_t number = static_cast<uint64_t>(reason);
  return number < std::size(kNames) ? kNames[number] : Concat("unknown reason ", number);
}

absl::StatusOr<Report> ParseReport(Bytes encoded) {
  SUIT_ASSIGN_OR_RETURN(cbor::Document document,
                        cbor::Document::Parse(encoded, cbor::Limits(), "suit-report"));
  return ReadReport(document.root());
}

absl::StatusOr<std::string> EncodeReport(const Report& report) {
  cbor::Writer reference;
  reference.Array(2).Text(report.reference_uri).Raw(EncodeDigest(report.manifest_digest));
  cbor::Writer records;
  records.Array(report.records.size() + report.claims.size());
  for (const Record& record : report.records) WriteRecord(record, records);
  for (const ReportedClaims& claims : report.claims) {
    cbor::MapBuilder map = ParametersBuilder(claims.parameters);
    map.SetRaw(EncodeLabel(kClaimsComponentKey), EncodeComponentId(claims.component_id));
    map.WriteTo(records);
  }
  cbor::MapBuilder map;
  map.Set(kReferenceKey, std::move(reference));
  map.Set(kRecordsKey, std::move(records));
  map.Set(kResultKey, EncodeResult(report.failure));
  if (report.nonce.has_value()) {
    cbor::Writer nonce;
    nonce.ByteString(*report.nonce);
    map.Set(kNonceKey, std::move(nonce));
  }
  if (report.capability_report.has_value()) {
    map.SetRaw(EncodeLabel(kCapabilityKey), *report.capability_report);
  }
  std::string encoded = map.Encode();
  // Nothing is written that a reader would refuse.
  SUIT_RETURN_IF_ERROR(ParseReport(cbor::AsBytes(encoded)).status());
  return encoded;
}

}  // namespace tam::suit

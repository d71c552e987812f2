#include "crypto/text/text.h"
#include "tools/tamctl/nouns/device.h"
#include "tools/tamctl/output.h"

namespace tam::tamctl {
namespace {

using google::protobuf::Message;

// An indented table; a line saying so when there is nothing.
template <typename Rows>
void Section(Context& context, std::string_view title, const Rows& rows,
             const std::vector<Column>& columns, std::string_view none) {
  if (rows.empty()) {
    context.out() << "\n" << title << ": " << none << "\n";
    return;
  }
  std::vector<std::string> headers;
  for (const Column& column : columns) headers.emplace_back(column.header);
  std::vector<std::vector<std::string>> cells;
  for (const Message& row : rows) {
    std::vector<std::string>& line = cells.emplace_back();
    for (const Column& column : columns) line.push_back(FieldText(row, column));
  }
  context.out() << "\n" << title << ":\n";
  const std::string table = FormatTable(headers, cells);
  bool at_start = true;
  for (const char c : table) {
    if (at_start) context.out() << "  ";
    context.out() << c;
    at_start = c == '\n';
  }
}

void Attestation(Context& context, const v1::Device& device) {
  if (!device.has_last_attestation()) {
    context.out() << "\nLast attestation: none yet\n";
    return;
  }
  const v1::AttestationRecord& record = device.last_attestation();
  context.out() << "\nLast attestation: " << FieldText(record, {"", "verdict"}) << " at "
                << FieldText(record, {"", "time"}) << "\n";
  if (!record.payload_format().empty()) {
    context.out() << "  format: " << FieldText(record, {"", "payload_format"}) << "\n";
  }
  if (!record.claims_summary().empty()) {
    context.out() << "  claims: " << FieldText(record, {"", "claims_summary"}) << "\n";
  }
  if (record.verdict() != v1::VERDICT_REFUSED && record.reasons().empty()) return;
  Section(context, "Why it was refused", record.reasons(),
          {{"CLAIM", "claim"}, {"EXPECTED", "expected"}, {"FOUND", "found"}}, "no reason recorded");
}

void TurnedAway(Context& context, const v1::Device& device) {
  if (!device.has_last_turned_away()) return;
  const v1::TurnedAway& refusal = device.last_turned_away();
  context.out() << "\nLast turned away at "
                << FieldText(refusal, {"", "time_ms", Show::kMilliseconds})
                << ", unrecorded: " << FieldText(refusal, {"", "reason.claim"})
                << "\n  expected: " << FieldText(refusal, {"", "reason.expected"})
                << "\n  found:    " << FieldText(refusal, {"", "reason.found"}) << "\n";
}

}  // namespace

absl::Status PrintDevice(Context& context, const v1::Device& device) {
  if (context.format() != OutputFormat::kTable) return PrintStructured(context, device);
  const absl::Status status = PrintOne(context, device,
                                       {{"Name", "display_name"},
                                        {"UUID", "name", Show::kLastSegment},
                                        {"UEID", "ueid"},
                                        {"OEM id", "device_class.oemid"},
                                        {"Hardware model", "device_class.hwmodel"},
                                        {"Labels", "labels"},
                                        {"Created", "create_time"},
                                        {"Last contact", "last_contact_time"}});
  if (!status.ok()) return status;
  Section(context, "Installed", device.installed(),
          {{"COMPONENT", "component"},
           {"SEQUENCE", "sequence"},
           {"STATE", "state"},
           {"REPORTED", "report_time"},
           {"DIGEST", "digest", Show::kShortHex},
           {"REASON", "reason"}},
          "nothing");
  Attestation(context, device);
  TurnedAway(context, device);
  Section(context, "Open updates", device.open_updates(),
          {{"TOKEN", "token", Show::kShortHex},
           {"STATE", "state"},
           {"OPENED", "opened_ms", Show::kMilliseconds},
           {"DEADLINE", "deadline_ms", Show::kMilliseconds},
           {"UNLINKS", "unlinks", Show::kComponentId},
           {"ERROR", "err_code"}},
          "none");
  Section(context, "Agent keys", device.keys(),
          {{"THUMBPRINT", "thumbprint"},
           {"STATE", "state"},
           {"ENDPOINTS", "endpoints", Show::kLastSegment}},
          "none");
  return absl::OkStatus();
}

}  // namespace tam::tamctl

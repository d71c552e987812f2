#include "absl/time/time.h"
#include "crypto/text/text.h"
#include "proto/tam/v1/audit.pb.h"
#include "tools/tamctl/call.h"
#include "tools/tamctl/nouns/device.h"
#include "tools/tamctl/nouns/nouns.h"
#include "tools/tamctl/output.h"

namespace tam::tamctl {
namespace {

absl::Status ReadTime(Context& context, const std::string& flag,
                      google::protobuf::Timestamp* (v1::ListEntriesRequest::*field)(),
                      v1::ListEntriesRequest* request) {
  const auto text = context.Flag(flag);
  if (!text.has_value()) return absl::OkStatus();
  absl::Time time;
  std::string error;
  if (!absl::ParseTime(absl::RFC3339_full, *text, &time, &error)) {
    return UsageError(
        Concat("--", flag, ": want a time such as 2026-01-31T12:00:00Z, got '", *text, "'"));
  }
  (request->*field)()->set_seconds(absl::ToUnixSeconds(time));
  return absl::OkStatus();
}

absl::Status List(Context& context) {
  v1::ListEntriesRequest request;
  request.set_parent(context.Has("platform") ? "tenants/-" : context.TenantName());
  for (const absl::Status& status :
       {ReadTime(context, "since", &v1::ListEntriesRequest::mutable_start_time, &request),
        ReadTime(context, "until", &v1::ListEntriesRequest::mutable_end_time, &request)}) {
    if (!status.ok()) return status;
  }
  if (context.Has("device")) {
    const auto device = GetDevice(context, *context.Flag("device"));
    if (!device.ok()) return device.status();
    request.set_device(device->name());
  }
  const auto answer = CallPages<v1::ListEntriesResponse>(
      context, "AuditService/ListEntries", request,
      [](const v1::ListEntriesResponse& all) { return all.entries_size(); });
  if (!answer.ok()) return answer.status();
  return PrintList(context, *answer, "entries",
                   {{"TIME", "time"},
                    {"ACTION", "action"},
                    {"ACTOR", "actor"},
                    {"RESOURCE", "resource"},
                    {"DETAIL", "detail"}});
}

}  // namespace

std::vector<Command> AuditCommands() {
  return {{.noun = "audit",
           .verb = "list",
           .summary = "list what was done, newest first",
           .flags = {{"device", "NAME|UUID", "only what is about it"},
                     {"since", "TIME", "only from then on"},
                     {"until", "TIME", "only before then"},
                     {"platform", "", "acts of the platform instead (administrators)"},
                     kLimitFlag},
           .example = "tamctl audit list --since 2026-01-31T00:00:00Z --limit 20",
           .run = List}};
}

}  // namespace tam::tamctl

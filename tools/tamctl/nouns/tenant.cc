#include "proto/tam/v1/registry.pb.h"
#include "tools/tamctl/call.h"
#include "tools/tamctl/nouns/nouns.h"
#include "tools/tamctl/output.h"

namespace tam::tamctl {
namespace {

const std::vector<Column>& Columns() {
  static const auto& columns = *new std::vector<Column>{{"NAME", "name", Show::kLastSegment},
                                                        {"DISPLAY NAME", "display_name"},
                                                        {"STATE", "state"},
                                                        {"UID", "uid"},
                                                        {"CREATED", "create_time"}};
  return columns;
}

std::string TenantArgument(const std::string& argument) {
  return argument.rfind("tenants/", 0) == 0 ? argument : "tenants/" + argument;
}

absl::Status Create(Context& context) {
  v1::CreateTenantRequest request;
  request.mutable_tenant()->set_name(TenantArgument(context.arguments()[0]));
  request.mutable_tenant()->set_display_name(context.FlagOr("display-name", ""));
  request.set_request_id(context.FlagOr("request-id", ""));
  const auto answer =
      Call<v1::CreateTenantResponse>(context, "RegistryService/CreateTenant", request);
  return answer.ok() ? PrintOne(context, answer->tenant(), Columns()) : answer.status();
}

absl::Status List(Context& context) {
  const auto answer = CallPages<v1::ListTenantsResponse>(
      context, "RegistryService/ListTenants", v1::ListTenantsRequest(),
      [](const v1::ListTenantsResponse& all) { return all.tenants_size(); });
  return answer.ok() ? PrintList(context, *answer, "tenants", Columns()) : answer.status();
}

absl::Status ShowOne(Context& context) {
  v1::GetTenantRequest request;
  request.set_name(TenantArgument(context.arguments()[0]));
  const auto answer = Call<v1::GetTenantResponse>(context, "RegistryService/GetTenant", request);
  return answer.ok() ? PrintOne(context, answer->tenant(), Columns()) : answer.status();
}

absl::Status SetState(Context& context, v1::TenantState state) {
  v1::SetTenantStateRequest request;
  request.set_name(TenantArgument(context.arguments()[0]));
  request.set_state(state);
  request.set_etag(context.FlagOr("etag", ""));
  const auto answer =
      Call<v1::SetTenantStateResponse>(context, "RegistryService/SetTenantState", request);
  return answer.ok() ? PrintOne(context, answer->tenant(), Columns()) : answer.status();
}

absl::Status Suspend(Context& context) { return SetState(context, v1::TENANT_STATE_SUSPENDED); }
absl::Status Resume(Context& context) { return SetState(context, v1::TENANT_STATE_ACTIVE); }

absl::Status Delete(Context& context) {
  v1::DeleteTenantRequest request;
  request.set_name(TenantArgument(context.arguments()[0]));
  request.set_etag(context.FlagOr("etag", ""));
  return Call<v1::DeleteTenantResponse>(context, "RegistryService/DeleteTenant", request).status();
}

}  // namespace

std::vector<Command> TenantCommands() {
  return {{.noun = "tenant",
           .verb = "create",
           .arguments = "NAME",
           .min_arguments = 1,
           .max_arguments = 1,
           .summary = "create a tenant (platform administrators)",
           .flags = {{"display-name", "TEXT", "for people"}, kRequestIdFlag},
           .example = "tamctl tenant create acme --display-name Acme",
           .run = Create},
          {.noun = "tenant",
           .verb = "list",
           .summary = "list all tenants (platform administrators)",
           .flags = {kLimitFlag},
           .example = "tamctl tenant list -o json",
           .run = List},
          {.noun = "tenant",
           .verb = "show",
           .arguments = "NAME",
           .min_arguments = 1,
           .max_arguments = 1,
           .summary = "show a tenant",
           .example = "tamctl tenant show acme",
           .run = ShowOne},
          {.noun = "tenant",
           .verb = "suspend",
           .arguments = "NAME",
           .min_arguments = 1,
           .max_arguments = 1,
           .summary = "stop serving a tenant's devices (platform administrators)",
           .flags = {kEtagFlag},
           .example = "tamctl tenant suspend acme",
           .run = Suspend},
          {.noun = "tenant",
           .verb = "resume",
           .arguments = "NAME",
           .min_arguments = 1,
           .max_arguments = 1,
           .summary = "serve a suspended tenant's devices again (platform administrators)",
           .flags = {kEtagFlag},
           .example = "tamctl tenant resume acme",
           .run = Resume},
          {.noun = "tenant",
           .verb = "delete",
           .arguments = "NAME",
           .min_arguments = 1,
           .max_arguments = 1,
           .summary =
               "delete a tenant that has no endpoint, device or domain left; its name stays taken",
           .flags = {kEtagFlag},
           .example = "tamctl tenant delete acme",
           .run = Delete}};
}

}  // namespace tam::tamctl

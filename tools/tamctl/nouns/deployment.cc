#include "crypto/text/text.h"
#include "proto/tam/v1/catalog.pb.h"
#include "tools/tamctl/call.h"
#include "tools/tamctl/component_text.h"
#include "tools/tamctl/nouns/nouns.h"
#include "tools/tamctl/output.h"

namespace tam::tamctl {
namespace {

const std::vector<Column>& ListColumns() {
  static const auto& columns =
      *new std::vector<Column>{{"NAME", "name", Show::kLastSegment},
                               {"DOMAIN", "domain", Show::kLastSegment},
                               {"COMPONENT", "component"},
                               {"PINNED", "pinned_manifest", Show::kShortHex},
                               {"DEVICES", "selector"},
                               {"UNATTESTED", "allow_unattested"},
                               {"PAUSED", "paused"}};
  return columns;
}

const std::vector<Column>& Columns() {
  static const auto& columns = *new std::vector<Column>{{"Name", "name"},
                                                        {"Domain", "domain"},
                                                        {"Component", "component"},
                                                        {"Pinned manifest", "pinned_manifest"},
                                                        {"Devices", "selector"},
                                                        {"Unattested allowed", "allow_unattested"},
                                                        {"Paused", "paused"},
                                                        {"Created", "create_time"},
                                                        {"Etag", "etag"}};
  return columns;
}

absl::Status ReadSelector(Context& context, v1::DeviceSelector* selector) {
  for (const std::string& device : context.Flags("device")) selector->add_devices(device);
  for (const std::string& label : context.Flags("label")) {
    const size_t equals = label.find('=');
    if (equals == std::string::npos || equals == 0) {
      return UsageError(Concat("--label: want NAME=VALUE, got '", label, "'"));
    }
    (*selector->mutable_labels())[label.substr(0, equals)] = label.substr(equals + 1);
  }
  for (const char* flag : {"oemid", "hwmodel"}) {
    if (!context.Has(flag)) continue;
    const std::string text = *context.Flag(flag);
    const auto bytes = ParseHex(text);
    if (std::string_view(flag) == "hwmodel") {
      selector->mutable_device_class()->set_hwmodel(bytes.ok() ? *bytes : text);
    } else if (bytes.ok()) {
      selector->mutable_device_class()->set_oemid(*bytes);
    } else {
      return UsageError(Concat("--oemid: ", StdView(bytes.status().message())));
    }
  }
  return absl::OkStatus();
}

absl::Status Create(Context& context) {
  v1::CreateDeploymentRequest request;
  request.set_parent(context.TenantName());
  request.set_deployment_id(context.arguments()[0]);
  request.set_request_id(context.FlagOr("request-id", ""));
  v1::Deployment& deployment = *request.mutable_deployment();
  const auto domain = context.Required("domain");
  if (!domain.ok()) return domain.status();
  deployment.set_domain(context.ResourceName("domains", *domain));
  if (context.Has("component") == context.Has("manifest")) {
    return UsageError("want --component for its newest manifest, or --manifest to pin one");
  }
  if (context.Has("component")) {
    const auto id = ParseComponentText(*context.Flag("component"));
    if (!id.ok()) return UsageError(StdView(id.status().message()));
    deployment.set_component_id(suit::EncodeComponentId(*id));
  } else {
    const auto digest = ParseHex(*context.Flag("manifest"));
    if (!digest.ok() || digest->size() != 32) {
      return UsageError("--manifest: want a SHA-256 of 64 hex digits");
    }
    deployment.set_pinned_manifest(*digest);
  }
  deployment.set_allow_unattested(context.Has("allow-unattested"));
  v1::DeviceSelector selector;
  const absl::Status status = ReadSelector(context, &selector);
  if (!status.ok()) return status;
  if (selector.ByteSizeLong() > 0) *deployment.mutable_selector() = selector;
  const auto answer =
      Call<v1::CreateDeploymentResponse>(context, "CatalogService/CreateDeployment", request);
  return answer.ok() ? PrintOne(context, answer->deployment(), Columns()) : answer.status();
}

absl::Status List(Context& context) {
  v1::ListDeploymentsRequest request;
  request.set_parent(context.TenantName());
  const auto answer = CallPages<v1::ListDeploymentsResponse>(
      context, "CatalogService/ListDeployments", request,
      [](const v1::ListDeploymentsResponse& all) { return all.deployments_size(); });
  return answer.ok() ? PrintList(context, *answer, "deployments", ListColumns()) : answer.status();
}

absl::Status ShowOne(Context& context) {
  v1::GetDeploymentRequest request;
  request.set_name(context.ResourceName("deployments", context.arguments()[0]));
  const auto answer =
      Call<v1::GetDeploymentResponse>(context, "CatalogService/GetDeployment", request);
  return answer.ok() ? PrintOne(context, answer->deployment(), Columns()) : answer.status();
}

absl::Status SetPaused(Context& context, bool paused) {
  v1::GetDeploymentRequest get;
  get.set_name(context.ResourceName("deployments", context.arguments()[0]));
  const auto read = Call<v1::GetDeploymentResponse>(context, "CatalogService/GetDeployment", get);
  if (!read.ok()) return read.status();
  v1::UpdateDeploymentRequest request;
  request.set_name(read->deployment().name());
  *request.mutable_deployment() = read->deployment();
  request.mutable_deployment()->set_paused(paused);
  const auto answer =
      Call<v1::UpdateDeploymentResponse>(context, "CatalogService/UpdateDeployment", request);
  return answer.ok() ? PrintOne(context, answer->deployment(), Columns()) : answer.status();
}

absl::Status Pause(Context& context) { return SetPaused(context, true); }
absl::Status Resume(Context& context) { return SetPaused(context, false); }

absl::Status Delete(Context& context) {
  v1::DeleteDeploymentRequest request;
  request.set_name(context.ResourceName("deployments", context.arguments()[0]));
  request.set_etag(context.FlagOr("etag", ""));
  return Call<v1::DeleteDeploymentResponse>(context, "CatalogService/DeleteDeployment", request)
      .status();
}

}  // namespace

std::vector<Command> DeploymentCommands() {
  return {{.noun = "deployment",
           .verb = "create",
           .arguments = "NAME",
           .min_arguments = 1,
           .max_arguments = 1,
           .summary = "say which devices should hold a component",
           .details = "Without --device, --label, --oemid and --hwmodel it is for every device of "
                      "the tenant; all that are given must match.",
           .flags = {{"domain", "NAME", "the security domain that published it"},
                     {"component", "COMPONENT", "manifest component; always the newest manifest"},
                     {"manifest", "DIGEST", "or the one manifest, by its digest in hex"},
                     {"device", "UUID", "repeat for more"},
                     {"label", "NAME=VALUE", "repeat for more"},
                     {"oemid", "HEX", "hardware vendor"},
                     {"hwmodel", "HEX|TEXT", "hardware model"},
                     {"allow-unattested", "", "devices without accepted attestation get it too"},
                     kRequestIdFlag},
           .example = "tamctl deployment create meters --domain apps --component "
                      "TEEP-Device/SecureFS/8d82573a-926d-4754-9353-32dc29997f74/ta/manifest "
                      "--label site=north",
           .run = Create},
          {.noun = "deployment",
           .verb = "list",
           .summary = "list a tenant's deployments",
           .flags = {kLimitFlag},
           .example = "tamctl deployment list",
           .run = List},
          {.noun = "deployment",
           .verb = "show",
           .arguments = "NAME",
           .min_arguments = 1,
           .max_arguments = 1,
           .summary = "show a deployment",
           .example = "tamctl deployment show meters",
           .run = ShowOne},
          {.noun = "deployment",
           .verb = "pause",
           .arguments = "NAME",
           .min_arguments = 1,
           .max_arguments = 1,
           .summary = "let a deployment install nothing new and unlink nothing",
           .example = "tamctl deployment pause meters",
           .run = Pause},
          {.noun = "deployment",
           .verb = "resume",
           .arguments = "NAME",
           .min_arguments = 1,
           .max_arguments = 1,
           .summary = "undo a pause",
           .example = "tamctl deployment resume meters",
           .run = Resume},
          {.noun = "deployment",
           .verb = "delete",
           .arguments = "NAME",
           .min_arguments = 1,
           .max_arguments = 1,
           .summary = "delete a deployment: devices unlink what no other one wants",
           .flags = {kEtagFlag},
           .example = "tamctl deployment delete meters",
           .run = Delete}};
}

}  // namespace tam::tamctl

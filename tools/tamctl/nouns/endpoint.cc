#include <algorithm>

#include "crypto/text/text.h"
#include "proto/tam/v1/registry.pb.h"
#include "tools/tamctl/call.h"
#include "tools/tamctl/nouns/nouns.h"
#include "tools/tamctl/output.h"

namespace tam::tamctl {
namespace {

const std::vector<Column>& ListColumns() {
  static const auto& columns = *new std::vector<Column>{{"NAME", "name", Show::kLastSegment},
                                                        {"PATH", "path"},
                                                        {"PROFILE", "wire_profile"},
                                                        {"ATTESTATION", "attestation_required"},
                                                        {"GENERATION", "config_generation"}};
  return columns;
}

const std::vector<Column>& Columns() {
  static const auto& columns =
      *new std::vector<Column>{{"Name", "name"},
                               {"Path", "path"},
                               {"Wire profile", "wire_profile"},
                               {"Attestation required", "attestation_required"},
                               {"Data items asked for", "data_items"},
                               {"Challenge lifetime, s", "challenge_lifetime_seconds"},
                               {"Update deadline, s", "update_deadline_seconds"},
                               {"Largest message, bytes", "max_message_bytes"},
                               {"Devices bring results", "passport"},
                               {"Freshness by timestamp too", "timestamps"},
                               {"Results go back", "return_results"},
                               {"Older algorithms", "legacy.older_algorithms"},
                               {"Untagged messages", "legacy.untagged"},
                               {"Messages without kid", "legacy.keys_without_kid"},
                               {"Requests as COSE_Sign1 by", "legacy.sign1_suite"},
                               {"Configuration", "config_generation"},
                               {"Created", "create_time"},
                               {"Etag", "etag"}};
  return columns;
}

// `--legacy-allow` replaces what is allowed; "none" allows nothing.
absl::Status SetAllowed(std::string_view list, v1::LegacyOptions* legacy) {
  legacy->set_older_algorithms(false);
  legacy->set_untagged(false);
  legacy->set_keys_without_kid(false);
  while (!list.empty() && list != "none") {
    const std::string_view word = list.substr(0, list.find(','));
    if (word == "older-algorithms") {
      legacy->set_older_algorithms(true);
    } else if (word == "untagged") {
      legacy->set_untagged(true);
    } else if (word == "no-kid") {
      legacy->set_keys_without_kid(true);
    } else {
      return UsageError(Concat(
          "--legacy-allow: want none, or of older-algorithms, untagged and no-kid with commas "
          "between, got '",
          word, "'"));
    }
    list.remove_prefix(std::min(list.size(), word.size() + 1));
  }
  return absl::OkStatus();
}

absl::Status ApplyLegacyFlags(Context& context, v1::Endpoint* endpoint) {
  const std::string profile = context.FlagOr("wire-profile", "");
  if (profile == "draft-26") {
    endpoint->set_wire_profile(v1::WIRE_PROFILE_DRAFT_26);
    endpoint->clear_legacy();
  } else if (profile == "legacy") {
    endpoint->set_wire_profile(v1::WIRE_PROFILE_LEGACY);
  } else if (!profile.empty()) {
    return UsageError(Concat("--wire-profile: want draft-26 or legacy, got '", profile, "'"));
  }
  if (context.Has("legacy-allow")) {
    auto s = SetAllowed(*context.Flag("legacy-allow"), endpoint->mutable_legacy());
    if (!s.ok()) return s;
  }
  const std::string suite = context.FlagOr("legacy-sign1", "");
  if (suite == "esp256") {
    endpoint->mutable_legacy()->set_sign1_suite(v1::CIPHER_SUITE_ESP256);
  } else if (suite == "ed25519") {
    endpoint->mutable_legacy()->set_sign1_suite(v1::CIPHER_SUITE_ED25519);
  } else if (suite == "none") {
    endpoint->mutable_legacy()->clear_sign1_suite();
  } else if (!suite.empty()) {
    return UsageError(Concat("--legacy-sign1: want esp256, ed25519 or none, got '", suite, "'"));
  }
  return absl::OkStatus();
}

// Each option has a flag that sets it and one that takes it back.
absl::Status ApplyAttestationFlags(Context& context, v1::Endpoint* endpoint) {
  struct Option {
    const char* name;
    void (v1::Endpoint::*set)(bool);
  };
  constexpr Option kOptions[] = {{"passport", &v1::Endpoint::set_passport},
                                 {"timestamps", &v1::Endpoint::set_timestamps},
                                 {"return-results", &v1::Endpoint::set_return_results}};
  for (const Option& option : kOptions) {
    const bool off = context.Has(Concat("no-", option.name));
    if (context.Has(option.name) && off) {
      return UsageError(
          Concat("--", option.name, " and --no-", option.name, " exclude each other"));
    }
    if (context.Has(option.name) || off) (endpoint->*option.set)(!off);
  }
  return absl::OkStatus();
}

// Flags onto what is there; a flag that is absent leaves its field.
absl::Status ApplyFlags(Context& context, v1::Endpoint* endpoint) {
  const auto yes = [&](const char* name) { return context.Has(name); };
  if (yes("attestation") && yes("no-attestation")) {
    return UsageError("--attestation and --no-attestation exclude each other");
  }
  if (yes("attestation")) endpoint->set_attestation_required(true);
  if (yes("no-attestation")) endpoint->set_attestation_required(false);
  // The data items follow, where they are not given.
  if (yes("attestation") || yes("no-attestation")) endpoint->set_data_items(0);
  if (auto s = ApplyAttestationFlags(context, endpoint); !s.ok()) return s;
  if (auto s = ApplyLegacyFlags(context, endpoint); !s.ok()) return s;
  const auto items = context.Number("data-items", endpoint->data_items(), 15);
  const auto lifetime =
      context.Number("challenge-lifetime", endpoint->challenge_lifetime_seconds(), 21600);
  const auto deadline =
      context.Number("update-deadline", endpoint->update_deadline_seconds(), 2592000);
  const auto largest = context.Number("max-message", endpoint->max_message_bytes(), 1 << 20);
  for (const auto* number : {&items, &lifetime, &deadline, &largest}) {
    if (!number->ok()) return number->status();
  }
  endpoint->set_data_items(static_cast<uint32_t>(*items));
  endpoint->set_challenge_lifetime_seconds(static_cast<int64_t>(*lifetime));
  endpoint->set_update_deadline_seconds(static_cast<int64_t>(*deadline));
  endpoint->set_max_message_bytes(static_cast<int64_t>(*largest));
  return absl::OkStatus();
}

absl::Status Create(Context& context) {
  v1::CreateEndpointRequest request;
  request.set_parent(context.TenantName());
  request.set_endpoint_id(context.arguments()[0]);
  request.set_request_id(context.FlagOr("request-id", ""));
  request.mutable_endpoint()->set_attestation_required(true);
  const absl::Status status = ApplyFlags(context, request.mutable_endpoint());
  if (!status.ok()) return status;
  const auto answer =
      Call<v1::CreateEndpointResponse>(context, "RegistryService/CreateEndpoint", request);
  return answer.ok() ? PrintOne(context, answer->endpoint(), Columns()) : answer.status();
}

absl::StatusOr<v1::Endpoint> Get(Context& context) {
  v1::GetEndpointRequest request;
  request.set_name(context.ResourceName("endpoints", context.arguments()[0]));
  const auto answer =
      Call<v1::GetEndpointResponse>(context, "RegistryService/GetEndpoint", request);
  if (!answer.ok()) return answer.status();
  return answer->endpoint();
}

absl::Status ShowOne(Context& context) {
  const auto endpoint = Get(context);
  return endpoint.ok() ? PrintOne(context, *endpoint, Columns()) : endpoint.status();
}

absl::Status List(Context& context) {
  v1::ListEndpointsRequest request;
  request.set_parent(context.TenantName());
  const auto answer = CallPages<v1::ListEndpointsResponse>(
      context, "RegistryService/ListEndpoints", request,
      [](const v1::ListEndpointsResponse& all) { return all.endpoints_size(); });
  return answer.ok() ? PrintList(context, *answer, "endpoints", ListColumns()) : answer.status();
}

absl::Status Update(Context& context) {
  const auto endpoint = Get(context);
  if (!endpoint.ok()) return endpoint.status();
  v1::UpdateEndpointRequest request;
  request.set_name(endpoint->name());
  *request.mutable_endpoint() = *endpoint;
  if (context.Has("etag")) request.mutable_endpoint()->set_etag(*context.Flag("etag"));
  const absl::Status status = ApplyFlags(context, request.mutable_endpoint());
  if (!status.ok()) return status;
  const auto answer =
      Call<v1::UpdateEndpointResponse>(context, "RegistryService/UpdateEndpoint", request);
  return answer.ok() ? PrintOne(context, answer->endpoint(), Columns()) : answer.status();
}

absl::Status Delete(Context& context) {
  v1::DeleteEndpointRequest request;
  request.set_name(context.ResourceName("endpoints", context.arguments()[0]));
  request.set_etag(context.FlagOr("etag", ""));
  return Call<v1::DeleteEndpointResponse>(context, "RegistryService/DeleteEndpoint", request)
      .status();
}

std::vector<Flag> SettingFlags(Flag more) {
  return {{"attestation", "", "devices must attest (what a new endpoint asks for)"},
          {"no-attestation", "", "devices need not attest"},
          {"passport", "", "devices bring results of a verifier that the tenant accepts"},
          {"no-passport", "", "they bring evidence (what a new endpoint asks for)"},
          {"timestamps", "", "evidence may name its time instead of a nonce"},
          {"no-timestamps", "", "evidence has a nonce (what a new endpoint asks for)"},
          {"return-results", "", "Updates hand Attestation Results to devices"},
          {"no-return-results", "", "they do not (as for a new endpoint)"},
          {"wire-profile", "NAME", "draft-26 or legacy"},
          {"legacy-allow", "LIST", "older-algorithms, untagged, no-kid; none"},
          {"legacy-sign1", "SUITE", "requests as COSE_Sign1 by esp256 or ed25519; none"},
          {"data-items", "BITS", "1 attestation, 2 components, 4 extensions, 8 SUIT reports"},
          {"challenge-lifetime", "SECONDS", "60 to 21600"},
          {"update-deadline", "SECONDS", "60 to 2592000"},
          {"max-message", "BYTES", "1024 to 1048576"},
          more};
}

}  // namespace

std::vector<Command> EndpointCommands() {
  return {{.noun = "endpoint",
           .verb = "create",
           .arguments = "NAME",
           .min_arguments = 1,
           .max_arguments = 1,
           .summary = "create a TAM URI: /tam/TENANT/NAME",
           .flags = SettingFlags(kRequestIdFlag),
           .example = "tamctl endpoint create main --tenant acme --attestation",
           .run = Create},
          {.noun = "endpoint",
           .verb = "list",
           .summary = "list a tenant's endpoints",
           .flags = {kLimitFlag},
           .example = "tamctl endpoint list --tenant acme",
           .run = List},
          {.noun = "endpoint",
           .verb = "show",
           .arguments = "NAME",
           .min_arguments = 1,
           .max_arguments = 1,
           .summary = "show an endpoint",
           .example = "tamctl endpoint show main -o yaml",
           .run = ShowOne},
          {.noun = "endpoint",
           .verb = "update",
           .arguments = "NAME",
           .min_arguments = 1,
           .max_arguments = 1,
           .summary = "change settings of an endpoint; what has no flag stays",
           .flags = SettingFlags(kEtagFlag),
           .example = "tamctl endpoint update main --update-deadline 3600",
           .run = Update},
          {.noun = "endpoint",
           .verb = "delete",
           .arguments = "NAME",
           .min_arguments = 1,
           .max_arguments = 1,
           .summary = "delete an endpoint; devices keep their keys",
           .flags = {kEtagFlag},
           .example = "tamctl endpoint delete main",
           .run = Delete}};
}

}  // namespace tam::tamctl

#include "absl/strings/escaping.h"
#include "crypto/cbor/cbor.h"
#include "crypto/text/text.h"
#include "proto/tam/v1/catalog.pb.h"
#include "teep/suit/envelope.h"
#include "tools/tamctl/call.h"
#include "tools/tamctl/nouns/manifest_columns.h"
#include "tools/tamctl/nouns/nouns.h"

namespace tam::tamctl {
namespace {

absl::StatusOr<std::string> DomainName(Context& context) {
  const auto domain = context.Required("domain");
  if (!domain.ok()) return domain.status();
  return context.ResourceName("domains", *domain);
}

absl::Status Publish(Context& context) {
  const auto parent = DomainName(context);
  if (!parent.ok()) return parent.status();
  auto envelope = context.ReadFile(context.arguments()[0]);
  if (!envelope.ok()) return envelope.status();
  // A wrong file is better refused here, with the place in it, than after the upload.
  const auto parsed = suit::Envelope::Parse(cbor::AsBytes(*envelope));
  if (!parsed.ok()) {
    return absl::InvalidArgumentError(
        Concat(context.arguments()[0], ": no SUIT envelope: ", StdView(parsed.status().message())));
  }
  v1::PublishManifestRequest request;
  request.set_parent(*parent);
  request.set_envelope(*std::move(envelope));
  request.set_request_id(context.FlagOr("request-id", ""));
  const auto answer =
      Call<v1::PublishManifestResponse>(context, "CatalogService/PublishManifest", request);
  if (!answer.ok()) return answer.status();
  for (const std::string& warning : answer->warnings()) {
    context.err() << "tamctl: warning: " << warning << "\n";
  }
  return PrintOne(context, answer->manifest(), ManifestColumns());
}

absl::Status List(Context& context) {
  const auto parent = DomainName(context);
  if (!parent.ok()) return parent.status();
  v1::ListComponentsRequest request;
  request.set_parent(*parent);
  const auto answer = CallPages<v1::ListComponentsResponse>(
      context, "CatalogService/ListComponents", request,
      [](const v1::ListComponentsResponse& all) { return all.components_size(); });
  if (!answer.ok()) return answer.status();
  return PrintList(context, *answer, "components",
                   {{"COMPONENT", "component"},
                    {"SEQUENCE", "latest_sequence"},
                    {"MANIFESTS", "manifest_count"},
                    {"LATEST", "latest_manifest", Show::kLastSegment}});
}

absl::StatusOr<std::string> ManifestName(Context& context) {
  const std::string& argument = context.arguments()[0];
  if (argument.rfind("tenants/", 0) == 0) return argument;
  const auto domain = DomainName(context);
  if (!domain.ok()) return domain.status();
  return Concat(*domain, "/manifests/", argument);
}

absl::Status ShowOne(Context& context) {
  const auto name = ManifestName(context);
  if (!name.ok()) return name.status();
  v1::GetManifestRequest request;
  request.set_name(*name);
  const auto answer = Call<v1::GetManifestResponse>(context, "CatalogService/GetManifest", request);
  return answer.ok() ? PrintOne(context, answer->manifest(), ManifestColumns()) : answer.status();
}

absl::Status Withdraw(Context& context) {
  const auto name = ManifestName(context);
  if (!name.ok()) return name.status();
  v1::WithdrawManifestRequest request;
  request.set_name(*name);
  request.set_etag(context.FlagOr("etag", ""));
  const auto answer =
      Call<v1::WithdrawManifestResponse>(context, "CatalogService/WithdrawManifest", request);
  return answer.ok() ? PrintOne(context, answer->manifest(), ManifestColumns()) : answer.status();
}

constexpr Flag kDomainFlag{"domain", "NAME", "the security domain"};

}  // namespace

const std::vector<Column>& ManifestColumns() {
  static const auto& columns = *new std::vector<Column>{{"Name", "name"},
                                                        {"Component", "component"},
                                                        {"Sequence number", "sequence"},
                                                        {"Installs", "components"},
                                                        {"Digest", "digest"},
                                                        {"Signed by", "signer_thumbprint"},
                                                        {"Envelope, bytes", "envelope_size"},
                                                        {"Withdrawn", "withdrawn"},
                                                        {"Published", "create_time"},
                                                        {"Etag", "etag"}};
  return columns;
}

std::vector<Command> ComponentCommands() {
  return {{.noun = "component",
           .verb = "publish",
           .arguments = "FILE",
           .min_arguments = 1,
           .max_arguments = 1,
           .summary = "publish a signed SUIT envelope into a domain",
           .flags = {kDomainFlag, kRequestIdFlag},
           .example = "tamctl component publish app.suit --domain apps",
           .run = Publish},
          {.noun = "component",
           .verb = "list",
           .summary = "list what a domain offers, with the newest sequence numbers",
           .flags = {kDomainFlag, kLimitFlag},
           .example = "tamctl component list --domain apps",
           .run = List},
          {.noun = "component",
           .verb = "show",
           .arguments = "DIGEST",
           .min_arguments = 1,
           .max_arguments = 1,
           .summary = "show a published manifest by its digest in hex, or its full name",
           .flags = {kDomainFlag},
           .example = "tamctl component show "
                      "8cf71ac86af31be184ec7a05a411a8c3a14fd9b77a30d046397481469468ece8 "
                      "--domain apps",
           .run = ShowOne},
          {.noun = "component",
           .verb = "withdraw",
           .arguments = "DIGEST",
           .min_arguments = 1,
           .max_arguments = 1,
           .summary = "withdraw a manifest: no new session gets it",
           .flags = {kDomainFlag, kEtagFlag},
           .example = "tamctl component withdraw "
                      "8cf71ac86af31be184ec7a05a411a8c3a14fd9b77a30d046397481469468ece8 "
                      "--domain apps",
           .run = Withdraw}};
}

}  // namespace tam::tamctl

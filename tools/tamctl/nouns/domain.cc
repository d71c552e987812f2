#include <algorithm>

#include "crypto/cbor/cbor.h"
#include "crypto/text/text.h"
#include "proto/tam/v1/catalog.pb.h"
#include "tools/tamctl/call.h"
#include "tools/tamctl/component_text.h"
#include "tools/tamctl/key_files.h"
#include "tools/tamctl/nouns/nouns.h"
#include "tools/tamctl/output.h"

namespace tam::tamctl {
namespace {

const std::vector<Column>& ListColumns() {
  static const auto& columns =
      *new std::vector<Column>{{"NAME", "name", Show::kLastSegment},
                               {"STATE", "state"},
                               {"PREFIXES", "component_prefixes", Show::kComponentId},
                               {"OWNERS", "owners"}};
  return columns;
}

const std::vector<Column>& Columns() {
  static const auto& columns =
      *new std::vector<Column>{{"Name", "name"},
                               {"State", "state"},
                               {"Component prefixes", "component_prefixes", Show::kComponentId},
                               {"Owners", "owners"},
                               {"Created", "create_time"},
                               {"Etag", "etag"}};
  return columns;
}

absl::Status Print(Context& context, const v1::Domain& domain) {
  const absl::Status status = PrintOne(context, domain, Columns());
  if (!status.ok() || context.format() != OutputFormat::kTable) return status;
  context.out() << "Trust anchors:\n";
  for (const v1::TrustAnchor& anchor : domain.trust_anchors()) {
    context.out() << "  " << FieldText(anchor, {"", "thumbprint"}) << "  "
                  << FieldText(anchor, {"", "description"}) << "\n";
  }
  return absl::OkStatus();
}

absl::Status AddAnchors(Context& context, const std::vector<std::string>& files,
                        v1::Domain* domain) {
  for (const std::string& file : files) {
    const auto key = ReadPublicKey(context, file);
    if (!key.ok()) return key.status();
    v1::TrustAnchor& anchor = *domain->add_trust_anchors();
    anchor.mutable_key()->set_cose_key(key->cose_key());
    anchor.set_description(context.FlagOr("description", ""));
  }
  return absl::OkStatus();
}

absl::Status Create(Context& context) {
  v1::CreateDomainRequest request;
  request.set_parent(context.TenantName());
  request.set_domain_id(context.arguments()[0]);
  request.set_request_id(context.FlagOr("request-id", ""));
  v1::Domain& domain = *request.mutable_domain();
  for (const std::string& owner : context.Flags("owner")) domain.add_owners(owner);
  if (!context.Has("prefix")) return UsageError("--prefix is needed, once or more");
  for (const std::string& prefix : context.Flags("prefix")) {
    const auto id = ParseComponentText(prefix);
    if (!id.ok()) return UsageError(StdView(id.status().message()));
    domain.add_component_prefixes(suit::EncodeComponentId(*id));
  }
  const absl::Status anchors = AddAnchors(context, context.Flags("anchor"), &domain);
  if (!anchors.ok()) return anchors;
  const auto answer =
      Call<v1::CreateDomainResponse>(context, "CatalogService/CreateDomain", request);
  return answer.ok() ? Print(context, answer->domain()) : answer.status();
}

absl::StatusOr<v1::Domain> Get(Context& context) {
  v1::GetDomainRequest request;
  request.set_name(context.ResourceName("domains", context.arguments()[0]));
  const auto answer = Call<v1::GetDomainResponse>(context, "CatalogService/GetDomain", request);
  if (!answer.ok()) return answer.status();
  return answer->domain();
}

absl::Status ShowOne(Context& context) {
  const auto domain = Get(context);
  return domain.ok() ? Print(context, *domain) : domain.status();
}

absl::Status List(Context& context) {
  v1::ListDomainsRequest request;
  request.set_parent(context.TenantName());
  const auto answer = CallPages<v1::ListDomainsResponse>(
      context, "CatalogService/ListDomains", request,
      [](const v1::ListDomainsResponse& all) { return all.domains_size(); });
  return answer.ok() ? PrintList(context, *answer, "domains", ListColumns()) : answer.status();
}

// Reads the domain, lets `change` edit it, and writes it back under the etag that was read, so that
// a change made meanwhile is not lost.
template <typename F>
absl::Status Change(Context& context, F change) {
  auto domain = Get(context);
  if (!domain.ok()) return domain.status();
  const absl::Status changed = change(&*domain);
  if (!changed.ok()) return changed;
  v1::UpdateDomainRequest request;
  request.set_name(domain->name());
  *request.mutable_domain() = *domain;
  const auto answer =
      Call<v1::UpdateDomainResponse>(context, "CatalogService/UpdateDomain", request);
  return answer.ok() ? Print(context, answer->domain()) : answer.status();
}

absl::Status AddAnchor(Context& context) {
  return Change(context, [&](v1::Domain* domain) {
    return AddAnchors(context, {context.arguments()[1]}, domain);
  });
}

absl::Status RemoveAnchor(Context& context) {
  const auto wanted = ParseHex(context.arguments()[1]);
  if (!wanted.ok() || wanted->empty()) {
    return UsageError("want the anchor's thumbprint, or its start, in hex");
  }
  return Change(context, [&](v1::Domain* domain) -> absl::Status {
    auto& anchors = *domain->mutable_trust_anchors();
    int found = -1;
    for (int i = 0; i < anchors.size(); ++i) {
      if (anchors[i].thumbprint().rfind(*wanted, 0) != 0) continue;
      if (found >= 0) return UsageError("more than one anchor starts so");
      found = i;
    }
    if (found < 0) {
      return absl::NotFoundError(Concat(domain->name(), ": no anchor ", context.arguments()[1]));
    }
    anchors.DeleteSubrange(found, 1);
    return absl::OkStatus();
  });
}

absl::Status SetOwners(Context& context, bool add) {
  return Change(context, [&](v1::Domain* domain) -> absl::Status {
    const std::string& owner = context.arguments()[1];
    auto& owners = *domain->mutable_owners();
    const auto at = std::find(owners.begin(), owners.end(), owner);
    if (add && at == owners.end()) *owners.Add() = owner;
    if (!add && at == owners.end()) {
      return absl::NotFoundError(Concat(domain->name(), ": no owner ", owner));
    }
    if (!add) owners.erase(at);
    return absl::OkStatus();
  });
}

absl::Status AddOwner(Context& context) { return SetOwners(context, true); }
absl::Status RemoveOwner(Context& context) { return SetOwners(context, false); }

absl::Status SetState(Context& context, v1::DomainState state) {
  return Change(context, [&](v1::Domain* domain) {
    domain->set_state(state);
    return absl::OkStatus();
  });
}

absl::Status Suspend(Context& context) { return SetState(context, v1::DOMAIN_STATE_SUSPENDED); }
absl::Status Resume(Context& context) { return SetState(context, v1::DOMAIN_STATE_ACTIVE); }

absl::Status Delete(Context& context) {
  v1::DeleteDomainRequest request;
  request.set_name(context.ResourceName("domains", context.arguments()[0]));
  request.set_etag(context.FlagOr("etag", ""));
  return Call<v1::DeleteDomainResponse>(context, "CatalogService/DeleteDomain", request).status();
}

Command OneName(std::string_view verb, std::string_view summary, std::string_view example,
                absl::Status (*run)(Context&)) {
  return {.noun = "domain",
          .verb = verb,
          .arguments = "NAME",
          .min_arguments = 1,
          .max_arguments = 1,
          .summary = summary,
          .example = example,
          .run = run};
}

Command NameAnd(std::string_view verb, std::string_view arguments, std::string_view summary,
                std::string_view example, absl::Status (*run)(Context&)) {
  Command command = OneName(verb, summary, example, run);
  command.arguments = arguments;
  command.min_arguments = command.max_arguments = 2;
  return command;
}

}  // namespace

std::vector<Command> DomainCommands() {
  Command create = OneName("create", "create a security domain",
                           "tamctl domain create apps --prefix TEEP-Device/SecureFS --anchor "
                           "developer.pem --owner spiffe://tam.example/tenant/acme/developer/ann",
                           Create);
  create.details = "Owners are the SPIFFE IDs of developers who may publish into the domain.";
  create.flags = {{"prefix", "COMPONENT", "where its components live; repeat for more"},
                  {"anchor", "FILE", "public key that signs its manifests; repeat for more"},
                  {"owner", "SPIFFE-ID", "who may publish; repeat for more"},
                  {"description", "TEXT", "of the anchors"},
                  kRequestIdFlag};
  Command add_anchor =
      NameAnd("add-anchor", "NAME FILE", "let a key sign the domain's manifests",
              "tamctl domain add-anchor apps developer.pem --description Ann-2026", AddAnchor);
  add_anchor.flags = {{"description", "TEXT", "for people"}};
  Command remove = OneName("delete", "delete a domain: its manifests are unlinked on every device",
                           "tamctl domain delete apps", Delete);
  remove.flags = {kEtagFlag};
  return {create,
          {.noun = "domain",
           .verb = "list",
           .summary = "list a tenant's domains",
           .flags = {kLimitFlag},
           .example = "tamctl domain list",
           .run = List},
          OneName("show", "show a domain", "tamctl domain show apps", ShowOne),
          add_anchor,
          NameAnd("remove-anchor", "NAME THUMBPRINT", "stop a key from signing its manifests",
                  "tamctl domain remove-anchor apps 7077436568198fdc", RemoveAnchor),
          NameAnd("add-owner", "NAME SPIFFE-ID", "let a developer publish",
                  "tamctl domain add-owner apps spiffe://tam.example/tenant/acme/developer/bob",
                  AddOwner),
          NameAnd("remove-owner", "NAME SPIFFE-ID", "stop a developer from publishing",
                  "tamctl domain remove-owner apps spiffe://tam.example/tenant/acme/developer/bob",
                  RemoveOwner),
          OneName("suspend", "stop publishing and delivery; devices keep what they have",
                  "tamctl domain suspend apps", Suspend),
          OneName("resume", "undo a suspension", "tamctl domain resume apps", Resume),
          remove};
}

}  // namespace tam::tamctl

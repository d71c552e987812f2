#include <string>

#include "crypto/text/text.h"
#include "crypto/x509/chain.h"
#include "tools/tamctl/call.h"
#include "tools/tamctl/nouns/key.h"
#include "tools/tamctl/nouns/nouns.h"
#include "tools/tamctl/output.h"

namespace tam::tamctl {
namespace {

constexpr size_t kMaxChainFile = 64 << 10;

const std::vector<Column>& Columns() {
  static const auto& columns = *new std::vector<Column>{{"POSITION", "position"},
                                                        {"VALID FROM", "not_before"},
                                                        {"VALID UNTIL", "not_after"},
                                                        {"CREATED", "create_time"},
                                                        {"NAME", "name"}};
  return columns;
}

absl::Status Add(Context& context) {
  const auto path = context.Required("chain");
  if (!path.ok()) return path.status();
  const auto pem = context.ReadFile(*path, kMaxChainFile);
  if (!pem.ok()) return pem.status();
  const auto chain = x509::ChainFromPem(*pem);
  if (!chain.ok()) {
    return absl::InvalidArgumentError(Concat(*path, ": ", StdView(chain.status().message())));
  }
  const auto key = FindSigningKey(context);
  if (!key.ok()) return key.status();
  v1::AddKeyCertificateRequest request;
  request.set_parent(key->name());
  for (const std::string& der : *chain) request.add_certificates(der);
  const auto answer =
      Call<v1::AddKeyCertificateResponse>(context, "SigningService/AddKeyCertificate", request);
  return answer.ok() ? PrintOne(context, answer->certificate(), Columns()) : answer.status();
}

absl::Status List(Context& context) {
  const auto key = FindSigningKey(context);
  if (!key.ok()) return key.status();
  v1::ListKeyCertificatesRequest request;
  request.set_parent(key->name());
  const auto all =
      Call<v1::ListKeyCertificatesResponse>(context, "SigningService/ListKeyCertificates", request);
  return all.ok() ? PrintList(context, *all, "certificates", Columns()) : all.status();
}

absl::Status Remove(Context& context) {
  const auto key = FindSigningKey(context);
  if (!key.ok()) return key.status();
  v1::RemoveKeyCertificateRequest request;
  request.set_name(Concat(key->name(), "/certificates/", context.arguments()[1]));
  return Call<v1::RemoveKeyCertificateResponse>(context, "SigningService/RemoveKeyCertificate",
                                                request)
      .status();
}

}  // namespace

std::vector<Command> KeyCertificateCommands() {
  return {{.noun = "key",
           .verb = "certificate add",
           .arguments = "THUMBPRINT",
           .min_arguments = 1,
           .max_arguments = 1,
           .summary = "add a certificate chain to a key that signs TEEP messages",
           .details = "QueryRequests bear the first chain of their key that is valid; a device "
                      "that refuses it is shown the next one, once.",
           .flags = {{"chain", "FILE", "PEM, the key's own certificate first, its issuer next"},
                     kLimitFlag},
           .example = "tamctl key certificate add 7077436568198fdc --chain tam-chain.pem",
           .run = Add},
          {.noun = "key",
           .verb = "certificate list",
           .arguments = "THUMBPRINT",
           .min_arguments = 1,
           .max_arguments = 1,
           .summary = "list the certificate chains of a key in the order of their use",
           .flags = {kLimitFlag},
           .example = "tamctl key certificate list 7077436568198fdc",
           .run = List},
          {.noun = "key",
           .verb = "certificate remove",
           .arguments = "THUMBPRINT POSITION",
           .min_arguments = 2,
           .max_arguments = 2,
           .summary = "take a certificate chain out of use",
           .flags = {kLimitFlag},
           .example = "tamctl key certificate remove 7077436568198fdc 0",
           .run = Remove}};
}

}  // namespace tam::tamctl

#include "tools/tamctl/server_list.h"

#include <algorithm>
#include <array>
#include <optional>

#include "absl/strings/numbers.h"
#include "absl/strings/str_split.h"
#include "crypto/text/text.h"

namespace tam::tamctl {
namespace {

constexpr std::array<std::pair<std::string_view, std::string_view>, 5> kServices = {{
    {"registry", "/tam.v1.RegistryService/"},
    {"attestation", "/tam.v1.AttestationService/"},
    {"catalog", "/tam.v1.CatalogService/"},
    {"signing", "/tam.v1.SigningService/"},
    {"audit", "/tam.v1.AuditService/"},
}};

bool IsService(std::string_view name) {
  return std::any_of(kServices.begin(), kServices.end(),
                     [&](const auto& service) { return service.first == name; });
}

bool IsHostAndPort(std::string_view server) {
  const size_t colon = server.rfind(':');
  int port = 0;
  return colon != std::string_view::npos && colon > 0 &&
         absl::SimpleAtoi(AbslView(server.substr(colon + 1)), &port) && port > 0 && port < 65536;
}

}  // namespace

absl::StatusOr<ServerList> ServerList::Parse(std::string_view text) {
  ServerList list;
  for (const absl::string_view part : absl::StrSplit(AbslView(text), ',')) {
    const std::string_view entry = StdView(part);
    const size_t equals = entry.find('=');
    const bool named = equals != std::string_view::npos;
    const std::string_view name = named ? entry.substr(0, equals) : std::string_view();
    const std::string_view server = named ? entry.substr(equals + 1) : entry;
    if ((named && !IsService(name)) || !IsHostAndPort(server)) {
      return absl::InvalidArgumentError(AbslView(
          Concat("server: want host:port or NAME=host:port, NAME one of registry, attestation, "
                 "catalog, signing, audit; got '",
                 entry, "'")));
    }
    list.servers_[std::string(name)].emplace_back(server);
  }
  return list;
}

absl::StatusOr<std::vector<std::string>> ServerList::Serving(std::string_view method) const {
  for (const auto& [name, prefix] : kServices) {
    if (!method.starts_with(prefix)) continue;
    for (const std::string& key : {std::string(name), std::string()}) {
      if (const auto found = servers_.find(key); found != servers_.end()) return found->second;
    }
    return absl::NotFoundError(
        AbslView(Concat("no server of ", name, " is known: want --server ", name, "=host:port")));
  }
  return absl::NotFoundError(AbslView(Concat("no service has the method ", method)));
}

}  // namespace tam::tamctl

#include <arpa/inet.h>

#include <string>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "services/runtime/rpc_client.h"

namespace tam::runtime {
namespace {

absl::Status Refuse(absl::string_view want, absl::string_view got) {
  return absl::InvalidArgumentError(absl::StrCat("servers: want ", want, ", got \"", got, "\""));
}

// "ipv4", "ipv6" or "dns", by what stands before the port.
absl::StatusOr<std::string> SchemeOf(const std::string& server) {
  const size_t colon = server.rfind(':');
  int port = 0;
  if (colon == std::string::npos || colon == 0 ||
      !absl::SimpleAtoi(server.substr(colon + 1), &port) || port < 1 || port > 65535) {
    return Refuse("host:port", server);
  }
  const std::string host = server.substr(0, colon);
  in6_addr address;
  if (inet_pton(AF_INET, host.c_str(), &address) == 1) return "ipv4";
  if (host.front() == '[' && host.back() == ']') {
    if (inet_pton(AF_INET6, host.substr(1, host.size() - 2).c_str(), &address) == 1) return "ipv6";
    return Refuse("[an IPv6 address]:port", server);
  }
  if (host.find_first_of("[]:,/ ") != std::string::npos) return Refuse("host:port", server);
  return "dns";
}

}  // namespace

absl::StatusOr<std::string> RpcTarget(const std::vector<std::string>& servers) {
  std::string scheme;
  for (const std::string& server : servers) {
    absl::StatusOr<std::string> found = SchemeOf(server);
    if (!found.ok()) return found.status();
    if ((!scheme.empty() && *found != scheme) || (*found == "dns" && servers.size() > 1)) {
      return Refuse("numeric addresses of one family, or one name", absl::StrJoin(servers, ","));
    }
    scheme = *found;
  }
  if (scheme.empty()) return Refuse("at least one", "");
  if (scheme == "dns") return absl::StrCat("dns:///", servers.front());
  // In a URI brackets stand in an authority alone.
  return absl::StrCat(
      scheme, ":", absl::StrReplaceAll(absl::StrJoin(servers, ","), {{"[", "%5B"}, {"]", "%5D"}}));
}

}  // namespace tam::runtime

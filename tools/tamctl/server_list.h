// Where the services are that tamctl calls.
#ifndef TAMARACK_TOOLS_TAMCTL_SERVER_LIST_H_
#define TAMARACK_TOOLS_TAMCTL_SERVER_LIST_H_

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"

namespace tam::tamctl {

//   list  = entry *("," entry)
//   entry = [name "="] host ":" port
//   name  = "registry" / "attestation" / "catalog" / "signing" / "audit"
//
// A name several times: replicas. Entries without a name serve whatever is not named.
class ServerList {
 public:
  // InvalidArgument names the entry.
  static absl::StatusOr<ServerList> Parse(std::string_view text);

  // The replicas that serve a method such as "/tam.v1.RegistryService/GetTenant", in the order
  // given. NotFound: the list has none.
  absl::StatusOr<std::vector<std::string>> Serving(std::string_view method) const;

 private:
  // By name; "" for those without.
  std::map<std::string, std::vector<std::string>> servers_;
};

}  // namespace tam::tamctl

#endif  // TAMARACK_TOOLS_TAMCTL_SERVER_LIST_H_

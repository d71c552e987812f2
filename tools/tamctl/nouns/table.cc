#include <algorithm>
#include <iterator>

#include "tools/tamctl/nouns/nouns.h"

namespace tam::tamctl {

const std::vector<Command>& AllCommands() {
  static const auto& all = *new std::vector<Command>([] {
    std::vector<Command> commands;
    for (auto noun : {DatabaseCommands, TenantCommands, EndpointCommands, DomainCommands,
                      ComponentCommands, ManifestCommands, DeviceCommands, DeviceKeyCommands,
                      DeploymentCommands, AttestationCommands, KeyCommands, KeyCertificateCommands,
                      AuditCommands, InspectCommands, CheckCommands}) {
      std::vector<Command> some = noun();
      std::move(some.begin(), some.end(), std::back_inserter(commands));
    }
    return commands;
  }());
  return all;
}

}  // namespace tam::tamctl

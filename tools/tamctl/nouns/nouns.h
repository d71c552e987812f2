// The commands of each noun; one source file a noun.
#ifndef TAMARACK_TOOLS_TAMCTL_NOUNS_NOUNS_H_
#define TAMARACK_TOOLS_TAMCTL_NOUNS_NOUNS_H_

#include <vector>

#include "tools/tamctl/command.h"

namespace tam::tamctl {

std::vector<Command> AttestationCommands();
std::vector<Command> AuditCommands();
std::vector<Command> CheckCommands();
std::vector<Command> ComponentCommands();
std::vector<Command> DatabaseCommands();
std::vector<Command> DeploymentCommands();
std::vector<Command> DeviceCommands();
std::vector<Command> DeviceKeyCommands();
std::vector<Command> DomainCommands();
std::vector<Command> EndpointCommands();
std::vector<Command> InspectCommands();
std::vector<Command> KeyCertificateCommands();
std::vector<Command> KeyCommands();
std::vector<Command> ManifestCommands();
std::vector<Command> TenantCommands();

}  // namespace tam::tamctl

#endif  // TAMARACK_TOOLS_TAMCTL_NOUNS_NOUNS_H_

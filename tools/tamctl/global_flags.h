// Flags that every command of tamctl takes.
#ifndef TAMARACK_TOOLS_TAMCTL_GLOBAL_FLAGS_H_
#define TAMARACK_TOOLS_TAMCTL_GLOBAL_FLAGS_H_

#include <vector>

#include "tools/tamctl/command.h"

namespace tam::tamctl {

const std::vector<Flag>& GlobalFlags();

}  // namespace tam::tamctl

#endif  // TAMARACK_TOOLS_TAMCTL_GLOBAL_FLAGS_H_

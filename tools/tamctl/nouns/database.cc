#include "tools/tamctl/nouns/nouns.h"

namespace tam::tamctl {

std::vector<Command> DatabaseCommands() { return {}; }

}  // namespace tam::tamctl

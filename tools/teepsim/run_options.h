// The flags of `teepsim run` that say what the device does in a session.
#ifndef TAMARACK_TOOLS_TEEPSIM_RUN_OPTIONS_H_
#define TAMARACK_TOOLS_TEEPSIM_RUN_OPTIONS_H_

#include <map>
#include <set>
#include <string>

#include "absl/status/statusor.h"
#include "tools/teepsim/command_line.h"
#include "tools/teepsim/device.h"

namespace tam::teepsim {

// Names, for CommandLine::Parse: flags with values, and switches.
const std::set<std::string>& SessionFlags();
const std::set<std::string>& SessionSwitches();

// InvalidArgument "--NAME: want …"; errors of the files that flags name.
absl::StatusOr<SessionOptions> ReadSessionOptions(const CommandLine& line);

// The --measurement flags, name to digest.
absl::StatusOr<std::map<std::string, std::string>> ReadMeasurements(const CommandLine& line);

}  // namespace tam::teepsim

#endif  // TAMARACK_TOOLS_TEEPSIM_RUN_OPTIONS_H_

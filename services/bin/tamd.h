// The whole of `tamd` but its `main`, which tests/faults has another of.
#ifndef TAMARACK_SERVICES_BIN_TAMD_H_
#define TAMARACK_SERVICES_BIN_TAMD_H_

namespace tam::bin {

// Flags, start, wait for SIGTERM or SIGINT, drain. The exit code: 0 stopped in order, 1 could not
// start or did not drain, 2 usage. Once, before any other thread runs.
int RunTamd(int argc, char** argv);

}  // namespace tam::bin

#endif  // TAMARACK_SERVICES_BIN_TAMD_H_

// tamd as it is, with a hook that obeys the test.
#include <cstdio>
#include <cstdlib>

#include "services/bin/tamd.h"
#include "tests/faults/fault_hook.h"
#include "tests/faults/fault_plan.h"

int main(int argc, char** argv) {
  const char* folder = std::getenv(tam::faults::kFolderVariable);
  const char* name = std::getenv(tam::faults::kNameVariable);
  if (folder == nullptr || name == nullptr) {
    std::fprintf(stderr, "tamd_faulty: want %s and %s in the environment\n",
                 tam::faults::kFolderVariable, tam::faults::kNameVariable);
    return 2;
  }
  tam::faults::InstallFaultHook(folder, name);
  return tam::bin::RunTamd(argc, argv);
}

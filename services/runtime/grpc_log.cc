#include "services/runtime/grpc_log.h"

#include <mutex>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "grpc/support/log.h"
#include "services/runtime/log.h"

namespace tam::runtime {
namespace {

void Take(gpr_log_func_args* args) {
  // Said at every handshake: clients send a name because they must, and it means nothing.
  if (absl::StrContains(args->message, "No match found for server name")) return;
  const absl::string_view file = args->file;
  // What gRPC calls an error is mostly a connection that somebody else ended.
  Log(args->severity == GPR_LOG_SEVERITY_DEBUG ? Severity::kDebug : Severity::kWarning, "grpc",
      {{"message", args->message},
       {"at", absl::StrCat(file.substr(file.rfind('/') + 1), ":", args->line)}});
}

}  // namespace

void TakeOverGrpcLog() {
  static std::once_flag once;
  std::call_once(once, [] { gpr_set_log_function(&Take); });
}

}  // namespace tam::runtime

#ifndef TAMARACK_SERVICES_RUNTIME_FAULT_POINT_H_
#define TAMARACK_SERVICES_RUNTIME_FAULT_POINT_H_

// Named places in a session at which a test may stop, kill or delay something. A program that sets
// no hook, as `tamd` does, pays one load for each; only tests/faults links a hook.
//
//   point  = place "." method "." moment
//   place  = "call"       the client of an RPC, around the whole call
//          / "serve"      the process that answers it, around the handler
//          / "statement"  a statement or transaction of the database that a handler runs
//          / "send"       the reply to a device; method is ProcessConnect or ProcessTeepMessage
//   method = the RPC's name without its service, as in proto/tam/v1
//   moment = "before" / "after"

#include <string>
#include <vector>

#include "absl/strings/string_view.h"

namespace tam::runtime {

enum class FaultPlace { kCall, kServe, kStatement, kSend };
enum class FaultMoment { kBefore, kAfter };

// Every point that a session passes: what a test has to hit.
std::vector<std::string> SessionFaultPoints();

// Called with the name of the point, in the thread that passes it; may not return at all.
using FaultHook = void (*)(const std::string& point);

// Before any other thread runs. Null: none.
void SetFaultHook(FaultHook hook);

// Thread safe.
void PassFaultPoint(FaultPlace place, absl::string_view method, FaultMoment moment);

// Says, while it lives, which RPC this thread serves, for what lies beneath the handler. `method`
// must outlive it. Nests.
class FaultScope {
 public:
  explicit FaultScope(absl::string_view method);
  FaultScope(const FaultScope&) = delete;
  FaultScope& operator=(const FaultScope&) = delete;
  ~FaultScope();

  // Of this thread; empty outside any.
  static absl::string_view Method();

 private:
  const absl::string_view outer_;
};

// "/tam.v1.Service/Method" -> "Method".
absl::string_view MethodOfPath(absl::string_view path);

}  // namespace tam::runtime

#endif  // TAMARACK_SERVICES_RUNTIME_FAULT_POINT_H_

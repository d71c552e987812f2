#include "services/runtime/fault_point.h"

#include <array>
#include <atomic>

#include "absl/strings/str_cat.h"

namespace tam::runtime {
namespace {

std::atomic<FaultHook> installed_hook = nullptr;
thread_local absl::string_view served_method;

constexpr std::array<absl::string_view, 12> kSessionMethods = {
    "ResolveEndpoint", "GetChallengeKeys", "SignQueryRequest",
    "Lookup",          "Appraise",         "SignAttestationResult",
    "Resolve",         "Accept",           "GetEnvelopes",
    "SignUpdate",      "Report",           "NoteRefusal"};

// Of those above, the ones that go to the database. Keys are read when first used.
constexpr std::array<absl::string_view, 11> kMethodsWithStatements = {"ResolveEndpoint",
                                                                      "GetChallengeKeys",
                                                                      "SignQueryRequest",
                                                                      "Lookup",
                                                                      "Appraise",
                                                                      "Resolve",
                                                                      "Accept",
                                                                      "GetEnvelopes",
                                                                      "SignUpdate",
                                                                      "Report",
                                                                      "SignAttestationResult"};

constexpr std::array<absl::string_view, 2> kReplies = {"ProcessConnect", "ProcessTeepMessage"};

std::string NameOf(FaultPlace place, absl::string_view method, FaultMoment moment) {
  constexpr std::array<absl::string_view, 4> kPlaces = {"call", "serve", "statement", "send"};
  return absl::StrCat(kPlaces[static_cast<size_t>(place)], ".", method,
                      moment == FaultMoment::kBefore ? ".before" : ".after");
}

template <size_t N>
void Append(FaultPlace place, const std::array<absl::string_view, N>& methods,
            std::vector<std::string>& points) {
  for (const absl::string_view method : methods) {
    for (const FaultMoment moment : {FaultMoment::kBefore, FaultMoment::kAfter}) {
      points.push_back(NameOf(place, method, moment));
    }
  }
}

}  // namespace

std::vector<std::string> SessionFaultPoints() {
  std::vector<std::string> points;
  Append(FaultPlace::kCall, kSessionMethods, points);
  Append(FaultPlace::kServe, kSessionMethods, points);
  Append(FaultPlace::kStatement, kMethodsWithStatements, points);
  Append(FaultPlace::kSend, kReplies, points);
  return points;
}

void SetFaultHook(FaultHook hook) { installed_hook.store(hook); }

void PassFaultPoint(FaultPlace place, absl::string_view method, FaultMoment moment) {
  const FaultHook hook = installed_hook.load(std::memory_order_relaxed);
  if (hook != nullptr) hook(NameOf(place, method, moment));
}

FaultScope::FaultScope(absl::string_view method) : outer_(served_method) { served_method = method; }
FaultScope::~FaultScope() { served_method = outer_; }
absl::string_view FaultScope::Method() { return served_method; }

absl::string_view MethodOfPath(absl::string_view path) { return path.substr(path.rfind('/') + 1); }

}  // namespace tam::runtime

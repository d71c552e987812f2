#include "services/runtime/session_retries.h"

#include <algorithm>
#include <array>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/strip.h"

namespace tam::runtime {
namespace {

constexpr absl::string_view kReads = "reads only";

constexpr std::array<RetryableMethod, 13> kMethods = {{
    {"tam.v1.RegistrySessionService", "ResolveEndpoint", kReads},
    {"tam.v1.RegistrySessionService", "Lookup", kReads},
    {"tam.v1.RegistrySessionService", "Accept",
     "one guarded statement: the same message again finds its challenge used up and gets the "
     "update that it opened (SAME_AGAIN)"},
    {"tam.v1.RegistrySessionService", "Report",
     "one guarded statement: the update is answered once, afterwards ALREADY_ANSWERED"},
    {"tam.v1.RegistrySessionService", "NoteRefusal",
     "replaces what is remembered of the device, in memory"},
    {"tam.v1.AttestationSessionService", "Appraise",
     "reads, and has a result signed that nobody keeps but the caller"},
    {"tam.v1.CatalogSessionService", "Resolve", kReads},
    {"tam.v1.CatalogSessionService", "GetEnvelopes", kReads},
    {"tam.v1.SigningSessionService", "SignQueryRequest",
     "any signature over the request will do; a tenant's first key is made by one guarded "
     "statement"},
    {"tam.v1.SigningSessionService", "SignUpdate",
     "any signature over the request will do; as above"},
    {"tam.v1.SigningSessionService", "SignAttestationResult",
     "any signature over the request will do; as above"},
    {"tam.v1.SigningSessionService", "Decrypt", kReads},
    {"tam.v1.SigningSessionService", "GetChallengeKeys", "derives the same keys"},
}};

std::string Seconds(absl::Duration duration) {
  return absl::StrCat("\"", absl::ToDoubleSeconds(duration), "s\"");
}

}  // namespace

absl::Span<const RetryableMethod> RetryableMethods() { return kMethods; }

bool IsRetryable(absl::string_view path) {
  return std::any_of(kMethods.begin(), kMethods.end(), [&](const RetryableMethod& row) {
    absl::string_view rest = path;
    return absl::ConsumePrefix(&rest, "/") && absl::ConsumePrefix(&rest, row.service) &&
           absl::ConsumePrefix(&rest, "/") && rest == row.method;
  });
}

std::string SessionServiceConfig(const RetryLimits& limits) {
  const std::string names =
      absl::StrJoin(kMethods, ",", [](std::string* out, const RetryableMethod& row) {
        absl::StrAppend(out, R"({"service":")", row.service, R"(","method":")", row.method,
                        R"("})");
      });
  return absl::StrCat(
      R"({"loadBalancingConfig":[{"round_robin":{}}],"methodConfig":[{"name":[)", names,
      R"(],"retryPolicy":{"maxAttempts":)", limits.attempts, R"(,"initialBackoff":)",
      Seconds(limits.first_backoff), R"(,"maxBackoff":)", Seconds(limits.last_backoff),
      R"(,"backoffMultiplier":2,"retryableStatusCodes":["UNAVAILABLE","CANCELLED"]}}],)",
      R"("retryThrottling":{"maxTokens":)", limits.tokens, R"(,"tokenRatio":)", limits.refill,
      "}}");
}

}  // namespace tam::runtime

// SUIT reports as a QueryResponse, a Success or an Error brings them: one rule for the three (draft
// -26 sections 4.3 to 4.6, 7.1.1 and 7.1.2; TEEP.md T-29, T-44, A13, A14).
#ifndef TAMARACK_SERVICES_GATEWAY_SESSION_SUIT_REPORTS_H_
#define TAMARACK_SERVICES_GATEWAY_SESSION_SUIT_REPORTS_H_

#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "proto/tam/v1/registry_session.pb.h"
#include "teep/suit/report.h"

namespace tam::gateway {

// What sound reports say.
struct SuitReports {
  std::vector<v1::ManifestResult> results;  // of manifests named by SHA-256
  int succeeded = 0;
  int failed = 0;
  int unreadable = 0;           // in a container that this TAM cannot open: they say nothing
  bool by_unknown_key = false;  // one is signed by none of the report keys
  bool by_message_key = false;  // one is signed by the key of the TEEP message, which 4.5 forbids

  // "2 reports succeeded, 1 failed, 0 unreadable"; empty when there are none.
  std::string Summary() const;
};

// Opens `reports`. A report signed by a key that is not known is believed as a bare one: the TEEP
// signature covers it. Errors, the first in order:
//   InvalidArgument     one is malformed, or signed under a known key's name but not by it: the
//                       message is dropped
//   FailedPrecondition  one lacks the nonce `token`, where there is one
//   others              of keys.decrypt, Unimplemented excepted, which is "unreadable"
absl::StatusOr<SuitReports> ReadSuitReports(const std::vector<std::string>& reports,
                                            const std::optional<std::string>& token,
                                            const suit::ReportKeys& keys);

}  // namespace tam::gateway

#endif  // TAMARACK_SERVICES_GATEWAY_SESSION_SUIT_REPORTS_H_

// SUIT_Report (draft-ietf-suit-report-18), parsed, made, and taken out of its COSE container.
//
//   SUIT_Report = { 99: [uri, SUIT_Digest], ? 2: nonce, 3: [* record / system-property-claims],
//                   4: true / { 5: code, 6: record, 7: reason }, ? 8: capability-report }
#ifndef TAMARACK_TEEP_SUIT_REPORT_H_
#define TAMARACK_TEEP_SUIT_REPORT_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "crypto/keys/key.h"
#include "teep/suit/envelope.h"

namespace tam::suit {

// Reasons of a failed result (SUIT.md section 7).
enum class ReportReason : uint64_t {
  kOk = 0,
  kCborParse = 1,
  kCoseUnsupported = 2,
  kAlgorithmUnsupported = 3,
  kUnauthorised = 4,
  kCommandUnsupported = 5,
  kComponentUnsupported = 6,
  kComponentUnauthorised = 7,
  kParameterUnsupported = 8,
  kSeveringUnsupported = 9,
  kConditionFailed = 10,
  kOperationFailed = 11,
  kInvokePending = 12,
};
std::string ReportReasonName(ReportReason reason);

struct Record {
  std::vector<uint64_t> manifest_id;
  int64_t section = 0;
  uint64_t offset = 0;
  uint64_t component_index = 0;
  Parameters parameters;
  bool operator==(const Record&) const = default;
};

struct ReportedClaims {
  ComponentId component_id;
  Parameters parameters;
  bool operator==(const ReportedClaims&) const = default;
};

struct Report {
  std::string reference_uri;
  Digest manifest_digest;
  std::optional<std::string> nonce;
  std::vector<Record> records;
  std::vector<ReportedClaims> claims;
  struct Failure {
    int64_t code = 0;
    Record record;
    ReportReason reason = ReportReason::kOk;
    bool operator==(const Failure&) const = default;
  };
  std::optional<Failure> failure;                // nullopt: result is true
  std::optional<std::string> capability_report;  // encoded
  bool operator==(const Report&) const = default;
};

absl::StatusOr<Report> ParseReport(Bytes encoded);
absl::StatusOr<std::string> EncodeReport(const Report& report);

// A report as it stands in a TEEP message: bare (its authenticity is the TEEP signature), or in
// COSE_Sign1 by a report key of the device. Another container (Encrypt0, Encrypt, Mac0) is
// Unimplemented by name.
struct ContainedReport {
  Report report;
  std::optional<keys::Thumbprint> signed_by;
};
// Unauthenticated when it is signed and by none of `report_keys`.
absl::StatusOr<ContainedReport> OpenReport(Bytes bytes,
                                           absl::Span<const keys::PublicKey> report_keys);

}  // namespace tam::suit

#endif  // TAMARACK_TEEP_SUIT_REPORT_H_

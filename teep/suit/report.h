// SUIT_Report (draft-ietf-suit-report-18), parsed, made, and taken out of its COSE container.
//
//   SUIT_Report = { 99: [uri, SUIT_Digest], ? 2: nonce, 3: [* record / system-property-claims],
//                   4: true / { 5: code, 6: record, 7: reason }, ? 8: capability-report }
#ifndef TAMARACK_TEEP_SUIT_REPORT_H_
#define TAMARACK_TEEP_SUIT_REPORT_H_

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
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

// Whose protection a report in a TEEP message has of its own.
enum class ReportProtection {
  kNone,        // none: its authenticity is the TEEP signature around it (TEEP.md A14)
  kVerified,    // signed by a registered report key
  kUnknownKey,  // COSE_Sign1 or COSE_Mac0 by a key that is not known: counts as kNone
  // Signed by the key that signed the TEEP message. Draft -26 section 4.5: a report's key MUST be
  // distinct. It is refused as a report key, even where `report_keys` lists it, and adds nothing.
  kMessageKey,
};

struct ContainedReport {
  Report report;
  bool encrypted = false;
  std::optional<keys::Thumbprint> signed_by;  // of kVerified and kMessageKey
  ReportProtection protection = ReportProtection::kNone;
};

struct ReportKeys {
  // Registered report keys of the device; may be empty.
  absl::Span<const keys::PublicKey> report_keys;
  // The key that signed the TEEP message; nullptr where there is none (a file on its own).
  const keys::PublicKey* message_key = nullptr;
  // Opens a COSE_Encrypt (its `other` is cose::kSuitReportEncryption). Empty: nobody can.
  std::function<absl::StatusOr<std::string>(Bytes cose_encrypt)> decrypt;
};

// A report as it stands in a TEEP message: bare, COSE_Sign1 or COSE_Mac0 (tagged or not) around it,
// or COSE_Encrypt (tag 96) around any of these (TEEP.md A13). Errors:
//   InvalidArgument  malformed, or a container in the wrong place (sign first, then encrypt)
//   Unauthenticated  a signature under the kid of a known key does not verify, or `decrypt` says so
//   Unimplemented    COSE_Encrypt without `decrypt`; COSE_Encrypt0, COSE_Mac, COSE_Sign, by name
// The nonce is the caller's to compare: see HasNonce.
absl::StatusOr<ContainedReport> OpenReport(Bytes bytes, const ReportKeys& keys);

// Whether the report's nonce is there and is `token` (T-29, T-44); in constant time.
bool HasNonce(const Report& report, std::string_view token);

}  // namespace tam::suit

#endif  // TAMARACK_TEEP_SUIT_REPORT_H_

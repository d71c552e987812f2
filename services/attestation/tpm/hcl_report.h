// What vouches for the attestation key of an Azure vTPM: a hardware report, whose report data is
// the SHA-256 of a JSON text with the key. ATTESTATION.md section 3; the layout is what the vectors
// show, for no specification is published. Little endian.
//
//   hcl_report = "HCLA", version 4 (1), size 4, type 4 (2: SEV-SNP), 16 bytes,
//                report 1184,
//                size 4, version 4 (1), type 4 (2), hash 4 (1: SHA-256), JSON size 4, JSON,
//                zeros
//   The first size ends with the JSON; the second is 20 and the JSON's.
#ifndef TAMARACK_SERVICES_ATTESTATION_TPM_HCL_REPORT_H_
#define TAMARACK_SERVICES_ATTESTATION_TPM_HCL_REPORT_H_

#include <string>
#include <string_view>
#include <variant>

#include "crypto/verify/verify.h"
#include "services/attestation/eat/appraisal.h"

namespace tam::attestation::tpm {

// Borrows from the bytes.
struct HclReport {
  std::string_view hardware_report;
  std::string_view json;
};
// Claims begin with "hcl_report.".
std::variant<HclReport, Finding> ParseHclReport(std::string_view bytes);

// What the report data must be: SHA-256 of the JSON, and zeros.
std::string ReportDataOf(const HclReport& report);

// The key "HCLAkPub" of the JSON, which a hardware report must have authenticated.
std::variant<verify::Key, Finding> AttestationKeyOf(const HclReport& report);

}  // namespace tam::attestation::tpm

#endif  // TAMARACK_SERVICES_ATTESTATION_TPM_HCL_REPORT_H_

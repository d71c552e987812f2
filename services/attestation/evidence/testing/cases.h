// Cases of evidence with the verdict that each must get, as a folder holds them: cases.json, a list
// of objects, and the files that it names.
//
//   id, format, evidence, at      what is verified, and the instant; others are optional
//   media_type                    "...; profile=\"X\"" becomes EvidenceInput::profile
//   anchors                       PEM certificates and public keys; "*_hmac.bin": a shared secret
//   nonce                         in hexadecimal; absent or null: not asked for
//   collateral, collateral_base   folders; a file of the first stands for the second's of that name
//   pcrs, signature               TPM: files that stand for those of the folder
//   expect                        crypto, verdict_default (its first word), reasons,
//                                 policy_reasons, tcb
//
// For tests and tools alone. Not thread safe.
#ifndef TAMARACK_SERVICES_ATTESTATION_EVIDENCE_TESTING_CASES_H_
#define TAMARACK_SERVICES_ATTESTATION_EVIDENCE_TESTING_CASES_H_

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "services/attestation/evidence/evidence.h"

namespace tam::attestation::testing {

struct Expected {
  bool authentic = false;            // crypto "valid"
  std::string verdict;               // "accept", "warn", "refuse"
  std::vector<std::string> reasons;  // policy_reasons too; empty: not compared
  // Of the TCB: platform, QE, module, date, advisories (sorted), evaluation number.
  std::optional<Tcb> tcb;
};

struct Case {
  std::string id;
  std::string format;
  std::string media_type;
  std::string evidence;
  EvidenceInput input;  // all but its evidence
  TrustedInput trusted;
  Subject subject;
  Expected expected;

  // Borrows from this case.
  EvidenceInput Input() const;
};

// The folder of the public vectors, below TAM_VECTORS; nullopt where that is unset or lacks it.
std::optional<std::string> PublicCases();

// The cases of `format` ("": of each that is evidence), in their order. InvalidArgument with the
// case's id for a file that is missing, a member of the wrong type, or a file of collateral that
// nothing here knows.
absl::StatusOr<std::vector<Case>> LoadCases(const std::string& folder, std::string_view format);

}  // namespace tam::attestation::testing

#endif  // TAMARACK_SERVICES_ATTESTATION_EVIDENCE_TESTING_CASES_H_

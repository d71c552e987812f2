// Verdicts compared with what a case expects: the outcome of the cryptography, the status of the
// TCB, the verdict of a policy without exceptions, and a reason of the same kind.
//
// A kind is a word: "form" (parsing, lengths, tags, versions), "signature", "algorithm", "nonce",
// "binding", "time", "chain", "revocation", "collateral", "tcb", "debug", "pcr", "certificate",
// "mac". A finding's kinds are told by the words in its claim, a case's by the words of its
// reasons.
//
// For tests and tools alone. Thread safe.
#ifndef TAMARACK_SERVICES_ATTESTATION_EVIDENCE_TESTING_JUDGE_H_
#define TAMARACK_SERVICES_ATTESTATION_EVIDENCE_TESTING_JUDGE_H_

#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "services/attestation/evidence/testing/cases.h"

namespace tam::attestation::testing {

// What a verifier says, or a tool that prints what one says.
struct Outcome {
  bool authentic = false;
  std::string verdict;            // "accept", "warn", "refuse"
  std::vector<Finding> findings;  // for which it is not accepted, the gravest first
  std::optional<Tcb> tcb;
};
Outcome OutcomeOf(const EvidenceVerdict& verdict);

// A word of a claim, in lower case, and the kind that it tells; beside those that judge.cc knows.
using Words = std::vector<std::pair<std::string, std::string>>;

struct Differences {
  std::string crypto;  // "want valid, got invalid (signature: ...)"; empty: as expected
  std::string tcb;
  std::string verdict;
  std::string reasons;
  bool none() const { return crypto.empty() && tcb.empty() && verdict.empty() && reasons.empty(); }
  std::string ToString() const;
};
Differences Compare(const Expected& expected, const Outcome& outcome, const Words& words = {});

using Verifier =
    std::function<EvidenceVerdict(const EvidenceInput&, const TrustedInput&, const Subject&)>;

// All cases through one verifier.
struct Tally {
  int cases = 0;
  int crypto = 0, tcb = 0, verdict = 0, reasons = 0;  // as expected; where a case has no TCB or
                                                      // reason there is nothing to differ
  // "id: what differs", but for the cases that are excepted; and of these each that agrees.
  std::vector<std::string> failures;
  // "62 cases: crypto 62, TCB 62, verdict 62, reasons 62; excepted 0".
  std::string summary;
};
// `exceptions`: a case's id, and why it is judged wrong.
Tally RunCases(const std::vector<Case>& cases, const Verifier& verifier,
               const std::map<std::string, std::string>& exceptions = {}, const Words& words = {});

}  // namespace tam::attestation::testing

#endif  // TAMARACK_SERVICES_ATTESTATION_EVIDENCE_TESTING_JUDGE_H_

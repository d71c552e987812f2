#include "services/attestation/evidence/testing/judge.h"

#include <algorithm>
#include <set>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "crypto/text/text.h"

namespace tam::attestation::testing {
namespace {

struct Word {
  const char* text;
  const char* kind;
};

// The first that a reason of a case contains, in lower case, tells its kind.
constexpr Word kReasonWords[] = {
    {"parse:", "form"},
    {"trailing", "form"},
    {"cose tag", "form"},
    {"outer tag", "form"},
    {"inner t", "form"},
    {"length", "form"},
    {"certification", "form"},
    {"non-zero bytes", "form"},
    {"reserved bytes", "form"},
    {"r or s wider", "form"},
    {"version", "form"},
    {"tee type", "form"},
    {"key type", "form"},
    {"magic", "form"},
    {"type is not", "form"},
    {"vendor", "form"},
    {"crit", "form"},
    {"cose_mac0", "mac"},
    {"alg", "algorithm"},
    {"does not bind", "binding"},
    {"key hash", "binding"},
    {"nonce", "nonce"},
    {"challenge", "nonce"},
    {"qualifying", "nonce"},
    {"expired", "time"},
    {"valid at time", "time"},
    {"crl", "revocation"},
    {"tcb info", "collateral"},
    {"qe identity", "collateral"},
    {"fmspc", "collateral"},
    {"vcek", "chain"},
    {"chain", "chain"},
    {"tcb level", "tcb"},
    {"from certificate", "certificate"},
    {"debug", "debug"},
    {"pcr digest", "pcr"},
    {"signature", "signature"},
};

// Each that a claim contains tells one of its kinds.
constexpr Word kClaimWords[] = {
    {"form", "form"},
    {"evidence", "form"},
    {"token", "form"},
    {"payload", "form"},
    {"header", "form"},
    {"length", "form"},
    {"size", "form"},
    {"trailing", "form"},
    {"tag", "form"},
    {"type", "form"},
    {"version", "form"},
    {"reserved", "form"},
    {"vendor", "form"},
    {"magic", "form"},
    {"certification", "form"},
    {"pem", "form"},
    {"signature", "signature"},
    {"alg", "algorithm"},
    {"mac", "mac"},
    {"bind", "binding"},
    {"key_hash", "binding"},
    {"nonce", "nonce"},
    {"challenge", "nonce"},
    {"qualifying", "nonce"},
    {"report_data", "nonce"},
    {"valid", "time"},
    {"expire", "time"},
    {"not_before", "time"},
    {"not_after", "time"},
    {"update", "time"},
    {"issue_date", "time"},
    {"crl", "revocation"},
    {"revo", "revocation"},
    {"tcb_info", "collateral"},
    {"qe_identity", "collateral"},
    {"fmspc", "collateral"},
    {"chain", "chain"},
    {"issuer", "chain"},
    {"anchor", "chain"},
    {"tcb", "tcb"},
    {"debug", "debug"},
    {"certificate", "certificate"},
    {"chip_id", "certificate"},
    {"pcr", "pcr"},
};

std::set<std::string> KindsOfReasons(const std::vector<std::string>& reasons) {
  std::set<std::string> kinds;
  for (const std::string& reason : reasons) {
    const std::string lower = absl::AsciiStrToLower(reason);
    const auto* const word =
        std::find_if(std::begin(kReasonWords), std::end(kReasonWords),
                     [&lower](const Word& w) { return absl::StrContains(lower, w.text); });
    kinds.insert(word == std::end(kReasonWords) ? lower : word->kind);
  }
  return kinds;
}

bool HasKind(const Finding& finding, const std::set<std::string>& kinds, const Words& more) {
  const std::string claim = absl::AsciiStrToLower(finding.claim);
  for (const Word& word : kClaimWords) {
    if (absl::StrContains(claim, word.text) && kinds.contains(word.kind)) return true;
  }
  return std::any_of(more.begin(), more.end(), [&](const auto& word) {
    return absl::StrContains(claim, word.first) && kinds.contains(word.second);
  });
}

std::string Describe(const std::vector<Finding>& findings) {
  std::string text;
  for (const Finding& f : findings) {
    Append(&text, " (", f.claim, ": want ", f.expected, ", got ", f.found, ")");
  }
  return text;
}

std::string CompareTcb(const Tcb& want, const std::optional<Tcb>& got) {
  if (!got.has_value()) return "want a status, got none";
  std::vector<std::string> advisories = got->advisories;
  std::sort(advisories.begin(), advisories.end());
  const auto status = [](const char* name, TcbStatus a, TcbStatus b) {
    if (a == b) return std::string();
    return Concat(name, ": want ", static_cast<int>(a), ", got ", static_cast<int>(b), "; ");
  };
  std::string text = status("platform", want.platform, got->platform) +
                     status("QE", want.qe, got->qe) + status("module", want.module, got->module);
  if (want.date != got->date) {
    Append(&text, "date: want ", absl::FormatTime(want.date), ", got ", absl::FormatTime(got->date),
           "; ");
  }
  if (want.advisories != advisories) Append(&text, "advisories: got ", advisories.size(), "; ");
  if (want.evaluation_number != got->evaluation_number) {
    Append(&text, "evaluation number: got ", got->evaluation_number, "; ");
  }
  return text;
}

}  // namespace

Outcome OutcomeOf(const EvidenceVerdict& verdict) {
  Outcome outcome;
  outcome.authentic = verdict.authentic();
  for (const auto* list : {&verdict.unauthentic, &verdict.refused}) {
    outcome.findings.insert(outcome.findings.end(), list->begin(), list->end());
  }
  outcome.verdict = !outcome.findings.empty() ? "refuse"
                    : verdict.warned.empty()  ? "accept"
                                              : "warn";
  outcome.findings.insert(outcome.findings.end(), verdict.warned.begin(), verdict.warned.end());
  if (verdict.claims.has_value()) outcome.tcb = verdict.claims->tcb;
  return outcome;
}

std::string Differences::ToString() const {
  std::string text;
  for (const auto& [name, what] :
       {std::pair{"crypto", &crypto}, std::pair{"tcb", &tcb}, std::pair{"verdict", &verdict},
        std::pair{"reasons", &reasons}}) {
    if (!what->empty()) Append(&text, name, ": ", *what, "; ");
  }
  return text;
}

Differences Compare(const Expected& expected, const Outcome& outcome, const Words& words) {
  Differences differences;
  const std::string found = Describe(outcome.findings);
  const auto name = [](bool authentic) { return authentic ? "valid" : "invalid"; };
  if (expected.authentic != outcome.authentic) {
    differences.crypto =
        Concat("want ", name(expected.authentic), ", got ", name(outcome.authentic), found);
  }
  if (expected.tcb.has_value()) differences.tcb = CompareTcb(*expected.tcb, outcome.tcb);
  if (expected.verdict != outcome.verdict) {
    differences.verdict = Concat("want ", expected.verdict, ", got ", outcome.verdict, found);
  }
  if (expected.reasons.empty()) return differences;
  const std::set<std::string> kinds = KindsOfReasons(expected.reasons);
  const bool any =
      std::any_of(outcome.findings.begin(), outcome.findings.end(),
                  [&](const Finding& finding) { return HasKind(finding, kinds, words); });
  if (!any) {
    for (const std::string& kind : kinds) Append(&differences.reasons, kind, " ");
    differences.reasons = Concat("want ", differences.reasons, "got", found);
  }
  return differences;
}

Tally RunCases(const std::vector<Case>& cases, const Verifier& verifier,
               const std::map<std::string, std::string>& exceptions, const Words& words) {
  Tally tally;
  for (const Case& c : cases) {
    const Outcome outcome = OutcomeOf(verifier(c.Input(), c.trusted, c.subject));
    const Differences differences = Compare(c.expected, outcome, words);
    tally.cases += 1;
    tally.crypto += differences.crypto.empty();
    tally.tcb += differences.tcb.empty();
    tally.verdict += differences.verdict.empty();
    tally.reasons += differences.reasons.empty();
    if (!exceptions.contains(c.id)) {
      if (!differences.none()) tally.failures.push_back(c.id + ": " + differences.ToString());
    } else if (differences.none()) {
      tally.failures.push_back(c.id + ": excepted, but it agrees");
    }
  }
  tally.summary =
      Concat(tally.cases, " cases: crypto ", tally.crypto, ", TCB ", tally.tcb, ", verdict ",
             tally.verdict, ", reasons ", tally.reasons, "; excepted ", exceptions.size());
  return tally;
}

}  // namespace tam::attestation::testing

#include "services/attestation/tpm/tpm.h"

#include <optional>
#include <string>
#include <utility>
#include <variant>

#include "absl/strings/escaping.h"
#include "crypto/cbor/cbor.h"
#include "crypto/text/text.h"
#include "crypto/verify/verify.h"
#include "crypto/x509/anchored.h"
#include "services/attestation/evidence/hardware_chain.h"
#include "services/attestation/tpm/event_log.h"
#include "services/attestation/tpm/key_trust.h"
#include "services/attestation/tpm/structures.h"

namespace tam::attestation {
namespace {

using cbor::AsBytes;
using tpm::EventLog;
using tpm::KeyTrust;
using tpm::PcrSelection;
using tpm::PublicArea;
using tpm::Quote;

constexpr size_t kMinNonceBytes = 8;

std::string Hex(std::string_view bytes) { return absl::BytesToHexString(AbslView(bytes)); }

std::variant<PublicArea, Finding> KeyOf(const EvidenceInput& input) {
  if (!input.public_area.empty()) return tpm::ParsePublicArea(input.public_area);
  if (input.certificates.empty() || input.collateral.contains("hcl_report")) {
    return MakeFinding("ak", "a public area or a certificate", "neither");
  }
  const auto leaf = x509::Certificate::Parse(input.certificates.front());
  if (!leaf.ok()) return FindingOf("chain[0].", leaf.status());
  return PublicArea{leaf->key(), std::nullopt, std::nullopt, ""};
}

std::optional<Finding> CheckSignature(const verify::Key& key, const tpm::Signature& signature,
                                      Bytes attest) {
  absl::Status status;
  if (signature.scheme == tpm::Scheme::kEcdsa) {
    status = key.VerifyEcdsa(signature.hash, attest, AsBytes(signature.value));
  } else {
    const auto padding =
        signature.scheme == tpm::Scheme::kRsassa ? verify::Padding::kPkcs1 : verify::Padding::kPss;
    status = key.VerifyRsa(padding, signature.hash, attest, AsBytes(signature.value));
  }
  if (status.ok()) return std::nullopt;
  return MakeFinding("signature", "one by the attestation key", "another");
}

std::string PcrName(uint16_t bank, uint32_t pcr) {
  return Concat("pcr.", tpm::BankName(bank), ".", pcr);
}

// The value that goes with a selected PCR; or what is missing.
std::variant<std::string, Finding> ValueOf(const EvidenceInput& input, uint16_t bank,
                                           uint32_t pcr) {
  const auto values = input.pcrs.find(bank);
  const size_t size = tpm::BankBytes(bank);
  std::string found;
  if (values != input.pcrs.end()) {
    const auto value = values->second.find(pcr);
    if (value != values->second.end()) found = value->second;
  }
  if (found.size() == size) return found;
  return MakeFinding(PcrName(bank, pcr), Concat(size, " bytes"), HexText(found));
}

// In the order of the selection; the hash is the signature's, whatever the bank's is.
std::optional<Finding> CheckPcrs(const Quote& quote, const EvidenceInput& input,
                                 verify::Hash hash) {
  std::string all;
  for (const PcrSelection& bank : quote.selection) {
    for (const uint32_t pcr : bank.pcrs) {
      const auto value = ValueOf(input, bank.hash, pcr);
      if (const auto* wrong = std::get_if<Finding>(&value)) return *wrong;
      all += std::get<std::string>(value);
    }
  }
  const std::string digest = verify::Digest(hash, AsBytes(all));
  if (digest == quote.pcr_digest) return std::nullopt;
  return MakeFinding("pcr_digest", HexText(digest), HexText(quote.pcr_digest));
}

struct Authentic {
  Quote quote;
  PublicArea key;
  KeyTrust trust;
};

// Stages 1 to 4. The key's trust comes last, for nothing is worth a chain that is not signed.
std::variant<Authentic, Finding> Authenticate(const EvidenceInput& input,
                                              const TrustedInput& trusted, const Subject& subject) {
  if (input.evidence.size() > kMaxEvidenceBytes) {
    return MakeFinding("attest.size", Concat("at most ", kMaxEvidenceBytes),
                       Concat(input.evidence.size()));
  }
  auto quote = tpm::ParseQuote(cbor::AsView(input.evidence));
  if (const auto* wrong = std::get_if<Finding>(&quote)) return *wrong;
  auto area = KeyOf(input);
  if (const auto* wrong = std::get_if<Finding>(&area)) return *wrong;
  const PublicArea& key = std::get<PublicArea>(area);
  const auto signature = tpm::ParseSignature(input.signature, key.key, key.scheme);
  if (const auto* wrong = std::get_if<Finding>(&signature)) return *wrong;
  const auto& parsed = std::get<tpm::Signature>(signature);
  if (auto wrong = CheckSignature(key.key, parsed, input.evidence); wrong.has_value()) {
    return *wrong;
  }
  const Quote& said = std::get<Quote>(quote);
  if (subject.nonce.has_value() && said.extra_data != *subject.nonce) {
    return MakeFinding("qualifying_data", HexText(*subject.nonce), HexText(said.extra_data));
  }
  if (auto wrong = CheckPcrs(said, input, parsed.hash); wrong.has_value()) return *wrong;
  auto trust = tpm::TrustKey(key.key, input, trusted, subject.at);
  if (const auto* wrong = std::get_if<Finding>(&trust)) return *wrong;
  return Authentic{said, key, std::get<KeyTrust>(std::move(trust))};
}

EvidenceClaims ClaimsOf(const Authentic& authentic, const EvidenceInput& input) {
  const Quote& quote = authentic.quote;
  EvidenceClaims claims;
  claims.instance = keys::ThumbprintHex(authentic.key.key.thumbprint());
  claims.key_is_the_devices = true;
  if (authentic.trust.registered) claims.key = authentic.key.key.thumbprint();
  for (const PcrSelection& bank : quote.selection) {
    for (const uint32_t pcr : bank.pcrs) {
      claims.measurements[PcrName(bank.hash, pcr)] = input.pcrs.at(bank.hash).at(pcr);
    }
  }
  claims.numbers = {{"clock", quote.clock},
                    {"reset_count", quote.reset_count},
                    {"restart_count", quote.restart_count},
                    {"firmware_version", quote.firmware_version}};
  const KeyTrust& trust = authentic.trust;
  claims.details = {
      {"qualified_signer", Hex(quote.qualified_signer)},
      {"qualifying_data", Hex(quote.extra_data)},
      {"ak_name", Hex(authentic.key.name)},
      {"ak_attributes", authentic.key.attributes.has_value() ? "restricted" : "not shown"},
      {"ak_trust", trust.hardware.has_value() ? "hardware report"
                   : trust.certified          ? "certificate"
                                              : "registered"},
      {"revocation", trust.revocation_checked ? "checked" : "no list"}};
  claims.tcb.until = trust.until;
  return claims;
}

void JudgeQuote(const Quote& quote, EvidenceVerdict& verdict) {
  if (quote.extra_data.size() < kMinNonceBytes) {
    verdict.refused.push_back(MakeFinding("qualifying_data.size",
                                          Concat("at least ", kMinNonceBytes, " bytes"),
                                          Concat(quote.extra_data.size())));
  }
  size_t pcrs = 0;
  bool strong = false;
  for (const PcrSelection& bank : quote.selection) {
    pcrs += bank.pcrs.size();
    strong = strong || (bank.hash != tpm::kSha1 && !bank.pcrs.empty());
  }
  if (pcrs == 0) {
    verdict.refused.push_back(MakeFinding("pcr_selection", "one PCR or more", "none"));
  } else if (!strong) {
    verdict.refused.push_back(MakeFinding("pcr_selection", "a bank of SHA-2", "SHA-1 alone"));
  }
  if (!quote.safe) verdict.warned.push_back(MakeFinding("clock.safe", "1", "0"));
}

// Each PCR that the log speaks of and the quote selects must be what the log leads to.
void JudgeLog(const Quote& quote, const EvidenceInput& input, EvidenceVerdict& verdict) {
  const auto replayed = tpm::ReplayEventLog(input.event_log);
  if (const auto* wrong = std::get_if<Finding>(&replayed)) {
    verdict.refused.push_back(*wrong);
    return;
  }
  const EventLog& log = std::get<EventLog>(replayed);
  bool held = false;
  bool boot_state_held = false;
  for (const PcrSelection& bank : quote.selection) {
    const auto own = log.pcrs.find(bank.hash);
    if (own == log.pcrs.end()) continue;
    for (const uint32_t pcr : bank.pcrs) {
      const auto value = own->second.find(pcr);
      if (value == own->second.end()) continue;
      const std::string& quoted = input.pcrs.at(bank.hash).at(pcr);
      if (value->second == quoted) {
        held = true;
        boot_state_held = boot_state_held || pcr == 7;
        continue;
      }
      verdict.refused.push_back(MakeFinding(Concat("event_log.", PcrName(bank.hash, pcr)),
                                            HexText(quoted), HexText(value->second)));
    }
  }
  if (!held || !verdict.refused.empty()) return;
  verdict.claims->numbers["event_log.events"] = log.events;
  if (boot_state_held && log.secure_boot.has_value()) {
    verdict.claims->numbers["secure_boot"] = *log.secure_boot ? 1 : 0;
  }
}

// What the processor's report says goes into the vTPM's verdict, under its own names.
void JoinHardware(const EvidenceVerdict& hardware, EvidenceVerdict& verdict) {
  const auto join = [](const std::vector<Finding>& from, std::vector<Finding>& to) {
    for (const Finding& finding : from) {
      to.push_back(
          MakeFinding(Concat("hcl_report.", finding.claim), finding.expected, finding.found));
    }
  };
  join(hardware.refused, verdict.refused);
  join(hardware.warned, verdict.warned);
  const EvidenceClaims& from = *hardware.claims;
  EvidenceClaims& to = *verdict.claims;
  to.platform_class = from.platform_class;
  to.debug = from.debug;
  for (const auto& [name, value] : from.measurements) to.measurements["snp." + name] = value;
  for (const auto& [name, value] : from.numbers) to.numbers["snp." + name] = value;
  for (const auto& [name, value] : from.details) to.details["snp." + name] = value;
  to.details["snp.chip_id"] = from.instance;
}

}  // namespace

EvidenceVerdict VerifyTpm(const EvidenceInput& input, const TrustedInput& trusted,
                          const Subject& subject) {
  const auto outcome = Authenticate(input, trusted, subject);
  if (const auto* wrong = std::get_if<Finding>(&outcome)) {
    return EvidenceVerdict::Unauthentic(*wrong);
  }
  const Authentic& authentic = std::get<Authentic>(outcome);
  EvidenceVerdict verdict;
  verdict.claims = ClaimsOf(authentic, input);
  JudgeQuote(authentic.quote, verdict);
  if (!input.event_log.empty()) JudgeLog(authentic.quote, input, verdict);
  if (authentic.trust.doubt.has_value()) verdict.refused.push_back(*authentic.trust.doubt);
  if (authentic.trust.hardware.has_value()) JoinHardware(*authentic.trust.hardware, verdict);
  constexpr int8_t kAffirmed = 2;
  constexpr int8_t kDoubtful = 32;
  constexpr int8_t kUnsafe = 96;
  verdict.trust.hardware = kAffirmed;
  verdict.trust.configuration = !verdict.refused.empty()  ? kUnsafe
                                : !verdict.warned.empty() ? kDoubtful
                                                          : kAffirmed;
  return verdict;
}

}  // namespace tam::attestation

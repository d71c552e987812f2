#include "services/attestation/nitro/nitro.h"

#include <algorithm>
#include <optional>
#include <string>
#include <utility>
#include <variant>

#include "absl/strings/escaping.h"
#include "crypto/cose/cose.h"
#include "crypto/text/text.h"
#include "crypto/verify/verify.h"
#include "services/attestation/evidence/hardware_chain.h"
#include "services/attestation/nitro/document.h"

namespace tam::attestation {
namespace {

using nitro::Document;

std::string Hex(std::string_view bytes) { return absl::BytesToHexString(AbslView(bytes)); }

std::string TimeText(absl::Time time) {
  return absl::FormatTime("%Y-%m-%dT%H:%M:%SZ", time, absl::UTCTimeZone());
}

struct Authentic {
  Document document;
  x509::Anchored chain;
};

// Stages 1 to 4.
std::variant<Authentic, Finding> Authenticate(const EvidenceInput& input,
                                              const TrustedInput& trusted, const Subject& subject) {
  auto parsed = nitro::ParseDocument(input.evidence);
  if (const auto* wrong = std::get_if<Finding>(&parsed)) return *wrong;
  Document& document = std::get<Document>(parsed);
  const auto verified = VerifyHardwareChain(document.chain, trusted, subject.at);
  if (const auto* wrong = std::get_if<Finding>(&verified)) return *wrong;
  const HardwareChain& chain = std::get<HardwareChain>(verified);
  const verify::Key& key = chain.leaf.key();
  if (key.kind() != verify::Kind::kP384) return MakeFinding("chain[0].key", "P-384", "another");
  const auto payload = document.message.Verify(*key.elliptic(), cose::AlgorithmPolicy::All());
  if (!payload.ok()) {
    return MakeFinding("signature", "one by the key of the certificate",
                       StdView(payload.status().message()));
  }
  if (subject.nonce.has_value() && document.nonce != subject.nonce) {
    return MakeFinding("nonce", HexText(*subject.nonce), HexText(document.nonce.value_or("")));
  }
  return Authentic{std::move(document), chain.anchored};
}

bool IsZero(const std::string& bytes) { return bytes.find_first_not_of('\0') == std::string::npos; }

EvidenceClaims ClaimsOf(const Authentic& authentic) {
  const Document& document = authentic.document;
  EvidenceClaims claims;
  claims.instance = document.module_id;
  claims.platform_class = "aws-nitro";
  for (const auto& [pcr, value] : document.pcrs) claims.measurements[Concat("pcr", pcr)] = value;
  claims.numbers["timestamp"] = static_cast<uint64_t>(absl::ToUnixMillis(document.timestamp));
  claims.details = {{"public_key", Hex(document.public_key.value_or(""))},
                    {"user_data", Hex(document.user_data.value_or(""))},
                    {"revocation", authentic.chain.revocation_checked ? "checked" : "no list"}};
  claims.tcb.until = authentic.chain.not_after;
  return claims;
}

void JudgePcrs(const Document& document, EvidenceVerdict& verdict) {
  bool all_zero = true;
  for (const uint32_t pcr : {0u, 1u, 2u}) {
    const auto value = document.pcrs.find(pcr);
    if (value == document.pcrs.end()) {
      verdict.refused.push_back(MakeFinding(Concat("pcr", pcr), "one", ""));
      return;
    }
    all_zero = all_zero && IsZero(value->second);
  }
  if (!all_zero) return;
  verdict.claims->debug = true;
  verdict.refused.push_back(MakeFinding("debug", "PCR 0 to 2 of an image", "zeros"));
}

}  // namespace

EvidenceVerdict VerifyNitro(const EvidenceInput& input, const TrustedInput& trusted,
                            const Subject& subject) {
  const auto outcome = Authenticate(input, trusted, subject);
  if (const auto* wrong = std::get_if<Finding>(&outcome)) {
    return EvidenceVerdict::Unauthentic(*wrong);
  }
  const Authentic& authentic = std::get<Authentic>(outcome);
  EvidenceVerdict verdict;
  verdict.claims = ClaimsOf(authentic);
  JudgePcrs(authentic.document, verdict);
  if (authentic.document.timestamp > subject.at + nitro::kClockAhead) {
    verdict.refused.push_back(MakeFinding("timestamp", Concat("at most ", TimeText(subject.at)),
                                          TimeText(authentic.document.timestamp)));
  }
  constexpr int8_t kAffirmed = 2;
  constexpr int8_t kUnsafe = 96;
  verdict.trust.hardware = kAffirmed;
  verdict.trust.configuration = verdict.refused.empty() ? kAffirmed : kUnsafe;
  return verdict;
}

}  // namespace tam::attestation

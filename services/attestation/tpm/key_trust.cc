#include "services/attestation/tpm/key_trust.h"

#include <algorithm>
#include <string>

#include "crypto/cbor/cbor.h"
#include "crypto/text/text.h"
#include "services/attestation/evidence/hardware_chain.h"
#include "services/attestation/snp/snp.h"
#include "services/attestation/tpm/hcl_report.h"

namespace tam::attestation::tpm {
namespace {

// tcg-kp-EKCertificate and tcg-kp-AIKCertificate. Google certifies AKs with the first.
constexpr char kEkPurpose[] = "2.23.133.8.1";
constexpr char kAkPurpose[] = "2.23.133.8.3";

bool IsRegistered(const verify::Key& key, const TrustedInput& trusted) {
  const bool known = std::any_of(
      trusted.keys.begin(), trusted.keys.end(),
      [&](const keys::PublicKey& other) { return other.thumbprint() == key.thumbprint(); });
  return known || std::any_of(trusted.key_infos.begin(), trusted.key_infos.end(),
                              [&](const std::string& der) {
                                const auto other = verify::Key::FromSpkiDer(cbor::AsBytes(der));
                                return other.ok() && *other == key;
                              });
}

std::optional<Finding> Certify(const verify::Key& key, const EvidenceInput& input,
                               const TrustedInput& trusted, absl::Time at, KeyTrust& trust) {
  const auto verified = VerifyHardwareChain(input.certificates, trusted, at);
  if (const auto* wrong = std::get_if<Finding>(&verified)) return *wrong;
  const HardwareChain& chain = std::get<HardwareChain>(verified);
  if (!(chain.leaf.key() == key)) {
    return MakeFinding("chain[0].key", "the attestation key's", "another device's");
  }
  if (!chain.leaf.HasPurpose(kAkPurpose) && !chain.leaf.HasPurpose(kEkPurpose)) {
    return MakeFinding("chain[0].extendedKeyUsage", Concat(kAkPurpose, " or ", kEkPurpose), "none");
  }
  trust.certified = true;
  trust.revocation_checked = chain.anchored.revocation_checked;
  trust.until = chain.anchored.not_after;
  return std::nullopt;
}

// By a processor: its report authenticates the JSON, which holds the key.
std::optional<Finding> Vouch(const verify::Key& key, std::string_view bytes,
                             const EvidenceInput& input, const TrustedInput& trusted, absl::Time at,
                             KeyTrust& trust) {
  const auto parsed = ParseHclReport(bytes);
  if (const auto* wrong = std::get_if<Finding>(&parsed)) return *wrong;
  const HclReport& report = std::get<HclReport>(parsed);
  EvidenceInput hardware;
  hardware.evidence = cbor::AsBytes(report.hardware_report);
  hardware.certificates = input.certificates;
  EvidenceVerdict verdict = VerifySnp(hardware, trusted, {at, ReportDataOf(report)});
  if (!verdict.authentic()) {
    const Finding& reason = verdict.unauthentic.front();
    return MakeFinding(Concat("hcl_report.", reason.claim), reason.expected, reason.found);
  }
  const auto vouched = AttestationKeyOf(report);
  if (const auto* wrong = std::get_if<Finding>(&vouched)) return *wrong;
  if (!(std::get<verify::Key>(vouched) == key)) {
    return MakeFinding("hcl_report.key", "the attestation key's", "another device's");
  }
  trust.until = verdict.claims->tcb.until;
  trust.hardware = std::move(verdict);
  return std::nullopt;
}

}  // namespace

std::variant<KeyTrust, Finding> TrustKey(const verify::Key& key, const EvidenceInput& input,
                                         const TrustedInput& trusted, absl::Time at) {
  KeyTrust trust;
  trust.registered = IsRegistered(key, trusted);
  std::optional<Finding> wrong;
  const auto hcl = input.collateral.find("hcl_report");
  if (hcl != input.collateral.end()) {
    wrong = Vouch(key, hcl->second, input, trusted, at, trust);
  } else if (!input.certificates.empty()) {
    wrong = Certify(key, input, trusted, at, trust);
  } else if (!trust.registered) {
    wrong = MakeFinding("chain", "an attestation key that is registered or certified", "neither");
  }
  if (wrong.has_value() && !trust.registered) return *wrong;
  trust.doubt = wrong;
  return trust;
}

}  // namespace tam::attestation::tpm

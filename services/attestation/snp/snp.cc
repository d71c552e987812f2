#include "services/attestation/snp/snp.h"

#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "absl/strings/escaping.h"
#include "crypto/cbor/cbor.h"
#include "crypto/text/text.h"
#include "crypto/verify/verify.h"
#include "services/attestation/evidence/hardware_chain.h"
#include "services/attestation/snp/certificate_checks.h"
#include "services/attestation/snp/report.h"

namespace tam::attestation {
namespace {

using snp::Product;
using snp::Report;
using snp::TcbBytes;

constexpr uint32_t kMaxVmpl = 3;

struct Bit {
  std::string_view name;
  int bit;
};
constexpr Bit kPolicyBits[] = {
    {"smt", 16},          {"migration_agent", 18}, {"debug", 19},    {"single_socket", 20},
    {"cxl", 21},          {"aes_256_xts", 22},     {"rapl_off", 23}, {"ciphertext_hiding", 24},
    {"page_swap_off", 25}};
constexpr int kReservedOneBit = 17;
constexpr int kFirstUnknownBit = 26;
constexpr Bit kPlatformBits[] = {
    {"smt", 0},        {"tsme", 1}, {"ecc", 2}, {"rapl_off", 3}, {"ciphertext_hiding", 4},
    {"alias_check", 5}};

bool IsSet(uint64_t value, int bit) { return (value >> bit & 1) != 0; }

// The signer's certificate and those above it.
std::vector<std::string> Chain(const EvidenceInput& input, const TrustedInput& trusted) {
  if (!input.certificates.empty()) return input.certificates;
  std::vector<std::string> chain;
  for (const auto& [first, second] : {std::pair("vcek", "vlek"), std::pair("ask", "asvk")}) {
    auto found = trusted.collateral.find(first);
    if (found == trusted.collateral.end()) found = trusted.collateral.find(second);
    if (found != trusted.collateral.end()) chain.push_back(found->second);
  }
  return chain;
}

struct Authentic {
  Report report;
  Product product;
  absl::Time until;
  bool revocation_checked;
};

// Stages 1 to 3.
std::variant<Authentic, Finding> Authenticate(const EvidenceInput& input,
                                              const TrustedInput& trusted, absl::Time at) {
  auto parsed = snp::ParseReport(input.evidence);
  if (const auto* wrong = std::get_if<Finding>(&parsed)) return *wrong;
  Report& report = std::get<Report>(parsed);
  const auto ders = Chain(input, trusted);
  if (ders.empty()) return MakeFinding("certificates", "VCEK or VLEK, and its issuer", "none");
  auto verified = VerifyHardwareChain(ders, trusted, at);
  if (const auto* wrong = std::get_if<Finding>(&verified)) return *wrong;
  const HardwareChain& chain = std::get<HardwareChain>(verified);
  const auto product = snp::CheckCertificate(chain.leaf, report);
  if (const auto* wrong = std::get_if<Finding>(&product)) return *wrong;
  if (chain.leaf.key().kind() != verify::Kind::kP384) {
    return MakeFinding("certificate.key", "P-384", "another kind");
  }
  const Bytes covered = input.evidence.subspan(0, snp::kSignedBytes);
  if (!chain.leaf.key()
           .VerifyEcdsa(verify::Hash::kSha384, covered, cbor::AsBytes(report.signature))
           .ok()) {
    return MakeFinding("signature", "one by the key of the certificate", "another");
  }
  return Authentic{std::move(report), std::get<Product>(product), chain.anchored.not_after,
                   chain.anchored.revocation_checked};
}

std::string Hex(std::string_view bytes) { return absl::BytesToHexString(AbslView(bytes)); }

void ClaimTcb(std::string_view name, const TcbBytes& tcb, Product product, EvidenceClaims& claims) {
  for (const snp::TcbPart& part : snp::TcbParts(product)) {
    claims.numbers[Concat(name, ".", part.name)] = tcb[part.byte];
  }
}

void ClaimNumbers(const Report& report, Product product, EvidenceClaims& claims) {
  auto& numbers = claims.numbers;
  numbers["report_version"] = report.version;
  numbers["guest_svn"] = report.guest_svn;
  numbers["vmpl"] = report.vmpl;
  numbers["policy"] = report.policy;
  numbers["policy.abi_minor"] = report.policy & 0xff;
  numbers["policy.abi_major"] = report.policy >> 8 & 0xff;
  for (const Bit& bit : kPolicyBits) {
    numbers[Concat("policy.", bit.name)] = IsSet(report.policy, bit.bit);
  }
  for (const Bit& bit : kPlatformBits) {
    numbers[Concat("platform.", bit.name)] = IsSet(report.platform_info, bit.bit);
  }
  numbers["mitigations.launch"] = report.launch_mitigations;
  numbers["mitigations.current"] = report.current_mitigations;
  ClaimTcb("current_tcb", report.current, product, claims);
  ClaimTcb("reported_tcb", report.reported, product, claims);
  ClaimTcb("committed_tcb", report.committed, product, claims);
  ClaimTcb("launch_tcb", report.launch, product, claims);
}

EvidenceClaims ClaimsOf(const Authentic& authentic) {
  const Report& report = authentic.report;
  EvidenceClaims claims;
  const bool masked = report.chip_id.find_first_not_of('\0') == std::string::npos;
  const bool vcek = report.signer == snp::Signer::kVcek;
  if (vcek && !masked) claims.instance = Hex(report.chip_id);
  claims.platform_class = std::string(snp::ProductName(authentic.product));
  claims.measurements = {{"measurement", report.measurement},
                         {"host_data", report.host_data},
                         {"id_key_digest", report.id_key_digest},
                         {"author_key_digest", report.author_key_digest}};
  ClaimNumbers(report, authentic.product, claims);
  claims.details = {{"signer", vcek ? "VCEK" : "VLEK"},
                    {"report_data", Hex(report.report_data)},
                    {"family_id", Hex(report.family_id)},
                    {"image_id", Hex(report.image_id)},
                    {"report_id", Hex(report.report_id)},
                    {"report_id_ma", Hex(report.report_id_ma)},
                    {"processor", report.family_model_stepping},
                    {"author_key", report.has_author_key ? "yes" : "no"},
                    {"revocation", authentic.revocation_checked ? "checked" : "no list"}};
  claims.debug = IsSet(report.policy, 19);
  claims.tcb.until = authentic.until;
  return claims;
}

void JudgePolicy(uint64_t policy, EvidenceVerdict& verdict) {
  if (IsSet(policy, 19)) {
    verdict.refused.push_back(MakeFinding("policy.debug", "0", "1"));
  }
  if (!IsSet(policy, kReservedOneBit)) {
    verdict.refused.push_back(MakeFinding("policy.reserved", "bit 17 set", "clear"));
  }
  if (IsSet(policy, 18)) {
    verdict.warned.push_back(MakeFinding("policy.migration_agent", "0", "1"));
  }
  if (const uint64_t unknown = policy >> kFirstUnknownBit; unknown != 0) {
    verdict.warned.push_back(MakeFinding("policy.unknown_bits", "none",
                                         Concat("0x", absl::Hex(unknown << kFirstUnknownBit))));
  }
}

void JudgeTcb(const Report& report, Product product, EvidenceVerdict& verdict) {
  for (const snp::TcbPart& part : snp::TcbParts(product)) {
    const unsigned current = report.current[part.byte];
    const unsigned reported = report.reported[part.byte];
    if (current >= reported) continue;
    verdict.refused.push_back(MakeFinding(Concat("current_tcb.", part.name),
                                          Concat("at least the reported ", reported),
                                          Concat(current)));
  }
}

// Stage 5.
EvidenceVerdict Judge(const Authentic& authentic) {
  EvidenceVerdict verdict;
  verdict.claims = ClaimsOf(authentic);
  const Report& report = authentic.report;
  JudgePolicy(report.policy, verdict);
  JudgeTcb(report, authentic.product, verdict);
  if (report.vmpl > kMaxVmpl) {
    verdict.refused.push_back(
        MakeFinding("vmpl", "0..3, a guest's", Concat("0x", absl::Hex(report.vmpl))));
  }
  constexpr int8_t kAffirmed = 2;
  constexpr int8_t kDoubtful = 32;
  constexpr int8_t kUnsafe = 96;
  verdict.trust.hardware = kAffirmed;
  verdict.trust.configuration = !verdict.refused.empty()  ? kUnsafe
                                : !verdict.warned.empty() ? kDoubtful
                                                          : kAffirmed;
  return verdict;
}

}  // namespace

EvidenceVerdict VerifySnp(const EvidenceInput& input, const TrustedInput& trusted,
                          const Subject& subject) {
  const auto authentic = Authenticate(input, trusted, subject.at);
  if (const auto* wrong = std::get_if<Finding>(&authentic)) {
    return EvidenceVerdict::Unauthentic(*wrong);
  }
  const Authentic& held = std::get<Authentic>(authentic);
  if (subject.nonce.has_value() && held.report.report_data != *subject.nonce) {
    return EvidenceVerdict::Unauthentic(
        MakeFinding("report_data", HexText(*subject.nonce), HexText(held.report.report_data)));
  }
  return Judge(held);
}

}  // namespace tam::attestation

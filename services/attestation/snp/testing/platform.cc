#include "services/attestation/snp/testing/platform.h"

#include <algorithm>

#include "crypto/text/text.h"

namespace tam::attestation::snp::testing {
namespace {

using verify::testing::Issued;
using verify::testing::IssueSpec;

void Put(std::string& report, size_t at, uint64_t value, size_t size) {
  for (size_t i = 0; i < size; ++i) report[at + i] = static_cast<char>(value >> 8 * i);
}

void Put(std::string& report, size_t at, const TcbBytes& tcb) {
  std::copy(tcb.begin(), tcb.end(), report.begin() + at);
}

std::string DerInteger(uint8_t value) {
  std::string der = value > 0x7f ? std::string("\x02\x02\x00", 3) : std::string("\x02\x01", 2);
  return der + static_cast<char>(value);
}

std::string DerIa5(const std::string& text) {
  return std::string("\x16") + static_cast<char>(text.size()) + text;
}

IssueSpec Authority(const std::string& name) {
  IssueSpec spec;
  spec.common_name = name;
  spec.authority = true;
  return spec;
}

std::string IssuerName(const PlatformSpec& spec) {
  const std::string product =
      spec.issuer_product.empty() ? std::string(ProductName(spec.product)) : spec.issuer_product;
  return (spec.signer == Signer::kVcek ? "SEV-" : "SEV-VLEK-") + product;
}

IssueSpec SignerSpec(const PlatformSpec& spec) {
  constexpr char kArc[] = "1.3.6.1.4.1.3704.1.";
  IssueSpec leaf = spec.leaf;
  leaf.common_name = spec.signer == Signer::kVcek ? "SEV-VCEK" : "SEV-VLEK";
  leaf.kind = verify::Kind::kP384;
  if (spec.leaf.serial == 1) leaf.serial = 0;
  std::map<std::string, std::string> below = {
      {"1", DerInteger(1)}, {"2", DerIa5(Concat(ProductName(spec.product), "-B0"))}};
  for (const TcbPart& part : TcbParts(spec.product)) {
    below[std::string(part.extension)] = DerInteger(spec.tcb[part.byte]);
  }
  if (spec.signer == Signer::kVcek) {
    below["4"] = spec.chip_id.substr(0, spec.product == Product::kTurin ? 8 : 64);
  } else {
    below["5"] = DerIa5("a cloud");
  }
  for (const auto& [oid, content] : spec.extensions) below[oid] = content;
  for (const auto& [oid, content] : below) {
    if (!content.empty()) leaf.extensions[kArc + oid] = content;
  }
  return leaf;
}

}  // namespace

Platform::Platform(const PlatformSpec& spec)
    : spec_(spec),
      ark_(Issued::Root(Authority(Concat("ARK-", ProductName(spec.product))))),
      ask_(ark_.Below(Authority(IssuerName(spec)))),
      signer_(ask_.Below(SignerSpec(spec))) {}

std::string Platform::Report(const ReportSpec& spec) const {
  std::string report(kReportBytes, '\0');
  Put(report, 0, spec.version, 4);
  Put(report, 4, 7, 4);
  Put(report, 8, spec.policy, 8);
  Put(report, 0x30, spec.vmpl, 4);
  Put(report, 0x34, 1, 4);
  Put(report, 0x38, spec.current);
  Put(report, 0x40, 0x21, 8);
  const uint32_t signer = spec_.signer == Signer::kVcek ? 0 : 1;
  Put(report, 0x48, spec.flags | signer << 2, 4);
  report.replace(0x50, 64, spec.report_data);
  report.replace(0x90, 48, spec.measurement);
  Put(report, 0x180, spec_.tcb);
  if (spec.version >= 3) report.replace(0x188, 3, spec.family_model_stepping);
  report.replace(0x1a0, 64, spec.chip_id);
  Put(report, 0x1e0, spec_.tcb);
  Put(report, 0x1f0, spec_.tcb);
  return Sign(std::move(report));
}

std::string Platform::Sign(std::string report) const {
  constexpr size_t kHalf = 48;
  constexpr size_t kField = 72;
  report.resize(kSignedBytes);
  std::string signature = signer_.key.SignEcdsa(verify::Hash::kSha384, report);
  std::reverse(signature.begin(), signature.begin() + kHalf);
  std::reverse(signature.begin() + kHalf, signature.end());
  report.resize(kReportBytes, '\0');
  report.replace(kSignedBytes, kHalf, signature.substr(0, kHalf));
  report.replace(kSignedBytes + kField, kHalf, signature.substr(kHalf));
  return report;
}

}  // namespace tam::attestation::snp::testing

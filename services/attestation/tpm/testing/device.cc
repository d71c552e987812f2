#include "services/attestation/tpm/testing/device.h"

#include "absl/strings/escaping.h"
#include "crypto/cbor/cbor.h"
#include "crypto/text/text.h"

namespace tam::attestation::tpm::testing {
namespace {

using cbor::AsBytes;
using verify::testing::Issued;
using verify::testing::IssueSpec;

std::string Big(uint64_t value, size_t size) {
  std::string out;
  for (size_t i = size; i > 0; --i) out += static_cast<char>(value >> 8 * (i - 1));
  return out;
}

std::string Little(uint64_t value, size_t size) {
  const std::string big = Big(value, size);
  return std::string(big.rbegin(), big.rend());
}

std::string Sized(std::string_view bytes) { return Big(bytes.size(), 2) + std::string(bytes); }

uint16_t Algorithm(Scheme scheme) {
  if (scheme == Scheme::kRsassa) return 0x14;
  return scheme == Scheme::kRsapss ? 0x16 : 0x18;
}

verify::Hash SigningHash(uint16_t hash) { return HashOf(hash).value_or(verify::Hash::kSha256); }

IssueSpec Authority(const std::string& name) {
  IssueSpec spec;
  spec.common_name = name;
  spec.authority = true;
  return spec;
}

IssueSpec Leaf(const DeviceSpec& spec) {
  IssueSpec leaf = spec.leaf;
  leaf.kind = spec.kind;
  return leaf;
}

std::string Selection(const Pcrs& pcrs) {
  constexpr size_t kBytes = 3;
  std::string out = Big(pcrs.size(), 4);
  for (const auto& [bank, values] : pcrs) {
    std::string bitmap(kBytes, '\0');
    for (const auto& [pcr, value] : values) {
      bitmap[pcr / 8] = static_cast<char>(bitmap[pcr / 8] | 1 << pcr % 8);
    }
    out += Big(bank, 2) + Big(kBytes, 1) + bitmap;
  }
  return out;
}

}  // namespace

Pcrs SomePcrs() {
  return {
      {kSha256, {{0, std::string(32, '0')}, {4, std::string(32, '4')}, {7, std::string(32, '7')}}}};
}

Device::Device(const DeviceSpec& spec)
    : spec_(spec),
      root_(Issued::Root(Authority("TPM root"))),
      issuer_(root_.Below(Authority("TPM maker"))),
      ak_(issuer_.Below(Leaf(spec))) {}

std::string Device::PublicArea() const {
  const bool rsa = spec_.kind == verify::Kind::kRsa;
  std::string area = Big(rsa ? 1 : 0x23, 2) + Big(kSha256, 2) + Big(spec_.attributes, 4);
  area += Sized("") + Big(0x10, 2);
  area += spec_.key_chooses ? Big(0x10, 2) : Big(Algorithm(spec_.scheme), 2) + Big(spec_.hash, 2);
  if (rsa) return area + Big(2048, 2) + Big(0, 4) + Sized(ak_.key.X());
  const uint16_t curve = spec_.kind == verify::Kind::kP256   ? 3
                         : spec_.kind == verify::Kind::kP384 ? 4
                                                             : 5;
  return area + Big(curve, 2) + Big(0x10, 2) + Sized(ak_.key.X()) + Sized(ak_.key.Y());
}

std::string Device::Quote(const QuoteSpec& spec) const {
  std::string attest = Big(spec.magic, 4) + Big(spec.type, 2);
  attest += Sized(Big(kSha256, 2) + std::string(32, 'q')) + Sized(spec.extra_data);
  attest += Big(123456, 8) + Big(10, 4) + Big(3, 4) + Big(spec.safe, 1) + Big(0x20160511, 8);
  std::string values;
  for (const auto& [bank, pcrs] : spec.pcrs) {
    for (const auto& [pcr, value] : pcrs) values += value;
  }
  return attest + Selection(spec.pcrs) +
         Sized(verify::Digest(SigningHash(spec_.hash), AsBytes(values)));
}

std::string Device::SignBare(std::string_view attest) const {
  const verify::Hash hash = SigningHash(spec_.hash);
  if (spec_.kind != verify::Kind::kRsa) return ak_.key.SignEcdsa(hash, attest);
  return ak_.key.SignRsa(
      spec_.scheme == Scheme::kRsapss ? verify::Padding::kPss : verify::Padding::kPkcs1, hash,
      attest);
}

std::string Device::Sign(std::string_view attest) const {
  const std::string bare = SignBare(attest);
  const std::string head = Big(Algorithm(spec_.scheme), 2) + Big(spec_.hash, 2);
  if (spec_.kind == verify::Kind::kRsa) return head + Sized(bare);
  const size_t half = bare.size() / 2;
  return head + Sized(bare.substr(0, half)) + Sized(bare.substr(half));
}

std::string EventLogOf(const std::vector<LogEvent>& events) {
  const std::string id = std::string("Spec ID Event03\0", 16) + Little(0, 4) +
                         std::string("\0\2\0\2", 4) + Little(1, 4) + Little(kSha256, 2) +
                         Little(32, 2) + std::string(1, '\0');
  std::string log = Little(0, 4) + Little(3, 4) + std::string(20, '\0') + Little(id.size(), 4) + id;
  for (const LogEvent& event : events) {
    const std::string digest = event.digest.empty()
                                   ? verify::Digest(verify::Hash::kSha256, AsBytes(event.data))
                                   : event.digest;
    log += Little(event.pcr, 4) + Little(event.type, 4) + Little(1, 4) + Little(kSha256, 2) +
           digest + Little(event.data.size(), 4) + event.data;
  }
  return log;
}

std::string SecureBootVariable(bool on) {
  std::string name;
  for (const char letter : std::string_view("SecureBoot")) name += std::string{letter, '\0'};
  return std::string(16, 'g') + Little(10, 8) + Little(1, 8) + name + (on ? '\1' : '\0');
}

std::string HclReportOf(std::string_view hardware_report, std::string_view json) {
  const std::string runtime = Little(20 + json.size(), 4) + Little(1, 4) + Little(2, 4) +
                              Little(1, 4) + Little(json.size(), 4) + std::string(json);
  const size_t whole = 32 + hardware_report.size() + runtime.size();
  return "HCLA" + Little(1, 4) + Little(whole, 4) + Little(2, 4) + std::string(16, '\0') +
         std::string(hardware_report) + runtime + std::string(10, '\0');
}

std::string ReportDataFor(std::string_view json) {
  return verify::Digest(verify::Hash::kSha256, AsBytes(json)) + std::string(32, '\0');
}

std::string HclJson(const verify::testing::SigningKey& ak) {
  std::string modulus;
  absl::WebSafeBase64Escape(ak.X(), &modulus);
  return Concat(R"({"keys":[{"kid":"HCLAkPub","kty":"RSA","e":"AQAB","n":")", modulus, R"("}]})");
}

}  // namespace tam::attestation::tpm::testing

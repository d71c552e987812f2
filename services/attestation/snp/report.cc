#include "services/attestation/snp/report.h"

#include <algorithm>

#include "absl/strings/escaping.h"
#include "crypto/text/text.h"

namespace tam::attestation::snp {
namespace {

using Bytes = absl::Span<const uint8_t>;

constexpr uint32_t kEcdsaP384Sha384 = 1;
constexpr size_t kHalf = 48;           // of r and s
constexpr size_t kHalfField = 72;      // and of their fields
constexpr size_t kProductVersion = 3;  // from which on the report names its processor
constexpr size_t kMitigationVersion = 5;

uint64_t Number(Bytes bytes, size_t at, size_t size) {
  uint64_t value = 0;
  for (size_t i = size; i > 0; --i) value = value << 8 | bytes[at + i - 1];
  return value;
}

std::string Text(Bytes bytes, size_t at, size_t size) {
  return std::string(reinterpret_cast<const char*>(bytes.data()) + at, size);
}

TcbBytes Tcb(Bytes bytes, size_t at) {
  TcbBytes tcb;
  std::copy_n(bytes.begin() + at, tcb.size(), tcb.begin());
  return tcb;
}

bool IsZero(Bytes bytes) {
  return std::all_of(bytes.begin(), bytes.end(), [](uint8_t byte) { return byte == 0; });
}

std::optional<Product> ProductOfProcessor(uint8_t family, uint8_t model) {
  if (family == 0x1a) return Product::kTurin;
  if (family != 0x19) return std::nullopt;
  if (model <= 0x0f) return Product::kMilan;
  if (model <= 0x1f || (model >= 0xa0 && model <= 0xaf)) return Product::kGenoa;
  return std::nullopt;
}

std::optional<Finding> ParseSignature(Bytes bytes, Report& report) {
  const Bytes signature = bytes.subspan(kSignedBytes);
  const auto half = [&](size_t at) {
    std::string value = Text(signature, at, kHalf);
    std::reverse(value.begin(), value.end());
    return value;
  };
  for (const size_t at : {size_t{0}, kHalfField}) {
    if (!IsZero(signature.subspan(at + kHalf, kHalfField - kHalf))) {
      return MakeFinding(at == 0 ? "signature.r" : "signature.s", "48 bytes, little endian",
                         "a wider number");
    }
  }
  if (!IsZero(signature.subspan(2 * kHalfField))) {
    return MakeFinding("signature.reserved", "zeros", "other bytes");
  }
  report.signature = half(0) + half(kHalfField);
  return std::nullopt;
}

std::optional<Finding> ParseSigner(uint32_t flags, Report& report) {
  report.has_author_key = (flags & 1) != 0;
  const uint32_t signer = flags >> 2 & 7;
  if (signer > 1) return MakeFinding("signing_key", "0 (VCEK) or 1 (VLEK)", Concat(signer));
  report.signer = signer == 0 ? Signer::kVcek : Signer::kVlek;
  return std::nullopt;
}

std::optional<Finding> ParseProcessor(Bytes bytes, Report& report) {
  if (report.version < kProductVersion) return std::nullopt;
  report.family_model_stepping = absl::BytesToHexString(Text(bytes, 0x188, 3));
  report.product = ProductOfProcessor(bytes[0x188], bytes[0x189]);
  if (report.product.has_value()) return std::nullopt;
  return MakeFinding("processor", "family and model of Milan, Genoa or Turin",
                     report.family_model_stepping);
}

void ParseFields(Bytes bytes, Report& report) {
  report.guest_svn = Number(bytes, 4, 4);
  report.policy = Number(bytes, 8, 8);
  report.family_id = Text(bytes, 0x10, 16);
  report.image_id = Text(bytes, 0x20, 16);
  report.vmpl = Number(bytes, 0x30, 4);
  report.current = Tcb(bytes, 0x38);
  report.platform_info = Number(bytes, 0x40, 8);
  report.report_data = Text(bytes, 0x50, 64);
  report.measurement = Text(bytes, 0x90, 48);
  report.host_data = Text(bytes, 0xc0, 32);
  report.id_key_digest = Text(bytes, 0xe0, 48);
  report.author_key_digest = Text(bytes, 0x110, 48);
  report.report_id = Text(bytes, 0x140, 32);
  report.report_id_ma = Text(bytes, 0x160, 32);
  report.reported = Tcb(bytes, 0x180);
  report.chip_id = Text(bytes, 0x1a0, 64);
  report.committed = Tcb(bytes, 0x1e0);
  report.launch = Tcb(bytes, 0x1f0);
  if (report.version >= kMitigationVersion) {
    report.launch_mitigations = Number(bytes, 0x1f8, 8);
    report.current_mitigations = Number(bytes, 0x200, 8);
  }
}

constexpr TcbPart kFirstParts[] = {
    {"boot_loader", "3.1", 0}, {"tee", "3.2", 1}, {"snp", "3.3", 6}, {"microcode", "3.8", 7}};
constexpr TcbPart kTurinParts[] = {{"fmc", "3.9", 0},
                                   {"boot_loader", "3.1", 1},
                                   {"tee", "3.2", 2},
                                   {"snp", "3.3", 3},
                                   {"microcode", "3.8", 7}};

}  // namespace

std::string_view ProductName(Product product) {
  switch (product) {
    case Product::kMilan:
      return "Milan";
    case Product::kGenoa:
      return "Genoa";
    case Product::kTurin:
      return "Turin";
  }
  return "";
}

std::optional<Product> ProductOf(std::string_view name) {
  name = name.substr(0, name.find('-'));
  for (const Product product : {Product::kMilan, Product::kGenoa, Product::kTurin}) {
    if (name == ProductName(product)) return product;
  }
  return std::nullopt;
}

absl::Span<const TcbPart> TcbParts(Product product) {
  if (product == Product::kTurin) return kTurinParts;
  return kFirstParts;
}

std::variant<Report, Finding> ParseReport(Bytes bytes) {
  if (bytes.size() != kReportBytes) {
    return MakeFinding("report.size", Concat(kReportBytes, " bytes"), Concat(bytes.size()));
  }
  Report report;
  report.version = Number(bytes, 0, 4);
  if (report.version != 2 && report.version != 3 && report.version != 5) {
    return MakeFinding("version", "2, 3 or 5", Concat(report.version));
  }
  if (const uint64_t algorithm = Number(bytes, 0x34, 4); algorithm != kEcdsaP384Sha384) {
    return MakeFinding("signature_algorithm", "1 (ECDSA P-384 with SHA-384)", Concat(algorithm));
  }
  ParseFields(bytes, report);
  auto wrong = ParseSigner(Number(bytes, 0x48, 4), report);
  if (!wrong.has_value()) wrong = ParseSignature(bytes, report);
  if (!wrong.has_value()) wrong = ParseProcessor(bytes, report);
  if (wrong.has_value()) return *wrong;
  return report;
}

}  // namespace tam::attestation::snp

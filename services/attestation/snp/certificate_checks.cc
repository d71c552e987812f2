#include "services/attestation/snp/certificate_checks.h"

#include <algorithm>
#include <string>
#include <string_view>

#include "crypto/text/text.h"
#include "crypto/x509/der.h"

namespace tam::attestation::snp {
namespace {

using x509::Certificate;

std::string Oid(std::string_view below) { return Concat("1.3.6.1.4.1.3704.1.", below); }

// Nullopt where it is absent, or there more than once.
std::optional<std::string> Extension(const Certificate& certificate, std::string_view below) {
  return certificate.Extension(Oid(below));
}

std::optional<x509::DerElement> OneElement(const std::optional<std::string>& der) {
  if (!der.has_value()) return std::nullopt;
  const auto elements = x509::ReadDer(*der);
  if (!elements.ok() || elements->size() != 1) return std::nullopt;
  return elements->front();
}

// Borrowed from `der`.
std::string_view Ia5String(const std::optional<std::string>& der) {
  const auto element = OneElement(der);
  return element.has_value() && element->tag == x509::kDerIa5String ? element->content
                                                                    : std::string_view();
}

std::optional<uint8_t> SmallInteger(const std::optional<std::string>& der) {
  const auto element = OneElement(der);
  if (!element.has_value() || element->tag != x509::kDerInteger) return std::nullopt;
  const auto number = x509::DerNumber(*element);
  if (!number.ok() || *number > UINT8_MAX) return std::nullopt;
  return static_cast<uint8_t>(*number);
}

std::variant<Product, Finding> CheckNames(const Certificate& certificate, const Report& report) {
  const bool vcek = report.signer == Signer::kVcek;
  const std::string_view kind = vcek ? "SEV-VCEK" : "SEV-VLEK";
  if (certificate.common_name() != kind) {
    return MakeFinding("certificate.subject", kind, certificate.common_name());
  }
  const auto named = Extension(certificate, "2");
  const std::string_view name = Ia5String(named);
  const auto product = ProductOf(name);
  if (!product.has_value()) {
    return MakeFinding("certificate.product", "Milan, Genoa or Turin", name);
  }
  const std::string issuer = Concat(vcek ? "SEV-" : "SEV-VLEK-", ProductName(*product));
  if (certificate.issuer_common_name() != issuer) {
    return MakeFinding("certificate.issuer", issuer, certificate.issuer_common_name());
  }
  if (report.product.has_value() && report.product != product) {
    return MakeFinding("processor", ProductName(*product), ProductName(*report.product));
  }
  return *product;
}

std::optional<Finding> CheckTcb(const Certificate& certificate, const Report& report,
                                Product product) {
  for (const TcbPart& part : TcbParts(product)) {
    const auto certified = SmallInteger(Extension(certificate, part.extension));
    const std::string claim = Concat("reported_tcb.", part.name);
    if (!certified.has_value()) {
      return MakeFinding(claim, "one that the certificate names", "none in the certificate");
    }
    const unsigned reported = report.reported[part.byte];
    if (reported != *certified) {
      return MakeFinding(claim, Concat(unsigned{*certified}, " of the certificate"),
                         Concat(reported));
    }
  }
  return std::nullopt;
}

// hwID is the chip id; on Turin its first 8 bytes. A masked chip id is all zeros.
std::optional<Finding> CheckChip(const Certificate& certificate, const Report& report,
                                 Product product) {
  const bool masked = report.chip_id.find_first_not_of('\0') == std::string::npos;
  const auto provider = Extension(certificate, "5");
  const auto hardware = Extension(certificate, "4");
  if (report.signer == Signer::kVlek) {
    if (hardware.has_value()) return MakeFinding("certificate.hwID", "none in a VLEK", "one");
    if (Ia5String(provider).empty()) {
      return MakeFinding("certificate.csp_id", "one in a VLEK", "");
    }
    return std::nullopt;
  }
  const size_t size = product == Product::kTurin ? 8 : report.chip_id.size();
  if (!hardware.has_value() || hardware->size() != size) {
    return MakeFinding("certificate.hwID", Concat(size, " bytes"),
                       Concat(hardware.has_value() ? hardware->size() : 0));
  }
  if (provider.has_value()) {
    return MakeFinding("certificate.csp_id", "none in a VCEK", "one");
  }
  std::string expected = *hardware;
  expected.resize(report.chip_id.size(), '\0');
  if (masked || expected == report.chip_id) return std::nullopt;
  return MakeFinding("chip_id", HexText(expected), HexText(report.chip_id));
}

}  // namespace

std::variant<Product, Finding> CheckCertificate(const Certificate& certificate,
                                                const Report& report) {
  const auto product = CheckNames(certificate, report);
  if (std::holds_alternative<Finding>(product)) return product;
  auto wrong = CheckTcb(certificate, report, std::get<Product>(product));
  if (!wrong.has_value()) wrong = CheckChip(certificate, report, std::get<Product>(product));
  if (wrong.has_value()) return *wrong;
  return product;
}

}  // namespace tam::attestation::snp

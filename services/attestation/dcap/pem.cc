#include "services/attestation/dcap/pem.h"

#include "absl/strings/escaping.h"
#include "crypto/text/text.h"

namespace tam::attestation::dcap {
namespace {

constexpr std::string_view kBegin = "-----BEGIN CERTIFICATE-----\n";
constexpr std::string_view kEnd = "-----END CERTIFICATE-----";
constexpr size_t kMaxBlocks = 3;
constexpr size_t kLine = 64;

absl::Status Malformed(std::string_view name, std::string_view want, std::string_view got) {
  return absl::InvalidArgumentError(AbslView(Concat(name, ".pem: want ", want, ", got ", got)));
}

// Takes the lines of base64 before kEnd; empty when there are none in the form above.
std::string TakeBase64(std::string_view& rest) {
  std::string text;
  bool last = false;
  while (!rest.starts_with(kEnd)) {
    const size_t end = rest.find('\n');
    if (last || end == std::string_view::npos || end == 0 || end > kLine) return "";
    last = end < kLine;
    Append(&text, rest.substr(0, end));
    rest.remove_prefix(end + 1);
  }
  return text;
}

// Empty when `text` is not canonical: what is decoded must give the same again.
std::string Decode(const std::string& text) {
  std::string der;
  if (!absl::Base64Unescape(text, &der) || absl::Base64Escape(der) != text) return "";
  return der;
}

}  // namespace

absl::StatusOr<std::vector<std::string>> ReadStrictPem(std::string_view name,
                                                       std::string_view pem) {
  if (pem.size() > kMaxPemBytes) {
    return Malformed(name, Concat("at most ", kMaxPemBytes, " bytes"), Concat(pem.size()));
  }
  if (pem.ends_with('\0')) pem.remove_suffix(1);
  std::vector<std::string> certificates;
  while (!pem.empty()) {
    const std::string at = Concat("other text in block ", certificates.size() + 1);
    if (certificates.size() == kMaxBlocks) return Malformed(name, "at most 3 certificates", "more");
    if (!pem.starts_with(kBegin)) return Malformed(name, "BEGIN CERTIFICATE", at);
    pem.remove_prefix(kBegin.size());
    std::string der = Decode(TakeBase64(pem));
    if (der.empty()) return Malformed(name, "canonical base64 in lines of 64", at);
    pem.remove_prefix(kEnd.size());
    if (!pem.empty() && !pem.starts_with('\n')) return Malformed(name, "an end of line", at);
    if (!pem.empty()) pem.remove_prefix(1);
    certificates.push_back(std::move(der));
  }
  if (certificates.empty()) return Malformed(name, "certificates", "none");
  return certificates;
}

}  // namespace tam::attestation::dcap

// The attestation report of AMD SEV-SNP: ATTESTATION.md section 7 (AMD 56860, SEV-SNP ABI). Layout
// alone; nothing here is verified. All numbers are little endian, and so are r and s.
#ifndef TAMARACK_SERVICES_ATTESTATION_SNP_REPORT_H_
#define TAMARACK_SERVICES_ATTESTATION_SNP_REPORT_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "absl/types/span.h"
#include "services/attestation/eat/appraisal.h"

namespace tam::attestation::snp {

inline constexpr size_t kReportBytes = 1184;
inline constexpr size_t kSignedBytes = 0x2a0;

// Which processors; each has a root key of its own.
enum class Product { kMilan, kGenoa, kTurin };
std::string_view ProductName(Product product);
// "Milan", "Milan-B0", ...; nullopt for another.
std::optional<Product> ProductOf(std::string_view name);

// The parts of a TCB version, which only these names compare.
struct TcbPart {
  std::string_view name;
  std::string_view extension;  // of the certificate, below 1.3.6.1.4.1.3704.1
  size_t byte;
};
absl::Span<const TcbPart> TcbParts(Product product);

using TcbBytes = std::array<uint8_t, 8>;

enum class Signer { kVcek, kVlek };

struct Report {
  uint32_t version = 0;
  uint32_t guest_svn = 0;
  uint64_t policy = 0;
  uint32_t vmpl = 0;
  uint64_t platform_info = 0;
  Signer signer = Signer::kVcek;
  bool has_author_key = false;
  std::string family_id, image_id;
  std::string report_data, measurement, host_data, id_key_digest, author_key_digest;
  std::string report_id, report_id_ma, chip_id;
  TcbBytes current{}, reported{}, committed{}, launch{};
  // The product that the processor says to be: versions below 3 do not; nullopt where it is
  // unknown.
  std::optional<Product> product;
  std::string family_model_stepping;                         // hexadecimal; empty below version 3
  uint64_t launch_mitigations = 0, current_mitigations = 0;  // version 5
  std::string signature;                                     // r||s, 48 bytes each, big endian
};

// What is wrong with the bytes, else the report: another size, an unknown version (2, 3 and 5 are
// known) or algorithm (ECDSA P-384 with SHA-384 is the one), a signer that is none, r or s wider
// than 48 bytes, anything but zeros after them, a processor of version 3 and above that is unknown.
std::variant<Report, Finding> ParseReport(absl::Span<const uint8_t> bytes);

}  // namespace tam::attestation::snp

#endif  // TAMARACK_SERVICES_ATTESTATION_SNP_REPORT_H_

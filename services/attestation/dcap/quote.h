// Intel DCAP quotes as bytes: SGX quotes of version 3, SGX and TDX quotes of versions 4 and 5, all
// with an ECDSA P-256 attestation key. Little endian; nothing here is verified.
//
//   quote      = header body u32:signature-length signature-data [zeros, version 4 alone]
//   header     = 48 bytes: u16 version, u16 key type (2), u32 TEE type (0 SGX, 0x81 TDX; version 3:
//                0), 2 x u16 (version 3: QE SVN, PCE SVN), QE vendor 16, user data 20
//   body       = version 3, and 4 of SGX: 384 bytes; 4 of TDX: 584 bytes
//                version 5: u16 type (1 SGX, 2 TD 1.0, 3 TD 1.5), u32 size (384, 584, 648), and
//                so many bytes
//   signature-data = signature 64, attestation key 64, certified        (version 3)
//                  | signature 64, attestation key 64, u16 6, u32 size, certified
//   certified  = QE report 384, its signature 64, u16 auth-size auth, u16 type, u32 size, data
//
// Sources: ATTESTATION.md section 6; Intel's quote verification library names the same fields.
#ifndef TAMARACK_SERVICES_ATTESTATION_DCAP_QUOTE_H_
#define TAMARACK_SERVICES_ATTESTATION_DCAP_QUOTE_H_

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "absl/status/statusor.h"

namespace tam::attestation::dcap {

// Of the whole quote, zeros at its end included: guests hand over buffers of 8000 bytes.
inline constexpr size_t kMaxQuoteBytes = 16 << 10;
inline constexpr size_t kSgxReportBytes = 384;
inline constexpr size_t kReportDataBytes = 64;
// PEM chain: leaf, intermediate, root.
inline constexpr uint16_t kCertificationPckChain = 5;

enum class Tee { kSgx, kTdx };

// An SGX report body, of an application's enclave or of a quoting enclave. Borrows.
struct SgxReport {
  std::string_view cpu_svn;          // 16
  std::string_view misc_select;      // 4
  std::string_view attributes;       // 16: flags 8, xfrm 8
  std::string_view mrenclave;        // 32
  std::string_view mrsigner;         // 32
  std::string_view config_id;        // 64
  std::string_view isv_ext_prod_id;  // 16
  std::string_view isv_family_id;    // 16
  uint16_t isv_prod_id = 0;
  uint16_t isv_svn = 0;
  uint16_t config_svn = 0;
  std::string_view report_data;  // 64
};

// A TD report body, of TDX 1.0 or 1.5. Borrows.
struct TdReport {
  std::string_view tee_tcb_svn;  // 16
  std::string_view mrseam;       // 48, as all measurements
  std::string_view mrsignerseam;
  std::string_view seam_attributes;  // 8
  std::string_view td_attributes;    // 8
  std::string_view xfam;             // 8
  std::string_view mrtd;
  std::string_view mrconfigid;
  std::string_view mrowner;
  std::string_view mrownerconfig;
  std::string_view rtmr[4];
  std::string_view report_data;   // 64
  std::string_view tee_tcb_svn2;  // 16; empty in TDX 1.0
  std::string_view mrservicetd;   // 48; empty in TDX 1.0
};

// A quote's parts. They borrow from the bytes that were parsed.
struct Quote {
  uint16_t version = 0;
  Tee tee = Tee::kSgx;
  std::string_view user_data;     // 20
  std::string_view signed_bytes;  // header and body, all that `signature` covers
  std::string_view body;
  std::string_view signature;        // 64: r||s by the attestation key
  std::string_view attestation_key;  // 64: x||y
  std::string_view qe_report;        // 384
  std::string_view qe_signature;     // 64: r||s by the PCK
  std::string_view qe_auth;
  uint16_t certification_type = 0;
  std::string_view certification;
  size_t trailing_zeros = 0;
};

// InvalidArgument "quote.version: want …, got …" for anything else than the grammar above, also
// beyond kMaxQuoteBytes.
absl::StatusOr<Quote> ParseQuote(std::string_view bytes);

// `body` has kSgxReportBytes.
SgxReport ReadSgxReport(std::string_view body);
// `body` has 584 or 648 bytes.
TdReport ReadTdReport(std::string_view body);

}  // namespace tam::attestation::dcap

#endif  // TAMARACK_SERVICES_ATTESTATION_DCAP_QUOTE_H_

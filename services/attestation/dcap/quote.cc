#include "services/attestation/dcap/quote.h"

#include "absl/strings/escaping.h"
#include "crypto/text/text.h"

namespace tam::attestation::dcap {
namespace {

constexpr size_t kHeaderBytes = 48;
constexpr size_t kTd10Bytes = 584;
constexpr size_t kTd15Bytes = 648;
constexpr size_t kSignatureBytes = 64;
constexpr size_t kKeyBytes = 64;
constexpr uint16_t kEcdsaP256 = 2;
constexpr uint32_t kTeeSgx = 0;
constexpr uint32_t kTeeTdx = 0x81;
constexpr uint16_t kOuterType = 6;
constexpr std::string_view kIntelQe(
    "\x93\x9a\x72\x33\xf7\x9c\x4c\xa9\x94\x0a\x0d\xb3\x95\x7f\x06\x07", 16);

template <typename Want, typename Got>
absl::Status Malformed(std::string_view field, const Want& want, const Got& got) {
  return absl::InvalidArgumentError(
      AbslView(Concat("quote.", field, ": want ", want, ", got ", got)));
}

uint64_t Little(std::string_view bytes) {
  uint64_t value = 0;
  for (size_t i = bytes.size(); i > 0; --i) value = value << 8 | static_cast<uint8_t>(bytes[i - 1]);
  return value;
}

// Takes bytes from the front, and never more than there are.
class Reader {
 public:
  Reader(std::string_view name, std::string_view bytes) : name_(name), bytes_(bytes) {}

  absl::Status Take(size_t count, std::string_view& to) {
    if (count > bytes_.size()) {
      return Malformed(Concat(name_, "_length"), Concat(count, " more bytes"), bytes_.size());
    }
    to = bytes_.substr(0, count);
    bytes_.remove_prefix(count);
    return absl::OkStatus();
  }
  template <typename Number>
  absl::Status Take(Number& to) {
    std::string_view bytes;
    const absl::Status status = Take(sizeof(Number), bytes);
    to = static_cast<Number>(Little(bytes));
    return status;
  }
  std::string_view rest() const { return bytes_; }

 private:
  std::string_view name_;
  std::string_view bytes_;
};

absl::Status ReadTee(std::string_view header, Quote& quote) {
  const uint64_t tee = Little(header.substr(4, 4));
  if (tee != kTeeSgx && (tee != kTeeTdx || quote.version == 3)) {
    return Malformed("tee_type", quote.version == 3 ? "0 in version 3" : "0 or 129", tee);
  }
  quote.tee = tee == kTeeTdx ? Tee::kTdx : Tee::kSgx;
  return absl::OkStatus();
}

absl::Status ReadHeader(std::string_view header, Quote& quote) {
  quote.version = static_cast<uint16_t>(Little(header.substr(0, 2)));
  if (quote.version < 3 || quote.version > 5) {
    return Malformed("version", "3, 4 or 5", quote.version);
  }
  const uint64_t key_type = Little(header.substr(2, 2));
  if (key_type != kEcdsaP256) return Malformed("attestation_key_type", "2 (ECDSA P-256)", key_type);
  if (absl::Status s = ReadTee(header, quote); !s.ok()) return s;
  const std::string_view vendor = header.substr(12, 16);
  if (vendor != kIntelQe) {
    return Malformed("qe_vendor_id", absl::BytesToHexString(AbslView(kIntelQe)),
                     absl::BytesToHexString(AbslView(vendor)));
  }
  quote.user_data = header.substr(28, 20);
  return absl::OkStatus();
}

// Of version 5: the type and size that stand before the body.
absl::StatusOr<size_t> ReadBodySize(const Quote& quote, Reader& reader) {
  if (quote.version < 5) return quote.tee == Tee::kTdx ? kTd10Bytes : kSgxReportBytes;
  uint16_t type = 0;
  uint32_t size = 0;
  if (absl::Status s = reader.Take(type); !s.ok()) return s;
  if (absl::Status s = reader.Take(size); !s.ok()) return s;
  const bool fits = quote.tee == Tee::kTdx ? type == 2 || type == 3 : type == 1;
  if (!fits) return Malformed("body_type", "that of the TEE type", type);
  const size_t want = type == 1 ? kSgxReportBytes : type == 2 ? kTd10Bytes : kTd15Bytes;
  if (size != want) return Malformed("body_size", want, size);
  return want;
}

absl::Status ReadCertified(std::string_view bytes, Quote& quote) {
  Reader reader("certification", bytes);
  uint16_t auth_size = 0;
  uint32_t size = 0;
  if (absl::Status s = reader.Take(kSgxReportBytes, quote.qe_report); !s.ok()) return s;
  if (absl::Status s = reader.Take(kSignatureBytes, quote.qe_signature); !s.ok()) return s;
  if (absl::Status s = reader.Take(auth_size); !s.ok()) return s;
  if (absl::Status s = reader.Take(auth_size, quote.qe_auth); !s.ok()) return s;
  if (absl::Status s = reader.Take(quote.certification_type); !s.ok()) return s;
  if (absl::Status s = reader.Take(size); !s.ok()) return s;
  if (size != reader.rest().size()) {
    return Malformed("certification_size", reader.rest().size(), size);
  }
  if (quote.certification_type < 1 || quote.certification_type > kCertificationPckChain) {
    return Malformed("certification_type", "1..5", quote.certification_type);
  }
  quote.certification = reader.rest();
  return absl::OkStatus();
}

absl::Status ReadSignatureData(std::string_view bytes, Quote& quote) {
  Reader reader("signature", bytes);
  if (absl::Status s = reader.Take(kSignatureBytes, quote.signature); !s.ok()) return s;
  if (absl::Status s = reader.Take(kKeyBytes, quote.attestation_key); !s.ok()) return s;
  if (quote.version == 3) return ReadCertified(reader.rest(), quote);
  uint16_t type = 0;
  uint32_t size = 0;
  if (absl::Status s = reader.Take(type); !s.ok()) return s;
  if (absl::Status s = reader.Take(size); !s.ok()) return s;
  if (type != kOuterType) return Malformed("outer_certification_type", kOuterType, type);
  if (size != reader.rest().size()) {
    return Malformed("outer_certification_size", reader.rest().size(), size);
  }
  return ReadCertified(reader.rest(), quote);
}

absl::Status CheckTrailing(std::string_view rest, Quote& quote) {
  if (rest.empty()) return absl::OkStatus();
  if (quote.version != 4) {
    return Malformed("trailing", "no bytes after the signature data", rest.size());
  }
  if (const size_t at = rest.find_first_not_of('\0'); at != std::string_view::npos) {
    return Malformed("trailing", "zeros alone after the signature data",
                     Concat("another at ", at, " of ", rest.size()));
  }
  quote.trailing_zeros = rest.size();
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<Quote> ParseQuote(std::string_view bytes) {
  if (bytes.size() > kMaxQuoteBytes) {
    return Malformed("size", Concat("at most ", kMaxQuoteBytes, " bytes"), bytes.size());
  }
  Quote quote;
  Reader reader("quote", bytes);
  std::string_view header;
  if (absl::Status s = reader.Take(kHeaderBytes, header); !s.ok()) return s;
  if (absl::Status s = ReadHeader(header, quote); !s.ok()) return s;
  const auto body_size = ReadBodySize(quote, reader);
  if (!body_size.ok()) return body_size.status();
  if (absl::Status s = reader.Take(*body_size, quote.body); !s.ok()) return s;
  quote.signed_bytes = bytes.substr(0, bytes.size() - reader.rest().size());
  uint32_t signature_size = 0;
  std::string_view signature_data;
  if (absl::Status s = reader.Take(signature_size); !s.ok()) return s;
  if (signature_size > reader.rest().size()) {
    return Malformed("signature_length", Concat("at most ", reader.rest().size()), signature_size);
  }
  if (absl::Status s = reader.Take(signature_size, signature_data); !s.ok()) return s;
  if (absl::Status s = ReadSignatureData(signature_data, quote); !s.ok()) return s;
  if (absl::Status s = CheckTrailing(reader.rest(), quote); !s.ok()) return s;
  return quote;
}

SgxReport ReadSgxReport(std::string_view body) {
  const auto number = [&](size_t at) { return static_cast<uint16_t>(Little(body.substr(at, 2))); };
  return {.cpu_svn = body.substr(0, 16),
          .misc_select = body.substr(16, 4),
          .attributes = body.substr(48, 16),
          .mrenclave = body.substr(64, 32),
          .mrsigner = body.substr(128, 32),
          .config_id = body.substr(192, 64),
          .isv_ext_prod_id = body.substr(32, 16),
          .isv_family_id = body.substr(304, 16),
          .isv_prod_id = number(256),
          .isv_svn = number(258),
          .config_svn = number(260),
          .report_data = body.substr(320, kReportDataBytes)};
}

TdReport ReadTdReport(std::string_view body) {
  constexpr size_t kMr = 48;
  TdReport report{.tee_tcb_svn = body.substr(0, 16),
                  .mrseam = body.substr(16, kMr),
                  .mrsignerseam = body.substr(64, kMr),
                  .seam_attributes = body.substr(112, 8),
                  .td_attributes = body.substr(120, 8),
                  .xfam = body.substr(128, 8),
                  .mrtd = body.substr(136, kMr),
                  .mrconfigid = body.substr(184, kMr),
                  .mrowner = body.substr(232, kMr),
                  .mrownerconfig = body.substr(280, kMr),
                  .rtmr = {},
                  .report_data = body.substr(520, kReportDataBytes),
                  .tee_tcb_svn2 = {},
                  .mrservicetd = {}};
  for (size_t i = 0; i < 4; ++i) report.rtmr[i] = body.substr(328 + i * kMr, kMr);
  if (body.size() == kTd15Bytes) {
    report.tee_tcb_svn2 = body.substr(584, 16);
    report.mrservicetd = body.substr(600, kMr);
  }
  return report;
}

}  // namespace tam::attestation::dcap

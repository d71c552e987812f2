#include <algorithm>

#include "absl/strings/str_cat.h"
#include "crypto/text/text.h"
#include "services/attestation/tpm/reader.h"
#include "services/attestation/tpm/structures.h"

namespace tam::attestation::tpm {
namespace {

constexpr uint32_t kGenerated = 0xff544347;
constexpr uint16_t kAttestQuote = 0x8018;
constexpr size_t kMaxBanks = 16;
constexpr size_t kMaxSelectBytes = 4;
constexpr int kBitsOfByte = 8;

std::string HexNumber(uint64_t number) { return Concat("0x", absl::Hex(number)); }

std::optional<Finding> ReadBank(Reader& reader, Quote& quote) {
  PcrSelection bank;
  bank.hash = reader.U16();
  const std::string_view bitmap = reader.Bytes(reader.U8());
  if (!reader.ok()) return MakeFinding("attest.length", "a selection of PCRs", "the end");
  if (BankBytes(bank.hash) == 0) {
    return MakeFinding("attest.selection.type", "a bank that is known", HexNumber(bank.hash));
  }
  if (bitmap.empty() || bitmap.size() > kMaxSelectBytes) {
    return MakeFinding("attest.selection.size", Concat("1..", kMaxSelectBytes),
                       Concat(bitmap.size()));
  }
  for (size_t i = 0; i < bitmap.size() * kBitsOfByte; ++i) {
    const auto byte = static_cast<uint8_t>(bitmap[i / kBitsOfByte]);
    if ((byte >> i % kBitsOfByte & 1) != 0) bank.pcrs.push_back(static_cast<uint32_t>(i));
  }
  for (const PcrSelection& other : quote.selection) {
    if (other.hash == bank.hash) {
      return MakeFinding("attest.selection.form", "each bank once",
                         std::string(BankName(bank.hash)));
    }
  }
  quote.selection.push_back(std::move(bank));
  return std::nullopt;
}

std::optional<Finding> ReadSelection(Reader& reader, Quote& quote) {
  const uint32_t count = reader.U32();
  if (count > kMaxBanks) {
    return MakeFinding("attest.selection.size", Concat("at most ", kMaxBanks), Concat(count));
  }
  for (uint32_t i = 0; i < count; ++i) {
    if (auto wrong = ReadBank(reader, quote); wrong.has_value()) return wrong;
  }
  return std::nullopt;
}

std::optional<Finding> ReadClock(Reader& reader, Quote& quote) {
  quote.clock = reader.U64();
  quote.reset_count = reader.U32();
  quote.restart_count = reader.U32();
  const uint8_t safe = reader.U8();
  if (safe > 1) return MakeFinding("attest.clock.form", "safe 0 or 1", Concat(unsigned{safe}));
  quote.safe = safe == 1;
  quote.firmware_version = reader.U64();
  return std::nullopt;
}

}  // namespace

std::string_view BankName(uint16_t hash) {
  switch (hash) {
    case kSha1:
      return "sha1";
    case kSha256:
      return "sha256";
    case kSha384:
      return "sha384";
    case kSha512:
      return "sha512";
    default:
      return "";
  }
}

size_t BankBytes(uint16_t hash) {
  constexpr size_t kSha1Bytes = 20;
  if (hash == kSha1) return kSha1Bytes;
  const auto known = HashOf(hash);
  return known.has_value() ? verify::HashBytes(*known) : 0;
}

std::optional<verify::Hash> HashOf(uint16_t hash) {
  switch (hash) {
    case kSha256:
      return verify::Hash::kSha256;
    case kSha384:
      return verify::Hash::kSha384;
    case kSha512:
      return verify::Hash::kSha512;
    default:
      return std::nullopt;
  }
}

std::variant<Quote, Finding> ParseQuote(std::string_view attest) {
  Reader reader(attest, Order::kBigEndian);
  if (const uint32_t magic = reader.U32(); magic != kGenerated) {
    return MakeFinding("attest.magic", HexNumber(kGenerated), HexNumber(magic));
  }
  if (const uint16_t type = reader.U16(); type != kAttestQuote) {
    return MakeFinding("attest.type", Concat(HexNumber(kAttestQuote), ", a quote"),
                       HexNumber(type));
  }
  Quote quote;
  quote.qualified_signer = std::string(reader.Sized());
  quote.extra_data = std::string(reader.Sized());
  auto wrong = ReadClock(reader, quote);
  if (!wrong.has_value() && reader.ok()) wrong = ReadSelection(reader, quote);
  if (wrong.has_value() && reader.ok()) return *wrong;
  quote.pcr_digest = std::string(reader.Sized());
  if (!reader.ok()) return MakeFinding("attest.length", "a whole quote", "the end within it");
  if (!reader.AtEnd()) {
    return MakeFinding("attest.trailing", "nothing after the digest",
                       Concat(reader.rest().size(), " bytes"));
  }
  return quote;
}

}  // namespace tam::attestation::tpm

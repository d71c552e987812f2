#include <algorithm>

#include "absl/strings/str_cat.h"
#include "crypto/cbor/cbor.h"
#include "crypto/text/text.h"
#include "services/attestation/tpm/reader.h"
#include "services/attestation/tpm/structures.h"

namespace tam::attestation::tpm {
namespace {

using cbor::AsBytes;

constexpr uint16_t kAlgRsa = 0x0001;
constexpr uint16_t kAlgNull = 0x0010;
constexpr uint16_t kAlgRsassa = 0x0014;
constexpr uint16_t kAlgRsapss = 0x0016;
constexpr uint16_t kAlgEcdsa = 0x0018;
constexpr uint16_t kAlgEcc = 0x0023;
constexpr char kDerSequence = 0x30;

struct Attribute {
  std::string_view name;
  int bit;
  bool wanted;
};
constexpr Attribute kAttributes[] = {
    {"fixedTPM", 1, true},    {"fixedParent", 4, true}, {"sensitiveDataOrigin", 5, true},
    {"restricted", 16, true}, {"decrypt", 17, false},   {"sign", 18, true}};

std::string HexNumber(uint64_t number) { return Concat("0x", absl::Hex(number)); }

std::optional<Scheme> SchemeOf(uint16_t algorithm) {
  switch (algorithm) {
    case kAlgRsassa:
      return Scheme::kRsassa;
    case kAlgRsapss:
      return Scheme::kRsapss;
    case kAlgEcdsa:
      return Scheme::kEcdsa;
    default:
      return std::nullopt;
  }
}

Finding Malformed(std::string_view what, std::string_view found) {
  return MakeFinding(Concat("ak.", what), "a TPMT_PUBLIC of a signing key", found);
}

// Without an encryption scheme, which a signing key has not. Nullopt scheme: the key may choose.
std::optional<Finding> ReadScheme(Reader& reader, std::optional<KeyScheme>& scheme) {
  if (const uint16_t symmetric = reader.U16(); symmetric != kAlgNull) {
    return Malformed("symmetric.alg", HexNumber(symmetric));
  }
  const uint16_t algorithm = reader.U16();
  if (algorithm == kAlgNull) return std::nullopt;
  const auto known = SchemeOf(algorithm);
  if (!known.has_value()) return Malformed("scheme.alg", HexNumber(algorithm));
  scheme = KeyScheme{*known, reader.U16()};
  return std::nullopt;
}

std::variant<verify::Key, Finding> ReadRsa(Reader& reader) {
  const uint16_t bits = reader.U16();
  const uint32_t exponent = reader.U32();
  const std::string_view modulus = reader.Sized();
  if (!reader.ok()) return Malformed("length", "the end within it");
  constexpr uint32_t kF4 = 65537;
  if (exponent != 0 && exponent != kF4) return Malformed("exponent.form", Concat(exponent));
  if (size_t{bits} != modulus.size() * 8) return Malformed("length", Concat(bits, " bits"));
  constexpr std::string_view kF4Bytes("\x01\x00\x01", 3);
  auto key = verify::Key::FromRsa(AsBytes(modulus), AsBytes(kF4Bytes));
  if (!key.ok()) return Malformed("form", StdView(key.status().message()));
  return *std::move(key);
}

std::variant<verify::Key, Finding> ReadEcc(Reader& reader) {
  const uint16_t curve = reader.U16();
  if (reader.U16() != kAlgNull) reader.U16();  // the hash of a key derivation, of no use here
  const std::string_view x = reader.Sized();
  const std::string_view y = reader.Sized();
  if (!reader.ok()) return Malformed("length", "the end within it");
  constexpr uint16_t kNistP256 = 3;
  constexpr uint16_t kNistP521 = 5;
  if (curve < kNistP256 || curve > kNistP521) return Malformed("curve.type", HexNumber(curve));
  constexpr verify::Kind kKinds[] = {verify::Kind::kP256, verify::Kind::kP384, verify::Kind::kP521};
  auto key = verify::Key::FromPoint(kKinds[curve - kNistP256], AsBytes(x), AsBytes(y));
  if (!key.ok()) return Malformed("form", StdView(key.status().message()));
  return *std::move(key);
}

std::optional<Finding> CheckAttributes(uint32_t attributes) {
  for (const Attribute& attribute : kAttributes) {
    if (((attributes >> attribute.bit & 1) != 0) == attribute.wanted) continue;
    return MakeFinding("ak.attributes",
                       Concat(attribute.name, attribute.wanted ? " set" : " clear"),
                       HexNumber(attributes));
  }
  return std::nullopt;
}

std::variant<PublicArea, Finding> ParseTpmtPublic(std::string_view bytes) {
  Reader reader(bytes, Order::kBigEndian);
  const uint16_t type = reader.U16();
  const uint16_t name_hash = reader.U16();
  const uint32_t attributes = reader.U32();
  reader.Sized();  // authPolicy: who may use the key, which is the device's own business
  if (type != kAlgRsa && type != kAlgEcc) return Malformed("type", HexNumber(type));
  std::optional<KeyScheme> scheme;
  if (auto wrong = ReadScheme(reader, scheme); wrong.has_value()) return *wrong;
  auto key = type == kAlgRsa ? ReadRsa(reader) : ReadEcc(reader);
  if (const auto* wrong = std::get_if<Finding>(&key)) return *wrong;
  if (!reader.AtEnd()) return Malformed("trailing", Concat(reader.rest().size(), " more bytes"));
  if (auto wrong = CheckAttributes(attributes); wrong.has_value()) return *wrong;
  PublicArea area{std::get<verify::Key>(key), attributes, scheme, ""};
  if (const auto hash = HashOf(name_hash); hash.has_value()) {
    area.name = std::string{static_cast<char>(name_hash >> 8), static_cast<char>(name_hash)} +
                verify::Digest(*hash, AsBytes(bytes));
  }
  return area;
}

// "" in place of the value where it is not whole.
std::string ReadHalf(Reader& reader, size_t width) {
  const std::string_view half = reader.Sized();
  if (!reader.ok() || half.empty() || half.size() > width) return "";
  return std::string(width - half.size(), '\0') + std::string(half);
}

}  // namespace

std::variant<PublicArea, Finding> ParsePublicArea(std::string_view bytes) {
  if (bytes.empty() || bytes[0] != kDerSequence) return ParseTpmtPublic(bytes);
  auto key = verify::Key::FromSpkiDer(AsBytes(bytes));
  if (key.ok()) return PublicArea{*std::move(key), std::nullopt, std::nullopt, ""};
  return MakeFinding("ak.form", "SubjectPublicKeyInfo or TPMT_PUBLIC",
                     StdView(key.status().message()));
}

namespace {

// As they stand in the bytes: nothing of them is judged yet.
struct RawSignature {
  Scheme scheme = Scheme::kRsassa;
  uint16_t hash = kSha256;
  std::string value;
};

std::variant<RawSignature, Finding> ReadTpmtSignature(std::string_view bytes,
                                                      const verify::Key& key) {
  const bool rsa = key.kind() == verify::Kind::kRsa;
  Reader reader(bytes, Order::kBigEndian);
  const uint16_t algorithm = reader.U16();
  const auto scheme = SchemeOf(algorithm);
  if (!scheme.has_value() || (*scheme == Scheme::kEcdsa) == rsa) {
    return MakeFinding("signature.alg", "one of the key's kind", HexNumber(algorithm));
  }
  RawSignature signature{*scheme, reader.U16(), ""};
  if (rsa) {
    signature.value = std::string(reader.Sized());
  } else {
    signature.value = ReadHalf(reader, key.bytes());
    signature.value += ReadHalf(reader, key.bytes());
  }
  const size_t want = rsa ? key.bytes() : 2 * key.bytes();
  if (reader.AtEnd() && signature.value.size() == want) return signature;
  return MakeFinding("signature.length", Concat("a TPMT_SIGNATURE with ", want, " bytes"),
                     Concat(bytes.size(), " in all"));
}

}  // namespace

std::variant<Signature, Finding> ParseSignature(std::string_view bytes, const verify::Key& key,
                                                const std::optional<KeyScheme>& own) {
  std::variant<RawSignature, Finding> read;
  if (key.kind() == verify::Kind::kRsa && bytes.size() == key.bytes()) {
    const KeyScheme scheme = own.value_or(KeyScheme{Scheme::kRsassa, kSha256});
    read = RawSignature{scheme.scheme, scheme.hash, std::string(bytes)};
  } else {
    read = ReadTpmtSignature(bytes, key);
  }
  if (const auto* wrong = std::get_if<Finding>(&read)) return *wrong;
  RawSignature& raw = std::get<RawSignature>(read);
  const auto hash = HashOf(raw.hash);
  if (!hash.has_value()) {
    return MakeFinding("signature.alg", "SHA-256, SHA-384 or SHA-512",
                       raw.hash == kSha1 ? "SHA-1" : HexNumber(raw.hash));
  }
  if (own.has_value() && (own->scheme != raw.scheme || own->hash != raw.hash)) {
    return MakeFinding("signature.alg", "the scheme of the key's public area", "another");
  }
  return Signature{raw.scheme, *hash, std::move(raw.value)};
}

}  // namespace tam::attestation::tpm

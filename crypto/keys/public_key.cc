#include <algorithm>
#include <cstdlib>

#include "absl/status/status.h"
#include "absl/strings/escaping.h"
#include "crypto/cbor/cbor.h"
#include "crypto/keys/cose_key.h"
#include "crypto/keys/key.h"
#include "crypto/keys/key_impl.h"
#include "crypto/text/text.h"
#include "openssl/bn.h"
#include "openssl/curve25519.h"
#include "openssl/ec.h"
#include "openssl/ecdsa.h"
#include "openssl/err.h"
#include "openssl/nid.h"
#include "openssl/sha.h"

namespace tam::keys {
namespace {

using cbor::AsBytes;
using cbor::AsView;

// y coordinates (sign bit cleared) of the points whose order divides 8. Anybody can make
// signatures that verify under them.
constexpr std::array<uint8_t, 32> kSmallOrder[] = {
    {0x00},
    {0x01},
    {0xec, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
     0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
     0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f},
    {0xc7, 0x17, 0x6a, 0x70, 0x3d, 0x4d, 0xd8, 0x4f, 0xba, 0x3c, 0x0b,
     0x76, 0x0d, 0x10, 0x67, 0x0f, 0x2a, 0x20, 0x53, 0xfa, 0x2c, 0x39,
     0xcc, 0xc6, 0x4e, 0xc7, 0xfd, 0x77, 0x92, 0xac, 0x03, 0x7a},
    {0x26, 0xe8, 0x95, 0x8f, 0xc2, 0xb2, 0x27, 0xb0, 0x45, 0xc3, 0xf4,
     0x89, 0xf2, 0xef, 0x98, 0xf0, 0xd5, 0xdf, 0xac, 0x05, 0xd3, 0xc6,
     0x33, 0x39, 0xb1, 0x38, 0x02, 0x88, 0x6d, 0x53, 0xfc, 0x05},
};

bool IsSoundEd25519(const std::array<uint8_t, 32>& x) {
  std::array<uint8_t, 32> y = x;
  y[31] &= 0x7f;
  const bool at_least_p =
      y[0] >= 0xed && y[31] == 0x7f &&
      std::all_of(y.begin() + 1, y.begin() + 31, [](uint8_t byte) { return byte == 0xff; });
  return !at_least_p &&
         std::find(std::begin(kSmallOrder), std::end(kSmallOrder), y) == std::end(kSmallOrder);
}

struct Digest {
  std::array<uint8_t, SHA512_DIGEST_LENGTH> bytes;
  size_t size;
};

Digest Hash(EcdsaHash hash, Bytes message) {
  Digest digest;
  switch (hash) {
    case EcdsaHash::kSha256:
      digest.size = SHA256_DIGEST_LENGTH;
      SHA256(message.data(), message.size(), digest.bytes.data());
      break;
    case EcdsaHash::kSha384:
      digest.size = SHA384_DIGEST_LENGTH;
      SHA384(message.data(), message.size(), digest.bytes.data());
      break;
    case EcdsaHash::kSha512:
      digest.size = SHA512_DIGEST_LENGTH;
      SHA512(message.data(), message.size(), digest.bytes.data());
      break;
  }
  return digest;
}

EcdsaHash OwnHash(KeyType type) {
  if (type == KeyType::kP384) return EcdsaHash::kSha384;
  return type == KeyType::kP521 ? EcdsaHash::kSha512 : EcdsaHash::kSha256;
}

// Of r, and of s.
size_t HalfBytes(KeyType type) {
  if (type == KeyType::kP384) return 48;
  return type == KeyType::kP521 ? 66 : 32;
}

bool VerifyEcdsa(const EC_KEY* key, const Digest& digest, Bytes signature) {
  const size_t half = signature.size() / 2;
  bssl::UniquePtr<ECDSA_SIG> parsed(ECDSA_SIG_new());
  BIGNUM* const r = BN_bin2bn(signature.data(), half, nullptr);
  BIGNUM* const s = BN_bin2bn(signature.data() + half, half, nullptr);
  if (parsed == nullptr || ECDSA_SIG_set0(parsed.get(), r, s) != 1) {
    BN_free(r);
    BN_free(s);
    return false;
  }
  return ECDSA_do_verify(digest.bytes.data(), digest.size, parsed.get(), key) == 1;
}

absl::Status CheckSignatureSize(KeyType type, Bytes signature) {
  const size_t want = 2 * HalfBytes(type);
  if (signature.size() == want) return absl::OkStatus();
  return absl::UnauthenticatedError(
      Concat("signature: want ", want, " bytes, got ", signature.size()));
}

absl::Status Verdict(bool verifies) {
  if (verifies) return absl::OkStatus();
  ERR_clear_error();
  return absl::UnauthenticatedError("signature does not verify");
}

struct EcCurve {
  int nid;
  KeyType type;
  CurveName name;
};

constexpr EcCurve kEcCurves[] = {
    {NID_X9_62_prime256v1, KeyType::kP256, CurveName::kP256},
    {NID_secp384r1, KeyType::kP384, CurveName::kP384},
    {NID_secp521r1, KeyType::kP521, CurveName::kP521},
};

// Null for another curve.
const EcCurve* CurveOf(const EC_KEY* ec) {
  const int nid = EC_GROUP_get_curve_name(EC_KEY_get0_group(ec));
  for (const EcCurve& curve : kEcCurves) {
    if (curve.nid == nid) return &curve;
  }
  return nullptr;
}

}  // namespace

std::string ThumbprintHex(const Thumbprint& thumbprint) {
  return absl::BytesToHexString(AbslView(AsView(thumbprint)));
}

std::shared_ptr<const PublicKey::Impl> PublicKey::Impl::OfEc(bssl::UniquePtr<EC_KEY> ec) {
  auto impl = std::make_shared<Impl>();
  const EcCurve* const curve = CurveOf(ec.get());
  const auto [x, y] = Coordinates(ec.get());
  impl->type = curve->type;
  impl->cose_key = EncodePublicKey(curve->name, AsBytes(x), AsBytes(y));
  impl->thumbprint = secret::Sha256(AsBytes(impl->cose_key));
  impl->ec = std::move(ec);
  return impl;
}

absl::StatusOr<std::shared_ptr<const PublicKey::Impl>> PublicKey::Impl::OfEd25519(Bytes x) {
  auto impl = std::make_shared<Impl>();
  impl->type = KeyType::kEd25519;
  std::copy_n(x.begin(), impl->ed25519.size(), impl->ed25519.begin());
  if (!IsSoundEd25519(impl->ed25519)) {
    return Invalid("Ed25519 key: want a canonical point of large order, got another");
  }
  impl->cose_key = EncodePublicKey(CurveName::kEd25519, x, Bytes());
  impl->thumbprint = secret::Sha256(AsBytes(impl->cose_key));
  return std::shared_ptr<const Impl>(std::move(impl));
}

absl::StatusOr<std::shared_ptr<const PublicKey::Impl>> PublicKey::Impl::OfEvp(const EVP_PKEY* key,
                                                                              Curves curves) {
  if (EVP_PKEY_id(key) == EVP_PKEY_ED25519) {
    std::array<uint8_t, 32> x;
    size_t size = x.size();
    if (EVP_PKEY_get_raw_public_key(key, x.data(), &size) != 1) {
      return Invalid("public key: want an Ed25519 key, got an unreadable one");
    }
    return OfEd25519(x);
  }
  const EC_KEY* const ec = EVP_PKEY_id(key) == EVP_PKEY_EC ? EVP_PKEY_get0_EC_KEY(key) : nullptr;
  const EcCurve* const curve = ec == nullptr ? nullptr : CurveOf(ec);
  if (curve == nullptr || (curve->type != KeyType::kP256 && curves != Curves::kAll)) {
    return Invalid("public key: want a P-256 or Ed25519 key, got another type");
  }
  return OfEc(CopyPublic(ec));
}

bssl::UniquePtr<EVP_PKEY> PublicKey::Impl::ToEvp() const {
  if (ec != nullptr) return EvpOf(ec.get());
  bssl::UniquePtr<EVP_PKEY> key(
      EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, nullptr, ed25519.data(), ed25519.size()));
  if (key == nullptr) std::abort();  // Out of memory.
  return key;
}

absl::StatusOr<PublicKey> PublicKey::FromCoseKey(Bytes cose_key, Curves curves) {
  const auto document = cbor::Document::Parse(cose_key, cbor::Limits(), "cose-key");
  if (!document.ok()) return document.status();
  const cbor::Item map = document->root();
  const absl::StatusOr<CurveKey> key =
      ReadCurveKey(map, curves == Curves::kAll ? KeyUse::kVerifyAny : KeyUse::kVerify);
  if (!key.ok()) return key.status();
  if (key->d.has_value()) {
    return map.Find(kLabelD)->Error("want no private member in a public key, got one");
  }
  const absl::StatusOr<cbor::Item> x = map.Get(kLabelX);
  if (!x.ok()) return x.status();
  if (key->curve == CurveName::kEd25519) {
    auto impl = Impl::OfEd25519(*key->x);
    if (!impl.ok()) return x->Error(StdView(impl.status().message()));
    return PublicKey(*std::move(impl));
  }
  const absl::StatusOr<std::string> point = EncodedPoint(map, *key);
  if (!point.ok()) return point.status();
  bssl::UniquePtr<EC_KEY> ec = EcFromPoint(CurveNid(key->curve), AsBytes(*point));
  if (ec == nullptr) return x->Error("want a point of the curve, got coordinates off the curve");
  return PublicKey(Impl::OfEc(std::move(ec)));
}

absl::StatusOr<PublicKey> PublicKey::FromPem(std::string_view pem, Curves curves) {
  const absl::StatusOr<PemBlock> block = ReadPemBlock(pem, {"PUBLIC KEY"});
  if (!block.ok()) return block.status();
  return FromSpkiDer(block->content.Reveal(), curves);
}

absl::StatusOr<PublicKey> PublicKey::FromSpkiDer(Bytes der, Curves curves) {
  const absl::StatusOr<bssl::UniquePtr<EVP_PKEY>> key = ParseSpki(der);
  if (!key.ok()) return key.status();
  absl::StatusOr<std::shared_ptr<const Impl>> impl = Impl::OfEvp(key->get(), curves);
  if (!impl.ok()) return impl.status();
  return PublicKey(*std::move(impl));
}

KeyType PublicKey::type() const { return impl_->type; }
const Thumbprint& PublicKey::thumbprint() const { return impl_->thumbprint; }
const std::string& PublicKey::cose_key() const { return impl_->cose_key; }
std::string PublicKey::ToPem() const { return SpkiPem(impl_->ToEvp().get()); }

absl::Status PublicKey::Verify(Bytes message, Bytes signature) const {
  if (impl_->ec != nullptr) return VerifyWithHash(OwnHash(type()), message, signature);
  if (absl::Status status = CheckSignatureSize(type(), signature); !status.ok()) return status;
  return Verdict(
      ED25519_verify(message.data(), message.size(), signature.data(), impl_->ed25519.data()) == 1);
}

absl::Status PublicKey::VerifyWithHash(EcdsaHash hash, Bytes message, Bytes signature) const {
  if (impl_->ec == nullptr) return absl::InvalidArgumentError("signature: want an ECDSA key");
  if (absl::Status status = CheckSignatureSize(type(), signature); !status.ok()) return status;
  return Verdict(VerifyEcdsa(impl_->ec.get(), Hash(hash, message), signature));
}

}  // namespace tam::keys

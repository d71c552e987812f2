#include <algorithm>
#include <cstdlib>

#include "absl/status/status.h"
#include "absl/strings/escaping.h"
#include "crypto/cbor/cbor.h"
#include "crypto/keys/cose_key.h"
#include "crypto/keys/key.h"
#include "crypto/keys/key_impl.h"
#include "crypto/text/text.h"
#include "openssl/bio.h"
#include "openssl/bn.h"
#include "openssl/bytestring.h"
#include "openssl/curve25519.h"
#include "openssl/ec.h"
#include "openssl/ecdsa.h"
#include "openssl/err.h"
#include "openssl/mem.h"
#include "openssl/nid.h"
#include "openssl/pem.h"

namespace tam::keys {
namespace {

using cbor::AsBytes;
using cbor::AsView;

// RFC 9679 section 4: the required members, deterministically encoded.
std::string EncodeP256(Bytes x, Bytes y) {
  cbor::Writer writer;
  writer.MapHead(4).Int(kLabelKty).Int(kKtyEc2).Int(kLabelCrv).Int(kCrvP256);
  writer.Int(kLabelX).ByteString(x).Int(kLabelY).ByteString(y);
  return std::move(writer).Take();
}

std::string EncodeEd25519(Bytes x) {
  cbor::Writer writer;
  writer.MapHead(3).Int(kLabelKty).Int(kKtyOkp).Int(kLabelCrv).Int(kCrvEd25519);
  writer.Int(kLabelX).ByteString(x);
  return std::move(writer).Take();
}

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

bool VerifyP256(const EC_KEY* key, Bytes message, Bytes signature) {
  const secret::Digest256 digest = secret::Sha256(message);
  bssl::UniquePtr<ECDSA_SIG> parsed(ECDSA_SIG_new());
  BIGNUM* const r = BN_bin2bn(signature.data(), 32, nullptr);
  BIGNUM* const s = BN_bin2bn(signature.data() + 32, 32, nullptr);
  if (parsed == nullptr || ECDSA_SIG_set0(parsed.get(), r, s) != 1) {
    BN_free(r);
    BN_free(s);
    return false;
  }
  return ECDSA_do_verify(digest.data(), digest.size(), parsed.get(), key) == 1;
}

// BoringSSL leaves its reasons in a queue of the thread; ours say enough.
absl::Status Invalid(std::string_view message) {
  ERR_clear_error();
  return absl::InvalidArgumentError(AbslView(message));
}

}  // namespace

std::string ThumbprintHex(const Thumbprint& thumbprint) {
  return absl::BytesToHexString(AbslView(AsView(thumbprint)));
}

bssl::UniquePtr<EC_KEY> P256FromPoint(Bytes encoded) {
  bssl::UniquePtr<EC_KEY> key(EC_KEY_new_by_curve_name(NID_X9_62_prime256v1));
  if (key == nullptr) std::abort();  // Out of memory.
  const EC_GROUP* const group = EC_KEY_get0_group(key.get());
  bssl::UniquePtr<EC_POINT> point(EC_POINT_new(group));
  if (point == nullptr) std::abort();
  if (EC_POINT_oct2point(group, point.get(), encoded.data(), encoded.size(), nullptr) != 1 ||
      EC_KEY_set_public_key(key.get(), point.get()) != 1 || EC_KEY_check_key(key.get()) != 1) {
    ERR_clear_error();
    return nullptr;
  }
  return key;
}

std::shared_ptr<const PublicKey::Impl> PublicKey::Impl::OfP256(bssl::UniquePtr<EC_KEY> ec) {
  auto impl = std::make_shared<Impl>();
  uint8_t point[65];
  if (EC_POINT_point2oct(EC_KEY_get0_group(ec.get()), EC_KEY_get0_public_key(ec.get()),
                         POINT_CONVERSION_UNCOMPRESSED, point, sizeof(point),
                         nullptr) != sizeof(point)) {
    std::abort();  // Only for the point at infinity, which no parser yields.
  }
  impl->type = KeyType::kP256;
  impl->cose_key = EncodeP256(Bytes(point + 1, 32), Bytes(point + 33, 32));
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
  impl->cose_key = EncodeEd25519(x);
  impl->thumbprint = secret::Sha256(AsBytes(impl->cose_key));
  return std::shared_ptr<const Impl>(std::move(impl));
}

absl::StatusOr<std::shared_ptr<const PublicKey::Impl>> PublicKey::Impl::OfEvp(const EVP_PKEY* key) {
  if (EVP_PKEY_id(key) == EVP_PKEY_ED25519) {
    std::array<uint8_t, 32> x;
    size_t size = x.size();
    if (EVP_PKEY_get_raw_public_key(key, x.data(), &size) != 1) {
      return Invalid("public key: want an Ed25519 key, got an unreadable one");
    }
    return OfEd25519(x);
  }
  const EC_KEY* const ec = EVP_PKEY_id(key) == EVP_PKEY_EC ? EVP_PKEY_get0_EC_KEY(key) : nullptr;
  if (ec == nullptr || EC_GROUP_get_curve_name(EC_KEY_get0_group(ec)) != NID_X9_62_prime256v1) {
    return Invalid("public key: want a P-256 or Ed25519 key, got another type");
  }
  bssl::UniquePtr<EC_KEY> copy(EC_KEY_new_by_curve_name(NID_X9_62_prime256v1));
  if (copy == nullptr || EC_KEY_set_public_key(copy.get(), EC_KEY_get0_public_key(ec)) != 1) {
    std::abort();  // Out of memory.
  }
  return OfP256(std::move(copy));
}

bssl::UniquePtr<EVP_PKEY> PublicKey::Impl::ToEvp() const {
  bssl::UniquePtr<EVP_PKEY> key;
  if (type == KeyType::kEd25519) {
    key.reset(
        EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, nullptr, ed25519.data(), ed25519.size()));
  } else {
    key.reset(EVP_PKEY_new());
    if (key != nullptr && EVP_PKEY_set1_EC_KEY(key.get(), ec.get()) != 1) key.reset();
  }
  if (key == nullptr) std::abort();  // Out of memory.
  return key;
}

absl::StatusOr<PublicKey> PublicKey::FromCoseKey(Bytes cose_key) {
  const auto document = cbor::Document::Parse(cose_key, cbor::Limits(), "cose-key");
  if (!document.ok()) return document.status();
  const cbor::Item map = document->root();
  const absl::StatusOr<CurveKey> key = ReadCurveKey(map, kOpVerify);
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
  const absl::StatusOr<cbor::Item> y = map.Get(kLabelY);
  if (!y.ok()) return y.status();
  const char form = key->y.has_value() ? '\x04' : (*key->y_sign ? '\x03' : '\x02');
  std::string point = std::string(1, form) + cbor::AsString(*key->x);
  if (key->y.has_value()) point += AsView(*key->y);
  bssl::UniquePtr<EC_KEY> ec = P256FromPoint(AsBytes(point));
  if (ec == nullptr) return x->Error("want a point of P-256, got coordinates off the curve");
  return PublicKey(Impl::OfP256(std::move(ec)));
}

absl::StatusOr<PublicKey> PublicKey::FromPem(std::string_view pem) {
  const absl::StatusOr<PemBlock> block = ReadPemBlock(pem, {"PUBLIC KEY"});
  if (!block.ok()) return block.status();
  return FromSpkiDer(block->content.Reveal());
}

absl::StatusOr<PublicKey> PublicKey::FromSpkiDer(Bytes der) {
  CBS cbs;
  CBS_init(&cbs, der.data(), der.size());
  const bssl::UniquePtr<EVP_PKEY> key(EVP_parse_public_key(&cbs));
  if (key == nullptr) {
    return Invalid("public key: want a SubjectPublicKeyInfo of a known type, got other bytes");
  }
  if (CBS_len(&cbs) != 0) {
    return Invalid(Concat("public key: want the end of the SubjectPublicKeyInfo, got ",
                          CBS_len(&cbs), " trailing bytes"));
  }
  absl::StatusOr<std::shared_ptr<const Impl>> impl = Impl::OfEvp(key.get());
  if (!impl.ok()) return impl.status();
  return PublicKey(*std::move(impl));
}

KeyType PublicKey::type() const { return impl_->type; }
const Thumbprint& PublicKey::thumbprint() const { return impl_->thumbprint; }
const std::string& PublicKey::cose_key() const { return impl_->cose_key; }

std::string PublicKey::ToPem() const {
  const bssl::UniquePtr<EVP_PKEY> key = impl_->ToEvp();
  const bssl::UniquePtr<BIO> bio(BIO_new(BIO_s_mem()));
  const uint8_t* data = nullptr;
  size_t size = 0;
  if (bio == nullptr || PEM_write_bio_PUBKEY(bio.get(), key.get()) != 1 ||
      BIO_mem_contents(bio.get(), &data, &size) != 1) {
    std::abort();  // Out of memory.
  }
  return std::string(reinterpret_cast<const char*>(data), size);
}

absl::Status PublicKey::Verify(Bytes message, Bytes signature) const {
  if (signature.size() != kSignatureBytes) {
    return absl::UnauthenticatedError(
        Concat("signature: want ", kSignatureBytes, " bytes, got ", signature.size()));
  }
  const bool verifies = impl_->type == KeyType::kP256
                            ? VerifyP256(impl_->ec.get(), message, signature)
                            : ED25519_verify(message.data(), message.size(), signature.data(),
                                             impl_->ed25519.data()) == 1;
  if (verifies) return absl::OkStatus();
  ERR_clear_error();
  return absl::UnauthenticatedError("signature does not verify");
}

}  // namespace tam::keys

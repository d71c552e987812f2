#include "crypto/verify/verify.h"

#include <cstdlib>
#include <utility>

#include "absl/status/status.h"
#include "crypto/cbor/cbor.h"
#include "crypto/secret/secret.h"
#include "crypto/text/text.h"
#include "openssl/bio.h"
#include "openssl/bn.h"
#include "openssl/bytestring.h"
#include "openssl/digest.h"
#include "openssl/err.h"
#include "openssl/evp.h"
#include "openssl/mem.h"
#include "openssl/pem.h"
#include "openssl/rsa.h"

namespace tam::verify {

struct Key::Impl {
  Kind kind = Kind::kRsa;
  size_t bytes = 0;
  keys::Thumbprint thumbprint{};
  std::optional<keys::PublicKey> elliptic;
  bssl::UniquePtr<EVP_PKEY> rsa;
};

namespace {

using cbor::AsBytes;

absl::Status Invalid(std::string_view message) {
  ERR_clear_error();
  return absl::InvalidArgumentError(AbslView(message));
}

absl::Status Verdict(bool verifies) {
  if (verifies) return absl::OkStatus();
  ERR_clear_error();
  return absl::UnauthenticatedError("signature does not verify");
}

const EVP_MD* DigestOf(Hash hash) {
  switch (hash) {
    case Hash::kSha256:
      return EVP_sha256();
    case Hash::kSha384:
      return EVP_sha384();
    case Hash::kSha512:
      return EVP_sha512();
  }
  std::abort();
}

keys::EcdsaHash EcdsaHashOf(Hash hash) {
  switch (hash) {
    case Hash::kSha256:
      return keys::EcdsaHash::kSha256;
    case Hash::kSha384:
      return keys::EcdsaHash::kSha384;
    case Hash::kSha512:
      return keys::EcdsaHash::kSha512;
  }
  std::abort();
}

std::string BytesOf(const BIGNUM* number) {
  std::string out(BN_num_bytes(number), '\0');
  BN_bn2bin(number, reinterpret_cast<uint8_t*>(out.data()));
  return out;
}

// RFC 8230 section 4: kty 3, n and e.
keys::Thumbprint RsaThumbprint(const std::string& n, const std::string& e) {
  cbor::Writer writer;
  writer.MapHead(3).Uint(1).Uint(3).Int(-1).ByteString(n).Int(-2).ByteString(e);
  return secret::Sha256(AsBytes(writer.bytes()));
}

absl::Status CheckRsa(const RSA* rsa) {
  const size_t bytes = RSA_size(rsa);
  if (bytes < kMinRsaBytes || bytes > kMaxRsaBytes) {
    return Invalid(Concat("RSA key: want a modulus of ", kMinRsaBytes, "..", kMaxRsaBytes,
                          " bytes, got ", bytes));
  }
  if (BN_is_word(RSA_get0_e(rsa), RSA_F4) != 1) {
    return Invalid("RSA key: want the exponent 65537, got another");
  }
  return absl::OkStatus();
}

absl::StatusOr<Kind> KindOf(keys::KeyType type) {
  switch (type) {
    case keys::KeyType::kP256:
      return Kind::kP256;
    case keys::KeyType::kP384:
      return Kind::kP384;
    case keys::KeyType::kP521:
      return Kind::kP521;
    case keys::KeyType::kEd25519:
      break;
  }
  return Invalid("public key: want RSA, P-256, P-384 or P-521, got Ed25519");
}

struct CurveOfKind {
  int64_t cose;
  size_t bytes;
};

CurveOfKind CurveOf(Kind kind) {
  switch (kind) {
    case Kind::kP256:
      return {1, 32};
    case Kind::kP384:
      return {2, 48};
    case Kind::kP521:
      return {3, 66};
    case Kind::kRsa:
      break;
  }
  std::abort();  // No curve.
}

// The DER of the one PUBLIC KEY block; empty where it is none.
std::string DerOfPem(std::string_view pem) {
  const bssl::UniquePtr<BIO> bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  const bssl::UniquePtr<EVP_PKEY> key(PEM_read_bio_PUBKEY(bio.get(), nullptr, nullptr, nullptr));
  bssl::ScopedCBB der;
  const bool read = key != nullptr && CBB_init(der.get(), 256) == 1 &&
                    EVP_marshal_public_key(der.get(), key.get()) == 1 && CBB_flush(der.get()) == 1;
  ERR_clear_error();
  return read ? std::string(reinterpret_cast<const char*>(CBB_data(der.get())), CBB_len(der.get()))
              : "";
}

}  // namespace

size_t HashBytes(Hash hash) { return EVP_MD_size(DigestOf(hash)); }

std::string Digest(Hash hash, Bytes message) {
  std::string digest(HashBytes(hash), '\0');
  if (EVP_Digest(message.data(), message.size(), reinterpret_cast<uint8_t*>(digest.data()), nullptr,
                 DigestOf(hash), nullptr) != 1) {
    std::abort();  // Out of memory.
  }
  return digest;
}

Key Key::OfElliptic(keys::PublicKey key, Kind kind) {
  auto impl = std::make_shared<Impl>();
  impl->kind = kind;
  impl->bytes = CurveOf(kind).bytes;
  impl->thumbprint = key.thumbprint();
  impl->elliptic = std::move(key);
  return Key(std::move(impl));
}

absl::StatusOr<Key> Key::FromSpkiDer(Bytes der) {
  CBS cbs;
  CBS_init(&cbs, der.data(), der.size());
  bssl::UniquePtr<EVP_PKEY> key(EVP_parse_public_key(&cbs));
  if (key == nullptr || CBS_len(&cbs) != 0) {
    return Invalid("public key: want one SubjectPublicKeyInfo of a known kind, got other bytes");
  }
  if (EVP_PKEY_id(key.get()) != EVP_PKEY_RSA) {
    auto elliptic = keys::PublicKey::FromSpkiDer(der, keys::Curves::kAll);
    if (!elliptic.ok()) return elliptic.status();
    const auto kind = KindOf(elliptic->type());
    if (!kind.ok()) return kind.status();
    return OfElliptic(*std::move(elliptic), *kind);
  }
  const RSA* const rsa = EVP_PKEY_get0_RSA(key.get());
  if (absl::Status sound = CheckRsa(rsa); !sound.ok()) return sound;
  auto impl = std::make_shared<Impl>();
  impl->bytes = RSA_size(rsa);
  impl->thumbprint = RsaThumbprint(BytesOf(RSA_get0_n(rsa)), BytesOf(RSA_get0_e(rsa)));
  impl->rsa = std::move(key);
  return Key(std::move(impl));
}

absl::StatusOr<Key> Key::FromPem(std::string_view pem) {
  const std::string der = DerOfPem(pem);
  if (der.empty()) return Invalid("public key: want one PUBLIC KEY block, got other text");
  return FromSpkiDer(AsBytes(der));
}

absl::StatusOr<Key> Key::FromRsa(Bytes modulus, Bytes exponent) {
  if (modulus.empty() || modulus[0] == 0 || modulus.size() > kMaxRsaBytes || exponent.empty() ||
      exponent.size() > sizeof(uint64_t)) {
    return Invalid("RSA key: want a modulus and an exponent, got other sizes");
  }
  const bssl::UniquePtr<RSA> rsa(RSA_new());
  const bssl::UniquePtr<EVP_PKEY> key(EVP_PKEY_new());
  BIGNUM* const n = BN_bin2bn(modulus.data(), modulus.size(), nullptr);
  BIGNUM* const e = BN_bin2bn(exponent.data(), exponent.size(), nullptr);
  if (RSA_set0_key(rsa.get(), n, e, nullptr) != 1) std::abort();  // Out of memory.
  bssl::ScopedCBB der;
  if (EVP_PKEY_set1_RSA(key.get(), rsa.get()) != 1 || CBB_init(der.get(), 600) != 1 ||
      EVP_marshal_public_key(der.get(), key.get()) != 1 || CBB_flush(der.get()) != 1) {
    return Invalid("RSA key: want a modulus and an exponent, got other numbers");
  }
  return FromSpkiDer(Bytes(CBB_data(der.get()), CBB_len(der.get())));
}

absl::StatusOr<Key> Key::FromPoint(Kind kind, Bytes x, Bytes y) {
  const CurveOfKind curve = CurveOf(kind);
  if (x.size() != curve.bytes || y.size() != curve.bytes) {
    return Invalid(Concat("public key: want coordinates of ", curve.bytes, " bytes, got ", x.size(),
                          " and ", y.size()));
  }
  cbor::Writer writer;
  writer.MapHead(4).Uint(1).Uint(2).Int(-1).Int(curve.cose).Int(-2).ByteString(x);
  writer.Int(-3).ByteString(y);
  auto key = keys::PublicKey::FromCoseKey(AsBytes(writer.bytes()), keys::Curves::kAll);
  if (!key.ok()) return key.status();
  return OfElliptic(*std::move(key), kind);
}

Kind Key::kind() const { return impl_->kind; }
size_t Key::bytes() const { return impl_->bytes; }
const keys::Thumbprint& Key::thumbprint() const { return impl_->thumbprint; }
const std::optional<keys::PublicKey>& Key::elliptic() const { return impl_->elliptic; }

absl::Status Key::VerifyEcdsa(Hash hash, Bytes message, Bytes signature) const {
  if (!impl_->elliptic.has_value()) return Invalid("key: want an elliptic one, got RSA");
  return impl_->elliptic->VerifyWithHash(EcdsaHashOf(hash), message, signature);
}

absl::Status Key::VerifyRsa(Padding padding, Hash hash, Bytes message, Bytes signature) const {
  if (impl_->rsa == nullptr) return Invalid("key: want RSA, got an elliptic one");
  if (signature.size() != impl_->bytes) return Verdict(false);
  bssl::ScopedEVP_MD_CTX context;
  EVP_PKEY_CTX* parameters = nullptr;
  if (EVP_DigestVerifyInit(context.get(), &parameters, DigestOf(hash), nullptr, impl_->rsa.get()) !=
      1) {
    return Verdict(false);
  }
  constexpr int kAnySalt = -2;
  if (padding == Padding::kPss &&
      (EVP_PKEY_CTX_set_rsa_padding(parameters, RSA_PKCS1_PSS_PADDING) != 1 ||
       EVP_PKEY_CTX_set_rsa_pss_saltlen(parameters, kAnySalt) != 1)) {
    return Verdict(false);
  }
  return Verdict(EVP_DigestVerify(context.get(), signature.data(), signature.size(), message.data(),
                                  message.size()) == 1);
}

}  // namespace tam::verify

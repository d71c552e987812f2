#include "crypto/keys/agreement.h"

#include <algorithm>
#include <array>
#include <cstdlib>

#include "absl/status/status.h"
#include "crypto/cbor/cbor.h"
#include "crypto/keys/cose_key.h"
#include "crypto/keys/key_impl.h"
#include "crypto/keys/private_origin.h"
#include "openssl/curve25519.h"
#include "openssl/ec.h"
#include "openssl/ecdh.h"
#include "openssl/err.h"
#include "openssl/evp.h"
#include "openssl/mem.h"
#include "openssl/nid.h"

namespace tam::keys {
namespace {

using Array32 = std::array<uint8_t, 32>;

CurveName NameOf(AgreementCurve curve) {
  return curve == AgreementCurve::kP256 ? CurveName::kP256 : CurveName::kX25519;
}

bool IsP256(const EVP_PKEY* key) {
  const EC_KEY* const ec = EVP_PKEY_id(key) == EVP_PKEY_EC ? EVP_PKEY_get0_EC_KEY(key) : nullptr;
  return ec != nullptr && EC_GROUP_get_curve_name(EC_KEY_get0_group(ec)) == NID_X9_62_prime256v1;
}

absl::Status WrongType() { return Invalid("agreement key: want a P-256 or X25519 key"); }

}  // namespace

struct AgreementPublicKey::Impl {
  bssl::UniquePtr<EC_KEY> ec;  // P-256; null: X25519
  Array32 x25519 = {};
  std::string cose_key;
  Thumbprint thumbprint = {};

  static std::shared_ptr<const Impl> OfEc(bssl::UniquePtr<EC_KEY> ec) {
    auto impl = std::make_shared<Impl>();
    const auto [x, y] = Coordinates(ec.get());
    impl->cose_key = EncodePublicKey(CurveName::kP256, cbor::AsBytes(x), cbor::AsBytes(y));
    impl->thumbprint = secret::Sha256(cbor::AsBytes(impl->cose_key));
    impl->ec = std::move(ec);
    return impl;
  }

  static std::shared_ptr<const Impl> OfX25519(Bytes x) {
    auto impl = std::make_shared<Impl>();
    std::copy_n(x.begin(), impl->x25519.size(), impl->x25519.begin());
    impl->cose_key = EncodePublicKey(CurveName::kX25519, x, Bytes());
    impl->thumbprint = secret::Sha256(cbor::AsBytes(impl->cose_key));
    return impl;
  }

  static absl::StatusOr<std::shared_ptr<const Impl>> OfEvp(const EVP_PKEY* key) {
    if (IsP256(key)) return OfEc(CopyPublic(EVP_PKEY_get0_EC_KEY(key)));
    Array32 x;
    size_t size = x.size();
    if (EVP_PKEY_id(key) != EVP_PKEY_X25519 ||
        EVP_PKEY_get_raw_public_key(key, x.data(), &size) != 1) {
      return WrongType();
    }
    return OfX25519(x);
  }
};

struct AgreementKey::Impl {
  explicit Impl(AgreementPublicKey key) : public_key(std::move(key)) {}
  ~Impl() { OPENSSL_cleanse(x25519.data(), x25519.size()); }
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;

  AgreementPublicKey public_key;
  bssl::UniquePtr<EC_KEY> ec;  // P-256; BoringSSL wipes it
  Array32 x25519 = {};

  // The 32 bytes of d. `out` is wiped by the caller.
  void Scalar(Array32& out) const {
    if (ec != nullptr) {
      ReadScalar(ec.get(), out);
    } else {
      out = x25519;
    }
  }

  // InvalidArgument when `d` is no private key of the curve.
  static absl::StatusOr<std::shared_ptr<const Impl>> Of(CurveName curve, Bytes d) {
    if (curve == CurveName::kP256) {
      bssl::UniquePtr<EC_KEY> ec = P256FromScalar(d);
      if (ec == nullptr) return Invalid("want a scalar of P-256, got another number");
      auto impl = std::make_shared<Impl>(
          AgreementPublicKey(AgreementPublicKey::Impl::OfEc(CopyPublic(ec.get()))));
      impl->ec = std::move(ec);
      return std::shared_ptr<const Impl>(std::move(impl));
    }
    Array32 x;
    X25519_public_from_private(x.data(), d.data());
    auto impl = std::make_shared<Impl>(AgreementPublicKey(AgreementPublicKey::Impl::OfX25519(x)));
    std::copy_n(d.begin(), impl->x25519.size(), impl->x25519.begin());
    return std::shared_ptr<const Impl>(std::move(impl));
  }
};

absl::StatusOr<AgreementPublicKey> AgreementPublicKey::FromCoseKey(Bytes cose_key) {
  const auto document = cbor::Document::Parse(cose_key, cbor::Limits(), "cose-key");
  if (!document.ok()) return document.status();
  const cbor::Item map = document->root();
  const absl::StatusOr<CurveKey> key = ReadCurveKey(map, KeyUse::kAgreePublic);
  if (!key.ok()) return key.status();
  if (key->d.has_value()) {
    return map.Find(kLabelD)->Error("want no private member in a public key, got one");
  }
  const absl::StatusOr<cbor::Item> x = map.Get(kLabelX);
  if (!x.ok()) return x.status();
  if (key->curve == CurveName::kX25519) return AgreementPublicKey(Impl::OfX25519(*key->x));
  const absl::StatusOr<std::string> point = EncodedPoint(map, *key);
  if (!point.ok()) return point.status();
  bssl::UniquePtr<EC_KEY> ec = EcFromPoint(CurveNid(key->curve), cbor::AsBytes(*point));
  if (ec == nullptr) return x->Error("want a point of the curve, got coordinates off the curve");
  return AgreementPublicKey(Impl::OfEc(std::move(ec)));
}

absl::StatusOr<AgreementPublicKey> AgreementPublicKey::FromPem(std::string_view pem) {
  const absl::StatusOr<PemBlock> block = ReadPemBlock(pem, {"PUBLIC KEY"});
  if (!block.ok()) return block.status();
  const absl::StatusOr<bssl::UniquePtr<EVP_PKEY>> key = ParseSpki(block->content.Reveal());
  if (!key.ok()) return key.status();
  absl::StatusOr<std::shared_ptr<const Impl>> impl = Impl::OfEvp(key->get());
  if (!impl.ok()) return impl.status();
  return AgreementPublicKey(*std::move(impl));
}

AgreementCurve AgreementPublicKey::curve() const {
  return impl_->ec != nullptr ? AgreementCurve::kP256 : AgreementCurve::kX25519;
}
const Thumbprint& AgreementPublicKey::thumbprint() const { return impl_->thumbprint; }
const std::string& AgreementPublicKey::cose_key() const { return impl_->cose_key; }

std::string AgreementPublicKey::ToPem() const {
  if (impl_->ec != nullptr) return SpkiPem(EvpOf(impl_->ec.get()).get());
  const bssl::UniquePtr<EVP_PKEY> key(EVP_PKEY_new_raw_public_key(
      EVP_PKEY_X25519, nullptr, impl_->x25519.data(), impl_->x25519.size()));
  if (key == nullptr) std::abort();  // Out of memory.
  return SpkiPem(key.get());
}

AgreementKey AgreementKey::Generate(AgreementCurve curve, secret::RandomSource& random) {
  return AgreementKey(GenerateImpl<Impl>(NameOf(curve), random));
}

absl::StatusOr<AgreementKey> AgreementKey::FromCoseKey(Bytes cose_key) {
  auto impl = ImplFromCoseKey<Impl>(cose_key, KeyUse::kAgree);
  if (!impl.ok()) return impl.status();
  return AgreementKey(*std::move(impl));
}

absl::StatusOr<AgreementKey> AgreementKey::FromPem(std::string_view pem) {
  const absl::StatusOr<bssl::UniquePtr<EVP_PKEY>> key = ParsePrivatePem(pem);
  if (!key.ok()) return key.status();
  const auto stated = AgreementPublicKey::Impl::OfEvp(key->get());
  if (!stated.ok()) return stated.status();
  const CurveName curve = (*stated)->ec != nullptr ? CurveName::kP256 : CurveName::kX25519;
  auto impl = ImplFromEvp<Impl>(key->get(), curve, (*stated)->thumbprint);
  if (!impl.ok()) return impl.status();
  return AgreementKey(*std::move(impl));
}

const AgreementPublicKey& AgreementKey::public_key() const { return impl_->public_key; }

absl::StatusOr<secret::SecretBytes> AgreementKey::SharedSecret(
    const AgreementPublicKey& peer) const {
  if (peer.curve() != public_key().curve()) {
    return Invalid("agreement: want a peer on the key's curve, got another curve");
  }
  Array32 shared;
  const bool agreed =
      impl_->ec != nullptr
          ? ECDH_compute_key(shared.data(), shared.size(),
                             EC_KEY_get0_public_key(peer.impl_->ec.get()), impl_->ec.get(),
                             nullptr) == static_cast<int>(shared.size())
          : X25519(shared.data(), impl_->x25519.data(), peer.impl_->x25519.data()) == 1;
  secret::SecretBytes secret{Bytes(shared)};
  OPENSSL_cleanse(shared.data(), shared.size());
  if (!agreed) return Invalid("agreement: want a peer's point of large order, got another");
  return secret;
}

secret::SecretBytes AgreementKey::ToCoseKey() const {
  Array32 d;
  impl_->Scalar(d);
  secret::SecretBytes result = EncodePrivateKey(public_key().cose_key(), d);
  OPENSSL_cleanse(d.data(), d.size());
  return result;
}

secret::SecretBytes AgreementKey::ToPkcs8Pem() const {
  if (impl_->ec != nullptr) return Pkcs8Pem(EvpOf(impl_->ec.get()).get());
  const bssl::UniquePtr<EVP_PKEY> key(EVP_PKEY_new_raw_private_key(
      EVP_PKEY_X25519, nullptr, impl_->x25519.data(), impl_->x25519.size()));
  if (key == nullptr) std::abort();  // Out of memory.
  return Pkcs8Pem(key.get());
}

}  // namespace tam::keys

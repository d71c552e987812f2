#include <algorithm>
#include <cstdlib>

#include "absl/status/status.h"
#include "crypto/cbor/cbor.h"
#include "crypto/keys/cose_key.h"
#include "crypto/keys/key.h"
#include "crypto/keys/key_impl.h"
#include "crypto/keys/private_origin.h"
#include "openssl/bn.h"
#include "openssl/curve25519.h"
#include "openssl/ec.h"
#include "openssl/ecdsa.h"
#include "openssl/err.h"
#include "openssl/mem.h"

namespace tam::keys {
namespace {

constexpr size_t kSeedBytes = 32;

absl::StatusOr<std::string> SignP256(const EC_KEY* key, Bytes message) {
  const secret::Digest256 digest = secret::Sha256(message);
  const bssl::UniquePtr<ECDSA_SIG> signature(ECDSA_do_sign(digest.data(), digest.size(), key));
  std::string out(kSignatureBytes, '\0');
  uint8_t* const bytes = reinterpret_cast<uint8_t*>(out.data());
  if (signature == nullptr || BN_bn2bin_padded(bytes, 32, ECDSA_SIG_get0_r(signature.get())) != 1 ||
      BN_bn2bin_padded(bytes + 32, 32, ECDSA_SIG_get0_s(signature.get())) != 1) {
    ERR_clear_error();
    return absl::InternalError("ECDSA signing failed");
  }
  return out;
}

}  // namespace

struct PrivateKey::Impl {
  explicit Impl(PublicKey key) : public_key(std::move(key)) {}
  ~Impl() { OPENSSL_cleanse(ed25519.data(), ed25519.size()); }
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;

  PublicKey public_key;
  bssl::UniquePtr<EC_KEY> ec;            // P-256; BoringSSL wipes it
  std::array<uint8_t, 64> ed25519 = {};  // seed, public key

  // The 32 bytes of d. `out` is wiped by the caller.
  void Scalar(std::array<uint8_t, 32>& out) const {
    if (ec == nullptr) {
      std::copy_n(ed25519.begin(), out.size(), out.begin());
    } else {
      ReadScalar(ec.get(), out);
    }
  }

  // InvalidArgument when `d` is no private key of the curve.
  static absl::StatusOr<std::shared_ptr<const Impl>> Of(CurveName curve, Bytes d) {
    if (curve == CurveName::kP256) {
      bssl::UniquePtr<EC_KEY> ec = P256FromScalar(d);
      if (ec == nullptr) return Invalid("want a scalar of P-256, got another number");
      auto impl = std::make_shared<Impl>(PublicKey(PublicKey::Impl::OfEc(CopyPublic(ec.get()))));
      impl->ec = std::move(ec);
      return std::shared_ptr<const Impl>(std::move(impl));
    }
    std::array<uint8_t, 32> x;
    std::array<uint8_t, 64> expanded;
    ED25519_keypair_from_seed(x.data(), expanded.data(), d.data());
    auto public_impl = PublicKey::Impl::OfEd25519(x);
    if (!public_impl.ok()) return public_impl.status();
    auto impl = std::make_shared<Impl>(PublicKey(*std::move(public_impl)));
    impl->ed25519 = expanded;
    OPENSSL_cleanse(expanded.data(), expanded.size());
    return std::shared_ptr<const Impl>(std::move(impl));
  }
};

absl::StatusOr<PrivateKey> PrivateKey::Generate(KeyType type) {
  if (type != KeyType::kP256 && type != KeyType::kEd25519) std::abort();  // Keys of ours alone.
  return PrivateKey(
      GenerateImpl<Impl>(type == KeyType::kP256 ? CurveName::kP256 : CurveName::kEd25519,
                         secret::RandomSource::System()));
}

absl::StatusOr<PrivateKey> PrivateKey::FromCoseKey(Bytes cose_key) {
  auto impl = ImplFromCoseKey<Impl>(cose_key, KeyUse::kSign);
  if (!impl.ok()) return impl.status();
  return PrivateKey(*std::move(impl));
}

absl::StatusOr<PrivateKey> PrivateKey::FromPem(std::string_view pem) {
  const absl::StatusOr<bssl::UniquePtr<EVP_PKEY>> key = ParsePrivatePem(pem);
  if (!key.ok()) return key.status();
  const auto stated = PublicKey::Impl::OfEvp(key->get(), Curves::kTeep);
  if (!stated.ok()) return stated.status();
  const CurveName curve =
      (*stated)->type == KeyType::kP256 ? CurveName::kP256 : CurveName::kEd25519;
  auto impl = ImplFromEvp<Impl>(key->get(), curve, (*stated)->thumbprint);
  if (!impl.ok()) return impl.status();
  return PrivateKey(*std::move(impl));
}

KeyType PrivateKey::type() const { return impl_->public_key.type(); }
const PublicKey& PrivateKey::public_key() const { return impl_->public_key; }

absl::StatusOr<std::string> PrivateKey::Sign(Bytes message) const {
  if (impl_->ec != nullptr) return SignP256(impl_->ec.get(), message);
  std::string out(kSignatureBytes, '\0');
  if (ED25519_sign(reinterpret_cast<uint8_t*>(out.data()), message.data(), message.size(),
                   impl_->ed25519.data()) != 1) {
    return absl::InternalError("Ed25519 signing failed");
  }
  return out;
}

secret::SecretBytes PrivateKey::ToCoseKey() const {
  std::array<uint8_t, kSeedBytes> d;
  impl_->Scalar(d);
  secret::SecretBytes result = EncodePrivateKey(impl_->public_key.cose_key(), d);
  OPENSSL_cleanse(d.data(), d.size());
  return result;
}

secret::SecretBytes PrivateKey::ToPkcs8Pem() const {
  if (impl_->ec != nullptr) return Pkcs8Pem(EvpOf(impl_->ec.get()).get());
  const bssl::UniquePtr<EVP_PKEY> key(
      EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, nullptr, impl_->ed25519.data(), kSeedBytes));
  if (key == nullptr) std::abort();  // Out of memory.
  return Pkcs8Pem(key.get());
}

}  // namespace tam::keys

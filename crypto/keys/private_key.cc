#include <algorithm>
#include <cstdlib>

#include "absl/status/status.h"
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

constexpr size_t kSeedBytes = 32;

absl::Status Invalid(std::string_view message) {
  ERR_clear_error();
  return absl::InvalidArgumentError(AbslView(message));
}

// A P-256 key with the scalar `d` and its public point; null when d is not in 1..n-1.
bssl::UniquePtr<EC_KEY> P256FromScalar(Bytes d) {
  bssl::UniquePtr<EC_KEY> key(EC_KEY_new_by_curve_name(NID_X9_62_prime256v1));
  bssl::UniquePtr<BIGNUM> scalar(BN_bin2bn(d.data(), d.size(), nullptr));
  if (key == nullptr || scalar == nullptr) std::abort();  // Out of memory.
  const EC_GROUP* const group = EC_KEY_get0_group(key.get());
  bssl::UniquePtr<EC_POINT> point(EC_POINT_new(group));
  if (point == nullptr) std::abort();
  const bool sound =
      !BN_is_zero(scalar.get()) && EC_KEY_set_private_key(key.get(), scalar.get()) == 1 &&
      EC_POINT_mul(group, point.get(), scalar.get(), nullptr, nullptr, nullptr) == 1 &&
      EC_KEY_set_public_key(key.get(), point.get()) == 1 && EC_KEY_check_key(key.get()) == 1;
  BN_clear(scalar.get());
  if (!sound) {
    ERR_clear_error();
    return nullptr;
  }
  return key;
}

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

absl::StatusOr<bssl::UniquePtr<EVP_PKEY>> ParsePrivateDer(const PemBlock& block) {
  CBS cbs;
  CBS_init(&cbs, block.content.Reveal().data(), block.content.size());
  bssl::UniquePtr<EVP_PKEY> key;
  if (block.name == "EC PRIVATE KEY") {
    const bssl::UniquePtr<EC_GROUP> group(EC_GROUP_new_by_curve_name(NID_X9_62_prime256v1));
    const bssl::UniquePtr<EC_KEY> ec(EC_KEY_parse_private_key(&cbs, group.get()));
    key.reset(EVP_PKEY_new());
    if (ec == nullptr || EVP_PKEY_set1_EC_KEY(key.get(), ec.get()) != 1) key.reset();
  } else {
    key.reset(EVP_parse_private_key(&cbs));
  }
  if (key == nullptr || CBS_len(&cbs) != 0) {
    return Invalid("private key: want one key of a known type, got other bytes");
  }
  return key;
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
    } else if (BN_bn2bin_padded(out.data(), out.size(), EC_KEY_get0_private_key(ec.get())) != 1) {
      std::abort();  // The scalar is below n.
    }
  }

  // InvalidArgument when `d` is no private key of the curve.
  static absl::StatusOr<std::shared_ptr<const Impl>> Of(CurveName curve, Bytes d) {
    if (curve == CurveName::kP256) {
      bssl::UniquePtr<EC_KEY> ec = P256FromScalar(d);
      if (ec == nullptr) return Invalid("want a scalar of P-256, got another number");
      uint8_t point[65];
      EC_POINT_point2oct(EC_KEY_get0_group(ec.get()), EC_KEY_get0_public_key(ec.get()),
                         POINT_CONVERSION_UNCOMPRESSED, point, sizeof(point), nullptr);
      auto impl = std::make_shared<Impl>(PublicKey(PublicKey::Impl::OfP256(P256FromPoint(point))));
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
  const CurveName curve = type == KeyType::kP256 ? CurveName::kP256 : CurveName::kEd25519;
  std::array<uint8_t, kSeedBytes> d;
  while (true) {
    secret::RandomSource::System().Fill(absl::MakeSpan(d));
    absl::StatusOr<std::shared_ptr<const Impl>> impl = Impl::Of(curve, d);
    OPENSSL_cleanse(d.data(), d.size());
    // One in 2^32 numbers is not below n: draw again.
    if (impl.ok()) return PrivateKey(*std::move(impl));
  }
}

absl::StatusOr<PrivateKey> PrivateKey::FromCoseKey(Bytes cose_key) {
  const auto document = cbor::Document::Parse(cose_key, cbor::Limits(), "cose-key");
  if (!document.ok()) return document.status();
  const cbor::Item map = document->root();
  const absl::StatusOr<CurveKey> key = ReadCurveKey(map, kOpSign);
  if (!key.ok()) return key.status();
  const absl::StatusOr<cbor::Item> d = map.Get(kLabelD);
  if (!d.ok()) return d.status();
  absl::StatusOr<std::shared_ptr<const Impl>> impl = Impl::Of(key->curve, *key->d);
  if (!impl.ok()) return d->Error(StdView(impl.status().message()));
  if (key->x.has_value()) {
    cbor::MapBuilder public_part;
    for (int64_t label : {kLabelKty, kLabelCrv, kLabelX, kLabelY}) {
      if (const std::optional<cbor::Item> member = map.Find(label); member.has_value()) {
        public_part.Set(label, cbor::Writer().Raw(cbor::AsView(member->encoded())));
      }
    }
    const auto stated = PublicKey::FromCoseKey(cbor::AsBytes(public_part.Encode()));
    if (!stated.ok()) return stated.status();
    if (!(*stated == (*impl)->public_key)) {
      return d->Error("want the private key of the public part, got another");
    }
  }
  return PrivateKey(*std::move(impl));
}

absl::StatusOr<PrivateKey> PrivateKey::FromPem(std::string_view pem) {
  const absl::StatusOr<PemBlock> block = ReadPemBlock(pem, {"PRIVATE KEY", "EC PRIVATE KEY"});
  if (!block.ok()) return block.status();
  const absl::StatusOr<bssl::UniquePtr<EVP_PKEY>> key = ParsePrivateDer(*block);
  if (!key.ok()) return key.status();
  const auto public_impl = PublicKey::Impl::OfEvp(key->get());
  if (!public_impl.ok()) return public_impl.status();
  const bool p256 = (*public_impl)->type == KeyType::kP256;
  std::array<uint8_t, kSeedBytes> d;
  size_t size = d.size();
  const bool read =
      p256 ? BN_bn2bin_padded(d.data(), d.size(),
                              EC_KEY_get0_private_key(EVP_PKEY_get0_EC_KEY(key->get()))) == 1
           : EVP_PKEY_get_raw_private_key(key->get(), d.data(), &size) == 1;
  if (!read) return Invalid("private key: want a private part, got none");
  absl::StatusOr<std::shared_ptr<const Impl>> impl =
      Impl::Of(p256 ? CurveName::kP256 : CurveName::kEd25519, d);
  OPENSSL_cleanse(d.data(), d.size());
  if (!impl.ok()) return impl.status();
  if ((*impl)->public_key.thumbprint() != (*public_impl)->thumbprint) {
    return Invalid("private key: want the private key of the public part, got another");
  }
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
  // The public key's map with one pair more, whose label (-4, 0x23) sorts last.
  const std::string& public_map = impl_->public_key.cose_key();
  std::vector<uint8_t> out(public_map.begin(), public_map.end());
  out[0] += 1;
  out.push_back(0x23);
  out.push_back(0x58);
  out.push_back(kSeedBytes);
  std::array<uint8_t, kSeedBytes> d;
  impl_->Scalar(d);
  // Room for all: no reallocation leaves a copy behind.
  std::vector<uint8_t> whole(out.size() + d.size());
  std::copy(out.begin(), out.end(), whole.begin());
  std::copy(d.begin(), d.end(), whole.begin() + out.size());
  secret::SecretBytes result(whole);
  OPENSSL_cleanse(d.data(), d.size());
  OPENSSL_cleanse(whole.data(), whole.size());
  return result;
}

secret::SecretBytes PrivateKey::ToPkcs8Pem() const {
  bssl::UniquePtr<EVP_PKEY> key;
  if (impl_->ec != nullptr) {
    key.reset(EVP_PKEY_new());
    if (key != nullptr && EVP_PKEY_set1_EC_KEY(key.get(), impl_->ec.get()) != 1) key.reset();
  } else {
    key.reset(
        EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, nullptr, impl_->ed25519.data(), kSeedBytes));
  }
  const bssl::UniquePtr<BIO> bio(BIO_new(BIO_s_mem()));
  const uint8_t* data = nullptr;
  size_t size = 0;
  if (key == nullptr || bio == nullptr ||
      PEM_write_bio_PKCS8PrivateKey(bio.get(), key.get(), nullptr, nullptr, 0, nullptr, nullptr) !=
          1 ||
      BIO_mem_contents(bio.get(), &data, &size) != 1) {
    std::abort();  // Out of memory.
  }
  return secret::SecretBytes(Bytes(data, size));
}

}  // namespace tam::keys

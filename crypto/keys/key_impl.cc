#include "crypto/keys/key_impl.h"

#include <cstdlib>
#include <utility>

#include "absl/status/status.h"
#include "crypto/text/text.h"
#include "openssl/bio.h"
#include "openssl/bn.h"
#include "openssl/bytestring.h"
#include "openssl/ec.h"
#include "openssl/err.h"
#include "openssl/evp.h"
#include "openssl/nid.h"
#include "openssl/pem.h"

namespace tam::keys {
namespace {

absl::StatusOr<bssl::UniquePtr<EVP_PKEY>> ParsePrivateDer(const PemBlock& block) {
  CBS cbs;
  CBS_init(&cbs, block.content.Reveal().data(), block.content.size());
  bssl::UniquePtr<EVP_PKEY> key;
  if (block.name == "EC PRIVATE KEY") {
    const bssl::UniquePtr<EC_GROUP> group(EC_GROUP_new_by_curve_name(NID_X9_62_prime256v1));
    const bssl::UniquePtr<EC_KEY> ec(EC_KEY_parse_private_key(&cbs, group.get()));
    if (ec != nullptr) key = EvpOf(ec.get());
  } else {
    key.reset(EVP_parse_private_key(&cbs));
  }
  if (key == nullptr || CBS_len(&cbs) != 0) {
    return Invalid("private key: want one key of a known type, got other bytes");
  }
  return key;
}

// What `bio` holds.
Bytes Contents(BIO* bio) {
  const uint8_t* data = nullptr;
  size_t size = 0;
  if (BIO_mem_contents(bio, &data, &size) != 1) std::abort();
  return Bytes(data, size);
}

}  // namespace

absl::Status Invalid(std::string_view message) {
  ERR_clear_error();
  return absl::InvalidArgumentError(AbslView(message));
}

int CurveNid(CurveName curve) {
  switch (curve) {
    case CurveName::kP256:
      return NID_X9_62_prime256v1;
    case CurveName::kP384:
      return NID_secp384r1;
    case CurveName::kP521:
      return NID_secp521r1;
    case CurveName::kEd25519:
    case CurveName::kX25519:
      break;
  }
  std::abort();  // No EC2 curve.
}

bssl::UniquePtr<EC_KEY> EcFromPoint(int nid, Bytes encoded) {
  bssl::UniquePtr<EC_KEY> key(EC_KEY_new_by_curve_name(nid));
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

std::pair<std::string, std::string> Coordinates(const EC_KEY* ec) {
  uint8_t point[1 + 2 * 66];
  const size_t size =
      EC_POINT_point2oct(EC_KEY_get0_group(ec), EC_KEY_get0_public_key(ec),
                         POINT_CONVERSION_UNCOMPRESSED, point, sizeof(point), nullptr);
  if (size < 3) std::abort();  // Only for the point at infinity, which no parser yields.
  const size_t half = (size - 1) / 2;
  const auto at = [&](size_t offset) {
    return std::string(reinterpret_cast<const char*>(point + offset), half);
  };
  return {at(1), at(1 + half)};
}

bssl::UniquePtr<EC_KEY> CopyPublic(const EC_KEY* ec) {
  bssl::UniquePtr<EC_KEY> copy(
      EC_KEY_new_by_curve_name(EC_GROUP_get_curve_name(EC_KEY_get0_group(ec))));
  if (copy == nullptr || EC_KEY_set_public_key(copy.get(), EC_KEY_get0_public_key(ec)) != 1) {
    std::abort();  // Out of memory.
  }
  return copy;
}

void ReadScalar(const EC_KEY* ec, std::array<uint8_t, 32>& out) {
  if (BN_bn2bin_padded(out.data(), out.size(), EC_KEY_get0_private_key(ec)) != 1) {
    std::abort();  // The scalar is below n.
  }
}

absl::StatusOr<bssl::UniquePtr<EVP_PKEY>> ParseSpki(Bytes der) {
  CBS cbs;
  CBS_init(&cbs, der.data(), der.size());
  bssl::UniquePtr<EVP_PKEY> key(EVP_parse_public_key(&cbs));
  if (key == nullptr) {
    return Invalid("public key: want a SubjectPublicKeyInfo of a known type, got other bytes");
  }
  if (CBS_len(&cbs) != 0) {
    return Invalid(Concat("public key: want the end of the SubjectPublicKeyInfo, got ",
                          CBS_len(&cbs), " trailing bytes"));
  }
  return key;
}

absl::StatusOr<bssl::UniquePtr<EVP_PKEY>> ParsePrivatePem(std::string_view pem) {
  const absl::StatusOr<PemBlock> block = ReadPemBlock(pem, {"PRIVATE KEY", "EC PRIVATE KEY"});
  if (!block.ok()) return block.status();
  return ParsePrivateDer(*block);
}

std::string SpkiPem(EVP_PKEY* key) {
  const bssl::UniquePtr<BIO> bio(BIO_new(BIO_s_mem()));
  if (bio == nullptr || PEM_write_bio_PUBKEY(bio.get(), key) != 1) std::abort();  // Out of memory.
  const Bytes text = Contents(bio.get());
  return std::string(reinterpret_cast<const char*>(text.data()), text.size());
}

secret::SecretBytes Pkcs8Pem(EVP_PKEY* key) {
  const bssl::UniquePtr<BIO> bio(BIO_new(BIO_s_mem()));
  if (bio == nullptr ||
      PEM_write_bio_PKCS8PrivateKey(bio.get(), key, nullptr, nullptr, 0, nullptr, nullptr) != 1) {
    std::abort();  // Out of memory.
  }
  return secret::SecretBytes(Contents(bio.get()));
}

bssl::UniquePtr<EVP_PKEY> EvpOf(EC_KEY* ec) {
  bssl::UniquePtr<EVP_PKEY> key(EVP_PKEY_new());
  if (key == nullptr || EVP_PKEY_set1_EC_KEY(key.get(), ec) != 1) std::abort();  // Out of memory.
  return key;
}

}  // namespace tam::keys

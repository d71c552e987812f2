// How private keys come to be, the same for those that sign and those that agree. `Impl` is what
// one holds: it has a static Of(curve, d), InvalidArgument where d is no private key of the curve,
// and `public_key`. Internal to crypto/keys.
#ifndef TAMARACK_CRYPTO_KEYS_PRIVATE_ORIGIN_H_
#define TAMARACK_CRYPTO_KEYS_PRIVATE_ORIGIN_H_

#include <array>
#include <memory>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "crypto/cbor/cbor.h"
#include "crypto/keys/cose_key.h"
#include "crypto/keys/key_impl.h"
#include "crypto/secret/secret.h"
#include "crypto/text/text.h"
#include "openssl/evp.h"
#include "openssl/mem.h"

namespace tam::keys {

// Of a curve with a 32-byte d.
template <typename Impl>
std::shared_ptr<const Impl> GenerateImpl(CurveName curve, secret::RandomSource& random) {
  std::array<uint8_t, 32> d;
  while (true) {
    random.Fill(absl::MakeSpan(d));
    absl::StatusOr<std::shared_ptr<const Impl>> impl = Impl::Of(curve, d);
    OPENSSL_cleanse(d.data(), d.size());
    // One in 2^32 numbers is no scalar of P-256: draw again.
    if (impl.ok()) return *std::move(impl);
  }
}

// A COSE_Key with d, whose public part, when present, must belong to it. InvalidArgument.
template <typename Impl>
absl::StatusOr<std::shared_ptr<const Impl>> ImplFromCoseKey(Bytes cose_key, KeyUse use) {
  using Public = decltype(Impl::public_key);
  const auto document = cbor::Document::Parse(cose_key, cbor::Limits(), "cose-key");
  if (!document.ok()) return document.status();
  const cbor::Item map = document->root();
  const absl::StatusOr<CurveKey> key = ReadCurveKey(map, use);
  if (!key.ok()) return key.status();
  const absl::StatusOr<cbor::Item> d = map.Get(kLabelD);
  if (!d.ok()) return d.status();
  absl::StatusOr<std::shared_ptr<const Impl>> impl = Impl::Of(key->curve, *key->d);
  if (!impl.ok()) return d->Error(StdView(impl.status().message()));
  if (!key->x.has_value()) return impl;
  const auto stated = Public::FromCoseKey(cbor::AsBytes(PublicPart(map)));
  if (!stated.ok()) return stated.status();
  if (!(*stated == (*impl)->public_key)) {
    return d->Error("want the private key of the public part, got another");
  }
  return impl;
}

// The private half of `key`, which is on `curve`; `stated` is the thumbprint of its public half.
// InvalidArgument where there is none or it is another's.
template <typename Impl>
absl::StatusOr<std::shared_ptr<const Impl>> ImplFromEvp(const EVP_PKEY* key, CurveName curve,
                                                        const Thumbprint& stated) {
  std::array<uint8_t, 32> d;
  size_t size = d.size();
  if (curve == CurveName::kP256) {
    ReadScalar(EVP_PKEY_get0_EC_KEY(key), d);
  } else if (EVP_PKEY_get_raw_private_key(key, d.data(), &size) != 1) {
    return Invalid("private key: want a private part, got none");
  }
  absl::StatusOr<std::shared_ptr<const Impl>> impl = Impl::Of(curve, d);
  OPENSSL_cleanse(d.data(), d.size());
  if (!impl.ok()) return impl.status();
  if ((*impl)->public_key.thumbprint() != stated) {
    return Invalid("private key: want the private key of the public part, got another");
  }
  return impl;
}

}  // namespace tam::keys

#endif  // TAMARACK_CRYPTO_KEYS_PRIVATE_ORIGIN_H_

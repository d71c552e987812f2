#include "crypto/secret/secret.h"

#include <cstdlib>
#include <memory>

#include "absl/status/status.h"
#include "crypto/text/text.h"
#include "openssl/aead.h"
#include "openssl/base.h"
#include "openssl/digest.h"
#include "openssl/hkdf.h"
#include "openssl/hmac.h"
#include "openssl/mem.h"
#include "openssl/rand.h"
#include "openssl/sha.h"

namespace tam::secret {
namespace {

constexpr size_t kKekBytes = 32;
constexpr size_t kNonceBytes = 12;
constexpr size_t kTagBytes = 16;

Bytes AsBytes(std::string_view s) {
  return Bytes(reinterpret_cast<const uint8_t*>(s.data()), s.size());
}

bssl::UniquePtr<EVP_AEAD_CTX> NewAesGcm(Bytes key) {
  bssl::UniquePtr<EVP_AEAD_CTX> context(
      EVP_AEAD_CTX_new(EVP_aead_aes_256_gcm(), key.data(), key.size(), kTagBytes));
  if (context == nullptr) std::abort();  // Out of memory: the key's size was checked.
  return context;
}

class SystemRandom final : public RandomSource {
 public:
  void Fill(absl::Span<uint8_t> out) override { RAND_bytes(out.data(), out.size()); }
};

}  // namespace

SecretBytes::SecretBytes(Bytes bytes) : data_(bytes.begin(), bytes.end()) {}

SecretBytes SecretBytes::Random(size_t size, RandomSource& random) {
  SecretBytes secret;
  secret.data_.resize(size);
  random.Fill(absl::MakeSpan(secret.data_));
  return secret;
}

// A vector's buffer changes hands in a move: no copy of the bytes stays behind.
SecretBytes::SecretBytes(SecretBytes&& other) noexcept : data_(std::move(other.data_)) {
  other.data_.clear();
}

SecretBytes& SecretBytes::operator=(SecretBytes&& other) noexcept {
  if (this != &other) {
    OPENSSL_cleanse(data_.data(), data_.size());
    data_ = std::move(other.data_);
    other.data_.clear();
  }
  return *this;
}

SecretBytes::~SecretBytes() { OPENSSL_cleanse(data_.data(), data_.size()); }

Digest256 Sha256(Bytes data) {
  Digest256 out;
  SHA256(data.data(), data.size(), out.data());
  return out;
}

Digest256 HmacSha256(Bytes key, Bytes data) {
  Digest256 out;
  unsigned size = 0;
  if (HMAC(EVP_sha256(), key.data(), key.size(), data.data(), data.size(), out.data(), &size) ==
      nullptr) {
    std::abort();  // Out of memory.
  }
  return out;
}

SecretBytes HkdfSha256(Bytes key, Bytes salt, std::string_view info, size_t length) {
  std::vector<uint8_t> out(length);
  const Bytes info_bytes = AsBytes(info);
  if (HKDF(out.data(), out.size(), EVP_sha256(), key.data(), key.size(), salt.data(), salt.size(),
           info_bytes.data(), info_bytes.size()) != 1) {
    std::abort();
  }
  SecretBytes secret(out);
  OPENSSL_cleanse(out.data(), out.size());
  return secret;
}

bool ConstantTimeEquals(Bytes a, Bytes b) {
  return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

RandomSource& RandomSource::System() {
  static SystemRandom random;
  return random;
}

absl::StatusOr<KeyWrapper> KeyWrapper::Create(SecretBytes kek) {
  if (kek.size() != kKekBytes) {
    return absl::InvalidArgumentError(
        Concat("key-encryption key: want ", kKekBytes, " bytes, got ", kek.size()));
  }
  return KeyWrapper(std::move(kek));
}

std::string KeyWrapper::Wrap(Bytes plaintext, std::string_view context,
                             RandomSource& random) const {
  const auto aead = NewAesGcm(kek_.Reveal());
  std::string out(kNonceBytes + plaintext.size() + kTagBytes, '\0');
  uint8_t* const nonce = reinterpret_cast<uint8_t*>(out.data());
  random.Fill(absl::MakeSpan(nonce, kNonceBytes));
  const Bytes associated = AsBytes(context);
  size_t size = 0;
  if (EVP_AEAD_CTX_seal(aead.get(), nonce + kNonceBytes, &size, out.size() - kNonceBytes, nonce,
                        kNonceBytes, plaintext.data(), plaintext.size(), associated.data(),
                        associated.size()) != 1) {
    std::abort();  // Only for more than 64 GiB.
  }
  return out;
}

absl::StatusOr<SecretBytes> KeyWrapper::Unwrap(Bytes wrapped, std::string_view context) const {
  if (wrapped.size() < kNonceBytes + kTagBytes) {
    return absl::UnauthenticatedError(Concat("wrapped key: want at least ", kNonceBytes + kTagBytes,
                                             " bytes, got ", wrapped.size()));
  }
  const auto aead = NewAesGcm(kek_.Reveal());
  const Bytes sealed = wrapped.subspan(kNonceBytes);
  const Bytes associated = AsBytes(context);
  std::vector<uint8_t> out(sealed.size());
  size_t size = 0;
  const bool opened =
      EVP_AEAD_CTX_open(aead.get(), out.data(), &size, out.size(), wrapped.data(), kNonceBytes,
                        sealed.data(), sealed.size(), associated.data(), associated.size()) == 1;
  SecretBytes secret(Bytes(out.data(), opened ? size : 0));
  OPENSSL_cleanse(out.data(), out.size());
  if (!opened) {
    return absl::UnauthenticatedError(
        "wrapped key: want bytes sealed by this key-encryption key for this context, got others");
  }
  return secret;
}

}  // namespace tam::secret

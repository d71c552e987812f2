// COSE_Encrypt and COSE_Encrypt0 (RFC 9052 section 5), opened and made.
//
//   COSE_Encrypt   = [protected: bstr, unprotected: map, ciphertext: bstr / nil, recipients]
//   COSE_Encrypt0  = [protected, unprotected, ciphertext]
//   recipients     = [+ COSE_recipient]
//   COSE_recipient = [protected, unprotected, encrypted-key: bstr]
//
// Content: A128GCM, A192GCM, A256GCM, ChaCha20/Poly1305 with alg in the protected bucket; A128CTR
// (RFC 9459) with an empty protected bucket and alg in the other. Recipients: ECDH-ES+A128KW (alg
// protected), A128KW and direct (alg unprotected, protected empty). The four SUIT COSE profiles
// that draft -26 section 8.2 prescribes need -29 with A128CTR, A128GCM and ChaCha20/Poly1305.
//
//   KDF context (RFC 9053 section 5.2) of ECDH-ES+A128KW, HKDF-SHA-256 to 16 bytes:
//     [-3, [nil, nil, nil], [nil, nil, nil], [128, recipient protected: bstr, ? other: bstr]]
#ifndef TAMARACK_CRYPTO_COSE_ENCRYPT_H_
#define TAMARACK_CRYPTO_COSE_ENCRYPT_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "crypto/cose/cose.h"
#include "crypto/keys/agreement.h"
#include "crypto/secret/secret.h"

namespace tam::cose {

// SuppPubInfo.other by what is encrypted (draft -26 section 8.2, suit-firmware-encryption).
inline constexpr std::string_view kEatEncryption = "EAT Encryption";
inline constexpr std::string_view kSuitReportEncryption = "SUIT Report Encryption";
inline constexpr std::string_view kSuitPayloadEncryption = "SUIT Payload Encryption";

enum class ContentAlgorithm : int64_t {
  kA128Gcm = 1,
  kA192Gcm = 2,
  kA256Gcm = 3,
  kChaCha20Poly1305 = 24,
  kA128Ctr = -65534,
};

inline constexpr int64_t kEcdhEsA128Kw = -29;
inline constexpr int64_t kA128Kw = -3;
inline constexpr int64_t kDirect = -6;

inline constexpr size_t kMaxRecipients = 16;

// What a ciphertext held; wiped when freed. Only EncryptedMessage makes one.
class DecryptedPayload {
 public:
  Bytes bytes() const { return payload_.Reveal(); }  // borrows from this object
  ContentAlgorithm algorithm() const { return algorithm_; }
  // False for A128CTR, whose ciphertext anybody can change: believe a signature inside or around
  // it. Even true says nothing of who encrypted: everybody has the recipient's public key.
  bool authenticated() const { return algorithm_ != ContentAlgorithm::kA128Ctr; }

 private:
  friend class EncryptedMessage;
  DecryptedPayload(secret::SecretBytes payload, ContentAlgorithm algorithm)
      : payload_(std::move(payload)), algorithm_(algorithm) {}
  secret::SecretBytes payload_;
  ContentAlgorithm algorithm_;
};

struct RecipientHeader {
  int64_t algorithm = 0;
  std::optional<std::string> kid;  // either bucket
};

// A well-formed COSE_Encrypt or COSE_Encrypt0; owns its bytes. Immutable, thread safe.
//
// The errors of opening say nothing of how far it came: Unauthenticated, always in the same words,
// whether no recipient is for the key, a key does not unwrap or has the wrong size, or a tag does
// not verify.
class EncryptedMessage {
 public:
  // InvalidArgument with path when: not strict CBOR, another tag (16, 96), wrong array, header
  // parameters as Message::Parse refuses them, alg in the wrong bucket, an IV that is missing or
  // has another size than the algorithm's, a partial IV, party information (the KDF context here
  // has none), no or more than kMaxRecipients recipients, direct beside another recipient, ECDH-ES
  // without a sound ephemeral key, recipients nested in one another. A recipient of another
  // algorithm or curve is listed, and opens with no key. Without a tag (TagRule::kOptional) an
  // array of 3 is a COSE_Encrypt0. Unimplemented: a content algorithm not named above.
  static absl::StatusOr<EncryptedMessage> Parse(Bytes bytes, TagRule tag_rule);

  bool has_recipients() const { return has_recipients_; }  // false: COSE_Encrypt0
  bool detached() const { return !ciphertext_.has_value(); }
  ContentAlgorithm algorithm() const { return algorithm_; }
  const std::vector<RecipientHeader>& recipients() const { return recipient_headers_; }

  // Opens an ECDH-ES+A128KW recipient: one whose kid is the key's thumbprint, else any on its
  // curve. `other` empty: left out of SuppPubInfo, as RFC 9053 alone has it; TEEP and SUIT never
  // leave it out. Errors: Unauthenticated as above; InvalidArgument when the ciphertext is detached
  // (T-54: what is encrypted for a TAM never is), for a COSE_Encrypt0, and for external_aad with
  // A128CTR.
  absl::StatusOr<DecryptedPayload> Decrypt(const keys::AgreementKey& key, std::string_view other,
                                           Bytes external_aad = {}) const;
  // The same over a detached ciphertext; InvalidArgument when one is attached.
  absl::StatusOr<DecryptedPayload> DecryptDetached(const keys::AgreementKey& key,
                                                   std::string_view other, Bytes ciphertext,
                                                   Bytes external_aad = {}) const;
  // With a shared secret: the content key (COSE_Encrypt0, direct) or the 16-byte key-encryption key
  // (A128KW). Errors as above.
  absl::StatusOr<DecryptedPayload> DecryptWithSecret(Bytes key, Bytes external_aad = {}) const;
  absl::StatusOr<DecryptedPayload> DecryptDetachedWithSecret(Bytes key, Bytes ciphertext,
                                                             Bytes external_aad = {}) const;

 private:
  friend class EncryptParser;
  struct Recipient {
    std::string protected_bytes;
    std::string salt;
    std::string wrapped;
    std::optional<keys::AgreementPublicKey> ephemeral;
  };
  EncryptedMessage() = default;
  absl::Status CheckDetached(bool wanted) const;
  absl::StatusOr<DecryptedPayload> Open(const keys::AgreementKey& key, std::string_view other,
                                        Bytes ciphertext, Bytes external_aad) const;
  absl::StatusOr<DecryptedPayload> OpenWithSecret(Bytes key, Bytes ciphertext,
                                                  Bytes external_aad) const;
  absl::StatusOr<secret::SecretBytes> ContentKey(size_t index, const keys::AgreementKey& key,
                                                 std::string_view other) const;
  absl::StatusOr<DecryptedPayload> DecryptContent(Bytes content_key, Bytes ciphertext,
                                                  Bytes external_aad) const;

  bool has_recipients_ = false;
  ContentAlgorithm algorithm_ = ContentAlgorithm::kA128Gcm;
  std::string protected_bytes_;
  std::string iv_;
  std::optional<std::string> ciphertext_;
  std::vector<RecipientHeader> recipient_headers_;
  std::vector<Recipient> recipients_;
};

// Tagged COSE_Encrypt with one ECDH-ES+A128KW recipient, whose kid is the key's thumbprint. Content
// key, IV and ephemeral key are fresh from `random`. `other` as above. Sign first, then encrypt.
// InvalidArgument for an X25519 recipient whose point is of small order.
absl::StatusOr<std::string> Encrypt(const keys::AgreementPublicKey& recipient, Bytes plaintext,
                                    ContentAlgorithm algorithm, std::string_view other,
                                    secret::RandomSource& random);

}  // namespace tam::cose

#endif  // TAMARACK_CRYPTO_COSE_ENCRYPT_H_

#include <utility>

#include "absl/status/status.h"
#include "crypto/cbor/cbor.h"
#include "crypto/cose/encrypt.h"
#include "crypto/cose/encrypt_internal.h"

namespace tam::cose {
namespace {

using cbor::AsBytes;
using cbor::AsView;

// The one answer to whoever cannot open a message: no word of how far it came.
absl::Status Refused() {
  return absl::UnauthenticatedError("cose-encrypt: want a ciphertext for this key, got another");
}

}  // namespace

absl::StatusOr<DecryptedPayload> EncryptedMessage::Decrypt(const keys::AgreementKey& key,
                                                           std::string_view other,
                                                           Bytes external_aad) const {
  if (absl::Status status = CheckDetached(false); !status.ok()) return status;
  return Open(key, other, AsBytes(*ciphertext_), external_aad);
}

absl::StatusOr<DecryptedPayload> EncryptedMessage::DecryptDetached(const keys::AgreementKey& key,
                                                                   std::string_view other,
                                                                   Bytes ciphertext,
                                                                   Bytes external_aad) const {
  if (absl::Status status = CheckDetached(true); !status.ok()) return status;
  return Open(key, other, ciphertext, external_aad);
}

absl::StatusOr<DecryptedPayload> EncryptedMessage::DecryptWithSecret(Bytes key,
                                                                     Bytes external_aad) const {
  if (absl::Status status = CheckDetached(false); !status.ok()) return status;
  return OpenWithSecret(key, AsBytes(*ciphertext_), external_aad);
}

absl::StatusOr<DecryptedPayload> EncryptedMessage::DecryptDetachedWithSecret(
    Bytes key, Bytes ciphertext, Bytes external_aad) const {
  if (absl::Status status = CheckDetached(true); !status.ok()) return status;
  return OpenWithSecret(key, ciphertext, external_aad);
}

absl::Status EncryptedMessage::CheckDetached(bool wanted) const {
  if (detached() == wanted) return absl::OkStatus();
  return absl::InvalidArgumentError(
      wanted ? "cose-encrypt: want nil (a detached ciphertext), got an attached one"
             : "cose-encrypt: want an attached ciphertext, got nil");
}

absl::StatusOr<DecryptedPayload> EncryptedMessage::Open(const keys::AgreementKey& key,
                                                        std::string_view other, Bytes ciphertext,
                                                        Bytes external_aad) const {
  if (!has_recipients_) {
    return absl::InvalidArgumentError("cose-encrypt: want COSE_Encrypt, got COSE_Encrypt0");
  }
  const std::string_view thumbprint = AsView(key.public_key().thumbprint());
  const auto is_named = [&](const RecipientHeader& header) {
    return header.kid.has_value() && *header.kid == thumbprint;
  };
  bool named = false;
  for (const RecipientHeader& header : recipient_headers_) named = named || is_named(header);
  for (size_t i = 0; i < recipients_.size(); ++i) {
    if (named && !is_named(recipient_headers_[i])) continue;
    const absl::StatusOr<secret::SecretBytes> content_key = ContentKey(i, key, other);
    if (!content_key.ok()) continue;
    auto payload = DecryptContent(content_key->Reveal(), ciphertext, external_aad);
    if (payload.ok() || absl::IsInvalidArgument(payload.status())) return payload;
  }
  return Refused();
}

absl::StatusOr<secret::SecretBytes> EncryptedMessage::ContentKey(size_t index,
                                                                 const keys::AgreementKey& key,
                                                                 std::string_view other) const {
  const Recipient& recipient = recipients_[index];
  if (recipient_headers_[index].algorithm != kEcdhEsA128Kw || !recipient.ephemeral.has_value()) {
    return Refused();
  }
  const absl::StatusOr<secret::SecretBytes> kek =
      AgreedKek(key, *recipient.ephemeral, AsBytes(recipient.salt),
                AsBytes(recipient.protected_bytes), other);
  if (!kek.ok()) return Refused();
  return secret::UnwrapKeyAes128(kek->Reveal(), AsBytes(recipient.wrapped));
}

absl::StatusOr<DecryptedPayload> EncryptedMessage::OpenWithSecret(Bytes key, Bytes ciphertext,
                                                                  Bytes external_aad) const {
  if (!has_recipients_) return DecryptContent(key, ciphertext, external_aad);
  constexpr size_t kKekBytes = 16;
  for (size_t i = 0; i < recipients_.size(); ++i) {
    const int64_t algorithm = recipient_headers_[i].algorithm;
    if (algorithm == kDirect) return DecryptContent(key, ciphertext, external_aad);
    if (algorithm != kA128Kw || key.size() != kKekBytes) continue;
    const absl::StatusOr<secret::SecretBytes> content_key =
        secret::UnwrapKeyAes128(key, AsBytes(recipients_[i].wrapped));
    if (!content_key.ok()) continue;
    auto payload = DecryptContent(content_key->Reveal(), ciphertext, external_aad);
    if (payload.ok() || absl::IsInvalidArgument(payload.status())) return payload;
  }
  return Refused();
}

absl::StatusOr<DecryptedPayload> EncryptedMessage::DecryptContent(Bytes content_key,
                                                                  Bytes ciphertext,
                                                                  Bytes external_aad) const {
  const secret::Cipher cipher = CipherOf(algorithm_);
  if (!secret::IsAuthenticated(cipher) && !external_aad.empty()) {
    return absl::InvalidArgumentError("cose-encrypt: want no external_aad with A128CTR, got some");
  }
  if (content_key.size() != secret::KeyBytes(cipher)) return Refused();
  const std::string aad =
      EncStructure(algorithm_, has_recipients_, AsBytes(protected_bytes_), external_aad);
  absl::StatusOr<secret::SecretBytes> plaintext =
      secret::Decrypt(cipher, content_key, AsBytes(iv_), AsBytes(aad), ciphertext);
  if (!plaintext.ok()) return Refused();
  return DecryptedPayload(*std::move(plaintext), algorithm_);
}

}  // namespace tam::cose

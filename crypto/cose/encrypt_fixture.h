// Messages of COSE_Encrypt for tests: made, opened, taken apart.
#ifndef TAMARACK_CRYPTO_COSE_ENCRYPT_FIXTURE_H_
#define TAMARACK_CRYPTO_COSE_ENCRYPT_FIXTURE_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "crypto/cbor/cbor.h"
#include "crypto/cose/encrypt.h"
#include "crypto/keys/agreement.h"
#include "crypto/secret/secret.h"

namespace tam::cose {

inline constexpr ContentAlgorithm kAll[] = {
    ContentAlgorithm::kA128Gcm, ContentAlgorithm::kA192Gcm, ContentAlgorithm::kA256Gcm,
    ContentAlgorithm::kChaCha20Poly1305, ContentAlgorithm::kA128Ctr};

inline std::string Text(const DecryptedPayload& payload) { return cbor::AsString(payload.bytes()); }

inline std::string Sealed(const keys::AgreementKey& key, ContentAlgorithm algorithm,
                          std::string_view plaintext = "content",
                          std::string_view other = kEatEncryption) {
  return *Encrypt(key.public_key(), cbor::AsBytes(plaintext), algorithm, other,
                  secret::RandomSource::System());
}

inline absl::StatusOr<std::string> Opened(std::string_view bytes, const keys::AgreementKey& key,
                                          std::string_view other = kEatEncryption) {
  const auto message = EncryptedMessage::Parse(cbor::AsBytes(bytes), TagRule::kRequired);
  if (!message.ok()) return message.status();
  const auto payload = message->Decrypt(key, other);
  if (!payload.ok()) return payload.status();
  return Text(*payload);
}

// A message with one recipient taken apart, for tests that change its pieces.
struct Pieces {
  explicit Pieces(std::string_view bytes) {
    const auto document = cbor::Document::Parse(cbor::AsBytes(bytes));
    const cbor::Item array = document->root().at(0);
    const cbor::Item recipient = array.at(3).at(0);
    const auto raw = [](cbor::Item item) { return cbor::AsString(item.encoded()); };
    body = {raw(array.at(0)), raw(array.at(1)), raw(array.at(2))};
    recipients = {{raw(recipient.at(0)), raw(recipient.at(1)), raw(recipient.at(2))}};
    ciphertext = array.at(2).is_bytes() ? cbor::AsString(*array.at(2).ByteString()) : "";
  }

  std::string Join(uint64_t tag = 96) const {
    cbor::Writer writer;
    writer.Tag(tag).Array(4);
    for (const std::string& item : body) writer.Raw(item);
    writer.Array(recipients.size());
    for (const auto& recipient : recipients) {
      writer.Array(recipient.size());
      for (const std::string& item : recipient) writer.Raw(item);
    }
    return std::move(writer).Take();
  }

  std::vector<std::string> body;
  std::vector<std::vector<std::string>> recipients;
  std::string ciphertext;
};

inline std::string Map(std::vector<std::pair<int64_t, cbor::Writer>> pairs) {
  cbor::MapBuilder map;
  for (auto& [label, value] : pairs) map.Set(label, std::move(value));
  return map.Encode();
}

inline std::string Wrapped(std::string_view bytes) {
  return cbor::Writer().ByteString(bytes).bytes();
}

}  // namespace tam::cose

#endif  // TAMARACK_CRYPTO_COSE_ENCRYPT_FIXTURE_H_

// COSE_Mac, read apart from the library: the parser of CBOR and the agreement of keys are all that
// the two share.
#include <algorithm>
#include <array>
#include <cstdint>
#include <vector>

#include "crypto/cbor/cbor.h"
#include "crypto/cose/testing/json_vectors.h"
#include "crypto/keys/agreement.h"
#include "crypto/keys/key_file.h"
#include "crypto/secret/secret.h"
#include "openssl/aes.h"
#include "openssl/evp.h"
#include "openssl/hmac.h"

namespace tam::cose::testing {
namespace {

using cbor::AsBytes;
using cbor::Item;
using cbor::Writer;

constexpr int64_t kHmac512 = 7;
constexpr int64_t kAesMac256 = 15;  // AES-MAC 256/64
constexpr uint64_t kTagMac = 97;

absl::Status Malformed() { return absl::InvalidArgumentError("cose-mac: malformed"); }

// RFC 9053 section 5.2 without `other`.
std::string KdfContext(Bytes recipient_protected) {
  Writer writer;
  writer.Array(4).Int(-3);
  for (int party = 0; party < 2; ++party) writer.Array(3).Null().Null().Null();
  writer.Array(2).Uint(128).ByteString(recipient_protected);
  return std::move(writer).Take();
}

// The 16 bytes that the recipient's key is wrapped under.
absl::StatusOr<secret::SecretBytes> KeyEncryptionKey(Item recipient, const Json& jwk) {
  if (jwk["kty"] == "oct") return secret::SecretBytes(AsBytes(SymmetricKey(jwk)));
  const auto key = keys::ParseAgreementKeyFile(AsBytes(PlainJwk(jwk).dump()));
  if (!key.ok()) return key.status();
  const auto ephemeral = recipient.at(1).Find(-1);
  if (!ephemeral.has_value()) return Malformed();
  const auto peer = keys::AgreementPublicKey::FromCoseKey(ephemeral->encoded());
  if (!peer.ok()) return peer.status();
  const auto shared = key->SharedSecret(*peer);
  if (!shared.ok()) return shared.status();
  return secret::HkdfSha256(shared->Reveal(), Bytes(), KdfContext(*recipient.at(0).ByteString()),
                            16);
}

absl::StatusOr<std::vector<uint8_t>> Unwrap(Bytes kek, Bytes wrapped) {
  AES_KEY aes;
  if (kek.size() != 16 || wrapped.size() < 24 || AES_set_decrypt_key(kek.data(), 128, &aes) != 0) {
    return Malformed();
  }
  std::vector<uint8_t> key(wrapped.size() - 8);
  if (AES_unwrap_key(&aes, nullptr, key.data(), wrapped.data(), wrapped.size()) < 0) {
    return absl::UnauthenticatedError("cose-mac: the key does not unwrap");
  }
  return key;
}

std::vector<uint8_t> Hmac512(Bytes key, Bytes message) {
  std::vector<uint8_t> tag(64);
  unsigned size = 0;
  HMAC(EVP_sha512(), key.data(), key.size(), message.data(), message.size(), tag.data(), &size);
  return tag;
}

// CBC-MAC (RFC 9053 section 3.2): zero IV, zero padding, the first 8 bytes of the last block.
std::vector<uint8_t> AesMac(Bytes key, Bytes message) {
  AES_KEY aes;
  AES_set_encrypt_key(key.data(), static_cast<unsigned>(key.size() * 8), &aes);
  std::vector<uint8_t> blocks(message.begin(), message.end());
  blocks.resize((blocks.size() + AES_BLOCK_SIZE - 1) / AES_BLOCK_SIZE * AES_BLOCK_SIZE);
  std::array<uint8_t, AES_BLOCK_SIZE> iv = {};
  AES_cbc_encrypt(blocks.data(), blocks.data(), blocks.size(), &aes, iv.data(), AES_ENCRYPT);
  return std::vector<uint8_t>(iv.begin(), iv.begin() + 8);
}

absl::Status CheckTag(Item array, Bytes key) {
  const Bytes protected_bytes = *array.at(0).ByteString();
  const auto headers = cbor::Document::Parse(protected_bytes, cbor::Limits(), "protected");
  if (!headers.ok()) return headers.status();
  const auto algorithm = headers->root().Find(1);
  if (!algorithm.has_value() || !algorithm->Int().ok()) return Malformed();
  Writer covered;
  covered.Array(4).Text("MAC").ByteString(protected_bytes).ByteString(Bytes());
  covered.ByteString(*array.at(2).ByteString());
  std::vector<uint8_t> tag;
  if (*algorithm->Int() == kHmac512 && key.size() == 64) {
    tag = Hmac512(key, AsBytes(covered.bytes()));
  } else if (*algorithm->Int() == kAesMac256 && key.size() == 32) {
    tag = AesMac(key, AsBytes(covered.bytes()));
  } else {
    return absl::UnimplementedError("cose-mac: want algorithm 7 or 15 and its key, got another");
  }
  if (Bytes(tag) == *array.at(3).ByteString()) return absl::OkStatus();
  return absl::UnauthenticatedError("cose-mac: the tag does not verify");
}

}  // namespace

absl::Status JudgeMac(Bytes message, const Json& jwk) {
  const auto document = cbor::Document::Parse(message, cbor::Limits(), "cose-mac");
  if (!document.ok()) return document.status();
  const Item root = document->root();
  if (!root.is_tag() || root.tag() != kTagMac) return Malformed();
  const Item array = root.at(0);
  if (!array.is_array() || array.size() != 5 || !array.at(4).is_array() ||
      array.at(4).size() != 1) {
    return Malformed();
  }
  const Item recipient = array.at(4).at(0);
  for (const Item item :
       {array.at(0), array.at(2), array.at(3), recipient.at(0), recipient.at(2)}) {
    if (!item.is_bytes()) return Malformed();
  }
  const auto kek = KeyEncryptionKey(recipient, jwk);
  if (!kek.ok()) return kek.status();
  const auto key = Unwrap(kek->Reveal(), *recipient.at(2).ByteString());
  if (!key.ok()) return key.status();
  return CheckTag(array, *key);
}

}  // namespace tam::cose::testing

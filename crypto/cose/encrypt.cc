#include "crypto/cose/encrypt.h"

#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "crypto/cbor/cbor.h"
#include "crypto/cose/encrypt_internal.h"
#include "crypto/cose/headers.h"

namespace tam::cose {
namespace {

using cbor::AsBytes;
using cbor::AsView;
using cbor::Writer;

constexpr int64_t kKekBits = 128;

void WriteEmptyParty(Writer& writer) { writer.Array(3).Null().Null().Null(); }

// COSE_KDF_Context for the key-wrapping algorithm A128KW.
std::string KdfContext(Bytes recipient_protected, std::string_view other) {
  Writer writer;
  writer.Array(4).Int(kA128Kw);
  WriteEmptyParty(writer);
  WriteEmptyParty(writer);
  writer.Array(other.empty() ? 2 : 3).Int(kKekBits).ByteString(recipient_protected);
  if (!other.empty()) writer.ByteString(other);
  return std::move(writer).Take();
}

std::string AlgMap(int64_t algorithm) {
  Writer writer;
  writer.MapHead(1).Int(kLabelAlg).Int(algorithm);
  return std::move(writer).Take();
}

std::string RandomIv(size_t size, secret::RandomSource& random) {
  std::string iv(size, '\0');
  random.Fill(absl::MakeSpan(reinterpret_cast<uint8_t*>(iv.data()), iv.size()));
  return iv;
}

void WriteRecipient(const keys::AgreementPublicKey& recipient, std::string_view recipient_protected,
                    const keys::AgreementPublicKey& ephemeral, std::string_view wrapped,
                    Writer& writer) {
  cbor::MapBuilder unprotected;
  unprotected.Set(kLabelKid, Writer().ByteString(Bytes(recipient.thumbprint())));
  unprotected.Set(kLabelEphemeralKey, Writer().Raw(ephemeral.cose_key()));
  writer.Array(1).Array(3).ByteString(recipient_protected);
  unprotected.WriteTo(writer);
  writer.ByteString(wrapped);
}

}  // namespace

secret::Cipher CipherOf(ContentAlgorithm algorithm) {
  switch (algorithm) {
    case ContentAlgorithm::kA128Gcm:
      return secret::Cipher::kAes128Gcm;
    case ContentAlgorithm::kA192Gcm:
      return secret::Cipher::kAes192Gcm;
    case ContentAlgorithm::kA256Gcm:
      return secret::Cipher::kAes256Gcm;
    case ContentAlgorithm::kChaCha20Poly1305:
      return secret::Cipher::kChaCha20Poly1305;
    case ContentAlgorithm::kA128Ctr:
      break;
  }
  return secret::Cipher::kAes128Ctr;
}

std::string EncStructure(ContentAlgorithm algorithm, bool has_recipients, Bytes protected_bytes,
                         Bytes external_aad) {
  if (algorithm == ContentAlgorithm::kA128Ctr) return std::string();
  Writer writer;
  writer.Array(3).Text(has_recipients ? "Encrypt" : "Encrypt0");
  writer.ByteString(protected_bytes).ByteString(external_aad);
  return std::move(writer).Take();
}

absl::StatusOr<secret::SecretBytes> AgreedKek(const keys::AgreementKey& key,
                                              const keys::AgreementPublicKey& peer, Bytes salt,
                                              Bytes recipient_protected, std::string_view other) {
  const absl::StatusOr<secret::SecretBytes> shared = key.SharedSecret(peer);
  if (!shared.ok()) return absl::UnauthenticatedError("cose: no agreement");
  return secret::HkdfSha256(shared->Reveal(), salt, KdfContext(recipient_protected, other),
                            kKekBits / 8);
}

absl::StatusOr<std::string> Encrypt(const keys::AgreementPublicKey& recipient, Bytes plaintext,
                                    ContentAlgorithm algorithm, std::string_view other,
                                    secret::RandomSource& random) {
  const secret::Cipher cipher = CipherOf(algorithm);
  const bool ctr = algorithm == ContentAlgorithm::kA128Ctr;
  const auto content_key = secret::SecretBytes::Random(secret::KeyBytes(cipher), random);
  const std::string iv = RandomIv(secret::IvBytes(cipher), random);
  const std::string body_protected = ctr ? "" : AlgMap(static_cast<int64_t>(algorithm));
  const std::string aad = EncStructure(algorithm, true, AsBytes(body_protected), Bytes());
  const std::string recipient_protected = AlgMap(kEcdhEsA128Kw);
  const auto ephemeral = keys::AgreementKey::Generate(recipient.curve(), random);
  const absl::StatusOr<secret::SecretBytes> kek =
      AgreedKek(ephemeral, recipient, Bytes(), AsBytes(recipient_protected), other);
  if (!kek.ok()) {
    return absl::InvalidArgumentError("cose: want a recipient of large order, got another");
  }
  cbor::MapBuilder unprotected;
  if (ctr) unprotected.Set(kLabelAlg, Writer().Int(static_cast<int64_t>(algorithm)));
  unprotected.Set(kLabelIv, Writer().ByteString(iv));
  Writer writer;
  writer.Tag(kTagEncrypt).Array(4).ByteString(body_protected);
  unprotected.WriteTo(writer);
  writer.ByteString(
      secret::Encrypt(cipher, content_key.Reveal(), AsBytes(iv), AsBytes(aad), plaintext));
  WriteRecipient(recipient, recipient_protected, ephemeral.public_key(),
                 secret::WrapKeyAes128(kek->Reveal(), content_key.Reveal()), writer);
  return std::move(writer).Take();
}

}  // namespace tam::cose

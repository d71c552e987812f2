#include <string>
#include <utility>

#include "absl/status/status.h"
#include "crypto/cbor/cbor.h"
#include "crypto/cose/cose.h"
#include "crypto/cose/headers.h"
#include "crypto/text/text.h"

namespace tam::cose {
namespace {

using cbor::AsBytes;
using cbor::AsView;

using keys::EcdsaHash;
using keys::KeyType;

// A number, and what it means for a type of key.
struct Algorithm {
  int64_t number;
  KeyType type;
  EcdsaHash hash;  // of an ECDSA key
  bool polymorphic;
  bool larger;
};

constexpr Algorithm kAlgorithms[] = {
    {kEsp256, KeyType::kP256, EcdsaHash::kSha256, false, false},
    {kEd25519, KeyType::kEd25519, EcdsaHash::kSha512, false, false},
    {kEs256, KeyType::kP256, EcdsaHash::kSha256, true, false},
    {kEdDsa, KeyType::kEd25519, EcdsaHash::kSha512, true, false},
    {kEsp384, KeyType::kP384, EcdsaHash::kSha384, false, true},
    {kEsp512, KeyType::kP521, EcdsaHash::kSha512, false, true},
    {kEs384, KeyType::kP384, EcdsaHash::kSha384, true, true},
    {kEs512, KeyType::kP521, EcdsaHash::kSha512, true, true},
    {kEs512, KeyType::kP256, EcdsaHash::kSha512, true, true},
};

std::string_view TypeName(KeyType type) {
  switch (type) {
    case KeyType::kP256:
      return "P-256";
    case KeyType::kEd25519:
      return "Ed25519";
    case KeyType::kP384:
      return "P-384";
    case KeyType::kP521:
      return "P-521";
  }
  return "unknown";
}

absl::StatusOr<const Algorithm*> FindAlgorithm(const SignerHeader& signer, KeyType type,
                                               const AlgorithmPolicy& policy) {
  if (!signer.algorithm.has_value()) {
    return absl::UnauthenticatedError("cose: want an algorithm in the protected bucket, got none");
  }
  const int64_t number = *signer.algorithm;
  for (const Algorithm& algorithm : kAlgorithms) {
    if (algorithm.number != number || algorithm.type != type) continue;
    if (algorithm.larger && !policy.allow_larger) break;
    if (!algorithm.polymorphic || policy.allow_polymorphic) return &algorithm;
    return absl::UnauthenticatedError(
        Concat("cose: want a fully specified algorithm (-9 or -19), got ", number));
  }
  return absl::UnauthenticatedError(
      Concat("cose: want an algorithm of a ", TypeName(type), " key, got ", number));
}

bool HasKid(const SignerHeader& signer, const keys::PublicKey& key) {
  return signer.kid.has_value() && *signer.kid == AsView(key.thumbprint());
}

}  // namespace

VerifiedPayload::VerifiedPayload(std::string payload, keys::PublicKey key, int64_t algorithm)
    : payload_(std::move(payload)), key_(std::move(key)), algorithm_(algorithm) {}

Bytes VerifiedPayload::bytes() const { return AsBytes(payload_); }

absl::StatusOr<VerifiedPayload> Message::Verify(const keys::PublicKey& key,
                                                const AlgorithmPolicy& policy,
                                                Bytes external_aad) const {
  if (!payload_.has_value()) {
    return absl::InvalidArgumentError("cose: want an attached payload, got nil");
  }
  return VerifyPayload(key, AsBytes(*payload_), policy, external_aad);
}

absl::StatusOr<VerifiedPayload> Message::VerifyDetached(const keys::PublicKey& key, Bytes payload,
                                                        const AlgorithmPolicy& policy,
                                                        Bytes external_aad) const {
  if (payload_.has_value()) {
    return absl::InvalidArgumentError("cose: want nil (a detached payload), got an attached one");
  }
  return VerifyPayload(key, payload, policy, external_aad);
}

absl::StatusOr<VerifiedPayload> Message::VerifyPayload(const keys::PublicKey& key, Bytes payload,
                                                       const AlgorithmPolicy& policy,
                                                       Bytes external_aad) const {
  if (structure_ == Structure::kMac0) {
    return absl::InvalidArgumentError("cose: want COSE_Sign1 or COSE_Sign, got COSE_Mac0");
  }
  bool named = false;
  for (const SignerHeader& signer : signers_) named = named || HasKid(signer, key);
  absl::Status failure;
  for (size_t i = 0; i < signers_.size(); ++i) {
    if (named && !HasKid(signers_[i], key)) continue;
    const absl::Status status = VerifySignature(i, key, payload, policy, external_aad);
    if (status.ok()) return VerifiedPayload(cbor::AsString(payload), key, *signers_[i].algorithm);
    failure = status;
  }
  if (named || signers_.size() == 1) return failure;
  return absl::UnauthenticatedError(Concat("cose: no signature by this key among ", signers_.size(),
                                           "; the last: ", StdView(failure.message())));
}

absl::Status Message::VerifySignature(size_t index, const keys::PublicKey& key, Bytes payload,
                                      const AlgorithmPolicy& policy, Bytes external_aad) const {
  const auto algorithm = FindAlgorithm(signers_[index], key.type(), policy);
  if (!algorithm.ok()) return algorithm.status();
  const Signature& signature = signatures_[index];
  const Bytes body = AsBytes(body_protected_);
  const std::string to_be_signed =
      structure_ == Structure::kSign1
          ? ToBeSigned("Signature1", body, std::nullopt, external_aad, payload)
          : ToBeSigned("Signature", body, AsBytes(signature.protected_bytes), external_aad,
                       payload);
  const Bytes covered = AsBytes(to_be_signed);
  const Bytes bytes = AsBytes(signature.signature);
  const absl::Status status = key.type() == KeyType::kEd25519
                                  ? key.Verify(covered, bytes)
                                  : key.VerifyWithHash((*algorithm)->hash, covered, bytes);
  if (status.ok()) return status;
  return absl::UnauthenticatedError(Concat("cose: ", StdView(status.message())));
}

absl::Status Message::VerifyMac(const keys::MacKey& key, Bytes external_aad) const {
  if (!payload_.has_value()) {
    return absl::InvalidArgumentError("cose: want an attached payload, got nil");
  }
  return VerifyMacPayload(key, AsBytes(*payload_), external_aad);
}

absl::Status Message::VerifyMacDetached(const keys::MacKey& key, Bytes payload,
                                        Bytes external_aad) const {
  if (payload_.has_value()) {
    return absl::InvalidArgumentError("cose: want nil (a detached payload), got an attached one");
  }
  return VerifyMacPayload(key, payload, external_aad);
}

absl::Status Message::VerifyMacPayload(const keys::MacKey& key, Bytes payload,
                                       Bytes external_aad) const {
  if (structure_ != Structure::kMac0) {
    return absl::InvalidArgumentError("cose: want COSE_Mac0, got COSE_Sign1 or COSE_Sign");
  }
  if (signers_[0].algorithm != kHmac256) {
    return absl::UnauthenticatedError("cose: want algorithm 5 (HMAC 256/256), got another");
  }
  const std::string covered =
      ToBeSigned("MAC0", AsBytes(body_protected_), std::nullopt, external_aad, payload);
  const absl::Status status = key.Verify(AsBytes(covered), AsBytes(signatures_[0].signature));
  if (status.ok()) return status;
  return absl::UnauthenticatedError(Concat("cose: ", StdView(status.message())));
}

}  // namespace tam::cose

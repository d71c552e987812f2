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

absl::Status CheckAlgorithm(const SignerHeader& signer, keys::KeyType type,
                            const AlgorithmPolicy& policy) {
  if (!signer.algorithm.has_value()) {
    return absl::UnauthenticatedError("cose: want an algorithm in the protected bucket, got none");
  }
  const bool p256 = type == keys::KeyType::kP256;
  const int64_t number = *signer.algorithm;
  if (number == (p256 ? kEsp256 : kEd25519)) return absl::OkStatus();
  if (number != (p256 ? kEs256 : kEdDsa)) {
    return absl::UnauthenticatedError(
        Concat("cose: want an algorithm of a ", p256 ? "P-256" : "Ed25519", " key, got ", number));
  }
  if (policy.allow_polymorphic) return absl::OkStatus();
  return absl::UnauthenticatedError(
      Concat("cose: want a fully specified algorithm (-9 or -19), got ", number));
}

bool HasKid(const SignerHeader& signer, const keys::PublicKey& key) {
  return signer.kid.has_value() && *signer.kid == AsView(key.thumbprint());
}

}  // namespace

VerifiedPayload::VerifiedPayload(std::string payload, keys::PublicKey key, int64_t algorithm)
    : payload_(std::move(payload)), key_(std::move(key)), algorithm_(algorithm) {}

Bytes VerifiedPayload::bytes() const { return AsBytes(payload_); }

absl::StatusOr<VerifiedPayload> Message::Verify(const keys::PublicKey& key,
                                                const AlgorithmPolicy& policy) const {
  if (!payload_.has_value()) {
    return absl::InvalidArgumentError("cose: want an attached payload, got nil");
  }
  return VerifyPayload(key, AsBytes(*payload_), policy);
}

absl::StatusOr<VerifiedPayload> Message::VerifyDetached(const keys::PublicKey& key, Bytes payload,
                                                        const AlgorithmPolicy& policy) const {
  if (payload_.has_value()) {
    return absl::InvalidArgumentError("cose: want nil (a detached payload), got an attached one");
  }
  return VerifyPayload(key, payload, policy);
}

absl::StatusOr<VerifiedPayload> Message::VerifyPayload(const keys::PublicKey& key, Bytes payload,
                                                       const AlgorithmPolicy& policy) const {
  if (structure_ == Structure::kMac0) {
    return absl::InvalidArgumentError("cose: want COSE_Sign1 or COSE_Sign, got COSE_Mac0");
  }
  bool named = false;
  for (const SignerHeader& signer : signers_) named = named || HasKid(signer, key);
  absl::Status failure;
  for (size_t i = 0; i < signers_.size(); ++i) {
    if (named && !HasKid(signers_[i], key)) continue;
    const absl::Status status = VerifySignature(i, key, payload, policy);
    if (status.ok()) return VerifiedPayload(cbor::AsString(payload), key, *signers_[i].algorithm);
    failure = status;
  }
  if (named || signers_.size() == 1) return failure;
  return absl::UnauthenticatedError(Concat("cose: no signature by this key among ", signers_.size(),
                                           "; the last: ", StdView(failure.message())));
}

absl::Status Message::VerifySignature(size_t index, const keys::PublicKey& key, Bytes payload,
                                      const AlgorithmPolicy& policy) const {
  if (absl::Status status = CheckAlgorithm(signers_[index], key.type(), policy); !status.ok()) {
    return status;
  }
  const Signature& signature = signatures_[index];
  const Bytes body = AsBytes(body_protected_);
  const std::string to_be_signed =
      structure_ == Structure::kSign1
          ? ToBeSigned("Signature1", body, std::nullopt, payload)
          : ToBeSigned("Signature", body, AsBytes(signature.protected_bytes), payload);
  const absl::Status status = key.Verify(AsBytes(to_be_signed), AsBytes(signature.signature));
  if (status.ok()) return status;
  return absl::UnauthenticatedError(Concat("cose: ", StdView(status.message())));
}

absl::Status Message::VerifyMac(const keys::MacKey& key) const {
  if (!payload_.has_value()) {
    return absl::InvalidArgumentError("cose: want an attached payload, got nil");
  }
  return VerifyMacPayload(key, AsBytes(*payload_));
}

absl::Status Message::VerifyMacDetached(const keys::MacKey& key, Bytes payload) const {
  if (payload_.has_value()) {
    return absl::InvalidArgumentError("cose: want nil (a detached payload), got an attached one");
  }
  return VerifyMacPayload(key, payload);
}

absl::Status Message::VerifyMacPayload(const keys::MacKey& key, Bytes payload) const {
  if (structure_ != Structure::kMac0) {
    return absl::InvalidArgumentError("cose: want COSE_Mac0, got COSE_Sign1 or COSE_Sign");
  }
  if (signers_[0].algorithm != kHmac256) {
    return absl::UnauthenticatedError("cose: want algorithm 5 (HMAC 256/256), got another");
  }
  const std::string covered = ToBeSigned("MAC0", AsBytes(body_protected_), std::nullopt, payload);
  const absl::Status status = key.Verify(AsBytes(covered), AsBytes(signatures_[0].signature));
  if (status.ok()) return status;
  return absl::UnauthenticatedError(Concat("cose: ", StdView(status.message())));
}

}  // namespace tam::cose

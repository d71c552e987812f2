// COSE_Sign1 and COSE_Sign (RFC 9052), made and verified; COSE_Mac0 verified.
//
// Parsing and verifying are two steps with two types: a Message can show headers for look-up, and
// only Verify yields a VerifiedPayload. external_aad is empty everywhere in TEEP, and by default
// here.
//
//   COSE_Sign1     = [protected: bstr, unprotected: map, payload: bstr / nil, signature: bstr]
//   COSE_Sign      = [protected, unprotected, payload, signatures: [+ COSE_Signature]]
//   COSE_Signature = [protected, unprotected, signature]
//   COSE_Mac0      = [protected, unprotected, payload, tag]
#ifndef TAMARACK_CRYPTO_COSE_COSE_H_
#define TAMARACK_CRYPTO_COSE_COSE_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "crypto/keys/key.h"

namespace tam::cose {

using Bytes = absl::Span<const uint8_t>;

inline constexpr int64_t kEsp256 = -9;    // RFC 9864
inline constexpr int64_t kEd25519 = -19;  // RFC 9864
inline constexpr int64_t kEs256 = -7;     // polymorphic, older peers; P-256 keys alone
inline constexpr int64_t kEdDsa = -8;     // polymorphic, older peers; Ed25519 keys alone
inline constexpr int64_t kEsp384 = -51;   // RFC 9864
inline constexpr int64_t kEsp512 = -52;   // RFC 9864
inline constexpr int64_t kEs384 = -35;    // polymorphic; P-384 keys alone
inline constexpr int64_t kEs512 = -36;    // polymorphic; P-521 and P-256 keys
inline constexpr int64_t kHmac256 = 5;

// Which algorithm numbers a verifier accepts. -9 and -19 always; the key must fit in any case.
struct AlgorithmPolicy {
  bool allow_polymorphic = false;  // -7 and -8: evidence and manifests yes, TEEP messages no
  bool allow_larger = false;       // -51, -52; with allow_polymorphic also -35, -36
  static AlgorithmPolicy Strict() { return {false, false}; }
  static AlgorithmPolicy WithOlderNumbers() { return {true, false}; }
  // All that this library can verify. For evidence of other makers, never for TEEP messages.
  static AlgorithmPolicy All() { return {true, true}; }
};

enum class TagRule {
  kRequired,  // TEEP messages (TEEP.md A4)
  kOptional,
};

inline constexpr size_t kMaxSigners = 16;

enum class Structure { kSign1, kSign, kMac0 };

// Bytes that a signature of a known key covers. Only Message::Verify makes one.
class VerifiedPayload {
 public:
  Bytes bytes() const;  // borrows from this object
  const keys::PublicKey& key() const { return key_; }
  int64_t algorithm() const { return algorithm_; }

 private:
  friend class Message;
  VerifiedPayload(std::string payload, keys::PublicKey key, int64_t algorithm);
  std::string payload_;
  keys::PublicKey key_;
  int64_t algorithm_;
};

// What one signature's headers say; nothing here is verified.
struct SignerHeader {
  std::optional<int64_t> algorithm;  // from the protected bucket only
  std::optional<std::string> kid;    // either bucket
  std::vector<std::string> x5chain;  // DER, leaf first (label 33, protected or unprotected)
};

// A well-formed COSE message; owns its bytes. Immutable, thread safe.
class Message {
 public:
  // InvalidArgument with path when: not strict CBOR, another tag, wrong array, a header label twice
  // or in both buckets, alg or crit outside the protected bucket, alg not an integer, crit naming a
  // label that is not understood, a header parameter of the wrong type, no signature or more than
  // kMaxSigners. Header parameters that are not understood are ignored unless crit names them
  // (RFC 9052 section 3.1). An empty protected bucket is h'' or h'a0': recipients must take both,
  // and both count as h'' in what is signed (section 3, section 4.4).
  // Without a tag (TagRule::kOptional) an array whose fourth element is an array is a COSE_Sign; of
  // the others one whose alg is HMAC is a COSE_Mac0, the rest are COSE_Sign1.
  static absl::StatusOr<Message> Parse(Bytes bytes, TagRule tag_rule);

  Structure structure() const { return structure_; }
  // One entry for Sign1 and Mac0, one a COSE_Signature for Sign.
  const std::vector<SignerHeader>& signers() const { return signers_; }
  // nullopt when the payload is detached (nil).
  const std::optional<std::string>& unverified_payload() const { return payload_; }
  // Label 3: a media type, or a CoAP content-format in decimal digits.
  const std::optional<std::string>& content_type() const { return content_type_; }

  // Verifies one signature of the message by `key`: one whose kid is the key's thumbprint, else any
  // whose algorithm fits. Says nothing of the other signatures of a COSE_Sign. Errors:
  // Unauthenticated when no such signature verifies or when the algorithm is absent, not allowed by
  // `policy`, or does not fit the key; InvalidArgument when the payload is detached or this is a
  // COSE_Mac0.
  absl::StatusOr<VerifiedPayload> Verify(const keys::PublicKey& key, const AlgorithmPolicy& policy,
                                         Bytes external_aad = {}) const;
  // The same over a detached payload; InvalidArgument when a payload is attached.
  absl::StatusOr<VerifiedPayload> VerifyDetached(const keys::PublicKey& key, Bytes payload,
                                                 const AlgorithmPolicy& policy,
                                                 Bytes external_aad = {}) const;
  // COSE_Mac0 with HMAC 256/256 over the attached (a detached) payload. Errors as above.
  absl::Status VerifyMac(const keys::MacKey& key, Bytes external_aad = {}) const;
  absl::Status VerifyMacDetached(const keys::MacKey& key, Bytes payload,
                                 Bytes external_aad = {}) const;

 private:
  Message() = default;
  struct Signature {
    std::string protected_bytes;  // of COSE_Sign alone; h'' where the bucket is empty
    std::string signature;
  };
  friend class MessageParser;
  absl::StatusOr<VerifiedPayload> VerifyPayload(const keys::PublicKey& key, Bytes payload,
                                                const AlgorithmPolicy& policy,
                                                Bytes external_aad) const;
  absl::Status VerifySignature(size_t index, const keys::PublicKey& key, Bytes payload,
                               const AlgorithmPolicy& policy, Bytes external_aad) const;
  absl::Status VerifyMacPayload(const keys::MacKey& key, Bytes payload, Bytes external_aad) const;
  Structure structure_ = Structure::kSign1;
  std::string body_protected_;
  std::optional<std::string> payload_;
  std::optional<std::string> content_type_;
  std::vector<SignerHeader> signers_;
  std::vector<Signature> signatures_;
};

struct SignOptions {
  bool tagged = true;
  bool detached = false;
  bool with_kid = true;                   // RFC 9679 thumbprint, unprotected
  bool older_numbers = false;             // alg -7 and -8 instead of -9 and -19
  std::vector<std::string> x5chain = {};  // DER, leaf first; unprotected when not empty
  std::string external_aad = {};
};

// Tagged COSE_Sign1 with alg in the protected and kid in the unprotected bucket.
absl::StatusOr<std::string> Sign1(const keys::PrivateKey& key, Bytes payload,
                                  const SignOptions& options = SignOptions());

// COSE_Sign with one signature a key, in the order given. InvalidArgument for no key, for more than
// kMaxSigners, and for an x5chain with more than one key.
absl::StatusOr<std::string> Sign(absl::Span<const keys::PrivateKey* const> keys, Bytes payload,
                                 const SignOptions& options = SignOptions());

// A key with the chain that stands in its signature's header: DER, leaf first; empty: none.
struct ChainedKey {
  const keys::PrivateKey* key = nullptr;
  std::vector<std::string> x5chain = {};
};
// The same with a chain for each key. InvalidArgument where `options` has one too.
absl::StatusOr<std::string> SignWithChains(absl::Span<const ChainedKey> keys, Bytes payload,
                                           const SignOptions& options = SignOptions());

// The Sig_structure (RFC 9052 section 4.4) of a COSE_Sign1; what the device's key store signs. An
// h'a0' in `body_protected` counts as h''.
std::string Sign1ToBeSigned(Bytes body_protected, Bytes payload, Bytes external_aad = {});

}  // namespace tam::cose

#endif  // TAMARACK_CRYPTO_COSE_COSE_H_

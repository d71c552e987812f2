// SUIT_Envelope and SUIT_Manifest (draft-ietf-suit-manifest-37, trust-domains-12), parsed and
// verified. A TAM stores and forwards envelopes as they came; nothing here re-encodes one.
//
//   SUIT_Envelope = { 2: bstr .cbor SUIT_Authentication, 3: bstr .cbor SUIT_Manifest,
//                     ? severed members (15, 16, 18, 20, 23), * integrated payloads (text keys) }
//   SUIT_Authentication = [ bstr .cbor SUIT_Digest, * bstr .cbor COSE block ]
#ifndef TAMARACK_TEEP_SUIT_ENVELOPE_H_
#define TAMARACK_TEEP_SUIT_ENVELOPE_H_

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "crypto/cose/cose.h"
#include "crypto/keys/key.h"

namespace tam::suit {

using Bytes = absl::Span<const uint8_t>;
using ComponentId = std::vector<std::string>;

inline constexpr int64_t kSha256 = -16;

struct Digest {
  int64_t algorithm = kSha256;
  std::string bytes;
  bool operator==(const Digest&) const = default;
};

absl::StatusOr<Digest> ParseDigest(Bytes encoded, std::string_view path);
std::string EncodeDigest(const Digest& digest);

// Hex where an element is not printable: "TEEP-Device/SecureFS/8d82573a926d47549353...../ta".
std::string ComponentIdText(const ComponentId& id);
absl::StatusOr<ComponentId> ParseComponentId(Bytes encoded, std::string_view path);
std::string EncodeComponentId(const ComponentId& id);

// Manifest keys that name a command sequence.
enum class Section : int {
  kValidate = 7,
  kLoad = 8,
  kInvoke = 9,
  kDependencyResolution = 15,
  kPayloadFetch = 16,
  kCandidateVerification = 18,
  kInstall = 20,
  kUninstall = 24,
};

// Parameters by label (SUIT.md section 3); values as encoded CBOR, decoded by whoever needs them.
using Parameters = std::map<int64_t, std::string>;

// One command: code and argument as encoded CBOR.
struct Command {
  int64_t code = 0;
  std::string argument;
  size_t offset = 0;           // of the code within its sequence, for SUIT_Record
  size_t argument_offset = 0;  // of the argument's head, likewise
};
using CommandSequence = std::vector<Command>;

absl::StatusOr<CommandSequence> ParseCommandSequence(Bytes encoded, std::string_view path);

struct Dependency {
  uint64_t component_index = 0;
  std::optional<ComponentId> prefix;
};

// A parsed manifest. Holds what the authenticated bytes say; it is not itself proof of authenticity
// (VerifiedEnvelope is).
struct Manifest {
  uint64_t sequence_number = 0;
  std::optional<std::string> reference_uri;
  std::optional<ComponentId> manifest_component_id;  // key 5
  std::vector<ComponentId> components;
  std::vector<Dependency> dependencies;
  CommandSequence shared_sequence;
  // Sequences present in the manifest or, where severed, taken from the envelope after their
  // digest was checked.
  std::map<Section, CommandSequence> sequences;
  // Severable members that the manifest names by digest and the envelope does not hold.
  std::map<int64_t, Digest> absent_severed;
  std::optional<std::string> text;  // encoded text map, when present
};

// Bytes that parse as an envelope. Nothing is verified. Immutable, owns its bytes, thread safe.
class Envelope {
 public:
  // InvalidArgument with path on: not strict CBOR, a tag other than 107, keys 2 or 3 absent or out
  // of order, a malformed member, a severed member present both in manifest and envelope or whose
  // digest differs, manifest version other than 1, bad component index, more than 64 components,
  // 1024 commands a sequence, 8 levels of nested sequences.
  static absl::StatusOr<Envelope> Parse(Bytes bytes);

  // Exactly the bytes given; without_tag() drops a leading tag 107 (TEEP.md A9).
  const std::string& bytes() const { return bytes_; }
  std::string_view without_tag() const;

  // Digest that the authentication wrapper claims, and the one computed over the manifest bstr
  // including its head (SUIT.md section 1).
  const Digest& claimed_digest() const { return claimed_digest_; }
  const Digest& computed_digest() const { return computed_digest_; }
  const std::vector<cose::Message>& authentication_blocks() const { return blocks_; }
  const Manifest& unverified_manifest() const { return manifest_; }
  const std::map<std::string, std::string>& integrated_payloads() const { return payloads_; }

 private:
  friend class VerifiedEnvelope;
  Envelope() = default;
  std::string bytes_;
  size_t tag_bytes_ = 0;
  Digest claimed_digest_;
  std::string encoded_digest_;  // what the COSE blocks sign, detached
  Digest computed_digest_;
  std::vector<cose::Message> blocks_;
  Manifest manifest_;
  std::map<std::string, std::string> payloads_;
};

// An envelope whose digest matches its manifest and that at least one of the given keys signed.
// Only Verify builds one. Immutable, thread safe.
class VerifiedEnvelope {
 public:
  // Unauthenticated: digest differs, no authentication block, or none verifies under `anchors`
  // (-9, -19, and -7, -8 for the fitting keys). Encoded digest algorithm must be SHA-256.
  static absl::StatusOr<VerifiedEnvelope> Verify(Envelope envelope,
                                                 absl::Span<const keys::PublicKey> anchors);
  // The same with a COSE_Mac0 (HMAC 256/256) by a key shared with the author.
  static absl::StatusOr<VerifiedEnvelope> VerifyMac(Envelope envelope, const keys::MacKey& key);

  const Envelope& envelope() const { return envelope_; }
  const Manifest& manifest() const { return envelope_.manifest_; }
  const Digest& manifest_digest() const { return envelope_.claimed_digest_; }
  // Of the key that verified; nullopt for a MAC.
  const std::optional<keys::PublicKey>& signer() const { return signer_; }

 private:
  VerifiedEnvelope(Envelope envelope, std::optional<keys::PublicKey> signer);
  Envelope envelope_;
  std::optional<keys::PublicKey> signer_;
};

// The envelope without the integrated payload `name`, for a device that has it already. The pair is
// cut out of the bytes and the map's head counts one less; every other byte stays as it came, so
// that digest and signatures, which do not cover integrated payloads, hold as before. NotFound: no
// payload has this name.
absl::StatusOr<Envelope> WithoutPayload(const Envelope& envelope, std::string_view name);

// Names of the integrated payloads that a device may fetch for this component and for no other of
// the manifest, on any way through it. InvalidArgument: too many ways.
absl::StatusOr<std::vector<std::string>> PayloadsOf(const Envelope& envelope,
                                                    const ComponentId& component);

// What a publisher promises about one component, found by walking shared and install sequences.
struct ComponentFacts {
  ComponentId id;
  std::optional<Digest> image_digest;  // parameter 3
  std::optional<uint64_t> image_size;  // parameter 14
  std::optional<std::string> uri;      // parameter 21
  std::optional<std::string> vendor_id;
  std::optional<std::string> class_id;
};
absl::StatusOr<std::vector<ComponentFacts>> CollectComponentFacts(const Manifest& manifest);

// Checks of SUIT.md section 10 that need no database: S-02, S-07, S-10 (key 5 and key 24 present),
// S-12, S-13 (schemes https, http and fragments), S-14, S-15, S-18, S-19, S-20. InvalidArgument or
// FailedPrecondition that starts with the row's id: "S-14: manifest.… ".
absl::Status CheckPublishable(const VerifiedEnvelope& envelope);

// What a developer should know of an envelope that is publishable all the same, each with the row's
// id. S-11: vendor and class identifier of the device are set and compared (conditions 1 and 2)
// on every way through the manifest; without, any device installs what was made for another class.
std::vector<std::string> PublishWarnings(const VerifiedEnvelope& envelope);

}  // namespace tam::suit

#endif  // TAMARACK_TEEP_SUIT_ENVELOPE_H_

// Entity Attestation Token claims (RFC 9711) as CWT, the TEEP profile (draft -26 section 5) and
// the media type that names a payload.
#ifndef TAMARACK_TEEP_EAT_EAT_H_
#define TAMARACK_TEEP_EAT_EAT_H_

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "crypto/keys/key.h"

namespace tam::eat {

using Bytes = absl::Span<const uint8_t>;

// The profile label of draft -26 until the RFC has a number.
inline constexpr char kTeepProfile[] = "urn:ietf:rfc:rfcXXXX";
// Our Evidence profile: the TEEP profile's claims signed by the device's attestation key.
inline constexpr char kEvidenceProfile[] = "urn:tamarack:teep-evidence:1";

// type/subtype lower-cased, parameters parsed and unquoted.
struct MediaType {
  std::string type;     // "application"
  std::string subtype;  // "eat+cwt"
  std::map<std::string, std::string> parameters;
  std::string essence() const { return type + "/" + subtype; }
  bool operator==(const MediaType&) const = default;
};
// RFC 9110 section 8.3.1, and values with ':' unquoted (TEEP.md A1). InvalidArgument.
absl::StatusOr<MediaType> ParseMediaType(std::string_view text);
std::string FormatMediaType(const MediaType& media_type);

// One measurement or manifest entry: [content-format, bstr].
struct ContentEntry {
  uint64_t content_format = 0;
  std::string content;
  bool operator==(const ContentEntry&) const = default;
};

// How the token names the key that it speaks for (claim 8; TEEP.md A22).
struct Confirmation {
  std::optional<keys::PublicKey> key;  // {1: COSE_Key}
  std::optional<std::string> kid;      // {3: bytes}
  std::optional<std::string> ckt;      // {5: thumbprint}
  bool operator==(const Confirmation&) const = default;
  // Every member that is present names `thumbprint`, and at least one is present.
  bool Names(const keys::Thumbprint& thumbprint) const;
};

struct Claims {
  std::optional<std::string> issuer;     // 1
  std::optional<std::string> audience;   // 3: one text; an array of them stands in `other`
  std::optional<absl::Time> expires;     // 4
  std::optional<absl::Time> not_before;  // 5
  std::optional<absl::Time> issued_at;   // 6
  std::optional<Confirmation> cnf;       // 8
  std::vector<std::string> nonces;       // 10: one, or an array's
  bool nonce_is_array = false;
  std::optional<std::string> ueid;              // 256, form not checked here
  std::optional<std::string> oemid;             // 258: 3 or 16 bytes, or decimal PEN
  bool oemid_is_pen = false;                    // oemid holds the decimal digits of a PEN
  std::optional<std::string> hwmodel;           // 259: 1..32 bytes
  std::optional<std::string> hwversion;         // 260: first element
  std::optional<std::string> hwversion_scheme;  // 260: second element, encoded CBOR
  std::optional<bool> oemboot;                  // 262
  std::optional<uint64_t> dbgstat;              // 263
  std::optional<std::string> profile;           // 265
  std::vector<ContentEntry> manifests;          // 272
  std::vector<ContentEntry> measurements;       // 273
  // Every other claim: encoded key -> encoded value.
  std::map<std::string, std::string> other;
  bool operator==(const Claims&) const = default;
};

// Strict CBOR, no tags, definite lengths (T-58), at most 64 KiB. Times are integer seconds from 0
// to the year 9999. Types and sizes of known claims are checked, ueid's form is not.
// InvalidArgument "eat.10: …".
absl::StatusOr<Claims> ParseClaims(Bytes payload);
// Deterministic CBOR. ParseClaims(EncodeClaims(c)) == c for every c that ParseClaims returned.
std::string EncodeClaims(const Claims& claims);

// A measurement of our Evidence profile: content-format 60 (application/cbor), the content a map
// { text name => bstr SHA-256 }. InvalidArgument "eat.273[0]: …": another content-format, no map,
// a name twice over all entries, a digest of another size.
inline constexpr uint64_t kDigestMapFormat = 60;
absl::StatusOr<std::map<std::string, std::string>> ParseMeasurements(
    const std::vector<ContentEntry>& measurements);
ContentEntry EncodeMeasurements(const std::map<std::string, std::string>& digests);

// The token without the CWT tag (61) that may stand before the COSE tag (RFC 8392 section 6).
Bytes StripCwtTag(Bytes token);

// What an attestation payload is, by its media type alone (T-32): absent or the TEEP profile names
// an Attestation Result, everything else is Evidence.
enum class PayloadKind { kAttestationResult, kEvidence };
// `teep_profiles` are the accepted names of the TEEP profile. A format that does not parse, or that
// has parameters beside eat_profile, is Evidence of no known format.
PayloadKind ClassifyPayload(const std::optional<std::string>& format,
                            const std::vector<std::string>& teep_profiles);

// The challenge that stands readable in an attestation payload, whatever format it names: the
// single eat_nonce of a CWT in COSE, with or without its CWT tag. Nothing is verified: the value
// serves to look up what was sent, and the verifier compares it again. NotFound when the token
// carries none (or an array); InvalidArgument when the payload is no such token.
absl::StatusOr<std::string> ExtractChallenge(Bytes payload);

// Freshness by timestamp (draft -26 section 9): how old `iat` may be.
inline constexpr absl::Duration kMaxTimestampAge = absl::Seconds(300);
// When a token says that it was made, and for whom.
struct Timestamp {
  absl::Time issued_at;
  std::string audience;
};
// The same look-up for a payload that has these in place of a nonce. NotFound when it has an
// eat_nonce, or lacks `iat` or an `aud` of one text; InvalidArgument when it is no such token.
absl::StatusOr<Timestamp> ExtractTimestamp(Bytes payload);

// The eat_profile that a CWT in COSE claims; nothing is verified. NotFound when it claims none;
// InvalidArgument when the payload is no such token.
absl::StatusOr<std::string> ExtractProfile(Bytes payload);

// RFC 9711 section 4.2.1: RAND 0x01 (17, 25 or 33 bytes), EUI 0x02 (7 or 9), IMEI 0x03 (15).
absl::Status CheckUeid(Bytes ueid);

}  // namespace tam::eat

#endif  // TAMARACK_TEEP_EAT_EAT_H_

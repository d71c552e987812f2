// The five TEEP messages (draft-ietf-teep-protocol-26 section 4), as values.
//
// Every message is a CBOR array: [type, options map, positional elements...]; it is the payload of
// a tagged COSE_Sign1 or COSE_Sign. Numbering is that of draft -26 (Success 4, Error 5, token 19)
// unless the caller says otherwise: nothing on the wire tells it from the older one.
//
// Decode checks type, element count, and type and bounds of every known option, also of one that
// the message does not use; unknown option labels are ignored (T-48). Encode writes deterministic
// CBOR and omits what is unset or empty, except that an engaged tc-list or ext-list is written
// though it be empty: so a device that has none answers (TEEP.md A5). decode(encode(x)) == x for
// every valid x. Values own their bytes.
#ifndef TAMARACK_TEEP_MESSAGE_MESSAGE_H_
#define TAMARACK_TEEP_MESSAGE_MESSAGE_H_

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "crypto/cose/cose.h"

namespace tam::teep {

using Bytes = absl::Span<const uint8_t>;

// How messages are numbered (TEEP.md section 0).
enum class WireProfile {
  kDraft26,
  // Drafts up to -24: Success 5, Error 6, token 20, ERR_MANIFEST_PROCESSING_FAILED 17, and
  // selected-teep-cipher-suite. Takes besides what those peers send: empty lists, SUIT COSE
  // profiles of two (authentication, encryption), tc-list elements that name the component under
  // 16 and have no parameter.
  kLegacy,
};

enum class MessageType : uint8_t {
  kQueryRequest = 1,
  kQueryResponse = 2,
  kUpdate = 3,
  kSuccess = 4,
  kError = 5,
};

// Section 4.6. Other values are carried as they came (T-47).
enum class ErrorCode : uint64_t {
  kPermanentError = 1,
  kUnsupportedExtension = 2,
  kUnsupportedFreshnessMechanisms = 3,
  kUnsupportedMsgVersion = 4,
  kUnsupportedCipherSuites = 5,
  kBadCertificate = 6,
  kAttestationRequired = 7,
  kUnsupportedSuitReport = 8,
  kCertificateExpired = 9,
  kTemporaryError = 10,
  kManifestProcessingFailed = 11,
};

// "ERR_PERMANENT_ERROR"; "unknown error 200" for the rest.
std::string ErrorCodeName(ErrorCode code);

// Bits of data-item-requested.
inline constexpr uint64_t kRequestAttestation = 1;
inline constexpr uint64_t kRequestTrustedComponents = 2;
inline constexpr uint64_t kRequestExtensions = 4;
inline constexpr uint64_t kRequestSuitReports = 8;

// Freshness mechanisms (section 9).
inline constexpr uint64_t kFreshnessNonce = 0;
inline constexpr uint64_t kFreshnessTimestamp = 1;

// One operation of a cipher suite: [COSE type (tag), algorithm].
struct CipherOperation {
  int64_t cose_type = 18;
  int64_t algorithm = 0;
  auto operator<=>(const CipherOperation&) const = default;
};
using CipherSuite = std::vector<CipherOperation>;

// [digest, authentication, key exchange, encryption] algorithm numbers.
struct SuitCoseProfile {
  int64_t digest = 0;
  int64_t authentication = 0;
  int64_t key_exchange = 0;
  int64_t encryption = 0;
  auto operator<=>(const SuitCoseProfile&) const = default;
};

// Both mandatory suites and all four mandatory profiles (section 8), in the draft's order.
const std::vector<CipherSuite>& MandatoryCipherSuites();
const std::vector<SuitCoseProfile>& MandatorySuitCoseProfiles();

// SUIT component identifier: array of byte strings, compared element by element.
using ComponentId = std::vector<std::string>;

// SUIT_Digest.
struct ImageDigest {
  int64_t algorithm = 0;
  std::string bytes;
  bool operator==(const ImageDigest&) const = default;
};

// An element of tc-list: the component and its SUIT parameters as they came (label -> encoded
// CBOR); image-digest (3) and image-size (14) are also decoded.
struct SystemPropertyClaims {
  using ImageDigest = teep::ImageDigest;
  ComponentId component_id;
  std::optional<ImageDigest> image_digest;
  std::optional<uint64_t> image_size;
  std::vector<std::pair<int64_t, std::string>> other_parameters;  // sorted by encoded label
  bool operator==(const SystemPropertyClaims&) const = default;
};

struct RequestedTcInfo {
  ComponentId component_id;
  std::optional<uint64_t> manifest_sequence_number;
  std::optional<bool> have_binary;  // true needs the sequence number (T-30)
  bool operator==(const RequestedTcInfo&) const = default;
};

struct QueryRequest {
  std::optional<std::string> token;                      // 8..64 bytes
  std::vector<uint64_t> supported_freshness_mechanisms;  // empty: absent
  std::optional<std::string> challenge;                  // 8..512 bytes
  std::vector<uint64_t> versions;                        // empty: absent, means {0}
  std::optional<std::string> attestation_payload_format;
  std::optional<std::string> attestation_payload;
  std::vector<std::string> suit_reports;
  std::vector<CipherSuite> supported_cipher_suites;           // 1+
  std::vector<SuitCoseProfile> supported_suit_cose_profiles;  // 1+
  uint64_t data_item_requested = 0;
  bool operator==(const QueryRequest&) const = default;
};

struct QueryResponse {
  std::optional<std::string> token;
  std::optional<uint64_t> selected_version;  // absent means 0; at most 2^32-1
  std::optional<std::string> attestation_payload_format;
  std::optional<std::string> attestation_payload;
  std::vector<std::string> suit_reports;
  // nullopt: absent. Empty: the device has none (TEEP.md A5).
  std::optional<std::vector<SystemPropertyClaims>> tc_list;
  std::vector<RequestedTcInfo> requested_tc_list;
  std::vector<ComponentId> unneeded_manifest_list;
  std::optional<std::vector<uint64_t>> ext_list;
  // Legacy alone.
  std::optional<CipherSuite> selected_cipher_suite;
  bool operator==(const QueryResponse&) const = default;
};

struct Update {
  std::optional<std::string> token;
  std::vector<ComponentId> unneeded_manifest_list;
  std::vector<std::string> manifest_list;  // SUIT envelopes
  std::optional<std::string> attestation_payload_format;
  std::optional<std::string> attestation_payload;
  std::optional<ErrorCode> err_code;
  std::optional<std::string> err_msg;   // 1..128 bytes of UTF-8
  std::optional<std::string> err_lang;  // 1..35 bytes, RFC 5646
  bool operator==(const Update&) const = default;
};

struct Success {
  std::optional<std::string> token;
  std::optional<std::string> msg;  // 1..128 bytes
  std::vector<std::string> suit_reports;
  bool operator==(const Success&) const = default;
};

struct Error {
  std::optional<std::string> token;
  std::optional<std::string> err_msg;
  std::optional<std::string> err_lang;
  std::vector<CipherSuite> supported_cipher_suites;
  std::vector<uint64_t> supported_freshness_mechanisms;
  std::vector<SuitCoseProfile> supported_suit_cose_profiles;
  std::optional<std::string> challenge;
  std::vector<uint64_t> versions;
  std::vector<std::string> suit_reports;
  ErrorCode err_code = ErrorCode::kPermanentError;  // never 0
  bool operator==(const Error&) const = default;
};

using Message = std::variant<QueryRequest, QueryResponse, Update, Success, Error>;

MessageType TypeOf(const Message& message);
std::string_view MessageTypeName(MessageType type);  // "QueryRequest", ...

// InvalidArgument "query-response.token: want 8..64 bytes, got 3".
absl::StatusOr<Message> Decode(Bytes payload, WireProfile profile = WireProfile::kDraft26);
// InvalidArgument when a bound is broken: nothing is written that Decode would refuse.
absl::StatusOr<std::string> Encode(const Message& message,
                                   WireProfile profile = WireProfile::kDraft26);

// A message whose signature has been verified; only VerifyMessage builds one.
class VerifiedMessage {
 public:
  const Message& message() const { return message_; }
  const keys::PublicKey& signer() const { return signer_; }
  int64_t algorithm() const { return algorithm_; }

 private:
  friend absl::StatusOr<VerifiedMessage> VerifyMessage(const cose::Message&, const keys::PublicKey&,
                                                       const cose::AlgorithmPolicy&, WireProfile);
  VerifiedMessage(Message message, keys::PublicKey signer, int64_t algorithm);
  Message message_;
  keys::PublicKey signer_;
  int64_t algorithm_;
};

// Verifies, then decodes. Unauthenticated or InvalidArgument; the latter also for a legacy
// QueryResponse that is not signed in the suite that it selects.
absl::StatusOr<VerifiedMessage> VerifyMessage(const cose::Message& cose, const keys::PublicKey& key,
                                              const cose::AlgorithmPolicy& policy,
                                              WireProfile profile = WireProfile::kDraft26);

// Whether a token may stand in for the challenge of an attested request (TEEP.md A7).
enum class PassportModel { kRefused, kAllowed };

// Rules between the fields of a QueryRequest (T-09, T-12 to T-14): a payload without format is a
// CWT of the TEEP profile; without the attestation bit a token, no challenge and no freshness
// mechanisms; with it a challenge and no token, or, in the Passport model, a token and no
// challenge; neither only where timestamps are offered. Apart from Decode because the draft's own
// example breaks them and must still be shown. InvalidArgument.
absl::Status CheckQueryRequest(const QueryRequest& request,
                               PassportModel passport = PassportModel::kRefused);

// Rules between the fields of an Update that a TAM sends (T-14, T-39): a defined err-code; err-msg
// only with it, err-lang only with err-msg, a payload format only with a payload, and always with
// one that is no CWT of the TEEP profile. InvalidArgument.
absl::Status CheckUpdate(const Update& update);

// An err-msg that fits: UTF-8 cut at a character boundary to 128 bytes (T-40), control
// characters as spaces, invalid bytes as '?', "unspecified" for nothing.
std::string FitErrMsg(std::string_view text);

}  // namespace tam::teep

#endif  // TAMARACK_TEEP_MESSAGE_MESSAGE_H_

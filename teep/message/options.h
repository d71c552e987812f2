// The options map of every message: one set of fields, one reader, one writer, so that a bound is
// stated once for both directions. Internal to teep/message.
//
//   options = { * uint => any }
#ifndef TAMARACK_TEEP_MESSAGE_OPTIONS_H_
#define TAMARACK_TEEP_MESSAGE_OPTIONS_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "crypto/cbor/cbor.h"
#include "teep/message/labels.h"
#include "teep/message/message.h"

namespace tam::teep {

// The union of all messages' options. Empty and nullopt mean absent.
struct Options {
  std::vector<CipherSuite> supported_cipher_suites;
  std::optional<std::string> challenge;
  std::vector<uint64_t> versions;
  std::vector<SuitCoseProfile> supported_suit_cose_profiles;
  std::optional<uint64_t> selected_version;
  std::optional<std::string> attestation_payload;
  std::optional<std::vector<SystemPropertyClaims>> tc_list;
  std::optional<std::vector<uint64_t>> ext_list;
  std::vector<std::string> manifest_list;
  std::optional<std::string> msg;
  std::optional<std::string> err_msg;
  std::optional<std::string> attestation_payload_format;
  std::vector<RequestedTcInfo> requested_tc_list;
  std::vector<ComponentId> unneeded_manifest_list;
  std::vector<std::string> suit_reports;
  std::optional<std::string> token;
  std::vector<uint64_t> supported_freshness_mechanisms;
  std::optional<std::string> err_lang;
  std::optional<uint64_t> err_code;
  std::optional<CipherSuite> selected_cipher_suite;
};

// Bounds of section 4, in bytes unless said otherwise.
inline constexpr size_t kMinToken = 8;
inline constexpr size_t kMaxToken = 64;
inline constexpr size_t kMinChallenge = 8;
inline constexpr size_t kMaxChallenge = 512;
inline constexpr size_t kMaxMsg = 128;
inline constexpr size_t kMaxErrLang = 35;
inline constexpr uint64_t kMaxUint32 = 0xffffffff;

// Reads an options map. `path` starts the messages ("query-response"). Every known option is
// checked whatever the message; unknown labels are ignored. InvalidArgument.
absl::StatusOr<Options> ReadOptions(const Numbering& numbering, std::string_view path,
                                    const cbor::Item& map);

// Writes the options that are set, sorted. InvalidArgument when ReadOptions would refuse them.
absl::StatusOr<std::string> WriteOptions(const Numbering& numbering, std::string_view path,
                                         const Options& options);

// The positional elements share these with the options.
absl::StatusOr<std::vector<CipherSuite>> ReadCipherSuites(std::string_view path,
                                                          const cbor::Item& item);
absl::StatusOr<std::vector<SuitCoseProfile>> ReadSuitCoseProfiles(const Numbering& numbering,
                                                                  std::string_view path,
                                                                  const cbor::Item& item);
absl::Status CheckCipherSuites(std::string_view path, const std::vector<CipherSuite>& suites);
void WriteCipherSuites(const std::vector<CipherSuite>& suites, cbor::Writer& writer);
void WriteSuitCoseProfiles(const std::vector<SuitCoseProfile>& profiles, cbor::Writer& writer);

// Checks of values, used in both directions.
absl::Status CheckSize(std::string_view path, size_t size, size_t min, size_t max);
absl::Status CheckComponentId(std::string_view path, const ComponentId& id);
absl::Status CheckRequestedTc(std::string_view path, const RequestedTcInfo& info);
absl::Status CheckImageDigest(std::string_view path,
                              const SystemPropertyClaims::ImageDigest& digest);
// At least one parameter (unless lenient); labels of `other_parameters` not 0, 3, 14 or the
// numbering's own for the component, and each once, sorted.
absl::Status CheckSystemProperty(const Numbering& numbering, std::string_view path,
                                 const SystemPropertyClaims& claims);
// Sorts other_parameters as deterministic CBOR sorts their labels.
void SortParameters(SystemPropertyClaims& claims);
absl::Status CheckErrLang(std::string_view path, std::string_view tag);
absl::Status CheckErrCode(std::string_view path, uint64_t code);

// The shape of RFC 5646: subtags of 1 to 8 letters and digits, the first of letters alone.
bool IsLanguageTag(std::string_view text);

}  // namespace tam::teep

#endif  // TAMARACK_TEEP_MESSAGE_OPTIONS_H_

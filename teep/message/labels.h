// The numbers of one draft's messages: types and option labels, one table a wire profile, and what
// peers of that profile may leave out. Internal to teep/message.
#ifndef TAMARACK_TEEP_MESSAGE_LABELS_H_
#define TAMARACK_TEEP_MESSAGE_LABELS_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "teep/message/message.h"

namespace tam::teep {

enum class Option : uint8_t {
  kSupportedCipherSuites,
  kChallenge,
  kVersions,
  kSupportedSuitCoseProfiles,
  kSelectedVersion,
  kAttestationPayload,
  kTcList,
  kExtList,
  kManifestList,
  kMsg,
  kErrMsg,
  kAttestationPayloadFormat,
  kRequestedTcList,
  kUnneededManifestList,
  kComponentId,
  kTcManifestSequenceNumber,
  kHaveBinary,
  kSuitReports,
  kToken,
  kSupportedFreshnessMechanisms,
  kErrLang,
  kErrCode,
  kSelectedCipherSuite,
};
inline constexpr size_t kOptionCount = 23;
// Of an option that a numbering does not have.
inline constexpr uint16_t kNoLabel = 0xffff;

// The draft's name of an option, for messages ("suit-reports").
std::string_view OptionName(Option option);

struct Numbering {
  // Indexed by Option.
  std::array<uint16_t, kOptionCount> labels;
  // Indexed by MessageType - 1.
  std::array<uint8_t, 5> types;
  // On the wire for ErrorCode::kManifestProcessingFailed.
  uint64_t manifest_processing_failed;
  // Members of tc-list may name their component under this label instead of 0.
  int64_t tc_component_label;
  // Lists may be empty, SUIT COSE profiles of two members, tc-list elements without a parameter.
  bool lenient;

  uint64_t Label(Option option) const { return labels[static_cast<size_t>(option)]; }
  bool Has(Option option) const { return Label(option) != kNoLabel; }
  uint64_t TypeNumber(MessageType type) const { return types[static_cast<size_t>(type) - 1]; }
  std::optional<Option> OptionOf(uint64_t label) const;
  std::optional<MessageType> TypeOf(uint64_t number) const;
  // The numbers 11 and 17 change places where kManifestProcessingFailed is 17: what one numbering
  // means by either, the other does not define.
  uint64_t ErrorOnWire(uint64_t code) const;
  uint64_t ErrorFromWire(uint64_t number) const { return ErrorOnWire(number); }
};

// draft-ietf-teep-protocol-26, the IANA registries.
inline constexpr Numbering kDraft26 = {
    {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, kNoLabel},
    {1, 2, 3, 4, 5},
    11,
    0,
    false};

// Drafts up to -24, as their registries and the open implementations have it.
inline constexpr Numbering kLegacy = {
    {1, 2, 3, 4, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 5},
    {1, 2, 3, 5, 6},
    17,
    16,
    true};

const Numbering& NumberingOf(WireProfile profile);

}  // namespace tam::teep

#endif  // TAMARACK_TEEP_MESSAGE_LABELS_H_

// The numbers of one draft's messages: types and option labels, in one table, so that another
// numbering (drafts up to -24) can stand beside it. Internal to teep/message.
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
};
inline constexpr size_t kOptionCount = 22;

// The draft's name of an option, for messages ("suit-reports").
std::string_view OptionName(Option option);

struct Numbering {
  // Indexed by Option.
  std::array<uint16_t, kOptionCount> labels;
  // Indexed by MessageType - 1.
  std::array<uint8_t, 5> types;

  uint64_t Label(Option option) const { return labels[static_cast<size_t>(option)]; }
  uint64_t TypeNumber(MessageType type) const { return types[static_cast<size_t>(type) - 1]; }
  std::optional<Option> OptionOf(uint64_t label) const;
  std::optional<MessageType> TypeOf(uint64_t number) const;
};

// draft-ietf-teep-protocol-26, the IANA registries.
inline constexpr Numbering kDraft26 = {
    {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22},
    {1, 2, 3, 4, 5}};

}  // namespace tam::teep

#endif  // TAMARACK_TEEP_MESSAGE_LABELS_H_

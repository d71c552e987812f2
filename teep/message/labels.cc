#include "teep/message/labels.h"

#include <algorithm>

namespace tam::teep {
namespace {

constexpr std::array<std::string_view, kOptionCount> kNames = {
    "supported-teep-cipher-suites",
    "challenge",
    "versions",
    "supported-suit-cose-profiles",
    "selected-version",
    "attestation-payload",
    "tc-list",
    "ext-list",
    "manifest-list",
    "msg",
    "err-msg",
    "attestation-payload-format",
    "requested-tc-list",
    "unneeded-manifest-list",
    "component-id",
    "tc-manifest-sequence-number",
    "have-binary",
    "suit-reports",
    "token",
    "supported-freshness-mechanisms",
    "err-lang",
    "err-code",
    "selected-teep-cipher-suite",
};

}  // namespace

std::string_view OptionName(Option option) { return kNames[static_cast<size_t>(option)]; }

const Numbering& NumberingOf(WireProfile profile) {
  return profile == WireProfile::kLegacy ? kLegacy : kDraft26;
}

std::optional<Option> Numbering::OptionOf(uint64_t label) const {
  if (label == kNoLabel) return std::nullopt;
  auto it = std::find(labels.begin(), labels.end(), label);
  if (it == labels.end()) return std::nullopt;
  return static_cast<Option>(it - labels.begin());
}

std::optional<MessageType> Numbering::TypeOf(uint64_t number) const {
  auto it = std::find(types.begin(), types.end(), number);
  if (it == types.end()) return std::nullopt;
  return static_cast<MessageType>(it - types.begin() + 1);
}

uint64_t Numbering::ErrorOnWire(uint64_t code) const {
  constexpr uint64_t kFailed = static_cast<uint64_t>(ErrorCode::kManifestProcessingFailed);
  if (code == kFailed) return manifest_processing_failed;
  if (code == manifest_processing_failed) return kFailed;
  return code;
}

}  // namespace tam::teep

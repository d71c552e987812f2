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
};

}  // namespace

std::string_view OptionName(Option option) { return kNames[static_cast<size_t>(option)]; }

std::optional<Option> Numbering::OptionOf(uint64_t label) const {
  auto it = std::find(labels.begin(), labels.end(), label);
  if (it == labels.end()) return std::nullopt;
  return static_cast<Option>(it - labels.begin());
}

std::optional<MessageType> Numbering::TypeOf(uint64_t number) const {
  auto it = std::find(types.begin(), types.end(), number);
  if (it == types.end()) return std::nullopt;
  return static_cast<MessageType>(it - types.begin() + 1);
}

}  // namespace tam::teep

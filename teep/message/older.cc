#include "teep/message/older.h"

#include <array>

#include "crypto/cbor/cbor.h"
#include "crypto/text/text.h"
#include "teep/message/labels.h"

namespace tam::teep {
namespace {

using cbor::Item;
using TypeTest = bool (Item::*)() const;

// What a draft-26 label holds (section 6), and what the older draft had under the same number.
struct LabelForm {
  uint64_t label;
  TypeTest now;
  TypeTest before;
};
constexpr std::array<LabelForm, 13> kLabelForms = {{
    {5, &Item::is_uint, &Item::is_array},    // selected-version; selected-teep-cipher-suite
    {6, &Item::is_bytes, &Item::is_uint},    // attestation-payload; selected-version
    {7, &Item::is_array, &Item::is_bytes},   // tc-list; attestation-payload
    {10, &Item::is_text, &Item::is_array},   // msg; manifest-list
    {13, &Item::is_array, &Item::is_text},   // requested-tc-list; format
    {18, &Item::is_array, &Item::is_bool},   // suit-reports; have-binary
    {19, &Item::is_bytes, &Item::is_array},  // token; suit-reports
    {20, &Item::is_array, &Item::is_bytes},  // freshness; token
    {21, &Item::is_text, &Item::is_array},   // err-lang; freshness
    {22, &Item::is_uint, &Item::is_text},    // err-code; err-lang
    {8, &Item::is_array, &Item::is_array},
    {9, &Item::is_array, &Item::is_array},
    {14, &Item::is_array, &Item::is_array},
}};

// An array whose first element is a map where draft-26 has something else, or the reverse.
bool ElementsAreOlder(uint64_t label, const Item& value) {
  if (!value.is_array() || value.size() == 0) return false;
  const Item first = value.at(0);
  if (label == 8) return first.is_map();     // ext-list; tc-list
  if (label == 9) return !first.is_bytes();  // manifest-list; ext-list
  if (label == 14) return first.is_map();    // unneeded; requested-tc-list
  return false;
}

void Add(std::string_view sign, uint64_t number, std::string& out) {
  out += Concat(out.empty() ? "" : ", ", sign, " ", number);
}

}  // namespace

std::optional<std::string> DescribeOlder(Bytes payload) {
  const auto document = cbor::Document::Parse(payload, cbor::Limits(), "message");
  if (!document.ok()) return std::nullopt;
  const Item root = document->root();
  if (!root.is_array() || root.size() < 2 || !root.at(1).is_map()) return std::nullopt;
  std::string signs;
  const uint64_t type = root.at(0).Uint().value_or(0);
  // Success and Error changed their numbers; an Error has a third element.
  if (type == 5 && root.size() == 2) Add("Success", type, signs);
  if (type == 6) Add("Error", type, signs);
  const Item options = root.at(1);
  for (const LabelForm& form : kLabelForms) {
    const auto value = options.Find(static_cast<int64_t>(form.label));
    if (!value.has_value()) continue;
    const bool older = !((*value).*form.now)() && ((*value).*form.before)();
    if (!older && !ElementsAreOlder(form.label, *value)) continue;
    Add(OptionName(*kLegacy.OptionOf(form.label)), form.label, signs);
  }
  if (signs.empty()) return std::nullopt;
  return Concat("the numbering before -26 (", signs, ")");
}

}  // namespace tam::teep

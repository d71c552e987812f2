#include "services/attestation/evidence/claim_reader.h"

#include <algorithm>

#include "crypto/text/text.h"

namespace tam::attestation {
namespace {

// What an item is, for a finding that wanted something else.
std::string Found(cbor::Item item) {
  const auto bytes = item.ByteString();
  if (bytes.ok()) return Concat(bytes->size(), " bytes");
  const auto text = item.Text();
  if (text.ok()) return Concat("a text of ", text->size(), " bytes");
  const auto number = item.Int();
  if (number.ok()) return Concat(*number);
  if (item.is_array()) return Concat("an array of ", item.size());
  return std::string(cbor::TypeName(item.type()));
}

// People read these, on terminals too.
bool IsPlain(std::string_view text) {
  return std::none_of(text.begin(), text.end(), [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return byte < 0x20 || byte == 0x7f;
  });
}

std::string SizesText(const std::vector<size_t>& sizes) {
  std::string text;
  for (const size_t size : sizes) Append(&text, text.empty() ? "" : ", ", size);
  return text + " bytes";
}

}  // namespace

void ClaimReader::Wrong(std::string_view name, std::string_view expected, std::string_view found) {
  if (!wrong_.has_value()) wrong_ = MakeFinding(Concat(path_, name), expected, found);
}

std::optional<cbor::Item> ClaimReader::Find(ClaimName claim, Need need) {
  std::optional<cbor::Item> item = map_.Find(claim.label);
  if (!item.has_value() && need == Need::kMust) {
    Wrong(claim.name, Concat("present (", claim.label, ")"), "");
  }
  return item;
}

std::string ClaimReader::Octets(ClaimName claim, Need need, const std::vector<size_t>& sizes) {
  const std::optional<cbor::Item> item = Find(claim, need);
  if (!item.has_value()) return "";
  const auto bytes = item->ByteString();
  if (bytes.ok() && std::find(sizes.begin(), sizes.end(), bytes->size()) != sizes.end()) {
    return cbor::AsString(*bytes);
  }
  Wrong(claim.name, SizesText(sizes), Found(*item));
  return "";
}

std::string ClaimReader::OctetsWithin(ClaimName claim, Need need, size_t min, size_t max) {
  const std::optional<cbor::Item> item = Find(claim, need);
  if (!item.has_value()) return "";
  const auto bytes = item->ByteString(min, max);
  if (bytes.ok()) return cbor::AsString(*bytes);
  Wrong(claim.name, Concat(min, "..", max, " bytes"), Found(*item));
  return "";
}

std::string ClaimReader::Text(ClaimName claim, Need need) {
  const std::optional<cbor::Item> item = Find(claim, need);
  if (!item.has_value()) return "";
  const auto text = item->Text(1, kMaxClaimText);
  if (text.ok() && IsPlain(*text)) return std::string(*text);
  Wrong(claim.name, Concat("a text of 1..", kMaxClaimText, " bytes, none of them a control"),
        Found(*item));
  return "";
}

int64_t ClaimReader::Number(ClaimName claim, Need need, int64_t min, int64_t max) {
  const std::optional<cbor::Item> item = Find(claim, need);
  if (!item.has_value()) return 0;
  const auto number = item->Int();
  if (number.ok() && *number >= min && *number <= max) return *number;
  Wrong(claim.name, Concat("a number of ", min, "..", max), Found(*item));
  return 0;
}

std::optional<cbor::Item> ClaimReader::Array(ClaimName claim, Need need, size_t min, size_t max) {
  const std::optional<cbor::Item> item = Find(claim, need);
  if (!item.has_value() || item->CheckArray(min, max).ok()) return item;
  Wrong(claim.name, Concat("an array of ", min, "..", max), Found(*item));
  return std::nullopt;
}

}  // namespace tam::attestation

// What people and files give tamctl as text: JSON that becomes YAML, component identifiers, UUIDs,
// hex. A refusal says why; what is read is within its bounds; what is written drives no terminal.
#include <algorithm>
#include <cstdlib>
#include <string>
#include <string_view>

#include "nlohmann/json.hpp"
#include "tools/tamctl/component_text.h"
#include "tools/tamctl/yaml.h"

namespace {

void Require(bool condition) {
  if (!condition) std::abort();
}

void RequirePrintable(std::string_view text) {
  for (const char c : text) Require(c == '\n' || static_cast<unsigned char>(c) >= 0x20);
}

void CheckYaml(std::string_view text) {
  const auto json = nlohmann::json::parse(text, nullptr, /*allow_exceptions=*/false);
  const auto yaml = tam::tamctl::YamlFromJson(text);
  // It is not told here whether text is UTF-8, nor whether a number is too large for a double.
  const bool plain =
      text.size() < 300 && text.find('\\') == std::string_view::npos &&
      text.find_first_of("eE") == std::string_view::npos &&
      std::all_of(text.begin(), text.end(), [](unsigned char c) { return c < 0x80; });
  if (plain && json.is_discarded()) Require(!yaml.ok());
  if (!yaml.ok()) {
    Require(!yaml.status().message().empty());
    return;
  }
  RequirePrintable(*yaml);
}

// A JSON literal that means the same text, where that is text.
void CheckString(std::string_view text) {
  const std::string literal = tam::tamctl::JsonString(text);
  RequirePrintable(literal);
  const auto json = nlohmann::json::parse(literal, nullptr, /*allow_exceptions=*/false);
  if (!json.is_discarded()) Require(json.is_string() && json.get<std::string>() == text);
}

void CheckComponent(std::string_view text) {
  const auto id = tam::tamctl::ParseComponentText(text);
  if (!id.ok()) {
    Require(!id.status().message().empty());
    return;
  }
  Require(!id->empty());
  for (const std::string& segment : *id) Require(segment.size() <= text.size());
}

void CheckNumbers(std::string_view text) {
  const auto uuid = tam::tamctl::ParseUuid(text);
  Require(uuid.ok() ? uuid->size() == 16 : !uuid.status().message().empty());
  const auto hex = tam::tamctl::ParseHex(text);
  Require(hex.ok() ? hex->size() * 2 == text.size() : !hex.status().message().empty());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  CheckYaml(text);
  CheckString(text);
  CheckComponent(text);
  CheckNumbers(text);
  return 0;
}

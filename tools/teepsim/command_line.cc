#include "tools/teepsim/command_line.h"

#include <algorithm>

#include "absl/strings/escaping.h"
#include "crypto/text/text.h"
#include "tools/teepsim/status_macros.h"

namespace tam::teepsim {

absl::StatusOr<CommandLine> CommandLine::Parse(const std::vector<std::string>& arguments,
                                               const std::set<std::string>& flags,
                                               const std::set<std::string>& switches) {
  CommandLine line;
  std::vector<std::string>* current = nullptr;
  for (const std::string& argument : arguments) {
    if (!argument.starts_with("--")) {
      if (current == nullptr) {
        return absl::InvalidArgumentError(Concat("unexpected argument '", argument, "'"));
      }
      current->push_back(argument);
      continue;
    }
    const size_t equals = argument.find('=');
    const std::string name = argument.substr(2, equals == std::string::npos ? equals : equals - 2);
    if (!flags.contains(name) && !switches.contains(name)) {
      return absl::InvalidArgumentError(Concat("unknown flag --", name));
    }
    std::vector<std::string>& values = line.values_[name];
    current = flags.contains(name) ? &values : nullptr;
    if (equals == std::string::npos) continue;
    if (current == nullptr) {
      return absl::InvalidArgumentError(Concat("--", name, ": takes no value"));
    }
    values.push_back(argument.substr(equals + 1));
    current = nullptr;
  }
  for (const auto& [name, values] : line.values_) {
    if (flags.contains(name) && values.empty()) {
      return absl::InvalidArgumentError(Concat("--", name, ": want a value"));
    }
  }
  return line;
}

std::vector<std::string> CommandLine::All(const std::string& name) const {
  const auto it = values_.find(name);
  return it == values_.end() ? std::vector<std::string>() : it->second;
}

absl::StatusOr<std::optional<std::string>> CommandLine::One(const std::string& name) const {
  const std::vector<std::string> values = All(name);
  if (values.empty()) return std::nullopt;
  if (values.size() > 1) return absl::InvalidArgumentError(Concat("--", name, ": want one value"));
  return values.front();
}

absl::StatusOr<std::string> CommandLine::Required(const std::string& name) const {
  TEEPSIM_ASSIGN_OR_RETURN(const std::optional<std::string> value, One(name));
  if (!value.has_value()) return absl::InvalidArgumentError(Concat("--", name, ": is required"));
  return *value;
}

absl::StatusOr<std::optional<std::string>> CommandLine::Hex(const std::string& name) const {
  TEEPSIM_ASSIGN_OR_RETURN(const std::optional<std::string> value, One(name));
  if (!value.has_value()) return std::nullopt;
  return ParseHex(name, *value);
}

absl::StatusOr<std::string> ParseHex(const std::string& name, const std::string& text) {
  const bool hex =
      text.size() % 2 == 0 &&
      std::all_of(text.begin(), text.end(), [](unsigned char c) { return std::isxdigit(c) != 0; });
  if (!hex) return absl::InvalidArgumentError(Concat("--", name, ": want hex, got '", text, "'"));
  return absl::HexStringToBytes(text);
}

}  // namespace tam::teepsim

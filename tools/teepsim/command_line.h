// The arguments of teepsim: a command, then flags with one or more values each.
#ifndef TAMARACK_TOOLS_TEEPSIM_COMMAND_LINE_H_
#define TAMARACK_TOOLS_TEEPSIM_COMMAND_LINE_H_

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "absl/status/statusor.h"

namespace tam::teepsim {

class CommandLine {
 public:
  // `flags` take values ("--name VALUE...", "--name=VALUE"), `switches` none. InvalidArgument names
  // an argument that is neither.
  static absl::StatusOr<CommandLine> Parse(const std::vector<std::string>& arguments,
                                           const std::set<std::string>& flags,
                                           const std::set<std::string>& switches);

  bool Has(const std::string& name) const { return values_.contains(name); }
  // Every value given, in order.
  std::vector<std::string> All(const std::string& name) const;
  // The only value; InvalidArgument when there are several; nullopt when there is none.
  absl::StatusOr<std::optional<std::string>> One(const std::string& name) const;
  // InvalidArgument when there is not exactly one.
  absl::StatusOr<std::string> Required(const std::string& name) const;
  // The only value, in hex; nullopt when there is none.
  absl::StatusOr<std::optional<std::string>> Hex(const std::string& name) const;

 private:
  std::map<std::string, std::vector<std::string>> values_;
};

// InvalidArgument "--NAME: want hex, got …".
absl::StatusOr<std::string> ParseHex(const std::string& name, const std::string& text);

}  // namespace tam::teepsim

#endif  // TAMARACK_TOOLS_TEEPSIM_COMMAND_LINE_H_

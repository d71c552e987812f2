#include <algorithm>

#include "absl/strings/match.h"
#include "absl/strings/str_split.h"
#include "crypto/text/text.h"
#include "tools/tamctl/command.h"
#include "tools/tamctl/global_flags.h"

namespace tam::tamctl {
namespace {

constexpr char kUsagePayload[] = "tamctl/usage";

std::vector<std::string> Words(std::string_view text) {
  return absl::StrSplit(AbslView(text), ' ', absl::SkipEmpty());
}

// Commands whose noun is `noun`; empty when there is none.
std::vector<const Command*> OfNoun(const std::string& noun) {
  std::vector<const Command*> commands;
  for (const Command& command : AllCommands()) {
    if (command.noun == noun) commands.push_back(&command);
  }
  return commands;
}

// How many of `words` the command's noun and verb take; 0 when they do not fit.
size_t Taken(const Command& command, const std::vector<std::string>& words) {
  std::vector<std::string> name = Words(command.verb);
  name.insert(name.begin(), std::string(command.noun));
  if (words.size() < name.size()) return 0;
  return std::equal(name.begin(), name.end(), words.begin()) ? name.size() : 0;
}

const Flag* FindFlag(const Command* command, const std::string& name) {
  // A command's own flag hides a global one of the same name.
  if (command != nullptr) {
    for (const Flag& flag : command->flags) {
      if (flag.name == name) return &flag;
    }
  }
  for (const Flag& flag : GlobalFlags()) {
    if (flag.name == name) return &flag;
  }
  return nullptr;
}

struct Token {
  bool is_flag = false;
  std::string text;                  // a word, or a flag's name
  std::optional<std::string> value;  // of --name=value
};

std::vector<Token> Tokenize(const std::vector<std::string>& words) {
  std::vector<Token> tokens;
  bool flags_end = false;
  for (const std::string& word : words) {
    if (flags_end || word == "-" || !absl::StartsWith(word, "-")) {
      tokens.push_back({false, word, std::nullopt});
    } else if (word == "--") {
      flags_end = true;
    } else if (word == "-h") {
      tokens.push_back({true, "help", std::nullopt});
    } else if (absl::StartsWith(word, "-o") && !absl::StartsWith(word, "--")) {
      tokens.push_back({true, "output", std::nullopt});
      if (word.size() > 2) tokens.back().value = word.substr(word[2] == '=' ? 3 : 2);
    } else {
      const size_t start = absl::StartsWith(word, "--") ? 2 : 1;
      const size_t equals = word.find('=');
      tokens.push_back({true, word.substr(start, equals - start), std::nullopt});
      if (equals != std::string::npos) tokens.back().value = word.substr(equals + 1);
    }
  }
  return tokens;
}

// The command that the words name; flags that take a value are not known before it is, so the
// words up to the first flag must name it, or everything that does not look like a flag.
absl::StatusOr<const Command*> FindCommand(const std::vector<std::string>& words, size_t* taken) {
  const Command* best = nullptr;
  for (const Command& command : AllCommands()) {
    const size_t n = Taken(command, words);
    if (n > *taken) {
      best = &command;
      *taken = n;
    }
  }
  if (best != nullptr) return best;
  const bool noun_known = !words.empty() && !OfNoun(words[0]).empty();
  if (!noun_known) {
    return UsageError(words.empty() ? "no command given; try 'tamctl help'"
                                    : Concat("no noun '", words[0], "'; try 'tamctl help'"));
  }
  return UsageError(
      words.size() < 2 ? Concat("'", words[0], "' needs a verb; try 'tamctl ", words[0], " --help'")
                       : Concat("no verb '", words[1], "' of '", words[0], "'; try 'tamctl ",
                                words[0], " --help'"));
}

absl::StatusOr<CommandLine> ParseHelp(std::vector<std::string> words) {
  if (!words.empty() && words[0] == "help") words.erase(words.begin());
  CommandLine line;
  line.help = true;
  if (words.empty()) return line;
  size_t taken = 0;
  const auto command = FindCommand(words, &taken);
  if (command.ok()) {
    line.command = *command;
  } else if (words.size() == 1 && !OfNoun(words[0]).empty()) {
    line.help_noun = words[0];
  } else {
    return command.status();
  }
  return line;
}

// Words and flags, given which flags take a value. `command` may be null: global flags alone.
absl::StatusOr<CommandLine> Assign(const std::vector<Token>& tokens, const Command* command) {
  CommandLine line;
  line.command = command;
  for (size_t i = 0; i < tokens.size(); ++i) {
    const Token& token = tokens[i];
    if (!token.is_flag) {
      line.arguments.push_back(token.text);
      continue;
    }
    const Flag* flag = FindFlag(command, token.text);
    if (flag == nullptr) {
      return UsageError(Concat("no flag --", token.text,
                               command == nullptr ? "" : " of '" + command->Name() + "'"));
    }
    std::string value = token.value.value_or("true");
    if (flag->value.empty() && token.value.has_value()) {
      return UsageError(Concat("--", token.text, " takes no value"));
    }
    if (!flag->value.empty() && !token.value.has_value()) {
      if (i + 1 >= tokens.size() || tokens[i + 1].is_flag) {
        return UsageError(Concat("--", token.text, " needs a value: ", flag->value));
      }
      value = tokens[++i].text;
    }
    line.flags.emplace(token.text, std::move(value));
  }
  return line;
}

}  // namespace

absl::Status UsageError(std::string_view message) {
  absl::Status status = absl::InvalidArgumentError(AbslView(message));
  status.SetPayload(kUsagePayload, absl::Cord());
  return status;
}

bool IsUsageError(const absl::Status& status) {
  return status.GetPayload(kUsagePayload).has_value();
}

absl::StatusOr<CommandLine> ParseCommandLine(const std::vector<std::string>& words) {
  const std::vector<Token> tokens = Tokenize(words);
  // Global flags may stand before the noun, so that their values must not be taken for it.
  std::vector<std::string> names;
  bool help = false;
  for (size_t i = 0; i < tokens.size(); ++i) {
    if (!tokens[i].is_flag) {
      names.push_back(tokens[i].text);
      continue;
    }
    help = help || tokens[i].text == "help";
    const Flag* flag = FindFlag(nullptr, tokens[i].text);
    if (flag != nullptr && !flag->value.empty() && !tokens[i].value.has_value()) ++i;
  }
  if (help || (!names.empty() && names[0] == "help")) return ParseHelp(std::move(names));
  size_t taken = 0;
  const auto command = FindCommand(names, &taken);
  if (!command.ok()) return command.status();
  auto line = Assign(tokens, *command);
  if (!line.ok()) return line;
  line->arguments.erase(line->arguments.begin(), line->arguments.begin() + taken);
  const size_t count = line->arguments.size();
  if (count < (*command)->min_arguments || count > (*command)->max_arguments) {
    return UsageError(Concat("want ", (*command)->Synopsis()));
  }
  return line;
}

}  // namespace tam::tamctl

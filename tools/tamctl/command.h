// The frame of tamctl: commands as a table, their flags, and what a command gets to work with.
#ifndef TAMARACK_TOOLS_TAMCTL_COMMAND_H_
#define TAMARACK_TOOLS_TAMCTL_COMMAND_H_

#include <cstddef>
#include <functional>
#include <istream>
#include <map>
#include <memory>
#include <optional>
#include <ostream>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "tools/tamctl/transport.h"

namespace tam::tamctl {

class Context;

struct Flag {
  std::string_view name;   // without dashes
  std::string_view value;  // what stands for its value in help; empty: a switch
  std::string_view help;
};

struct Command {
  std::string_view noun;
  std::string_view verb = "";       // may have two words; empty: the noun is the command
  std::string_view arguments = "";  // of the synopsis, for example "NAME FILE"
  size_t min_arguments = 0;
  size_t max_arguments = 0;
  std::string_view summary;              // one line
  std::string_view details = "";         // more, or empty
  std::vector<tamctl::Flag> flags = {};  // beside the global ones, which they hide
  std::string_view example;              // a command line that parses, starting with "tamctl "
  absl::Status (*run)(Context&) = nullptr;

  std::string Name() const;      // "tamctl tenant create"
  std::string Synopsis() const;  // with arguments and "[flags]"
};

// Every command, by noun and verb.
const std::vector<Command>& AllCommands();

// What the process gives: streams, environment variables, and how to reach a server.
struct Environment {
  std::istream& in;
  std::ostream& out;
  std::ostream& err;
  std::function<std::optional<std::string>(const std::string&)> variable;
  std::function<absl::StatusOr<std::unique_ptr<Transport>>(const ConnectionOptions&)> connect;
};

// A command line, parsed. Nothing is looked up yet.
struct CommandLine {
  const Command* command = nullptr;  // null when help is asked for
  bool help = false;
  std::string help_noun;  // empty: of everything
  std::vector<std::string> arguments;
  std::multimap<std::string, std::string> flags;
};

// `words` without the program's name. InvalidArgument says what is wrong and names the help.
absl::StatusOr<CommandLine> ParseCommandLine(const std::vector<std::string>& words);

// A mistake in the command line that a command itself finds; exit code 2.
absl::Status UsageError(std::string_view message);
bool IsUsageError(const absl::Status& status);

// For a command that has said all and ends with an exit code of its own.
absl::Status EndWith(int exit_code);

enum class OutputFormat { kTable, kJson, kYaml };

class Context {
 public:
  Context(Environment& environment, const CommandLine& line) : env_(environment), line_(line) {}

  // Reads --config, environment and flags; checks --output and --timeout. Usage errors.
  absl::Status Init();

  const std::vector<std::string>& arguments() const { return line_.arguments; }
  std::optional<std::string> Flag(const std::string& name) const;
  std::string FlagOr(const std::string& name, std::string_view otherwise) const;
  std::vector<std::string> Flags(const std::string& name) const;
  bool Has(const std::string& name) const { return Flag(name).has_value(); }
  // Usage error when absent.
  absl::StatusOr<std::string> Required(const std::string& name) const;
  // Usage error unless a number of that range; `otherwise` when absent.
  absl::StatusOr<uint64_t> Number(const std::string& name, uint64_t otherwise,
                                  uint64_t max = UINT64_MAX) const;
  // A flag, else TAMCTL_NAME, else the configuration file's `name`.
  std::optional<std::string> Setting(const std::string& name) const;

  std::ostream& out() { return env_.out; }
  std::ostream& err() { return env_.err; }
  std::istream& in() { return env_.in; }
  OutputFormat format() const { return format_; }

  // "tenants/{t}" of --tenant.
  std::string TenantName() const;
  // "tenants/{t}/COLLECTION/ARG", or `argument` itself when it is already such a name.
  std::string ResourceName(std::string_view collection, std::string_view argument) const;

  // The connection, made at the first call and owned by this object. Usage error when --server or
  // a credential is missing.
  absl::StatusOr<Transport*> Connection();

  // The file's bytes, or standard input's for "-". NotFound, or InvalidArgument above `max` bytes.
  absl::StatusOr<std::string> ReadFile(const std::string& path, size_t max = 64 << 20);
  // Writes, or replaces, the file; to standard output for "-".
  absl::Status WriteFile(const std::string& path, std::string_view bytes);

 private:
  // Whether the command has a flag of its own by this name, which hides the global one.
  bool HasOwnFlag(std::string_view name) const;

  Environment& env_;
  const CommandLine& line_;
  std::map<std::string, std::string> config_;
  OutputFormat format_ = OutputFormat::kTable;
  ConnectionOptions connection_;
  std::unique_ptr<Transport> transport_;
};

// Help for everything, a noun, or a command.
std::string GeneralHelp();
std::string NounHelp(const std::string& noun);
std::string CommandHelp(const Command& command);

// Runs one command line. 0 done, 1 refused or failed, 2 usage; another where the command says so.
int Run(const std::vector<std::string>& words, Environment& environment);

}  // namespace tam::tamctl

#endif  // TAMARACK_TOOLS_TAMCTL_COMMAND_H_

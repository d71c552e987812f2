#include <algorithm>
#include <cctype>
#include <fstream>
#include <sstream>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "crypto/text/text.h"
#include "tools/tamctl/command.h"

namespace tam::tamctl {
namespace {

// Lines of "name = value"; '#' starts a comment line.
absl::StatusOr<std::map<std::string, std::string>> ParseConfig(const std::string& text,
                                                               const std::string& path) {
  static const auto& known = *new std::vector<std::string>{
      "server", "trust-domain", "cert", "key", "ca", "tenant", "timeout", "output"};
  std::map<std::string, std::string> config;
  int number = 0;
  for (const absl::string_view raw : absl::StrSplit(text, '\n')) {
    ++number;
    const absl::string_view line = absl::StripAsciiWhitespace(raw);
    if (line.empty() || line[0] == '#') continue;
    const size_t equals = line.find('=');
    const std::string name(absl::StripAsciiWhitespace(line.substr(0, equals)));
    if (equals == absl::string_view::npos ||
        std::find(known.begin(), known.end(), name) == known.end()) {
      return UsageError(Concat(path, ":", number, ": want 'name = value' with a name of ",
                               absl::StrJoin(known, ", ")));
    }
    config[name] = std::string(absl::StripAsciiWhitespace(line.substr(equals + 1)));
  }
  return config;
}

std::string VariableName(const std::string& setting) {
  std::string name = "TAMCTL_" + setting;
  for (char& c : name) c = c == '-' ? '_' : static_cast<char>(std::toupper(c));
  return name;
}

}  // namespace

std::optional<std::string> Context::Flag(const std::string& name) const {
  const auto [first, last] = line_.flags.equal_range(name);
  if (first == last) return std::nullopt;
  return std::prev(last)->second;
}

std::string Context::FlagOr(const std::string& name, std::string_view otherwise) const {
  return Flag(name).value_or(std::string(otherwise));
}

std::vector<std::string> Context::Flags(const std::string& name) const {
  std::vector<std::string> values;
  const auto [first, last] = line_.flags.equal_range(name);
  for (auto it = first; it != last; ++it) values.push_back(it->second);
  return values;
}

bool Context::HasOwnFlag(std::string_view name) const {
  const auto& flags = line_.command->flags;
  return std::any_of(flags.begin(), flags.end(),
                     [&](const tamctl::Flag& flag) { return flag.name == name; });
}

absl::StatusOr<std::string> Context::Required(const std::string& name) const {
  const std::optional<std::string> value = Flag(name);
  if (!value.has_value()) {
    return UsageError(Concat("--", name, " is needed: want ", line_.command->Synopsis()));
  }
  return *value;
}

absl::StatusOr<uint64_t> Context::Number(const std::string& name, uint64_t otherwise,
                                         uint64_t max) const {
  const std::optional<std::string> value = Flag(name);
  if (!value.has_value()) return otherwise;
  uint64_t number = 0;
  if (!absl::SimpleAtoi(*value, &number) || number > max) {
    return UsageError(
        Concat("--", name, ": want a number of at most ", max, ", got '", *value, "'"));
  }
  return number;
}

std::optional<std::string> Context::Setting(const std::string& name) const {
  if (auto value = Flag(name); value.has_value()) return value;
  if (auto value = env_.variable(VariableName(name)); value.has_value()) return value;
  const auto entry = config_.find(name);
  if (entry == config_.end()) return std::nullopt;
  return entry->second;
}

absl::Status Context::Init() {
  if (const auto path = Setting("config"); path.has_value()) {
    const auto text = ReadFile(*path, 1 << 16);
    if (!text.ok()) return UsageError(StdView(text.status().message()));
    auto config = ParseConfig(*text, *path);
    if (!config.ok()) return config.status();
    config_ = *std::move(config);
  }
  const std::string format = HasOwnFlag("output") ? "table" : Setting("output").value_or("table");
  if (format == "json") {
    format_ = OutputFormat::kJson;
  } else if (format == "yaml") {
    format_ = OutputFormat::kYaml;
  } else if (format != "table") {
    return UsageError(Concat("--output: want table, json or yaml, got '", format, "'"));
  }
  const std::string timeout = Setting("timeout").value_or("30s");
  if (!absl::ParseDuration(timeout, &connection_.timeout) ||
      connection_.timeout <= absl::ZeroDuration()) {
    return UsageError(Concat("--timeout: want a duration such as 5s, got '", timeout, "'"));
  }
  return absl::OkStatus();
}

std::string Context::TenantName() const {
  const std::string tenant = Setting("tenant").value_or("default");
  return tenant.rfind("tenants/", 0) == 0 ? tenant : Concat("tenants/", tenant);
}

std::string Context::ResourceName(std::string_view collection, std::string_view argument) const {
  if (argument.rfind("tenants/", 0) == 0) return std::string(argument);
  return Concat(TenantName(), "/", collection, "/", argument);
}

absl::StatusOr<Transport*> Context::Connection() {
  if (transport_ != nullptr) return transport_.get();
  for (const auto& [name, target] :
       {std::pair{"server", &connection_.server}, std::pair{"ca", &connection_.ca_file}}) {
    const auto value = Setting(name);
    if (!value.has_value()) {
      return UsageError(Concat("no ", name, " to connect with: want --", name, ", ",
                               VariableName(name), " or a line in --config"));
    }
    *target = *value;
  }
  // Without a certificate the server refuses the handshake; that is its decision, not ours.
  connection_.cert_file = Setting("cert").value_or("");
  connection_.key_file = Setting("key").value_or("");
  if (connection_.cert_file.empty() != connection_.key_file.empty()) {
    return UsageError("want both --cert and --key, or neither");
  }
  connection_.trust_domain = Setting("trust-domain").value_or("tamarack.example");
  auto transport = env_.connect(connection_);
  if (!transport.ok()) return transport.status();
  transport_ = *std::move(transport);
  return transport_.get();
}

absl::StatusOr<std::string> Context::ReadFile(const std::string& path, size_t max) {
  std::ifstream file;
  if (path != "-") {
    file.open(path, std::ios::binary);
    if (!file) return absl::NotFoundError(Concat("cannot open ", path));
  }
  std::istream& stream = path == "-" ? env_.in : file;
  std::string bytes;
  char block[1 << 16];
  while (stream.read(block, sizeof(block)) || stream.gcount() > 0) {
    bytes.append(block, stream.gcount());
    if (bytes.size() > max) {
      return absl::InvalidArgumentError(Concat(path, ": more than ", max, " bytes"));
    }
  }
  if (stream.bad()) return absl::NotFoundError(Concat("cannot read ", path));
  return bytes;
}

absl::Status Context::WriteFile(const std::string& path, std::string_view bytes) {
  if (path == "-") {
    env_.out << bytes;
    return absl::OkStatus();
  }
  std::ofstream file(path, std::ios::binary | std::ios::trunc);
  file << bytes;
  file.close();
  if (!file) return absl::UnavailableError(Concat("cannot write ", path));
  return absl::OkStatus();
}

}  // namespace tam::tamctl

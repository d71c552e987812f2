#include <algorithm>

#include "crypto/text/text.h"
#include "tools/tamctl/command.h"
#include "tools/tamctl/global_flags.h"

namespace tam::tamctl {
namespace {

std::string Padded(std::string text, size_t width) {
  text.resize(std::max(width, text.size()), ' ');
  return text;
}

std::string FlagLines(const std::vector<Flag>& flags) {
  std::string text;
  for (const Flag& flag : flags) {
    std::string name = Concat("--", flag.name);
    if (!flag.value.empty()) Append(&name, " ", flag.value);
    Append(&text, "  ", Padded(name, 26), " ", flag.help, "\n");
  }
  return text;
}

}  // namespace

const std::vector<Flag>& GlobalFlags() {
  static const auto& flags = *new std::vector<Flag>{
      {"server", "SERVERS",
       "the admin API: HOST:PORT, or where services are apart SERVICE=HOST:PORT,...; a service "
       "several times: replicas, tried in turn (TAMCTL_SERVER)"},
      {"cert", "FILE", "our certificate chain, PEM (TAMCTL_CERT)"},
      {"key", "FILE",
       "our private key, PEM (TAMCTL_KEY); a key to verify or sign with, where said"},
      {"ca", "FILE", "issuer of the server's certificate, PEM (TAMCTL_CA)"},
      {"trust-domain", "NAME",
       "whose service the server must be (TAMCTL_TRUST_DOMAIN); default: tamarack.example"},
      {"config", "FILE", "lines of 'name = value' for the settings above (TAMCTL_CONFIG)"},
      {"tenant", "NAME", "the tenant (TAMCTL_TENANT); default: default"},
      {"timeout", "DURATION", "for each call, for example 5s (TAMCTL_TIMEOUT); default: 30s"},
      {"output", "FORMAT", "-o: table, json or yaml (TAMCTL_OUTPUT); default: table"},
      {"help", "", "-h: this text"}};
  return flags;
}

std::string Command::Name() const {
  return verb.empty() ? Concat("tamctl ", noun) : Concat("tamctl ", noun, " ", verb);
}

std::string Command::Synopsis() const {
  std::string text = Name();
  if (!arguments.empty()) Append(&text, " ", arguments);
  if (!flags.empty()) text += " [flags]";
  return text;
}

std::string GeneralHelp() {
  std::string text =
      "tamctl administers Tamarack, a Trusted Application Manager.\n\n"
      "Usage: tamctl NOUN VERB [arguments] [flags]\n\nCommands:\n";
  for (const Command& command : AllCommands()) {
    const std::string name = Concat(command.noun, " ", command.verb);
    Append(&text, "  ", Padded(name, 28), " ", command.summary, "\n");
  }
  Append(&text, "\nGlobal flags:\n", FlagLines(GlobalFlags()),
         "\nA setting comes from its flag, else its variable, else the configuration file.\n"
         "'tamctl NOUN --help' and 'tamctl NOUN VERB --help' say more.\n"
         "Exit code: 0 done, 1 refused or failed, 2 wrong usage.\n");
  return text;
}

std::string NounHelp(const std::string& noun) {
  std::string text = Concat("Usage: tamctl ", noun, " VERB [arguments] [flags]\n");
  for (const Command& command : AllCommands()) {
    if (command.noun != noun) continue;
    Append(&text, "\n", command.Synopsis(), "\n    ", command.summary, "\n    ", command.example,
           "\n");
  }
  return text;
}

std::string CommandHelp(const Command& command) {
  std::string text = Concat("Usage: ", command.Synopsis(), "\n\n", command.summary, "\n");
  if (!command.details.empty()) Append(&text, "\n", command.details, "\n");
  if (!command.flags.empty()) Append(&text, "\nFlags:\n", FlagLines(command.flags));
  Append(&text, "\nGlobal flags:\n", FlagLines(GlobalFlags()));
  Append(&text, "\nExample:\n  ", command.example, "\n");
  return text;
}

}  // namespace tam::tamctl

#include "tools/teepsim/key_files.h"

#include <fstream>
#include <iterator>
#include <string_view>
#include <variant>

#include "crypto/cbor/cbor.h"
#include "crypto/keys/key_file.h"
#include "crypto/text/text.h"
#include "tools/teepsim/status_macros.h"

namespace tam::teepsim {
namespace {

// The keys of a file one by one: PEM files may hold several, as `tamctl key export` writes them.
std::vector<std::string> SplitKeys(const std::string& content) {
  constexpr std::string_view kEnd = "-----END PUBLIC KEY-----\n";
  std::vector<std::string> parts;
  size_t from = 0;
  for (size_t at = content.find(kEnd); at != std::string::npos; at = content.find(kEnd, from)) {
    parts.push_back(content.substr(from, at + kEnd.size() - from));
    from = at + kEnd.size();
  }
  if (from < content.size() || parts.empty()) parts.push_back(content.substr(from));
  return parts;
}

absl::Status InFile(const std::string& path, const absl::Status& status) {
  return absl::InvalidArgumentError(Concat(path, ": ", StdView(status.message())));
}

}  // namespace

absl::StatusOr<std::string> ReadFile(const std::string& path) {
  std::ifstream stream(path, std::ios::binary);
  if (!stream) return absl::NotFoundError(Concat(path, ": cannot be read"));
  return std::string(std::istreambuf_iterator<char>(stream), {});
}

absl::StatusOr<std::vector<keys::PublicKey>> ReadPublicKeys(const std::vector<std::string>& paths) {
  std::vector<keys::PublicKey> keys;
  for (const std::string& path : paths) {
    TEEPSIM_ASSIGN_OR_RETURN(const std::string content, ReadFile(path));
    for (const std::string& part : SplitKeys(content)) {
      auto key = keys::ParsePublicKeyFile(cbor::AsBytes(part));
      if (!key.ok()) return InFile(path, key.status());
      keys.push_back(*std::move(key));
    }
  }
  return keys;
}

absl::StatusOr<keys::PrivateKey> ReadPrivateKey(const std::string& path) {
  TEEPSIM_ASSIGN_OR_RETURN(const std::string content, ReadFile(path));
  const auto key = keys::ParseKeyFile(cbor::AsBytes(content));
  if (!key.ok()) return InFile(path, key.status());
  if (!std::holds_alternative<keys::PrivateKey>(*key)) {
    return absl::InvalidArgumentError(Concat(path, ": want a private key"));
  }
  return std::get<keys::PrivateKey>(*key);
}

absl::StatusOr<keys::AgreementPublicKey> ReadAgreementKey(const std::string& path) {
  TEEPSIM_ASSIGN_OR_RETURN(const std::string content, ReadFile(path));
  auto key = keys::ParseAgreementPublicKeyFile(cbor::AsBytes(content));
  if (!key.ok()) return InFile(path, key.status());
  return key;
}

}  // namespace tam::teepsim

#include "tools/tamctl/key_files.h"

#include "crypto/cbor/cbor.h"
#include "crypto/keys/key_file.h"
#include "crypto/text/text.h"

namespace tam::tamctl {
namespace {

constexpr size_t kMaxKeyFile = 64 << 10;

absl::Status Named(const std::string& path, const absl::Status& status) {
  return absl::InvalidArgumentError(Concat(path, ": ", StdView(status.message())));
}

absl::StatusOr<keys::AnyKey> ReadKey(Context& context, const std::string& path) {
  const auto bytes = context.ReadFile(path, kMaxKeyFile);
  if (!bytes.ok()) return bytes.status();
  auto key = keys::ParseKeyFile(cbor::AsBytes(*bytes));
  if (!key.ok()) return Named(path, key.status());
  return key;
}

}  // namespace

absl::StatusOr<keys::PublicKey> ReadPublicKey(Context& context, const std::string& path) {
  const auto key = ReadKey(context, path);
  if (!key.ok()) return key.status();
  if (const auto* is_public = std::get_if<keys::PublicKey>(&*key)) return *is_public;
  if (const auto* is_private = std::get_if<keys::PrivateKey>(&*key)) {
    return is_private->public_key();
  }
  return absl::InvalidArgumentError(Concat(path, ": want a public key, got a symmetric one"));
}

absl::StatusOr<keys::PrivateKey> ReadPrivateKey(Context& context, const std::string& path) {
  const auto key = ReadKey(context, path);
  if (!key.ok()) return key.status();
  if (const auto* is_private = std::get_if<keys::PrivateKey>(&*key)) return *is_private;
  return absl::InvalidArgumentError(Concat(path, ": want a private key, this one cannot sign"));
}

absl::StatusOr<inspect::NamedKey> ReadInspectionKey(Context& context, const std::string& path) {
  const auto bytes = context.ReadFile(path, kMaxKeyFile);
  if (!bytes.ok()) return bytes.status();
  const auto agreement = keys::ParseAgreementKeyFile(cbor::AsBytes(*bytes));
  const auto key = keys::ParseKeyFile(cbor::AsBytes(*bytes));
  if (!key.ok()) {
    // X25519 signs nothing.
    if (agreement.ok()) return inspect::NamedKey{path, *agreement};
    return Named(path, key.status());
  }
  if (const auto* mac = std::get_if<keys::MacKey>(&*key)) return inspect::NamedKey{path, *mac};
  if (const auto* is_public = std::get_if<keys::PublicKey>(&*key)) {
    return inspect::NamedKey{path, *is_public};
  }
  inspect::NamedKey named{path, std::get<keys::PrivateKey>(*key).public_key()};
  if (agreement.ok()) named.opens = *agreement;
  return named;
}

}  // namespace tam::tamctl

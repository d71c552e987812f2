// Keys out of files: PEM, COSE_Key and the JSON forms.
#ifndef TAMARACK_TOOLS_TAMCTL_KEY_FILES_H_
#define TAMARACK_TOOLS_TAMCTL_KEY_FILES_H_

#include <string>

#include "absl/status/statusor.h"
#include "crypto/keys/key.h"
#include "tools/tamctl/command.h"
#include "tools/tamctl/inspect/inspect.h"

namespace tam::tamctl {

// A public key, or the public part of a private one. InvalidArgument names the file.
absl::StatusOr<keys::PublicKey> ReadPublicKey(Context& context, const std::string& path);

absl::StatusOr<keys::PrivateKey> ReadPrivateKey(Context& context, const std::string& path);

// What inspect tries: all that a file's key can do, verify and open. InvalidArgument names the
// file.
absl::StatusOr<inspect::NamedKey> ReadInspectionKey(Context& context, const std::string& path);

}  // namespace tam::tamctl

#endif  // TAMARACK_TOOLS_TAMCTL_KEY_FILES_H_

// What the commands around signing keys share.
#ifndef TAMARACK_TOOLS_TAMCTL_NOUNS_KEY_H_
#define TAMARACK_TOOLS_TAMCTL_NOUNS_KEY_H_

#include "absl/status/statusor.h"
#include "proto/tam/v1/signing.pb.h"
#include "tools/tamctl/command.h"

namespace tam::tamctl {

// The one signing key whose thumbprint starts with the first argument, or that has it as its name.
// NotFound; a usage error where several do.
absl::StatusOr<v1::SigningKey> FindSigningKey(Context& context);

}  // namespace tam::tamctl

#endif  // TAMARACK_TOOLS_TAMCTL_NOUNS_KEY_H_

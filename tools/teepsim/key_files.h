// Keys out of files, in any form that people have them: PEM, COSE_Key, JWK.
//
// All: NotFound for a file that cannot be read, InvalidArgument naming the file for another
// content.
#ifndef TAMARACK_TOOLS_TEEPSIM_KEY_FILES_H_
#define TAMARACK_TOOLS_TEEPSIM_KEY_FILES_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "crypto/keys/agreement.h"
#include "crypto/keys/key.h"

namespace tam::teepsim {

absl::StatusOr<std::string> ReadFile(const std::string& path);

// All keys of all files: PEM files may hold several, as `tamctl key export` writes them.
absl::StatusOr<std::vector<keys::PublicKey>> ReadPublicKeys(const std::vector<std::string>& paths);

absl::StatusOr<keys::PrivateKey> ReadPrivateKey(const std::string& path);

// The one key of a file to encrypt to.
absl::StatusOr<keys::AgreementPublicKey> ReadAgreementKey(const std::string& path);

}  // namespace tam::teepsim

#endif  // TAMARACK_TOOLS_TEEPSIM_KEY_FILES_H_

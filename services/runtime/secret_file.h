#ifndef TAMARACK_SERVICES_RUNTIME_SECRET_FILE_H_
#define TAMARACK_SERVICES_RUNTIME_SECRET_FILE_H_

// Files that hold a secret: private keys, the key-encryption key, connection strings.

#include <sys/types.h>

#include <cstddef>
#include <string>

#include "absl/status/statusor.h"
#include "absl/types/span.h"

namespace tam::runtime {

// Who may open a file, as stat(2) says.
struct FileAccess {
  mode_t mode = 0;
  uid_t owner = 0;
  gid_t group = 0;
};

// True if nobody but the owner can read, write or execute it (mode & 077 is 0), or if root owns it
// and it is readable, and no more, by a group that is among `own_groups`. The latter is how
// Kubernetes mounts a Secret for a process that is not root (fsGroup, 0440).
bool IsPrivate(const FileAccess& access, absl::Span<const gid_t> own_groups);

// The whole content, through symbolic links, of at most `max_bytes`. NotFound if it cannot be
// opened or read; FailedPrecondition if it is no regular file or not IsPrivate, naming path, wanted
// and found mode; InvalidArgument if it is larger. Never names the content. The file that is
// checked is the one that is read, whatever is renamed meanwhile.
absl::StatusOr<std::string> ReadSecretFile(const std::string& path, size_t max_bytes = 1 << 20);

}  // namespace tam::runtime

#endif  // TAMARACK_SERVICES_RUNTIME_SECRET_FILE_H_

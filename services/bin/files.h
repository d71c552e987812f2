// Files that a server reads at its start and writes when it is ready.
#ifndef TAMARACK_SERVICES_BIN_FILES_H_
#define TAMARACK_SERVICES_BIN_FILES_H_

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace tam::bin {

// The whole content. NotFound, naming the path but nothing of the content, if it cannot be read;
// InvalidArgument if it has more than 1 MiB.
absl::StatusOr<std::string> ReadFile(const std::string& path);

// Writes beside `path` and renames, so that a reader sees all or nothing. Unavailable.
absl::Status ReplaceFile(const std::string& path, const std::string& content);

}  // namespace tam::bin

#endif  // TAMARACK_SERVICES_BIN_FILES_H_

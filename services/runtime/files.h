// Files without secrets that a server reads, and those that it writes.
#ifndef TAMARACK_SERVICES_RUNTIME_FILES_H_
#define TAMARACK_SERVICES_RUNTIME_FILES_H_

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace tam::runtime {

// The whole content. NotFound, naming the path but nothing of the content, if it cannot be read;
// InvalidArgument if it has more than 1 MiB.
absl::StatusOr<std::string> ReadFile(const std::string& path);

// Writes beside `path` and renames, so that a reader sees all or nothing. Unavailable.
absl::Status ReplaceFile(const std::string& path, const std::string& content);

}  // namespace tam::runtime

#endif  // TAMARACK_SERVICES_RUNTIME_FILES_H_

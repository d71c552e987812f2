#include "services/runtime/secret_file.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"

namespace tam::runtime {
namespace {

// Closes at the end of its scope.
class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  ~Descriptor() {
    if (fd_ >= 0) close(fd_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int get() const { return fd_; }

 private:
  const int fd_;
};

std::vector<gid_t> OwnGroups() {
  std::vector<gid_t> groups(static_cast<size_t>(std::max(getgroups(0, nullptr), 0)));
  const int count = getgroups(static_cast<int>(groups.size()), groups.data());
  groups.resize(static_cast<size_t>(std::max(count, 0)));
  groups.push_back(getegid());
  return groups;
}

absl::Status CheckPrivate(const std::string& path, int fd) {
  struct stat found {};
  if (fstat(fd, &found) != 0) return absl::NotFoundError(absl::StrCat(path, ": cannot be read"));
  if (!S_ISREG(found.st_mode)) {
    return absl::FailedPreconditionError(absl::StrCat(path, ": want a file, got something else"));
  }
  const FileAccess access{found.st_mode, found.st_uid, found.st_gid};
  if (IsPrivate(access, OwnGroups())) return absl::OkStatus();
  return absl::FailedPreconditionError(absl::StrFormat(
      "%s: want a secret that others cannot open (mode 0600 or 0400; or 0440, owned by root and "
      "a group of this process), got mode %04o of user %d and group %d",
      path, access.mode & 07777, access.owner, access.group));
}

}  // namespace

bool IsPrivate(const FileAccess& access, absl::Span<const gid_t> own_groups) {
  if ((access.mode & 077) == 0) return true;
  const bool own_group =
      std::find(own_groups.begin(), own_groups.end(), access.group) != own_groups.end();
  return (access.mode & 077) == 040 && access.owner == 0 && own_group;
}

absl::StatusOr<std::string> ReadSecretFile(const std::string& path, size_t max_bytes) {
  const Descriptor file(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (file.get() < 0) return absl::NotFoundError(absl::StrCat(path, ": cannot be read"));
  if (absl::Status status = CheckPrivate(path, file.get()); !status.ok()) return status;
  std::string content(max_bytes + 1, '\0');
  size_t size = 0;
  while (size < content.size()) {
    const ssize_t got = read(file.get(), content.data() + size, content.size() - size);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return absl::NotFoundError(absl::StrCat(path, ": cannot be read"));
    if (got == 0) break;
    size += static_cast<size_t>(got);
  }
  if (size > max_bytes) {
    return absl::InvalidArgumentError(absl::StrCat(path, ": want at most ", max_bytes, " bytes"));
  }
  content.resize(size);
  return content;
}

}  // namespace tam::runtime

#include "tools/teepsim/durable_files.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <iterator>

#include "crypto/text/text.h"

namespace tam::teepsim {
namespace {

absl::Status SystemError(std::string_view what, const std::string& path) {
  return absl::InternalError(Concat(what, " ", path, ": ", std::strerror(errno)));
}

// Closes on leaving.
class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor() {
    if (fd_ >= 0) close(fd_);
  }
  int get() const { return fd_; }

 private:
  int fd_;
};

absl::Status WriteAll(int fd, std::string_view bytes, const std::string& path) {
  while (!bytes.empty()) {
    const ssize_t written = write(fd, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return SystemError("write", path);
    bytes.remove_prefix(static_cast<size_t>(written));
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status DurableFiles::MakeFolder(const std::string& path) {
  for (size_t slash = path.find('/', 1);; slash = path.find('/', slash + 1)) {
    const std::string folder = path.substr(0, slash);
    if (mkdir(folder.c_str(), 0755) != 0 && errno != EEXIST) return SystemError("mkdir", folder);
    if (slash == std::string::npos) return absl::OkStatus();
  }
}

std::string DurableFiles::Path(std::string_view name) const { return Concat(root_, "/", name); }

absl::Status DurableFiles::Step(std::string_view what, std::string_view name) const {
  return fault_ ? fault_(Concat(what, " ", name)) : absl::OkStatus();
}

absl::StatusOr<std::string> DurableFiles::Read(std::string_view name) const {
  std::ifstream stream(Path(name), std::ios::binary);
  if (!stream) {
    if (!Exists(name)) return absl::NotFoundError(Concat(Path(name), ": no such file"));
    return SystemError("open", Path(name));
  }
  return std::string(std::istreambuf_iterator<char>(stream), {});
}

bool DurableFiles::Exists(std::string_view name) const {
  return access(Path(name).c_str(), F_OK) == 0;
}

absl::Status DurableFiles::SyncFolderOf(const std::string& path) const {
  const std::string folder = path.substr(0, path.rfind('/'));
  const Descriptor descriptor(open(folder.c_str(), O_RDONLY | O_DIRECTORY));
  if (descriptor.get() < 0 || fsync(descriptor.get()) != 0) return SystemError("sync", folder);
  return absl::OkStatus();
}

absl::Status DurableFiles::Replace(std::string_view name, std::string_view bytes, unsigned mode) {
  const std::string path = Path(name);
  const std::string aside = path + ".new";
  if (auto status = Step("write", name); !status.ok()) return status;
  {
    const Descriptor descriptor(
        open(aside.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode));
    if (descriptor.get() < 0) return SystemError("open", aside);
    if (auto status = WriteAll(descriptor.get(), bytes, aside); !status.ok()) return status;
    if (auto status = Step("sync", name); !status.ok()) return status;
    if (fsync(descriptor.get()) != 0) return SystemError("sync", aside);
  }
  if (auto status = Step("rename", name); !status.ok()) return status;
  if (rename(aside.c_str(), path.c_str()) != 0) return SystemError("rename", aside);
  if (auto status = Step("sync folder of", name); !status.ok()) return status;
  return SyncFolderOf(path);
}

absl::Status DurableFiles::Remove(std::string_view name) {
  const std::string path = Path(name);
  if (auto status = Step("remove", name); !status.ok()) return status;
  if (unlink(path.c_str()) != 0 && errno != ENOENT) return SystemError("remove", path);
  return SyncFolderOf(path);
}

}  // namespace tam::teepsim

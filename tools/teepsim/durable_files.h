// Files that are whole after a crash: written aside, synced, renamed, and the folder synced.
#ifndef TAMARACK_TOOLS_TEEPSIM_DURABLE_FILES_H_
#define TAMARACK_TOOLS_TEEPSIM_DURABLE_FILES_H_

#include <functional>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace tam::teepsim {

// Asked before each step on the disk ("write state.cbor.new", "rename state.cbor"); an error stops
// there, as a crash would. For tests.
using FaultHook = std::function<absl::Status(std::string_view step)>;

// The files of one folder, by name relative to it ("components/x"). Not thread safe.
class DurableFiles {
 public:
  // `root` must exist.
  explicit DurableFiles(std::string root, FaultHook fault = nullptr)
      : root_(std::move(root)), fault_(std::move(fault)) {}

  const std::string& root() const { return root_; }

  // Creates the folder and those above it.
  static absl::Status MakeFolder(const std::string& path);

  // NotFound, or Internal with the system's reason.
  absl::StatusOr<std::string> Read(std::string_view name) const;
  bool Exists(std::string_view name) const;
  // All or nothing. `mode` as for chmod.
  absl::Status Replace(std::string_view name, std::string_view bytes, unsigned mode = 0644);
  // OK also when there is no such file.
  absl::Status Remove(std::string_view name);

 private:
  absl::Status Step(std::string_view what, std::string_view name) const;
  absl::Status SyncFolderOf(const std::string& path) const;
  std::string Path(std::string_view name) const;

  std::string root_;
  FaultHook fault_;
};

}  // namespace tam::teepsim

#endif  // TAMARACK_TOOLS_TEEPSIM_DURABLE_FILES_H_

#include "services/runtime/files.h"

#include <cstddef>
#include <cstdio>
#include <fstream>

#include "absl/strings/str_cat.h"

namespace tam::runtime {
namespace {
constexpr size_t kMaxBytes = 1 << 20;
}  // namespace

absl::StatusOr<std::string> ReadFile(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  if (!in) return absl::NotFoundError(absl::StrCat(path, ": cannot be read"));
  std::string content(kMaxBytes + 1, '\0');
  in.read(content.data(), static_cast<std::streamsize>(content.size()));
  if (in.bad()) return absl::NotFoundError(absl::StrCat(path, ": cannot be read"));
  content.resize(static_cast<size_t>(in.gcount()));
  if (content.size() > kMaxBytes) {
    return absl::InvalidArgumentError(absl::StrCat(path, ": want at most 1 MiB"));
  }
  return content;
}

absl::Status ReplaceFile(const std::string& path, const std::string& content) {
  const std::string beside = absl::StrCat(path, ".new");
  {
    std::ofstream out(beside, std::ios::binary | std::ios::trunc);
    out << content;
    out.flush();
    if (!out) return absl::UnavailableError(absl::StrCat(beside, ": cannot be written"));
  }
  if (std::rename(beside.c_str(), path.c_str()) == 0) return absl::OkStatus();
  return absl::UnavailableError(absl::StrCat(path, ": cannot be replaced"));
}

}  // namespace tam::runtime

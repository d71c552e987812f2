#include "storage/model/call.h"

#include <algorithm>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"

namespace tam::storage {

std::string EncodePageToken(absl::string_view key) { return absl::BytesToHexString(key); }

absl::StatusOr<std::string> DecodePageToken(absl::string_view token) {
  if (token.size() % 2 != 0 || !std::all_of(token.begin(), token.end(), absl::ascii_isxdigit)) {
    return absl::InvalidArgumentError("page_token: want what the page before gave, got other text");
  }
  return absl::HexStringToBytes(token);
}

}  // namespace tam::storage

// What every storage call carries: a deadline, and a page where it lists.

#ifndef TAMARACK_STORAGE_MODEL_CALL_H_
#define TAMARACK_STORAGE_MODEL_CALL_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace tam::storage {

// By when the caller needs an answer. A call that has none by then returns DeadlineExceeded, and
// may or may not have been done; nothing is begun after it. By this process's wall clock
// (absl::Now()), because it bounds waiting in this process and decides nothing else.
struct CallDeadline {
  absl::Time at = absl::InfiniteFuture();
};

// `limit` 0 means 50; more than 1,000 means 1,000. `after` is empty for the first page, then the
// `next` of the page before; InvalidArgument if it is anything else.
struct PageRequest {
  int limit = 0;
  std::string after;

  int EffectiveLimit() const { return limit <= 0 ? 50 : (limit > 1000 ? 1000 : limit); }
};

// `next` is empty on the last page.
template <typename T>
struct Page {
  std::vector<T> items;
  std::string next;
};

// A page token is its sort key in hexadecimal. For backends.
std::string EncodePageToken(absl::string_view key);
// InvalidArgument if `token` is not such. Empty gives empty.
absl::StatusOr<std::string> DecodePageToken(absl::string_view token);

}  // namespace tam::storage

#endif  // TAMARACK_STORAGE_MODEL_CALL_H_

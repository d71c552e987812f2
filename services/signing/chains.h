// Which certificate chain goes with a signature.
#ifndef TAMARACK_SERVICES_SIGNING_CHAINS_H_
#define TAMARACK_SERVICES_SIGNING_CHAINS_H_

#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "services/runtime/database_time.h"
#include "storage/model/signing.h"

namespace tam::signing {

// Told of a chain that is left out, and why: "expired" or "not_yet_valid".
using SkippedSink =
    std::function<void(const storage::KeyCertificate& certificate, std::string_view reason)>;

// A line of the log at warning: event "signing_certificate_skipped".
void LogSkipped(const storage::KeyCertificate& certificate, std::string_view reason);

// Thread safe.
class ChainChooser {
 public:
  // The sink hears of one chain at most once in this time.
  static constexpr absl::Duration kQuiet = absl::Minutes(10);
  // Chains of which it is remembered when they were told of; beyond it, none of them is.
  static constexpr size_t kMaxRemembered = 4096;

  explicit ChainChooser(runtime::MonotonicClock monotonic, SkippedSink skipped = LogSkipped)
      : monotonic_(std::move(monotonic)), skipped_(std::move(skipped)) {}

  // Of `certificates` that are valid at `now`, in their order, the one after `passed` others: DER,
  // the leaf first. Empty where there is none.
  std::vector<std::string> Choose(const std::vector<storage::KeyCertificate>& certificates,
                                  size_t passed, absl::Time now);

 private:
  void NoteSkipped(const storage::KeyCertificate& certificate, std::string_view reason);

  const runtime::MonotonicClock monotonic_;
  const SkippedSink skipped_;
  absl::Mutex mutex_;
  std::map<std::pair<storage::KeyThumbprint, int32_t>, absl::Duration> told_
      ABSL_GUARDED_BY(mutex_);
};

}  // namespace tam::signing

#endif  // TAMARACK_SERVICES_SIGNING_CHAINS_H_

#include "services/gateway/epoch_keys.h"

#include <optional>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"

namespace tam::gateway {

EpochKeyCache::EpochKeyCache(Fetch fetch, Background background, MonotonicClock clock,
                             RefreshLimits limits)
    : fetch_(std::move(fetch)),
      clock_(std::move(clock)),
      held_(std::make_shared<Refreshed<Held>>([this] { return Read(); }, std::move(background),
                                              clock_, limits)) {}

absl::StatusOr<EpochKeyCache::Held> EpochKeyCache::Read() const {
  std::optional<Held> quickest;
  absl::Duration least = absl::InfiniteDuration();
  for (int i = 0; i < kMaxReads && least > kQuickRead; ++i) {
    const absl::Duration begin = clock_();
    absl::StatusOr<Held> held = ReadOnce();
    // What was read before is good, but its time may be far behind: rather no time than that.
    if (!held.ok()) return held.status();
    const absl::Duration took = held->read_end - begin;
    if (took >= least) continue;
    least = took;
    quickest = *std::move(held);
  }
  return *std::move(quickest);
}

absl::StatusOr<EpochKeyCache::Held> EpochKeyCache::ReadOnce() const {
  absl::StatusOr<FetchedKeys> fetched = fetch_();
  if (!fetched.ok()) return fetched.status();
  if (fetched->keys.empty()) return absl::UnavailableError("signing service gave no keys");
  return Held{*std::move(fetched), clock_()};
}

absl::StatusOr<EpochKeyCache::Reading> EpochKeyCache::Answer(
    absl::StatusOr<std::shared_ptr<const Held>> held) const {
  if (!held.ok()) {
    return absl::UnavailableError(absl::StrCat("challenge keys: ", held.status().message()));
  }
  const absl::Time now = (*held)->fetched.database_time + (clock_() - (*held)->read_end);
  return Reading(*std::move(held), now);
}

absl::StatusOr<EpochKeyCache::Reading> EpochKeyCache::Get(absl::Time deadline) {
  return Answer(held_->Get(deadline));
}

absl::StatusOr<EpochKeyCache::Reading> EpochKeyCache::GetReadAfter(absl::Duration since,
                                                                   absl::Time deadline) {
  return Answer(held_->GetReadAfter(since, deadline));
}

}  // namespace tam::gateway

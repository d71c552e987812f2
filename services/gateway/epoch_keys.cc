#include "services/gateway/epoch_keys.h"

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

absl::StatusOr<EpochKeyCache::Held> EpochKeyCache::Read() {
  absl::StatusOr<Held> held = ReadQuickly<Held>([this] { return ReadOnce(); });
  if (!held.ok()) return held.status();
  if (last_.has_value()) held->reading = Better(*last_, held->reading, kSlack);
  last_ = held->reading;
  return held;
}

absl::StatusOr<EpochKeyCache::Held> EpochKeyCache::ReadOnce() const {
  const absl::Duration begin = clock_();
  absl::StatusOr<FetchedKeys> fetched = fetch_();
  if (!fetched.ok()) return fetched.status();
  if (fetched->keys.empty()) return absl::UnavailableError("signing service gave no keys");
  const absl::Duration end = clock_();
  return Held{std::move(fetched->keys),
              {.at = fetched->database_time, .monotonic = end, .took = end - begin}};
}

absl::StatusOr<EpochKeyCache::Reading> EpochKeyCache::Answer(
    absl::StatusOr<std::shared_ptr<const Held>> held) const {
  if (!held.ok()) {
    return absl::UnavailableError(absl::StrCat("challenge keys: ", held.status().message()));
  }
  const absl::Time now = (*held)->reading.CarriedTo(clock_());
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

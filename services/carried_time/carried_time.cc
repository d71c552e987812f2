#include "services/carried_time/carried_time.h"

namespace tam {

TimeReading Better(const TimeReading& held, const TimeReading& read, absl::Duration slack) {
  const absl::Time carried = held.CarriedTo(read.monotonic);
  const bool possible = read.at <= carried && carried <= read.at + read.took + slack;
  if (read.took <= kQuickRead || !possible) return read;
  return {.at = carried, .monotonic = read.monotonic, .took = read.took};
}

}  // namespace tam

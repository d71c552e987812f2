#include "services/carried_time/carried_time.h"

namespace tam {

TimeReading Better(const TimeReading& held, const TimeReading& read, absl::Duration slack) {
  const absl::Time carried = held.CarriedTo(read.monotonic);
  const bool possible = read.at <= carried && carried <= read.at + read.took + slack;
  const absl::Duration doubt = held.took + (read.monotonic - held.monotonic) / kDriftOneIn;
  if (read.took <= doubt || !possible) return read;
  return {.at = carried, .monotonic = read.monotonic, .took = doubt};
}

}  // namespace tam

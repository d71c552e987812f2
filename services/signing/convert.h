// Within this room: values of the API.
#ifndef TAMARACK_SERVICES_SIGNING_CONVERT_H_
#define TAMARACK_SERVICES_SIGNING_CONVERT_H_

#include <cstdint>

#include "absl/time/time.h"
#include "google/protobuf/timestamp.pb.h"

namespace tam::signing {

// Of a time within the range of int64 seconds, whole or not.
inline void SetTime(absl::Time time, google::protobuf::Timestamp& out) {
  const int64_t seconds = absl::ToUnixSeconds(time);
  out.set_seconds(seconds);
  out.set_nanos(
      static_cast<int32_t>(absl::ToInt64Nanoseconds(time - absl::FromUnixSeconds(seconds))));
}

}  // namespace tam::signing

#endif  // TAMARACK_SERVICES_SIGNING_CONVERT_H_

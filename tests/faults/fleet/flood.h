// Empty POSTs in great number, from other addresses than the fleet's.
#ifndef TAMARACK_TESTS_FAULTS_FLEET_FLOOD_H_
#define TAMARACK_TESTS_FAULTS_FLEET_FLOOD_H_

#include <cstdint>
#include <map>
#include <vector>

#include "absl/status/statusor.h"
#include "tools/teepsim/transport.h"

namespace tam::testing {

struct FloodOptions {
  std::vector<teepsim::Url> urls;  // of IPv4 loopback; taken in turn
  int64_t posts = 5000;
  int threads = 4;
  int pipeline = 16;  // requests on their way in one connection
  // Connections come from as many addresses of 127.77.0.0/16.
  int sources = 64;
};

// How many answers had each status. Every POST is answered, or the result is Unavailable: a
// connection that is closed in the midst is an error, because nothing fails here. Blocks until the
// last one.
absl::StatusOr<std::map<int, int64_t>> Flood(const FloodOptions& options);

}  // namespace tam::testing

#endif  // TAMARACK_TESTS_FAULTS_FLEET_FLOOD_H_

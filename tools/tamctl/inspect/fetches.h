// What a manifest fetches from where, and by which digests it knows it.
#ifndef TAMARACK_TOOLS_TAMCTL_INSPECT_FETCHES_H_
#define TAMARACK_TOOLS_TAMCTL_INSPECT_FETCHES_H_

#include <cstdint>
#include <set>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "teep/suit/envelope.h"

namespace tam::inspect {

// One URI that a fetch names, and everything that the manifest anywhere says about the component
// it is fetched into: along several ways through try-each there may be several digests.
struct Fetch {
  std::string uri;
  std::vector<suit::Digest> digests;
  std::set<uint64_t> sizes;
  bool encrypted = false;  // a digest may be of what it decrypts to
};

// Dependencies included. InvalidArgument on a command sequence that does not parse.
absl::StatusOr<std::vector<Fetch>> CollectFetches(const suit::Manifest& manifest);

}  // namespace tam::inspect

#endif  // TAMARACK_TOOLS_TAMCTL_INSPECT_FETCHES_H_

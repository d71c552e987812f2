// Follows a manifest's command sequences without a device, along every way through its try-each
// branches; for this folder's .cc files alone.
//
// A condition on vendor, class or slot that contradicts an earlier one on the same way ends that
// way, so that "slot 0 in the shared sequence, slot 1 in install" is not taken for a way.
#ifndef TAMARACK_TEEP_SUIT_DRY_RUN_H_
#define TAMARACK_TEEP_SUIT_DRY_RUN_H_

#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "crypto/cbor/cbor.h"
#include "teep/suit/envelope.h"

namespace tam::suit {

inline constexpr size_t kMaxWays = 32;

// Parameters and marks along one way. Views borrow from the Manifest.
struct Way {
  struct Value {
    std::string_view encoded;
    bool by_override = false;
  };
  using ComponentLabel = std::pair<uint64_t, int64_t>;

  std::vector<uint64_t> current = {0};
  std::map<ComponentLabel, Value> parameters;
  std::map<ComponentLabel, std::string_view> assumed;
  // Components whose bytes came from outside the manifest and were not compared with a digest
  // since; with the encoded URI they came from, where there is one.
  std::map<uint64_t, std::string_view> unmatched;

  const Value* Find(uint64_t component, int64_t label) const;
};

// One command on one way. The callback may change the way's marks; an error ends the dry run.
struct Step {
  int64_t code;
  const cbor::Item& argument;
  bool in_shared_sequence;
};
using StepCallback = std::function<absl::Status(const Step&, Way&)>;

// Runs the shared sequence and then the section, for each present section in the order in which a
// device would: dependency-resolution, payload-fetch, candidate-verification, install, validate,
// load, invoke. Returns the ways that reach the end. InvalidArgument when there are more than
// kMaxWays at any moment.
absl::StatusOr<std::vector<Way>> DryRun(const Manifest& manifest, const StepCallback& on_step);

// The decoded value of a parameter on a way; nullopt when unset.
std::optional<Digest> ImageDigestOf(const Way& way, uint64_t component);
std::optional<uint64_t> ImageSizeOf(const Way& way, uint64_t component);
std::optional<std::string> UriOf(const Way& way, uint64_t component);
// Vendor and class id; nullopt also for a vendor id that is no UUID.
std::optional<std::string> UuidOf(const Way& way, uint64_t component, int64_t label);

}  // namespace tam::suit

#endif  // TAMARACK_TEEP_SUIT_DRY_RUN_H_

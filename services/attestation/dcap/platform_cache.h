// Verified platforms by the digest of all that decided (platform.h). Bounded; only successes are
// kept; nothing outlives the first of its dates. Thread safe.
//
// A digest covers anchors, collateral and lists, so an import of others empties it in effect: what
// was verified by the old ones is found no more, and goes as the least recently used.
#ifndef TAMARACK_SERVICES_ATTESTATION_DCAP_PLATFORM_CACHE_H_
#define TAMARACK_SERVICES_ATTESTATION_DCAP_PLATFORM_CACHE_H_

#include <cstddef>
#include <cstdint>
#include <list>
#include <map>
#include <memory>
#include <mutex>

#include "absl/time/time.h"
#include "crypto/secret/secret.h"
#include "services/attestation/dcap/platform.h"

namespace tam::attestation::dcap {

class PlatformCache {
 public:
  // Each takes some 30 KiB. At least 1.
  explicit PlatformCache(size_t capacity) : capacity_(capacity) {}

  // Null: not there, or not valid at `at`; one that is valid no more is dropped.
  std::shared_ptr<const VerifiedPlatform> Find(const secret::Digest256& digest, absl::Time at);
  // Keeps it unless something of it is late: that must be told anew each time.
  void Add(const secret::Digest256& digest, std::shared_ptr<const VerifiedPlatform> platform);
  void Clear();

  struct Counts {
    uint64_t hits = 0;
    uint64_t misses = 0;
    size_t size = 0;
  };
  Counts counts() const;

 private:
  struct Entry {
    secret::Digest256 digest;
    std::shared_ptr<const VerifiedPlatform> platform;
  };
  using Entries = std::list<Entry>;  // the most recently used first

  const size_t capacity_;
  mutable std::mutex mutex_;
  Entries entries_;
  std::map<secret::Digest256, Entries::iterator> index_;
  Counts counts_;
};

}  // namespace tam::attestation::dcap

#endif  // TAMARACK_SERVICES_ATTESTATION_DCAP_PLATFORM_CACHE_H_

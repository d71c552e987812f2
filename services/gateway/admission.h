// How much the connections of the HTTP server may hold, in all and for each source address.
#ifndef TAMARACK_SERVICES_GATEWAY_ADMISSION_H_
#define TAMARACK_SERVICES_GATEWAY_ADMISSION_H_

#include <cstddef>
#include <mutex>
#include <optional>
#include <string>

#include "absl/container/flat_hash_map.h"

namespace tam::gateway {

struct AdmissionLimits {
  size_t connections = 4096;  // a TLS connection takes about 100 KiB
  size_t connections_per_source = 1024;
  // Octets of request and reply bodies that are held at a time.
  size_t body_bytes = 256 << 20;
  size_t body_bytes_per_source = 64 << 20;
};

// Thread safe. Grows with the connections that are open, and with nothing else.
class Admission {
 public:
  // A connection's place, given back when it is destroyed. One thread at a time; not beyond the
  // Admission.
  class Ticket {
   public:
    Ticket(Ticket&& other) noexcept;
    Ticket& operator=(Ticket&&) = delete;
    ~Ticket();
    // Holds so many octets instead of what it held. False, and nothing has changed, where that is
    // above a limit; fewer than before are always granted.
    bool HoldBytes(size_t bytes);

   private:
    friend class Admission;
    Ticket(Admission& owner, std::string source) : owner_(&owner), source_(std::move(source)) {}
    Admission* owner_;
    std::string source_;
    size_t bytes_ = 0;
  };

  explicit Admission(AdmissionLimits limits) : limits_(limits) {}

  // Nothing above a limit.
  std::optional<Ticket> Admit(const std::string& source);
  // In the place of a connection that is about to end: beyond the limit of all connections by an
  // eighth of it at most.
  std::optional<Ticket> AdmitInstead(const std::string& source);

  size_t connections() const;
  size_t sources() const;
  size_t bytes() const;

 private:
  std::optional<Ticket> AdmitUpTo(size_t connections, const std::string& source);

  struct Held {
    size_t connections = 0;
    size_t bytes = 0;
  };

  const AdmissionLimits limits_;
  mutable std::mutex mutex_;  // guards the rest
  Held all_;
  absl::flat_hash_map<std::string, Held> by_source_;
};

}  // namespace tam::gateway

#endif  // TAMARACK_SERVICES_GATEWAY_ADMISSION_H_

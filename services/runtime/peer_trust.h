#ifndef TAMARACK_SERVICES_RUNTIME_PEER_TRUST_H_
#define TAMARACK_SERVICES_RUNTIME_PEER_TRUST_H_

// Whether a client whose connection stands would still be let in. A handshake is judged by the
// authorities of its time; when one of them is withdrawn, connections made before must not go on.

#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>

#include "absl/container/flat_hash_set.h"
#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "crypto/x509/credentials.h"
#include "services/runtime/tls_source.h"

namespace tam::runtime {

// Thread safe. Verifies each certificate once for each state of the source; while the source is as
// it was at first, not at all: the handshakes were judged by it.
class PeerTrust {
 public:
  explicit PeerTrust(std::shared_ptr<TlsSource> source) : source_(std::move(source)) {}

  // Unauthenticated unless the chain (PEM, leaf first) is of an authority that is trusted now.
  absl::Status Check(absl::FunctionRef<std::string()> chain);

 private:
  const std::shared_ptr<TlsSource> source_;
  std::mutex mutex_;  // guards what follows
  uint64_t generation_ = 1;
  std::optional<x509::Authorities> authorities_;
  absl::flat_hash_set<std::string> good_;
};

}  // namespace tam::runtime

#endif  // TAMARACK_SERVICES_RUNTIME_PEER_TRUST_H_

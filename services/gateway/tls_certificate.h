// The listener's certificate and key, as they stand in their files at the moment.
#ifndef TAMARACK_SERVICES_GATEWAY_TLS_CERTIFICATE_H_
#define TAMARACK_SERVICES_GATEWAY_TLS_CERTIFICATE_H_

#include <memory>
#include <mutex>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "crypto/tls/context.h"

namespace tam::gateway {

// Thread safe.
class TlsCertificate {
 public:
  struct Files {
    std::string certificate;  // PEM, leaf first
    std::string key;          // PEM; private, as runtime::ReadSecretFile asks
  };

  // NotFound: a file that cannot be read. FailedPrecondition: a key that others can open.
  // InvalidArgument: not a pair that can be served.
  static absl::StatusOr<std::unique_ptr<TlsCertificate>> Load(Files files);

  // For the next connection.
  tls::Context Current() const;

  enum class Change { kNone, kReplaced, kRefused };
  // Reads the files. A pair that differs from what was read last and can be served becomes current;
  // one that cannot (half-written, a mismatch, unreadable) is logged, once, and changes nothing.
  Change Poll();

 private:
  explicit TlsCertificate(Files files) : files_(std::move(files)) {}
  absl::Status Take(const std::string& chain, const std::string& key);

  const Files files_;
  std::mutex polling_;        // guards seen_
  std::string seen_;          // digest of the files' content, or what made them unreadable
  mutable std::mutex mutex_;  // guards current_
  tls::Context current_;
};

}  // namespace tam::gateway

#endif  // TAMARACK_SERVICES_GATEWAY_TLS_CERTIFICATE_H_

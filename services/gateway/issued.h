// How an engine knows again what it gave out.
#ifndef TAMARACK_SERVICES_GATEWAY_ISSUED_H_
#define TAMARACK_SERVICES_GATEWAY_ISSUED_H_

#include <string_view>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "services/gateway/challenge.h"

namespace tam::gateway {

// What a gateway that serves issues: challenges and tokens of 32 bytes by their MAC, tokens of
// Updates by their 16 bytes, which the registry then looks up. A check without a server puts the
// values that it was told in their place. Stateless; thread safe.
class IssuedValues {
 public:
  virtual ~IssuedValues() = default;
  // The challenge or token of a QueryRequest. Refusals of OpenChallenge (challenge.h).
  virtual absl::StatusOr<Challenge> Open(const EpochKeys& keys, const ChallengeBinding& binding,
                                         absl::Time now, Bytes value) const {
    return OpenChallenge(keys, binding, now, value);
  }
  // Whether the token of an Error or a Success may be that of a QueryRequest, or of an Update.
  virtual bool MayBeQueryToken(std::string_view token) const {
    return token.size() == kChallengeSize;
  }
  virtual bool MayBeUpdateToken(std::string_view token) const {
    return token.size() == kUpdateTokenSize;
  }
  // Process lifetime.
  static const IssuedValues& Ours();
};

}  // namespace tam::gateway

#endif  // TAMARACK_SERVICES_GATEWAY_ISSUED_H_

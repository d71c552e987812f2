// The stateless challenge (or token) of a QueryRequest: what lets any replica recognise the answer
// to a question that no replica remembers (DESIGN.md "A session").
//
//   [0]      key epoch: hours since the Unix epoch, modulo 256
//   [1]      kind (2 high bits), requested data items (6 low bits)
//   [2..7]   issue time, milliseconds since the Unix epoch, big endian
//   [8..15]  random
//   [16..31] first 16 bytes of HMAC-SHA-256(epoch key,
//            bytes 0..15 || endpoint uid (16) || configuration generation (8, big endian))
//
// Pure functions: time, randomness and keys are given. Thread safe.
#ifndef TAMARACK_SERVICES_GATEWAY_CHALLENGE_H_
#define TAMARACK_SERVICES_GATEWAY_CHALLENGE_H_

#include <array>
#include <cstdint>
#include <map>
#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "crypto/secret/secret.h"

namespace tam::gateway {

using Bytes = absl::Span<const uint8_t>;

inline constexpr size_t kChallengeSize = 32;
inline constexpr size_t kUpdateTokenSize = 16;  // of an Update: random alone
inline constexpr int64_t kEpochMilliseconds = 3'600'000;

enum class ChallengeKind : uint8_t {
  kChallenge = 0,      // attestation asked for; evidence carries it
  kToken = 1,          // no attestation asked for; the response carries it
  kPassportToken = 2,  // attestation asked for, answered with a result whose nonce is this token
  kTimestamp = 3,      // nobody issued it: evidence that names its time in place of a challenge
};

// Whether a message answers this kind by a token.
constexpr bool IsToken(ChallengeKind kind) {
  return kind == ChallengeKind::kToken || kind == ChallengeKind::kPassportToken;
}

// Keys by epoch number (hours since the Unix epoch, not modulo 256).
using EpochKeys = std::map<int64_t, secret::SecretBytes>;

// What of an endpoint a challenge is bound to.
struct ChallengeBinding {
  std::array<uint8_t, 16> endpoint_uid{};
  uint64_t generation = 1;  // of the endpoint's configuration, 1 at creation
  uint8_t data_items = 0;   // what the present configuration asks for, 6 bits
  absl::Duration lifetime = absl::Hours(6);
};

// What a genuine challenge says.
struct Challenge {
  ChallengeKind kind = ChallengeKind::kChallenge;
  uint8_t data_items = 0;  // asked for by the QueryRequest that carried it
  int64_t issue_ms = 0;
  std::array<uint8_t, 8> random{};
  uint64_t generation = 0;  // of the configuration under which it was issued
};

// How far ahead of the gateway's time an issue time may lie: another replica's reading of the
// database's clock.
inline constexpr absl::Duration kChallengeSkew = absl::Seconds(2);

int64_t EpochOf(int64_t unix_ms);

// Unavailable when `keys` has none for the epoch of `now`. `data_items` is taken from `binding`.
absl::StatusOr<std::string> MakeChallenge(const EpochKeys& keys, const ChallengeBinding& binding,
                                          ChallengeKind kind, absl::Time now,
                                          secret::RandomSource& random);

// Checks a challenge that came back. The present generation is tried, then the one before, which
// counts only if it asked for all that the present one asks. Refusals by code:
//   InvalidArgument     not 32 bytes, or a kind that does not exist
//   NotFound            no key for its epoch (the keys may be old: read them once more)
//   Unauthenticated     the MAC differs: forged, of another endpoint, or of an older generation
//   FailedPrecondition  issued under the previous generation, which asked for less
//   DeadlineExceeded    older than the endpoint's lifetime
//   OutOfRange          issued later than now plus kChallengeSkew
absl::StatusOr<Challenge> OpenChallenge(const EpochKeys& keys, const ChallengeBinding& binding,
                                        absl::Time now, Bytes challenge);

// What takes a challenge's place in the guard where the evidence has a timestamp instead: `iat`,
// and the start of the message's SHA-256. Asks as much as the endpoint does now, extensions
// excepted, which not every device was asked for. Refusals by code:
//   DeadlineExceeded  older than eat::kMaxTimestampAge
//   OutOfRange        more than kTimestampSkew ahead of now; the guard takes no more, and a time
//   put
//                     back to now would be accepted a second time once the clock has caught up
absl::StatusOr<Challenge> OpenTimestamp(const ChallengeBinding& binding, absl::Time now,
                                        absl::Time issued_at, Bytes message_digest);
inline constexpr absl::Duration kTimestampSkew = absl::Seconds(1);

// True for the refusals of OpenChallenge that newer keys, a newer configuration or a newer reading
// of the time may lift.
bool MayBeLiftedByRefresh(const absl::Status& refusal);

// Reads issue time and random part of any 32 bytes without a check: for looking up what was used.
Challenge ReadUnverifiedChallenge(Bytes challenge);

}  // namespace tam::gateway

#endif  // TAMARACK_SERVICES_GATEWAY_CHALLENGE_H_

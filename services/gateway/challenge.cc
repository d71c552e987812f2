#include "services/gateway/challenge.h"

#include <algorithm>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "services/gateway/issued.h"
#include "teep/eat/eat.h"

namespace tam::gateway {
namespace {

constexpr size_t kClearSize = 16;  // bytes before the MAC
constexpr size_t kMacSize = 16;
constexpr uint8_t kExtensionsBit = 4;  // of data-item-requested

void PutBigEndian(uint64_t value, absl::Span<uint8_t> out) {
  for (size_t i = out.size(); i-- > 0; value >>= 8) out[i] = static_cast<uint8_t>(value);
}

uint64_t GetBigEndian(Bytes in) {
  uint64_t value = 0;
  for (uint8_t byte : in) value = value << 8 | byte;
  return value;
}

std::array<uint8_t, kMacSize> Mac(const secret::SecretBytes& key, Bytes clear,
                                  const std::array<uint8_t, 16>& endpoint, uint64_t generation) {
  std::array<uint8_t, kClearSize + 16 + 8> input;
  auto next = std::copy(clear.begin(), clear.begin() + kClearSize, input.begin());
  std::copy(endpoint.begin(), endpoint.end(), next);
  PutBigEndian(generation, absl::MakeSpan(input).subspan(kClearSize + 16));
  const secret::Digest256 full = secret::HmacSha256(key.Reveal(), input);
  std::array<uint8_t, kMacSize> mac;
  std::copy_n(full.begin(), kMacSize, mac.begin());
  return mac;
}

absl::Status CheckTime(const Challenge& challenge, absl::Time now, absl::Duration lifetime) {
  const absl::Time issued = absl::FromUnixMillis(challenge.issue_ms);
  if (issued > now + kChallengeSkew) {
    return absl::OutOfRangeError("challenge: issued ahead of the clock");
  }
  if (now - issued > lifetime) {
    return absl::DeadlineExceededError(
        absl::StrCat("challenge: want at most ", absl::FormatDuration(lifetime), " old, got ",
                     absl::FormatDuration(absl::Trunc(now - issued, absl::Seconds(1)))));
  }
  return absl::OkStatus();
}

}  // namespace

int64_t EpochOf(int64_t unix_ms) { return unix_ms / kEpochMilliseconds; }

absl::StatusOr<std::string> MakeChallenge(const EpochKeys& keys, const ChallengeBinding& binding,
                                          ChallengeKind kind, absl::Time now,
                                          secret::RandomSource& random) {
  const int64_t now_ms = absl::ToUnixMillis(now);
  const auto key = keys.find(EpochOf(now_ms));
  if (key == keys.end()) {
    return absl::UnavailableError("challenge keys: none for the present hour");
  }
  std::array<uint8_t, kChallengeSize> out;
  out[0] = static_cast<uint8_t>(key->first);
  out[1] = static_cast<uint8_t>(static_cast<uint8_t>(kind) << 6 | (binding.data_items & 0x3f));
  PutBigEndian(static_cast<uint64_t>(now_ms), absl::MakeSpan(out).subspan(2, 6));
  random.Fill(absl::MakeSpan(out).subspan(8, 8));
  const auto mac = Mac(key->second, out, binding.endpoint_uid, binding.generation);
  std::copy(mac.begin(), mac.end(), out.begin() + kClearSize);
  return std::string(out.begin(), out.end());
}

Challenge ReadUnverifiedChallenge(Bytes bytes) {
  Challenge challenge;
  if (bytes.size() != kChallengeSize) return challenge;
  challenge.kind = static_cast<ChallengeKind>(bytes[1] >> 6);
  challenge.data_items = bytes[1] & 0x3f;
  challenge.issue_ms = static_cast<int64_t>(GetBigEndian(bytes.subspan(2, 6)));
  std::copy_n(bytes.begin() + 8, 8, challenge.random.begin());
  return challenge;
}

absl::StatusOr<Challenge> OpenChallenge(const EpochKeys& keys, const ChallengeBinding& binding,
                                        absl::Time now, Bytes bytes) {
  if (bytes.size() != kChallengeSize) {
    return absl::InvalidArgumentError(
        absl::StrCat("challenge: want ", kChallengeSize, " bytes, got ", bytes.size()));
  }
  if (bytes[1] >> 6 == 3) {
    return absl::InvalidArgumentError("challenge.kind: want 0 to 2, got 3");
  }
  Challenge challenge = ReadUnverifiedChallenge(bytes);
  const int64_t epoch = EpochOf(challenge.issue_ms);
  if (static_cast<uint8_t>(epoch) != bytes[0]) {
    return absl::UnauthenticatedError("challenge: epoch and issue time disagree");
  }
  const auto key = keys.find(epoch);
  if (key == keys.end()) return absl::NotFoundError("challenge: no key for its epoch");
  const auto matches = [&](uint64_t generation) {
    return secret::ConstantTimeEquals(Mac(key->second, bytes, binding.endpoint_uid, generation),
                                      bytes.subspan(kClearSize));
  };
  if (matches(binding.generation)) {
    challenge.generation = binding.generation;
  } else if (binding.generation > 1 && matches(binding.generation - 1)) {
    challenge.generation = binding.generation - 1;
  } else {
    return absl::UnauthenticatedError("challenge: not issued by this endpoint");
  }
  // A device that supports no extensions was not asked for them again: nothing rests on their list.
  const uint8_t wanted = binding.data_items & static_cast<uint8_t>(~kExtensionsBit);
  if ((challenge.data_items & wanted) != wanted) {
    return absl::FailedPreconditionError(
        "challenge: issued under a configuration that asked for less");
  }
  if (absl::Status in_time = CheckTime(challenge, now, binding.lifetime); !in_time.ok()) {
    return in_time;
  }
  return challenge;
}

absl::StatusOr<Challenge> OpenTimestamp(const ChallengeBinding& binding, absl::Time now,
                                        absl::Time issued_at, Bytes message_digest) {
  if (issued_at > now + kTimestampSkew) {
    return absl::OutOfRangeError("iat: ahead of the clock");
  }
  if (now - issued_at > eat::kMaxTimestampAge) {
    return absl::DeadlineExceededError(absl::StrCat(
        "iat: want at most ", absl::FormatDuration(eat::kMaxTimestampAge), " old, got ",
        absl::FormatDuration(absl::Trunc(now - issued_at, absl::Seconds(1)))));
  }
  Challenge challenge;
  challenge.kind = ChallengeKind::kTimestamp;
  challenge.data_items = binding.data_items & static_cast<uint8_t>(~kExtensionsBit);
  challenge.issue_ms = absl::ToUnixMillis(issued_at);
  std::copy_n(message_digest.begin(), std::min(message_digest.size(), challenge.random.size()),
              challenge.random.begin());
  challenge.generation = binding.generation;
  return challenge;
}

bool MayBeLiftedByRefresh(const absl::Status& refusal) {
  return absl::IsNotFound(refusal) || absl::IsUnauthenticated(refusal) ||
         absl::IsOutOfRange(refusal);
}

const IssuedValues& IssuedValues::Ours() {
  static const auto& ours = *new IssuedValues;
  return ours;
}

}  // namespace tam::gateway

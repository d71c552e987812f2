// Any bytes as a challenge that came back: refused, for a reason, since the keys change with every
// run and no input holds a MAC of theirs. What is made from the same bytes opens as it was made,
// and does not with a bit of it flipped.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "crypto/cbor/cbor.h"
#include "services/gateway/challenge.h"

namespace {

using tam::gateway::Bytes;
using tam::gateway::Challenge;
using tam::gateway::ChallengeBinding;
using tam::gateway::ChallengeKind;
using tam::gateway::EpochKeys;

constexpr int64_t kNowMs = 1'790'000'000'000;

void Check(bool holds) {
  if (!holds) std::abort();
}

const EpochKeys& Keys() {
  static const auto& keys = *[] {
    auto* made = new EpochKeys();
    for (const int64_t back : {0, 1}) {
      made->emplace(tam::gateway::EpochOf(kNowMs) - back,
                    tam::secret::SecretBytes::Random(32, tam::secret::RandomSource::System()));
    }
    return made;
  }();
  return keys;
}

void CheckRefused(const ChallengeBinding& binding, Bytes challenge) {
  const auto opened = OpenChallenge(Keys(), binding, absl::FromUnixMillis(kNowMs), challenge);
  Check(!opened.ok() && !opened.status().message().empty());
}

void CheckMade(const ChallengeBinding& binding, ChallengeKind kind, size_t bit) {
  const auto made = MakeChallenge(Keys(), binding, kind, absl::FromUnixMillis(kNowMs),
                                  tam::secret::RandomSource::System());
  Check(made.ok() && made->size() == tam::gateway::kChallengeSize);
  const Bytes bytes = tam::cbor::AsBytes(*made);
  const auto opened = OpenChallenge(Keys(), binding, absl::FromUnixMillis(kNowMs), bytes);
  Check(opened.ok() && opened->kind == kind && opened->issue_ms == kNowMs);
  Check(opened->data_items == (binding.data_items & 0x3f));
  Check(tam::gateway::ReadUnverifiedChallenge(bytes).issue_ms == kNowMs);
  std::string flipped = *made;
  flipped[bit / 8] = static_cast<char>(flipped[bit / 8] ^ (1 << (bit % 8)));
  CheckRefused(binding, tam::cbor::AsBytes(flipped));
  ChallengeBinding other = binding;
  other.endpoint_uid[0] ^= 1;
  CheckRefused(other, bytes);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 3) return 0;
  ChallengeBinding binding;
  binding.data_items = data[0] & 0x3f;
  binding.generation = 1 + data[1] % 4;
  const auto kind = static_cast<ChallengeKind>((data[0] >> 6) % 3);
  const size_t bit = data[2];
  const Bytes rest(data + 3, size - 3);
  std::copy_n(rest.begin(), std::min(rest.size(), binding.endpoint_uid.size()),
              binding.endpoint_uid.begin());
  CheckRefused(binding, rest);
  CheckMade(binding, kind, bit);
  if (rest.size() >= tam::gateway::kChallengeSize) {
    tam::gateway::ReadUnverifiedChallenge(rest.first(tam::gateway::kChallengeSize));
  }
  return 0;
}

// decode(encode(decode(x))) == decode(x) for TEEP messages of both wire profiles, and every refusal
// says why. The first byte picks the profile: 'L' the legacy one, and is then no part of the
// message; anything else is its first byte.
#include <cstdlib>
#include <string>

#include "crypto/cbor/cbor.h"
#include "teep/message/message.h"
#include "teep/message/older.h"

namespace {

using tam::teep::WireProfile;

void Require(bool condition) {
  if (!condition) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const bool legacy = size > 0 && data[0] == 'L';
  const WireProfile profile = legacy ? WireProfile::kLegacy : WireProfile::kDraft26;
  const tam::teep::Bytes payload = tam::teep::Bytes(data, size).subspan(legacy ? 1 : 0);
  tam::teep::DescribeOlder(payload);
  const auto message = tam::teep::Decode(payload, profile);
  if (!message.ok()) {
    Require(message.status().code() == absl::StatusCode::kInvalidArgument);
    Require(!message.status().message().empty());
    return 0;
  }
  const auto encoded = tam::teep::Encode(*message, profile);
  Require(encoded.ok());
  const auto again = tam::teep::Decode(tam::cbor::AsBytes(*encoded), profile);
  Require(again.ok());
  Require(*again == *message);
  return 0;
}

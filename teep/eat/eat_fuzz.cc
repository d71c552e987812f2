// decode(encode(decode(x))) == decode(x) for EAT claims and media types; refusals say why; the
// form of a ueid and the challenge of a token are read without a crash.
#include <cstdlib>
#include <string>

#include "crypto/cbor/cbor.h"
#include "teep/eat/eat.h"

namespace {

void Require(bool condition) {
  if (!condition) std::abort();
}

void CheckClaims(tam::eat::Bytes input) {
  const auto claims = tam::eat::ParseClaims(input);
  if (!claims.ok()) {
    Require(!claims.status().message().empty());
    return;
  }
  const auto again = tam::eat::ParseClaims(tam::cbor::AsBytes(tam::eat::EncodeClaims(*claims)));
  Require(again.ok() && *again == *claims);
  (void)tam::eat::ParseMeasurements(claims->measurements);
  if (claims->ueid.has_value()) (void)tam::eat::CheckUeid(tam::cbor::AsBytes(*claims->ueid));
}

void CheckMediaType(std::string_view text) {
  const auto media_type = tam::eat::ParseMediaType(text);
  if (!media_type.ok()) {
    Require(!media_type.status().message().empty());
    return;
  }
  const std::string formatted = tam::eat::FormatMediaType(*media_type);
  if (formatted.size() > 512) return;  // quoting may lengthen it past the bound
  const auto again = tam::eat::ParseMediaType(formatted);
  Require(again.ok() && *again == *media_type);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const tam::eat::Bytes input(data, size);
  CheckClaims(input);
  CheckMediaType(tam::cbor::AsView(input));
  (void)tam::eat::ExtractChallenge(input);
  return 0;
}

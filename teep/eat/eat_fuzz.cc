// decode(encode(decode(x))) == decode(x) for EAT claims and media types; refusals say why; the
// form of a ueid and the challenge of a token are read without a crash.
#include <cstdlib>
#include <string>

#include "crypto/cbor/cbor.h"
#include "teep/eat/bundle.h"
#include "teep/eat/ear.h"
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

void CheckBundle(tam::eat::Bytes input) {
  const auto bundle = tam::eat::ParseBundle(input);
  if (!bundle.ok()) {
    Require(!bundle.status().message().empty());
    return;
  }
  Require(tam::eat::IsBundle(input));
  const auto again = tam::eat::ParseBundle(tam::cbor::AsBytes(tam::eat::EncodeBundle(*bundle)));
  Require(again.ok() && *again == *bundle);
  Require(!tam::eat::OpenDetached(*bundle, tam::eat::Claims()).ok());
}

void CheckEar(tam::eat::Bytes input) {
  const auto ear = tam::eat::ParseEar(input);
  if (!ear.ok()) {
    Require(!ear.status().message().empty());
    return;
  }
  Require(!ear->submods.empty());
  const absl::Status status = tam::eat::CheckAffirming(*ear, {ear->profile}, {2});
  for (const auto& [name, appraisal] : ear->submods) {
    const bool affirming = appraisal.status == tam::eat::EarTier::kAffirming;
    Require(affirming || !status.ok());
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const tam::eat::Bytes input(data, size);
  CheckClaims(input);
  CheckBundle(input);
  CheckEar(input);
  CheckMediaType(tam::cbor::AsView(input));
  (void)tam::eat::ExtractChallenge(input);
  (void)tam::eat::ExtractProfile(input);
  (void)tam::eat::ExtractTimestamp(input);
  return 0;
}

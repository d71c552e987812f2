// decode(encode(decode(x))) == decode(x), and every refusal says why.
#include <algorithm>
#include <cstdlib>
#include <string>

#include "crypto/cbor/cbor.h"
#include "teep/suit/report.h"

namespace tam::suit {
namespace {

void Require(bool condition) {
  if (!condition) std::abort();
}

void CheckReport(Bytes input) {
  // A key that opens everything, to what it is: what is inside is read like what is not.
  ReportKeys keys;
  keys.decrypt = [](Bytes sealed) -> absl::StatusOr<std::string> {
    return cbor::AsString(sealed.subspan(std::min<size_t>(sealed.size(), 2)));
  };
  const auto contained = OpenReport(input, keys);
  Require(contained.ok() || !contained.status().message().empty());
  const auto report = ParseReport(input);
  Require(!report.ok() || (contained.ok() && contained->report == *report));
  if (!report.ok()) {
    Require(!report.status().message().empty());
    return;
  }
  const auto encoded = EncodeReport(*report);
  Require(encoded.ok());
  const auto again = ParseReport(cbor::AsBytes(*encoded));
  Require(again.ok() && *again == *report);
}

}  // namespace
}  // namespace tam::suit

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  tam::suit::CheckReport(tam::suit::Bytes(data, size));
  return 0;
}

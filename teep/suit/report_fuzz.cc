// decode(encode(decode(x))) == decode(x), and every refusal says why.
#include <cstdlib>

#include "crypto/cbor/cbor.h"
#include "teep/suit/report.h"

namespace tam::suit {
namespace {

void Require(bool condition) {
  if (!condition) std::abort();
}

void CheckReport(Bytes input) {
  const auto contained = OpenReport(input, {});
  const auto report = ParseReport(input);
  Require(report.ok() == (contained.ok() && contained->report == *report));
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

// Any bytes: an end, a title, a reason for every refusal, and nothing that drives a terminal.
#include <cstdlib>

#include "crypto/cbor/cbor.h"
#include "tools/tamctl/inspect/inspect.h"

namespace tam::inspect {
namespace {

void Require(bool condition) {
  if (!condition) std::abort();
}

void CheckInspect(cbor::Bytes input) {
  const Result result = Inspect(input, {});
  Require(!result.title.empty());
  for (const Problem& problem : result.problems) {
    Require(!problem.reason.empty());
    Require(!problem.offset.has_value() || *problem.offset <= input.size());
  }
  Require(result.ok() || !result.problems.empty());
  for (const char c : ToText(result)) {
    Require(c == '\n' || (static_cast<unsigned char>(c) >= 0x20 && c != 0x7f));
  }
}

}  // namespace
}  // namespace tam::inspect

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  tam::inspect::CheckInspect(tam::cbor::Bytes(data, size));
  return 0;
}

#include "services/attestation/dcap/fault.h"

#include "crypto/text/text.h"

namespace tam::attestation::dcap {

Finding FindingOf(std::string_view prefix, const absl::Status& status) {
  constexpr std::string_view kWant = ": want ";
  constexpr std::string_view kGot = ", got ";
  const std::string_view text = StdView(status.message());
  const size_t want = text.find(kWant);
  const size_t got = text.rfind(kGot);
  if (want == std::string_view::npos || got == std::string_view::npos || got < want) {
    return MakeFinding(prefix, "", text);
  }
  const size_t from = want + kWant.size();
  return MakeFinding(Concat(prefix, text.substr(0, want)), text.substr(from, got - from),
                     text.substr(got + kGot.size()));
}

absl::Status Fault(std::string_view claim, std::string_view want, std::string_view got) {
  return absl::UnauthenticatedError(AbslView(Concat(claim, ": want ", want, ", got ", got)));
}

}  // namespace tam::attestation::dcap

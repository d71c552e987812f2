#include "services/attestation/evidence/hardware_chain.h"

#include "crypto/text/text.h"

namespace tam::attestation {

Finding FindingOf(std::string_view prefix, const absl::Status& status) {
  const std::string_view message = StdView(status.message());
  constexpr std::string_view kWant = ": want ";
  constexpr std::string_view kGot = ", got ";
  const size_t want = message.find(kWant);
  const size_t got = message.rfind(kGot);
  if (want == std::string_view::npos || got == std::string_view::npos ||
      got < want + kWant.size()) {
    return MakeFinding(Concat(prefix, "form"), "one that can be read", message);
  }
  const size_t start = want + kWant.size();
  return MakeFinding(Concat(prefix, message.substr(0, want)), message.substr(start, got - start),
                     message.substr(got + kGot.size()));
}

std::variant<HardwareChain, Finding> VerifyHardwareChain(absl::Span<const std::string> ders,
                                                         const TrustedInput& trusted,
                                                         absl::Time at) {
  if (ders.empty() || ders.size() > x509::kMaxAnchoredLength) {
    return MakeFinding("chain", Concat("1..", x509::kMaxAnchoredLength, " certificates"),
                       Concat(ders.size()));
  }
  const auto chain = x509::Certificate::ParseAll("chain", ders);
  if (!chain.ok()) return FindingOf("", chain.status());
  const auto anchors = x509::Certificate::ParseAll("anchors", trusted.anchors);
  if (!anchors.ok()) return FindingOf("", anchors.status());
  const auto anchored = x509::VerifyToAnchor(*chain, *anchors, trusted.crls, at);
  if (!anchored.ok()) return FindingOf("", anchored.status());
  return HardwareChain{chain->front(), *anchored};
}

}  // namespace tam::attestation

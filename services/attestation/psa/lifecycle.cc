#include "services/attestation/psa/lifecycle.h"

#include <iterator>

#include "absl/strings/str_format.h"
#include "crypto/text/text.h"

namespace tam::attestation::psa {
namespace {

constexpr int8_t kApproved = 2;
constexpr int8_t kUnsafe = 32;
constexpr int8_t kUnacceptable = 96;

enum State : uint8_t { kSecured = 0x30, kDebugBeside = 0x40, kDebugRecoverable = 0x50 };

std::string_view NameOf(uint8_t state) {
  constexpr std::string_view kNames[] = {"unknown",
                                         "assembly and test",
                                         "root of trust provisioning",
                                         "secured",
                                         "debug beside the root of trust",
                                         "recoverable debug of the root of trust",
                                         "decommissioned"};
  const size_t index = state >> 4;
  return state % 16 == 0 && index < std::size(kNames) ? kNames[index] : "reserved";
}

}  // namespace

std::string LifecycleText(uint16_t lifecycle) {
  return Concat("0x", absl::Hex(lifecycle, absl::kZeroPad4), " (",
                NameOf(static_cast<uint8_t>(lifecycle >> 8)), ")");
}

void JudgeLifecycle(std::string_view name, uint16_t lifecycle, EvidenceVerdict& verdict) {
  const uint8_t state = static_cast<uint8_t>(lifecycle >> 8);
  verdict.claims->numbers[std::string(name)] = lifecycle;
  verdict.claims->details[std::string(name)] = LifecycleText(lifecycle);
  if (state == kSecured) {
    verdict.trust.configuration = kApproved;
    return;
  }
  const bool beside = state == kDebugBeside;
  verdict.claims->debug |= beside || state == kDebugRecoverable;
  verdict.trust.configuration = beside ? kUnsafe : kUnacceptable;
  auto& findings = beside ? verdict.warned : verdict.refused;
  findings.push_back(MakeFinding(name, "0x3000..0x30ff (secured)", LifecycleText(lifecycle)));
}

}  // namespace tam::attestation::psa

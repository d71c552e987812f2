#include "services/attestation/eat/appraisal.h"

#include <algorithm>
#include <array>

#include "absl/strings/escaping.h"
#include "crypto/text/text.h"

namespace tam::attestation {
namespace {

constexpr size_t kMaxText = 256;
constexpr size_t kMaxHexBytes = 64;

std::string Cut(std::string_view text) {
  if (text.size() <= kMaxText) return std::string(text);
  size_t end = kMaxText - 3;
  while (end > 0 && (static_cast<uint8_t>(text[end]) & 0xc0) == 0x80) --end;  // whole characters
  return Concat(text.substr(0, end), "...");
}

}  // namespace

std::string_view TierName(Tier tier) {
  switch (tier) {
    case Tier::kNone:
      return "none";
    case Tier::kAffirming:
      return "affirming";
    case Tier::kWarning:
      return "warning";
    case Tier::kContraindicated:
      return "contraindicated";
  }
  return "none";
}

Tier TierOf(int8_t value) {
  const int magnitude = value < 0 ? -value - 1 : value;
  if (magnitude <= 1) return value == -2 ? Tier::kAffirming : Tier::kNone;
  if (magnitude < 32) return Tier::kAffirming;
  if (magnitude < 96) return Tier::kWarning;
  return Tier::kContraindicated;
}

Tier TrustVector::Status() const {
  Tier worst = Tier::kNone;
  for (const int8_t claim : {instance_identity, configuration, executables, hardware}) {
    worst = std::max(worst, TierOf(claim));
  }
  return worst;
}

std::string TrustVector::ToString() const {
  return Concat("instance-identity=", static_cast<int>(instance_identity),
                " configuration=", static_cast<int>(configuration),
                " executables=", static_cast<int>(executables),
                " hardware=", static_cast<int>(hardware));
}

std::string HexText(std::string_view bytes) {
  std::string text = absl::BytesToHexString(AbslView(bytes.substr(0, kMaxHexBytes)));
  if (bytes.size() > kMaxHexBytes) Append(&text, "... (", bytes.size(), " bytes)");
  return text;
}

Finding MakeFinding(std::string_view claim, std::string_view expected, std::string_view found) {
  return {Cut(claim), Cut(expected), Cut(found)};
}

}  // namespace tam::attestation

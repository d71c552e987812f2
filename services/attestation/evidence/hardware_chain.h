// Chains of hardware makers' certificates (AMD, AWS, TPM vendors), with a Finding for what is
// wrong.
#ifndef TAMARACK_SERVICES_ATTESTATION_EVIDENCE_HARDWARE_CHAIN_H_
#define TAMARACK_SERVICES_ATTESTATION_EVIDENCE_HARDWARE_CHAIN_H_

#include <string>
#include <string_view>
#include <variant>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "crypto/x509/anchored.h"
#include "services/attestation/eat/appraisal.h"
#include "services/attestation/evidence/evidence.h"

namespace tam::attestation {

struct HardwareChain {
  x509::Certificate leaf;
  x509::Anchored anchored;
};

// x509::VerifyToAnchor of `ders`, the leaf first, to TrustedInput::anchors, with its crls: lists
// that a device brings do not count, for it would bring an old one. Claims are "chain",
// "chain[1].signature", "chain[0].validity", "anchors[0]...", "crl".
std::variant<HardwareChain, Finding> VerifyHardwareChain(absl::Span<const std::string> ders,
                                                         const TrustedInput& trusted,
                                                         absl::Time at);

// A Finding out of an error of the libraries below, whose messages read "path: want X, got Y";
// `prefix` is put before the path. A message of another form is what was found.
Finding FindingOf(std::string_view prefix, const absl::Status& status);

}  // namespace tam::attestation

#endif  // TAMARACK_SERVICES_ATTESTATION_EVIDENCE_HARDWARE_CHAIN_H_

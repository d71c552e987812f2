// The checks of an authentic token's claims. Each adds its findings and its part of the trust
// vector; none stops another. Internal to services/attestation/eat.
#ifndef TAMARACK_SERVICES_ATTESTATION_EAT_CLAIM_CHECKS_H_
#define TAMARACK_SERVICES_ATTESTATION_EAT_CLAIM_CHECKS_H_

#include <map>
#include <optional>
#include <set>
#include <string>

#include "services/attestation/eat/appraisal.h"
#include "services/attestation/eat/verifier.h"
#include "teep/eat/eat.h"

namespace tam::attestation {

enum class Presence { kRequired, kOptional };

// Borrows both arguments. Not thread safe.
class ClaimChecker {
 public:
  ClaimChecker(const eat::Claims& claims, const Expectations& expected)
      : claims_(claims), expected_(expected) {}

  void Profile(const std::string& profile, Presence presence);
  // exp, nbf and iat by Expectations::at, with kClockSkew.
  void Times();
  // eat_nonce: one, and equal to the challenge. An array is refused: "contains" is not "equals".
  // Where an audience is expected, aud and iat instead.
  void Freshness();
  // cnf names the agent's key (T-35).
  void Binding(Presence presence);
  // ueid, oemid, hwmodel, hwversion: present, well formed, and those that are known already.
  void Identity();
  // dbgstat 2 to 4; oemboot true.
  void DebugState();
  void Measurements(const std::map<std::string, std::set<std::string>>& reference_values);
  // There are some, and they can be read; the vector keeps its silence about them.
  void MeasurementsForm();
  // manifests (272): mandatory in the TEEP profile's results.
  void Manifests();
  // An accepted verifier's result without findings affirms what it covers.
  void ResultTrust();

  Appraisal Finish() &&;

 private:
  void Add(std::string_view claim, std::string_view expected, std::string_view found);
  // Raises a claim of the vector to `value` when that is worse than what stands there.
  static void Worsen(int8_t& claim, int8_t value);
  void Timestamp();
  // Nullopt, with a finding, where they cannot be read.
  std::optional<std::map<std::string, std::string>> ReadMeasurements();
  void ClassPart(std::string_view claim, const std::string& known, const std::string& found);

  const eat::Claims& claims_;
  const Expectations& expected_;
  Appraisal appraisal_;
};

}  // namespace tam::attestation

#endif  // TAMARACK_SERVICES_ATTESTATION_EAT_CLAIM_CHECKS_H_

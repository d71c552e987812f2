// Holds what the TAM recorded against what the devices know.
#ifndef TAMARACK_TESTS_FAULTS_FLEET_COMPARE_H_
#define TAMARACK_TESTS_FAULTS_FLEET_COMPARE_H_

#include <ostream>
#include <string>
#include <vector>

#include "tests/faults/fleet/ledger.h"
#include "tests/faults/fleet/tam_record.h"

namespace tam::testing {

struct Difference {
  std::string device;  // empty: of the whole
  std::string reason;
};
std::ostream& operator<<(std::ostream& out, const Difference& difference);

struct CompareOptions {
  // What every device must hold in the end.
  std::vector<ManifestVersion> present = {};
  // What every device must have installed exactly once, ever.
  std::vector<ManifestVersion> installed_once = {};
  // An update that was opened may have been withheld with a 204, because its manifest was
  // withdrawn meanwhile.
  bool may_withhold = false;
  // A QueryResponse may have been dropped with a 204, because the gateway that issued its challenge
  // was behind the one whose challenge the device used before.
  bool may_drop = false;
};

// Empty when both agree. The devices must be at rest. Held to be true of each device:
//
//   installed  where every update was acknowledged, exactly what is on the device; otherwise at
//              least something that was on it
//   reports    one that was acknowledged closed its update, once and with its outcome; no update
//              is closed that the device did not report
//   updates    one is open only if its report was not acknowledged, or if its Update may have been
//              lost on the way; one that the device saw is open or closed
//   challenges each is accepted at most once, and only if the device answered it; each
//   QueryResponse
//              that was answered is accepted, unless the answer was a refusal
//   audit      one row an accepted QueryResponse and one a closed update; each row is queued
std::vector<Difference> Compare(const Ledger& ledger, const TamRecord& tam,
                                const CompareOptions& options = CompareOptions());

}  // namespace tam::testing

#endif  // TAMARACK_TESTS_FAULTS_FLEET_COMPARE_H_

// Registers a fleet with a TAM, over the API that operators use, several devices at a time.
#ifndef TAMARACK_TESTS_FAULTS_FLEET_ENROLMENT_H_
#define TAMARACK_TESTS_FAULTS_FLEET_ENROLMENT_H_

#include <string>

#include "absl/status/status.h"
#include "tests/faults/fleet/fleet.h"

namespace tam::testing {

struct OperatorAccess {
  std::string servers;  // as TAMCTL_SERVER
  std::string trust_domain = "tamarack.example";
  // PEM files.
  std::string cert_file;
  std::string key_file;
  std::string ca_file;
  std::string tenant = "demo";
};

// Every device with its class, its agent key for all endpoints of the tenant, and its attestation
// key. The first error of a call; some devices may be registered then.
absl::Status Enrol(const Fleet& fleet, const OperatorAccess& access);

}  // namespace tam::testing

#endif  // TAMARACK_TESTS_FAULTS_FLEET_ENROLMENT_H_

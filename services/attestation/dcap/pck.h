// The certificate of a platform's provisioning certification key (PCK), and what Intel says in it
// of the platform: the SGX extension 1.2.840.113741.1.13.1.
//
//   SGX extension = SEQUENCE OF SEQUENCE { OID, value }, OIDs below 1.2.840.113741.1.13.1:
//     .1 PPID, 16 octets          .2 TCB, SEQUENCE OF SEQUENCE { OID, value }:
//     .3 PCE id, 2 octets             .1 to .16 component SVNs, INTEGER 0..255
//     .4 FMSPC, 6 octets              .17 PCE SVN, INTEGER 0..65535
//     .5 SGX type, ENUMERATED         .18 CPU SVN, 16 octets
//     .6 platform instance id, 16 octets       .7 configuration, SEQUENCE
//
// .1 to .5 must be there; none may be there twice; others are passed over.
#ifndef TAMARACK_SERVICES_ATTESTATION_DCAP_PCK_H_
#define TAMARACK_SERVICES_ATTESTATION_DCAP_PCK_H_

#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "crypto/keys/key.h"
#include "crypto/x509/anchored.h"
#include "services/attestation/dcap/tcb_levels.h"

namespace tam::attestation::dcap {

enum class PckCa { kProcessor, kPlatform };

struct PckFacts {
  PckCa ca = PckCa::kProcessor;
  std::string serial;  // hexadecimal
  std::string ppid;
  std::string pce_id;
  std::string fmspc;
  std::string cpu_svn;
  std::string platform_instance_id;  // empty: the platform has none
  PlatformSvns svns;
};

// InvalidArgument or Unauthenticated "pck.…: want …, got …" unless `leaf` has the names of a PCK
// certificate, a P-256 key that may sign, and the extension in the form above. Who signed it is for
// the caller.
absl::StatusOr<PckFacts> ReadPck(const x509::Certificate& leaf);

}  // namespace tam::attestation::dcap

#endif  // TAMARACK_SERVICES_ATTESTATION_DCAP_PCK_H_

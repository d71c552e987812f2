// What a platform, its quoting enclave and its TDX module are worth by Intel's TCB info and enclave
// identity: ATTESTATION.md section 6.1, steps 8 to 11. Pure; nothing here is about signatures.
#ifndef TAMARACK_SERVICES_ATTESTATION_DCAP_TCB_LEVELS_H_
#define TAMARACK_SERVICES_ATTESTATION_DCAP_TCB_LEVELS_H_

#include <cstdint>
#include <optional>
#include <vector>

#include "services/attestation/dcap/collateral.h"
#include "services/attestation/dcap/quote.h"
#include "services/attestation/evidence/evidence.h"

namespace tam::attestation::dcap {

// Of the PCK certificate: what the platform had when the quote's key was certified.
struct PlatformSvns {
  Components components{};
  uint16_t pce_svn = 0;
};

// The one finding for which `report` is not that of the enclave that `identity` names; nullopt: it
// is. Claims qe_report.mrsigner, .isvprodid, .miscselect, .attributes.
std::optional<Finding> CheckQeIdentity(const QeIdentity& identity, const SgxReport& report);

// The first level that `isv_svn` reaches; null: none.
const SvnLevel* FindLevel(const std::vector<SvnLevel>& levels, uint16_t isv_svn);

// The TCB of a quote. `td` is null for SGX. With a finding for each part that has no level, for a
// TDX module that is not Intel's, and for a status whose text is not known.
struct Evaluation {
  Tcb tcb;
  std::vector<Finding> findings;
};
Evaluation EvaluateTcb(const TcbInfo& info, const QeIdentity& identity, const PlatformSvns& svns,
                       uint16_t qe_isv_svn, const TdReport* td);

// Step 10, of one part's status with the platform's.
TcbStatus Converge(TcbStatus platform, TcbStatus part);

}  // namespace tam::attestation::dcap

#endif  // TAMARACK_SERVICES_ATTESTATION_DCAP_TCB_LEVELS_H_

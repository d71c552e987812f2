// Of the certificate that signs reports: is it the right kind, and the report's own? Within this
// room.
#ifndef TAMARACK_SERVICES_ATTESTATION_SNP_CERTIFICATE_CHECKS_H_
#define TAMARACK_SERVICES_ATTESTATION_SNP_CERTIFICATE_CHECKS_H_

#include <optional>
#include <variant>

#include "crypto/x509/anchored.h"
#include "services/attestation/snp/report.h"

namespace tam::attestation::snp {

// The product of a VCEK or VLEK, as `report` says which it is; or what does not fit: kind of
// certificate, issuer, product, TCB, chip. The chain is verified already.
std::variant<Product, Finding> CheckCertificate(const x509::Certificate& certificate,
                                                const Report& report);

}  // namespace tam::attestation::snp

#endif  // TAMARACK_SERVICES_ATTESTATION_SNP_CERTIFICATE_CHECKS_H_

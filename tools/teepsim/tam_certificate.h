// The TAM's certificates, as a device looks at them that trusts an authority (draft -26 section
// 10.1, RFC 9360).
#ifndef TAMARACK_TOOLS_TEEPSIM_TAM_CERTIFICATE_H_
#define TAMARACK_TOOLS_TEEPSIM_TAM_CERTIFICATE_H_

#include <optional>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "crypto/cose/cose.h"
#include "crypto/keys/key.h"
#include "crypto/x509/credentials.h"
#include "teep/message/message.h"

namespace tam::teepsim {

// The x5chain beside the signature of `key`: the one whose kid it is, or the only one.
std::vector<std::string> ChainOf(const cose::Message& message, const keys::PublicKey& key);

// ERR_BAD_CERTIFICATE unless `chain` leads from `signer` to one of `trusted` at `now`,
// ERR_CERTIFICATE_EXPIRED where only expiry is wrong. With the token of the request.
std::optional<teep::Error> CertificateObjection(const teep::QueryRequest& request,
                                                const std::vector<std::string>& chain,
                                                const keys::PublicKey& signer,
                                                const x509::Authorities& trusted, absl::Time now);

}  // namespace tam::teepsim

#endif  // TAMARACK_TOOLS_TEEPSIM_TAM_CERTIFICATE_H_

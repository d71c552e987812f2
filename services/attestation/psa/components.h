// Software components: claim 2399 of PSA (RFC 9783 section 4.4.1) and of CCA platform tokens.
//
//   software-component = { ? 1: type text, 2: value bytes, ? 4: version text, 5: signer id bytes,
//                          ? 6: description text }          ; CCA: 6 is the hash algorithm
#ifndef TAMARACK_SERVICES_ATTESTATION_PSA_COMPONENTS_H_
#define TAMARACK_SERVICES_ATTESTATION_PSA_COMPONENTS_H_

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "crypto/cbor/cbor.h"
#include "services/attestation/evidence/claim_reader.h"
#include "services/attestation/evidence/evidence.h"

namespace tam::attestation::psa {

inline constexpr size_t kMaxComponents = 64;

struct Component {
  std::string type;
  std::string value;  // 32, 48 or 64 octets
  std::string version;
  std::string signer_id;  // 32, 48 or 64 octets
  std::string description;
};

// What is wrong goes to `reader`, as "software_components[1].value".
std::vector<Component> ReadComponents(ClaimName claim, Need need, ClaimReader& reader);

// A measurement each, named by its type ("component.0" where it has none; "BL#2", "BL#3" where
// earlier ones have that name) after `path`; signer id, version and description as details
// "BL.signer_id" and so on.
void AddComponents(std::string_view path, const std::vector<Component>& components,
                   EvidenceClaims& claims);

}  // namespace tam::attestation::psa

#endif  // TAMARACK_SERVICES_ATTESTATION_PSA_COMPONENTS_H_

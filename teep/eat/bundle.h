// Detached EAT bundles (RFC 9711 section 5): a token, and claims sets that its submodules hold only
// the digests of.
//
//   602([main-token: bstr, { + name: tstr => bstr .cbor claims-set }])
//   submods (266) = { name => [hash algorithm: -16 (SHA-256), digest: bstr] / other kinds }
#ifndef TAMARACK_TEEP_EAT_BUNDLE_H_
#define TAMARACK_TEEP_EAT_BUNDLE_H_

#include <map>
#include <string>

#include "absl/status/statusor.h"
#include "teep/eat/eat.h"

namespace tam::eat {

// Nothing of it is verified. The claims sets say nothing until OpenDetached has compared them.
struct Bundle {
  std::string token;                               // with or without tag 61
  std::map<std::string, std::string> claims_sets;  // name -> encoded claims set
  bool operator==(const Bundle&) const = default;
};

// Whether the bytes start with tag 602.
bool IsBundle(Bytes bytes);
// InvalidArgument "eat-bundle…": not strict CBOR, another tag, a token that is no byte string (JSON
// tokens are not read), no claims set or more than 32; at most 64 KiB.
absl::StatusOr<Bundle> ParseBundle(Bytes bytes);
std::string EncodeBundle(const Bundle& bundle);

// The claims sets, once `verified`, the claims of the token whose signature has been verified,
// names the SHA-256 digest of each. InvalidArgument for a claims set that does not parse, or a
// submods claim that is no map; Unauthenticated for a set whose name has no digest or another one.
absl::StatusOr<std::map<std::string, Claims>> OpenDetached(const Bundle& bundle,
                                                           const Claims& verified);

}  // namespace tam::eat

#endif  // TAMARACK_TEEP_EAT_BUNDLE_H_

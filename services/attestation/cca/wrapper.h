// The two tokens in an Arm CCA token: ATTESTATION.md section 10, draft-ffm-rats-cca-token.
//
//   #6.399({ 44234: bytes .cbor COSE_Sign1, 44241: bytes .cbor COSE_Sign1 })        ; EAT
//   collection #6.907({ 44234: [263, bytes ...], 44241: [263, bytes ...] })                    ;
//   CMW collection
//
// 263 is the content-format of application/eat+cwt. Nothing else stands beside: what no signature
// covers must say nothing.
#ifndef TAMARACK_SERVICES_ATTESTATION_CCA_WRAPPER_H_
#define TAMARACK_SERVICES_ATTESTATION_CCA_WRAPPER_H_

#include <string>
#include <string_view>

#include "services/attestation/evidence/token.h"

namespace tam::attestation::cca {

// Of the media type of the EAT collection.
inline constexpr char kCollectionProfile[] = "http://arm.com/CCA-SSD/1.0.0";

struct Parts {
  Token platform;
  Token realm;
};

// With `profile` kCollectionProfile an EAT collection, with an empty one either. Findings
// "profile", "tag", "token", and "platform." and "realm." before those of Token::Parse.
OrFinding<Parts> Unwrap(Bytes evidence, std::string_view profile);

}  // namespace tam::attestation::cca

#endif  // TAMARACK_SERVICES_ATTESTATION_CCA_WRAPPER_H_

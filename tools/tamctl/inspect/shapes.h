// The shapes of TEEP, SUIT, COSE and EAT structures (draft-ietf-teep-protocol-26,
// draft-ietf-suit-manifest-37, -trust-domains-12, -report-18, RFC 9052, RFC 9711).
#ifndef TAMARACK_TOOLS_TAMCTL_INSPECT_SHAPES_H_
#define TAMARACK_TOOLS_TAMCTL_INSPECT_SHAPES_H_

#include "tools/tamctl/inspect/shape.h"

namespace tam::inspect::shapes {

// Names nothing.
const Shape& Plain(const cbor::Item&);

// A TEEP message payload: [type, options, ...].
const Shape& TeepMessage(const cbor::Item& item);
// The same with the numbers of drafts up to -24 (teep/message/labels.h).
const Shape& LegacyTeepMessage(const cbor::Item& item);

const Shape& Envelope(const cbor::Item&);
const Shape& Manifest(const cbor::Item&);
// Commands by code: the member of a code names it and has the shape of its argument.
const Shape& CommandArguments();
const Shape& SuitReport(const cbor::Item&);
const Shape& SuitDigest(const cbor::Item&);
const Shape& ComponentId(const cbor::Item&);

// COSE_Sign1, _Sign, _Mac0, _Mac, _Encrypt0 or _Encrypt, tagged or not.
const Shape& Cose(const cbor::Item& item);
// The same around a TEEP message of those drafts.
const Shape& LegacyCose(const cbor::Item& item);
const Shape& CoseKey(const cbor::Item&);
// Of an EAT, and of an EAR (draft-ietf-rats-ear).
const Shape& EatClaims(const cbor::Item&);
// A detached EAT bundle: [token, {name: claims set}].
const Shape& Bundle(const cbor::Item&);

// A byte string whose content is looked at: shown as what it holds where that is one of the
// structures above, else as bytes.
const Shape& Opaque(const cbor::Item&);
// The same, where any CBOR item is shown as such.
const Shape& OpaqueCbor(const cbor::Item&);

std::string AlgorithmName(int64_t algorithm);
std::string MessageTypeText(int64_t type);
std::string LegacyMessageTypeText(int64_t type);
std::string ErrorCodeText(int64_t code);

}  // namespace tam::inspect::shapes

#endif  // TAMARACK_TOOLS_TAMCTL_INSPECT_SHAPES_H_

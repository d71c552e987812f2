// Readers of single SUIT structures out of a parsed CBOR item; for this folder's .cc files alone.
#ifndef TAMARACK_TEEP_SUIT_ITEMS_H_
#define TAMARACK_TEEP_SUIT_ITEMS_H_

#include <cstdint>
#include <map>
#include <set>
#include <string>

#include "absl/status/statusor.h"
#include "crypto/cbor/cbor.h"
#include "teep/suit/envelope.h"

namespace tam::suit {

inline constexpr size_t kMaxComponents = 64;
inline constexpr size_t kMaxCommands = 1024;  // of one sequence, nested ones included
inline constexpr size_t kMaxNesting = 8;

// SUIT_Digest = [algorithm, bytes].
absl::StatusOr<Digest> DigestFrom(const cbor::Item& item);
// SUIT_Component_Identifier = [+ bstr].
absl::StatusOr<ComponentId> ComponentIdFrom(const cbor::Item& item);

// SHA-256 over an item's own bytes, head included, as a SUIT_Digest.
Digest Sha256Of(Bytes bytes);

// A command sequence, its nested ones checked as well. `indexes` are the component indexes that
// set-component-index may name; nullptr: any.
absl::StatusOr<CommandSequence> ParseSequence(Bytes encoded, std::string_view path,
                                              const std::set<uint64_t>* indexes);

// SUIT_Manifest, from the contents of the envelope's key 3. `severed` holds the envelope's severed
// members by key: each must be named by the manifest with its digest.
absl::StatusOr<Manifest> ParseManifest(Bytes encoded, const std::map<int64_t, cbor::Item>& severed);

// Whether a severable member's key: 14, 15, 16, 18, 20, 23.
bool IsSeverable(int64_t key);

// The content algorithm of a SUIT_Encryption_Info (COSE_Encrypt, tag 96, detached).
absl::StatusOr<int64_t> EncryptionAlgorithm(Bytes encryption_info, std::string_view path);

}  // namespace tam::suit

#endif  // TAMARACK_TEEP_SUIT_ITEMS_H_

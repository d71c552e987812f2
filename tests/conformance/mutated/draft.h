// A TEEP message that a device is about to send, with all that a mutation may change about it.
#ifndef TAMARACK_TESTS_CONFORMANCE_MUTATED_DRAFT_H_
#define TAMARACK_TESTS_CONFORMANCE_MUTATED_DRAFT_H_

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "crypto/keys/key.h"
#include "teep/message/message.h"
#include "tests/conformance/mutated/cbor_tree.h"
#include "tests/conformance/mutated/mutator.h"

namespace tam::conformance {

// What is wrong with a message, or with where it goes.
enum class Mutation {
  kNone,
  kField,             // one to three of FieldChange
  kForeignToken,      // of another device, or nobody's
  kForeignChallenge,  // of another endpoint or tenant; of another connection, which is no harm
  kForeignEvidence,   // of another device; of this one for another challenge
  kForeignReport,     // for another token
  kHeaderAlg,         // another number, or in the unprotected bucket
  kHeaderKid,         // another key's, of another size, none, twice
  kHeaderCrit,        // names what nobody understands, or is malformed
  kBitFlip,           // anywhere in what is sent
  kOtherDevicesKey,   // signed by it, under its own name or that of the right key
  kOtherTenantsKey,
  kRogueKey,
  kReplay,       // the very bytes again, to any endpoint of any tenant
  kMisdirected,  // a good message, to another endpoint or tenant
  kCount,        // no mutation
};
inline constexpr size_t kMutationCount = static_cast<size_t>(Mutation::kCount);
std::string_view MutationName(Mutation mutation);

// COSE_Sign1 as it is written, right or wrong.
struct Header {
  int64_t algorithm = 0;
  bool algorithm_protected = true;
  std::optional<std::string> kid;
  bool kid_twice = false;    // in both buckets
  std::optional<Node> crit;  // protected
};

struct Draft {
  Node payload;
  Header header;
  const keys::PrivateKey* key = nullptr;  // borrowed
  std::string path;
  std::string Payload() const { return EncodeTree(payload); }
};

// The good one. The message must be one that teep::Encode takes.
Draft NewDraft(const teep::Message& message, const keys::PrivateKey& key, std::string path);

// Of kHeaderAlg, kHeaderKid or kHeaderCrit.
void ChangeHeader(Draft& draft, Mutation mutation, Random& random);

// Signed by its key over the header that it says.
std::string Assemble(const Draft& draft);

// The message of a COSE_Sign1 or COSE_Sign, its signature unchecked; nullopt where there is none.
std::optional<teep::Message> MessageIn(std::string_view bytes);

// Whether `bytes` is a Success or an Error that `key` signed, with this token: what a device may
// say, however it came about.
bool IsReportOf(std::string_view bytes, const keys::PublicKey& key, const std::string& token);

}  // namespace tam::conformance

#endif  // TAMARACK_TESTS_CONFORMANCE_MUTATED_DRAFT_H_

// Changes to a good message, one field at a time.
#ifndef TAMARACK_TESTS_CONFORMANCE_MUTATED_MUTATOR_H_
#define TAMARACK_TESTS_CONFORMANCE_MUTATED_MUTATOR_H_

#include <array>
#include <cstdint>
#include <iterator>
#include <random>
#include <string>
#include <string_view>

#include "tests/conformance/mutated/cbor_tree.h"

namespace tam::conformance {

using Random = std::mt19937_64;

// Below `bound`, which is not 0.
inline size_t Below(Random& random, size_t bound) { return random() % bound; }

// The same choice as in any run from the same seed.
template <typename List>
auto& OneOf(Random& random, List& list) {
  return list[Below(random, std::size(list))];
}

enum class FieldChange { kDrop, kDuplicate, kSwap, kRetype, kResize, kRenumber };
inline constexpr std::array kFieldChanges = {FieldChange::kDrop,   FieldChange::kDuplicate,
                                             FieldChange::kSwap,   FieldChange::kRetype,
                                             FieldChange::kResize, FieldChange::kRenumber};
// "drop", "duplicate", "swap", "retype", "resize", "renumber".
std::string_view FieldChangeName(FieldChange change);

// Changes one place of the tree, anywhere. False where it has none for such a change.
//   drop, duplicate  an element, or a map's pair
//   swap             two elements, or the values of two pairs
//   retype           an item becomes one of another type
//   resize           a string or list gets a length, an integer a value, at some bound
//   renumber         the label of a map's pair, the type of a message
bool ChangeField(Node& root, FieldChange change, Random& random);

// Flips one bit of bytes that are not empty.
void FlipBit(std::string& bytes, Random& random);

}  // namespace tam::conformance

#endif  // TAMARACK_TESTS_CONFORMANCE_MUTATED_MUTATOR_H_

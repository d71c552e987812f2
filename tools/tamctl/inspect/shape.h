// What the parts of a CBOR structure are called, as data: which label of a map is which field,
// what stands at which place of an array, and what a byte string holds.
//
// A shape only names; it never refuses. Whether bytes are well formed is decided by the rooms that
// own the formats (crypto, teep).
#ifndef TAMARACK_TOOLS_TAMCTL_INSPECT_SHAPE_H_
#define TAMARACK_TOOLS_TAMCTL_INSPECT_SHAPE_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "crypto/cbor/cbor.h"

namespace tam::inspect {

struct Shape;

// Chooses the shape of an item, which it may look at. A function and no pointer, because shapes
// contain each other.
using ShapeOf = const Shape& (*)(const cbor::Item&);

// A word for a number ("ESP256" for -9); empty when there is none.
using NumberName = std::string (*)(int64_t);

// A map member under an integer label.
struct Member {
  int64_t label = 0;
  std::string_view name;
  ShapeOf shape = nullptr;
};

// An array element.
struct Element {
  std::string_view name;
  ShapeOf shape = nullptr;
};

struct Shape {
  enum class Style {
    kPlain,
    kCommands,     // SUIT_Command_Sequence: code, argument, code, argument...
    kComponentId,  // byte strings that are shown as text where they are printable
    kSecret,       // private key material: its length is shown, never its bytes
    kTime,         // seconds since the epoch, shown as a date as well
    kCertificate,  // DER: its subject, issuer and validity are shown as well
  };

  std::vector<Member> members = {};
  ShapeOf text_members = nullptr;   // of values under text keys
  ShapeOf array_members = nullptr;  // of values under arrays, which are component identifiers
  ShapeOf other_members = nullptr;  // of values under integers that no member has
  std::vector<Element> elements = {};
  Element rest = {};          // elements after those
  ShapeOf content = nullptr;  // of the one item that a byte string encodes
  Style style = Style::kPlain;
  NumberName number_name = nullptr;

  const Member* FindMember(int64_t label) const {
    for (const Member& member : members) {
      if (member.label == label) return &member;
    }
    return nullptr;
  }
};

}  // namespace tam::inspect

#endif  // TAMARACK_TOOLS_TAMCTL_INSPECT_SHAPE_H_

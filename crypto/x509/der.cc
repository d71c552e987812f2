#include "crypto/x509/der.h"

#include <cstddef>

#include "crypto/text/text.h"
#include "openssl/bytestring.h"
#include "openssl/mem.h"

namespace tam::x509 {
namespace {

constexpr size_t kMaxElements = 64;

absl::Status Want(std::string_view what, std::string_view got) {
  return absl::InvalidArgumentError(AbslView(Concat("der: want ", what, ", got ", got)));
}

CBS Over(std::string_view bytes) {
  CBS cbs;
  CBS_init(&cbs, reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size());
  return cbs;
}

std::string_view View(const CBS& cbs) {
  return {reinterpret_cast<const char*>(CBS_data(&cbs)), CBS_len(&cbs)};
}

}  // namespace

absl::StatusOr<std::vector<DerElement>> ReadDer(std::string_view der) {
  std::vector<DerElement> elements;
  CBS rest = Over(der);
  while (CBS_len(&rest) != 0) {
    CBS element;
    unsigned tag = 0;
    size_t header = 0;
    if (elements.size() == kMaxElements) return Want("at most 64 elements", "more");
    if (CBS_get_any_asn1_element(&rest, &element, &tag, &header) != 1) {
      return Want("elements in DER",
                  Concat("others after ", der.size() - CBS_len(&rest), " bytes"));
    }
    const auto octet = static_cast<uint8_t>(CBS_data(&element)[0]);
    if ((octet & 0x1f) == 0x1f) return Want("tags of one octet", "a longer one");
    CBS_skip(&element, header);
    elements.push_back({octet, View(element)});
  }
  return elements;
}

absl::StatusOr<std::vector<DerElement>> ReadDerWithin(uint32_t tag, std::string_view der) {
  const auto outer = ReadDer(der);
  if (!outer.ok()) return outer.status();
  if (outer->size() != 1 || outer->front().tag != tag) {
    return Want(Concat("one element of tag ", tag), Concat(outer->size(), " or another tag"));
  }
  return ReadDer(outer->front().content);
}

absl::StatusOr<std::string> DerOidText(const DerElement& element) {
  const CBS cbs = Over(element.content);
  const bssl::UniquePtr<char> text(element.tag == kDerOid ? CBS_asn1_oid_to_text(&cbs) : nullptr);
  if (text == nullptr) return Want("an object identifier", Concat("tag ", element.tag));
  return std::string(text.get());
}

absl::StatusOr<uint64_t> DerNumber(const DerElement& element) {
  const std::string_view content = element.content;
  const auto octet = [&](size_t i) { return static_cast<uint8_t>(content[i]); };
  if (element.tag != kDerInteger || content.empty()) {
    return Want("an integer", Concat("tag ", element.tag));
  }
  const bool padded = octet(0) == 0 && content.size() > 1;
  if (octet(0) >= 0x80 || (padded && octet(1) < 0x80) || content.size() > (padded ? 9U : 8U)) {
    return Want("an integer of 0..2^64-1 in the fewest octets", "another");
  }
  uint64_t number = 0;
  for (size_t i = 0; i < content.size(); ++i) number = number << 8 | octet(i);
  return number;
}

}  // namespace tam::x509

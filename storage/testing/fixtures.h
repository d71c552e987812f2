// Values for tests of storage.

#ifndef TAMARACK_STORAGE_TESTING_FIXTURES_H_
#define TAMARACK_STORAGE_TESTING_FIXTURES_H_

#include <array>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "storage/model/component_id.h"
#include "storage/model/id.h"

namespace tam::storage {

// Bytes that differ at each call, in every test of this process.
void TestRandom(absl::Span<uint8_t> out);

template <typename Fixed>
Fixed RandomFixed() {
  std::array<uint8_t, Fixed::kSize> bytes;
  TestRandom(absl::MakeSpan(bytes));
  return Fixed(bytes);
}

Bytes BytesOf(absl::string_view text);
ComponentId Component(const std::vector<std::string>& segments);

}  // namespace tam::storage

#endif  // TAMARACK_STORAGE_TESTING_FIXTURES_H_

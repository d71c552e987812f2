#include "storage/testing/fixtures.h"

#include <mutex>
#include <random>

namespace tam::storage {

void TestRandom(absl::Span<uint8_t> out) {
  static std::mutex mutex;
  static std::mt19937_64& engine = *new std::mt19937_64(20261124);
  std::lock_guard lock(mutex);
  for (uint8_t& byte : out) byte = static_cast<uint8_t>(engine());
}

Bytes BytesOf(absl::string_view text) { return Bytes(text.begin(), text.end()); }

ComponentId Component(const std::vector<std::string>& segments) {
  std::vector<Bytes> bytes;
  for (const std::string& segment : segments) bytes.push_back(BytesOf(segment));
  return *ComponentId::FromSegments(std::move(bytes));
}

}  // namespace tam::storage

// Numbers and lengths out of bytes, never beyond their end. Within this room.
#ifndef TAMARACK_SERVICES_ATTESTATION_TPM_READER_H_
#define TAMARACK_SERVICES_ATTESTATION_TPM_READER_H_

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace tam::attestation::tpm {

enum class Order { kBigEndian, kLittleEndian };

// Borrows its bytes. After the first read beyond the end all reads give zeros and nothing, and ok()
// is false: it is asked for where it matters, before what was read is used.
class Reader {
 public:
  Reader(std::string_view bytes, Order order) : rest_(bytes), order_(order) {}

  bool ok() const { return ok_; }
  // All is read, and nothing went wrong.
  bool AtEnd() const { return ok_ && rest_.empty(); }
  std::string_view rest() const { return rest_; }

  std::string_view Bytes(size_t size) {
    if (!ok_ || size > rest_.size()) {
      ok_ = false;
      return {};
    }
    const std::string_view bytes = rest_.substr(0, size);
    rest_.remove_prefix(size);
    return bytes;
  }

  uint64_t Number(size_t size) {
    const std::string_view bytes = Bytes(size);
    uint64_t value = 0;
    for (size_t i = 0; i < bytes.size(); ++i) {
      const size_t at = order_ == Order::kBigEndian ? i : bytes.size() - 1 - i;
      value = value << 8 | static_cast<uint8_t>(bytes[at]);
    }
    return value;
  }
  uint8_t U8() { return static_cast<uint8_t>(Number(1)); }
  uint16_t U16() { return static_cast<uint16_t>(Number(2)); }
  uint32_t U32() { return static_cast<uint32_t>(Number(4)); }
  uint64_t U64() { return Number(8); }
  // TPM2B: a size of two bytes, and as many bytes.
  std::string_view Sized() { return Bytes(U16()); }

 private:
  std::string_view rest_;
  Order order_;
  bool ok_ = true;
};

}  // namespace tam::attestation::tpm

#endif  // TAMARACK_SERVICES_ATTESTATION_TPM_READER_H_

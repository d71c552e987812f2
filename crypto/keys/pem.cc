#include "openssl/pem.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "absl/status/status.h"
#include "crypto/keys/key_impl.h"
#include "crypto/text/text.h"
#include "openssl/bio.h"
#include "openssl/err.h"
#include "openssl/mem.h"

namespace tam::keys {
namespace {

// PEM_read_bio's results. OPENSSL_free wipes.
struct RawBlock {
  char* name = nullptr;
  char* header = nullptr;
  uint8_t* data = nullptr;
  long size = 0;  // NOLINT(google-runtime-int): PEM_read_bio's type.
  ~RawBlock() {
    OPENSSL_free(name);
    OPENSSL_free(header);
    OPENSSL_free(data);
  }
};

constexpr size_t kMaxPemBytes = 1 << 16;

}  // namespace

absl::StatusOr<PemBlock> ReadPemBlock(std::string_view pem,
                                      std::initializer_list<std::string_view> names) {
  if (pem.size() > kMaxPemBytes) {
    return absl::InvalidArgumentError(
        Concat("pem: want at most ", kMaxPemBytes, " bytes, got ", pem.size()));
  }
  const bssl::UniquePtr<BIO> bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  std::optional<PemBlock> found;
  while (true) {
    RawBlock raw;
    if (bio == nullptr ||
        PEM_read_bio(bio.get(), &raw.name, &raw.header, &raw.data, &raw.size) != 1) {
      break;
    }
    const std::string_view name = raw.name;
    if (name == "EC PARAMETERS") continue;
    if (std::find(names.begin(), names.end(), name) == names.end()) {
      return absl::InvalidArgumentError(
          Concat("pem: want ", *names.begin(), ", got ", name.substr(0, 64)));
    }
    if (raw.header[0] != '\0') {
      return absl::InvalidArgumentError("pem: want no headers (encryption), got some");
    }
    if (found.has_value()) return absl::InvalidArgumentError("pem: want one key, got more");
    found.emplace(
        PemBlock{.name = std::string(name),
                 .content = secret::SecretBytes(Bytes(raw.data, static_cast<size_t>(raw.size)))});
  }
  ERR_clear_error();
  if (found.has_value()) return *std::move(found);
  return absl::InvalidArgumentError(Concat("pem: want ", *names.begin(), ", got no whole block"));
}

}  // namespace tam::keys

#include "services/signing/kek.h"

#include <utility>

#include "absl/strings/ascii.h"
#include "crypto/text/text.h"
#include "services/runtime/secret_file.h"

namespace tam::signing {
namespace {

constexpr size_t kKekSize = 32;
constexpr size_t kMaxFile = 4096;

// -1 for what is no hexadecimal digit.
int HexValue(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  const char lower = absl::ascii_tolower(static_cast<unsigned char>(c));
  return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

bool DecodeHex(std::string_view text, std::string& out) {
  while (!text.empty() && (text.back() == '\n' || text.back() == '\r')) text.remove_suffix(1);
  if (text.size() != 2 * kKekSize) return false;
  for (size_t i = 0; i < text.size(); i += 2) {
    const int high = HexValue(text[i]), low = HexValue(text[i + 1]);
    if (high < 0 || low < 0) return false;
    out += static_cast<char>(high * 16 + low);
  }
  return true;
}

std::string_view PurposeText(storage::SigningPurpose purpose) {
  switch (purpose) {
    case storage::SigningPurpose::kTeepMessage:
      return "teep message";
    case storage::SigningPurpose::kAttestationResult:
      return "attestation result";
    case storage::SigningPurpose::kTeepDecryption:
      return "teep decryption";
    case storage::SigningPurpose::kTamEvidence:
      return "tam evidence";
  }
  return "unknown";
}

}  // namespace

absl::StatusOr<secret::KeyWrapper> ReadKek(const std::string& path) {
  absl::StatusOr<std::string> read = runtime::ReadSecretFile(path, kMaxFile);
  if (!read.ok()) {
    return absl::Status(read.status().code(),
                        Concat("key encryption key: ", StdView(read.status().message())));
  }
  std::string& text = *read;
  std::string kek;
  if (text.size() == kKekSize) {
    kek = text;
  } else if (!DecodeHex(text, kek)) {
    return absl::InvalidArgumentError(Concat("key encryption key: want 32 bytes or 64 hexadecimal ",
                                             "digits in ", path, ", got ", text.size(), " bytes"));
  }
  const secret::Bytes bytes(reinterpret_cast<const uint8_t*>(kek.data()), kek.size());
  auto wrapper = secret::KeyWrapper::Create(secret::SecretBytes(bytes));
  for (std::string* copy : {&text, &kek}) {
    volatile char* wiped = copy->data();
    for (size_t i = 0; i < copy->size(); ++i) wiped[i] = 0;
  }
  return wrapper;
}

std::string KeyContext(const storage::TenantId& tenant, const storage::KeyThumbprint& key,
                       storage::SigningPurpose purpose) {
  return Concat("tamarack signing key 1|", tenant.ToString(), "|", key.ToString(), "|",
                PurposeText(purpose));
}

std::string RootContext(const storage::ChallengeRootId& root) {
  return Concat("tamarack challenge root 1|", root.ToString());
}

}  // namespace tam::signing

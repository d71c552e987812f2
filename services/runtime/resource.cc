#include "services/runtime/resource.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "crypto/cbor/cbor.h"
#include "crypto/secret/secret.h"
#include "crypto/text/text.h"

namespace tam::runtime {
namespace {

constexpr size_t kMaxShown = 80;

std::string Shown(std::string_view text) {
  return Concat("\"", absl::CEscape(AbslView(text.substr(0, kMaxShown))), "\"");
}

bool IsHex(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) {
    return absl::ascii_isdigit(static_cast<unsigned char>(c)) || (c >= 'a' && c <= 'f');
  });
}

bool IsUuid(std::string_view text) {
  if (text.size() != 36) return false;
  for (size_t i = 0; i < text.size(); ++i) {
    const bool dash = i == 8 || i == 13 || i == 18 || i == 23;
    if (dash ? text[i] != '-' : !IsHex(text.substr(i, 1))) return false;
  }
  return true;
}

}  // namespace

absl::StatusOr<std::array<uint8_t, 16>> UidOfRequest(std::string_view caller,
                                                     std::string_view request_id,
                                                     std::string_view kind) {
  if (!IsUuid(absl::AsciiStrToLower(AbslView(request_id)))) {
    return absl::InvalidArgumentError(Concat("request_id: want a UUID, found ", Shown(request_id)));
  }
  cbor::Writer writer;
  writer.Array(4)
      .Text("tamarack request uid")
      .Text(kind)
      .Text(caller)
      .Text(absl::AsciiStrToLower(AbslView(request_id)));
  const secret::Digest256 digest = secret::Sha256(cbor::AsBytes(writer.bytes()));
  std::array<uint8_t, 16> uid;
  std::copy_n(digest.begin(), uid.size(), uid.begin());
  uid[6] = static_cast<uint8_t>((uid[6] & 0x0f) | 0x80);  // RFC 9562 version 8
  uid[8] = static_cast<uint8_t>((uid[8] & 0x3f) | 0x80);
  return uid;
}

std::string EtagOf(uint64_t version) { return absl::StrCat(version); }

absl::StatusOr<uint64_t> VersionOf(std::string_view etag) {
  if (etag.empty()) return 0;
  uint64_t version = 0;
  if (absl::SimpleAtoi(AbslView(etag), &version) && version > 0 && EtagOf(version) == etag) {
    return version;
  }
  return absl::AbortedError(Concat("etag: want a version, found ", Shown(etag)));
}

}  // namespace tam::runtime

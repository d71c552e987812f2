#include "services/attestation/tpm/hcl_report.h"

#include <nlohmann/json.hpp>
#include <optional>

#include "absl/strings/escaping.h"
#include "crypto/cbor/cbor.h"
#include "crypto/text/text.h"
#include "services/attestation/tpm/reader.h"

namespace tam::attestation::tpm {
namespace {

using Json = nlohmann::json;
using cbor::AsBytes;

constexpr size_t kHeadBytes = 32;
constexpr size_t kSnpReportBytes = 1184;
constexpr size_t kRuntimeHeadBytes = 20;
constexpr uint32_t kTypeSnp = 2;
constexpr size_t kReportDataBytes = 64;

Finding Malformed(std::string_view what, std::string_view expected, std::string_view found) {
  return MakeFinding(Concat("hcl_report.", what), expected, found);
}

// "" where it is no text.
std::string TextOf(const Json& object, const char* name) {
  const auto member = object.find(name);
  return member != object.end() && member->is_string() ? member->get<std::string>() : "";
}

// The one key of that kid; null where there is none, or more than one.
const Json* FindKey(const Json& json, const std::string& kid) {
  const auto keys = json.is_object() ? json.find("keys") : json.end();
  if (keys == json.end() || !keys->is_array()) return nullptr;
  const Json* found = nullptr;
  for (const Json& key : *keys) {
    if (!key.is_object() || TextOf(key, "kid") != kid) continue;
    if (found != nullptr) return nullptr;
    found = &key;
  }
  return found;
}

std::optional<std::string> FromBase64Url(const std::string& text) {
  std::string bytes;
  if (!absl::WebSafeBase64Unescape(text, &bytes)) return std::nullopt;
  return bytes;
}

}  // namespace

std::variant<HclReport, Finding> ParseHclReport(std::string_view bytes) {
  Reader reader(bytes, Order::kLittleEndian);
  const bool magic = reader.Bytes(4) == "HCLA";
  const uint32_t version = reader.U32();
  const uint32_t size = reader.U32();
  const uint32_t type = reader.U32();
  reader.Bytes(kHeadBytes - 16);
  if (!magic || version != 1) return Malformed("version", "HCLA, version 1", "another");
  if (type != kTypeSnp) return Malformed("type", "2, SEV-SNP", Concat(type));
  HclReport report;
  report.hardware_report = reader.Bytes(kSnpReportBytes);
  const uint32_t runtime_size = reader.U32();
  const bool known = reader.U32() == 1 && reader.U32() == kTypeSnp && reader.U32() == 1;
  const uint32_t json_size = reader.U32();
  report.json = reader.Bytes(json_size);
  if (!reader.ok()) return Malformed("length", "a whole report", "the end within it");
  if (!known) return Malformed("runtime.version", "1, of type 2 with SHA-256", "another");
  const size_t whole = kHeadBytes + kSnpReportBytes + kRuntimeHeadBytes + json_size;
  if (size != whole || runtime_size != kRuntimeHeadBytes + json_size) {
    return Malformed("size", Concat(whole), Concat(size));
  }
  if (reader.rest().find_first_not_of('\0') != std::string_view::npos) {
    return Malformed("trailing", "zeros", "other bytes");
  }
  return report;
}

std::string ReportDataOf(const HclReport& report) {
  std::string data = verify::Digest(verify::Hash::kSha256, AsBytes(report.json));
  data.resize(kReportDataBytes, '\0');
  return data;
}

std::variant<verify::Key, Finding> AttestationKeyOf(const HclReport& report) {
  const Json json = Json::parse(report.json, nullptr, /*allow_exceptions=*/false);
  const Json* const key = json.is_discarded() ? nullptr : FindKey(json, "HCLAkPub");
  if (key == nullptr || TextOf(*key, "kty") != "RSA") {
    return Malformed("json", "one RSA key HCLAkPub", "none");
  }
  const auto modulus = FromBase64Url(TextOf(*key, "n"));
  const auto exponent = FromBase64Url(TextOf(*key, "e"));
  if (!modulus.has_value() || !exponent.has_value()) {
    return Malformed("json", "n and e in base64url", "other text");
  }
  auto parsed = verify::Key::FromRsa(AsBytes(*modulus), AsBytes(*exponent));
  if (parsed.ok()) return *std::move(parsed);
  return Malformed("json", "a sound RSA key", StdView(parsed.status().message()));
}

}  // namespace tam::attestation::tpm

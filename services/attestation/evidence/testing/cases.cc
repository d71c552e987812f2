#include "services/attestation/evidence/testing/cases.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <sstream>
#include <stdexcept>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/time/time.h"
#include "crypto/cbor/cbor.h"
#include "crypto/text/text.h"
#include "crypto/x509/chain.h"
#include "tests/support/vectors.h"

// The JSON library throws, and so does what reads with it here; LoadCases alone catches.
namespace tam::attestation::testing {
namespace {

using Json = nlohmann::json;
namespace fs = std::filesystem;

[[noreturn]] void Fail(const std::string& reason) { throw std::invalid_argument(reason); }

std::string Read(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file || !fs::is_regular_file(path)) Fail(path.string() + ": cannot be read");
  std::ostringstream out;
  out << file.rdbuf();
  return out.str();
}

template <typename T>
T Value(const absl::StatusOr<T>& value, const fs::path& path) {
  if (!value.ok()) Fail(path.string() + ": " + std::string(value.status().message()));
  return *value;
}

// "" where absent or null.
std::string Text(const Json& object, const char* name) {
  const auto member = object.find(name);
  if (member == object.end() || member->is_null()) return "";
  return member->get<std::string>();
}

std::vector<std::string> Texts(const Json& object, const char* name) {
  const auto member = object.find(name);
  if (member == object.end() || member->is_null()) return {};
  return member->get<std::vector<std::string>>();
}

std::string FromHex(const std::string& hex) {
  const bool plain =
      hex.size() % 2 == 0 && hex.find_first_not_of("0123456789abcdefABCDEF") == std::string::npos;
  if (!plain) Fail("want hexadecimal, got " + hex);
  return absl::HexStringToBytes(hex);
}

absl::Time Instant(const std::string& text) {
  absl::Time time;
  std::string error;
  if (!absl::ParseTime(absl::RFC3339_full, text, &time, &error)) Fail("want a time, got " + text);
  return time;
}

// The bytes of the one block of a PEM text.
std::string FromPem(const std::string& pem, const fs::path& path) {
  const size_t begin = pem.find('\n');
  const size_t end = pem.find("-----END");
  std::string der;
  const bool block = begin != std::string::npos && end != std::string::npos && begin < end;
  if (!block || !absl::Base64Unescape(pem.substr(begin, end - begin), &der)) {
    Fail(path.string() + ": want one PEM block");
  }
  return der;
}

std::vector<std::string> Certificates(const std::string& bytes, const fs::path& path) {
  if (!absl::StartsWith(bytes, "-----BEGIN")) return {bytes};
  return Value(x509::ChainFromPem(bytes), path);
}

void AddAnchor(const fs::path& path, TrustedInput& trusted) {
  const std::string bytes = Read(path);
  if (absl::EndsWith(path.string(), "_hmac.bin")) {
    trusted.mac_keys.push_back(Value(keys::MacKey::FromBytes(cbor::AsBytes(bytes)), path));
  } else if (absl::StartsWith(bytes, "-----BEGIN PUBLIC KEY")) {
    trusted.keys.push_back(Value(keys::PublicKey::FromPem(bytes, keys::Curves::kAll), path));
  } else {
    for (std::string& der : Certificates(bytes, path)) trusted.anchors.push_back(std::move(der));
  }
}

void ReadPcrs(const std::string& text, EvidenceInput& input) {
  static const std::map<std::string, uint16_t> kBanks = {
      {"sha1", 0x04}, {"sha256", 0x0b}, {"sha384", 0x0c}, {"sha512", 0x0d}};
  const Json json = Json::parse(text);
  auto& bank = input.pcrs[kBanks.at(json.at("bank").get<std::string>())];
  for (const auto& [index, value] : json.at("values").items()) {
    bank[static_cast<uint32_t>(std::stoul(index))] = FromHex(value.get<std::string>());
  }
}

enum class Place {
  kCollateral,
  kCertificates,
  kPcrs,
  kSignature,
  kArea,
  kAreaPem,
  kEventLog,
  kBeside,
  kNowhere
};

struct KnownFile {
  const char* file;
  Place place;
  const char* name;  // in a map of collateral
};

// Certificates in the order of their chain.
constexpr KnownFile kFiles[] = {
    {"pck_chain.pem", Place::kCertificates, ""},
    {"vcek.der", Place::kCertificates, ""},
    {"vlek.der", Place::kCertificates, ""},
    {"ask.pem", Place::kCertificates, ""},
    {"ak_cert.der", Place::kCertificates, ""},
    {"ak_issuer.der", Place::kCertificates, ""},
    {"root_ca.crl.der", Place::kCollateral, "root_ca_crl"},
    {"pck.crl.der", Place::kCollateral, "pck_crl"},
    {"pck_crl_chain.pem", Place::kCollateral, "pck_crl_issuer_chain"},
    {"tcb_info.json", Place::kCollateral, "tcb_info"},
    {"tcb_signing_chain.pem", Place::kCollateral, "tcb_info_issuer_chain"},
    {"qe_identity.json", Place::kCollateral, "qe_identity"},
    {"qe_identity_chain.pem", Place::kCollateral, "qe_identity_issuer_chain"},
    {"pcrs.json", Place::kPcrs, ""},
    {"signature.bin", Place::kSignature, ""},
    {"ak_pub.pem", Place::kAreaPem, ""},
    {"ak_public.tpmt", Place::kArea, ""},  // stands for the PEM above
    {"event_log.bin", Place::kEventLog, ""},
    {"hcl_report.bin", Place::kBeside, "hcl_report"},
    {"attest.bin", Place::kNowhere, ""},
};

void Put(const KnownFile& known, const fs::path& path, Case& c) {
  std::string bytes = Read(path);
  switch (known.place) {
    case Place::kCollateral:
      c.trusted.collateral[known.name] = std::move(bytes);
      return;
    case Place::kBeside:
      c.input.collateral[known.name] = std::move(bytes);
      return;
    case Place::kCertificates:
      for (std::string& der : Certificates(bytes, path)) {
        c.input.certificates.push_back(std::move(der));
      }
      return;
    case Place::kPcrs:
      return ReadPcrs(bytes, c.input);
    case Place::kSignature:
      c.input.signature = std::move(bytes);
      return;
    case Place::kArea:
      c.input.public_area = std::move(bytes);
      return;
    case Place::kAreaPem:
      c.input.public_area = FromPem(bytes, path);
      return;
    case Place::kEventLog:
      c.input.event_log = std::move(bytes);
      return;
    case Place::kNowhere:
      return;
  }
}

// Each file's path, by its name.
using Files = std::map<std::string, fs::path>;

void List(const fs::path& folder, Files& files) {
  if (!fs::is_directory(folder)) Fail(folder.string() + ": no folder");
  for (const auto& entry : fs::directory_iterator(folder)) {
    if (entry.is_regular_file()) files[entry.path().filename().string()] = entry.path();
  }
}

void AddFiles(const fs::path& root, const Json& row, Case& c) {
  Files files;
  for (const char* name : {"collateral_base", "collateral"}) {
    if (const std::string folder = Text(row, name); !folder.empty()) List(root / folder, files);
  }
  if (const std::string pcrs = Text(row, "pcrs"); !pcrs.empty()) files["pcrs.json"] = root / pcrs;
  if (const std::string signature = Text(row, "signature"); !signature.empty()) {
    files["signature.bin"] = root / signature;
  }
  for (const KnownFile& known : kFiles) {
    if (const auto found = files.find(known.file); found != files.end()) {
      Put(known, found->second, c);
      files.erase(found);
    }
  }
  if (!files.empty()) Fail(files.begin()->second.string() + ": want a known name");
}

TcbStatus StatusNamed(const std::string& name) {
  static const std::map<std::string, TcbStatus> kNames = {
      {"", TcbStatus::kNone},
      {"UpToDate", TcbStatus::kUpToDate},
      {"SWHardeningNeeded", TcbStatus::kSwHardeningNeeded},
      {"ConfigurationNeeded", TcbStatus::kConfigurationNeeded},
      {"ConfigurationAndSWHardeningNeeded", TcbStatus::kConfigurationAndSwHardeningNeeded},
      {"TDRelaunchAdvised", TcbStatus::kTdRelaunchAdvised},
      {"TDRelaunchAdvisedConfigurationNeeded", TcbStatus::kTdRelaunchAdvisedConfigurationNeeded},
      {"OutOfDate", TcbStatus::kOutOfDate},
      {"OutOfDateConfigurationNeeded", TcbStatus::kOutOfDateConfigurationNeeded},
      {"Revoked", TcbStatus::kRevoked},
      {"NOT SUPPORTED", TcbStatus::kNotSupported}};
  const auto found = kNames.find(name);
  if (found == kNames.end()) Fail("expect.tcb: want a status, got " + name);
  return found->second;
}

Tcb ReadTcb(const Json& json) {
  Tcb tcb;
  tcb.platform = StatusNamed(Text(json, "platform"));
  tcb.qe = StatusNamed(Text(json, "qe"));
  tcb.module = StatusNamed(Text(json, "tdxModule"));
  if (const std::string date = Text(json, "tcbDate"); !date.empty()) tcb.date = Instant(date);
  tcb.advisories = Texts(json, "advisories");
  std::sort(tcb.advisories.begin(), tcb.advisories.end());
  tcb.evaluation_number = json.at("tcbEvaluationDataNumber").get<uint32_t>();
  return tcb;
}

Expected ReadExpected(const Json& json) {
  Expected expected;
  const std::string crypto = Text(json, "crypto");
  if (crypto != "valid" && crypto != "invalid") Fail("expect.crypto: got " + crypto);
  expected.authentic = crypto == "valid";
  const std::string verdict = Text(json, "verdict_default");
  expected.verdict = verdict.substr(0, verdict.find(' '));
  expected.reasons = Texts(json, "reasons");
  for (const std::string& reason : Texts(json, "policy_reasons")) {
    expected.reasons.push_back(reason);
  }
  if (const auto tcb = json.find("tcb"); tcb != json.end() && !tcb->is_null()) {
    expected.tcb = ReadTcb(*tcb);
  }
  return expected;
}

std::string ProfileOf(const std::string& media_type) {
  constexpr std::string_view kName = "profile=\"";
  const size_t begin = media_type.find(kName);
  if (begin == std::string::npos) return "";
  const size_t end = media_type.find('"', begin + kName.size());
  return media_type.substr(begin + kName.size(), end - begin - kName.size());
}

Case ReadCase(const fs::path& root, const Json& row) {
  Case c;
  c.id = Text(row, "id");
  c.format = Text(row, "format");
  c.media_type = Text(row, "media_type");
  c.input.profile = ProfileOf(c.media_type);
  c.evidence = Read(root / Text(row, "evidence"));
  for (const std::string& anchor : Texts(row, "anchors")) AddAnchor(root / anchor, c.trusted);
  AddFiles(root, row, c);
  c.subject.at = Instant(Text(row, "at"));
  if (const std::string nonce = Text(row, "nonce"); !nonce.empty()) {
    c.subject.nonce = FromHex(nonce);
  }
  c.expected = ReadExpected(row.at("expect"));
  return c;
}

}  // namespace

EvidenceInput Case::Input() const {
  EvidenceInput whole = input;
  whole.evidence = cbor::AsBytes(evidence);
  return whole;
}

std::optional<std::string> PublicCases() {
  const std::optional<std::string> root = tam::testing::VectorRoot();
  if (!root.has_value()) return std::nullopt;
  const std::string folder = *root + "/vectors/attestation";
  if (!fs::is_regular_file(folder + "/cases.json")) return std::nullopt;
  return folder;
}

absl::StatusOr<std::vector<Case>> LoadCases(const std::string& folder, std::string_view format) {
  std::string id;
  try {
    std::vector<Case> cases;
    for (const Json& row : Json::parse(Read(fs::path(folder) / "cases.json"))) {
      id = Text(row, "id");
      const std::string has = Text(row, "format");
      if (has == "corim" || (!format.empty() && has != format)) continue;
      cases.push_back(ReadCase(folder, row));
    }
    return cases;
  } catch (const std::exception& error) {
    return absl::InvalidArgumentError(Concat("case ", id, ": ", error.what()));
  }
}

}  // namespace tam::attestation::testing

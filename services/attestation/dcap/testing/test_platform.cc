#include "services/attestation/dcap/testing/test_platform.h"

#include <cstdlib>
#include <iostream>
#include <utility>

#include "absl/strings/escaping.h"
#include "crypto/secret/secret.h"
#include "crypto/text/text.h"

namespace tam::attestation::dcap::testing {
namespace {

using x509::testing::CertificateSpec;
using x509::testing::Issuer;

const std::string kFmspc("\x00\xa0\x67\x11\x00\x01", 6);
// 1.2.840.113741.1.13.1
const std::string kSgxOid("\x2a\x86\x48\x86\xf8\x4d\x01\x0d\x01", 9);

[[noreturn]] void Fail(std::string_view what) {
  std::cerr << "test platform: " << what << std::endl;
  std::abort();
}

keys::Bytes AsBytes(std::string_view text) {
  return {reinterpret_cast<const uint8_t*>(text.data()), text.size()};
}

std::string Little(uint64_t value, size_t size) {
  std::string bytes;
  for (size_t i = 0; i < size; ++i) bytes.push_back(static_cast<char>(value >> (8 * i) & 0xff));
  return bytes;
}

std::string Tlv(uint8_t tag, std::string_view content) {
  std::string der(1, static_cast<char>(tag));
  if (content.size() >= 0x100) {
    der += {static_cast<char>(0x82), static_cast<char>(content.size() >> 8)};
  } else if (content.size() >= 0x80) {
    der.push_back(static_cast<char>(0x81));
  }
  der.push_back(static_cast<char>(content.size() & 0xff));
  return Concat(der, content);
}

std::string Integer(uint64_t value) {
  std::string content;
  for (; value != 0 || content.empty(); value >>= 8) {
    content.insert(content.begin(), static_cast<char>(value & 0xff));
  }
  if ((content[0] & 0x80) != 0) content.insert(content.begin(), '\0');
  return Tlv(0x02, content);
}

std::string Pair(const std::string& below, const std::string& value) {
  return Tlv(0x30, Tlv(0x06, kSgxOid + below) + value);
}

std::string PckExtension(const PlatformSpec& spec) {
  std::string tcb;
  std::string cpu_svn;
  for (size_t i = 0; i < spec.components.size(); ++i) {
    tcb += Pair({2, static_cast<char>(i + 1)}, Integer(spec.components[i]));
    cpu_svn.push_back(static_cast<char>(spec.components[i]));
  }
  tcb += Pair({2, 17}, Integer(spec.pce_svn)) + Pair({2, 18}, Tlv(0x04, cpu_svn));
  std::string all = Pair({1}, Tlv(0x04, std::string(16, 'p'))) + Pair({2}, Tlv(0x30, tcb)) +
                    Pair({3}, Tlv(0x04, std::string(2, '\0'))) + Pair({4}, Tlv(0x04, kFmspc)) +
                    Pair({5}, Tlv(0x0a, std::string(1, '\0')));
  if (spec.platform_ca) all += Pair({6}, Tlv(0x04, std::string(16, 'i')));
  return Tlv(0x30, all);
}

CertificateSpec CaSpec(const PlatformSpec& spec) {
  return {
      .common_name = spec.platform_ca ? "Intel SGX PCK Platform CA" : "Intel SGX PCK Processor CA",
      .serial = 2,
      .authority = true,
      .path_length = 0};
}

CertificateSpec PckSpec(const PlatformSpec& spec) {
  std::string extension = PckExtension(spec);
  if (spec.pck_extension) spec.pck_extension(extension);
  return {.common_name = "Intel SGX PCK Certificate",
          .not_after = spec.pck_not_after,
          .serial = 3,
          .extensions = {{"1.2.840.113741.1.13.1", extension}}};
}

std::string TimeText(absl::Time time) {
  return absl::FormatTime("%Y-%m-%dT%H:%M:%SZ", time, absl::UTCTimeZone());
}

std::string ComponentsJson(std::string_view name, const std::vector<int>& svns) {
  std::string json = Concat("\"", name, "\":[");
  for (size_t i = 0; i < 16; ++i) {
    Append(&json, i == 0 ? "" : ",", "{\"svn\":", i < svns.size() ? svns[i] : 0, "}");
  }
  return json + "]";
}

std::string LevelJson(bool tdx, int sgx, const std::vector<int>& tdx_svns, int pce,
                      std::string_view rest) {
  std::string json = Concat("{\"tcb\":{", ComponentsJson("sgxtcbcomponents", {sgx, sgx, sgx}),
                            ",\"pcesvn\":", pce);
  if (tdx) Append(&json, ",", ComponentsJson("tdxtcbcomponents", tdx_svns));
  return Concat(json, "},", rest, "}");
}

std::string Hex(std::string_view bytes) { return absl::BytesToHexString(AbslView(bytes)); }

void Set(std::string& bytes, size_t at, std::string_view what) {
  bytes.replace(at, what.size(), what);
}

std::string QeSigner() { return std::string(32, 'q'); }
std::string QeAttributes() { return std::string("\x15", 1) + std::string(15, '\0'); }

std::string QeReport(const PlatformSpec& spec, std::string_view bound) {
  std::string report(kSgxReportBytes, '\0');
  Set(report, 0, std::string(16, 'c'));
  Set(report, 48, QeAttributes());
  Set(report, 128, QeSigner());
  Set(report, 256, Little(spec.tee == Tee::kTdx ? 2 : 1, 2));
  Set(report, 258, Little(spec.qe_isv_svn, 2));
  Set(report, 320, bound);
  if (spec.qe_report) spec.qe_report(report);
  return report;
}

}  // namespace

void Replace(std::string& text, std::string_view from, std::string_view to) {
  const size_t at = text.find(from);
  if (at == std::string::npos) Fail(Concat("no ", from));
  text.replace(at, from.size(), to);
}

TestPlatform::TestPlatform(PlatformSpec spec)
    : spec_(std::move(spec)),
      root_(
          Issuer::Root({.common_name = "Intel SGX Root CA", .authority = true, .path_length = 1})),
      ca_(root_.Below(CaSpec(spec_))),
      pck_(ca_.Below(PckSpec(spec_))),
      signer_(root_.Below({.common_name = "Intel SGX TCB Signing", .serial = 4})),
      attestation_key_(*keys::PrivateKey::Generate(keys::KeyType::kP256)),
      certified_(Certified()) {}

std::vector<std::string> TestPlatform::ChainDer() const {
  return {pck_.der(), ca_.der(), root_.der()};
}

std::string TestPlatform::ChainPem() const { return pck_.pem() + ca_.pem() + root_.pem(); }

std::string TestPlatform::TcbInfo() const {
  const bool tdx = spec_.tee == Tee::kTdx;
  const std::string zeros(96, '0');
  std::string json = Concat("{\"id\":\"", tdx ? "TDX" : "SGX", "\",\"version\":3,\"issueDate\":\"",
                            TimeText(spec_.issue_date), "\",\"nextUpdate\":\"",
                            TimeText(spec_.next_update), "\",\"fmspc\":\"", Hex(kFmspc),
                            "\",\"pceId\":\"0000\",\"tcbType\":0,\"tcbEvaluationDataNumber\":17,");
  if (tdx) {
    const std::string identity = Concat("\"mrsigner\":\"", zeros,
                                        "\",\"attributes\":\"0000000000000000\","
                                        "\"attributesMask\":\"FFFFFFFFFFFFFFFF\"");
    Append(&json, "\"tdxModule\":{", identity, "},\"tdxModuleIdentities\":[{\"id\":\"TDX_01\",",
           identity,
           ",\"tcbLevels\":[{\"tcb\":{\"isvsvn\":4},\"tcbDate\":\"2026-03-01T00:00:00Z\","
           "\"tcbStatus\":\"UpToDate\"},{\"tcb\":{\"isvsvn\":2},\"tcbDate\":\"2025-03-01T00:00:00Z"
           "\",\"tcbStatus\":\"OutOfDate\",\"advisoryIDs\":[\"INTEL-SA-00002\"]}]}],");
  }
  return Concat(json, "\"tcbLevels\":[",
                LevelJson(tdx, 5, {4, 0, 3}, 10,
                          "\"tcbDate\":\"2026-03-01T00:00:00Z\",\"tcbStatus\":\"UpToDate\""),
                ",",
                LevelJson(tdx, 4, {2, 0, 2}, 9,
                          "\"tcbDate\":\"2025-02-01T00:00:00Z\",\"tcbStatus\":\"OutOfDate\","
                          "\"advisoryIDs\":[\"INTEL-SA-00001\"]"),
                "]}");
}

std::string TestPlatform::QeIdentity() const {
  const bool tdx = spec_.tee == Tee::kTdx;
  return Concat("{\"id\":\"", tdx ? "TD_QE" : "QE", "\",\"version\":2,\"issueDate\":\"",
                TimeText(spec_.issue_date), "\",\"nextUpdate\":\"", TimeText(spec_.next_update),
                "\",\"tcbEvaluationDataNumber\":17,\"miscselect\":\"00000000\","
                "\"miscselectMask\":\"FFFFFFFF\",\"attributes\":\"11000000000000000000000000000000"
                "\",\"attributesMask\":\"FBFFFFFFFFFFFFFF0000000000000000\",\"mrsigner\":\"",
                Hex(QeSigner()), "\",\"isvprodid\":", tdx ? 2 : 1,
                ",\"tcbLevels\":[{\"tcb\":{\"isvsvn\":6},\"tcbDate\":\"2026-03-01T00:00:00Z\","
                "\"tcbStatus\":\"UpToDate\"},{\"tcb\":{\"isvsvn\":5},\"tcbDate\":"
                "\"2024-03-01T00:00:00Z\",\"tcbStatus\":\"OutOfDate\"}]}");
}

std::string TestPlatform::Sign(std::string_view member, const std::string& inner) const {
  return Concat("{\"", member, "\": ", inner, ",\"signature\":\"", Hex(signer_.Sign(inner)), "\"}");
}

TrustedInput TestPlatform::Trusted() const {
  TrustedInput trusted;
  trusted.anchors = {root_.der()};
  std::string tcb_info = TcbInfo();
  std::string qe_identity = QeIdentity();
  if (spec_.tcb_info) spec_.tcb_info(tcb_info);
  if (spec_.qe_identity) spec_.qe_identity(qe_identity);
  auto& collateral = trusted.collateral;
  collateral["tcb_info"] = Sign("tcbInfo", tcb_info);
  collateral["qe_identity"] = Sign("enclaveIdentity", qe_identity);
  collateral["tcb_info_issuer_chain"] = signer_.pem() + root_.pem();
  collateral["qe_identity_issuer_chain"] = collateral["tcb_info_issuer_chain"];
  collateral["root_ca_crl"] = root_.RevocationList({.this_update = spec_.issue_date,
                                                    .next_update = spec_.next_update,
                                                    .serials = spec_.revoked_by_root});
  collateral["pck_crl"] = ca_.RevocationList({.this_update = spec_.issue_date,
                                              .next_update = spec_.next_update,
                                              .serials = spec_.revoked_by_ca});
  return trusted;
}

std::string TestPlatform::Body(std::string_view report_data) const {
  if (report_data.size() > kReportDataBytes) Fail("report data");
  std::string body;
  if (spec_.tee == Tee::kSgx) {
    body.assign(kSgxReportBytes, '\0');
    Set(body, 48, std::string("\x05", 1) + std::string(15, '\0'));
    Set(body, 64, std::string(32, 'e'));
    Set(body, 128, std::string(32, 's'));
    Set(body, 256, Little(7, 2) + Little(8, 2));
    Set(body, 320, report_data);
  } else {
    body.assign(spec_.td15 ? 648 : 584, '\0');
    Set(body, 0, std::string("\x04\x01\x03", 3));
    Set(body, 16, std::string(48, 'm'));
    Set(body, 120, std::string("\x00\x00\x00\x10", 4));
    Set(body, 128, std::string("\xe7\x02\x06", 3));
    Set(body, 136, std::string(48, 't'));
    Set(body, 328, std::string(48, 'r'));
    Set(body, 520, report_data);
    if (spec_.td15) Set(body, 584, std::string("\x04\x01\x03", 3));
  }
  if (spec_.body) spec_.body(body);
  return body;
}

std::string TestPlatform::Certified() const {
  const std::string auth(32, 'a');
  const std::string& cose_key = attestation_key_.public_key().cose_key();
  const std::string key = cose_key.substr(8, 32) + cose_key.substr(43, 32);
  const secret::Digest256 bound = secret::Sha256(AsBytes(key + auth));
  const std::string report =
      QeReport(spec_, std::string(bound.begin(), bound.end()) + std::string(32, '\0'));
  std::string data = ChainPem();
  if (spec_.pem) spec_.pem(data);
  const std::string certified =
      Concat(report, pck_.Sign(report), Little(auth.size(), 2), auth,
             Little(spec_.certification_type, 2), Little(data.size(), 4), data);
  if (spec_.version == 3) return key + certified;
  return Concat(key, Little(6, 2), Little(certified.size(), 4), certified);
}

std::string TestPlatform::Quote(std::string_view report_data) const {
  const bool tdx = spec_.tee == Tee::kTdx;
  std::string header = Concat(
      Little(spec_.version, 2), Little(2, 2), Little(tdx ? 0x81 : 0, 4), Little(0, 4),
      "\x93\x9a\x72\x33\xf7\x9c\x4c\xa9\x94\x0a\x0d\xb3\x95\x7f\x06\x07", std::string(20, 'u'));
  if (spec_.header) spec_.header(header);
  const std::string body = Body(report_data);
  std::string quote = header;
  if (spec_.version == 5)
    quote += Little(!tdx ? 1 : spec_.td15 ? 3 : 2, 2) + Little(body.size(), 4);
  quote += body;
  const auto signature = attestation_key_.Sign(AsBytes(quote));
  if (!signature.ok()) Fail("signature");
  const std::string data = *signature + certified_;
  return Concat(quote, Little(data.size(), 4), data);
}

}  // namespace tam::attestation::dcap::testing

// Writing options. The bounds are those of checks.cc, so that nothing is written that ReadOptions
// would refuse.
#include <utility>

#include "crypto/cbor/utf8.h"
#include "crypto/text/text.h"
#include "teep/message/options.h"

namespace tam::teep {
namespace {

using cbor::MapBuilder;
using cbor::Writer;

constexpr int64_t kImageDigestLabel = 3;
constexpr int64_t kImageSizeLabel = 14;

Writer BytesItem(std::string_view value) {
  Writer writer;
  writer.ByteString(value);
  return writer;
}

Writer TextItem(std::string_view value) {
  Writer writer;
  writer.Text(value);
  return writer;
}

Writer UintItem(uint64_t value) {
  Writer writer;
  writer.Uint(value);
  return writer;
}

Writer UintsItem(const std::vector<uint64_t>& values) {
  Writer writer;
  writer.Array(values.size());
  for (uint64_t value : values) writer.Uint(value);
  return writer;
}

void WriteByteStrings(const std::vector<std::string>& values, Writer& writer) {
  writer.Array(values.size());
  for (const std::string& value : values) writer.ByteString(value);
}

Writer ByteStringsItem(const std::vector<std::string>& values) {
  Writer writer;
  WriteByteStrings(values, writer);
  return writer;
}

// One options map being written; the first error stays.
class OptionsWriter {
 public:
  OptionsWriter(const Numbering& numbering, std::string_view path)
      : numbering_(numbering), path_(path) {}

  std::string Path(Option option) const { return Concat(path_, ".", OptionName(option)); }
  const Numbering& numbering() const { return numbering_; }
  int64_t Label(Option option) const { return static_cast<int64_t>(numbering_.Label(option)); }
  void Set(Option option, Writer value) { map_.Set(Label(option), std::move(value)); }
  void Require(absl::Status status) { status_.Update(std::move(status)); }

  void Bytes(Option option, const std::optional<std::string>& value, size_t min, size_t max) {
    if (!value.has_value()) return;
    Require(CheckSize(Path(option), value->size(), min, max));
    Set(option, BytesItem(*value));
  }
  void Text(Option option, const std::optional<std::string>& value, size_t min, size_t max) {
    if (!value.has_value()) return;
    Require(CheckSize(Path(option), value->size(), min, max));
    if (!cbor::IsValidUtf8(cbor::AsBytes(*value))) {
      Require(absl::InvalidArgumentError(Concat(Path(option), ": want UTF-8")));
    }
    Set(option, TextItem(*value));
  }
  void Uint(Option option, const std::optional<uint64_t>& value, uint64_t max) {
    if (!value.has_value()) return;
    RequireAtMost(option, *value, max);
    Set(option, UintItem(*value));
  }
  void Uint32s(Option option, const std::vector<uint64_t>& values) {
    if (values.empty()) return;
    for (uint64_t value : values) RequireAtMost(option, value, kMaxUint32);
    Set(option, UintsItem(values));
  }
  void ByteStrings(Option option, const std::vector<std::string>& values) {
    if (!values.empty()) Set(option, ByteStringsItem(values));
  }

  absl::StatusOr<std::string> Finish() {
    if (!status_.ok()) return status_;
    return map_.Encode();
  }

 private:
  void RequireAtMost(Option option, uint64_t value, uint64_t max) {
    if (value <= max) return;
    Require(
        absl::InvalidArgumentError(Concat(Path(option), ": want at most ", max, ", got ", value)));
  }

  const Numbering& numbering_;
  std::string_view path_;
  absl::Status status_;
  MapBuilder map_;
};

std::string EncodeImageDigest(const SystemPropertyClaims::ImageDigest& digest) {
  Writer writer;
  writer.Array(2).Int(digest.algorithm).ByteString(digest.bytes);
  return std::move(writer).Take();
}

void WriteTcList(const Options& options, OptionsWriter& out) {
  if (!options.tc_list.has_value()) return;
  Writer list;
  list.Array(options.tc_list->size());
  for (size_t i = 0; i < options.tc_list->size(); ++i) {
    const SystemPropertyClaims& claims = (*options.tc_list)[i];
    out.Require(CheckSystemProperty(out.numbering(), Concat(out.Path(Option::kTcList), "[", i, "]"),
                                    claims));
    MapBuilder map;
    map.Set(0, ByteStringsItem(claims.component_id));
    if (claims.image_digest.has_value()) {
      map.Set(kImageDigestLabel, BytesItem(EncodeImageDigest(*claims.image_digest)));
    }
    if (claims.image_size.has_value()) map.Set(kImageSizeLabel, UintItem(*claims.image_size));
    for (const auto& [label, encoded] : claims.other_parameters) {
      Writer value;
      value.Raw(encoded);
      map.Set(label, std::move(value));
    }
    map.WriteTo(list);
  }
  out.Set(Option::kTcList, std::move(list));
}

void WriteRequestedTcList(const Options& options, OptionsWriter& out) {
  if (options.requested_tc_list.empty()) return;
  Writer list;
  list.Array(options.requested_tc_list.size());
  for (size_t i = 0; i < options.requested_tc_list.size(); ++i) {
    const RequestedTcInfo& info = options.requested_tc_list[i];
    out.Require(CheckRequestedTc(Concat(out.Path(Option::kRequestedTcList), "[", i, "]"), info));
    MapBuilder map;
    map.Set(out.Label(Option::kComponentId), ByteStringsItem(info.component_id));
    if (info.manifest_sequence_number.has_value()) {
      map.Set(out.Label(Option::kTcManifestSequenceNumber),
              UintItem(*info.manifest_sequence_number));
    }
    if (info.have_binary.has_value()) {
      Writer flag;
      flag.Bool(*info.have_binary);
      map.Set(out.Label(Option::kHaveBinary), std::move(flag));
    }
    map.WriteTo(list);
  }
  out.Set(Option::kRequestedTcList, std::move(list));
}

void WriteCipherSuite(const CipherSuite& suite, Writer& writer) {
  writer.Array(suite.size());
  for (const CipherOperation& operation : suite) {
    writer.Array(2).Int(operation.cose_type).Int(operation.algorithm);
  }
}

void WriteUnneeded(const Options& options, OptionsWriter& out) {
  if (options.unneeded_manifest_list.empty()) return;
  Writer list;
  list.Array(options.unneeded_manifest_list.size());
  for (const ComponentId& id : options.unneeded_manifest_list) {
    out.Require(CheckComponentId(out.Path(Option::kUnneededManifestList), id));
    WriteByteStrings(id, list);
  }
  out.Set(Option::kUnneededManifestList, std::move(list));
}

void WriteSelectedSuite(const Options& options, OptionsWriter& out) {
  if (!options.selected_cipher_suite.has_value()) return;
  const std::string path = out.Path(Option::kSelectedCipherSuite);
  if (!out.numbering().Has(Option::kSelectedCipherSuite)) {
    return out.Require(absl::InvalidArgumentError(Concat(path, ": want none in this numbering")));
  }
  out.Require(CheckCipherSuites(path, {*options.selected_cipher_suite}));
  Writer suite;
  WriteCipherSuite(*options.selected_cipher_suite, suite);
  out.Set(Option::kSelectedCipherSuite, std::move(suite));
}

void WriteSuitesAndProfiles(const Options& options, OptionsWriter& out) {
  if (!options.supported_cipher_suites.empty()) {
    out.Require(CheckCipherSuites(out.Path(Option::kSupportedCipherSuites),
                                  options.supported_cipher_suites));
    Writer list;
    WriteCipherSuites(options.supported_cipher_suites, list);
    out.Set(Option::kSupportedCipherSuites, std::move(list));
  }
  if (!options.supported_suit_cose_profiles.empty()) {
    Writer list;
    WriteSuitCoseProfiles(options.supported_suit_cose_profiles, list);
    out.Set(Option::kSupportedSuitCoseProfiles, std::move(list));
  }
}

}  // namespace

void WriteCipherSuites(const std::vector<CipherSuite>& suites, cbor::Writer& writer) {
  writer.Array(suites.size());
  for (const CipherSuite& suite : suites) WriteCipherSuite(suite, writer);
}

void WriteSuitCoseProfiles(const std::vector<SuitCoseProfile>& profiles, cbor::Writer& writer) {
  writer.Array(profiles.size());
  for (const SuitCoseProfile& p : profiles) {
    writer.Array(4).Int(p.digest).Int(p.authentication).Int(p.key_exchange).Int(p.encryption);
  }
}

absl::StatusOr<std::string> WriteOptions(const Numbering& numbering, std::string_view path,
                                         const Options& options) {
  OptionsWriter out(numbering, path);
  out.Bytes(Option::kToken, options.token, kMinToken, kMaxToken);
  out.Bytes(Option::kChallenge, options.challenge, kMinChallenge, kMaxChallenge);
  out.Bytes(Option::kAttestationPayload, options.attestation_payload, 0, SIZE_MAX);
  out.Text(Option::kAttestationPayloadFormat, options.attestation_payload_format, 0, SIZE_MAX);
  out.Text(Option::kMsg, options.msg, 1, kMaxMsg);
  out.Text(Option::kErrMsg, options.err_msg, 1, kMaxMsg);
  out.Text(Option::kErrLang, options.err_lang, 1, kMaxErrLang);
  if (options.err_lang.has_value()) {
    out.Require(CheckErrLang(out.Path(Option::kErrLang), *options.err_lang));
  }
  if (options.err_code.has_value()) {
    out.Uint(Option::kErrCode, numbering.ErrorOnWire(*options.err_code), UINT64_MAX);
    out.Require(CheckErrCode(out.Path(Option::kErrCode), *options.err_code));
  }
  out.Uint(Option::kSelectedVersion, options.selected_version, kMaxUint32);
  out.Uint32s(Option::kVersions, options.versions);
  out.Uint32s(Option::kSupportedFreshnessMechanisms, options.supported_freshness_mechanisms);
  if (options.ext_list.has_value()) {
    out.Uint32s(Option::kExtList, *options.ext_list);
    if (options.ext_list->empty()) out.Set(Option::kExtList, UintsItem({}));
  }
  out.ByteStrings(Option::kManifestList, options.manifest_list);
  out.ByteStrings(Option::kSuitReports, options.suit_reports);
  WriteTcList(options, out);
  WriteRequestedTcList(options, out);
  WriteUnneeded(options, out);
  WriteSelectedSuite(options, out);
  WriteSuitesAndProfiles(options, out);
  return out.Finish();
}

}  // namespace tam::teep

// Reading options. Types first, then the shared bounds of checks.cc.
#include <utility>

#include "crypto/text/text.h"
#include "teep/message/options.h"

namespace tam::teep {
namespace {

using cbor::Item;

constexpr int64_t kSha256 = -16;

absl::Status WantType(std::string_view path, std::string_view want, const Item& item) {
  return absl::InvalidArgumentError(
      Concat(path, ": want ", want, ", got ", cbor::TypeName(item.type())));
}

absl::Status ReadBytes(std::string_view path, const Item& item, std::string& out) {
  if (!item.is_bytes()) return WantType(path, "byte string", item);
  out = cbor::AsString(*item.ByteString());
  return absl::OkStatus();
}

absl::Status ReadBoundedBytes(std::string_view path, const Item& item, size_t min, size_t max,
                              std::optional<std::string>& out) {
  if (auto s = ReadBytes(path, item, out.emplace()); !s.ok()) return s;
  return CheckSize(path, out->size(), min, max);
}

absl::Status ReadText(std::string_view path, const Item& item, std::optional<std::string>& out) {
  if (!item.is_text()) return WantType(path, "text string", item);
  out = std::string(*item.Text());
  return absl::OkStatus();
}

absl::Status ReadUint(std::string_view path, const Item& item, uint64_t max, uint64_t& out) {
  if (!item.is_uint()) return WantType(path, "unsigned integer", item);
  out = *item.Uint();
  if (out <= max) return absl::OkStatus();
  return absl::InvalidArgumentError(Concat(path, ": want at most ", max, ", got ", out));
}

absl::Status ReadInt(std::string_view path, const Item& item, int64_t& out) {
  if (!item.is_int()) return WantType(path, "integer", item);
  auto value = item.Int();
  if (!value.ok()) return absl::InvalidArgumentError(Concat(path, ": integer too large"));
  out = *value;
  return absl::OkStatus();
}

enum class Empty { kRefused, kAllowed };

Empty EmptyLists(const Numbering& numbering) {
  return numbering.lenient ? Empty::kAllowed : Empty::kRefused;
}

// Reads an array by `read(path of the element, element, T&)`.
template <typename T, typename Read>
absl::Status ReadArray(std::string_view path, const Item& item, Empty empty, std::vector<T>& out,
                       const Read& read) {
  if (!item.is_array()) return WantType(path, "array", item);
  if (item.size() == 0 && empty == Empty::kRefused) {
    return absl::InvalidArgumentError(
        Concat(path, ": want at least one element, got an empty array"));
  }
  size_t index = 0;
  for (const Item element : item.each()) {
    if (auto s = read(Concat(path, "[", index++, "]"), element, out.emplace_back()); !s.ok()) {
      return s;
    }
  }
  return absl::OkStatus();
}

absl::Status ReadUint32s(std::string_view path, const Item& item, Empty empty,
                         std::vector<uint64_t>& out) {
  return ReadArray(path, item, empty, out, [](const std::string& p, const Item& e, uint64_t& v) {
    return ReadUint(p, e, kMaxUint32, v);
  });
}

absl::Status ReadComponentId(std::string_view path, const Item& item, ComponentId& out) {
  return ReadArray(path, item, Empty::kRefused, out, ReadBytes);
}

// requested-tc-info = { component-id, ? tc-manifest-sequence-number, ? have-binary }
absl::Status ReadRequestedTc(const Numbering& numbering, std::string_view path, const Item& item,
                             RequestedTcInfo& out) {
  if (!item.is_map()) return WantType(path, "map", item);
  for (const auto [key, value] : item.each_pair()) {
    if (!key.is_uint()) return WantType(Concat(path, " key"), "unsigned integer", key);
    const auto option = numbering.OptionOf(*key.Uint());
    if (!option.has_value()) continue;
    const std::string field = Concat(path, ".", OptionName(*option));
    absl::Status status;
    if (*option == Option::kComponentId) {
      status = ReadComponentId(field, value, out.component_id);
    } else if (*option == Option::kTcManifestSequenceNumber) {
      status = ReadUint(field, value, UINT64_MAX, out.manifest_sequence_number.emplace());
    } else if (*option == Option::kHaveBinary) {
      if (!value.is_bool()) return WantType(field, "boolean", value);
      out.have_binary = *value.Bool();
    }
    if (!status.ok()) return status;
  }
  return CheckRequestedTc(path, out);
}

// SUIT_Digest = [ algorithm: int, bytes: bstr ], here wrapped in a bstr (SUIT section 10).
absl::Status ReadImageDigest(std::string_view path, const Item& item,
                             std::optional<SystemPropertyClaims::ImageDigest>& out) {
  std::string wrapped;
  if (auto s = ReadBytes(path, item, wrapped); !s.ok()) return s;
  auto document = cbor::Document::Parse(cbor::AsBytes(wrapped), cbor::Limits(), path);
  if (!document.ok()) return document.status();
  const Item root = document->root();
  if (!root.is_array() || root.size() != 2) return WantType(path, "[algorithm, bytes]", root);
  const auto elements = root.elements();
  // Not out.emplace(): clang 14 finds no default constructor of a nested class in its optional.
  SystemPropertyClaims::ImageDigest digest;
  if (auto s = ReadInt(path, elements[0], digest.algorithm); !s.ok()) return s;
  if (auto s = ReadBytes(path, elements[1], digest.bytes); !s.ok()) return s;
  out = std::move(digest);
  return CheckImageDigest(path, *out);
}

// system-property-claims = { 0 => component-id, + SUIT parameters }
absl::Status ReadSystemProperty(const Numbering& numbering, std::string_view path, const Item& item,
                                SystemPropertyClaims& out) {
  constexpr int64_t kComponentId = 0, kImageDigest = 3, kImageSize = 14;
  if (!item.is_map()) return WantType(path, "map", item);
  for (const auto [key, value] : item.each_pair()) {
    int64_t label = 0;
    if (auto s = ReadInt(Concat(path, " key"), key, label); !s.ok()) return s;
    const std::string field = Concat(path, ".", label);
    absl::Status status;
    if (label == kComponentId || label == numbering.tc_component_label) {
      if (!out.component_id.empty()) {
        return absl::InvalidArgumentError(
            Concat(field, ": want one component identifier, got two"));
      }
      status = ReadComponentId(field, value, out.component_id);
    } else if (label == kImageDigest) {
      status = ReadImageDigest(field, value, out.image_digest);
    } else if (label == kImageSize) {
      status = ReadUint(field, value, UINT64_MAX, out.image_size.emplace());
    } else {
      out.other_parameters.emplace_back(label, cbor::AsString(value.encoded()));
    }
    if (!status.ok()) return status;
  }
  SortParameters(out);
  return CheckSystemProperty(numbering, path, out);
}

absl::Status ReadErrMsg(std::string_view path, const Item& item, std::optional<std::string>& out) {
  if (auto s = ReadText(path, item, out); !s.ok()) return s;
  return CheckSize(path, out->size(), 1, kMaxMsg);
}

absl::Status ReadSuite(std::string_view path, const Item& item, CipherSuite& out) {
  return ReadArray(path, item, Empty::kRefused, out,
                   [](const std::string& p, const Item& e, CipherOperation& operation) {
                     if (!e.is_array() || e.size() != 2) return WantType(p, "[type, alg]", e);
                     const auto parts = e.elements();
                     if (auto s = ReadInt(p, parts[0], operation.cose_type); !s.ok()) return s;
                     return ReadInt(p, parts[1], operation.algorithm);
                   });
}

// Older peers leave out the digest and the key exchange, both of which were fixed.
absl::Status ReadProfile(const Numbering& numbering, std::string_view path, const Item& item,
                         SuitCoseProfile& out) {
  if (numbering.lenient && item.is_array() && item.size() == 2) {
    out.digest = kSha256;
    if (auto s = ReadInt(path, item.at(0), out.authentication); !s.ok()) return s;
    return ReadInt(path, item.at(1), out.encryption);
  }
  if (!item.is_array() || item.size() != 4) return WantType(path, "array of four", item);
  int64_t* const targets[] = {&out.digest, &out.authentication, &out.key_exchange, &out.encryption};
  size_t index = 0;
  for (const Item& part : item.elements()) {
    if (auto s = ReadInt(path, part, *targets[index++]); !s.ok()) return s;
  }
  return absl::OkStatus();
}

absl::Status ReadProfiles(const Numbering& numbering, std::string_view path, const Item& item,
                          Empty empty, std::vector<SuitCoseProfile>& out) {
  return ReadArray(path, item, empty, out,
                   [&](const std::string& p, const Item& e, SuitCoseProfile& profile) {
                     return ReadProfile(numbering, p, e, profile);
                   });
}

// Lists of SUIT and TEEP structures.
absl::Status ReadStructures(const Numbering& numbering, Option option, std::string_view path,
                            const Item& item, Options& out) {
  const Empty empty = EmptyLists(numbering);
  switch (option) {
    case Option::kSupportedCipherSuites:
      return ReadArray(path, item, empty, out.supported_cipher_suites, ReadSuite);
    case Option::kSelectedCipherSuite:
      return ReadSuite(path, item, out.selected_cipher_suite.emplace());
    case Option::kSupportedSuitCoseProfiles:
      return ReadProfiles(numbering, path, item, empty, out.supported_suit_cose_profiles);
    case Option::kTcList:
      return ReadArray(path, item, Empty::kAllowed, out.tc_list.emplace(),
                       [&](const std::string& p, const Item& e, SystemPropertyClaims& claims) {
                         return ReadSystemProperty(numbering, p, e, claims);
                       });
    case Option::kRequestedTcList:
      return ReadArray(path, item, empty, out.requested_tc_list,
                       [&](const std::string& p, const Item& e, RequestedTcInfo& info) {
                         return ReadRequestedTc(numbering, p, e, info);
                       });
    case Option::kUnneededManifestList:
      return ReadArray(path, item, empty, out.unneeded_manifest_list, ReadComponentId);
    default:
      return absl::OkStatus();  // labels of requested-tc-info mean nothing here
  }
}

absl::Status ReadOption(const Numbering& numbering, Option option, std::string_view path,
                        const Item& item, Options& out) {
  const Empty empty = EmptyLists(numbering);
  switch (option) {
    case Option::kChallenge:
      return ReadBoundedBytes(path, item, kMinChallenge, kMaxChallenge, out.challenge);
    case Option::kToken:
      return ReadBoundedBytes(path, item, kMinToken, kMaxToken, out.token);
    case Option::kAttestationPayload:
      return ReadBytes(path, item, out.attestation_payload.emplace());
    case Option::kAttestationPayloadFormat:
      return ReadText(path, item, out.attestation_payload_format);
    case Option::kVersions:
      return ReadUint32s(path, item, empty, out.versions);
    case Option::kExtList:
      return ReadUint32s(path, item, Empty::kAllowed, out.ext_list.emplace());
    case Option::kSupportedFreshnessMechanisms:
      return ReadUint32s(path, item, empty, out.supported_freshness_mechanisms);
    case Option::kSelectedVersion:
      return ReadUint(path, item, kMaxUint32, out.selected_version.emplace());
    case Option::kManifestList:
      return ReadArray(path, item, empty, out.manifest_list, ReadBytes);
    case Option::kSuitReports:
      return ReadArray(path, item, empty, out.suit_reports, ReadBytes);
    case Option::kMsg:
      return ReadErrMsg(path, item, out.msg);
    case Option::kErrMsg:
      return ReadErrMsg(path, item, out.err_msg);
    case Option::kErrLang:
      if (auto s = ReadText(path, item, out.err_lang); !s.ok()) return s;
      return CheckErrLang(path, *out.err_lang);
    case Option::kErrCode:
      if (auto s = ReadUint(path, item, UINT64_MAX, out.err_code.emplace()); !s.ok()) return s;
      out.err_code = numbering.ErrorFromWire(*out.err_code);
      return CheckErrCode(path, *out.err_code);
    default:
      return ReadStructures(numbering, option, path, item, out);
  }
}

}  // namespace

absl::StatusOr<std::vector<CipherSuite>> ReadCipherSuites(std::string_view path,
                                                          const cbor::Item& item) {
  std::vector<CipherSuite> suites;
  if (auto s = ReadArray(path, item, Empty::kRefused, suites, ReadSuite); !s.ok()) return s;
  return suites;
}

absl::StatusOr<std::vector<SuitCoseProfile>> ReadSuitCoseProfiles(const Numbering& numbering,
                                                                  std::string_view path,
                                                                  const cbor::Item& item) {
  std::vector<SuitCoseProfile> profiles;
  auto s = ReadProfiles(numbering, path, item, Empty::kRefused, profiles);
  if (!s.ok()) return s;
  return profiles;
}

absl::StatusOr<Options> ReadOptions(const Numbering& numbering, std::string_view path,
                                    const cbor::Item& map) {
  if (!map.is_map()) return WantType(Concat(path, ".options"), "map", map);
  Options options;
  for (const auto [key, value] : map.each_pair()) {
    if (!key.is_uint()) return WantType(Concat(path, ".options key"), "unsigned integer", key);
    const auto option = numbering.OptionOf(*key.Uint());
    if (!option.has_value()) continue;  // T-48
    const std::string field = Concat(path, ".", OptionName(*option));
    if (auto s = ReadOption(numbering, *option, field, value, options); !s.ok()) return s;
  }
  return options;
}

}  // namespace tam::teep

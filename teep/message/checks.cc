// Bounds that hold in both directions, and the rules that stand between fields.
#include <algorithm>

#include "crypto/cbor/cbor.h"
#include "crypto/text/text.h"
#include "teep/eat/eat.h"
#include "teep/message/message.h"
#include "teep/message/options.h"

namespace tam::teep {
namespace {

absl::Status Invalid(std::string_view path, std::string_view reason) {
  return absl::InvalidArgumentError(Concat(path, ": ", reason));
}

// Deterministic CBOR sorts non-negative integers before negative ones, each by magnitude.
bool EncodesBefore(int64_t a, int64_t b) {
  if ((a < 0) != (b < 0)) return b < 0;
  return a < 0 ? a > b : a < b;
}

// A payload without a format is a CWT of the TEEP profile (T-14).
absl::Status CheckPayloadFormat(std::string_view message, const std::optional<std::string>& payload,
                                const std::optional<std::string>& format) {
  if (!payload.has_value() || format.has_value()) return absl::OkStatus();
  const auto profile = eat::ExtractProfile(cbor::AsBytes(*payload));
  if (absl::IsNotFound(profile.status()) || (profile.ok() && *profile == eat::kTeepProfile)) {
    return absl::OkStatus();
  }
  return Invalid(Concat(message, ".attestation-payload-format"),
                 profile.ok() ? Concat("want one with eat_profile ", *profile)
                              : "want one with what is no EAT in CWT");
}

}  // namespace

absl::Status CheckSize(std::string_view path, size_t size, size_t min, size_t max) {
  if (size >= min && size <= max) return absl::OkStatus();
  return Invalid(path, Concat("want ", min, "..", max, " bytes, got ", size));
}

absl::Status CheckComponentId(std::string_view path, const ComponentId& id) {
  if (!id.empty()) return absl::OkStatus();
  return Invalid(path, "want at least one byte string, got an empty array");
}

absl::Status CheckRequestedTc(std::string_view path, const RequestedTcInfo& info) {
  if (info.have_binary.value_or(false) && !info.manifest_sequence_number.has_value()) {
    return Invalid(path, "want tc-manifest-sequence-number with have-binary, got none");
  }
  return CheckComponentId(Concat(path, ".component-id"), info.component_id);
}

absl::Status CheckImageDigest(std::string_view path,
                              const SystemPropertyClaims::ImageDigest& digest) {
  constexpr int64_t kSha256 = -16, kSha384 = -43, kSha512 = -44;
  const size_t want = digest.algorithm == kSha256   ? 32
                      : digest.algorithm == kSha384 ? 48
                      : digest.algorithm == kSha512 ? 64
                                                    : digest.bytes.size();
  return CheckSize(path, digest.bytes.size(), want, want);
}

absl::Status CheckSystemProperty(const Numbering& numbering, std::string_view path,
                                 const SystemPropertyClaims& claims) {
  if (auto s = CheckComponentId(Concat(path, ".0"), claims.component_id); !s.ok()) return s;
  if (claims.image_digest.has_value()) {
    auto s = CheckImageDigest(Concat(path, ".3"), *claims.image_digest);
    if (!s.ok()) return s;
  }
  for (size_t i = 0; i < claims.other_parameters.size(); ++i) {
    const int64_t label = claims.other_parameters[i].first;
    if (label == 0 || label == 3 || label == 14 || label == numbering.tc_component_label) {
      return Invalid(path, Concat("want label ", label, " in its own field"));
    }
    if (i > 0 && !EncodesBefore(claims.other_parameters[i - 1].first, label)) {
      return Invalid(path, "want each parameter once, in the order of encoded labels");
    }
  }
  if (!numbering.lenient && !claims.image_digest.has_value() && !claims.image_size.has_value() &&
      claims.other_parameters.empty()) {
    return Invalid(path, "want at least one SUIT parameter, got none");
  }
  return absl::OkStatus();
}

void SortParameters(SystemPropertyClaims& claims) {
  std::sort(claims.other_parameters.begin(), claims.other_parameters.end(),
            [](const auto& a, const auto& b) { return EncodesBefore(a.first, b.first); });
}

absl::Status CheckErrLang(std::string_view path, std::string_view tag) {
  if (auto s = CheckSize(path, tag.size(), 1, kMaxErrLang); !s.ok()) return s;
  if (!IsLanguageTag(tag)) return Invalid(path, "want a language tag of RFC 5646");
  return absl::OkStatus();
}

absl::Status CheckErrCode(std::string_view path, uint64_t code) {
  if (code != 0) return absl::OkStatus();
  return Invalid(path, "want 1 or more, got 0 (reserved)");
}

absl::Status CheckCipherSuites(std::string_view path, const std::vector<CipherSuite>& suites) {
  for (const CipherSuite& suite : suites) {
    if (suite.empty()) return Invalid(path, "want at least one operation in a suite, got none");
  }
  return absl::OkStatus();
}

absl::Status CheckQueryRequest(const QueryRequest& request, PassportModel passport) {
  if (auto s = CheckPayloadFormat("query-request", request.attestation_payload,
                                  request.attestation_payload_format);
      !s.ok()) {
    return s;
  }
  const bool attestation = (request.data_item_requested & kRequestAttestation) != 0;
  if (!attestation) {
    if (!request.token.has_value()) {
      return Invalid("query-request.token", "want a token where no attestation is requested");
    }
    if (request.challenge.has_value()) {
      return Invalid("query-request.challenge", "want none where no attestation is requested");
    }
    if (!request.supported_freshness_mechanisms.empty()) {
      return Invalid("query-request.supported-freshness-mechanisms",
                     "want none where no attestation is requested");
    }
    return absl::OkStatus();
  }
  if (request.token.has_value() &&
      (request.challenge.has_value() || passport == PassportModel::kRefused)) {
    return Invalid("query-request.token", "want none where attestation is requested");
  }
  bool timestamp = false;
  for (uint64_t mechanism : request.supported_freshness_mechanisms) {
    timestamp = timestamp || mechanism == kFreshnessTimestamp;
  }
  if (!request.token.has_value() && !request.challenge.has_value() && !timestamp) {
    return Invalid("query-request.challenge",
                   "want a challenge (or a token, Passport model) for the nonce, got neither");
  }
  return absl::OkStatus();
}

absl::Status CheckUpdate(const Update& update) {
  if (update.err_code.has_value()) {
    const uint64_t code = static_cast<uint64_t>(*update.err_code);
    if (code < 1 || code > static_cast<uint64_t>(ErrorCode::kManifestProcessingFailed)) {
      return Invalid("update.err-code", Concat("want a defined code, got ", code));
    }
  } else if (update.err_msg.has_value()) {
    return Invalid("update.err-msg", "want err-code with it, got none");
  }
  if (update.err_lang.has_value() && !update.err_msg.has_value()) {
    return Invalid("update.err-lang", "want err-msg with it, got none");
  }
  if (update.attestation_payload_format.has_value() && !update.attestation_payload.has_value()) {
    return Invalid("update.attestation-payload-format", "want attestation-payload with it");
  }
  return CheckPayloadFormat("update", update.attestation_payload,
                            update.attestation_payload_format);
}

}  // namespace tam::teep

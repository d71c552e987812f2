#include "services/signing/compose.h"

#include <algorithm>
#include <string>
#include <utility>

#include "crypto/cbor/cbor.h"
#include "crypto/cose/cose.h"
#include "crypto/text/text.h"

namespace tam::signing {
namespace {

constexpr uint32_t kKnownItems = teep::kRequestAttestation | teep::kRequestTrustedComponents |
                                 teep::kRequestExtensions | teep::kRequestSuitReports;

absl::Status Invalid(std::string_view field, std::string_view reason) {
  return absl::InvalidArgumentError(Concat(field, ": ", reason));
}

absl::Status CheckSize(std::string_view field, size_t size, size_t min, size_t max) {
  if (size >= min && size <= max) return absl::OkStatus();
  return Invalid(field, Concat("want ", min, "..", max, " bytes, got ", size));
}

template <typename Request>
absl::Status CheckProfile(const Request& request) {
  if (!v1::WireProfile_IsValid(request.wire_profile())) {
    return Invalid("wire_profile", "want draft-26 or legacy");
  }
  if (request.older_algorithms() && request.wire_profile() != v1::WIRE_PROFILE_LEGACY) {
    return Invalid("older_algorithms", "want none where wire_profile is draft-26");
  }
  return absl::OkStatus();
}

int64_t OlderNumber(int64_t algorithm) {
  return algorithm == cose::kEsp256 ? cose::kEs256 : cose::kEdDsa;
}

// What agents find that know -7 and -8 alone.
void OfferOlderNumbers(teep::QueryRequest& message) {
  for (teep::CipherSuite& suite : message.supported_cipher_suites) {
    for (teep::CipherOperation& operation : suite) {
      operation.algorithm = OlderNumber(operation.algorithm);
    }
  }
  for (teep::SuitCoseProfile& profile : message.supported_suit_cose_profiles) {
    profile.authentication = OlderNumber(profile.authentication);
  }
}

absl::Status SetFreshness(const v1::SignQueryRequestRequest& request, teep::QueryRequest& message) {
  for (const uint32_t mechanism : request.freshness()) {
    auto& listed = message.supported_freshness_mechanisms;
    if (mechanism > teep::kFreshnessTimestamp ||
        std::find(listed.begin(), listed.end(), mechanism) != listed.end()) {
      return Invalid("freshness", Concat("want 0 and 1, each once, got ", mechanism));
    }
    listed.push_back(mechanism);
  }
  return absl::OkStatus();
}

std::optional<std::string> Optional(const std::string& text) {
  if (text.empty()) return std::nullopt;
  return text;
}

absl::StatusOr<teep::ComponentId> ParseComponentId(const std::string& path,
                                                   const std::string& encoded) {
  auto document = cbor::Document::Parse(cbor::AsBytes(encoded), {}, path);
  if (!document.ok()) return document.status();
  const cbor::Item root = document->root();
  if (auto s = root.CheckArray(1); !s.ok()) return s;
  teep::ComponentId id;
  for (const cbor::Item segment : root.each()) {
    auto bytes = segment.ByteString();
    if (!bytes.ok()) return bytes.status();
    id.push_back(cbor::AsString(*bytes));
  }
  return id;
}

// Parses a claim that arrives encoded by the one parser of claims.
absl::Status MergeEncodedClaims(const v1::SignAttestationResultRequest& request,
                                eat::Claims& claims) {
  cbor::MapBuilder map;
  if (!request.hwversion().empty())
    map.Set(260, std::move(cbor::Writer().Raw(request.hwversion())));
  if (!request.manifests().empty())
    map.Set(272, std::move(cbor::Writer().Raw(request.manifests())));
  if (!request.measurements().empty()) {
    map.Set(273, std::move(cbor::Writer().Raw(request.measurements())));
  }
  if (map.empty()) return absl::OkStatus();
  auto parsed = eat::ParseClaims(cbor::AsBytes(map.Encode()));
  if (!parsed.ok()) return parsed.status();
  claims.hwversion = std::move(parsed->hwversion);
  claims.hwversion_scheme = std::move(parsed->hwversion_scheme);
  claims.manifests = std::move(parsed->manifests);
  claims.measurements = std::move(parsed->measurements);
  return absl::OkStatus();
}

// oemid as the API has it: 3 or 16 bytes of the claim, or 4 bytes of a PEN, big endian.
absl::Status SetClass(const v1::DeviceClass& device_class, eat::Claims& claims) {
  const std::string& oemid = device_class.oemid();
  if (oemid.size() == 4) {
    uint32_t pen = 0;
    for (const char c : oemid) pen = pen << 8 | static_cast<uint8_t>(c);
    claims.oemid = Concat(pen);
    claims.oemid_is_pen = true;
  } else if (oemid.size() == 3 || oemid.size() == 16) {
    claims.oemid = oemid;
  } else {
    return Invalid("device_class.oemid", Concat("want 3, 4 or 16 bytes, got ", oemid.size()));
  }
  claims.hwmodel = device_class.hwmodel();
  return CheckSize("device_class.hwmodel", device_class.hwmodel().size(), 1, 32);
}

}  // namespace

teep::WireProfile ProfileOf(v1::WireProfile profile) {
  return profile == v1::WIRE_PROFILE_LEGACY ? teep::WireProfile::kLegacy
                                            : teep::WireProfile::kDraft26;
}

absl::StatusOr<int32_t> AlgorithmOf(v1::CipherSuite suite) {
  if (suite == v1::CIPHER_SUITE_ESP256) return static_cast<int32_t>(cose::kEsp256);
  if (suite == v1::CIPHER_SUITE_ED25519) return static_cast<int32_t>(cose::kEd25519);
  return Invalid("suite", "want ESP256 or Ed25519");
}

absl::StatusOr<teep::QueryRequest> ComposeQueryRequest(const v1::SignQueryRequestRequest& request) {
  if (auto s = CheckProfile(request); !s.ok()) return s;
  if ((request.data_items() & ~kKnownItems) != 0) {
    return Invalid("data_items", Concat("want bits 0 to 3, got ", request.data_items()));
  }
  if (request.challenge().empty() == request.token().empty()) {
    return Invalid("challenge", "want exactly one of challenge and token");
  }
  teep::QueryRequest message;
  message.challenge = Optional(request.challenge());
  message.token = Optional(request.token());
  const std::string& nonce = message.token.has_value() ? *message.token : *message.challenge;
  if (auto s =
          CheckSize(message.token.has_value() ? "token" : "challenge", nonce.size(), 8, kMaxNonce);
      !s.ok()) {
    return s;
  }
  message.versions.assign(request.versions().begin(), request.versions().end());
  message.supported_cipher_suites = teep::MandatoryCipherSuites();
  message.supported_suit_cose_profiles = teep::MandatorySuitCoseProfiles();
  if (request.older_algorithms()) OfferOlderNumbers(message);
  if (auto s = SetFreshness(request, message); !s.ok()) return s;
  message.data_item_requested = request.data_items();
  if (auto s = teep::CheckQueryRequest(message, teep::PassportModel::kAllowed); !s.ok()) return s;
  return message;
}

absl::StatusOr<teep::Update> ComposeUpdate(const v1::SignUpdateRequest& request) {
  if (auto s = CheckProfile(request); !s.ok()) return s;
  teep::Update message;
  message.token = Optional(request.token());
  message.manifest_list.assign(request.manifests().begin(), request.manifests().end());
  for (int i = 0; i < request.unneeded_size(); ++i) {
    auto id = ParseComponentId(Concat("unneeded[", i, "]"), request.unneeded(i));
    if (!id.ok()) return id.status();
    message.unneeded_manifest_list.push_back(*std::move(id));
  }
  message.attestation_payload = Optional(request.attestation_payload());
  message.attestation_payload_format = Optional(request.attestation_payload_format());
  if (request.err_code() != 0) message.err_code = static_cast<teep::ErrorCode>(request.err_code());
  message.err_msg = Optional(request.err_msg());
  message.err_lang = Optional(request.err_lang());
  if (auto s = teep::CheckUpdate(message); !s.ok()) return s;
  return message;
}

absl::StatusOr<eat::Claims> ComposeAttestationResult(
    const v1::SignAttestationResultRequest& request, absl::Time now) {
  if (!request.nonce().empty()) {
    auto s = CheckSize("nonce", request.nonce().size(), kMinNonce, kMaxNonce);
    if (!s.ok()) return s;
  }
  if (auto s = CheckSize("agent_thumbprint", request.agent_thumbprint().size(), 32, 32); !s.ok()) {
    return s;
  }
  if (auto s = eat::CheckUeid(cbor::AsBytes(request.ueid())); !s.ok()) return s;
  if (request.profile().empty()) return Invalid("profile", "want an eat_profile");
  if (request.lifetime_seconds() <= 0 || request.lifetime_seconds() > kMaxResultLifetimeSeconds) {
    return Invalid("lifetime_seconds", Concat("want 1..", kMaxResultLifetimeSeconds, ", got ",
                                              request.lifetime_seconds()));
  }
  eat::Claims claims;
  claims.issued_at = absl::FromUnixSeconds(absl::ToUnixSeconds(now));
  claims.expires = *claims.issued_at + absl::Seconds(request.lifetime_seconds());
  claims.cnf = eat::Confirmation{std::nullopt, request.agent_thumbprint(), std::nullopt};
  if (!request.nonce().empty()) claims.nonces = {request.nonce()};
  claims.ueid = request.ueid();
  claims.profile = request.profile();
  if (auto s = SetClass(request.device_class(), claims); !s.ok()) return s;
  if (auto s = MergeEncodedClaims(request, claims); !s.ok()) return s;
  return claims;
}

}  // namespace tam::signing

#include "services/gateway/conversions.h"

#include <algorithm>
#include <map>
#include <utility>

#include "absl/strings/str_cat.h"
#include "crypto/cbor/cbor.h"
#include "crypto/cose/cose.h"
#include "teep/eat/eat.h"

namespace tam::gateway {
namespace {

constexpr int64_t kSha256 = -16;
constexpr int kMaxHeld = 256;

std::string ImageDigestOf(const teep::SystemPropertyClaims& claims) {
  const bool is_sha256 = claims.image_digest.has_value() &&
                         claims.image_digest->algorithm == kSha256 &&
                         claims.image_digest->bytes.size() == 32;
  return is_sha256 ? claims.image_digest->bytes : "";
}

absl::StatusOr<LegacyOptions> LegacyFrom(const v1::ResolveEndpointResponse& response) {
  const v1::LegacyOptions& from = response.endpoint().legacy();
  LegacyOptions legacy;
  legacy.older_algorithms = from.older_algorithms();
  legacy.untagged = from.untagged();
  legacy.keys_without_kid = from.keys_without_kid();
  if (from.sign1_suite() == v1::CIPHER_SUITE_ESP256) legacy.sign1 = keys::KeyType::kP256;
  if (from.sign1_suite() == v1::CIPHER_SUITE_ED25519) legacy.sign1 = keys::KeyType::kEd25519;
  legacy.too_many_agent_keys = response.too_many_agent_keys();
  for (const std::string& bytes : response.agent_keys()) {
    auto key = keys::PublicKey::FromCoseKey(cbor::AsBytes(bytes));
    if (!key.ok()) return absl::InternalError(key.status().message());
    legacy.agent_keys.push_back(*std::move(key));
  }
  return legacy;
}

}  // namespace

absl::StatusOr<Endpoint> EndpointFrom(const v1::ResolveEndpointResponse& response) {
  const v1::Endpoint& from = response.endpoint();
  if (from.uid().size() != 16 || response.tenant_uid().size() != 16) {
    return absl::InternalError(
        absl::StrCat("endpoint.uid: want 16 bytes, got ", from.uid().size()));
  }
  Endpoint endpoint;
  endpoint.path = from.path();
  endpoint.tenant_uid = response.tenant_uid();
  endpoint.tenant_name = response.tenant_id();
  endpoint.uid = from.uid();
  std::copy(from.uid().begin(), from.uid().end(), endpoint.binding.endpoint_uid.begin());
  endpoint.binding.generation = static_cast<uint64_t>(from.config_generation());
  endpoint.binding.data_items = static_cast<uint8_t>(from.data_items());
  endpoint.binding.lifetime = absl::Seconds(from.challenge_lifetime_seconds());
  if (from.wire_profile() == v1::WIRE_PROFILE_LEGACY) {
    endpoint.profile = teep::WireProfile::kLegacy;
    auto legacy = LegacyFrom(response);
    if (!legacy.ok()) return legacy.status();
    endpoint.legacy = *std::move(legacy);
  }
  endpoint.passport = from.passport();
  endpoint.timestamps = from.timestamps();
  endpoint.return_results = from.return_results();
  endpoint.update_deadline = absl::Seconds(from.update_deadline_seconds());
  endpoint.max_message_bytes = static_cast<size_t>(from.max_message_bytes());
  return endpoint;
}

FetchedKeys KeysFrom(const v1::GetChallengeKeysResponse& response) {
  FetchedKeys fetched;
  fetched.database_time = absl::FromUnixMillis(response.now_ms());
  for (const v1::ChallengeKey& key : response.keys()) {
    fetched.keys.emplace(key.epoch(), secret::SecretBytes(cbor::AsBytes(key.key())));
  }
  return fetched;
}

std::string EncodeComponent(const teep::ComponentId& id) {
  cbor::Writer writer;
  writer.Array(id.size());
  for (const std::string& segment : id) writer.ByteString(segment);
  return std::move(writer).Take();
}

void AddReported(const teep::QueryResponse& response, v1::AcceptRequest& request) {
  if (!response.tc_list.has_value()) return;
  for (const teep::SystemPropertyClaims& claims : *response.tc_list) {
    v1::ReportedComponent* component = request.add_reported();
    component->set_component_id(EncodeComponent(claims.component_id));
    component->set_image_digest(ImageDigestOf(claims));
    component->set_image_size(claims.image_size.value_or(0));
  }
}

void AddReported(const teep::QueryResponse& response, v1::ResolveRequest& request) {
  request.set_has_reported(response.tc_list.has_value());
  if (response.tc_list.has_value()) {
    for (const teep::SystemPropertyClaims& claims : *response.tc_list) {
      v1::PresentComponent* component = request.add_reported();
      component->set_component_id(EncodeComponent(claims.component_id));
      component->set_image_digest(ImageDigestOf(claims));
    }
  }
  for (const teep::RequestedTcInfo& info : response.requested_tc_list) {
    v1::RequestedComponent* wanted = request.add_requested();
    wanted->set_component_id(EncodeComponent(info.component_id));
    wanted->set_min_sequence(info.manifest_sequence_number.value_or(0));
    wanted->set_have_binary(info.have_binary.value_or(false));
  }
  for (const teep::ComponentId& id : response.unneeded_manifest_list) {
    request.add_unneeded(EncodeComponent(id));
  }
}

void SetHeld(const teep::QueryResponse& response, v1::GetEnvelopesRequest& request) {
  request.clear_held();
  std::map<teep::ComponentId, std::string> images;
  for (const teep::RequestedTcInfo& info : response.requested_tc_list) {
    if (!info.have_binary.value_or(false) || request.held_size() == kMaxHeld) continue;
    if (images.empty() && response.tc_list.has_value()) {
      for (const teep::SystemPropertyClaims& claims : *response.tc_list) {
        images.emplace(claims.component_id, ImageDigestOf(claims));
      }
    }
    v1::HeldBinary* held = request.add_held();
    held->set_component_id(EncodeComponent(info.component_id));
    held->set_min_sequence(info.manifest_sequence_number.value_or(0));
    const auto image = images.find(info.component_id);
    if (image != images.end()) held->set_image_digest(image->second);
  }
}

std::string ResultFormat(std::string_view result) {
  const auto profile = eat::ExtractProfile(cbor::AsBytes(result));
  if (!profile.ok() || *profile == eat::kTeepProfile) return "";
  return eat::FormatMediaType({"application", "eat+cwt", {{"eat_profile", *profile}}});
}

v1::CipherSuite SuiteOf(int64_t algorithm) {
  return algorithm == cose::kEd25519 || algorithm == cose::kEdDsa ? v1::CIPHER_SUITE_ED25519
                                                                  : v1::CIPHER_SUITE_ESP256;
}

}  // namespace tam::gateway

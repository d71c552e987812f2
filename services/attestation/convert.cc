#include "services/attestation/convert.h"

#include <set>
#include <utility>

#include "crypto/cbor/cbor.h"
#include "crypto/text/text.h"
#include "services/attestation/inputs.h"
#include "services/runtime/resource.h"
#include "teep/eat/ear.h"

namespace tam::attestation {
namespace {

constexpr int kMaxDigests = 64;
constexpr int kMaxProfiles = 16;
constexpr int kMaxVerifiers = 16;
constexpr size_t kMaxProfileBytes = 256;
constexpr int64_t kMinLifetimeSeconds = 60;
constexpr int64_t kMaxLifetimeSeconds = 86400;

void SetTime(absl::Time time, google::protobuf::Timestamp& out) {
  out.set_seconds(absl::ToUnixSeconds(time));
  out.set_nanos(
      static_cast<int32_t>(absl::ToInt64Nanoseconds(time - absl::FromUnixSeconds(out.seconds()))));
}

absl::Status Invalid(std::string_view field, std::string_view reason) {
  return absl::InvalidArgumentError(Concat(field, ": ", reason));
}

absl::StatusOr<std::vector<std::string>> ParseProfiles(
    std::string_view field, const google::protobuf::RepeatedPtrField<std::string>& profiles) {
  if (profiles.size() > kMaxProfiles) {
    return Invalid(field, Concat("want at most ", kMaxProfiles, ", got ", profiles.size()));
  }
  for (const std::string& profile : profiles) {
    if (profile.empty() || profile.size() > kMaxProfileBytes) {
      return Invalid(field, Concat("want 1..", kMaxProfileBytes, " bytes, got ", profile.size()));
    }
    // Its verdict stands in its appraisals, which nothing here judges yet.
    if (profile == eat::kEarProfile) return Invalid(field, "EARs are not taken as results");
  }
  return std::vector<std::string>(profiles.begin(), profiles.end());
}

}  // namespace

v1::AttestationKey ToProto(const std::string& tenant, const storage::AttestationKey& key) {
  const std::string device = key.device.has_value() ? key.device->ToString() : "-";
  v1::AttestationKey out;
  out.set_name(Concat("tenants/", tenant, "/devices/", device, "/attestationKeys/",
                      key.thumbprint.ToString()));
  out.set_thumbprint(cbor::AsString(key.thumbprint.bytes()));
  out.set_cose_key(cbor::AsString(key.public_key));
  SetTime(key.created, *out.mutable_create_time());
  return out;
}

v1::ReferenceValue ToProto(const std::string& tenant, const storage::ReferenceValue& value) {
  v1::ReferenceValue out;
  out.set_name(Concat("tenants/", tenant, "/referenceValues/", value.name));
  out.mutable_device_class()->set_oemid(cbor::AsString(value.device_class.oem_id));
  out.mutable_device_class()->set_hwmodel(cbor::AsString(value.device_class.hw_model));
  out.set_measurement(value.measurement);
  for (const auto& digest : value.digests) out.add_digests(cbor::AsString(digest.bytes()));
  out.set_etag(runtime::EtagOf(value.version));
  SetTime(value.created, *out.mutable_create_time());
  return out;
}

v1::AttestationPolicy ToProto(const std::string& tenant, const storage::AttestationPolicy& policy) {
  v1::AttestationPolicy out;
  out.set_name(Concat("tenants/", tenant, "/attestationPolicy"));
  const auto results =
      policy.result_profiles.empty() ? DefaultResultProfiles() : policy.result_profiles;
  const auto evidence =
      policy.evidence_profiles.empty() ? DefaultEvidenceProfiles() : policy.evidence_profiles;
  out.mutable_result_profiles()->Add(results.begin(), results.end());
  out.mutable_evidence_profiles()->Add(evidence.begin(), evidence.end());
  for (const storage::Bytes& key : policy.verifier_keys) {
    out.add_verifier_keys(cbor::AsString(key));
  }
  const absl::Duration lifetime = policy.result_lifetime > absl::ZeroDuration()
                                      ? policy.result_lifetime
                                      : kDefaultResultLifetime;
  out.set_result_lifetime_seconds(absl::ToInt64Seconds(lifetime));
  // One that nobody has set has no version to hold on to.
  if (policy.version > 0) out.set_etag(runtime::EtagOf(policy.version));
  return out;
}

absl::StatusOr<keys::PublicKey> ParseKey(const v1::PublicKey& key) {
  switch (key.encoding_case()) {
    case v1::PublicKey::kCoseKey:
      return keys::PublicKey::FromCoseKey(cbor::AsBytes(key.cose_key()));
    case v1::PublicKey::kPem:
      return keys::PublicKey::FromPem(key.pem());
    default:
      return Invalid("key", "want cose_key or pem, got neither");
  }
}

absl::StatusOr<storage::DeviceClass> ParseClass(const v1::DeviceClass& device_class) {
  const std::string& oemid = device_class.oemid();
  if (oemid.size() != 3 && oemid.size() != 4 && oemid.size() != 16) {
    return Invalid("device_class.oemid", Concat("want 3, 4 or 16 bytes, got ", oemid.size()));
  }
  const std::string& hwmodel = device_class.hwmodel();
  if (hwmodel.empty() || hwmodel.size() > 32) {
    return Invalid("device_class.hwmodel", Concat("want 1..32 bytes, got ", hwmodel.size()));
  }
  return storage::DeviceClass{{oemid.begin(), oemid.end()}, {hwmodel.begin(), hwmodel.end()}};
}

absl::Status SetDigests(const v1::ReferenceValue& from, storage::ReferenceValue& to) {
  if (from.digests_size() > kMaxDigests) {
    return Invalid("digests", Concat("want at most ", kMaxDigests, ", got ", from.digests_size()));
  }
  std::set<storage::MeasurementDigest> seen;
  to.digests.clear();
  for (int i = 0; i < from.digests_size(); ++i) {
    auto digest = storage::MeasurementDigest::FromBytes(cbor::AsBytes(from.digests(i)));
    if (!digest.ok()) {
      return Invalid(Concat("digests[", i, "]"),
                     Concat("want 32 bytes, got ", from.digests(i).size()));
    }
    if (seen.insert(*digest).second) to.digests.push_back(*digest);
  }
  return absl::OkStatus();
}

absl::StatusOr<storage::AttestationPolicy> ParsePolicy(const v1::AttestationPolicy& policy) {
  storage::AttestationPolicy out;
  auto version = runtime::VersionOf(policy.etag());
  if (!version.ok()) return version.status();
  out.version = *version;
  auto results = ParseProfiles("result_profiles", policy.result_profiles());
  if (!results.ok()) return results.status();
  auto evidence = ParseProfiles("evidence_profiles", policy.evidence_profiles());
  if (!evidence.ok()) return evidence.status();
  for (const std::string& profile : results->empty() ? DefaultResultProfiles() : *results) {
    for (const std::string& other : evidence->empty() ? DefaultEvidenceProfiles() : *evidence) {
      if (profile == other) {
        return Invalid("evidence_profiles", Concat("want none of result_profiles, got ", profile));
      }
    }
  }
  out.result_profiles = *std::move(results);
  out.evidence_profiles = *std::move(evidence);
  if (policy.verifier_keys_size() > kMaxVerifiers) {
    return Invalid("verifier_keys",
                   Concat("want at most ", kMaxVerifiers, ", got ", policy.verifier_keys_size()));
  }
  for (const std::string& encoded : policy.verifier_keys()) {
    auto key = keys::PublicKey::FromCoseKey(cbor::AsBytes(encoded));
    if (!key.ok()) return Invalid("verifier_keys", StdView(key.status().message()));
    out.verifier_keys.emplace_back(key->cose_key().begin(), key->cose_key().end());
  }
  const int64_t lifetime = policy.result_lifetime_seconds();
  if (lifetime != 0 && (lifetime < kMinLifetimeSeconds || lifetime > kMaxLifetimeSeconds)) {
    return Invalid("result_lifetime_seconds", Concat("want 0 or ", kMinLifetimeSeconds, "..",
                                                     kMaxLifetimeSeconds, ", got ", lifetime));
  }
  out.result_lifetime = absl::Seconds(lifetime);
  return out;
}

}  // namespace tam::attestation

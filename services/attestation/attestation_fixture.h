// The attestation service over in-memory stores and a signing service that notes what it is asked.
#ifndef TAMARACK_SERVICES_ATTESTATION_ATTESTATION_FIXTURE_H_
#define TAMARACK_SERVICES_ATTESTATION_ATTESTATION_FIXTURE_H_

#include <memory>
#include <optional>
#include <string>

#include "crypto/cbor/cbor.h"
#include "crypto/cose/cose.h"
#include "crypto/keys/key.h"
#include "crypto/secret/secret.h"
#include "gtest/gtest.h"
#include "services/attestation/admin_handler.h"
#include "services/attestation/eat/evidence_claims.h"
#include "services/attestation/session_handler.h"
#include "storage/memory/memory_storage.h"
#include "teep/eat/eat.h"
#include "tests/support/status_matchers.h"

namespace tam::attestation {

inline void FillRandom(absl::Span<uint8_t> out) { secret::RandomSource::System().Fill(out); }

inline runtime::CallContext ContextOf(const std::string& path) {
  return {*runtime::Identity::Parse("spiffe://test/" + path, "test"), absl::InfiniteFuture(), "r"};
}

class NotingSigner : public clients::SigningSessionClient {
 public:
  absl::StatusOr<v1::SignQueryRequestResponse> SignQueryRequest(
      const runtime::CallContext&, const v1::SignQueryRequestRequest&) override {
    return absl::UnimplementedError("not asked for here");
  }
  absl::StatusOr<v1::SignUpdateResponse> SignUpdate(const runtime::CallContext&,
                                                    const v1::SignUpdateRequest&) override {
    return absl::UnimplementedError("not asked for here");
  }
  absl::StatusOr<v1::SignAttestationResultResponse> SignAttestationResult(
      const runtime::CallContext&, const v1::SignAttestationResultRequest& request) override {
    asked = request;
    if (!status.ok()) return status;
    v1::SignAttestationResultResponse response;
    response.set_message("signed");
    return response;
  }
  absl::StatusOr<v1::DecryptResponse> Decrypt(const runtime::CallContext&,
                                              const v1::DecryptRequest&) override {
    return absl::UnimplementedError("not asked for here");
  }
  absl::StatusOr<v1::GetChallengeKeysResponse> GetChallengeKeys(
      const runtime::CallContext&, const v1::GetChallengeKeysRequest&) override {
    return absl::UnimplementedError("not asked for here");
  }
  std::optional<v1::SignAttestationResultRequest> asked;
  absl::Status status;
};

// Counts what the cache asks of the store.
class CountingReader : public storage::AppraisalReader {
 public:
  explicit CountingReader(storage::AppraisalReader& inner) : inner_(inner) {}
  absl::StatusOr<uint64_t> Generation(const storage::TenantId& tenant,
                                      storage::CallDeadline deadline) override {
    ++generations;
    return inner_.Generation(tenant, deadline);
  }
  absl::StatusOr<storage::AppraisalInputs> Inputs(const storage::TenantId& tenant,
                                                  const storage::DeviceId& device,
                                                  const storage::DeviceClass& device_class,
                                                  storage::CallDeadline deadline) override {
    ++inputs;
    return inner_.Inputs(tenant, device, device_class, deadline);
  }
  int generations = 0;
  int inputs = 0;

 private:
  storage::AppraisalReader& inner_;
};

class AttestationTest : public ::testing::Test {
 protected:
  AttestationTest() {
    storage::Tenant tenant;
    tenant.id = tenant_;
    tenant.name = "acme";
    EXPECT_OK(storage_->tenants().Create(tenant, {}, {}));
    EXPECT_OK(Import(device_, attester_.public_key()));
    EXPECT_OK(CreateValue("tee-os", std::string(32, 'g')));
  }

  absl::StatusOr<v1::ImportAttestationKeyResponse> Import(const storage::DeviceId& device,
                                                          const keys::PublicKey& key) {
    v1::ImportAttestationKeyRequest request;
    request.set_parent("tenants/acme/devices/" + device.ToString());
    request.mutable_key()->set_pem(key.ToPem());
    return admin_.ImportAttestationKey(operator_, request);
  }
  absl::StatusOr<v1::CreateReferenceValueResponse> CreateValue(const std::string& name,
                                                               const std::string& digest) {
    v1::CreateReferenceValueRequest request;
    request.set_parent("tenants/acme");
    request.set_reference_value_id(name);
    auto& value = *request.mutable_reference_value();
    value.mutable_device_class()->set_oemid("oem");
    value.mutable_device_class()->set_hwmodel("model");
    value.set_measurement(name);
    value.add_digests(digest);
    return admin_.CreateReferenceValue(operator_, request);
  }
  v1::AppraiseRequest Request(const keys::PrivateKey& key) {
    v1::AppraiseRequest request;
    request.set_tenant_uid(cbor::AsString(tenant_.bytes()));
    request.set_device_uid(cbor::AsString(device_.bytes()));
    request.set_challenge(std::string(32, 'c'));
    request.set_agent_thumbprint(cbor::AsString(agent_.public_key().thumbprint()));
    request.set_payload(*cose::Sign1(key, cbor::AsBytes(eat::EncodeClaims(claims_))));
    request.set_payload_format(kEvidenceFormat);
    return request;
  }
  v1::AppraiseResponse Appraise(const v1::AppraiseRequest& request) {
    auto response = session_.Appraise(gateway_, request);
    EXPECT_OK(response);
    return response.value_or(v1::AppraiseResponse());
  }
  v1::AppraiseResponse Appraise() { return Appraise(Request(attester_)); }

  absl::Duration monotonic_ = absl::Hours(1);
  const runtime::MonotonicClock clock_ = [this] { return monotonic_; };
  std::unique_ptr<storage::Storage> storage_ =
      storage::NewMemoryStorage([] { return absl::FromUnixSeconds(1'790'000'000); });
  const storage::TenantId tenant_ = storage::NewId<storage::TenantId>(FillRandom);
  const storage::DeviceId device_ = storage::NewId<storage::DeviceId>(FillRandom);
  const keys::PrivateKey attester_ = *keys::PrivateKey::Generate(keys::KeyType::kP256);
  const keys::PrivateKey agent_ = *keys::PrivateKey::Generate(keys::KeyType::kP256);
  const runtime::CallContext gateway_ = ContextOf("service/gateway");
  const runtime::CallContext operator_ = ContextOf("tenant/acme/operator/olga");
  eat::Claims claims_ = EvidenceClaims(agent_.public_key(), std::string(32, 'c'));
  NotingSigner signer_;
  CountingReader reader_{storage_->appraisal()};
  runtime::AuditComposer audit_{storage_->pseudonyms(), FillRandom};
  runtime::DatabaseTime time_{storage_->clock(), clock_};
  InputsCache inputs_{reader_, clock_};
  SessionHandler session_{inputs_, signer_, time_};
  AdminHandler admin_{{storage_->attestation(), storage_->reference_values(), storage_->tenants(),
                       audit_, inputs_}};
};

}  // namespace tam::attestation

#endif  // TAMARACK_SERVICES_ATTESTATION_ATTESTATION_FIXTURE_H_

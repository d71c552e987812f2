// The attestation service over in-memory stores and a signing service that notes what it is asked.
#include <memory>
#include <string>

#include "crypto/cbor/cbor.h"
#include "crypto/cose/cose.h"
#include "crypto/secret/secret.h"
#include "services/attestation/admin_handler.h"
#include "services/attestation/session_handler.h"
#include "storage/memory/memory_storage.h"
#include "teep/eat/ear.h"
#include "tests/support/row.h"
#include "tests/support/status_matchers.h"

namespace tam::attestation {
namespace {

using cbor::AsBytes;
using ::tam::testing::StatusIs;
using ::testing::HasSubstr;

constexpr auto kInvalid = absl::StatusCode::kInvalidArgument;
constexpr char kFormat[] = "application/eat+cwt; eat_profile=\"urn:tamarack:teep-evidence:1\"";

void FillRandom(absl::Span<uint8_t> out) { secret::RandomSource::System().Fill(out); }

runtime::CallContext ContextOf(const std::string& path) {
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
    claims_.cnf = eat::Confirmation{agent_.public_key(), std::nullopt, std::nullopt};
    claims_.nonces = {std::string(32, 'c')};
    claims_.ueid = "\x01" + std::string(16, 'u');
    claims_.oemid = "oem";
    claims_.hwmodel = "model";
    claims_.hwversion = "1.0";
    claims_.oemboot = true;
    claims_.dbgstat = 3;
    claims_.profile = eat::kEvidenceProfile;
    claims_.measurements = {eat::EncodeMeasurements({{"tee-os", std::string(32, 'g')}})};
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
    request.set_payload(*cose::Sign1(key, AsBytes(eat::EncodeClaims(claims_))));
    request.set_payload_format(kFormat);
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
  eat::Claims claims_;
  NotingSigner signer_;
  CountingReader reader_{storage_->appraisal()};
  runtime::AuditComposer audit_{storage_->pseudonyms(), FillRandom};
  runtime::DatabaseTime time_{storage_->clock(), clock_};
  InputsCache inputs_{reader_, clock_};
  SessionHandler session_{inputs_, signer_, time_};
  AdminHandler admin_{{storage_->attestation(), storage_->reference_values(), storage_->tenants(),
                       audit_, inputs_}};
};

TEST_F(AttestationTest, AcceptedEvidenceGivesASignedResult) {
  TAM_ROW("T-33");
  const auto response = Appraise();
  EXPECT_EQ(response.verdict(), v1::VERDICT_ACCEPTED) << response.DebugString();
  EXPECT_FALSE(response.was_result());
  EXPECT_EQ(response.reasons_size(), 0);
  EXPECT_EQ(response.claims().ueid(), *claims_.ueid);
  EXPECT_EQ(response.claims().device_class().hwmodel(), "model");
  EXPECT_EQ(response.claims().hwversion(), "1.0");
  EXPECT_THAT(response.claims().text(), HasSubstr("affirming: instance-identity=2"));
  EXPECT_EQ(response.attestation_result(), "signed");
  EXPECT_EQ(response.attestation_result_format(),
            "application/eat+cwt; eat_profile=\"urn:ietf:rfc:rfcXXXX\"");
  ASSERT_TRUE(signer_.asked.has_value());
  EXPECT_EQ(signer_.asked->nonce(), std::string(32, 'c'));
  EXPECT_EQ(signer_.asked->agent_thumbprint(), cbor::AsString(agent_.public_key().thumbprint()));
  EXPECT_EQ(signer_.asked->profile(), eat::kTeepProfile);
  EXPECT_EQ(signer_.asked->lifetime_seconds(), 3600);
  EXPECT_EQ(signer_.asked->hwversion(),
            "\x81\x63"
            "1.0");
  EXPECT_FALSE(signer_.asked->measurements().empty());
}

TEST_F(AttestationTest, ARefusalTellsClaimExpectedAndFoundAndSignsNothing) {
  claims_.measurements = {eat::EncodeMeasurements({{"tee-os", std::string(32, 'x')}})};
  const auto response = Appraise();
  EXPECT_EQ(response.verdict(), v1::VERDICT_REFUSED);
  ASSERT_EQ(response.reasons_size(), 1);
  EXPECT_EQ(response.reasons(0).claim(), "measurements.tee-os");
  EXPECT_EQ(response.reasons(0).expected(), HexText(std::string(32, 'g')));
  EXPECT_EQ(response.reasons(0).found(), HexText(std::string(32, 'x')));
  EXPECT_FALSE(response.has_claims());
  EXPECT_EQ(response.attestation_result(), "");
  EXPECT_FALSE(signer_.asked.has_value());
}

TEST_F(AttestationTest, AnotherDevicesKeyIsNamed) {
  const auto other = *keys::PrivateKey::Generate(keys::KeyType::kEd25519);
  EXPECT_OK(Import(storage::NewId<storage::DeviceId>(FillRandom), other.public_key()));
  const auto response = Appraise(Request(other));
  EXPECT_EQ(response.verdict(), v1::VERDICT_REFUSED);
  ASSERT_EQ(response.reasons_size(), 1);
  EXPECT_EQ(response.reasons(0).claim(), "signature");
  EXPECT_THAT(response.reasons(0).found(),
              HasSubstr(keys::ThumbprintHex(other.public_key().thumbprint())));
}

TEST_F(AttestationTest, AReplayedNonceAndAnotherAgentKeyAreRefused) {
  TAM_ROW("T-35", "T-56");
  auto request = Request(attester_);
  request.set_challenge(std::string(32, 'd'));
  EXPECT_EQ(Appraise(request).reasons(0).claim(), "eat_nonce");
  request = Request(attester_);
  request.set_agent_thumbprint(std::string(32, 'a'));
  EXPECT_EQ(Appraise(request).reasons(0).claim(), "cnf");
  request = Request(attester_);
  request.set_ueid("\x01" + std::string(16, 'v'));
  EXPECT_EQ(Appraise(request).reasons(0).claim(), "ueid");
}

TEST_F(AttestationTest, MalformedPayloadsAreAnswersNotErrors) {
  for (const char* payload : {"", "junk", "\xd2\x80"}) {
    auto request = Request(attester_);
    request.set_payload(payload);
    EXPECT_EQ(Appraise(request).verdict(), v1::VERDICT_REFUSED);
  }
  auto request = Request(attester_);
  request.set_payload_format("text/plain");
  EXPECT_EQ(Appraise(request).reasons(0).claim(), "attestation-payload-format");
}

TEST_F(AttestationTest, WrongSizesInTheRequestAreErrors) {
  auto request = Request(attester_);
  request.set_challenge("short");
  EXPECT_THAT(session_.Appraise(gateway_, request), StatusIs(kInvalid, HasSubstr("challenge")));
  request = Request(attester_);
  request.set_device_uid("x");
  EXPECT_THAT(session_.Appraise(gateway_, request), StatusIs(kInvalid));
}

TEST_F(AttestationTest, EvidenceWithATimestampGetsAResultWithoutNonce) {
  claims_.nonces.clear();
  claims_.audience = "/tam/acme/main";
  claims_.issued_at = absl::FromUnixSeconds(1'790'000'000);
  claims_.manifests = {{60, "m"}};
  auto request = Request(attester_);
  request.set_timestamp_audience("/tam/acme/main");
  EXPECT_THAT(session_.Appraise(gateway_, request), StatusIs(kInvalid, HasSubstr("beside")));
  request.clear_challenge();
  EXPECT_EQ(Appraise(request).verdict(), v1::VERDICT_ACCEPTED);
  EXPECT_EQ(signer_.asked->nonce(), "");
  EXPECT_EQ(signer_.asked->manifests(), "\x81\x82\x18\x3c\x41m");
}

TEST_F(AttestationTest, AnUnreachableSignerIsAnErrorNotAVerdict) {
  signer_.status = absl::UnavailableError("down");
  EXPECT_THAT(session_.Appraise(gateway_, Request(attester_)),
              StatusIs(absl::StatusCode::kUnavailable));
}

TEST_F(AttestationTest, ResultsNeedARegisteredVerifier) {
  TAM_ROW("T-32", "T-34");
  claims_.profile = eat::kTeepProfile;
  claims_.manifests = {{60, "m"}};
  const auto verifier = *keys::PrivateKey::Generate(keys::KeyType::kP256);
  auto request = Request(verifier);
  request.clear_payload_format();
  auto response = Appraise(request);
  EXPECT_TRUE(response.was_result());
  EXPECT_EQ(response.verdict(), v1::VERDICT_REFUSED);
  EXPECT_EQ(response.reasons(0).claim(), "verifier");

  v1::SetAttestationPolicyRequest set;
  set.set_name("tenants/acme/attestationPolicy");
  set.mutable_policy()->add_verifier_keys(verifier.public_key().cose_key());
  EXPECT_OK(admin_.SetAttestationPolicy(operator_, set));
  response = Appraise(request);
  EXPECT_EQ(response.verdict(), v1::VERDICT_ACCEPTED) << response.DebugString();
  EXPECT_EQ(response.attestation_result(), "");
  EXPECT_FALSE(signer_.asked.has_value());
}

TEST_F(AttestationTest, InputsAreKeptWhileTheGenerationStands) {
  Appraise();
  Appraise();
  EXPECT_EQ(reader_.inputs, 1);
  EXPECT_EQ(reader_.generations, 1);
  monotonic_ += absl::Seconds(1);
  Appraise();
  EXPECT_EQ(reader_.inputs, 1);
  EXPECT_EQ(reader_.generations, 2);
}

TEST_F(AttestationTest, AWriteHereCountsAtOnceAndOneElsewhereWithinASecond) {
  EXPECT_EQ(Appraise().verdict(), v1::VERDICT_ACCEPTED);
  v1::UpdateReferenceValueRequest update;
  update.set_name("tenants/acme/referenceValues/tee-os");
  update.mutable_reference_value()->add_digests(std::string(32, 'z'));
  EXPECT_OK(admin_.UpdateReferenceValue(operator_, update));
  EXPECT_EQ(Appraise().verdict(), v1::VERDICT_REFUSED);

  InputsCache other_inputs(reader_, clock_);
  SessionHandler other(other_inputs, signer_, time_);
  EXPECT_EQ(other.Appraise(gateway_, Request(attester_))->verdict(), v1::VERDICT_REFUSED);
  update.mutable_reference_value()->set_digests(0, std::string(32, 'g'));
  EXPECT_OK(admin_.UpdateReferenceValue(operator_, update));
  monotonic_ += absl::Seconds(1);
  EXPECT_EQ(other.Appraise(gateway_, Request(attester_))->verdict(), v1::VERDICT_ACCEPTED);
}

TEST_F(AttestationTest, ADeletedKeyCountsNoMore) {
  v1::ListAttestationKeysRequest list;
  list.set_parent("tenants/acme/devices/" + device_.ToString());
  TAM_ASSERT_OK_AND_ASSIGN(const auto keys, admin_.ListAttestationKeys(operator_, list));
  ASSERT_EQ(keys.keys_size(), 1);
  EXPECT_EQ(keys.keys(0).cose_key(), attester_.public_key().cose_key());
  v1::DeleteAttestationKeyRequest remove;
  remove.set_name(keys.keys(0).name());
  EXPECT_OK(admin_.DeleteAttestationKey(operator_, remove));
  EXPECT_EQ(Appraise().reasons(0).claim(), "signature");
  EXPECT_THAT(admin_.DeleteAttestationKey(operator_, remove),
              StatusIs(absl::StatusCode::kNotFound));
}

// A device's UUID may be known to nobody any more; its key still has a thumbprint.
TEST_F(AttestationTest, AKeyIsFoundAndDeletedWithoutItsDevicesUuid) {
  v1::ListAttestationKeysRequest list;
  list.set_parent("tenants/acme/devices/-");
  TAM_ASSERT_OK_AND_ASSIGN(const auto keys, admin_.ListAttestationKeys(operator_, list));
  ASSERT_EQ(keys.keys_size(), 1);
  const std::string name = keys.keys(0).name();
  EXPECT_THAT(name, HasSubstr(device_.ToString()));
  v1::DeleteAttestationKeyRequest remove;
  remove.set_name("tenants/acme/devices/-/attestationKeys/" + std::string(64, '0'));
  EXPECT_THAT(admin_.DeleteAttestationKey(operator_, remove),
              StatusIs(absl::StatusCode::kNotFound));
  remove.set_name("tenants/acme/devices/-" + name.substr(name.find("/attestationKeys/")));
  EXPECT_OK(admin_.DeleteAttestationKey(operator_, remove));
  EXPECT_OK(Import(storage::NewId<storage::DeviceId>(FillRandom), attester_.public_key()));
}

TEST_F(AttestationTest, KeysAreRegisteredOnceAndPublicOnly) {
  EXPECT_THAT(Import(storage::NewId<storage::DeviceId>(FillRandom), attester_.public_key()),
              StatusIs(absl::StatusCode::kAlreadyExists));
  v1::ImportAttestationKeyRequest request;
  request.set_parent("tenants/acme/devices/" + device_.ToString());
  EXPECT_THAT(admin_.ImportAttestationKey(operator_, request),
              StatusIs(kInvalid, HasSubstr("key: want cose_key or pem")));
  const auto secret = agent_.ToCoseKey();
  request.mutable_key()->set_cose_key(cbor::AsString(secret.Reveal()));
  EXPECT_THAT(admin_.ImportAttestationKey(operator_, request), StatusIs(kInvalid));
}

TEST_F(AttestationTest, ReferenceValuesHaveEtags) {
  v1::GetReferenceValueRequest get;
  get.set_name("tenants/acme/referenceValues/tee-os");
  TAM_ASSERT_OK_AND_ASSIGN(const auto value, admin_.GetReferenceValue(operator_, get));
  v1::UpdateReferenceValueRequest update;
  update.set_name(get.name());
  update.mutable_reference_value()->set_etag(value.reference_value().etag());
  EXPECT_OK(admin_.UpdateReferenceValue(operator_, update));
  EXPECT_THAT(admin_.UpdateReferenceValue(operator_, update), StatusIs(absl::StatusCode::kAborted));
  v1::DeleteReferenceValueRequest remove;
  remove.set_name(get.name());
  EXPECT_OK(admin_.DeleteReferenceValue(operator_, remove));
  EXPECT_THAT(admin_.GetReferenceValue(operator_, get), StatusIs(absl::StatusCode::kNotFound));
}

TEST_F(AttestationTest, ReferenceValuesAreChecked) {
  EXPECT_THAT(CreateValue("tee-os", std::string(32, 'g')),
              StatusIs(absl::StatusCode::kAlreadyExists));
  EXPECT_THAT(CreateValue("boot", "short"), StatusIs(kInvalid, HasSubstr("digests[0]")));
  EXPECT_THAT(CreateValue("Not-A-Name", std::string(32, 'g')), StatusIs(kInvalid));
  v1::ListReferenceValuesRequest list;
  list.set_parent("tenants/acme");
  TAM_ASSERT_OK_AND_ASSIGN(const auto values, admin_.ListReferenceValues(operator_, list));
  EXPECT_EQ(values.reference_values_size(), 1);
}

TEST_F(AttestationTest, PolicyShowsItsDefaultsAndIsChecked) {
  v1::GetAttestationPolicyRequest get;
  get.set_name("tenants/acme/attestationPolicy");
  TAM_ASSERT_OK_AND_ASSIGN(const auto policy, admin_.GetAttestationPolicy(operator_, get));
  EXPECT_EQ(policy.policy().evidence_profiles(0), eat::kEvidenceProfile);
  EXPECT_EQ(policy.policy().result_profiles(0), eat::kTeepProfile);
  EXPECT_EQ(policy.policy().result_lifetime_seconds(), 3600);
  auto code = [&](auto change) {
    v1::SetAttestationPolicyRequest set;
    set.set_name(get.name());
    change(*set.mutable_policy());
    return admin_.SetAttestationPolicy(operator_, set).status();
  };
  EXPECT_THAT(code([](auto& p) { p.set_result_lifetime_seconds(59); }), StatusIs(kInvalid));
  EXPECT_THAT(code([](auto& p) { p.add_verifier_keys("junk"); }), StatusIs(kInvalid));
  EXPECT_THAT(code([](auto& p) { p.add_evidence_profiles(eat::kTeepProfile); }),
              StatusIs(kInvalid, HasSubstr("want none of result_profiles")));
  EXPECT_THAT(code([](auto& p) { p.add_result_profiles(eat::kEarProfile); }),
              StatusIs(kInvalid, HasSubstr("EARs")));
  EXPECT_THAT(code([](auto& p) { p.set_etag("junk"); }), StatusIs(absl::StatusCode::kAborted));
  EXPECT_OK(code([&](auto& p) { p = policy.policy(); })) << "as it was read, set by nobody";
  EXPECT_OK(code([](auto& p) { p.set_result_lifetime_seconds(60); }));
}

}  // namespace
}  // namespace tam::attestation

// The registry's calls over in-memory stores.
#include <memory>
#include <string>

#include "absl/strings/str_cat.h"
#include "crypto/cbor/cbor.h"
#include "services/registry/registry_fixture.h"
#include "services/runtime/audit_entry.h"
#include "tests/support/row.h"

namespace tam::registry {
namespace {

using ::testing::HasSubstr;
using ::testing::SizeIs;
using testing::StatusIs;

TEST_F(RegistryTest, EndpointGetsPathAndDefaults) {
  TAM_ROW("T-21");
  const v1::ResolveEndpointResponse at = Resolve("/tam/acme/main");
  EXPECT_EQ(at.tenant_id(), "acme");
  EXPECT_EQ(at.endpoint().name(), "tenants/acme/endpoints/main");
  EXPECT_EQ(at.endpoint().data_items(), 11u);
  EXPECT_EQ(at.endpoint().config_generation(), 1);
  EXPECT_EQ(at.endpoint().challenge_lifetime_seconds(), 21600);
  EXPECT_EQ(at.endpoint().max_message_bytes(), 1048576);
  EXPECT_EQ(CreateEndpoint("acme", "lax", false).data_items(), 10u);
}

TEST_F(RegistryTest, EndpointUpdateRaisesTheGenerationAndKeepsThePrevious) {
  v1::UpdateEndpointRequest request;
  request.set_name("tenants/acme/endpoints/main");
  request.mutable_endpoint()->set_attestation_required(true);
  request.mutable_endpoint()->set_data_items(3);
  EXPECT_OK(admin_.UpdateEndpoint(operator_, request));
  const v1::ResolveEndpointResponse at = Resolve("/tam/acme/main");
  EXPECT_EQ(at.endpoint().config_generation(), 2);
  EXPECT_EQ(at.endpoint().data_items(), 3u);
  EXPECT_EQ(at.previous_data_items(), 11u);
}

TEST_F(RegistryTest, EndpointThatContradictsItselfIsRefused) {
  v1::UpdateEndpointRequest request;
  request.set_name("tenants/acme/endpoints/main");
  request.mutable_endpoint()->set_attestation_required(true);
  request.mutable_endpoint()->set_data_items(10);
  EXPECT_THAT(admin_.UpdateEndpoint(operator_, request),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("data_items")));
  request.mutable_endpoint()->set_data_items(0);
  request.mutable_endpoint()->set_challenge_lifetime_seconds(10);
  EXPECT_THAT(admin_.UpdateEndpoint(operator_, request),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("60..21600, got 10")));
}

TEST_F(RegistryTest, LegacyOptionsAreKeptAndBelongToTheLegacyProfile) {
  v1::UpdateEndpointRequest request;
  request.set_name("tenants/acme/endpoints/main");
  v1::LegacyOptions& legacy = *request.mutable_endpoint()->mutable_legacy();
  legacy.set_untagged(true);
  legacy.set_sign1_suite(v1::CIPHER_SUITE_ED25519);
  EXPECT_THAT(admin_.UpdateEndpoint(operator_, request),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("endpoint.legacy")));
  const v1::Endpoint created = CreateLegacyEndpoint(legacy);
  EXPECT_EQ(created.wire_profile(), v1::WIRE_PROFILE_LEGACY);
  EXPECT_EQ(created.legacy().SerializeAsString(), legacy.SerializeAsString());
  EXPECT_EQ(Resolve("/tam/acme/old").agent_keys_size(), 0);
  const auto audit = Audit("endpoint.create");
  ASSERT_FALSE(audit.empty());
  EXPECT_THAT(cbor::AsString(audit.back().entry.entry), HasSubstr("legacy.untagged"));
}

// What was planned for an attested device would leave by an endpoint that vouches for less.
TEST_F(RegistryTest, AnEndpointKeepsTheWireProfileThatItWasCreatedWith) {
  v1::UpdateEndpointRequest request;
  request.set_name("tenants/acme/endpoints/main");
  request.mutable_endpoint()->set_wire_profile(v1::WIRE_PROFILE_LEGACY);
  EXPECT_THAT(admin_.UpdateEndpoint(operator_, request),
              StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("wire_profile")));
  CreateLegacyEndpoint(v1::LegacyOptions());
  request.set_name("tenants/acme/endpoints/old");
  request.mutable_endpoint()->set_wire_profile(v1::WIRE_PROFILE_DRAFT_26);
  EXPECT_THAT(admin_.UpdateEndpoint(operator_, request),
              StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("wire_profile")));
}

TEST_F(RegistryTest, AttestationOptionsAreKeptAndNeedAttestation) {
  v1::UpdateEndpointRequest request;
  request.set_name("tenants/acme/endpoints/main");
  v1::Endpoint& endpoint = *request.mutable_endpoint();
  endpoint.set_passport(true);
  endpoint.set_return_results(true);
  const auto is_refused = StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("endpoint"));
  endpoint.set_attestation_required(false);
  EXPECT_THAT(admin_.UpdateEndpoint(operator_, request), is_refused);
  endpoint.set_attestation_required(true);
  endpoint.set_wire_profile(v1::WIRE_PROFILE_LEGACY);
  EXPECT_THAT(admin_.UpdateEndpoint(operator_, request), is_refused);
  endpoint.clear_wire_profile();
  TAM_ASSERT_OK_AND_ASSIGN(const auto updated, admin_.UpdateEndpoint(operator_, request));
  EXPECT_TRUE(updated.endpoint().passport() && updated.endpoint().return_results());
  EXPECT_FALSE(updated.endpoint().timestamps());
  endpoint.set_timestamps(true);
  EXPECT_THAT(admin_.UpdateEndpoint(operator_, request),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("endpoint.timestamps")));
  endpoint.set_passport(false);
  EXPECT_OK(admin_.UpdateEndpoint(operator_, request));
  EXPECT_TRUE(Resolve("/tam/acme/main").endpoint().timestamps());
}

TEST_F(RegistryTest, AnEndpointForKeysWithoutKidNamesThemUpToSixteen) {
  v1::LegacyOptions legacy;
  legacy.set_keys_without_kid(true);
  CreateLegacyEndpoint(legacy);
  CreateDevice("pump", key_);
  ASSERT_EQ(Resolve("/tam/acme/old").agent_keys_size(), 1);
  EXPECT_EQ(Resolve("/tam/acme/old").agent_keys(0), key_.cose_key());
  for (const char* name : {"first-eight", "second-eight"}) {
    v1::CreateDeviceRequest more;
    more.set_parent("tenants/acme");
    more.mutable_device()->set_display_name(name);
    for (int i = 0; i < 8; ++i) {
      *more.add_new_keys() = NewKey(keys::PrivateKey::Generate(keys::KeyType::kP256)->public_key());
    }
    EXPECT_OK(admin_.CreateDevice(operator_, more));
  }
  const v1::ResolveEndpointResponse full = Resolve("/tam/acme/old");
  EXPECT_EQ(full.agent_keys_size(), 0);
  EXPECT_TRUE(full.too_many_agent_keys());
}

TEST_F(RegistryTest, DeletedEndpointIsGoneForSessions) {
  v1::DeleteEndpointRequest request;
  request.set_name("tenants/acme/endpoints/main");
  EXPECT_OK(admin_.DeleteEndpoint(operator_, request));
  v1::ResolveEndpointRequest resolve;
  resolve.set_path("/tam/acme/main");
  EXPECT_THAT(session_.ResolveEndpoint(gateway_, resolve), StatusIs(absl::StatusCode::kNotFound));
}

TEST_F(RegistryTest, DeviceIsFoundByIdAndByName) {
  const v1::Device device = CreateDevice("pump", key_);
  ASSERT_THAT(device.keys(), SizeIs(1));
  EXPECT_EQ(device.keys(0).endpoints(0), "tenants/acme/endpoints/main");
  EXPECT_EQ(device.keys(0).state(), v1::KEY_STATE_ACTIVE);
  v1::GetDeviceRequest get;
  for (const std::string& name : {device.name(), std::string("tenants/acme/devices/pump")}) {
    get.set_name(name);
    TAM_ASSERT_OK_AND_ASSIGN(const auto got, admin_.GetDevice(operator_, get));
    EXPECT_EQ(got.device().uid(), device.uid());
  }
  get.set_name("tenants/acme/devices/other");
  EXPECT_THAT(admin_.GetDevice(operator_, get), StatusIs(absl::StatusCode::kNotFound));
}

TEST_F(RegistryTest, DeviceFieldsAreChecked) {
  v1::CreateDeviceRequest request;
  request.set_parent("tenants/acme");
  v1::Device& device = *request.mutable_device();
  EXPECT_THAT(admin_.CreateDevice(operator_, request),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("display_name")));
  device.set_display_name("pump");
  device.mutable_device_class()->set_oemid("12345");
  EXPECT_THAT(admin_.CreateDevice(operator_, request),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("oemid")));
  device.clear_device_class();
  (*device.mutable_labels())["site"] = std::string(64, 'x');
  EXPECT_THAT(admin_.CreateDevice(operator_, request),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("device.labels.site")));
  device.clear_labels();
  request.add_new_keys()->mutable_key()->set_pem("not a key");
  EXPECT_THAT(admin_.CreateDevice(operator_, request),
              StatusIs(absl::StatusCode::kInvalidArgument));
}

TEST_F(RegistryTest, KeyOfAnotherTenantsEndpointIsNotFound) {
  v1::CreateDeviceRequest request;
  request.set_parent("tenants/acme");
  request.mutable_device()->set_display_name("pump");
  *request.add_new_keys() = NewKey(key_);
  request.mutable_new_keys(0)->add_endpoints("tenants/beta/endpoints/main");
  EXPECT_THAT(admin_.CreateDevice(operator_, request), StatusIs(absl::StatusCode::kNotFound));
}

TEST_F(RegistryTest, BannedKeyStaysBannedEvenAfterItsDevice) {
  const v1::Device device = CreateDevice("pump", key_);
  v1::SetDeviceKeyStateRequest ban;
  ban.set_name(device.keys(0).name());
  ban.set_state(v1::KEY_STATE_BANNED);
  TAM_ASSERT_OK_AND_ASSIGN(const auto banned, admin_.SetDeviceKeyState(operator_, ban));
  EXPECT_EQ(banned.key().state(), v1::KEY_STATE_BANNED);
  ban.set_state(v1::KEY_STATE_ACTIVE);
  EXPECT_THAT(admin_.SetDeviceKeyState(operator_, ban),
              StatusIs(absl::StatusCode::kFailedPrecondition));
  v1::DeleteDeviceRequest remove;
  remove.set_name(device.name());
  EXPECT_OK(admin_.DeleteDevice(operator_, remove));
  v1::CreateDeviceRequest other;
  other.set_parent("tenants/acme");
  other.mutable_device()->set_display_name("other");
  EXPECT_OK(admin_.CreateDevice(operator_, other));
  v1::ImportDeviceKeyRequest import;
  import.set_parent("tenants/acme/devices/other");
  *import.mutable_key() = NewKey(key_);
  EXPECT_THAT(admin_.ImportDeviceKey(operator_, import),
              StatusIs(absl::StatusCode::kAlreadyExists));
  TAM_ASSERT_OK_AND_ASSIGN(const auto found, Lookup(Resolve("/tam/acme/main"), key_));
  EXPECT_EQ(found.key_state(), v1::KEY_STATE_BANNED);
}

TEST_F(RegistryTest, KeyIsUnknownAtAnEndpointNotNamedForIt) {
  EXPECT_THAT(Lookup(Resolve("/tam/acme/main"), key_), StatusIs(absl::StatusCode::kNotFound));
  CreateDevice("pump", key_);
  CreateEndpoint("acme", "later", true);
  EXPECT_OK(Lookup(Resolve("/tam/acme/main"), key_));
  EXPECT_THAT(Lookup(Resolve("/tam/acme/later"), key_), StatusIs(absl::StatusCode::kNotFound));
}

TEST_F(RegistryTest, AcceptedOnceThenTheSameAgainUntilReported) {
  CreateDevice("pump", key_);
  const auto at = Resolve("/tam/acme/main");
  TAM_ASSERT_OK_AND_ASSIGN(const auto found, Lookup(at, key_));
  const v1::AcceptRequest request = AcceptFor(at, found, key_);
  TAM_ASSERT_OK_AND_ASSIGN(const auto first, session_.Accept(gateway_, request));
  EXPECT_EQ(first.outcome(), v1::ACCEPT_OUTCOME_ACCEPTED);
  TAM_ASSERT_OK_AND_ASSIGN(const auto again, session_.Accept(gateway_, request));
  EXPECT_EQ(again.outcome(), v1::ACCEPT_OUTCOME_SAME_AGAIN);
  EXPECT_EQ(again.update().token(), std::string(16, 't'));
  EXPECT_EQ(again.update().manifests(0).component_id(),
            "\x81\x43"
            "app");
  TAM_ASSERT_OK_AND_ASSIGN(const auto looked, Lookup(at, key_));
  EXPECT_EQ(looked.guard().last_message_digest(), std::string(32, 'm'));
  EXPECT_EQ(looked.guard().last_token(), std::string(16, 't'));
  ASSERT_THAT(looked.updates(), SizeIs(1));

  v1::ReportRequest report;
  report.set_tenant_uid(at.tenant_uid());
  report.set_device_uid(found.device_uid());
  report.set_endpoint_uid(at.endpoint().uid());
  report.set_thumbprint(request.thumbprint());
  report.set_token(std::string(16, 't'));
  report.set_message_digest(std::string(32, 'r'));
  report.set_success(true);
  TAM_ASSERT_OK_AND_ASSIGN(const auto recorded, session_.Report(gateway_, report));
  EXPECT_EQ(recorded.outcome(), v1::REPORT_OUTCOME_RECORDED);
  TAM_ASSERT_OK_AND_ASSIGN(const auto repeated, session_.Report(gateway_, report));
  EXPECT_EQ(repeated.outcome(), v1::REPORT_OUTCOME_ALREADY_ANSWERED);
  TAM_ASSERT_OK_AND_ASSIGN(const auto after, session_.Accept(gateway_, request));
  EXPECT_EQ(after.outcome(), v1::ACCEPT_OUTCOME_ANSWERED);

  v1::GetDeviceRequest get;
  get.set_name("tenants/acme/devices/pump");
  TAM_ASSERT_OK_AND_ASSIGN(const auto shown, admin_.GetDevice(operator_, get));
  ASSERT_THAT(shown.device().installed(), SizeIs(1));
  EXPECT_EQ(shown.device().installed(0).component(), "app");
  EXPECT_EQ(shown.device().installed(0).sequence(), 3u);
  EXPECT_EQ(shown.device().installed(0).state(), v1::INSTALL_STATE_INSTALLED);
  EXPECT_THAT(Audit("session.accepted"), SizeIs(1));
  EXPECT_THAT(Audit("update.succeeded"), SizeIs(1));
}

TEST_F(RegistryTest, RefusalIsShownWithClaimExpectedAndFound) {
  CreateDevice("pump", key_);
  const auto at = Resolve("/tam/acme/main");
  TAM_ASSERT_OK_AND_ASSIGN(const auto found, Lookup(at, key_));
  v1::AcceptRequest request = AcceptFor(at, found, key_);
  request.mutable_update()->clear_manifests();
  request.mutable_update()->set_err_code(7);
  request.mutable_attestation()->set_verdict(v1::VERDICT_REFUSED);
  v1::Reason* reason = request.mutable_attestation()->add_reasons();
  reason->set_claim("measurements.boot");
  reason->set_expected("aa");
  reason->set_found("bb");
  TAM_ASSERT_OK_AND_ASSIGN(const auto outcome, session_.Accept(gateway_, request));
  EXPECT_EQ(outcome.outcome(), v1::ACCEPT_OUTCOME_ACCEPTED);
  v1::GetDeviceRequest get;
  get.set_name("tenants/acme/devices/pump");
  TAM_ASSERT_OK_AND_ASSIGN(const auto shown, admin_.GetDevice(operator_, get));
  const v1::AttestationRecord& last = shown.device().last_attestation();
  EXPECT_EQ(last.verdict(), v1::VERDICT_REFUSED);
  ASSERT_THAT(last.reasons(), SizeIs(1));
  EXPECT_EQ(last.reasons(0).claim(), "measurements.boot");
  EXPECT_EQ(last.reasons(0).expected(), "aa");
  EXPECT_EQ(last.reasons(0).found(), "bb");
  EXPECT_THAT(Audit("session.refused"), SizeIs(1));
}

TEST_F(RegistryTest, AnothersUeidIsNotAccepted) {
  const keys::PublicKey other = keys::PrivateKey::Generate(keys::KeyType::kEd25519)->public_key();
  CreateDevice("pump", key_);
  CreateDevice("valve", other);
  const auto at = Resolve("/tam/acme/main");
  TAM_ASSERT_OK_AND_ASSIGN(const auto pump, Lookup(at, key_));
  v1::AcceptRequest request = AcceptFor(at, pump, key_);
  request.mutable_attestation()->set_ueid(std::string(17, '\x01'));
  EXPECT_OK(session_.Accept(gateway_, request));
  TAM_ASSERT_OK_AND_ASSIGN(const auto valve, Lookup(at, other));
  v1::AcceptRequest stolen = AcceptFor(at, valve, other);
  stolen.mutable_attestation()->set_ueid(std::string(17, '\x01'));
  EXPECT_THAT(session_.Accept(gateway_, stolen), StatusIs(absl::StatusCode::kAlreadyExists));
  TAM_ASSERT_OK_AND_ASSIGN(const auto after, Lookup(at, other));
  EXPECT_EQ(after.guard().last_issue_ms(), 0);
}

TEST_F(RegistryTest, AMessageThatIsNotAcceptedClaimsNoUeid) {
  CreateDevice("pump", key_);
  const auto at = Resolve("/tam/acme/main");
  TAM_ASSERT_OK_AND_ASSIGN(const auto pump, Lookup(at, key_));
  v1::AcceptRequest request = AcceptFor(at, pump, key_);
  request.mutable_attestation()->set_ueid(std::string(17, '\x01'));
  request.set_issue_ms(kNowMs + 60'000);
  TAM_ASSERT_OK_AND_ASSIGN(const auto future, session_.Accept(gateway_, request));
  EXPECT_EQ(future.outcome(), v1::ACCEPT_OUTCOME_FUTURE);
  TAM_ASSERT_OK_AND_ASSIGN(const auto before, Lookup(at, key_));
  EXPECT_EQ(before.ueid(), "");
  EXPECT_THAT(Audit("device.identity.claim"), SizeIs(0));
  request.set_issue_ms(kNowMs - 5);
  EXPECT_OK(session_.Accept(gateway_, request));
  TAM_ASSERT_OK_AND_ASSIGN(const auto after, Lookup(at, key_));
  EXPECT_EQ(after.ueid(), std::string(17, '\x01'));
  EXPECT_THAT(Audit("device.identity.claim"), SizeIs(1));
}

TEST_F(RegistryTest, WrongSizesAreInvalidAndChangeNothing) {
  CreateDevice("pump", key_);
  const auto at = Resolve("/tam/acme/main");
  TAM_ASSERT_OK_AND_ASSIGN(const auto found, Lookup(at, key_));
  v1::AcceptRequest request = AcceptFor(at, found, key_);
  request.mutable_update()->set_token("short");
  EXPECT_THAT(session_.Accept(gateway_, request),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("update.token")));
  EXPECT_THAT(Audit("session.accepted"), SizeIs(0));
}

TEST_F(RegistryTest, AuditEntriesNameNoPerson) {
  CreateDevice("pump", key_);
  const auto records = Audit("device.create");
  ASSERT_THAT(records, SizeIs(1));
  const std::string bytes(records[0].entry.entry.begin(), records[0].entry.entry.end());
  EXPECT_OK(cbor::Document::Parse(cbor::AsBytes(bytes)));
  EXPECT_EQ(bytes.find("olga"), std::string::npos);
  EXPECT_NE(bytes.find("device.create"), std::string::npos);
}

TEST_F(RegistryTest, AuditEntriesNameNoDeviceAndNoKey) {
  const v1::Device device = CreateDevice("pump", key_);
  const auto at = Resolve("/tam/acme/main");
  TAM_ASSERT_OK_AND_ASSIGN(const auto found, Lookup(at, key_));
  EXPECT_OK(session_.Accept(gateway_, AcceptFor(at, found, key_)));
  v1::SetDeviceKeyStateRequest ban;
  ban.set_name(absl::StrCat(device.name(), "/keys/", keys::ThumbprintHex(key_.thumbprint())));
  ban.set_state(v1::KEY_STATE_BANNED);
  EXPECT_OK(admin_.SetDeviceKeyState(operator_, ban));
  const std::string uuid = device.name().substr(device.name().rfind('/') + 1);
  for (const char* kind : {"device.create", "session.accepted", "device.key.state"}) {
    const auto records = Audit(kind);
    ASSERT_THAT(records, SizeIs(1)) << kind;
    const std::string bytes(records[0].entry.entry.begin(), records[0].entry.entry.end());
    for (const std::string& secret :
         {uuid, found.device_uid(), keys::ThumbprintHex(key_.thumbprint()),
          std::string(key_.thumbprint().begin(), key_.thumbprint().end())}) {
      EXPECT_EQ(bytes.find(secret), std::string::npos) << kind;
    }
  }
}

// A measurement's name is the device's own: it may be an identity, and there may be a thousand.
TEST_F(RegistryTest, AnAuditEntryNamesClaimsAndNothingThatTheDeviceNamed) {
  CreateDevice("pump", key_);
  const auto at = Resolve("/tam/acme/main");
  TAM_ASSERT_OK_AND_ASSIGN(const auto found, Lookup(at, key_));
  v1::AcceptRequest request = AcceptFor(at, found, key_);
  request.clear_update();
  request.mutable_attestation()->set_verdict(v1::VERDICT_REFUSED);
  for (const char* claim : {"measurements.serial-4711", "measurements.other", "dbgstat"}) {
    request.mutable_attestation()->add_reasons()->set_claim(claim);
  }
  EXPECT_OK(session_.Accept(gateway_, request));
  const auto audit = Audit("session.refused");
  ASSERT_EQ(audit.size(), 1u);
  TAM_ASSERT_OK_AND_ASSIGN(const auto entry, runtime::ParseAuditEntry(audit[0].entry.entry));
  EXPECT_EQ(entry.details.at("refused_claims"), "dbgstat measurements");
}

}  // namespace
}  // namespace tam::registry

#include "services/gateway/session_fixture.h"

#include <utility>
#include <variant>

#include "absl/strings/str_cat.h"
#include "crypto/cbor/cbor.h"
#include "crypto/cose/cose.h"
#include "crypto/secret/secret.h"
#include "services/registry/binding.h"
#include "tests/support/status_matchers.h"

namespace tam::gateway {
namespace {

constexpr char kTrustDomain[] = "test";

runtime::Identity IdentityOf(const std::string& path) {
  return *runtime::Identity::Parse(absl::StrCat("spiffe://", kTrustDomain, "/", path),
                                   kTrustDomain);
}

class NoDenials : public runtime::AuditSink {
 public:
  absl::Status RecordDenial(const runtime::Denial& denial) override {
    ADD_FAILURE() << "denied: " << denial.method << ": " << denial.reason;
    return absl::OkStatus();
  }
};

}  // namespace

int PlayedChannel::calls(const std::string& method) {
  std::lock_guard lock(mutex_);
  return calls_[method];
}

absl::Time PlayedChannel::deadline() {
  std::lock_guard lock(mutex_);
  return deadline_;
}

absl::Status PlayedChannel::Call(const runtime::CallContext& context, absl::string_view method,
                                 const google::protobuf::Message& request,
                                 google::protobuf::Message* response) {
  const std::string name(method.substr(method.rfind('/') + 1));
  {
    std::lock_guard lock(mutex_);
    ++calls_[name];
    deadline_ = context.deadline;
  }
  if (!failure_.ok()) return failure_;
  if (next_ != nullptr) return next_->Call(context, method, request, response);
  const auto play = plays_.find(name);
  if (play == plays_.end()) return absl::UnimplementedError(name);
  return play->second(request, response);
}

SessionFixture::SessionFixture() {
  storage_ = storage::NewMemoryStorage(
      [this] { return absl::FromUnixMillis(now_ms_ + database_ahead_ms_); });
  const registry::Stores stores{storage_->tenants(),        storage_->endpoints(),
                                storage_->devices(),        storage_->device_keys(),
                                storage_->device_records(), storage_->sessions(),
                                storage_->pseudonyms()};
  const storage::RandomSource random = [](absl::Span<uint8_t> out) {
    secret::RandomSource::System().Fill(out);
  };
  admin_ = std::make_unique<registry::AdminHandler>(stores, random);
  session_ = std::make_unique<registry::SessionHandler>(stores, random);
  denials_ = std::make_unique<NoDenials>();
  dispatcher_ = std::make_unique<runtime::Dispatcher>(*denials_);
  EXPECT_OK(dispatcher_->Add(registry::Bind(*session_)));
  local_ = std::make_unique<runtime::LocalChannel>(*dispatcher_, IdentityOf("service/gateway"));
  registry_.PassTo(*local_);
  PlaySigning();
  PlayAttestationAndCatalog();
  v1::CreateTenantRequest tenant;
  tenant.mutable_tenant()->set_name("tenants/acme");
  EXPECT_OK(admin_->CreateTenant(Operator(), tenant));
  CreateEndpoint("main", true);
  CreateEndpoint("lax", false);
  CreateDevice("pump", key_);
  Restart();
}

// Caches read at once, in the thread that asks, and as often as they are asked to: the clock
// stands.
void SessionFixture::Restart(const GatewayConfig& config) {
  GatewayConfig ours = config;
  ours.challenge_keys.min_forced_interval = absl::ZeroDuration();
  ours.endpoints.refresh.min_forced_interval = absl::ZeroDuration();
  module_ = std::make_unique<GatewayModule>(
      ours, IdentityOf("service/gateway"),
      Peers::Channels{registry_, attestation_, catalog_, signing_}, secret::RandomSource::System(),
      [this] { return absl::Milliseconds(now_ms_.load()); },
      [](const std::function<void()>& task) {
        task();
        return true;
      });
}

void SessionFixture::PlayAttestationAndCatalog() {
  verdict_.set_verdict(v1::VERDICT_ACCEPTED);
  verdict_.mutable_claims()->set_text("accepted");
  attestation_.Set("Appraise", [this](const auto& request, auto* response) {
    std::lock_guard lock(seen_mutex_);
    appraised_ = static_cast<const v1::AppraiseRequest&>(request);
    static_cast<v1::AppraiseResponse&>(*response) = verdict_;
    return absl::OkStatus();
  });
  v1::ManifestRef* manifest = plan_.add_install();
  manifest->set_digest(std::string(32, 'd'));
  manifest->set_domain_uid(std::string(16, 'n'));
  manifest->set_component_id(
      "\x81\x43"
      "app");
  manifest->set_sequence(3);
  plan_.set_generation(9);
  catalog_.Set("Resolve", [this](const auto& request, auto* response) {
    std::lock_guard lock(seen_mutex_);
    resolved_ = static_cast<const v1::ResolveRequest&>(request);
    static_cast<v1::ResolveResponse&>(*response) = plan_;
    return absl::OkStatus();
  });
  catalog_.Set("GetEnvelopes", [this](const auto& request, auto* response) {
    std::lock_guard lock(seen_mutex_);
    delivered_ = static_cast<const v1::GetEnvelopesRequest&>(request);
    for (const std::string& digest :
         static_cast<const v1::GetEnvelopesRequest&>(request).digests()) {
      static_cast<v1::GetEnvelopesResponse&>(*response).add_envelopes(
          absl::StrCat("\xa1\x02\x58\x20", digest));
    }
    return envelopes_status_;
  });
}

runtime::CallContext SessionFixture::Operator() {
  return {IdentityOf("tenant/acme/operator/olga"), absl::InfiniteFuture(), ""};
}

void SessionFixture::CreateEndpoint(const std::string& name, bool attested, uint32_t data_items) {
  v1::Endpoint settings;
  settings.set_attestation_required(attested);
  settings.set_data_items(data_items);
  CreateEndpoint(name, settings);
}

void SessionFixture::CreateEndpoint(const std::string& name, const v1::Endpoint& settings) {
  v1::CreateEndpointRequest request;
  request.set_parent("tenants/acme");
  request.set_endpoint_id(name);
  *request.mutable_endpoint() = settings;
  EXPECT_OK(admin_->CreateEndpoint(Operator(), request));
}

void SessionFixture::UpdateEndpoint(const std::string& name, bool attested) {
  v1::UpdateEndpointRequest request;
  request.set_name(absl::StrCat("tenants/acme/endpoints/", name));
  request.mutable_endpoint()->set_attestation_required(attested);
  EXPECT_OK(admin_->UpdateEndpoint(Operator(), request));
}

std::string SessionFixture::CreateDevice(const std::string& name, const keys::PrivateKey& key,
                                         v1::KeyState state) {
  v1::CreateDeviceRequest request;
  request.set_parent("tenants/acme");
  request.mutable_device()->set_display_name(name);
  v1::NewDeviceKey* new_key = request.add_new_keys();
  new_key->mutable_key()->set_cose_key(key.public_key().cose_key());
  new_key->set_state(state);
  const auto created = admin_->CreateDevice(Operator(), request);
  EXPECT_OK(created);
  return created.ok() ? created->device().name() : "";
}

void SessionFixture::SetKeyState(const std::string& device, const keys::PrivateKey& key,
                                 v1::KeyState state) {
  v1::SetDeviceKeyStateRequest request;
  request.set_name(absl::StrCat("tenants/acme/devices/", device, "/keys/",
                                keys::ThumbprintHex(key.public_key().thumbprint())));
  request.set_state(state);
  EXPECT_OK(admin_->SetDeviceKeyState(Operator(), request));
}

v1::Device SessionFixture::Show(const std::string& device) {
  v1::GetDeviceRequest request;
  request.set_name(absl::StrCat("tenants/acme/devices/", device));
  const auto shown = admin_->GetDevice(Operator(), request);
  EXPECT_OK(shown);
  return shown.ok() ? shown->device() : v1::Device();
}

size_t SessionFixture::AuditCount(const std::string& kind) {
  storage::AuditFilter filter;
  filter.kind = kind;
  filter.tenant = storage_->tenants().GetByName("acme", {})->id;
  return storage_->audit().List(filter, {1000, ""}, {})->items.size();
}

std::string SessionFixture::Connect(const std::string& endpoint) {
  const auto bytes = module_->protocol().ProcessConnect("/tam/acme/" + endpoint, {"192.0.2.1"});
  EXPECT_OK(bytes);
  if (!bytes.ok()) return "";
  const auto cose = cose::Message::Parse(cbor::AsBytes(*bytes), cose::TagRule::kRequired);
  EXPECT_OK(cose);
  for (const keys::PrivateKey* key : {&tam_p256_, &tam_ed25519_}) {
    EXPECT_OK(teep::VerifyMessage(*cose, key->public_key(), cose::AlgorithmPolicy::Strict()));
  }
  const auto query = teep::Decode(cbor::AsBytes(*cose->unverified_payload()));
  EXPECT_OK(query);
  const auto& request = std::get<teep::QueryRequest>(*query);
  return request.challenge.value_or(request.token.value_or(""));
}

teep::QueryResponse SessionFixture::Evidence(const std::string& challenge) {
  cbor::MapBuilder claims;
  claims.Set(10, cbor::Writer().ByteString(challenge));
  teep::QueryResponse response;
  response.attestation_payload_format = "application/eat+cwt; eat_profile=\"urn:test\"";
  response.attestation_payload = *cose::Sign1(key_, cbor::AsBytes(claims.Encode()));
  response.tc_list.emplace();
  return response;
}

std::string SessionFixture::Sign(const teep::Message& message, const keys::PrivateKey& key) {
  const auto payload = teep::Encode(message);
  EXPECT_OK(payload);
  return *cose::Sign1(key, cbor::AsBytes(payload.value_or("")));
}

absl::StatusOr<std::optional<std::string>> SessionFixture::Send(const std::string& bytes,
                                                                const std::string& endpoint,
                                                                const std::string& source) {
  return module_->protocol().ProcessTeepMessage("/tam/acme/" + endpoint, bytes, {source});
}

teep::QueryRequest SessionFixture::QueryIn(const absl::StatusOr<std::optional<std::string>>& answer,
                                           const keys::PrivateKey& tam) {
  EXPECT_OK(answer);
  if (!answer.ok() || !answer->has_value()) {
    ADD_FAILURE() << "no message in the answer";
    return teep::QueryRequest();
  }
  const auto cose = cose::Message::Parse(cbor::AsBytes(**answer), cose::TagRule::kRequired);
  EXPECT_OK(cose);
  EXPECT_EQ(cose->structure(), cose::Structure::kSign1);
  const auto verified =
      teep::VerifyMessage(*cose, tam.public_key(), cose::AlgorithmPolicy::Strict());
  EXPECT_OK(verified);
  return verified.ok() ? std::get<teep::QueryRequest>(verified->message()) : teep::QueryRequest();
}

teep::Update SessionFixture::UpdateIn(const absl::StatusOr<std::optional<std::string>>& answer) {
  EXPECT_OK(answer);
  if (!answer.ok() || !answer->has_value()) {
    ADD_FAILURE() << "no message in the answer";
    return teep::Update();
  }
  const auto cose = cose::Message::Parse(cbor::AsBytes(**answer), cose::TagRule::kRequired);
  EXPECT_OK(cose);
  const keys::PrivateKey& tam = key_.type() == keys::KeyType::kP256 ? tam_p256_ : tam_ed25519_;
  const auto verified =
      teep::VerifyMessage(*cose, tam.public_key(), cose::AlgorithmPolicy::Strict());
  EXPECT_OK(verified);
  return verified.ok() ? std::get<teep::Update>(verified->message()) : teep::Update();
}

bool SessionFixture::IsSilent(const absl::StatusOr<std::optional<std::string>>& answer) {
  EXPECT_OK(answer);
  return answer.ok() && !answer->has_value();
}

teep::Update SessionFixture::OpenUpdate() {
  Advance(absl::Milliseconds(1));  // issue times must increase
  teep::Update update = UpdateIn(Send(Sign(Evidence(Connect()))));
  EXPECT_TRUE(update.token.has_value());
  return update;
}

void SessionFixture::Advance(absl::Duration by) { now_ms_ += absl::ToInt64Milliseconds(by); }

}  // namespace tam::gateway

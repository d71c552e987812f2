#include "services/catalog/handler.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "crypto/cbor/cbor.h"
#include "crypto/secret/secret.h"
#include "services/catalog/session_handler.h"
#include "storage/memory/memory_storage.h"
#include "teep/suit/author.h"
#include "teep/suit/commands.h"
#include "teep/suit/envelope.h"
#include "teep/suit/testing/manifest_builder.h"
#include "tests/support/row.h"
#include "tests/support/status_matchers.h"

namespace tam::catalog {
namespace {

using ::tam::testing::IsOk;
using ::tam::testing::StatusIs;
using ::testing::HasSubstr;

constexpr char kOperator[] = "spiffe://tam.example/tenant/acme/operator/op";
constexpr char kOwner[] = "spiffe://tam.example/tenant/acme/developer/ann";
constexpr char kStranger[] = "spiffe://tam.example/tenant/acme/developer/bob";
constexpr char kDomain[] = "tenants/acme/domains/apps";
constexpr char kRequestId[] = "0f1e2d3c-4b5a-4978-8796-a5b4c3d2e1f0";

runtime::CallContext As(const char* uri) {
  return {*runtime::Identity::Parse(uri, "tam.example"), absl::InfiniteFuture(), "request"};
}

std::string Wire(const suit::ComponentId& id) { return suit::EncodeComponentId(id); }

class CatalogTest : public ::testing::Test {
 protected:
  CatalogTest() {
    storage::Tenant tenant;
    tenant.id = storage::NewId<storage::TenantId>(random_);
    tenant.name = "acme";
    tenant_ = tenant.id;
    storage::AuditEntry audit;
    audit.kind = "tenant.create";
    EXPECT_THAT(storage_->tenants().Create(tenant, audit, {}), IsOk());
    EXPECT_THAT(CreateApps(""), IsOk());
  }

  absl::StatusOr<v1::CreateDomainResponse> CreateApps(const std::string& request_id) {
    v1::CreateDomainRequest request;
    request.set_parent("tenants/acme");
    request.set_domain_id(request_id.empty() ? "apps" : "again");
    request.set_request_id(request_id);
    v1::Domain& domain = *request.mutable_domain();
    domain.add_owners(kOwner);
    domain.add_component_prefixes(Wire({request_id.empty() ? "apps" : "again"}));
    domain.add_trust_anchors()->mutable_key()->set_pem(signer_.public_key().ToPem());
    return handler_.CreateDomain(As(kOperator), request);
  }

  suit::ManifestSpec Spec(uint64_t sequence, const std::string& payload) {
    suit::ManifestSpec spec;
    spec.component_id = {"apps", "ta"};
    spec.manifest_component_id = {"apps", "ta.suit"};
    spec.sequence_number = sequence;
    spec.vendor_id = std::string(16, 'v');
    spec.class_id = std::string(16, 'c');
    spec.payload = payload;
    return spec;
  }

  absl::StatusOr<v1::PublishManifestResponse> Publish(const suit::ManifestSpec& spec,
                                                      const char* who = kOwner,
                                                      const keys::PrivateKey* key = nullptr) {
    v1::PublishManifestRequest request;
    request.set_parent(kDomain);
    request.set_envelope(*suit::CreateSignedEnvelope(spec, key == nullptr ? signer_ : *key));
    return handler_.PublishManifest(As(who), request);
  }

  absl::StatusOr<v1::CreateDeploymentResponse> Deploy(const std::string& request_id = "") {
    v1::CreateDeploymentRequest request;
    request.set_parent("tenants/acme");
    request.set_deployment_id("everywhere");
    request.set_request_id(request_id);
    request.mutable_deployment()->set_domain(kDomain);
    request.mutable_deployment()->set_component_id(Wire({"apps", "ta.suit"}));
    return handler_.CreateDeployment(As(kOperator), request);
  }

  v1::ResolveResponse Resolve(const std::vector<v1::ManifestRef>& installed = {}) {
    v1::ResolveRequest request;
    request.set_tenant_uid(cbor::AsString(tenant_.bytes()));
    request.set_device_uid(std::string(16, 'd'));
    request.set_attested(true);
    for (const v1::ManifestRef& ref : installed) *request.add_installed() = ref;
    auto response = session_.Resolve(As("spiffe://tam.example/service/gateway"), request);
    EXPECT_THAT(response, IsOk());
    return response.ok() ? *response : v1::ResolveResponse();
  }

  absl::StatusOr<v1::GetEnvelopesResponse> Envelopes(const std::string& digest,
                                                     const std::vector<v1::HeldBinary>& held = {}) {
    v1::GetEnvelopesRequest request;
    request.mutable_held()->Add(held.begin(), held.end());
    request.set_tenant_uid(cbor::AsString(tenant_.bytes()));
    request.add_digests(digest);
    return session_.GetEnvelopes(As("spiffe://tam.example/service/gateway"), request);
  }

  absl::Status SetState(v1::DomainState state) {
    v1::GetDomainRequest get;
    get.set_name(kDomain);
    auto domain = handler_.GetDomain(As(kOperator), get);
    if (!domain.ok()) return domain.status();
    v1::UpdateDomainRequest request;
    request.set_name(kDomain);
    *request.mutable_domain() = domain->domain();
    request.mutable_domain()->set_state(state);
    return handler_.UpdateDomain(As(kOperator), request).status();
  }

  storage::RandomSource random_ = [](absl::Span<uint8_t> out) {
    secret::RandomSource::System().Fill(out);
  };
  absl::Time now_ = absl::FromUnixSeconds(1790000000);
  std::unique_ptr<storage::Storage> storage_ = storage::NewMemoryStorage([this] { return now_; });
  runtime::AuditComposer audit_{storage_->pseudonyms(), random_};
  CatalogHandler handler_{{storage_->tenants(), storage_->domains(), storage_->manifests(),
                           storage_->deployments(), storage_->clock(), audit_, random_}};
  CatalogSessionHandler session_{storage_->catalog(), storage_->manifests(), storage_->domains()};
  keys::PrivateKey signer_ = *keys::PrivateKey::Generate(keys::KeyType::kP256);
  storage::TenantId tenant_;
};

TEST_F(CatalogTest, PublishesForTheOwnerAndIsIdempotentByDigest) {
  auto spec = Spec(1, "payload");
  v1::PublishManifestRequest request;
  request.set_parent(kDomain);
  request.set_envelope(*suit::CreateSignedEnvelope(spec, signer_));
  auto first = handler_.PublishManifest(As(kOwner), request);
  ASSERT_THAT(first, IsOk());
  EXPECT_EQ(first->manifest().sequence(), 1u);
  EXPECT_EQ(first->manifest().signer_thumbprint(),
            cbor::AsString(signer_.public_key().thumbprint()));
  auto again = handler_.PublishManifest(As(kOwner), request);
  ASSERT_THAT(again, IsOk());
  EXPECT_EQ(again->manifest().name(), first->manifest().name());
}

TEST_F(CatalogTest, StrangersAndMissingDomainsLookTheSameToADeveloper) {
  const absl::Status stranger = Publish(Spec(1, "p"), kStranger).status();
  EXPECT_THAT(stranger, StatusIs(absl::StatusCode::kPermissionDenied));
  v1::GetDomainRequest missing;
  missing.set_name("tenants/acme/domains/none");
  const absl::Status none = handler_.GetDomain(As(kStranger), missing).status();
  EXPECT_EQ(stranger, none);
  EXPECT_THAT(handler_.GetDomain(As(kOperator), missing), StatusIs(absl::StatusCode::kNotFound));
  v1::ListDomainsRequest list;
  list.set_parent("tenants/acme");
  EXPECT_EQ(handler_.ListDomains(As(kStranger), list)->domains_size(), 0);
  EXPECT_EQ(handler_.ListDomains(As(kOwner), list)->domains_size(), 1);
}

// Whatever pages a developer asks for, with tokens given or made up, they are those of a tenant
// that has no domains but the developer's own.
TEST_F(CatalogTest, ADeveloperLearnsNothingOfOtherDomainsFromPages) {
  int n = 0;
  for (const auto& [name, owner] : {std::pair{"aa-secret", kStranger},
                                    {"mine", kOwner},
                                    {"mz-secret", kStranger},
                                    {"zz-secret", kStranger}}) {
    v1::CreateDomainRequest request;
    request.set_parent("tenants/acme");
    request.set_domain_id(name);
    request.mutable_domain()->add_owners(owner);
    request.mutable_domain()->add_component_prefixes(Wire({"page" + std::to_string(n++)}));
    request.mutable_domain()->add_trust_anchors()->mutable_key()->set_pem(
        signer_.public_key().ToPem());
    ASSERT_THAT(handler_.CreateDomain(As(kOperator), request), IsOk());
  }
  v1::ListDomainsRequest list;
  list.set_parent("tenants/acme");
  list.set_page_size(1);
  std::vector<std::string> seen;
  for (int pages = 0; pages < 10; ++pages) {
    auto page = handler_.ListDomains(As(kOwner), list);
    ASSERT_THAT(page, IsOk());
    EXPECT_EQ(page->domains_size(), 1);  // never an empty page where another's domain stood
    for (const v1::Domain& domain : page->domains()) seen.push_back(domain.name());
    auto position = storage::DecodePageToken(page->next_page_token());
    ASSERT_THAT(position, IsOk());
    EXPECT_EQ(position->find("secret"), std::string::npos);
    list.set_page_token(page->next_page_token());
    if (list.page_token().empty()) break;
  }
  EXPECT_EQ(seen, (std::vector<std::string>{kDomain, "tenants/acme/domains/mine"}));
  // A guessed position finds the developer's own or nothing, as if the others were not there.
  for (const char* guess : {"aa", "aa-secret", "mine", "mz", "mz-secret", "z"}) {
    list.set_page_token(storage::EncodePageToken(guess));
    auto page = handler_.ListDomains(As(kOwner), list);
    ASSERT_THAT(page, IsOk());
    EXPECT_EQ(page->next_page_token().empty(), std::string(guess) >= "apps") << guess;
    for (const v1::Domain& domain : page->domains()) {
      EXPECT_EQ(domain.name().find("secret"), std::string::npos);
    }
  }
}

TEST_F(CatalogTest, RefusesAnotherSigner) {
  TAM_ROW("T-59", "S-05");
  const keys::PrivateKey other = *keys::PrivateKey::Generate(keys::KeyType::kP256);
  EXPECT_THAT(Publish(Spec(1, "p"), kOwner, &other), StatusIs(absl::StatusCode::kUnauthenticated));
}

TEST_F(CatalogTest, RefusesIdentifiersOutsideThePrefix) {
  TAM_ROW("S-09", "S-10");
  suit::ManifestSpec spec = Spec(1, "p");
  spec.component_id = {"other", "ta"};
  EXPECT_THAT(Publish(spec), StatusIs(absl::StatusCode::kPermissionDenied, HasSubstr("S-09")));
  spec = Spec(1, "p");
  spec.manifest_component_id = {"application", "ta.suit"};
  EXPECT_THAT(Publish(spec), StatusIs(absl::StatusCode::kPermissionDenied, HasSubstr("S-10")));
}

TEST_F(CatalogTest, RefusesRollbackAndConflict) {
  TAM_ROW("S-08");
  ASSERT_THAT(Publish(Spec(5, "five")), IsOk());
  EXPECT_THAT(Publish(Spec(4, "four")), StatusIs(absl::StatusCode::kFailedPrecondition));
  EXPECT_THAT(Publish(Spec(5, "other five")), StatusIs(absl::StatusCode::kAlreadyExists));
  EXPECT_THAT(Publish(Spec(6, "six")), IsOk());
}

// The identifiers that a component's manifests had so far are the developer's.
TEST_F(CatalogTest, WarnsOfVendorAndClassThatAreMissingOrNew) {
  TAM_ROW("S-11");
  auto published = Publish(Spec(1, "one"));
  ASSERT_THAT(published, IsOk());
  EXPECT_THAT(published->warnings(), ::testing::IsEmpty());
  suit::ManifestSpec other = Spec(2, "two");
  other.class_id = std::string(16, 'd');
  published = Publish(other);
  ASSERT_THAT(published, IsOk());
  EXPECT_THAT(published->warnings(),
              ::testing::ElementsAre(HasSubstr("S-11: apps/ta: class-identifier is 6464")));
  EXPECT_THAT(Publish(other)->warnings(), ::testing::IsEmpty()) << "it is published already";

  suit::testing::ManifestBuilder bare = suit::testing::ManifestBuilder::InstallOf("three", 3);
  bare.components = {{"apps", "ta"}};
  bare.manifest_component_id = suit::ComponentId{"apps", "ta.suit"};
  bare.shared = suit::testing::SequenceBuilder().Override(
      {{suit::parameter::kImageDigest, suit::testing::DigestItem("three")}});
  v1::PublishManifestRequest request;
  request.set_parent(kDomain);
  request.set_envelope(*suit::SignManifest(bare.Encode(), {{"#tc", "three"}}, signer_));
  published = handler_.PublishManifest(As(kOwner), request);
  ASSERT_THAT(published, IsOk());
  EXPECT_THAT(published->warnings(),
              ::testing::ElementsAre(HasSubstr("S-11: manifest: vendor-identifier is not set"),
                                     HasSubstr("S-11: manifest: class-identifier is not set")));
}

// None is taken, so none is delivered whose dependencies nobody has checked.
TEST_F(CatalogTest, RefusesManifestsThatNeedAnother) {
  TAM_ROW("S-17");
  suit::testing::ManifestBuilder manifest;
  manifest.components = {{"apps", "ta"}};
  manifest.manifest_component_id = suit::ComponentId{"apps", "ta.suit"};
  manifest.sections[24] = suit::testing::SequenceBuilder().Index(0).Command(suit::command::kUnlink);
  v1::PublishManifestRequest request;
  request.set_parent(kDomain);
  manifest.dependencies[1] = {"apps", "lib.suit"};
  request.set_envelope(*suit::SignManifest(manifest.Encode(), {}, signer_));
  EXPECT_THAT(handler_.PublishManifest(As(kOwner), request),
              StatusIs(absl::StatusCode::kFailedPrecondition,
                       HasSubstr("S-17: manifest.common.dependencies: want none, found 1")));
  manifest.dependencies.clear();
  request.set_envelope(*suit::SignManifest(manifest.Encode(), {}, signer_));
  EXPECT_THAT(handler_.PublishManifest(As(kOwner), request), IsOk());
}

TEST_F(CatalogTest, RefusesMalformedAndOversizedEnvelopes) {
  TAM_ROW("S-01");
  v1::PublishManifestRequest request;
  request.set_parent(kDomain);
  request.set_envelope("not cbor");
  EXPECT_THAT(handler_.PublishManifest(As(kOwner), request),
              StatusIs(absl::StatusCode::kInvalidArgument));
  request.set_envelope(std::string(1 << 20, '\0'));
  EXPECT_THAT(handler_.PublishManifest(As(kOwner), request),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("S-01")));
}

TEST_F(CatalogTest, DeploymentIsResolvedToTheNewestAndItsEnvelopeDelivered) {
  ASSERT_THAT(Publish(Spec(1, "one")), IsOk());
  ASSERT_THAT(Deploy(), IsOk());
  ASSERT_EQ(Resolve().install_size(), 1);
  EXPECT_EQ(Resolve().install(0).sequence(), 1u);
  ASSERT_THAT(Publish(Spec(2, "two")), IsOk());
  const v1::ResolveResponse plan = Resolve();
  ASSERT_EQ(plan.install_size(), 1);
  EXPECT_EQ(plan.install(0).sequence(), 2u);
  auto envelopes = Envelopes(plan.install(0).digest());
  ASSERT_THAT(envelopes, IsOk());
  auto parsed = suit::Envelope::Parse(cbor::AsBytes(envelopes->envelopes(0)));
  ASSERT_THAT(parsed, IsOk());
  EXPECT_EQ(parsed->computed_digest().bytes, plan.install(0).digest());
}

// Byte for byte the published envelope, but for the payload; it verifies as before.
TEST_F(CatalogTest, WhatTheDeviceHoldsIsNotDeliveredAgain) {
  const std::string whole = *suit::CreateSignedEnvelope(Spec(5, "payload"), signer_);
  const suit::Envelope parsed = *suit::Envelope::Parse(cbor::AsBytes(whole));
  const std::string lighter = suit::WithoutPayload(parsed, "#tc")->bytes();
  v1::PublishManifestRequest publish;
  publish.set_parent(kDomain);
  publish.set_envelope(whole);
  ASSERT_THAT(handler_.PublishManifest(As(kOwner), publish), IsOk());
  const auto delivered = [&](const suit::ComponentId& id, uint64_t min_sequence,
                             const std::string& image) {
    v1::HeldBinary held;
    held.set_component_id(Wire(id));
    held.set_min_sequence(min_sequence);
    held.set_image_digest(image);
    auto response = Envelopes(parsed.computed_digest().bytes, {held});
    EXPECT_THAT(response, IsOk());
    return response.ok() ? response->envelopes(0) : "";
  };
  const std::string image = cbor::AsString(secret::Sha256(cbor::AsBytes("payload")));
  EXPECT_EQ(delivered({"apps", "ta"}, 5, ""), lighter);
  EXPECT_EQ(delivered({"apps", "ta"}, 0, image), lighter);
  EXPECT_EQ(delivered({"apps", "ta.suit"}, 5, ""), lighter) << "all that the manifest installs";
  EXPECT_EQ(delivered({"apps", "ta"}, 6, ""), whole) << "it is for newer manifests";
  EXPECT_EQ(delivered({"apps", "ta"}, 5, std::string(32, 'x')), whole) << "it has another image";
  EXPECT_EQ(delivered({"apps", "tb"}, 5, ""), whole);
  EXPECT_EQ(delivered({"apps"}, 5, ""), whole);

  const keys::PublicKey anchor = signer_.public_key();
  EXPECT_THAT(
      suit::VerifiedEnvelope::Verify(*suit::Envelope::Parse(cbor::AsBytes(lighter)), {&anchor, 1}),
      IsOk());
  // What is stored is what was published.
  EXPECT_EQ(Envelopes(parsed.computed_digest().bytes)->envelopes(0), whole);
  // A device's words keep nothing back, whatever they are.
  EXPECT_EQ(delivered({std::string(2000, 'x')}, 1, ""), whole);
  v1::HeldBinary malformed;
  malformed.set_component_id("no cbor");
  EXPECT_EQ(Envelopes(parsed.computed_digest().bytes, {malformed})->envelopes(0), whole);
}

TEST_F(CatalogTest, AnUnneededListIsAnsweredByDomainsAndDeployments) {
  ASSERT_THAT(Publish(Spec(1, "one")), IsOk());
  ASSERT_THAT(Deploy(), IsOk());
  v1::ResolveRequest request;
  request.set_tenant_uid(cbor::AsString(tenant_.bytes()));
  request.set_device_uid(std::string(16, 'd'));
  for (const suit::ComponentId& id : {suit::ComponentId{"apps", "ta.suit"},
                                      {"apps", "gone.suit"},
                                      {"other", "x"},
                                      suit::ComponentId(100, "too long")}) {
    request.add_unneeded(Wire(id));
  }
  auto plan = session_.Resolve(As("spiffe://tam.example/service/gateway"), request);
  ASSERT_THAT(plan, IsOk());
  EXPECT_THAT(plan->unlink(), ::testing::ElementsAre(Wire({"apps", "gone.suit"})));
  EXPECT_THAT(plan->kept(), ::testing::ElementsAre(Wire({"apps", "ta.suit"})));
}

TEST_F(CatalogTest, WhatADeviceNamesMayBeNoIdentifierOfTheCatalogue) {
  ASSERT_THAT(Publish(Spec(1, "one")), IsOk());
  ASSERT_THAT(Deploy(), IsOk());
  v1::ResolveRequest request;
  request.set_tenant_uid(cbor::AsString(tenant_.bytes()));
  request.set_device_uid(std::string(16, 'd'));
  request.set_attested(true);
  request.set_has_reported(true);
  for (const suit::ComponentId& id : {suit::ComponentId{},
                                      suit::ComponentId(33, "x"),
                                      suit::ComponentId(64, "x"),
                                      {std::string(70000, 'x')}}) {
    request.add_reported()->set_component_id(Wire(id));
    request.add_requested()->set_component_id(Wire(id));
    request.add_unneeded(Wire(id));
  }
  auto plan = session_.Resolve(As("spiffe://tam.example/service/gateway"), request);
  ASSERT_THAT(plan, IsOk());
  EXPECT_EQ(plan->install_size(), 1);
  EXPECT_EQ(plan->unlink_size(), 0);
}

TEST_F(CatalogTest, DeletedDeploymentUnlinksWhatIsInstalled) {
  ASSERT_THAT(Publish(Spec(1, "one")), IsOk());
  auto deployment = Deploy();
  ASSERT_THAT(deployment, IsOk());
  const v1::ManifestRef installed = Resolve().install(0);
  EXPECT_EQ(Resolve({installed}).install_size(), 0);
  EXPECT_EQ(Resolve({installed}).unlink_size(), 0);
  v1::DeleteDeploymentRequest request;
  request.set_name(deployment->deployment().name());
  request.set_etag("7");
  EXPECT_THAT(handler_.DeleteDeployment(As(kOperator), request),
              StatusIs(absl::StatusCode::kAborted));
  request.set_etag(deployment->deployment().etag());
  ASSERT_THAT(handler_.DeleteDeployment(As(kOperator), request), IsOk());
  ASSERT_EQ(Resolve({installed}).unlink_size(), 1);
  EXPECT_EQ(Resolve({installed}).unlink(0), Wire({"apps", "ta.suit"}));
}

TEST_F(CatalogTest, WithdrawnOrSuspendedIsNotDelivered) {
  TAM_ROW("T-59");
  auto published = Publish(Spec(1, "one"));
  ASSERT_THAT(published, IsOk());
  ASSERT_THAT(Deploy(), IsOk());
  const std::string digest = published->manifest().digest();
  ASSERT_THAT(SetState(v1::DOMAIN_STATE_SUSPENDED), IsOk());
  EXPECT_EQ(Resolve().install_size(), 0);
  EXPECT_THAT(Envelopes(digest), StatusIs(absl::StatusCode::kFailedPrecondition));
  EXPECT_THAT(Publish(Spec(2, "two")), StatusIs(absl::StatusCode::kFailedPrecondition));
  ASSERT_THAT(SetState(v1::DOMAIN_STATE_ACTIVE), IsOk());
  EXPECT_EQ(Resolve().install_size(), 1);
  v1::WithdrawManifestRequest withdraw;
  withdraw.set_name(published->manifest().name());
  withdraw.set_etag("999");
  EXPECT_THAT(handler_.WithdrawManifest(As(kOwner), withdraw),
              StatusIs(absl::StatusCode::kAborted));
  withdraw.set_etag(published->manifest().etag());
  ASSERT_THAT(handler_.WithdrawManifest(As(kOwner), withdraw), IsOk());
  EXPECT_EQ(Resolve().install_size(), 0);
  EXPECT_THAT(Envelopes(digest),
              StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("withdrawn")));
}

TEST_F(CatalogTest, CreateWithTheSameRequestIdCreatesOnce) {
  auto first = CreateApps(kRequestId);
  ASSERT_THAT(first, IsOk());
  auto second = CreateApps(kRequestId);
  ASSERT_THAT(second, IsOk());
  EXPECT_EQ(first->domain().uid(), second->domain().uid());
  EXPECT_THAT(CreateApps("1f1e2d3c-4b5a-4978-8796-a5b4c3d2e1f0"),
              StatusIs(absl::StatusCode::kAlreadyExists));
}

TEST_F(CatalogTest, EveryActLeavesAnAuditRow) {
  ASSERT_THAT(Publish(Spec(1, "one")), IsOk());
  storage::AuditFilter filter;
  filter.tenant = tenant_;
  auto page = storage_->audit().List(filter, {}, {});
  ASSERT_THAT(page, IsOk());
  std::vector<std::string> kinds;
  for (const storage::AuditRecord& record : page->items) {
    kinds.push_back(record.entry.kind);
    EXPECT_THAT(cbor::AsString(record.entry.entry), ::testing::Not(HasSubstr("spiffe:")));
  }
  EXPECT_THAT(kinds, ::testing::UnorderedElementsAre("domain.create", "manifest.publish"));
}

}  // namespace
}  // namespace tam::catalog

#include "services/catalog/session_handler.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "crypto/cbor/cbor.h"
#include "crypto/secret/secret.h"
#include "services/catalog/catalog_fixture.h"
#include "teep/suit/author.h"
#include "teep/suit/envelope.h"
#include "tests/support/row.h"
#include "tests/support/status_matchers.h"

namespace tam::catalog {
namespace {

using ::tam::testing::IsOk;
using ::tam::testing::StatusIs;
using ::testing::HasSubstr;

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

}  // namespace
}  // namespace tam::catalog

#include "services/catalog/handler.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "crypto/cbor/cbor.h"
#include "services/catalog/catalog_fixture.h"
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

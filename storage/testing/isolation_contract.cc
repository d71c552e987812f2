// What keeps security domains apart: who sees which, and whose signature counts.
#include "storage/testing/contract.h"

namespace tam::storage {
namespace {

using ::absl::StatusCode;
using ::tam::testing::IsOk;
using ::tam::testing::IsOkAndHolds;
using ::tam::testing::StatusIs;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr char kAnn[] = "spiffe://example.org/tenant/t/developer/ann";
constexpr char kBob[] = "spiffe://example.org/tenant/t/developer/bob";

std::vector<std::string> NamesOf(const Page<Domain>& page) {
  std::vector<std::string> names;
  for (const Domain& domain : page.items) names.push_back(domain.name);
  return names;
}

TEST_P(StorageContract, AnOwnersListIsThatOfATenantWithNoOtherDomains) {
  int n = 0;
  for (const auto& [name, owner] : {std::pair{"a-bobs", kBob},
                                    {"b-anns", kAnn},
                                    {"c-bobs", kBob},
                                    {"d-anns", kAnn},
                                    {"e-bobs", kBob},
                                    {"f-bobs", kBob}}) {
    Domain domain = NewDomain(name, {Component({"p" + std::to_string(n++)})});
    domain.owners = {"spiffe://example.org/somebody", owner};
    ASSERT_THAT(CreateDomain(domain), IsOk());
  }
  auto& domains = storage().domains();
  auto first = domains.List(tenant_, kAnn, {1, ""}, soon_);
  ASSERT_THAT(first, IsOk());
  EXPECT_THAT(NamesOf(*first), ElementsAre("b-anns"));
  auto second = domains.List(tenant_, kAnn, {1, first->next}, soon_);
  ASSERT_THAT(second, IsOk());
  EXPECT_THAT(NamesOf(*second), ElementsAre("d-anns"));
  // Pages are counted after the selection: bob's that follow are no reason for another page.
  EXPECT_EQ(second->next, "");
  // The position names ann's own domain, never the next one of the tenant.
  EXPECT_EQ(first->next, EncodePageToken("b-anns"));
  EXPECT_THAT(domains.List(tenant_, "spiffe://example.org/nobody", {1, ""}, soon_)->next, "");
  EXPECT_EQ(domains.List(tenant_, "", {}, soon_)->items.size(), 6u);
  EXPECT_THAT(domains.List(RandomFixed<TenantId>(), kAnn, {}, soon_)->items, IsEmpty());
}

// An anchor may be revoked between the check of the signature and the write.
TEST_P(StorageContract, AManifestIsPublishedUnderAnAnchorOfThatMomentAlone) {
  Domain domain = NewDomain("acme", {Component({"acme"})});
  ASSERT_THAT(CreateDomain(domain), IsOk());
  const Manifest before = NewManifestOf(domain, Component({"acme", "app"}), 1);
  EXPECT_THAT(Publish(before), IsOkAndHolds(PublishOutcome::kPublished));

  const Manifest after = NewManifestOf(domain, Component({"acme", "app"}), 2);
  const TrustAnchor revoked = domain.anchors[0];
  domain.anchors[0].thumbprint = RandomFixed<KeyThumbprint>();
  ASSERT_THAT(UpdateDomain(domain), IsOk());
  EXPECT_THAT(Publish(after), StatusIs(StatusCode::kUnauthenticated));
  EXPECT_THAT(storage().manifests().Get(tenant_, {domain.id, after.digest}, soon_),
              StatusIs(StatusCode::kNotFound));
  // What is published already is still said to be.
  EXPECT_THAT(Publish(before), IsOkAndHolds(PublishOutcome::kAlreadyPublished));

  domain.version = 0;
  domain.anchors[0] = revoked;
  domain.anchors[0].not_after = absl::FromUnixMillis(NowMs() + 500);
  ASSERT_THAT(UpdateDomain(domain), IsOk());
  EXPECT_THAT(Publish(after), IsOkAndHolds(PublishOutcome::kPublished));
  const Manifest late = NewManifestOf(domain, Component({"acme", "app"}), 3);
  Advance(absl::Seconds(1));
  EXPECT_THAT(Publish(late), StatusIs(StatusCode::kUnauthenticated));
  domain.anchors[0].not_after = std::nullopt;
  domain.anchors[0].not_before = absl::FromUnixMillis(NowMs() + 1);
  ASSERT_THAT(UpdateDomain(domain), IsOk());
  EXPECT_THAT(Publish(late), StatusIs(StatusCode::kUnauthenticated));
}

}  // namespace
}  // namespace tam::storage

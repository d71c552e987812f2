// Domains, manifests, deployments and blobs.
#include <thread>

#include "storage/testing/contract.h"

namespace tam::storage {
namespace {

using ::absl::StatusCode;
using ::tam::testing::IsOk;
using ::tam::testing::IsOkAndHolds;
using ::tam::testing::StatusIs;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;

const ComponentId kAcme = Component({"acme"});
const ComponentId kApp = Component({"acme", "app"});
const ComponentId kLib = Component({"acme", "lib"});

TEST_P(StorageContract, ADomainReadsBackAsItWasCreated) {
  Domain domain = NewDomain("acme", {kAcme, Component({"b", "c"})});
  domain.owners.push_back("spiffe://example.org/\"quoted\",{x}");
  domain.quota = {10, 1000000};
  domain.anchors = {
      {RandomFixed<KeyThumbprint>(), BytesOf("key1"), "first", std::nullopt,
       absl::FromUnixSeconds(2000000000)},
      {RandomFixed<KeyThumbprint>(), BytesOf("key2"), "", absl::FromUnixSeconds(1), std::nullopt}};
  ASSERT_THAT(CreateDomain(domain), IsOk());
  for (const auto& stored : {storage().domains().Get(tenant_, domain.id, soon_),
                             storage().domains().GetByName(tenant_, "acme", soon_)}) {
    ASSERT_THAT(stored, IsOk());
    EXPECT_EQ(stored->owners, domain.owners);
    EXPECT_EQ(stored->prefixes, domain.prefixes);
    EXPECT_EQ(stored->quota.max_bytes, 1000000u);
    EXPECT_EQ(stored->version, 1u);
    ASSERT_THAT(stored->anchors, SizeIs(2));
    EXPECT_EQ(stored->anchors[0].public_key, BytesOf("key1"));
    EXPECT_EQ(stored->anchors[0].description, "first");
    EXPECT_FALSE(stored->anchors[0].not_before.has_value());
    EXPECT_EQ(stored->anchors[0].not_after, domain.anchors[0].not_after);
    EXPECT_EQ(stored->anchors[1].not_before, domain.anchors[1].not_before);
  }
  EXPECT_THAT(storage().domains().GetByName(tenant_, "none", soon_),
              StatusIs(StatusCode::kNotFound));
  EXPECT_THAT(CreateDomain(NewDomain("acme", {})), StatusIs(StatusCode::kAlreadyExists));
}

TEST_P(StorageContract, NoPrefixShadowsAnotherDomains) {
  const Domain acme = NewDomain("acme", {kApp});
  ASSERT_THAT(CreateDomain(acme), IsOk());
  int n = 0;
  const auto create = [&](const ComponentId& prefix) {
    return CreateDomain(NewDomain("other" + std::to_string(n++), {Component({"x"}), prefix}));
  };
  const auto refused = StatusIs(StatusCode::kFailedPrecondition, HasSubstr("acme"));
  EXPECT_THAT(create(kApp), refused);
  EXPECT_THAT(create(kAcme), refused);
  EXPECT_THAT(create(Component({"acme", "app", "plugin"})), refused);
  EXPECT_THAT(create(ComponentId()), StatusIs(StatusCode::kInvalidArgument));
  EXPECT_THAT(create(Component({"acme", "application"})), IsOk());
  // An update cannot either, and a deleted domain keeps its prefixes.
  Domain grown = NewDomain("grown", {Component({"g"})});
  ASSERT_THAT(CreateDomain(grown), IsOk());
  Domain deleted = acme;
  deleted.state = DomainState::kDeleted;
  ASSERT_THAT(UpdateDomain(deleted), IsOk());
  grown.prefixes.push_back(kApp);
  EXPECT_THAT(UpdateDomain(grown), refused);
  Domain elsewhere = NewDomain("acme", {kApp});
  elsewhere.tenant = RandomFixed<TenantId>();
  EXPECT_THAT(CreateDomain(elsewhere), IsOk());
}

TEST_P(StorageContract, OfConcurrentClaimsOfOnePrefixOneWins) {
  std::vector<Domain> domains;
  for (int n = 0; n < 8; ++n) domains.push_back(NewDomain("d" + std::to_string(n), {kAcme}));
  std::vector<absl::Status> results(domains.size());
  std::vector<std::thread> threads;
  for (size_t n = 0; n < domains.size(); ++n) {
    threads.emplace_back([&, n] { results[n] = CreateDomain(domains[n]); });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(std::count(results.begin(), results.end(), absl::OkStatus()), 1);
  for (const absl::Status& status : results) {
    if (status.ok()) continue;
    EXPECT_THAT(status, StatusIs(StatusCode::kFailedPrecondition));
  }
}

TEST_P(StorageContract, ADomainUpdateChecksVersionAndState) {
  Domain domain = NewDomain("acme", {kAcme});
  domain.anchors = {{RandomFixed<KeyThumbprint>(), BytesOf("k"), "", {}, {}}};
  ASSERT_THAT(CreateDomain(domain), IsOk());
  domain.version = 1;
  domain.owners = {};
  domain.anchors = {};
  domain.state = DomainState::kSuspended;
  ASSERT_THAT(UpdateDomain(domain), IsOk());
  EXPECT_THAT(UpdateDomain(domain), StatusIs(StatusCode::kAborted));
  auto stored = storage().domains().Get(tenant_, domain.id, soon_);
  ASSERT_THAT(stored, IsOk());
  EXPECT_EQ(stored->state, DomainState::kSuspended);
  EXPECT_THAT(stored->anchors, IsEmpty());
  EXPECT_EQ(stored->version, 2u);
  domain.version = 0;
  domain.state = DomainState::kDeleted;
  ASSERT_THAT(UpdateDomain(domain), IsOk());
  domain.state = DomainState::kActive;
  EXPECT_THAT(UpdateDomain(domain), StatusIs(StatusCode::kFailedPrecondition));
  domain.id = RandomFixed<DomainId>();
  EXPECT_THAT(UpdateDomain(domain), StatusIs(StatusCode::kNotFound));
}

TEST_P(StorageContract, AManifestReadsBackAsItWasPublished) {
  const Domain domain = NewDomain("acme", {kAcme});
  ASSERT_THAT(CreateDomain(domain), IsOk());
  Manifest manifest = NewManifestOf(domain, kApp, 3);
  manifest.components = {kApp, kLib};
  // More than one chunk, every byte value.
  Bytes envelope(600 * 1024);
  for (size_t i = 0; i < envelope.size(); ++i) envelope[i] = static_cast<uint8_t>(i * 7 + i / 251);
  EXPECT_THAT(storage().manifests().Publish(manifest, envelope, Audit("publish"), soon_),
              IsOkAndHolds(PublishOutcome::kPublished));
  const ManifestRef ref{domain.id, manifest.digest};
  for (const auto& stored : {storage().manifests().Get(tenant_, ref, soon_),
                             storage().manifests().FindByDigest(tenant_, ref.digest, soon_)}) {
    ASSERT_THAT(stored, IsOk());
    EXPECT_EQ(stored->manifest_component, kApp);
    EXPECT_EQ(stored->components, manifest.components);
    EXPECT_EQ(stored->sequence, 3u);
    EXPECT_EQ(stored->signer, manifest.signer);
    EXPECT_EQ(stored->publisher, manifest.publisher);
    EXPECT_EQ(stored->envelope_size, envelope.size());
    EXPECT_EQ(stored->state, ManifestState::kPublished);
    EXPECT_EQ(absl::ToUnixMillis(stored->published), NowMs());
  }
  auto bytes = storage().manifests().GetEnvelope(tenant_, ref, soon_);
  ASSERT_THAT(bytes, IsOk());
  EXPECT_TRUE(*bytes == envelope);
  const ManifestRef none{domain.id, RandomFixed<ManifestDigest>()};
  EXPECT_THAT(storage().manifests().Get(tenant_, none, soon_), StatusIs(StatusCode::kNotFound));
  EXPECT_THAT(storage().manifests().GetEnvelope(tenant_, none, soon_),
              StatusIs(StatusCode::kNotFound));
  EXPECT_THAT(storage().manifests().GetEnvelope(RandomFixed<TenantId>(), ref, soon_),
              StatusIs(StatusCode::kNotFound));
}

TEST_P(StorageContract, SequenceNumbersOnlyRise) {
  const Domain domain = NewDomain("acme", {kAcme});
  ASSERT_THAT(CreateDomain(domain), IsOk());
  const Manifest three = NewManifestOf(domain, kApp, 3);
  ASSERT_THAT(Publish(three), IsOkAndHolds(PublishOutcome::kPublished));
  EXPECT_THAT(Publish(three), IsOkAndHolds(PublishOutcome::kAlreadyPublished));
  EXPECT_THAT(Publish(NewManifestOf(domain, kApp, 3)), StatusIs(StatusCode::kAlreadyExists));
  EXPECT_THAT(Publish(NewManifestOf(domain, kApp, 2)), StatusIs(StatusCode::kFailedPrecondition));
  EXPECT_THAT(Publish(NewManifestOf(domain, kLib, 1)), IsOk());
  // Withdrawing does not make a number free.
  ASSERT_THAT(Withdraw(three), IsOk());
  EXPECT_THAT(Publish(NewManifestOf(domain, kApp, 3)), StatusIs(StatusCode::kAlreadyExists));
  EXPECT_THAT(Publish(NewManifestOf(domain, kApp, 2)), StatusIs(StatusCode::kFailedPrecondition));
  EXPECT_THAT(Publish(NewManifestOf(domain, kApp, uint64_t{1} << 63)),
              StatusIs(StatusCode::kInvalidArgument));
  EXPECT_THAT(Publish(NewManifestOf(domain, kApp, 4)), IsOk());
  EXPECT_THAT(AuditOf("publish"), SizeIs(3));
}

TEST_P(StorageContract, OfConcurrentManifestsWithOneSequenceNumberOneIsPublished) {
  const Domain domain = NewDomain("acme", {kAcme});
  ASSERT_THAT(CreateDomain(domain), IsOk());
  std::vector<Manifest> manifests;
  for (int n = 0; n < 8; ++n) manifests.push_back(NewManifestOf(domain, kApp, 1));
  std::vector<absl::StatusOr<PublishOutcome>> results(8);
  std::vector<std::thread> threads;
  for (int n = 0; n < 8; ++n) {
    threads.emplace_back([&, n] { results[n] = Publish(manifests[n]); });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(std::count_if(results.begin(), results.end(), [](const auto& r) { return r.ok(); }), 1);
  for (const auto& result : results) {
    if (result.ok()) continue;
    EXPECT_THAT(result, StatusIs(StatusCode::kAlreadyExists));
  }
}

TEST_P(StorageContract, PublishingStaysInsidePrefixesQuotaAndState) {
  Domain domain = NewDomain("acme", {kAcme});
  domain.quota = {2, 20};
  ASSERT_THAT(CreateDomain(domain), IsOk());
  EXPECT_THAT(Publish(NewManifestOf(domain, Component({"other"}), 1)),
              StatusIs(StatusCode::kPermissionDenied));
  Manifest reaching = NewManifestOf(domain, kApp, 1);
  reaching.components = {kApp, Component({"other", "x"})};
  EXPECT_THAT(Publish(reaching), StatusIs(StatusCode::kPermissionDenied));
  EXPECT_THAT(Publish(NewManifestOf(domain, ComponentId(), 1)),
              StatusIs(StatusCode::kInvalidArgument));
  EXPECT_THAT(Publish(NewManifestOf(domain, kApp, 1), "123456789012345678901"),
              StatusIs(StatusCode::kResourceExhausted));
  EXPECT_THAT(Publish(NewManifestOf(domain, kApp, 1), "1234567890"), IsOk());
  EXPECT_THAT(Publish(NewManifestOf(domain, kApp, 2), "12345678901"),
              StatusIs(StatusCode::kResourceExhausted));
  EXPECT_THAT(Publish(NewManifestOf(domain, kApp, 2), "1"), IsOk());
  EXPECT_THAT(Publish(NewManifestOf(domain, kApp, 3), "1"),
              StatusIs(StatusCode::kResourceExhausted));
  domain.quota = {};
  domain.state = DomainState::kSuspended;
  ASSERT_THAT(UpdateDomain(domain), IsOk());
  EXPECT_THAT(Publish(NewManifestOf(domain, kApp, 3)), StatusIs(StatusCode::kFailedPrecondition));
  EXPECT_THAT(Publish(NewManifestOf(NewDomain("none", {kAcme}), kApp, 3)),
              StatusIs(StatusCode::kNotFound));
}

TEST_P(StorageContract, WithdrawingTwiceChangesNothing) {
  const Domain domain = NewDomain("acme", {kAcme});
  ASSERT_THAT(CreateDomain(domain), IsOk());
  const Manifest manifest = NewManifestOf(domain, kApp, 1);
  ASSERT_THAT(Publish(manifest), IsOk());
  ASSERT_THAT(Withdraw(manifest), IsOk());
  const uint64_t generation = Generation();
  ASSERT_THAT(Withdraw(manifest), IsOk());
  EXPECT_EQ(Generation(), generation);
  EXPECT_THAT(AuditOf("withdraw"), SizeIs(1));
  EXPECT_THAT(Withdraw(NewManifestOf(domain, kApp, 2)), StatusIs(StatusCode::kNotFound));
}

TEST_P(StorageContract, ManifestsAreListedByComponentAndFallingSequence) {
  const Domain domain = NewDomain("acme", {kAcme});
  ASSERT_THAT(CreateDomain(domain), IsOk());
  // kAcme's key is a prefix of the others'.
  std::vector<Manifest> manifests = {NewManifestOf(domain, kAcme, 1),
                                     NewManifestOf(domain, kApp, 1), NewManifestOf(domain, kApp, 2),
                                     NewManifestOf(domain, kLib, 5)};
  for (const Manifest& manifest : manifests) ASSERT_THAT(Publish(manifest), IsOk());
  ASSERT_THAT(Withdraw(manifests[2]), IsOk());
  ASSERT_THAT(Withdraw(manifests[3]), IsOk());
  std::vector<ManifestDigest> got;
  PageRequest page{1, ""};
  do {
    auto result = storage().manifests().List(tenant_, domain.id, page, soon_);
    ASSERT_THAT(result, IsOk());
    for (const Manifest& manifest : result->items) got.push_back(manifest.digest);
    page.after = result->next;
  } while (!page.after.empty());
  EXPECT_THAT(got, ::testing::ElementsAre(manifests[0].digest, manifests[2].digest,
                                          manifests[1].digest, manifests[3].digest));
  auto first = storage().manifests().ListComponents(tenant_, domain.id, {2, ""}, soon_);
  ASSERT_THAT(first, IsOk());
  ASSERT_THAT(first->items, SizeIs(2));
  EXPECT_EQ(first->items[1].manifest_component, kApp);
  EXPECT_EQ(first->items[1].newest, manifests[1].digest);
  EXPECT_EQ(first->items[1].newest_sequence, 1u);
  EXPECT_EQ(first->items[1].manifest_count, 2u);
  auto rest = storage().manifests().ListComponents(tenant_, domain.id, {2, first->next}, soon_);
  ASSERT_THAT(rest, IsOk());
  ASSERT_THAT(rest->items, SizeIs(1));
  EXPECT_FALSE(rest->items[0].newest.has_value());
  EXPECT_THAT(rest->next, IsEmpty());
}

TEST_P(StorageContract, DeploymentsReadBackAndCheckWhatTheyName) {
  const Domain domain = NewDomain("acme", {kAcme});
  ASSERT_THAT(CreateDomain(domain), IsOk());
  const Manifest manifest = NewManifestOf(domain, kApp, 1);
  ASSERT_THAT(Publish(manifest), IsOk());
  auto& deployments = storage().deployments();
  const auto create = [&](const Deployment& deployment) {
    return deployments.Create(deployment, Audit("deploy"), soon_);
  };
  Deployment deployment = NewDeployment("main", manifest);
  deployment.selector.device_class = DeviceClass{BytesOf("o"), {}};
  deployment.selector.labels = {{"a", "b"}};
  deployment.selector.devices = {RandomFixed<DeviceId>(), RandomFixed<DeviceId>()};
  deployment.pinned = manifest.digest;
  deployment.unattested_allowed = true;
  ASSERT_THAT(create(deployment), IsOk());
  auto stored = deployments.GetByName(tenant_, "main", soon_);
  ASSERT_THAT(stored, IsOk());
  EXPECT_EQ(stored->selector.device_class, deployment.selector.device_class);
  EXPECT_EQ(stored->selector.labels, deployment.selector.labels);
  EXPECT_EQ(stored->selector.devices, deployment.selector.devices);
  EXPECT_EQ(stored->pinned, deployment.pinned);
  EXPECT_TRUE(stored->unattested_allowed);
  EXPECT_EQ(stored->manifest_component, kApp);
  EXPECT_THAT(create(NewDeployment("main", manifest)), StatusIs(StatusCode::kAlreadyExists));
  Deployment unpublished = NewDeployment("b", NewManifestOf(domain, kLib, 1));
  EXPECT_THAT(create(unpublished), StatusIs(StatusCode::kNotFound));
  Deployment unpinned = NewDeployment("c", manifest);
  unpinned.pinned = RandomFixed<ManifestDigest>();
  EXPECT_THAT(create(unpinned), StatusIs(StatusCode::kNotFound));

  deployment.version = 1;
  deployment.pinned.reset();
  deployment.selector = {};
  deployment.state = DeploymentState::kPaused;
  ASSERT_THAT(deployments.Update(deployment, Audit("update"), soon_), IsOk());
  EXPECT_THAT(deployments.Update(deployment, Audit("update"), soon_),
              StatusIs(StatusCode::kAborted));
  stored = deployments.Get(tenant_, deployment.id, soon_);
  ASSERT_THAT(stored, IsOk());
  EXPECT_FALSE(stored->selector.device_class.has_value());
  EXPECT_EQ(stored->state, DeploymentState::kPaused);
  ASSERT_THAT(deployments.Delete(tenant_, deployment.id, 2, Audit("delete"), soon_), IsOk());
  EXPECT_THAT(deployments.Delete(tenant_, deployment.id, 0, Audit("delete"), soon_),
              StatusIs(StatusCode::kNotFound));
  auto listed = deployments.List(tenant_, {}, soon_);
  ASSERT_THAT(listed, IsOk());
  EXPECT_THAT(listed->items, IsEmpty());
}

TEST_P(StorageContract, ASnapshotHoldsWhatDeploymentsWant) {
  EXPECT_EQ(Generation(), 0u);
  const Domain domain = NewDomain("acme", {kAcme});
  ASSERT_THAT(CreateDomain(domain), IsOk());
  std::vector<Manifest> app;
  for (int n = 1; n <= 4; ++n) {
    app.push_back(NewManifestOf(domain, kApp, n));
    ASSERT_THAT(Publish(app.back()), IsOk());
  }
  ASSERT_THAT(Publish(NewManifestOf(domain, kLib, 1)), IsOk());
  ASSERT_THAT(Withdraw(app[3]), IsOk());
  Deployment pinned = NewDeployment("pinned", app[0]);
  pinned.pinned = app[0].digest;
  ASSERT_THAT(storage().deployments().Create(pinned, Audit("deploy"), soon_), IsOk());
  auto snapshot = storage().catalog().Snapshot(tenant_, soon_);
  ASSERT_THAT(snapshot, IsOk());
  EXPECT_EQ(snapshot->generation, Generation());
  EXPECT_EQ(snapshot->generation, 8u);
  EXPECT_THAT(snapshot->domains, SizeIs(1));
  EXPECT_THAT(snapshot->deployments, SizeIs(1));
  std::vector<uint64_t> sequences;
  for (const Manifest& manifest : snapshot->manifests) sequences.push_back(manifest.sequence);
  EXPECT_THAT(sequences, ::testing::UnorderedElementsAre(1u, 3u));
}

TEST_P(StorageContract, ARefusedWriteLeavesGenerationAndAuditAsTheyWere) {
  const Domain domain = NewDomain("acme", {kAcme});
  ASSERT_THAT(CreateDomain(domain), IsOk());
  const uint64_t generation = Generation();
  EXPECT_THAT(CreateDomain(NewDomain("acme", {})), Not(IsOk()));
  EXPECT_THAT(CreateDomain(NewDomain("b", {kApp})), Not(IsOk()));
  EXPECT_THAT(Publish(NewManifestOf(domain, Component({"x"}), 1)), Not(IsOk()));
  EXPECT_EQ(Generation(), generation);
  EXPECT_THAT(AuditOf("domain.create"), SizeIs(1));
  EXPECT_THAT(AuditOf("publish"), IsEmpty());
}

TEST_P(StorageContract, ABlobReadsBackWholeOrNotAtAll) {
  auto& blobs = storage().blobs();
  for (size_t size : {size_t{0}, size_t{1}, size_t{256 * 1024}, size_t{256 * 1024 + 1}}) {
    Bytes bytes(size);
    TestRandom(absl::MakeSpan(bytes));
    const BlobId id = RandomFixed<BlobId>();
    ASSERT_THAT(blobs.Put(tenant_, id, bytes, soon_), IsOk());
    auto stored = blobs.Get(tenant_, id, soon_);
    ASSERT_THAT(stored, IsOk());
    EXPECT_TRUE(*stored == bytes) << size;
    EXPECT_THAT(blobs.Put(tenant_, id, bytes, soon_), StatusIs(StatusCode::kAlreadyExists));
    EXPECT_THAT(blobs.Get(RandomFixed<TenantId>(), id, soon_), StatusIs(StatusCode::kNotFound));
    EXPECT_THAT(blobs.Delete(tenant_, id, soon_), IsOk());
    EXPECT_THAT(blobs.Delete(tenant_, id, soon_), IsOk());
    EXPECT_THAT(blobs.Get(tenant_, id, soon_), StatusIs(StatusCode::kNotFound));
  }
}

}  // namespace
}  // namespace tam::storage

#include "services/catalog/resolve.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/row.h"

namespace tam::catalog {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

template <typename Id>
Id IdOf(uint8_t n) {
  std::array<uint8_t, Id::kSize> bytes{};
  bytes[0] = n;
  return Id(bytes);
}

storage::ComponentId Component(const std::string& text) {
  return *storage::ComponentId::FromSegments({storage::Bytes(text.begin(), text.end())});
}

constexpr uint64_t kRoomy = 1 << 20;

// One domain, one component "ta" under manifest "ta.suit", sequences 1 and 2 published, one
// deployment of the newest for every device.
class ResolveTest : public ::testing::Test {
 protected:
  ResolveTest() {
    storage::Domain domain;
    domain.id = domain_;
    domain.prefixes = {storage::ComponentId()};  // leads to everything
    domain.anchors.emplace_back();               // of the nil thumbprint that manifests here have
    view_.snapshot.domains.push_back(domain);
    AddManifest(domain_, "ta.suit", "ta", 1, 0x11);
    AddManifest(domain_, "ta.suit", "ta", 2, 0x22);
    AddDeployment("a", domain_, "ta.suit");
    device_.device = IdOf<storage::DeviceId>(9);
    device_.attested = true;
  }

  void AddManifest(storage::DomainId domain, const std::string& manifest_component,
                   const std::string& component, uint64_t sequence, uint8_t digest,
                   uint64_t size = 100) {
    storage::Manifest manifest;
    manifest.domain = domain;
    manifest.digest = IdOf<storage::ManifestDigest>(digest);
    manifest.manifest_component = Component(manifest_component);
    manifest.components = {Component(component)};
    manifest.sequence = sequence;
    manifest.envelope_size = size;
    view_.snapshot.manifests.push_back(manifest);
    view_.facts[{domain, manifest.digest}] = {{{Component(component), Image(digest)}}, size};
  }

  storage::Deployment& AddDeployment(const std::string& name, storage::DomainId domain,
                                     const std::string& manifest_component) {
    storage::Deployment deployment;
    deployment.name = name;
    deployment.domain = domain;
    deployment.manifest_component = Component(manifest_component);
    view_.snapshot.deployments.push_back(deployment);
    return view_.snapshot.deployments.back();
  }

  void Installed(const std::string& manifest_component, uint64_t sequence, uint8_t digest) {
    device_.installed.push_back({{domain_, IdOf<storage::ManifestDigest>(digest)},
                                 Component(manifest_component),
                                 sequence});
  }

  static std::string Image(uint8_t n) { return std::string(32, static_cast<char>(n)); }

  std::vector<uint64_t> InstallSequences(uint64_t max = kRoomy) {
    std::vector<uint64_t> out;
    for (const storage::Manifest& m : Resolve(view_, device_, max).install) {
      out.push_back(m.sequence);
    }
    return out;
  }

  storage::DomainId domain_ = IdOf<storage::DomainId>(1);
  CatalogView view_;
  DeviceFacts device_;
};

TEST_F(ResolveTest, InstallsNewestOnAnEmptyDevice) {
  device_.reported.emplace();
  EXPECT_THAT(InstallSequences(), ElementsAre(2));
  EXPECT_THAT(Resolve(view_, device_, kRoomy).unlink, IsEmpty());
}

TEST_F(ResolveTest, DoesNothingWhenRecordAndReportAgree) {
  Installed("ta.suit", 2, 0x22);
  device_.reported.emplace();
  (*device_.reported)[Component("ta")] = Image(0x22);
  EXPECT_THAT(InstallSequences(), IsEmpty());
}

TEST_F(ResolveTest, ReplacesAnOlderVersion) {
  Installed("ta.suit", 1, 0x11);
  EXPECT_THAT(InstallSequences(), ElementsAre(2));
}

TEST_F(ResolveTest, ReinstallsWhatTheDeviceLost) {
  Installed("ta.suit", 2, 0x22);
  device_.reported.emplace();
  EXPECT_THAT(InstallSequences(), ElementsAre(2));
}

TEST_F(ResolveTest, ReinstallsWhatTheDeviceReportsWithAnotherDigest) {
  Installed("ta.suit", 2, 0x22);
  device_.reported.emplace();
  (*device_.reported)[Component("ta")] = Image(0x33);
  EXPECT_THAT(InstallSequences(), ElementsAre(2));
}

TEST_F(ResolveTest, NeverInstallsALowerSequenceThanIsInstalled) {
  view_.snapshot.deployments[0].pinned = IdOf<storage::ManifestDigest>(0x11);
  Installed("ta.suit", 2, 0x22);
  EXPECT_THAT(InstallSequences(), IsEmpty());
}

TEST_F(ResolveTest, PinnedManifestWinsOverNewest) {
  AddDeployment("z", domain_, "ta.suit").pinned = IdOf<storage::ManifestDigest>(0x11);
  EXPECT_THAT(InstallSequences(), ElementsAre(1));
}

TEST_F(ResolveTest, UnlinksWhatNoDeploymentWants) {
  view_.snapshot.deployments.clear();
  Installed("ta.suit", 2, 0x22);
  EXPECT_THAT(Resolve(view_, device_, kRoomy).unlink, ElementsAre(Component("ta.suit")));
  device_.reported.emplace();
  EXPECT_THAT(Resolve(view_, device_, kRoomy).unlink, IsEmpty()) << "it reported nothing";
  (*device_.reported)[Component("ta")] = Image(0x22);
  EXPECT_THAT(Resolve(view_, device_, kRoomy).unlink, ElementsAre(Component("ta.suit")));
}

TEST_F(ResolveTest, DeletedDomainIsUnlinkedAndSuspendedOneStays) {
  Installed("ta.suit", 1, 0x11);
  view_.snapshot.domains[0].state = storage::DomainState::kSuspended;
  EXPECT_THAT(InstallSequences(), IsEmpty());
  EXPECT_THAT(Resolve(view_, device_, kRoomy).unlink, IsEmpty());
  view_.snapshot.domains[0].state = storage::DomainState::kDeleted;
  EXPECT_THAT(InstallSequences(), IsEmpty());
  EXPECT_THAT(Resolve(view_, device_, kRoomy).unlink, ElementsAre(Component("ta.suit")));
}

TEST_F(ResolveTest, PausedDeploymentNeitherInstallsNorUnlinks) {
  Installed("ta.suit", 1, 0x11);
  view_.snapshot.deployments[0].state = storage::DeploymentState::kPaused;
  const Plan plan = Resolve(view_, device_, kRoomy);
  EXPECT_THAT(plan.install, IsEmpty());
  EXPECT_THAT(plan.unlink, IsEmpty());
}

TEST_F(ResolveTest, UnattestedDeviceGetsOnlyWhatAllowsIt) {
  device_.attested = false;
  EXPECT_THAT(InstallSequences(), IsEmpty());
  Installed("ta.suit", 1, 0x11);
  EXPECT_THAT(Resolve(view_, device_, kRoomy).unlink, IsEmpty()) << "it is still wanted";
  view_.snapshot.deployments[0].unattested_allowed = true;
  EXPECT_THAT(InstallSequences(), ElementsAre(2));
}

TEST_F(ResolveTest, SelectorNeedsClassLabelsAndDevice) {
  storage::DeviceSelector& selector = view_.snapshot.deployments[0].selector;
  selector.device_class = storage::DeviceClass{{1}, {2}};
  EXPECT_THAT(InstallSequences(), IsEmpty());
  device_.device_class = storage::DeviceClass{{1}, {2}};
  EXPECT_THAT(InstallSequences(), ElementsAre(2));
  selector.device_class->hw_model.clear();
  EXPECT_THAT(InstallSequences(), ElementsAre(2)) << "an empty part matches any";
  selector.labels = {{"site", "north"}};
  EXPECT_THAT(InstallSequences(), IsEmpty());
  device_.labels = {{"site", "north"}, {"x", "y"}};
  EXPECT_THAT(InstallSequences(), ElementsAre(2));
  selector.devices = {IdOf<storage::DeviceId>(8)};
  EXPECT_THAT(InstallSequences(), IsEmpty());
  selector.devices.push_back(device_.device);
  EXPECT_THAT(InstallSequences(), ElementsAre(2));
}

TEST_F(ResolveTest, RequestIsAnsweredOnlyIfTheSequenceSuffices) {
  Installed("ta.suit", 2, 0x22);
  device_.requested[Component("ta")] = 3;
  EXPECT_THAT(InstallSequences(), IsEmpty());
  device_.requested[Component("ta")] = 2;
  EXPECT_THAT(InstallSequences(), ElementsAre(2));
}

TEST_F(ResolveTest, WhatTheDeviceDoesNotNeedAndNoDeploymentWantsIsUnlinked) {
  view_.snapshot.domains[0].prefixes = {Component("ta.suit"), Component("ta"), Component("old")};
  device_.unneeded = {Component("old"), Component("elsewhere")};
  Plan plan = Resolve(view_, device_, kRoomy);
  EXPECT_THAT(plan.unlink, ElementsAre(Component("old")))
      << "no record has it; no domain the other";
  EXPECT_THAT(plan.kept, IsEmpty());
  device_.reported.emplace();  // it holds no component, and yet the manifest
  EXPECT_THAT(Resolve(view_, device_, kRoomy).unlink, ElementsAre(Component("old")));

  device_.unneeded = {Component("ta.suit"), Component("ta")};
  plan = Resolve(view_, device_, kRoomy);
  EXPECT_THAT(plan.unlink, IsEmpty());
  EXPECT_THAT(plan.kept, ElementsAre(Component("ta"), Component("ta.suit")));
  view_.snapshot.deployments[0].state = storage::DeploymentState::kPaused;
  EXPECT_THAT(Resolve(view_, device_, kRoomy).unlink, IsEmpty()) << "paused unlinks nothing";

  // For another device it is wanted, for this one not.
  view_.snapshot.deployments[0].selector.devices = {IdOf<storage::DeviceId>(8)};
  device_.unneeded = {Component("ta.suit")};
  EXPECT_THAT(Resolve(view_, device_, kRoomy).unlink, ElementsAre(Component("ta.suit")));
  // By record and by wish: once.
  Installed("ta.suit", 2, 0x22);
  EXPECT_THAT(Resolve(view_, device_, kRoomy).unlink, ElementsAre(Component("ta.suit")));
}

TEST_F(ResolveTest, APlanLooksAtABoundedNumberOfUnneeded) {
  for (size_t i = 0; i < 2 * kMaxPlanUnneeded; ++i) {
    device_.unneeded.insert(Component("x" + std::to_string(i)));
  }
  EXPECT_EQ(Resolve(view_, device_, kRoomy).unlink.size(), kMaxPlanUnneeded);
}

// One plan of a megabyte, and the device's record would not fit into an answer any more.
TEST_F(ResolveTest, APlanTakesABoundedSizeOfUnneeded) {
  device_.unneeded = {Component("a" + std::string(kMaxPlanUnneededBytes, 'x')), Component("b")};
  EXPECT_THAT(Resolve(view_, device_, kRoomy).unlink, ElementsAre(Component("b")));
  for (char c = 'c'; c < 'i'; ++c) device_.unneeded.insert(Component(std::string(10000, c)));
  EXPECT_EQ(Resolve(view_, device_, kRoomy).unlink.size(), 4u);
}

TEST_F(ResolveTest, PlanStaysWithinTheSizeLimitButNeverHoldsBackASingleEnvelope) {
  AddManifest(domain_, "tb.suit", "tb", 7, 0x77, 500);
  AddDeployment("b", domain_, "tb.suit");
  EXPECT_THAT(InstallSequences(600), ElementsAre(2, 7));
  EXPECT_THAT(InstallSequences(599), ElementsAre(2));
  EXPECT_THAT(InstallSequences(10), ElementsAre(2));
}

TEST_F(ResolveTest, WithdrawnManifestIsNoTarget) {
  view_.snapshot.manifests[1].state = storage::ManifestState::kWithdrawn;
  EXPECT_THAT(InstallSequences(), ElementsAre(1));
}

TEST_F(ResolveTest, WhatTheDomainMayNoLongerPublishIsNoLongerInstalled) {
  TAM_ROW("T-59");
  view_.snapshot.domains[0].prefixes = {Component("elsewhere")};
  EXPECT_THAT(InstallSequences(), IsEmpty());
  view_.snapshot.domains[0].prefixes = {storage::ComponentId()};
  EXPECT_THAT(InstallSequences(), ElementsAre(2));
  view_.snapshot.domains[0].anchors[0].thumbprint = IdOf<storage::KeyThumbprint>(7);
  EXPECT_THAT(InstallSequences(), IsEmpty());
}

TEST_F(ResolveTest, PlanHasABoundedNumberOfManifests) {
  view_.snapshot.deployments.clear();
  for (int i = 0; i < 70; ++i) {
    const std::string name = "c" + std::to_string(i);
    AddManifest(domain_, name + ".suit", name, 1, static_cast<uint8_t>(0x80 + i));
    AddDeployment(name, domain_, name + ".suit");
  }
  EXPECT_EQ(InstallSequences().size(), kMaxPlanManifests);
}

}  // namespace
}  // namespace tam::catalog

// The guarded write of a Success or Error.
#include "storage/testing/contract.h"

namespace tam::storage {
namespace {

using ::tam::testing::IsOk;
using ::testing::IsEmpty;
using ::testing::SizeIs;

const ComponentId kApp = Component({"acme", "app"});
const ComponentId kLib = Component({"acme", "lib"});

TEST_P(StorageContract, ASuccessMovesTheRecord) {
  const Enrolled dev = Enrol("dev");
  const UpdateManifest app = NewManifest(kApp, 3), lib = NewManifest(kLib, 9);
  const AcceptRequest request = Open(dev, NewPlan({app, lib}));
  Advance(absl::Seconds(5));
  auto result = storage().sessions().Report(NewReport(request), soon_);
  ASSERT_THAT(result, IsOk());
  EXPECT_EQ(result->outcome, ReportOutcome::kRecorded);
  ASSERT_TRUE(result->update.has_value());
  EXPECT_EQ(result->update->state, UpdateState::kSucceeded);
  EXPECT_EQ(result->update->plan, *request.update);
  const DeviceRecord record = Show(dev);
  ASSERT_THAT(record.manifests, SizeIs(2));
  ASSERT_TRUE(record.manifests[0].installed.has_value());
  EXPECT_EQ(record.manifests[0].installed->digest, app.manifest.digest);
  EXPECT_EQ(record.manifests[0].installed->sequence, 3u);
  EXPECT_EQ(record.manifests[0].domain, app.manifest.domain);
  EXPECT_EQ(record.manifests[1].manifest_component, kLib);
  EXPECT_THAT(record.open_updates, IsEmpty());
  ASSERT_THAT(record.closed_updates, SizeIs(1));
  EXPECT_EQ(record.closed_updates[0].update.state, UpdateState::kSucceeded);
  EXPECT_EQ(record.last_contact, result->update->closed);
  EXPECT_THAT(AuditOf("session.report"), SizeIs(1));
  auto found = storage().sessions().Lookup(tenant_, endpoint_, dev.key.thumbprint, soon_);
  ASSERT_THAT(found, IsOk());
  EXPECT_THAT(found->guard.slots, IsEmpty());
  EXPECT_FALSE(found->last_update.has_value());
  ASSERT_THAT(found->manifests, SizeIs(2));
  EXPECT_EQ(found->manifests[0].installed->sequence, 3u);
}

TEST_P(StorageContract, AReportCountsOnce) {
  const Enrolled dev = Enrol("dev");
  const AcceptRequest request = Open(dev, NewPlan({NewManifest(kApp, 3)}));
  EXPECT_EQ(OutcomeOf(NewReport(request)), ReportOutcome::kRecorded);
  EXPECT_EQ(OutcomeOf(NewReport(request, false)), ReportOutcome::kAlreadyAnswered);
  EXPECT_TRUE(Show(dev).manifests[0].installed.has_value());
  EXPECT_THAT(AuditOf("session.report"), SizeIs(1));
}

TEST_P(StorageContract, AReportElsewhereOrWithAnUnknownTokenFindsNothing) {
  const Enrolled dev = Enrol("dev"), other = Enrol("other");
  const AcceptRequest request = Open(dev, NewPlan());
  ReportRequest report = NewReport(request);
  report.endpoint = RandomFixed<EndpointId>();
  EXPECT_EQ(OutcomeOf(report), ReportOutcome::kUnknownToken);
  report = NewReport(request);
  report.token = RandomFixed<UpdateToken>();
  EXPECT_EQ(OutcomeOf(report), ReportOutcome::kUnknownToken);
  report = NewReport(request);
  report.device = report.audit.device = other.device.id;
  report.key = other.key.thumbprint;
  EXPECT_EQ(OutcomeOf(report), ReportOutcome::kUnknownToken);
  EXPECT_EQ(OutcomeOf(NewReport(request)), ReportOutcome::kRecorded);
}

TEST_P(StorageContract, AnErrorRecordsFailuresAndBackOff) {
  const Enrolled dev = Enrol("dev");
  const UpdateManifest old_app = NewManifest(kApp, 3);
  EXPECT_EQ(OutcomeOf(NewReport(Open(dev, NewPlan({old_app})))), ReportOutcome::kRecorded);
  Advance(absl::Seconds(1));
  const UpdateManifest app = NewManifest(kApp, 4), lib = NewManifest(kLib, 1);
  ReportRequest report = NewReport(Open(dev, NewPlan({app, lib})), /*success=*/false);
  report.manifests = {{lib.manifest.digest, true, ""},
                      {app.manifest.digest, false, "no room"},
                      {RandomFixed<ManifestDigest>(), true, "not of this update"}};
  report.back_off = absl::Minutes(10);
  report.err_code = 11;
  report.err_msg = "processing failed";
  EXPECT_EQ(OutcomeOf(report), ReportOutcome::kRecorded);
  DeviceRecord record = Show(dev);
  ASSERT_THAT(record.manifests, SizeIs(2));
  EXPECT_EQ(record.manifests[0].installed->digest, old_app.manifest.digest);
  ASSERT_TRUE(record.manifests[0].failure.has_value());
  EXPECT_EQ(record.manifests[0].failure->sequence, 4u);
  EXPECT_EQ(record.manifests[0].failure->reason, "no room");
  EXPECT_EQ(record.manifests[1].installed->digest, lib.manifest.digest);
  EXPECT_EQ(absl::ToUnixMillis(*record.back_off_until), NowMs() + 600000);
  EXPECT_EQ(record.closed_updates[0].err_code, 11u);
  EXPECT_EQ(record.closed_updates[0].err_msg, "processing failed");
  // A Success clears both.
  Advance(absl::Seconds(1));
  EXPECT_EQ(OutcomeOf(NewReport(Open(dev, NewPlan({app})))), ReportOutcome::kRecorded);
  record = Show(dev);
  EXPECT_EQ(record.manifests[0].installed->sequence, 4u);
  EXPECT_FALSE(record.manifests[0].failure.has_value());
  EXPECT_FALSE(record.back_off_until.has_value());
}

TEST_P(StorageContract, UnlinkedManifestsAreGoneAfterASuccessOnly) {
  const Enrolled dev = Enrol("dev");
  EXPECT_EQ(OutcomeOf(NewReport(Open(dev, NewPlan({NewManifest(kApp, 1)})))),
            ReportOutcome::kRecorded);
  UpdatePlan unlink = NewPlan();
  unlink.unlinks = {kApp};
  Advance(absl::Seconds(1));
  EXPECT_EQ(OutcomeOf(NewReport(Open(dev, unlink), false)), ReportOutcome::kRecorded);
  EXPECT_TRUE(Show(dev).manifests[0].installed.has_value());
  Advance(absl::Seconds(1));
  unlink.token = RandomFixed<UpdateToken>();
  EXPECT_EQ(OutcomeOf(NewReport(Open(dev, unlink))), ReportOutcome::kRecorded);
  EXPECT_FALSE(Show(dev).manifests[0].installed.has_value());
}

TEST_P(StorageContract, AnUnlinkAndInstallOfOneComponentLeavesItInstalled) {
  const Enrolled dev = Enrol("dev");
  UpdatePlan plan = NewPlan({NewManifest(kApp, 2)});
  plan.unlinks = {kApp, kLib};
  EXPECT_EQ(OutcomeOf(NewReport(Open(dev, plan))), ReportOutcome::kRecorded);
  const DeviceRecord record = Show(dev);
  // Nothing is kept of kLib, which was never sent.
  ASSERT_THAT(record.manifests, SizeIs(1));
  EXPECT_EQ(record.manifests[0].installed->sequence, 2u);
}

TEST_P(StorageContract, AnUnlinkOutlivesALateReportOfAnOlderInstall) {
  const Enrolled dev = Enrol("dev");
  const AcceptRequest older = Open(dev, NewPlan({NewManifest(kApp, 1)}));
  Advance(absl::Seconds(1));
  UpdatePlan unlink = NewPlan();
  unlink.unlinks = {kApp, kLib};
  EXPECT_EQ(OutcomeOf(NewReport(Open(dev, unlink))), ReportOutcome::kRecorded);
  EXPECT_EQ(OutcomeOf(NewReport(older)), ReportOutcome::kRecorded);
  const DeviceRecord record = Show(dev);
  ASSERT_THAT(record.manifests, SizeIs(1));
  EXPECT_FALSE(record.manifests[0].installed.has_value());
}

TEST_P(StorageContract, ALateReportOfAnOlderUpdateDoesNotOverwriteAYoungerOnes) {
  const Enrolled dev = Enrol("dev");
  const AcceptRequest older = Open(dev, NewPlan({NewManifest(kApp, 1), NewManifest(kLib, 1)}));
  Advance(absl::Hours(2));
  const AcceptRequest younger = Open(dev, NewPlan({NewManifest(kApp, 2)}));
  EXPECT_EQ(OutcomeOf(NewReport(younger)), ReportOutcome::kRecorded);
  EXPECT_EQ(OutcomeOf(NewReport(older)), ReportOutcome::kRecorded);
  const DeviceRecord record = Show(dev);
  ASSERT_THAT(record.manifests, SizeIs(2));
  EXPECT_EQ(record.manifests[0].installed->sequence, 2u);
  EXPECT_EQ(record.manifests[1].installed->sequence, 1u);
}

}  // namespace
}  // namespace tam::storage

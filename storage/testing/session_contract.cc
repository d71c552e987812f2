// The guarded write of a QueryResponse, and what Lookup shows of it.
#include "storage/testing/contract.h"
#include "tests/support/row.h"

namespace tam::storage {
namespace {

using ::absl::StatusCode;
using ::tam::testing::IsOk;
using ::tam::testing::StatusIs;
using ::testing::IsEmpty;
using ::testing::SizeIs;

const ComponentId kApp = Component({"acme", "app"});
const ComponentId kLib = Component({"acme", "lib"});

AttestationRecord Verdict(AttestationVerdict verdict) {
  AttestationRecord record;
  record.verdict = verdict;
  if (verdict == AttestationVerdict::kRefused) {
    record.reasons = {{"measurements.boot", "aa", "bb \xff,\"}"}};
  } else {
    record.result = BytesOf("result");
  }
  record.payload_format = "application/eat+cwt";
  record.claims_summary = "ueid 01";
  return record;
}

TEST_P(StorageContract, AcceptOpensAnUpdateAndRecordsTheDevice) {
  const Enrolled dev = Enrol("dev");
  AcceptRequest request = NewRequest(dev);
  request.attestation = Verdict(AttestationVerdict::kAccepted);
  request.reported_state = BytesOf("tc-list");
  request.update = NewPlan({NewManifest(kApp, 3), NewManifest(kLib, 1)});
  request.update->unlinks = {Component({"acme", "old"})};
  request.update->err_code = 7;
  request.update->err_msg = "attest";
  auto result = storage().sessions().Accept(request, soon_);
  ASSERT_THAT(result, IsOk());
  EXPECT_EQ(result->outcome, AcceptOutcome::kOpened);
  ASSERT_TRUE(result->update.has_value());
  EXPECT_EQ(result->update->plan, *request.update);
  EXPECT_EQ(result->update->state, UpdateState::kOpen);
  EXPECT_EQ(result->update->deadline - result->update->opened, request.update_lifetime);

  const DeviceRecord record = Show(dev);
  EXPECT_EQ(record.reported_state, BytesOf("tc-list"));
  ASSERT_TRUE(record.last_attestation.has_value());
  EXPECT_EQ(record.last_attestation->verdict, AttestationVerdict::kAccepted);
  EXPECT_EQ(record.last_attestation->result, BytesOf("result"));
  EXPECT_EQ(record.last_attestation->payload_format, "application/eat+cwt");
  EXPECT_EQ(record.last_contact, result->update->opened);
  ASSERT_THAT(record.open_updates, SizeIs(1));
  EXPECT_EQ(record.open_updates[0].plan, *request.update);
  EXPECT_EQ(record.open_updates[0].key, dev.key.thumbprint);
  EXPECT_EQ(record.open_updates[0].endpoint, endpoint_);
  const auto audit = AuditOf("session.accept");
  ASSERT_THAT(audit, SizeIs(1));
  EXPECT_EQ(audit[0].entry.device, dev.device.id);
  EXPECT_EQ(audit[0].entry.entry, BytesOf("session.accept"));
}

TEST_P(StorageContract, LookupGivesTheLastResultToActiveKeys) {
  const Enrolled dev = Enrol("dev");
  const auto result = [&](const Enrolled& of) {
    auto found = storage().sessions().Lookup(tenant_, endpoint_, of.key.thumbprint, soon_);
    EXPECT_THAT(found, IsOk());
    return found.ok() ? found->last_result : BytesOf("?");
  };
  EXPECT_EQ(result(dev), Bytes());
  AcceptRequest request = NewRequest(dev);
  request.attestation = Verdict(AttestationVerdict::kAccepted);
  request.update = NewPlan();  // neither manifests nor unlinks: it only hands the result back
  EXPECT_EQ(OutcomeOf(request), AcceptOutcome::kOpened);
  EXPECT_EQ(result(dev), BytesOf("result"));
  request = NewRequest(dev);
  request.attestation = Verdict(AttestationVerdict::kRefused);
  EXPECT_EQ(OutcomeOf(request), AcceptOutcome::kOpened);
  EXPECT_EQ(result(dev), Bytes());
}

TEST_P(StorageContract, TheSameMessageAgainGetsTheSameUpdate) {
  const Enrolled dev = Enrol("dev");
  const AcceptRequest request = Open(dev, NewPlan({NewManifest(kApp, 3)}));
  AcceptRequest again = request;
  again.update = NewPlan();  // Another token, and no manifests: the first plan holds.
  auto result = storage().sessions().Accept(again, soon_);
  ASSERT_THAT(result, IsOk());
  EXPECT_EQ(result->outcome, AcceptOutcome::kSameAgain);
  ASSERT_TRUE(result->update.has_value());
  EXPECT_EQ(result->update->plan, *request.update);
  EXPECT_THAT(AuditOf("session.accept"), SizeIs(1));
}

TEST_P(StorageContract, TheSameMessageAgainThatOpenedNothingStillOpensNothing) {
  const Enrolled dev = Enrol("dev");
  AcceptRequest request = NewRequest(dev);
  EXPECT_EQ(OutcomeOf(request), AcceptOutcome::kOpened);
  request.update = NewPlan();
  auto result = storage().sessions().Accept(request, soon_);
  ASSERT_THAT(result, IsOk());
  EXPECT_EQ(result->outcome, AcceptOutcome::kSameAgain);
  EXPECT_FALSE(result->update.has_value());
}

TEST_P(StorageContract, AnAnsweredOrExpiredUpdateIsNotOfferedAgain) {
  const Enrolled dev = Enrol("dev");
  const AcceptRequest first = Open(dev, NewPlan());
  EXPECT_EQ(OutcomeOf(NewReport(first)), ReportOutcome::kRecorded);
  EXPECT_EQ(OutcomeOf(first), AcceptOutcome::kAnswered);
  const AcceptRequest second = Open(dev, NewPlan());
  Advance(second.update_lifetime);
  EXPECT_EQ(OutcomeOf(second), AcceptOutcome::kExpired);
}

TEST_P(StorageContract, AUsedChallengeIsRefusedAndChangesNothing) {
  const Enrolled dev = Enrol("dev");
  const AcceptRequest first = Open(dev, NewPlan());
  AcceptRequest replay = first;
  replay.message = RandomFixed<MessageDigest>();
  replay.update = NewPlan();
  EXPECT_EQ(OutcomeOf(replay), AcceptOutcome::kUsed);
  AcceptRequest same_ms = replay;
  same_ms.challenge.random = RandomFixed<ChallengeRandom>();
  EXPECT_EQ(OutcomeOf(same_ms), AcceptOutcome::kUsed);
  EXPECT_EQ(OutcomeOf(first), AcceptOutcome::kSameAgain);
  EXPECT_THAT(Show(dev).open_updates, SizeIs(1));
  EXPECT_THAT(AuditOf("session.accept"), SizeIs(1));
}

TEST_P(StorageContract, ChallengesOutOfOrderAreRefused) {
  const Enrolled dev = Enrol("dev");
  const AcceptRequest older = NewRequest(dev);
  const AcceptRequest newer = NewRequest(dev);
  EXPECT_EQ(OutcomeOf(newer), AcceptOutcome::kOpened);
  EXPECT_EQ(OutcomeOf(older), AcceptOutcome::kUsed);
}

TEST_P(StorageContract, AChallengeAheadOfTheClockIsRefused) {
  const Enrolled dev = Enrol("dev");
  AcceptRequest request = NewRequest(dev);
  request.challenge.issued_ms = NowMs() + kMaxClockSkewMs + 1;
  EXPECT_EQ(OutcomeOf(request), AcceptOutcome::kFuture);
  request.challenge.issued_ms = NowMs() + kMaxClockSkewMs;
  EXPECT_EQ(OutcomeOf(request), AcceptOutcome::kOpened);
}

TEST_P(StorageContract, AFifthOpenUpdateSupersedesTheOldest) {
  TAM_ROW("T-60");
  const Enrolled dev = Enrol("dev");
  std::vector<AcceptRequest> requests;
  for (int i = 0; i < 5; ++i) {
    Advance(absl::Seconds(1));
    requests.push_back(Open(dev, NewPlan({NewManifest(kApp, 1 + i)})));
  }
  const DeviceRecord record = Show(dev);
  ASSERT_THAT(record.open_updates, SizeIs(5));
  EXPECT_EQ(record.open_updates[4].plan.token, requests[0].update->token);
  EXPECT_EQ(record.open_updates[4].state, UpdateState::kSuperseded);
  EXPECT_EQ(record.open_updates[3].state, UpdateState::kOpen);
  auto found = storage().sessions().Lookup(tenant_, endpoint_, dev.key.thumbprint, soon_);
  ASSERT_THAT(found, IsOk());
  EXPECT_THAT(found->guard.slots, SizeIs(kMaxOpenUpdates));
  ASSERT_THAT(found->open_updates, SizeIs(kMaxOpenUpdates));
  EXPECT_EQ(found->open_updates[0].plan, *requests[4].update);
  // A late report still counts.
  EXPECT_EQ(OutcomeOf(NewReport(requests[0])), ReportOutcome::kRecorded);
}

TEST_P(StorageContract, ADeviceThatNeverAnswersKeepsABoundedNumberOfUpdates) {
  TAM_ROW("T-20", "T-60");
  const Enrolled dev = Enrol("dev");
  const Enrolled other = Enrol("other");
  const AcceptRequest others = Open(other, NewPlan());
  std::vector<AcceptRequest> requests;
  for (int i = 0; i < kMaxKeptUpdates + 2; ++i) {
    Advance(absl::Seconds(1));
    requests.push_back(Open(dev, NewPlan()));
  }
  EXPECT_THAT(Show(dev).open_updates, SizeIs(kMaxKeptUpdates));
  EXPECT_EQ(OutcomeOf(NewReport(requests[1])), ReportOutcome::kUnknownToken);
  EXPECT_EQ(OutcomeOf(NewReport(requests[2])), ReportOutcome::kRecorded);
  EXPECT_EQ(OutcomeOf(NewReport(others)), ReportOutcome::kRecorded);
}

TEST_P(StorageContract, APendingKeyPushesNoUpdateOfTheActiveKeysOut) {
  const Enrolled dev = Enrol("dev");
  const AcceptRequest active = Open(dev, NewPlan({NewManifest(kApp, 1)}));
  Enrolled stranger = dev;
  stranger.key = NewKey(DeviceKeyState::kPending);
  ASSERT_THAT(
      storage().device_keys().Add(tenant_, dev.device.id, stranger.key, Audit("key.add"), soon_),
      IsOk());
  for (int i = 0; i < kMaxKeptUpdates + 2; ++i) {
    Advance(absl::Milliseconds(10));
    AcceptRequest pending = NewRequest(stranger);
    pending.update = NewPlan();
    pending.update->err_code = 7;
    EXPECT_EQ(OutcomeOf(pending), AcceptOutcome::kOpened);
  }
  EXPECT_THAT(Show(dev).open_updates, SizeIs(kMaxKeptUpdates + 1));
  EXPECT_EQ(OutcomeOf(NewReport(active)), ReportOutcome::kRecorded);
}

TEST_P(StorageContract, ExpiredUpdatesFreeTheirSlotsFirst) {
  const Enrolled dev = Enrol("dev");
  const AcceptRequest lasting = [&] {
    AcceptRequest request = NewRequest(dev);
    request.update = NewPlan();
    request.update_lifetime = absl::Hours(5);
    EXPECT_EQ(OutcomeOf(request), AcceptOutcome::kOpened);
    return request;
  }();
  for (int i = 0; i < 3; ++i) Open(dev, NewPlan());
  Advance(absl::Hours(2));
  Open(dev, NewPlan());
  auto found = storage().sessions().Lookup(tenant_, endpoint_, dev.key.thumbprint, soon_);
  ASSERT_THAT(found, IsOk());
  ASSERT_THAT(found->guard.slots, SizeIs(2));
  EXPECT_EQ(found->guard.slots[0].token, lasting.update->token);
}

TEST_P(StorageContract, LookupShowsKeyDeviceAndGuard) {
  const Enrolled dev = Enrol("dev");
  const AcceptRequest request = Open(dev, NewPlan({NewManifest(kApp, 3)}));
  auto found = storage().sessions().Lookup(tenant_, endpoint_, dev.key.thumbprint, soon_);
  ASSERT_THAT(found, IsOk());
  EXPECT_EQ(found->device, dev.device.id);
  EXPECT_EQ(found->device_name, "dev");
  EXPECT_EQ(found->device_class, dev.device.device_class);
  EXPECT_EQ(found->labels, dev.device.labels);
  EXPECT_EQ(found->public_key, dev.key.public_key);
  EXPECT_EQ(found->key_state, DeviceKeyState::kActive);
  EXPECT_EQ(found->guard.last_challenge, request.challenge);
  EXPECT_EQ(found->guard.last_message, request.message);
  EXPECT_EQ(found->guard.last_token, request.update->token);
  ASSERT_TRUE(found->last_update.has_value());
  EXPECT_EQ(found->last_update->plan, *request.update);
  EXPECT_EQ(absl::ToUnixMillis(found->now), NowMs());
  EXPECT_FALSE(found->back_off_until.has_value());
}

TEST_P(StorageContract, AKeyIsUnknownAtEndpointsThatItIsNotRegisteredFor) {
  const Enrolled dev = Enrol("dev");
  const auto lookup = [&](const TenantId& tenant, const EndpointId& endpoint) {
    return storage().sessions().Lookup(tenant, endpoint, dev.key.thumbprint, soon_);
  };
  const EndpointId other = RandomFixed<EndpointId>();
  EXPECT_THAT(lookup(tenant_, other), StatusIs(StatusCode::kNotFound));
  EXPECT_THAT(lookup(RandomFixed<TenantId>(), endpoint_), StatusIs(StatusCode::kNotFound));
  EXPECT_THAT(storage().device_keys().SetEndpoints(tenant_, dev.key.thumbprint, {other},
                                                   Audit("key.endpoints"), soon_),
              IsOk());
  EXPECT_THAT(lookup(tenant_, other), IsOk());
  EXPECT_THAT(lookup(tenant_, endpoint_), StatusIs(StatusCode::kNotFound));
}

TEST_P(StorageContract, RefusedAttestationUsesUpTheChallengeAndRecordsReasons) {
  const Enrolled dev = Enrol("dev");
  AcceptRequest accepted = NewRequest(dev);
  accepted.reported_state = BytesOf("believed");
  EXPECT_EQ(OutcomeOf(accepted), AcceptOutcome::kOpened);
  AcceptRequest request = NewRequest(dev);
  request.attestation = Verdict(AttestationVerdict::kRefused);
  request.update = NewPlan();
  request.update->err_code = 7;
  EXPECT_EQ(OutcomeOf(request), AcceptOutcome::kOpened);
  request.message = RandomFixed<MessageDigest>();
  EXPECT_EQ(OutcomeOf(request), AcceptOutcome::kUsed);
  const DeviceRecord record = Show(dev);
  EXPECT_EQ(record.reported_state, BytesOf("believed"));
  ASSERT_TRUE(record.last_attestation.has_value());
  EXPECT_EQ(record.last_attestation->verdict, AttestationVerdict::kRefused);
  ASSERT_THAT(record.last_attestation->reasons, SizeIs(1));
  EXPECT_EQ(record.last_attestation->reasons[0].claim, "measurements.boot");
  EXPECT_EQ(record.last_attestation->reasons[0].expected, "aa");
}

TEST_P(StorageContract, RefusedOrPendingRequestsMayBringNothingElse) {
  const Enrolled dev = Enrol("dev");
  AcceptRequest refused = NewRequest(dev);
  refused.attestation = Verdict(AttestationVerdict::kRefused);
  refused.reported_state = BytesOf("x");
  EXPECT_THAT(storage().sessions().Accept(refused, soon_), StatusIs(StatusCode::kInvalidArgument));
  AcceptRequest pending = NewRequest(Enrol("new", DeviceKeyState::kPending));
  pending.update = NewPlan({NewManifest(kApp, 1)});
  EXPECT_THAT(storage().sessions().Accept(pending, soon_), StatusIs(StatusCode::kInvalidArgument));
  AcceptRequest foreign = NewRequest(dev);
  foreign.audit.device = RandomFixed<DeviceId>();
  EXPECT_THAT(storage().sessions().Accept(foreign, soon_), StatusIs(StatusCode::kInvalidArgument));
}

TEST_P(StorageContract, AnErrorInAQueryResponsesPlaceHoldsOffUpdatesUntilASuccess) {
  const Enrolled dev = Enrol("dev");
  const AcceptRequest opened = Open(dev, NewPlan());
  AcceptRequest error = NewRequest(dev);
  error.back_off = absl::Minutes(5);
  EXPECT_EQ(OutcomeOf(error), AcceptOutcome::kOpened);
  const auto back_off = [&] {
    auto found = storage().sessions().Lookup(tenant_, endpoint_, dev.key.thumbprint, soon_);
    EXPECT_THAT(found, IsOk());
    return found.ok() ? found->back_off_until : std::nullopt;
  };
  ASSERT_TRUE(back_off().has_value());
  EXPECT_EQ(absl::ToUnixMillis(*back_off()), NowMs() + 300000);
  EXPECT_EQ(Show(dev).back_off_until, back_off());
  // The same again, and what says nothing of it, leave it as it is.
  Advance(absl::Minutes(1));
  EXPECT_EQ(OutcomeOf(error), AcceptOutcome::kSameAgain);
  EXPECT_EQ(OutcomeOf(NewRequest(dev)), AcceptOutcome::kOpened);
  EXPECT_EQ(absl::ToUnixMillis(*back_off()), NowMs() + 240000);
  EXPECT_EQ(OutcomeOf(NewReport(opened)), ReportOutcome::kRecorded);
  EXPECT_FALSE(back_off().has_value());
}

TEST_P(StorageContract, ABackOffComesAloneAndNeverFromAPendingKey) {
  const Enrolled dev = Enrol("dev");
  AcceptRequest error = NewRequest(dev);
  error.back_off = -absl::Seconds(1);
  EXPECT_THAT(storage().sessions().Accept(error, soon_), StatusIs(StatusCode::kInvalidArgument));
  error.back_off = absl::Seconds(1);
  error.update = NewPlan();
  EXPECT_THAT(storage().sessions().Accept(error, soon_), StatusIs(StatusCode::kInvalidArgument));
  Enrolled stranger = dev;
  stranger.key = NewKey(DeviceKeyState::kPending);
  ASSERT_THAT(
      storage().device_keys().Add(tenant_, dev.device.id, stranger.key, Audit("key.add"), soon_),
      IsOk());
  AcceptRequest pending = NewRequest(stranger);
  pending.back_off = absl::Minutes(5);
  EXPECT_EQ(OutcomeOf(pending), AcceptOutcome::kOpened);
  EXPECT_FALSE(Show(dev).back_off_until.has_value());
}

TEST_P(StorageContract, APendingKeyTouchesNothingButItsOwnGuard) {
  const Enrolled dev = Enrol("dev");
  const AcceptRequest active = Open(dev, NewPlan());
  Enrolled stranger = dev;
  stranger.key = NewKey(DeviceKeyState::kPending);
  ASSERT_THAT(
      storage().device_keys().Add(tenant_, dev.device.id, stranger.key, Audit("key.add"), soon_),
      IsOk());
  const DeviceRecord before = Show(dev);
  Advance(absl::Seconds(10));
  AcceptRequest pending = NewRequest(stranger);
  pending.attestation = Verdict(AttestationVerdict::kRefused);
  pending.update = NewPlan();
  pending.update->err_code = 7;
  EXPECT_EQ(OutcomeOf(pending), AcceptOutcome::kOpened);
  EXPECT_EQ(OutcomeOf(NewReport(pending)), ReportOutcome::kRecorded);
  const DeviceRecord after = Show(dev);
  EXPECT_EQ(after.last_contact, before.last_contact);
  EXPECT_FALSE(after.last_attestation.has_value());
  auto found = storage().sessions().Lookup(tenant_, endpoint_, dev.key.thumbprint, soon_);
  ASSERT_THAT(found, IsOk());
  EXPECT_EQ(found->guard.last_challenge, active.challenge);
  auto seen = storage().sessions().Lookup(tenant_, endpoint_, stranger.key.thumbprint, soon_);
  ASSERT_THAT(seen, IsOk());
  EXPECT_EQ(seen->key_state, DeviceKeyState::kPending);
  EXPECT_EQ(seen->guard.last_challenge, pending.challenge);
  // Neither key enters the other's guard.
  AcceptRequest crossing = NewRequest(stranger);
  crossing.pending = false;
  EXPECT_EQ(OutcomeOf(crossing), AcceptOutcome::kKeyNotActive);
}

TEST_P(StorageContract, AConfirmedKeyJoinsTheDevicesGuard) {
  Enrolled dev = Enrol("dev", DeviceKeyState::kPending);
  auto& keys = storage().device_keys();
  ASSERT_THAT(keys.SetState(tenant_, dev.key.thumbprint, DeviceKeyState::kActive,
                            Audit("key.confirm"), soon_),
              IsOk());
  AcceptRequest request = NewRequest(dev);
  EXPECT_EQ(OutcomeOf(request), AcceptOutcome::kKeyNotActive);
  request.pending = false;
  EXPECT_EQ(OutcomeOf(request), AcceptOutcome::kOpened);
}

TEST_P(StorageContract, ABannedOrRetiredKeyIsNotActive) {
  for (DeviceKeyState state : {DeviceKeyState::kBanned, DeviceKeyState::kRetired}) {
    const Enrolled dev = Enrol(state == DeviceKeyState::kBanned ? "banned" : "retired");
    const AcceptRequest open = Open(dev, NewPlan({NewManifest(kApp, 1)}));
    ASSERT_THAT(storage().device_keys().SetState(tenant_, dev.key.thumbprint, state,
                                                 Audit("key.state"), soon_),
                IsOk());
    EXPECT_EQ(OutcomeOf(NewRequest(dev)), AcceptOutcome::kKeyNotActive);
    EXPECT_EQ(OutcomeOf(open), AcceptOutcome::kKeyNotActive);
    EXPECT_EQ(OutcomeOf(NewReport(open)), ReportOutcome::kKeyNotActive);
    EXPECT_THAT(Show(dev).manifests, IsEmpty());
    auto found = storage().sessions().Lookup(tenant_, endpoint_, dev.key.thumbprint, soon_);
    ASSERT_THAT(found, IsOk());
    EXPECT_EQ(found->key_state, state);
  }
}

}  // namespace
}  // namespace tam::storage

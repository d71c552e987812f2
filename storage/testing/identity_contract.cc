// What accepted evidence claims for a device, together with the message that brings it or not at
// all.
#include <algorithm>
#include <thread>

#include "storage/testing/contract.h"

namespace tam::storage {
namespace {

using ::absl::StatusCode;
using ::tam::testing::IsOk;
using ::tam::testing::StatusIs;
using ::testing::IsEmpty;
using ::testing::SizeIs;

TEST_P(StorageContract, AnIdentityIsClaimedOnce) {
  Enrolled plain{NewDevice("plain"), NewKey()};
  plain.device.device_class = {};
  ASSERT_THAT(storage().devices().Create(plain.device, {plain.key}, Audit("create"), soon_),
              IsOk());
  const AcceptRequest first = Proving(plain, "u1");
  EXPECT_EQ(OutcomeOf(first), AcceptOutcome::kOpened);
  EXPECT_EQ(OutcomeOf(first), AcceptOutcome::kSameAgain);
  EXPECT_EQ(OutcomeOf(Proving(plain, "u1")), AcceptOutcome::kOpened);
  EXPECT_THAT(AuditOf("claim"), SizeIs(1));
  EXPECT_EQ(UeidOf(plain), BytesOf("u1"));
  EXPECT_EQ(storage().devices().Get(tenant_, plain.device.id, soon_)->device_class,
            Proving(plain, "u1").identity->device_class);
  // One that has a class keeps it.
  const Enrolled other = Enrol("other");
  EXPECT_EQ(OutcomeOf(Proving(other, "u3")), AcceptOutcome::kOpened);
  EXPECT_EQ(storage().devices().Get(tenant_, other.device.id, soon_)->device_class,
            other.device.device_class);
}

TEST_P(StorageContract, AnothersOrASecondIdentityIsRefusedAndTheMessageWithIt) {
  const Enrolled owner = Enrol("owner"), other = Enrol("other");
  EXPECT_EQ(OutcomeOf(Proving(owner, "u1")), AcceptOutcome::kOpened);
  const AcceptRequest taken = Proving(other, "u1");
  EXPECT_THAT(storage().sessions().Accept(taken, soon_), StatusIs(StatusCode::kAlreadyExists));
  EXPECT_THAT(storage().sessions().Accept(Proving(owner, "u2"), soon_),
              StatusIs(StatusCode::kFailedPrecondition));
  EXPECT_EQ(UeidOf(owner), BytesOf("u1"));
  EXPECT_THAT(UeidOf(other), IsEmpty());
  EXPECT_THAT(AuditOf("claim"), SizeIs(1));
  EXPECT_THAT(AuditOf("session.accept"), SizeIs(1));
  // The challenge is not used up: what the TAM makes of the evidence can still be recorded.
  AcceptRequest refused = taken;
  refused.identity.reset();
  refused.attestation->verdict = AttestationVerdict::kRefused;
  EXPECT_EQ(OutcomeOf(refused), AcceptOutcome::kOpened);
}

TEST_P(StorageContract, AMessageFromTheFutureClaimsNoIdentity) {
  const Enrolled dev = Enrol("dev");
  AcceptRequest request = Proving(dev, "u1");
  request.challenge.issued_ms = NowMs() + kMaxClockSkewMs + 1;
  EXPECT_EQ(OutcomeOf(request), AcceptOutcome::kFuture);
  EXPECT_THAT(UeidOf(dev), IsEmpty());
  EXPECT_THAT(AuditOf("claim"), IsEmpty());
  EXPECT_THAT(AuditOf("session.accept"), IsEmpty());
  EXPECT_FALSE(Show(dev).last_attestation.has_value());
}

TEST_P(StorageContract, AUsedChallengeClaimsNoIdentity) {
  const Enrolled dev = Enrol("dev");
  const AcceptRequest older = Proving(dev, "u1");
  EXPECT_EQ(OutcomeOf(NewRequest(dev)), AcceptOutcome::kOpened);
  EXPECT_EQ(OutcomeOf(older), AcceptOutcome::kUsed);
  EXPECT_THAT(UeidOf(dev), IsEmpty());
  EXPECT_THAT(AuditOf("claim"), IsEmpty());
}

// A key may be banned after its message was verified.
TEST_P(StorageContract, AKeyThatIsNotActiveClaimsNoIdentity) {
  const Enrolled dev = Enrol("dev"), neighbour = Enrol("neighbour");
  ASSERT_THAT(storage().device_keys().SetState(tenant_, dev.key.thumbprint, DeviceKeyState::kBanned,
                                               Audit("ban"), soon_),
              IsOk());
  AcceptRequest request = Proving(dev, "u1");
  EXPECT_EQ(OutcomeOf(request), AcceptOutcome::kKeyNotActive);
  request.key = neighbour.key.thumbprint;
  EXPECT_EQ(OutcomeOf(request), AcceptOutcome::kKeyNotActive);
  EXPECT_EQ(OutcomeOf(Proving({NewDevice("none"), NewKey()}, "u1")), AcceptOutcome::kKeyNotActive);
  EXPECT_THAT(UeidOf(dev), IsEmpty());
  EXPECT_THAT(AuditOf("claim"), IsEmpty());
  EXPECT_THAT(AuditOf("session.accept"), IsEmpty());
  EXPECT_FALSE(Show(dev).last_attestation.has_value());
  // The name is still free for the one that proves it.
  EXPECT_EQ(OutcomeOf(Proving(neighbour, "u1")), AcceptOutcome::kOpened);
}

TEST_P(StorageContract, AnIdentityNeedsAnAcceptedAttestationByAnActiveKey) {
  const Enrolled dev = Enrol("dev"), fresh = Enrol("fresh", DeviceKeyState::kPending);
  const auto expect_invalid = [&](const AcceptRequest& request) {
    EXPECT_THAT(storage().sessions().Accept(request, soon_),
                StatusIs(StatusCode::kInvalidArgument));
  };
  expect_invalid(Proving(fresh, "u1"));
  expect_invalid(Proving(dev, ""));
  AcceptRequest request = Proving(dev, "u1");
  request.attestation->verdict = AttestationVerdict::kRefused;
  expect_invalid(request);
  request.attestation.reset();
  expect_invalid(request);
  request = Proving(dev, "u1");
  request.identity->audit.device = fresh.device.id;
  expect_invalid(request);
  EXPECT_THAT(UeidOf(dev), IsEmpty());
  EXPECT_THAT(AuditOf("claim"), IsEmpty());
  EXPECT_THAT(AuditOf("session.accept"), IsEmpty());
  EXPECT_FALSE(Show(dev).last_attestation.has_value());
}

TEST_P(StorageContract, OfConcurrentIdentitiesOneIsClaimedAndTheOthersLeaveNothing) {
  const Enrolled dev = Enrol("dev"), rival = Enrol("rival");
  // Every message of one device with a ueid of its own, but for the rival's.
  std::vector<AcceptRequest> requests;
  for (int n = 0; n < 15; ++n) requests.push_back(Proving(dev, "u" + std::to_string(n)));
  requests.push_back(Proving(rival, "u0"));
  std::vector<absl::StatusOr<AcceptResult>> results(requests.size());
  std::vector<std::thread> threads;
  for (size_t n = 0; n < requests.size(); ++n) {
    threads.emplace_back([&, n] { results[n] = storage().sessions().Accept(requests[n], soon_); });
  }
  for (std::thread& thread : threads) thread.join();
  const auto opened =
      static_cast<size_t>(std::count_if(results.begin(), results.end(), [](const auto& result) {
        return result.ok() && result->outcome == AcceptOutcome::kOpened;
      }));
  // One of the device's messages, and the rival's, unless that lost to "u0".
  EXPECT_EQ(opened, UeidOf(rival).empty() ? 1u : 2u);
  EXPECT_THAT(UeidOf(dev), ::testing::Not(IsEmpty()));
  EXPECT_NE(UeidOf(dev), UeidOf(rival));
  EXPECT_THAT(AuditOf("claim"), SizeIs(opened));
  EXPECT_THAT(AuditOf("session.accept"), SizeIs(opened));
}

}  // namespace
}  // namespace tam::storage

// The guarded writes with concurrent callers.
#include <algorithm>
#include <atomic>
#include <thread>

#include "storage/testing/contract.h"

namespace tam::storage {
namespace {

using ::tam::testing::IsOk;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::Ge;
using ::testing::Le;
using ::testing::SizeIs;

const ComponentId kApp = Component({"acme", "app"});

// Runs `act(n)` for n in 0..count-1 on 16 threads.
template <typename Act>
void Concurrently(int count, const Act& act) {
  std::atomic<int> next{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 16; ++t) {
    threads.emplace_back([&] {
      for (int n = next++; n < count; n = next++) act(n);
    });
  }
  for (std::thread& thread : threads) thread.join();
}

TEST_P(StorageContract, OfAThousandCopiesExactlyOneOpens) {
  const Enrolled dev = Enrol("dev");
  AcceptRequest request = NewRequest(dev);
  std::vector<UpdatePlan> plans;
  for (int n = 0; n < 1000; ++n) plans.push_back(NewPlan({NewManifest(kApp, n)}));
  std::vector<absl::StatusOr<AcceptResult>> results(1000);
  Concurrently(1000, [&](int n) {
    AcceptRequest copy = request;
    copy.update = plans[n];
    results[n] = storage().sessions().Accept(copy, soon_);
  });
  std::vector<UpdatePlan> opened;
  for (const auto& result : results) {
    ASSERT_THAT(result, IsOk());
    if (result->outcome == AcceptOutcome::kOpened) opened.push_back(result->update->plan);
  }
  ASSERT_THAT(opened, SizeIs(1));
  for (const auto& result : results) {
    if (result->outcome != AcceptOutcome::kOpened) {
      EXPECT_EQ(result->outcome, AcceptOutcome::kSameAgain);
    }
    ASSERT_TRUE(result->update.has_value());
    EXPECT_EQ(result->update->plan, opened[0]);
  }
  EXPECT_THAT(AuditOf("session.accept"), SizeIs(1));
}

TEST_P(StorageContract, OfTwoMessagesWithOneChallengeOneWins) {
  for (int round = 0; round < 20; ++round) {
    const Enrolled dev = Enrol("dev" + std::to_string(round));
    const AcceptRequest base = NewRequest(dev);
    std::vector<AcceptRequest> requests(2, base);
    for (AcceptRequest& request : requests) {
      request.message = RandomFixed<MessageDigest>();
      request.update = NewPlan();
    }
    std::vector<AcceptOutcome> outcomes(2);
    Concurrently(2, [&](int n) { outcomes[n] = OutcomeOf(requests[n]); });
    std::sort(outcomes.begin(), outcomes.end());
    EXPECT_THAT(outcomes, ElementsAre(AcceptOutcome::kOpened, AcceptOutcome::kUsed));
    EXPECT_THAT(Show(dev).open_updates, SizeIs(1));
  }
}

TEST_P(StorageContract, OfManyFirstSigningKeysOneIsKeptAndAudited) {
  auto& signing = storage().signing();
  SigningKey key;
  key.tenant = tenant_;
  key.wrapped_private_key = BytesOf("wrapped");
  key.public_key = BytesOf("public");
  constexpr int kRounds = 20;
  constexpr int kCopies = 16;
  for (int round = 0; round < kRounds; ++round) {
    key.algorithm = -100 - round;
    std::atomic<int> kept{0};
    Concurrently(kCopies, [&](int) {
      SigningKey mine = key;
      mine.thumbprint = RandomFixed<KeyThumbprint>();
      const absl::Status status = signing.AddFirstKey(mine, Audit("first"), soon_);
      if (status.ok()) ++kept;
      EXPECT_TRUE(status.ok() || absl::IsAlreadyExists(status)) << status;
    });
    EXPECT_EQ(kept, 1);
  }
  EXPECT_THAT(AuditOf("first"), SizeIs(kRounds));
  const auto keys = signing.ListKeys(tenant_, soon_);
  ASSERT_THAT(keys, IsOk());
  EXPECT_THAT(*keys, SizeIs(kRounds));
  for (const SigningKey& one : *keys) EXPECT_EQ(one.state, SigningKeyState::kActive);
}

TEST_P(StorageContract, ConcurrentSessionsKeepAtMostFourSlots) {
  const Enrolled dev = Enrol("dev");
  std::vector<AcceptRequest> requests;
  for (int n = 0; n < 100; ++n) {
    requests.push_back(NewRequest(dev));
    requests.back().update = NewPlan();
  }
  std::vector<AcceptOutcome> outcomes(100);
  Concurrently(100, [&](int n) { outcomes[n] = OutcomeOf(requests[n]); });
  const size_t opened = std::count(outcomes.begin(), outcomes.end(), AcceptOutcome::kOpened);
  EXPECT_EQ(opened + std::count(outcomes.begin(), outcomes.end(), AcceptOutcome::kUsed), 100u);
  const DeviceRecord record = Show(dev);
  // Those that wait for one another may each not see what the other opened, and keep more.
  EXPECT_THAT(record.open_updates,
              SizeIs(AllOf(Ge(std::min<size_t>(opened, kMaxKeptUpdates)), Le(opened))));
  const auto open = std::count_if(record.open_updates.begin(), record.open_updates.end(),
                                  [](const auto& u) { return u.state == UpdateState::kOpen; });
  EXPECT_EQ(open, std::min<ptrdiff_t>(opened, kMaxOpenUpdates));
  EXPECT_THAT(AuditOf("session.accept"), SizeIs(opened));
  Advance(absl::Seconds(1));
  Open(dev, NewPlan());
  EXPECT_THAT(Show(dev).open_updates, SizeIs(std::min<size_t>(opened + 1, kMaxKeptUpdates)));
}

TEST_P(StorageContract, OfConcurrentReportsExactlyOneCounts) {
  const Enrolled dev = Enrol("dev");
  const AcceptRequest request = Open(dev, NewPlan({NewManifest(kApp, 3)}));
  const ReportRequest success = NewReport(request, true), error = NewReport(request, false);
  std::vector<ReportOutcome> outcomes(64);
  Concurrently(64, [&](int n) { outcomes[n] = OutcomeOf(n % 2 == 0 ? success : error); });
  EXPECT_EQ(std::count(outcomes.begin(), outcomes.end(), ReportOutcome::kRecorded), 1);
  EXPECT_EQ(std::count(outcomes.begin(), outcomes.end(), ReportOutcome::kAlreadyAnswered), 63);
  EXPECT_THAT(AuditOf("session.report"), SizeIs(1));
  EXPECT_THAT(Show(dev).closed_updates, SizeIs(1));
}

TEST_P(StorageContract, OfConcurrentlyActivatedSigningKeysOneIsActive) {
  std::vector<SigningKey> keys(8);
  for (SigningKey& key : keys) {
    key.tenant = tenant_;
    key.thumbprint = RandomFixed<KeyThumbprint>();
    key.state = SigningKeyState::kStandby;
    ASSERT_THAT(storage().signing().AddKey(key, Audit("add"), soon_), IsOk());
  }
  Concurrently(8, [&](int n) {
    EXPECT_THAT(
        storage().signing().ActivateKey(tenant_, keys[n].thumbprint, Audit("activate"), soon_),
        IsOk());
  });
  const auto stored = storage().signing().ListKeys(tenant_, soon_);
  ASSERT_THAT(stored, IsOk());
  EXPECT_EQ(std::count_if(stored->begin(), stored->end(),
                          [](const auto& k) { return k.state == SigningKeyState::kActive; }),
            1);
  EXPECT_EQ(std::count_if(stored->begin(), stored->end(),
                          [](const auto& k) { return k.state == SigningKeyState::kRetired; }),
            7);
  EXPECT_THAT(AuditOf("activate"), SizeIs(8));
}

TEST_P(StorageContract, ABanIsSeenByEveryAcceptThatEndsAfterIt) {
  const Enrolled dev = Enrol("dev");
  std::vector<AcceptRequest> requests;
  for (int n = 0; n < 60; ++n) requests.push_back(NewRequest(dev));
  std::vector<AcceptOutcome> outcomes(60);
  Concurrently(61, [&](int n) {
    if (n < 60) {
      outcomes[n] = OutcomeOf(requests[n]);
      return;
    }
    EXPECT_THAT(storage().device_keys().SetState(tenant_, dev.key.thumbprint,
                                                 DeviceKeyState::kBanned, Audit("ban"), soon_),
                IsOk());
  });
  EXPECT_EQ(OutcomeOf(NewRequest(dev)), AcceptOutcome::kKeyNotActive);
  EXPECT_THAT(AuditOf("session.accept"),
              SizeIs(std::count(outcomes.begin(), outcomes.end(), AcceptOutcome::kOpened)));
}

}  // namespace
}  // namespace tam::storage

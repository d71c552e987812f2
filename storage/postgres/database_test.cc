// Values, pool and retries, without PostgreSQL: faults are injected through the interfaces.
#include "storage/postgres/database.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "absl/time/clock.h"
#include "tests/support/status_matchers.h"

namespace tam::storage::postgres {
namespace {

using ::absl::StatusCode;
using ::tam::testing::IsOk;
using ::tam::testing::StatusIs;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr CallDeadline kSoon;

TEST(Params, TextLosesOnlyWhatPostgresCannotHold) {
  const auto text = [](absl::string_view value) { return *Params::Of(value).values()[0]; };
  EXPECT_EQ(text("a\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80z"),
            "a\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80z");
  EXPECT_EQ(text(absl::string_view("a\0b", 3)), "a?b");
  EXPECT_EQ(text("\xff\xc3"), "??");
  EXPECT_EQ(text("\xc0\x80"), "??");
  EXPECT_EQ(text("\xed\xa0\x80"), "???");
  EXPECT_EQ(text("\xf4\x90\x80\x80"), "????");
}

TEST(Params, ArraysReadBack) {
  const std::vector<std::string> texts = {"", "a,b", "\"q\"", "back\\slash", "{}", "NULL"};
  const std::vector<Bytes> bytes = {{}, {0, 255}};
  const std::vector<DomainId> ids = {DomainId(), *DomainId::FromBytes(Bytes(16, 7))};
  const Params params =
      Params::Of(texts, bytes, ids, std::vector<int64_t>{-1, 5}, std::vector<std::string>());
  RowReader row(params.values());
  EXPECT_EQ(row.TextArray(), texts);
  EXPECT_EQ(row.BinaryArray(), bytes);
  EXPECT_EQ(row.FixedArray<DomainId>(), ids);
  EXPECT_THAT(row.IntArray(), ElementsAre(-1, 5));
  EXPECT_THAT(row.TextArray(), ::testing::IsEmpty());
  EXPECT_THAT(row.status(), IsOk());
}

TEST(RowReader, SaysWhichColumnIsNotAsAskedFor) {
  const Row row = {"1", "x", std::nullopt};
  RowReader wrong(row);
  EXPECT_EQ(wrong.Int(), 1);
  EXPECT_EQ(wrong.Int(), 0);
  EXPECT_THAT(wrong.status(), StatusIs(StatusCode::kInternal, HasSubstr("column 2")));
  RowReader null(row);
  null.Skip(2);
  EXPECT_TRUE(null.NextIsNull());
  EXPECT_EQ(null.Optional(&RowReader::Int), std::nullopt);
  EXPECT_THAT(null.status(), IsOk());
  null.Text();
  EXPECT_THAT(null.status(), StatusIs(StatusCode::kInternal));
  for (const char* torn : {"", "{", "{\"a}", "{a,NULL}", "{\"a\"b}", "{a\\"}) {
    const Row bad = {torn};
    RowReader reader(bad);
    reader.TextArray();
    EXPECT_THAT(reader.status(), StatusIs(StatusCode::kInternal)) << torn;
  }
}

TEST(SqlError, MapsStatesToOneMeaningEach) {
  const std::pair<const char*, StatusCode> kStates[] = {
      {"40001", StatusCode::kAborted},       {"40P01", StatusCode::kAborted},
      {"23505", StatusCode::kAlreadyExists}, {"57014", StatusCode::kDeadlineExceeded},
      {"42501", StatusCode::kInternal},      {"57P01", StatusCode::kUnavailable},
      {"08006", StatusCode::kUnavailable},   {"53300", StatusCode::kUnavailable},
      {"25006", StatusCode::kUnavailable},   {"42601", StatusCode::kInternal}};
  for (const auto& [state, code] : kStates) {
    EXPECT_THAT(SqlError(state, "m"), StatusIs(code)) << state;
    EXPECT_EQ(SqlState(SqlError(state, "m")), state);
  }
  EXPECT_TRUE(IsConnectionLost(SqlError("57P01", "m")));
  EXPECT_FALSE(IsConnectionLost(SqlError("57014", "m")));
  EXPECT_TRUE(IsConnectionLost(ConnectionLost("gone")));
  EXPECT_EQ(SqlState(ConnectionLost("gone")), "");
}

// What every fake connection of one test does and has seen.
struct Script {
  // Errors for the next statements that are neither BEGIN nor ROLLBACK; OK when empty.
  std::vector<absl::Status> faults;
  std::vector<std::string> seen;
  int made = 0;
  int asked = 0;
  absl::Status connect;
};

class FakeConnection : public Connection {
 public:
  explicit FakeConnection(Script* script) : script_(script) {}
  absl::StatusOr<Rows> Execute(const std::string& sql, const Params&) override {
    script_->seen.push_back(sql);
    if (sql == "BEGIN" || sql == "ROLLBACK" || script_->faults.empty()) return Rows{{sql}};
    absl::Status fault = script_->faults.front();
    script_->faults.erase(script_->faults.begin());
    if (fault.ok()) return Rows{{sql}};
    return fault;
  }
  absl::Status ExecuteScript(const std::string& sql) override {
    return Execute(sql, Params()).status();
  }
  void Interrupt() override {}
  bool Usable() override { return usable_; }
  void EndByServer() { usable_ = false; }

 private:
  Script* script_;
  bool usable_ = true;
};

class DatabaseTest : public ::testing::Test {
 protected:
  DatabaseOptions Options() {
    DatabaseOptions options;
    options.max_connections = 1;
    options.max_attempts = 3;
    options.pause_before = [this](int attempt) { pauses_.push_back(attempt); };
    options.monotonic = [this] { return now_; };
    options.observer = [this](StatementMoment moment) {
      script_.seen.push_back(moment == StatementMoment::kBefore ? "(" : ")");
    };
    return options;
  }
  std::vector<std::string> Statements() const {
    std::vector<std::string> statements;
    for (const std::string& seen : script_.seen) {
      if (seen != "(" && seen != ")") statements.push_back(seen);
    }
    return statements;
  }

  Script script_;
  FakeConnection* last_made_ = nullptr;
  std::vector<int> pauses_;
  absl::Duration now_;
  Database database_{[this](absl::Time) -> absl::StatusOr<std::unique_ptr<Connection>> {
                       ++script_.asked;
                       if (!script_.connect.ok()) return script_.connect;
                       ++script_.made;
                       auto made = std::make_unique<FakeConnection>(&script_);
                       last_made_ = made.get();
                       return made;
                     },
                     Options()};
};

TEST_F(DatabaseTest, AStatementIsTriedAgainOnAConflict) {
  script_.faults = {SqlError("40001", "serialization"), SqlError("40P01", "deadlock")};
  EXPECT_THAT(database_.Execute("S", Params(), kSoon), IsOk());
  EXPECT_THAT(Statements(), ElementsAre("S", "S", "S"));
  EXPECT_THAT(pauses_, ElementsAre(2, 3));
  EXPECT_EQ(script_.made, 1);
}

TEST_F(DatabaseTest, AttemptsAreBounded) {
  script_.faults.assign(9, SqlError("40001", "serialization"));
  EXPECT_THAT(database_.Execute("S", Params(), kSoon), StatusIs(StatusCode::kAborted));
  EXPECT_THAT(Statements(), ElementsAre("S", "S", "S"));
}

TEST_F(DatabaseTest, NothingBeginsAfterTheDeadline) {
  const CallDeadline past{absl::Now() - absl::Seconds(1)};
  EXPECT_THAT(database_.Execute("S", Params(), past), StatusIs(StatusCode::kDeadlineExceeded));
  EXPECT_EQ(script_.asked, 0);
}

TEST_F(DatabaseTest, NoAttemptBeginsAfterTheDeadline) {
  absl::Time now = absl::Now();
  const CallDeadline near{now + absl::Minutes(1)};
  DatabaseOptions options = Options();
  options.now = [&] { return now; };
  options.longest_call = absl::Hours(1);
  options.pause_before = [&](int) { now = near.at; };
  Database database([this](absl::Time) { return std::make_unique<FakeConnection>(&script_); },
                    options);
  script_.faults.assign(9, SqlError("40001", "serialization"));
  EXPECT_THAT(database.Execute("S", Params(), near), StatusIs(StatusCode::kAborted));
  EXPECT_THAT(Statements(), ElementsAre("S"));
}

TEST_F(DatabaseTest, OtherErrorsAreNotTriedAgain) {
  script_.faults = {SqlError("42601", "syntax")};
  EXPECT_THAT(database_.Execute("S", Params(), kSoon), StatusIs(StatusCode::kInternal));
  EXPECT_THAT(Statements(), ElementsAre("S"));
}

TEST_F(DatabaseTest, ATransactionIsTriedAgainFromItsStart) {
  script_.faults = {absl::OkStatus(), SqlError("40001", "serialization"), absl::OkStatus(),
                    absl::OkStatus(), SqlError("40001", "at commit")};
  EXPECT_THAT(database_.Transact(
                  [](Connection& connection) {
                    absl::Status status = connection.Execute("A", Params()).status();
                    return status.ok() ? connection.Execute("B", Params()).status() : status;
                  },
                  kSoon),
              IsOk());
  EXPECT_THAT(Statements(), ElementsAre("BEGIN", "A", "B", "ROLLBACK",  //
                                        "BEGIN", "A", "B", "COMMIT",    //
                                        "BEGIN", "A", "B", "COMMIT"));
}

TEST_F(DatabaseTest, AFailedBodyRollsBackAndKeepsItsError) {
  EXPECT_THAT(database_.Transact([](Connection&) { return absl::NotFoundError("x"); }, kSoon),
              StatusIs(StatusCode::kNotFound));
  EXPECT_THAT(Statements(), ElementsAre("BEGIN", "ROLLBACK"));
  EXPECT_THAT(database_.Execute("S", Params(), kSoon), IsOk());
  EXPECT_EQ(script_.made, 1);
}

TEST_F(DatabaseTest, ALostConnectionIsReplacedAndTheActNotRepeated) {
  script_.faults = {ConnectionLost("gone")};
  EXPECT_THAT(database_.Execute("S", Params(), kSoon), StatusIs(StatusCode::kUnavailable));
  EXPECT_THAT(Statements(), ElementsAre("S"));
  EXPECT_THAT(database_.Execute("S", Params(), kSoon), IsOk());
  EXPECT_EQ(script_.made, 2);
}

TEST_F(DatabaseTest, AConnectionThatTheServerEndedWhileIdleIsReplacedUnseen) {
  EXPECT_THAT(database_.Execute("S", Params(), kSoon), IsOk());
  last_made_->EndByServer();
  EXPECT_THAT(database_.Execute("T", Params(), kSoon), IsOk());
  EXPECT_THAT(Statements(), ElementsAre("S", "T"));
  EXPECT_EQ(script_.made, 2);
}

TEST_F(DatabaseTest, ARefusedConnectionLeavesThePoolWhole) {
  script_.connect = ConnectionLost("cannot connect");
  EXPECT_THAT(database_.Execute("S", Params(), kSoon), StatusIs(StatusCode::kUnavailable));
  EXPECT_THAT(database_.Execute("S", Params(), kSoon), StatusIs(StatusCode::kUnavailable));
  script_.connect = absl::OkStatus();
  now_ += absl::Seconds(1);
  EXPECT_THAT(database_.Execute("S", Params(), kSoon), IsOk());
}

TEST_F(DatabaseTest, ADatabaseThatRefusesIsAskedLessAndLessOften) {
  script_.connect = ConnectionLost("cannot connect");
  std::vector<int64_t> asked_at;
  for (; now_ < absl::Seconds(4); now_ += absl::Milliseconds(10)) {
    const int before = script_.asked;
    EXPECT_THAT(database_.Execute("S", Params(), kSoon), StatusIs(StatusCode::kUnavailable));
    if (script_.asked > before) asked_at.push_back(absl::ToInt64Milliseconds(now_));
  }
  EXPECT_THAT(asked_at, ElementsAre(0, 50, 150, 350, 750, 1550, 2550, 3550));
  script_.connect = absl::OkStatus();
  now_ += absl::Seconds(1);
  EXPECT_THAT(database_.Execute("S", Params(), kSoon), IsOk());
}

TEST_F(DatabaseTest, ObservesEachStatementAndEachWholeTransaction) {
  script_.faults = {SqlError("40001", "serialization")};
  EXPECT_THAT(database_.Execute("S", Params(), kSoon), IsOk());
  EXPECT_THAT(
      database_.Transact(
          [](Connection& connection) { return connection.Execute("A", Params()).status(); }, kSoon),
      IsOk());
  EXPECT_THAT(script_.seen,
              ElementsAre("(", "S", ")", "(", "S", ")", "(", "BEGIN", "A", "COMMIT", ")"));
}

TEST(BoundedPool, NeverMakesMoreThanItsCapacity) {
  std::atomic<int> live{0}, most{0}, made{0};
  struct Counted {
    explicit Counted(std::atomic<int>* live) : live(live) {}
    ~Counted() { --*live; }
    std::atomic<int>* live;
  };
  BoundedPool<Counted> pool(3, [&](absl::Time) -> absl::StatusOr<std::unique_ptr<Counted>> {
    const int now = ++live;
    ++made;
    for (int seen = most; now > seen && !most.compare_exchange_weak(seen, now);) {
    }
    return std::make_unique<Counted>(&live);
  });
  std::vector<std::thread> threads;
  for (int t = 0; t < 8; ++t) {
    threads.emplace_back([&, t] {
      for (int n = 0; n < 200; ++n) {
        auto lease = pool.Acquire(absl::InfiniteFuture());
        ASSERT_THAT(lease.status(), IsOk());
        if ((n + t) % 50 == 0) lease->DiscardAll();
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_LE(most, 3);
  EXPECT_GT(made, 3);
}

TEST(BoundedPool, WaitingEndsAtTheDeadlineOrWithAReturn) {
  BoundedPool<int> pool(1, [](absl::Time) { return std::make_unique<int>(1); });
  auto held = std::make_unique<BoundedPool<int>::Lease>(*pool.Acquire(absl::InfiniteFuture()));
  EXPECT_THAT(pool.Acquire(absl::Now() + absl::Milliseconds(5)).status(),
              StatusIs(StatusCode::kDeadlineExceeded));
  bool acquired = false;
  std::thread waiter([&] { acquired = pool.Acquire(absl::InfiniteFuture()).ok(); });
  held.reset();
  waiter.join();
  EXPECT_TRUE(acquired);
}

TEST(BoundedPool, ADiscardDropsOneAlone) {
  int made = 0;
  BoundedPool<int> pool(3, [&](absl::Time) { return std::make_unique<int>(++made); });
  {
    auto a = pool.Acquire(absl::InfiniteFuture());
    auto b = pool.Acquire(absl::InfiniteFuture());
    a->Discard();
  }
  auto again = pool.Acquire(absl::InfiniteFuture());
  EXPECT_EQ(**again, 2);
  EXPECT_TRUE(again->reused());
}

TEST(BoundedPool, ADiscardOfAllDropsIdleOnesAndThoseOutAtTheTime) {
  int made = 0;
  BoundedPool<int> pool(3, [&](absl::Time) { return std::make_unique<int>(++made); });
  {
    auto a = pool.Acquire(absl::InfiniteFuture());
    auto b = pool.Acquire(absl::InfiniteFuture());
    { auto idle = pool.Acquire(absl::InfiniteFuture()); }
    a->DiscardAll();
  }
  EXPECT_EQ(made, 3);
  auto fresh = pool.Acquire(absl::InfiniteFuture());
  EXPECT_EQ(**fresh, 4);
}

}  // namespace
}  // namespace tam::storage::postgres

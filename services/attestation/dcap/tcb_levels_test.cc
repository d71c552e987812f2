#include "services/attestation/dcap/tcb_levels.h"

#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "services/attestation/dcap/testing/test_platform.h"

namespace tam::attestation::dcap {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr TcbStatus kAll[] = {TcbStatus::kUpToDate,
                              TcbStatus::kSwHardeningNeeded,
                              TcbStatus::kConfigurationNeeded,
                              TcbStatus::kConfigurationAndSwHardeningNeeded,
                              TcbStatus::kTdRelaunchAdvised,
                              TcbStatus::kTdRelaunchAdvisedConfigurationNeeded,
                              TcbStatus::kOutOfDate,
                              TcbStatus::kOutOfDateConfigurationNeeded,
                              TcbStatus::kRevoked,
                              TcbStatus::kNotSupported};

TEST(ConvergeTest, APartThatIsFineChangesNothing) {
  for (const TcbStatus status : kAll) {
    EXPECT_EQ(Converge(status, TcbStatus::kUpToDate), status);
    EXPECT_EQ(Converge(status, TcbStatus::kNone), status);
    EXPECT_EQ(Converge(status, TcbStatus::kSwHardeningNeeded), status);
  }
}

TEST(ConvergeTest, APartThatIsOutOfDateMakesAllSo) {
  const auto with = [](TcbStatus status) { return Converge(status, TcbStatus::kOutOfDate); };
  EXPECT_EQ(with(TcbStatus::kUpToDate), TcbStatus::kOutOfDate);
  EXPECT_EQ(with(TcbStatus::kSwHardeningNeeded), TcbStatus::kOutOfDate);
  EXPECT_EQ(with(TcbStatus::kConfigurationNeeded), TcbStatus::kOutOfDateConfigurationNeeded);
  EXPECT_EQ(with(TcbStatus::kConfigurationAndSwHardeningNeeded),
            TcbStatus::kOutOfDateConfigurationNeeded);
  EXPECT_EQ(with(TcbStatus::kOutOfDate), TcbStatus::kOutOfDate);
  EXPECT_EQ(with(TcbStatus::kOutOfDateConfigurationNeeded),
            TcbStatus::kOutOfDateConfigurationNeeded);
  EXPECT_EQ(with(TcbStatus::kRevoked), TcbStatus::kRevoked);
  EXPECT_EQ(with(TcbStatus::kNotSupported), TcbStatus::kNotSupported);
}

TEST(ConvergeTest, RevokedWinsThenNotSupported) {
  for (const TcbStatus status : kAll) {
    EXPECT_EQ(Converge(status, TcbStatus::kRevoked), TcbStatus::kRevoked);
    EXPECT_EQ(Converge(status, TcbStatus::kNotSupported),
              status == TcbStatus::kRevoked ? TcbStatus::kRevoked : TcbStatus::kNotSupported);
  }
}

// Two levels of platform, QE and module, as the test platform's collateral has them: by the newest
// up to date, by the others out of date.
class EvaluateTest : public ::testing::Test {
 protected:
  static testing::TestPlatform Platform(Tee tee) {
    testing::PlatformSpec spec;
    spec.tee = tee;
    spec.version = 4;
    return testing::TestPlatform(spec);
  }
  explicit EvaluateTest(Tee tee = Tee::kSgx) : platform_(Platform(tee)), tdx_(tee == Tee::kTdx) {}

  void SetUp() override {
    const std::string info = platform_.Sign("tcbInfo", platform_.TcbInfo());
    const std::string identity = platform_.Sign("enclaveIdentity", platform_.QeIdentity());
    info_ = ParseTcbInfo(info)->content;
    identity_ = ParseQeIdentity(identity)->content;
    svns_.components.fill(5);
    svns_.pce_svn = 10;
  }

  Evaluation Evaluate() const {
    if (!tdx_) return EvaluateTcb(info_, identity_, svns_, qe_svn_, nullptr);
    std::string body(loaded_.empty() ? 584 : 648, '\0');
    body.replace(0, running_.size(), running_);
    if (!loaded_.empty()) body.replace(584, loaded_.size(), loaded_);
    const TdReport td = ReadTdReport(body);
    return EvaluateTcb(info_, identity_, svns_, qe_svn_, &td);
  }
  TcbStatus Status() const { return Evaluate().tcb.status; }

  const testing::TestPlatform platform_;
  const bool tdx_;
  TcbInfo info_;
  QeIdentity identity_;
  PlatformSvns svns_;
  uint16_t qe_svn_ = 6;
  std::string running_ = "\x04\x01\x03";
  std::string loaded_;
};

TEST_F(EvaluateTest, TakesTheFirstLevelThatEachComponentReaches) {
  EXPECT_EQ(Status(), TcbStatus::kUpToDate);
  svns_.components[2] = 4;
  const Evaluation older = Evaluate();
  EXPECT_EQ(older.tcb.status, TcbStatus::kOutOfDate);
  EXPECT_EQ(older.tcb.date, absl::FromCivil(absl::CivilDay(2025, 2, 1), absl::UTCTimeZone()));
  EXPECT_THAT(older.tcb.advisories, ElementsAre("INTEL-SA-00001"));
  EXPECT_THAT(older.findings, IsEmpty());
  svns_.components.fill(255);
  svns_.components[2] = 3;
  const Evaluation none = Evaluate();
  EXPECT_EQ(none.tcb.status, TcbStatus::kNotSupported);
  EXPECT_EQ(none.tcb.qe, TcbStatus::kUpToDate);
  ASSERT_EQ(none.findings.size(), 1U);
  EXPECT_EQ(none.findings[0].claim, "tcb_info.tcbLevels");
}

TEST_F(EvaluateTest, ThePceCountsLikeAComponent) {
  svns_.pce_svn = 9;
  EXPECT_EQ(Status(), TcbStatus::kOutOfDate);
  svns_.pce_svn = 8;
  EXPECT_EQ(Status(), TcbStatus::kNotSupported);
  svns_.pce_svn = 0xffff;
  EXPECT_EQ(Status(), TcbStatus::kUpToDate);
}

TEST_F(EvaluateTest, TheQuotingEnclaveCountsToo) {
  qe_svn_ = 5;
  const Evaluation old = Evaluate();
  EXPECT_EQ(old.tcb.status, TcbStatus::kOutOfDate);
  EXPECT_EQ(old.tcb.platform, TcbStatus::kUpToDate);
  EXPECT_EQ(old.tcb.qe, TcbStatus::kOutOfDate);
  // Grace counts from what is out of date longest.
  EXPECT_EQ(old.tcb.date, absl::FromCivil(absl::CivilDay(2024, 3, 1), absl::UTCTimeZone()));
  qe_svn_ = 4;
  const Evaluation none = Evaluate();
  EXPECT_EQ(none.tcb.status, TcbStatus::kNotSupported);
  ASSERT_EQ(none.findings.size(), 1U);
  EXPECT_EQ(none.findings[0].claim, "qe.isvsvn.tcbLevels");
}

TEST_F(EvaluateTest, AStatusThatIsNotKnownIsNotSupported) {
  info_.levels[0].facts.status = TcbStatus::kNotSupported;
  info_.levels[0].facts.status_text = "BetterThanEver";
  const Evaluation evaluation = Evaluate();
  EXPECT_EQ(evaluation.tcb.status, TcbStatus::kNotSupported);
  ASSERT_EQ(evaluation.findings.size(), 1U);
  EXPECT_EQ(evaluation.findings[0].found, "BetterThanEver");
}

class EvaluateTdTest : public EvaluateTest {
 protected:
  EvaluateTdTest() : EvaluateTest(Tee::kTdx) {}
};

TEST_F(EvaluateTdTest, ALaterModuleIsJudgedByItsIdentity) {
  const Evaluation good = Evaluate();
  EXPECT_EQ(good.tcb.status, TcbStatus::kUpToDate);
  EXPECT_EQ(good.tcb.module, TcbStatus::kUpToDate);
  running_ = "\x03\x01\x03";
  const Evaluation old = Evaluate();
  EXPECT_EQ(old.tcb.module, TcbStatus::kOutOfDate);
  EXPECT_EQ(old.tcb.platform, TcbStatus::kUpToDate);
  EXPECT_EQ(old.tcb.status, TcbStatus::kOutOfDate);
  EXPECT_THAT(old.tcb.advisories, ElementsAre("INTEL-SA-00002"));
  running_ = "\x01\x01\x03";
  EXPECT_EQ(Status(), TcbStatus::kNotSupported);
  running_ = "\x04\x02\x03";  // a version that has no identity
  const Evaluation none = Evaluate();
  EXPECT_EQ(none.tcb.status, TcbStatus::kNotSupported);
  EXPECT_THAT(none.findings[0].claim, HasSubstr("tdx_module"));
}

TEST_F(EvaluateTdTest, TheFirstModuleIsJudgedByTheLevel) {
  running_ = std::string("\x04\x00\x03", 3);
  const Evaluation good = Evaluate();
  EXPECT_EQ(good.tcb.status, TcbStatus::kUpToDate);
  EXPECT_EQ(good.tcb.module, TcbStatus::kNone);
  running_ = std::string("\x03\x00\x03", 3);
  EXPECT_EQ(Status(), TcbStatus::kOutOfDate);
  running_ = std::string("\x01\x00\x03", 3);
  EXPECT_EQ(Status(), TcbStatus::kNotSupported);
}

TEST_F(EvaluateTdTest, OtherTdxComponentsAlwaysCount) {
  running_ = "\x04\x01\x02";
  EXPECT_EQ(Status(), TcbStatus::kOutOfDate);
  running_ = "\x04\x01\x01";
  EXPECT_EQ(Status(), TcbStatus::kNotSupported);
}

TEST_F(EvaluateTdTest, AModuleThatIsOutOfDateWithANewOneLoadedAdvisesRelaunch) {
  running_ = "\x03\x01\x03";
  loaded_ = "\x04\x01\x03";
  EXPECT_EQ(Status(), TcbStatus::kTdRelaunchAdvised);
  loaded_ = "\x03\x01\x03";
  EXPECT_EQ(Status(), TcbStatus::kOutOfDate);
  loaded_ = "\x04\x01\x02";
  EXPECT_EQ(Status(), TcbStatus::kOutOfDate);
  loaded_ = "\x04\x02\x03";  // has no identity
  EXPECT_EQ(Status(), TcbStatus::kOutOfDate);
  loaded_ = std::string("\x04\x00\x03", 3);
  EXPECT_EQ(Status(), TcbStatus::kTdRelaunchAdvised);
  loaded_ = "\x04\x01\x03";
  info_.levels[0].facts.status = TcbStatus::kConfigurationNeeded;
  EXPECT_EQ(Status(), TcbStatus::kTdRelaunchAdvisedConfigurationNeeded);
  info_.levels[0].facts.status = TcbStatus::kSwHardeningNeeded;
  EXPECT_EQ(Status(), TcbStatus::kTdRelaunchAdvised);
}

TEST_F(EvaluateTdTest, RelaunchHealsNothingElse) {
  running_ = "\x03\x01\x03";
  loaded_ = "\x04\x01\x03";
  qe_svn_ = 5;
  EXPECT_EQ(Status(), TcbStatus::kOutOfDate);
  qe_svn_ = 4;
  EXPECT_EQ(Status(), TcbStatus::kNotSupported);
  qe_svn_ = 6;
  svns_.pce_svn = 9;
  EXPECT_EQ(Status(), TcbStatus::kOutOfDate);
  svns_.pce_svn = 10;
  info_.levels[0].facts.status = TcbStatus::kRevoked;
  EXPECT_EQ(Status(), TcbStatus::kRevoked);
}

}  // namespace
}  // namespace tam::attestation::dcap

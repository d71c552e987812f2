// What the tests of this folder share: TAMs that serve many cases, devices with ledgers, and a line
// of faults.json for what each case did.
#ifndef TAMARACK_TESTS_FAULTS_SESSIONS_SESSION_FAULTS_H_
#define TAMARACK_TESTS_FAULTS_SESSIONS_SESSION_FAULTS_H_

#include <gtest/gtest.h>

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "tests/e2e/scenario.h"
#include "tests/e2e/stack.h"
#include "tests/faults/fleet/report.h"
#include "tests/faults/sessions/ledgered_device.h"

namespace tam::testing {

// A TAM with two replicas of everything, in which the sample component is published and deployed
// for all devices of the class.
struct SampleTam {
  std::unique_ptr<Stack> stack;
  std::unique_ptr<Scenario> scenario;
  ManifestVersion sample;

  // nullptr and test failures where a step fails.
  static std::unique_ptr<SampleTam> Start(StackOptions options);
};

// One thread.
class SessionFaultTest : public ::testing::Test {
 protected:
  static constexpr int kGateways = 2;

  // One TAM a layout for all cases of the program, which leave it as they found it: each works with
  // devices of its own, and TearDown restores the clock.
  void UseShared(Layout layout);
  // One for this case.
  void StartOwn(StackOptions options);
  void TearDown() override;

  Stack& stack() { return *tam_->stack; }
  Scenario& scenario() { return *tam_->scenario; }
  const ManifestVersion& sample() const { return tam_->sample; }
  std::vector<std::string> GatewayUrls() const;

  // Registered, of the class of the sample; its name is unique in the TAM. Lives until TearDown.
  LedgeredDevice& NewDevice(const std::string& name = "one",
                            const std::vector<std::string>& init_flags = {});
  // Rows of a table of `registry` that are the device's.
  int Count(const LedgeredDevice& device, const std::string& table);

  // The database's clock, so many seconds from this machine's.
  void SetClock(int64_t seconds);
  // Right again, with new processes of those that keep time by it.
  void RestoreClock();
  // A new process, which has read nothing yet; without a number, all of them.
  void ForgetGateway(int gateway);
  void ForgetGateways();
  void ForgetSigning();

  // Before, a device that nothing happens to completes a session; after, it does so again, and all
  // ledgers of the case must agree with the TAM's record. Then the result is saved.
  void BeginFault(const std::string& name);
  void EndFault();
  // What devices saw besides what their ledgers have.
  void CountErrors(const std::string& kind, int64_t count) {
    if (count != 0) result_.device_errors[kind] += count;
  }

 private:
  void Adopt(SampleTam* tam);
  void CompleteSession(LedgeredDevice& device);
  int64_t Completed() const;
  void Restart(const std::string& service);
  void CompareLedgers();

  SampleTam* tam_ = nullptr;
  std::unique_ptr<SampleTam> own_;
  std::string prefix_;
  std::vector<std::unique_ptr<LedgeredDevice>> devices_;
  LedgeredDevice* bystander_ = nullptr;
  bool clock_moved_ = false;
  FaultResult result_;
  absl::Duration fault_begin_;
  int64_t completed_before_ = 0;
};

}  // namespace tam::testing

#endif  // TAMARACK_TESTS_FAULTS_SESSIONS_SESSION_FAULTS_H_

// A whole TAM, two replicas of everything, with a fleet that keeps it busy while something fails.
#ifndef TAMARACK_TESTS_FAULTS_LOAD_LOAD_H_
#define TAMARACK_TESTS_FAULTS_LOAD_LOAD_H_

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "tests/e2e/scenario.h"
#include "tests/e2e/stack.h"
#include "tests/faults/fleet/compare.h"
#include "tests/faults/fleet/fleet.h"
#include "tests/faults/fleet/report.h"

namespace tam::testing {

// Every service in processes of its own; TAM_FAULTS_LAYOUT=together: all in each process.
Layout LoadLayout();
inline constexpr int kReplicas = 2;
// Sessions at a time.
inline constexpr size_t kLoadThreads = 8;

// Every "PUBLIC KEY" block of a file.
std::vector<keys::PublicKey> ReadPublicKeys(const std::string& path);

// Of an envelope's file; an empty one and a test failure where it is none.
ManifestVersion ReadManifestVersion(const std::string& path);

// Fails the test unless devices saw nothing but what they mend by saying the same again.
void ExpectOnlyRepeatable(const FaultResult& result);

// Set up once; one thread. A step of the set-up that fails is a test failure.
class Load {
 public:
  // In LoadLayout, two replicas of each process.
  static StackOptions DefaultStack();
  // `null` after a failure.
  static std::unique_ptr<Load> Start(size_t devices, StackOptions options = DefaultStack());

  Stack& stack() { return *stack_; }
  Scenario& scenario() { return *scenario_; }
  Fleet& fleet() { return *fleet_; }

  // One more version of the deployed component.
  ManifestVersion Publish();
  // The version that Publish returned last.
  const ManifestVersion& newest() const { return newest_; }

  // What happens while sessions run; it returns when all processes are well again.
  using Fault = std::function<void()>;
  // Runs sessions, publishes a version and at once does the fault, runs more sessions, until their
  // rate is the old one, and lets all come to rest. Then ledger and TAM must agree, and every
  // device has installed that version exactly once. Results of one name add up, for faults.json.
  FaultResult RunFault(const std::string& name, const Fault& fault);

  // The parts of RunFault, for faults of another kind.
  struct Run {
    FaultResult result;
    FaultTimes times;
    FleetCounts before;
  };
  Run Begin(const std::string& name);
  void Strike(Run& run, const Fault& fault);
  FaultResult End(Run& run, const CompareOptions& options);

 private:
  Load() = default;
  void SetUp(size_t devices);

  std::unique_ptr<Stack> stack_;
  std::optional<Scenario> scenario_;
  std::unique_ptr<Fleet> fleet_;
  int version_ = 0;
  ManifestVersion newest_;
  std::map<std::string, FaultResult> results_;
};

// One Load for all tests of a program.
class LoadTest : public ::testing::Test {
 protected:
  void SetUp() override;

  Load& load() { return *load_; }
  Stack& stack() { return load_->stack(); }
  Fleet& fleet() { return load_->fleet(); }

  // Calls `round` once, or over and over for the time that tools/faults grants.
  static void Repeat(const std::function<void()>& round);
  // Fails the test unless devices saw nothing else and gave nothing up.
  static void ExpectNothingLost(const FaultResult& result);

 private:
  friend class LoadEnvironment;
  static std::unique_ptr<Load> load_;
};

}  // namespace tam::testing

#endif  // TAMARACK_TESTS_FAULTS_LOAD_LOAD_H_

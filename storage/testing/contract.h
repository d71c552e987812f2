// The contract that every backend keeps: suites over a Storage, run by each backend's own test.
//
//   INSTANTIATE_TEST_SUITE_P(Memory, StorageContract, testing::Values(&NewMemoryHarness));
//
// A new promise of an interface is a new test here.

#ifndef TAMARACK_STORAGE_TESTING_CONTRACT_H_
#define TAMARACK_STORAGE_TESTING_CONTRACT_H_

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "storage/storage.h"
#include "storage/testing/fixtures.h"
#include "tests/support/status_matchers.h"

namespace tam::storage {

// A backend under test. Its data may outlive a test: every test works in tenants of its own.
class StorageHarness {
 public:
  virtual ~StorageHarness() = default;
  virtual Storage& storage() = 0;
  // Sets what the database's clock says; it stands still there.
  virtual void SetNow(absl::Time now) = 0;
};

using HarnessFactory = std::unique_ptr<StorageHarness> (*)();

class StorageContract : public ::testing::TestWithParam<HarnessFactory> {
 protected:
  StorageContract();

  Storage& storage() { return harness_->storage(); }
  void SetNow(absl::Time now);
  void Advance(absl::Duration by) { SetNow(now_ + by); }
  int64_t NowMs() const { return absl::ToUnixMillis(now_); }

  AuditEntry Audit(absl::string_view kind, const DeviceId& device = DeviceId()) const;
  // Entries of the test's tenant with this kind, the newest first.
  std::vector<AuditRecord> AuditOf(absl::string_view kind);

  Device NewDevice(const std::string& name) const;
  DeviceKey NewKey(DeviceKeyState state = DeviceKeyState::kActive) const;
  // A stored device with one key.
  struct Enrolled {
    Device device;
    DeviceKey key;
  };
  Enrolled Enrol(const std::string& name, DeviceKeyState state = DeviceKeyState::kActive);

  // A request that is good now, with a fresh challenge and message.
  AcceptRequest NewRequest(const Enrolled& enrolled);
  // The same with evidence that proves `ueid` and a class.
  AcceptRequest Proving(const Enrolled& enrolled, absl::string_view ueid);
  Bytes UeidOf(const Enrolled& enrolled);
  UpdatePlan NewPlan(std::vector<UpdateManifest> manifests = {}) const;
  UpdateManifest NewManifest(const ComponentId& component, uint64_t sequence) const;
  ReportRequest NewReport(const AcceptRequest& request, bool success = true);
  // Accepts a request that opens an update with `plan`.
  AcceptRequest Open(const Enrolled& enrolled, const UpdatePlan& plan);
  AcceptOutcome OutcomeOf(const AcceptRequest& request);
  ReportOutcome OutcomeOf(const ReportRequest& request);
  DeviceRecord Show(const Enrolled& enrolled);

  absl::Status CreateDomain(const Domain& domain);
  absl::Status UpdateDomain(const Domain& domain);
  absl::StatusOr<PublishOutcome> Publish(const Manifest& manifest,
                                         absl::string_view envelope = "envelope");
  absl::Status Withdraw(const Manifest& manifest);
  uint64_t Generation();
  Deployment NewDeployment(const std::string& name, const Manifest& manifest) const;
  Domain NewDomain(const std::string& name, std::vector<ComponentId> prefixes) const;
  Manifest NewManifestOf(const Domain& domain, const ComponentId& component,
                         uint64_t sequence) const;

  const TenantId tenant_ = RandomFixed<TenantId>();
  const EndpointId endpoint_ = RandomFixed<EndpointId>();
  const CallDeadline soon_;

 private:
  absl::Time now_;
  int64_t last_issued_ms_ = 0;
  std::unique_ptr<StorageHarness> harness_;
};

}  // namespace tam::storage

#endif  // TAMARACK_STORAGE_TESTING_CONTRACT_H_

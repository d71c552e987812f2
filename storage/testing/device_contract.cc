// Devices and their keys.
#include "storage/testing/contract.h"

namespace tam::storage {
namespace {

using ::absl::StatusCode;
using ::tam::testing::IsOk;
using ::tam::testing::IsOkAndHolds;
using ::tam::testing::StatusIs;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

TEST_P(StorageContract, ADeviceReadsBackAsItWasCreated) {
  const Enrolled dev = Enrol("dev");
  for (const auto& device : {storage().devices().Get(tenant_, dev.device.id, soon_),
                             storage().devices().GetByName(tenant_, "dev", soon_)}) {
    ASSERT_THAT(device, IsOk());
    EXPECT_EQ(device->id, dev.device.id);
    EXPECT_EQ(device->name, "dev");
    EXPECT_EQ(device->device_class, dev.device.device_class);
    EXPECT_EQ(device->labels, dev.device.labels);
    EXPECT_EQ(device->version, 1u);
    EXPECT_EQ(absl::ToUnixMillis(device->created), NowMs());
  }
  EXPECT_THAT(storage().devices().Get(RandomFixed<TenantId>(), dev.device.id, soon_),
              StatusIs(StatusCode::kNotFound));
  EXPECT_THAT(storage().devices().GetByName(tenant_, "none", soon_),
              StatusIs(StatusCode::kNotFound));
  EXPECT_THAT(AuditOf("device.create"), SizeIs(1));
}

TEST_P(StorageContract, WhatATenantsDeviceHasNoOtherDeviceCanTake) {
  Device first = NewDevice("dev");
  first.ueid = BytesOf("ueid");
  const DeviceKey key = NewKey();
  auto& devices = storage().devices();
  ASSERT_THAT(devices.Create(first, {key}, Audit("create"), soon_), IsOk());
  const auto create = [&](const Device& device, const std::vector<DeviceKey>& keys) {
    return devices.Create(device, keys, Audit("create"), soon_);
  };
  EXPECT_THAT(create(NewDevice("dev"), {}),
              StatusIs(StatusCode::kAlreadyExists, HasSubstr("name")));
  EXPECT_THAT(create(NewDevice("b"), {key}),
              StatusIs(StatusCode::kAlreadyExists, HasSubstr("thumbprint")));
  Device same_ueid = NewDevice("c");
  same_ueid.ueid = first.ueid;
  EXPECT_THAT(create(same_ueid, {}), StatusIs(StatusCode::kAlreadyExists, HasSubstr("ueid")));
  Device same_id = NewDevice("d");
  same_id.id = first.id;
  EXPECT_THAT(create(same_id, {}), StatusIs(StatusCode::kAlreadyExists, HasSubstr("id")));
  // Nothing of the refused ones stays, and another tenant is free to have it all.
  EXPECT_THAT(devices.GetByName(tenant_, "b", soon_), StatusIs(StatusCode::kNotFound));
  EXPECT_THAT(AuditOf("create"), SizeIs(1));
  Device elsewhere = first;
  elsewhere.tenant = RandomFixed<TenantId>();
  EXPECT_THAT(create(elsewhere, {key}), IsOk());
}

TEST_P(StorageContract, ADeviceUpdateChecksTheVersion) {
  Device device = Enrol("dev").device;
  Enrol("taken");
  auto& devices = storage().devices();
  device.name = "renamed";
  device.labels = {};
  device.version = 1;
  ASSERT_THAT(devices.Update(device, Audit("update"), soon_), IsOk());
  EXPECT_THAT(devices.Update(device, Audit("update"), soon_), StatusIs(StatusCode::kAborted));
  device.version = 0;
  device.name = "taken";
  EXPECT_THAT(devices.Update(device, Audit("update"), soon_), StatusIs(StatusCode::kAlreadyExists));
  auto stored = devices.GetByName(tenant_, "renamed", soon_);
  ASSERT_THAT(stored, IsOk());
  EXPECT_EQ(stored->version, 2u);
  EXPECT_THAT(stored->labels, IsEmpty());
  device.id = RandomFixed<DeviceId>();
  EXPECT_THAT(devices.Update(device, Audit("update"), soon_), StatusIs(StatusCode::kNotFound));
  EXPECT_THAT(AuditOf("update"), SizeIs(1));
}

TEST_P(StorageContract, DeletingADeviceFreesWhatItHadButKeepsTombstones) {
  Device device = NewDevice("dev");
  device.ueid = BytesOf("ueid");
  const DeviceKey good = NewKey(), bad = NewKey();
  auto& devices = storage().devices();
  ASSERT_THAT(devices.Create(device, {good, bad}, Audit("create"), soon_), IsOk());
  ASSERT_THAT(storage().device_keys().SetState(tenant_, bad.thumbprint, DeviceKeyState::kBanned,
                                               Audit("ban"), soon_),
              IsOk());
  EXPECT_THAT(devices.Delete(tenant_, device.id, 9, Audit("delete"), soon_),
              StatusIs(StatusCode::kAborted));
  ASSERT_THAT(devices.Delete(tenant_, device.id, 1, Audit("delete"), soon_), IsOk());
  EXPECT_THAT(devices.Delete(tenant_, device.id, 0, Audit("delete"), soon_),
              StatusIs(StatusCode::kNotFound));
  EXPECT_EQ(OutcomeOf(NewRequest({device, good})), AcceptOutcome::kKeyNotActive);
  auto banned = storage().sessions().Lookup(tenant_, endpoint_, bad.thumbprint, soon_);
  ASSERT_THAT(banned, IsOk());
  EXPECT_EQ(banned->key_state, DeviceKeyState::kBanned);
  Device next = NewDevice("dev");
  next.ueid = device.ueid;
  EXPECT_THAT(devices.Create(next, {bad}, Audit("create"), soon_),
              StatusIs(StatusCode::kPermissionDenied));
  EXPECT_THAT(devices.Create(next, {good}, Audit("create"), soon_), IsOk());
}

TEST_P(StorageContract, DeletingADeviceFreesItsAttestationKeysAlone) {
  const Enrolled dev = Enrol("dev"), other = Enrol("other");
  auto& attestation = storage().attestation();
  const auto add = [&](const KeyThumbprint& thumbprint, const DeviceId& device) {
    AttestationKey key;
    key.tenant = tenant_;
    key.thumbprint = thumbprint;
    key.public_key = BytesOf("cose-key");
    key.device = device;
    return attestation.AddKey(key, Audit("key"), soon_);
  };
  const KeyThumbprint of_dev = RandomFixed<KeyThumbprint>(),
                      of_other = RandomFixed<KeyThumbprint>();
  ASSERT_THAT(add(of_dev, dev.device.id), IsOk());
  ASSERT_THAT(add(of_other, other.device.id), IsOk());
  const uint64_t before = *storage().appraisal().Generation(tenant_, soon_);
  ASSERT_THAT(storage().devices().Delete(tenant_, dev.device.id, 0, Audit("delete"), soon_),
              IsOk());
  // Whoever keeps what evidence is judged by learns of it.
  EXPECT_GT(*storage().appraisal().Generation(tenant_, soon_), before);
  auto left = attestation.ListKeys(tenant_, std::nullopt, {}, soon_);
  ASSERT_THAT(left, IsOk());
  ASSERT_THAT(left->items, SizeIs(1));
  EXPECT_EQ(left->items[0].thumbprint, of_other);
  const Enrolled again = Enrol("dev");
  EXPECT_THAT(add(of_dev, again.device.id), IsOk());
  EXPECT_THAT(add(of_other, again.device.id), StatusIs(StatusCode::kAlreadyExists));
}

TEST_P(StorageContract, ADeletedDevicesRecordDoesNotComeBack) {
  const Enrolled dev = Enrol("dev");
  const AcceptRequest request = Open(dev, NewPlan({NewManifest(Component({"a"}), 1)}));
  EXPECT_EQ(OutcomeOf(NewReport(request)), ReportOutcome::kRecorded);
  ASSERT_THAT(storage().devices().Delete(tenant_, dev.device.id, 0, Audit("delete"), soon_),
              IsOk());
  ASSERT_THAT(storage().devices().Create(dev.device, {dev.key}, Audit("create"), soon_), IsOk());
  const DeviceRecord record = Show(dev);
  EXPECT_THAT(record.manifests, IsEmpty());
  EXPECT_THAT(record.closed_updates, IsEmpty());
  EXPECT_FALSE(record.last_contact.has_value());
  EXPECT_EQ(OutcomeOf(request), AcceptOutcome::kOpened);
}

TEST_P(StorageContract, DevicesAreListedInPages) {
  std::vector<DeviceId> want;
  for (int n = 0; n < 7; ++n) want.push_back(Enrol("dev" + std::to_string(n)).device.id);
  std::sort(want.begin(), want.end());
  std::vector<DeviceId> got;
  PageRequest page{3, ""};
  int pages = 0;
  do {
    auto result = storage().devices().List(tenant_, page, soon_);
    ASSERT_THAT(result, IsOk());
    for (const Device& device : result->items) got.push_back(device.id);
    page.after = result->next;
    ++pages;
  } while (!page.after.empty());
  EXPECT_EQ(got, want);
  EXPECT_EQ(pages, 3);
  EXPECT_THAT(storage().devices().List(tenant_, {3, "nonsense"}, soon_),
              StatusIs(StatusCode::kInvalidArgument));
}

TEST_P(StorageContract, KeysMoveForwardOnly) {
  const Enrolled dev = Enrol("dev", DeviceKeyState::kPending);
  auto& keys = storage().device_keys();
  const auto set = [&](const KeyThumbprint& key, DeviceKeyState state) {
    return keys.SetState(tenant_, key, state, Audit("state"), soon_);
  };
  const KeyThumbprint key = dev.key.thumbprint;
  EXPECT_THAT(set(key, DeviceKeyState::kPending), StatusIs(StatusCode::kFailedPrecondition));
  EXPECT_THAT(set(key, DeviceKeyState::kActive), IsOk());
  EXPECT_THAT(set(key, DeviceKeyState::kPending), StatusIs(StatusCode::kFailedPrecondition));
  EXPECT_THAT(set(key, DeviceKeyState::kRetired), IsOk());
  EXPECT_THAT(set(key, DeviceKeyState::kActive), StatusIs(StatusCode::kFailedPrecondition));
  EXPECT_THAT(set(key, DeviceKeyState::kBanned), IsOk());
  EXPECT_THAT(set(key, DeviceKeyState::kBanned), StatusIs(StatusCode::kFailedPrecondition));
  EXPECT_THAT(set(RandomFixed<KeyThumbprint>(), DeviceKeyState::kBanned),
              StatusIs(StatusCode::kNotFound));
  EXPECT_THAT(AuditOf("state"), SizeIs(3));
}

TEST_P(StorageContract, ASecondActiveKeySharesTheGuard) {
  const Enrolled dev = Enrol("dev");
  Enrolled second = dev;
  second.key = NewKey();
  auto& keys = storage().device_keys();
  ASSERT_THAT(keys.Add(tenant_, dev.device.id, second.key, Audit("add"), soon_), IsOk());
  EXPECT_THAT(keys.Add(tenant_, dev.device.id, second.key, Audit("add"), soon_),
              StatusIs(StatusCode::kAlreadyExists));
  DeviceKey retired = NewKey(DeviceKeyState::kRetired);
  EXPECT_THAT(keys.Add(tenant_, dev.device.id, retired, Audit("add"), soon_),
              StatusIs(StatusCode::kInvalidArgument));
  EXPECT_THAT(keys.Add(tenant_, RandomFixed<DeviceId>(), NewKey(), Audit("add"), soon_),
              StatusIs(StatusCode::kNotFound));
  const AcceptRequest by_first = NewRequest(dev), by_second = NewRequest(second);
  EXPECT_EQ(OutcomeOf(by_second), AcceptOutcome::kOpened);
  EXPECT_EQ(OutcomeOf(by_first), AcceptOutcome::kUsed);
  auto listed = keys.List(tenant_, dev.device.id, soon_);
  ASSERT_THAT(listed, IsOk());
  ASSERT_THAT(*listed, SizeIs(2));
  EXPECT_THAT((*listed)[0].endpoints, ::testing::ElementsAre(endpoint_));
}

TEST_P(StorageContract, AnEndpointsKeysAreThoseThatMaySpeakThere) {
  auto& sessions = storage().sessions();
  const auto list = [&](size_t max) {
    return sessions.ListEndpointKeys(tenant_, endpoint_, max, soon_);
  };
  EXPECT_THAT(list(1), IsOkAndHolds(::testing::IsEmpty()));
  DeviceKey first = NewKey(), second = NewKey(DeviceKeyState::kPending), elsewhere = NewKey();
  first.public_key = BytesOf("first");
  second.public_key = BytesOf("second");
  first.thumbprint = KeyThumbprint({1});
  second.thumbprint = KeyThumbprint({2});
  elsewhere.endpoints = {RandomFixed<EndpointId>()};
  const Device device = NewDevice("dev");
  ASSERT_THAT(storage().devices().Create(device, {first, second, elsewhere},
                                         Audit("create", device.id), soon_),
              IsOk());
  EXPECT_THAT(list(2), IsOkAndHolds(::testing::ElementsAre(BytesOf("first"), BytesOf("second"))));
  EXPECT_THAT(list(1), StatusIs(StatusCode::kResourceExhausted));
  EXPECT_THAT(sessions.ListEndpointKeys(RandomFixed<TenantId>(), endpoint_, 2, soon_),
              IsOkAndHolds(::testing::IsEmpty()));
  ASSERT_THAT(storage().device_keys().SetState(tenant_, first.thumbprint, DeviceKeyState::kRetired,
                                               Audit("state"), soon_),
              IsOk());
  EXPECT_THAT(list(1), IsOkAndHolds(::testing::ElementsAre(BytesOf("second"))));
}

}  // namespace
}  // namespace tam::storage

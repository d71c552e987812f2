#include "tests/faults/fleet/enrolment.h"

#include <atomic>
#include <memory>
#include <thread>
#include <vector>

#include "proto/tam/v1/attestation.pb.h"
#include "proto/tam/v1/registry.pb.h"
#include "tools/tamctl/transport.h"

namespace tam::testing {
namespace {

constexpr int kConnections = 4;

absl::StatusOr<std::unique_ptr<tamctl::Transport>> Connect(const OperatorAccess& access) {
  tamctl::ConnectionOptions options;
  options.server = access.servers;
  options.trust_domain = access.trust_domain;
  options.cert_file = access.cert_file;
  options.key_file = access.key_file;
  options.ca_file = access.ca_file;
  return tamctl::ConnectGrpc(options);
}

absl::Status EnrolOne(const Fleet& fleet, size_t i, const std::string& tenant,
                      tamctl::Transport& api) {
  const teepsim::DeviceState& state = fleet.state(i);
  v1::CreateDeviceRequest create;
  create.set_parent("tenants/" + tenant);
  create.mutable_device()->set_display_name(fleet.name(i));
  v1::DeviceClass& device_class = *create.mutable_device()->mutable_device_class();
  device_class.set_oemid(state.record().profile.oemid);
  device_class.set_hwmodel(state.record().profile.hwmodel);
  v1::NewDeviceKey& key = *create.add_new_keys();
  key.mutable_key()->set_cose_key(state.agent_key().public_key().cose_key());
  key.set_state(v1::KEY_STATE_ACTIVE);
  v1::CreateDeviceResponse created;
  if (auto status = api.Call("/tam.v1.RegistryService/CreateDevice", create, &created);
      !status.ok()) {
    return status;
  }
  v1::ImportAttestationKeyRequest import;
  import.set_parent(created.device().name());
  import.mutable_key()->set_cose_key(state.attestation_key().public_key().cose_key());
  v1::ImportAttestationKeyResponse imported;
  return api.Call("/tam.v1.AttestationService/ImportAttestationKey", import, &imported);
}

}  // namespace

absl::Status Enrol(const Fleet& fleet, const OperatorAccess& access) {
  std::atomic<size_t> next{0};
  std::vector<absl::Status> results(kConnections);
  std::vector<std::thread> threads;
  for (absl::Status& result : results) {
    threads.emplace_back([&] {
      auto api = Connect(access);
      if (!api.ok()) result = api.status();
      for (size_t i; result.ok() && (i = next++) < fleet.size();) {
        result = EnrolOne(fleet, i, access.tenant, **api);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (const absl::Status& result : results) {
    if (!result.ok()) return result;
  }
  return absl::OkStatus();
}

}  // namespace tam::testing

// Composes audit entries: the one place that says what their bytes are.
//
//   entry = { 0: 2,                 ; format version; 1 had a device's id as actor and in targets
//             1: tstr,              ; kind, such as "domain.create"
//             2: tstr,              ; role of the actor: "operator", "device", "service", ...
//             3: bstr .size 16,     ; the actor's pseudonym; absent: none
//             4: tstr,              ; resource name of what was acted on; absent: none
//             5: { * tstr => tstr },; details; absent: none
//             6: tstr }             ; request id; absent: none
//
// Deterministic CBOR. No name of a person, no device, no key, no evidence. People, devices and
// their keys stand as random pseudonyms of the PseudonymStore, in a resource name as "~" and the
// pseudonym: tenants/acme/devices/~2f1c…; erasing a pseudonym leaves the record whole.
#ifndef TAMARACK_SERVICES_RUNTIME_AUDIT_ENTRY_H_
#define TAMARACK_SERVICES_RUNTIME_AUDIT_ENTRY_H_

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "absl/types/span.h"
#include "services/runtime/call_context.h"
#include "services/runtime/dispatcher.h"
#include "storage/audit_store.h"
#include "storage/model/audit.h"
#include "storage/tenant_store.h"

namespace tam::runtime {

using AuditDetails = std::map<std::string, std::string>;

// Thread safe. Keeps the pseudonyms that it has looked up, a bounded number of them.
class AuditComposer {
 public:
  AuditComposer(storage::PseudonymStore& pseudonyms, storage::RandomSource random)
      : pseudonyms_(pseudonyms), random_(std::move(random)) {}

  // An act of a person or service. `tenant` nil: the platform's. `target` is a resource name, whose
  // devices and keys enter as pseudonyms. Unavailable.
  absl::StatusOr<storage::AuditEntry> OfCaller(const CallContext& context,
                                               const storage::TenantId& tenant,
                                               std::string_view kind, std::string_view target,
                                               const AuditDetails& details = {});

  // An act of a device, with its verified message. Unavailable.
  absl::StatusOr<storage::AuditEntry> OfDevice(const CallContext& context,
                                               const storage::TenantId& tenant,
                                               const storage::DeviceId& device,
                                               std::string_view kind,
                                               const AuditDetails& details = {});

  // Takes over what another statement has read, so that an act of the device need not read it.
  void Remember(const storage::TenantId& tenant, const storage::DeviceId& device,
                const storage::Pseudonym& pseudonym);

 private:
  absl::StatusOr<storage::Pseudonym> PseudonymOf(const storage::TenantId& tenant,
                                                 const std::string& subject,
                                                 storage::CallDeadline deadline);
  absl::StatusOr<std::string> Pseudonymise(const storage::TenantId& tenant, std::string_view target,
                                           storage::CallDeadline deadline);
  void Keep(const storage::TenantId& tenant, const std::string& subject,
            const storage::Pseudonym& pseudonym);

  storage::PseudonymStore& pseudonyms_;
  const storage::RandomSource random_;
  absl::Mutex mutex_;
  absl::flat_hash_map<std::pair<storage::TenantId, std::string>, storage::Pseudonym> known_
      ABSL_GUARDED_BY(mutex_);
};

// "operator", "gateway", ...: how a role stands in entries.
std::string_view RoleText(Role role);

// What an entry's bytes say.
struct ReadAuditEntry {
  std::string kind;
  std::string role;
  // Absent: none.
  std::optional<storage::Pseudonym> actor;
  std::string target;
  AuditDetails details;
  std::string request_id;
};

// InvalidArgument unless the bytes are an entry by the grammar above; unknown keys are passed over.
absl::StatusOr<ReadAuditEntry> ParseAuditEntry(absl::Span<const uint8_t> entry);

// The pseudonyms in an entry's target.
std::vector<storage::Pseudonym> PseudonymsIn(const std::string& target);
// The target with what `subjects` resolves in place of its pseudonyms; the others stay.
std::string Resolve(const std::string& target,
                    const std::map<storage::Pseudonym, std::string>& subjects);

// What a refused caller named may be anything: what is no resource name is kept as "(malformed)".
// Keeps refusals of the dispatcher as entries "rpc.denied" in the tenant that the caller belongs
// to, or the platform's. Thread safe; borrows all.
class DenialRecorder : public AuditSink {
 public:
  DenialRecorder(AuditComposer& composer, storage::TenantReader& tenants,
                 storage::AuditWriter& writer)
      : composer_(composer), tenants_(tenants), writer_(writer) {}

  absl::Status RecordDenial(const Denial& denial) override;

 private:
  AuditComposer& composer_;
  storage::TenantReader& tenants_;
  storage::AuditWriter& writer_;
};

}  // namespace tam::runtime

#endif  // TAMARACK_SERVICES_RUNTIME_AUDIT_ENTRY_H_

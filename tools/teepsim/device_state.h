// What a simulated device keeps on disk, in one folder:
//
//   keys/NAME.pem            private keys (PKCS#8): agent, attestation, report
//   state.cbor               identity, trust anchors, what is installed, the last answer
//   components/NAME          one file a component
//   manifests/DIGEST.suit    envelopes of installed manifests
//   journal.cbor             a commit that is under way
//
// A commit of several files is written to the journal first, in one rename; opening a folder
// finishes what the journal says. A crash therefore leaves the old state or the new one.
#ifndef TAMARACK_TOOLS_TEEPSIM_DEVICE_STATE_H_
#define TAMARACK_TOOLS_TEEPSIM_DEVICE_STATE_H_

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "crypto/keys/key.h"
#include "crypto/secret/secret.h"
#include "teep/suit/envelope.h"
#include "tools/teepsim/durable_files.h"
#include "tools/teepsim/suit_processor/processor.h"

namespace tam::teepsim {

struct DeviceProfile {
  keys::KeyType suite = keys::KeyType::kP256;  // of the agent key, and thus of the TEEP messages
  std::string ueid;                            // RFC 9711: 0x01 and 16 random bytes by default
  std::string oemid;
  std::string hwmodel;
  std::string hwversion = "1.0";
  std::string vendor_id;                            // SUIT, 16 bytes
  std::string class_id;                             // SUIT, 16 bytes
  std::map<std::string, std::string> measurements;  // name -> SHA-256
  bool operator==(const DeviceProfile&) const = default;
};

// The class that teepsim devices belong to unless told otherwise; only the ueid is random.
DeviceProfile DefaultProfile(secret::RandomSource& random);

struct InstalledManifest {
  suit::ComponentId id;
  uint64_t sequence_number = 0;
  suit::Digest digest;
  bool operator==(const InstalledManifest&) const = default;
};

// The last Update that was answered, so that the same one again gets the same answer.
struct LastAnswer {
  std::string token;
  std::string update_digest;  // SHA-256 over what the Update asked for
  std::string answer;         // the signed Success or Error
  bool operator==(const LastAnswer&) const = default;
};

// The contents of state.cbor.
struct StateRecord {
  DeviceProfile profile;
  std::vector<keys::PublicKey> tam_keys;
  std::vector<keys::PublicKey> manifest_anchors;
  std::vector<InstalledManifest> manifests;
  std::map<suit::ComponentId, suit::ComponentId> owners;  // component -> manifest
  std::optional<LastAnswer> last_answer;
  // Whether the last QueryRequest had a token or a challenge; nullopt: there was none, or its TAM
  // could not be reached since.
  std::optional<bool> last_request_bound;
  bool operator==(const StateRecord&) const = default;
};
std::string EncodeState(const StateRecord& record);
// InvalidArgument "state.cbor: …".
absl::StatusOr<StateRecord> DecodeState(suit::Bytes encoded);

// File name of a component, another for each: its elements joined by '+', in hex ("0x…") where they
// are not plain; a digest where that were too long or nothing.
std::string ComponentFileName(const suit::ComponentId& id);

// One process at a time holds a folder. Not thread safe.
class DeviceState : public Holdings {
 public:
  // Creates keys and the folder; `attestation` is the type of the keys for Evidence and for
  // reports. AlreadyExists when it holds a device.
  static absl::StatusOr<std::unique_ptr<DeviceState>> Create(
      const std::string& folder, const DeviceProfile& profile,
      keys::KeyType attestation = keys::KeyType::kP256);
  // NotFound without a device; FailedPrecondition when another process has it open; DataLoss when
  // a file is damaged.
  static absl::StatusOr<std::unique_ptr<DeviceState>> Open(const std::string& folder,
                                                           FaultHook fault = nullptr);
  ~DeviceState() override;

  const std::string& folder() const { return files_.root(); }
  const StateRecord& record() const { return record_; }
  const keys::PrivateKey& agent_key() const { return *agent_key_; }
  const keys::PrivateKey& attestation_key() const { return *attestation_key_; }
  // Signs SUIT reports: never the key of the messages (draft -26 section 4.5).
  const keys::PrivateKey& report_key() const { return *report_key_; }

  std::optional<std::string> ReadComponent(const suit::ComponentId& id) const override;
  std::optional<suit::ComponentId> OwnerOf(const suit::ComponentId& id) const override;
  std::optional<Holdings::InstalledManifest> FindManifest(
      const suit::ComponentId& id) const override;
  // The envelope of an installed manifest, as it was delivered.
  absl::StatusOr<std::string> ReadEnvelope(const suit::Digest& digest) const;

  // Each is durable when it returns OK; on an error the folder holds the state before or after.
  absl::Status AddTrust(const std::vector<keys::PublicKey>& tam_keys,
                        const std::vector<keys::PublicKey>& manifest_anchors);
  absl::Status CommitInstall(const suit::Envelope& envelope, const ComponentChanges& changes);
  absl::Status CommitUninstall(const suit::ComponentId& manifest_id,
                               const ComponentChanges& changes);
  absl::Status SetLastAnswer(const LastAnswer& answer);
  absl::Status SetLastRequestBound(std::optional<bool> bound);

 private:
  // Name -> bytes; nullopt: removed.
  using FileChanges = std::map<std::string, std::optional<std::string>>;

  DeviceState(std::string folder, FaultHook fault) : files_(std::move(folder), std::move(fault)) {}
  absl::Status Lock();
  absl::Status Load();
  absl::Status Commit(StateRecord next, const FileChanges& changes);
  absl::Status FinishJournal();
  static void ApplyChanges(const ComponentChanges& changes, const suit::ComponentId& owner,
                           StateRecord& next, FileChanges& files);

  DurableFiles files_;
  int lock_ = -1;
  StateRecord record_;
  std::optional<keys::PrivateKey> agent_key_;
  std::optional<keys::PrivateKey> attestation_key_;
  std::optional<keys::PrivateKey> report_key_;
};

}  // namespace tam::teepsim

#endif  // TAMARACK_TOOLS_TEEPSIM_DEVICE_STATE_H_

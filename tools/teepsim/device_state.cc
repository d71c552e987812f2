#include "tools/teepsim/device_state.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>

#include "absl/strings/escaping.h"
#include "crypto/cbor/cbor.h"
#include "crypto/text/text.h"
#include "tools/teepsim/journal.h"
#include "tools/teepsim/status_macros.h"

namespace tam::teepsim {
namespace {

constexpr char kStateFile[] = "state.cbor";
constexpr char kJournalFile[] = "journal.cbor";
constexpr char kAgentKeyFile[] = "keys/agent.pem";
constexpr char kAttestationKeyFile[] = "keys/attestation.pem";
constexpr char kReportKeyFile[] = "keys/report.pem";
constexpr size_t kMaxFileName = 200;

bool IsPlain(std::string_view element) {
  return !element.empty() && element.front() != '.' && !element.starts_with("0x") &&
         std::all_of(element.begin(), element.end(), [](unsigned char c) {
           return std::isalnum(c) || c == '.' || c == '-' || c == '_';
         });
}

std::string DigestText(std::string_view bytes) {
  const secret::Digest256 digest = secret::Sha256(cbor::AsBytes(bytes));
  return std::string(digest.begin(), digest.end());
}

std::string ManifestFile(const suit::Digest& digest) {
  return Concat("manifests/", absl::BytesToHexString(digest.bytes), ".suit");
}

std::string ComponentFile(const suit::ComponentId& id) {
  return Concat("components/", ComponentFileName(id));
}

absl::StatusOr<keys::PrivateKey> ReadKey(const DurableFiles& files, std::string_view name) {
  TEEPSIM_ASSIGN_OR_RETURN(const std::string pem, files.Read(name));
  return keys::PrivateKey::FromPem(pem);
}

absl::Status MakeKey(DurableFiles& files, std::string_view name, keys::KeyType type) {
  TEEPSIM_ASSIGN_OR_RETURN(const keys::PrivateKey key, keys::PrivateKey::Generate(type));
  const secret::SecretBytes pem = key.ToPkcs8Pem();
  return files.Replace(name, cbor::AsView(pem.Reveal()), 0600);
}

}  // namespace

DeviceProfile DefaultProfile(secret::RandomSource& random) {
  DeviceProfile profile;
  profile.ueid.assign(17, '\x01');
  random.Fill(absl::MakeSpan(reinterpret_cast<uint8_t*>(profile.ueid.data()) + 1, 16));
  profile.oemid = DigestText("tamarack teepsim oem").substr(0, 16);
  profile.hwmodel = "teepsim-1";
  profile.vendor_id = DigestText("tamarack teepsim vendor").substr(0, 16);
  profile.class_id = DigestText("tamarack teepsim class").substr(0, 16);
  profile.measurements = {{"firmware", DigestText("tamarack teepsim firmware 1")}};
  return profile;
}

std::string ComponentFileName(const suit::ComponentId& id) {
  std::string name;
  for (const std::string& element : id) {
    if (&element != &id.front()) name += '+';
    name += IsPlain(element) ? element : Concat("0x", absl::BytesToHexString(element));
  }
  if (!name.empty() && name.size() <= kMaxFileName) return name;
  // No name above begins so: what follows 0x there is hex.
  return Concat("0xsha256+", absl::BytesToHexString(DigestText(suit::EncodeComponentId(id))));
}

absl::StatusOr<std::unique_ptr<DeviceState>> DeviceState::Create(const std::string& folder,
                                                                 const DeviceProfile& profile,
                                                                 keys::KeyType attestation) {
  for (const char* sub : {"keys", "components", "manifests"}) {
    TEEPSIM_RETURN_IF_ERROR(DurableFiles::MakeFolder(Concat(folder, "/", sub)));
  }
  DurableFiles files(folder);
  if (files.Exists(kStateFile)) {
    return absl::AlreadyExistsError(Concat(folder, ": holds a device already"));
  }
  TEEPSIM_RETURN_IF_ERROR(MakeKey(files, kAgentKeyFile, profile.suite));
  TEEPSIM_RETURN_IF_ERROR(MakeKey(files, kAttestationKeyFile, attestation));
  TEEPSIM_RETURN_IF_ERROR(MakeKey(files, kReportKeyFile, attestation));
  StateRecord record;
  record.profile = profile;
  TEEPSIM_RETURN_IF_ERROR(files.Replace(kStateFile, EncodeState(record)));
  return Open(folder);
}

absl::StatusOr<std::unique_ptr<DeviceState>> DeviceState::Open(const std::string& folder,
                                                               FaultHook fault) {
  std::unique_ptr<DeviceState> state(new DeviceState(folder, std::move(fault)));
  if (!state->files_.Exists(kStateFile)) {
    return absl::NotFoundError(Concat(folder, ": no device; run teepsim init"));
  }
  TEEPSIM_RETURN_IF_ERROR(state->Lock());
  TEEPSIM_RETURN_IF_ERROR(state->FinishJournal());
  if (auto status = state->Load(); !status.ok()) {
    return absl::DataLossError(Concat(folder, ": ", StdView(status.message())));
  }
  return state;
}

DeviceState::~DeviceState() {
  if (lock_ >= 0) close(lock_);
}

absl::Status DeviceState::Lock() {
  lock_ = open(Concat(files_.root(), "/lock").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
  if (lock_ >= 0 && flock(lock_, LOCK_EX | LOCK_NB) == 0) return absl::OkStatus();
  return absl::FailedPreconditionError(Concat(files_.root(), ": in use by another process"));
}

absl::Status DeviceState::Load() {
  TEEPSIM_ASSIGN_OR_RETURN(const std::string state, files_.Read(kStateFile));
  TEEPSIM_ASSIGN_OR_RETURN(record_, DecodeState(cbor::AsBytes(state)));
  TEEPSIM_ASSIGN_OR_RETURN(agent_key_, ReadKey(files_, kAgentKeyFile));
  TEEPSIM_ASSIGN_OR_RETURN(attestation_key_, ReadKey(files_, kAttestationKeyFile));
  if (!files_.Exists(kReportKeyFile)) {  // of a device that was made before there were such keys
    TEEPSIM_RETURN_IF_ERROR(MakeKey(files_, kReportKeyFile, attestation_key_->type()));
  }
  TEEPSIM_ASSIGN_OR_RETURN(report_key_, ReadKey(files_, kReportKeyFile));
  return absl::OkStatus();
}

std::optional<std::string> DeviceState::ReadComponent(const suit::ComponentId& id) const {
  if (!record_.owners.contains(id)) return std::nullopt;
  auto bytes = files_.Read(ComponentFile(id));
  if (!bytes.ok()) return std::nullopt;
  return *std::move(bytes);
}

std::optional<suit::ComponentId> DeviceState::OwnerOf(const suit::ComponentId& id) const {
  const auto owner = record_.owners.find(id);
  if (owner == record_.owners.end()) return std::nullopt;
  return owner->second;
}

std::optional<Holdings::InstalledManifest> DeviceState::FindManifest(
    const suit::ComponentId& id) const {
  for (const auto& manifest : record_.manifests) {
    if (manifest.id == id) {
      return Holdings::InstalledManifest{manifest.sequence_number, manifest.digest};
    }
  }
  return std::nullopt;
}

absl::StatusOr<std::string> DeviceState::ReadEnvelope(const suit::Digest& digest) const {
  return files_.Read(ManifestFile(digest));
}

absl::Status DeviceState::AddTrust(const std::vector<keys::PublicKey>& tam_keys,
                                   const std::vector<keys::PublicKey>& manifest_anchors) {
  StateRecord next = record_;
  const auto add = [](const std::vector<keys::PublicKey>& from, std::vector<keys::PublicKey>& to) {
    for (const keys::PublicKey& key : from) {
      if (std::find(to.begin(), to.end(), key) == to.end()) to.push_back(key);
    }
  };
  add(tam_keys, next.tam_keys);
  add(manifest_anchors, next.manifest_anchors);
  return Commit(std::move(next), {});
}

void DeviceState::ApplyChanges(const ComponentChanges& changes, const suit::ComponentId& owner,
                               StateRecord& next, FileChanges& files) {
  for (const auto& [id, bytes] : changes) {
    if (bytes == nullptr) {
      next.owners.erase(id);
      files[ComponentFile(id)] = std::nullopt;
    } else {
      next.owners.insert_or_assign(id, owner);
      files[ComponentFile(id)] = *bytes;
    }
  }
}

absl::Status DeviceState::CommitInstall(const suit::Envelope& envelope,
                                        const ComponentChanges& changes) {
  const suit::Manifest& manifest = envelope.unverified_manifest();
  teepsim::InstalledManifest installed{.id = ManifestIdOf(manifest),
                                       .sequence_number = manifest.sequence_number,
                                       .digest = envelope.claimed_digest()};
  StateRecord next = record_;
  FileChanges files;
  std::erase_if(next.manifests, [&](const teepsim::InstalledManifest& other) {
    if (other.id != installed.id) return false;
    files[ManifestFile(other.digest)] = std::nullopt;
    return true;
  });
  files[ManifestFile(installed.digest)] = envelope.bytes();
  ApplyChanges(changes, installed.id, next, files);
  next.manifests.push_back(std::move(installed));
  return Commit(std::move(next), files);
}

absl::Status DeviceState::CommitUninstall(const suit::ComponentId& manifest_id,
                                          const ComponentChanges& changes) {
  StateRecord next = record_;
  FileChanges files;
  std::erase_if(next.manifests, [&](const teepsim::InstalledManifest& other) {
    if (other.id != manifest_id) return false;
    files[ManifestFile(other.digest)] = std::nullopt;
    return true;
  });
  ApplyChanges(changes, manifest_id, next, files);
  return Commit(std::move(next), files);
}

absl::Status DeviceState::SetLastAnswer(const LastAnswer& answer) {
  StateRecord next = record_;
  next.last_answer = answer;
  return Commit(std::move(next), {});
}

absl::Status DeviceState::SetLastRequestBound(std::optional<bool> bound) {
  if (record_.last_request_bound == bound) return absl::OkStatus();
  StateRecord next = record_;
  next.last_request_bound = bound;
  return Commit(std::move(next), {});
}

absl::Status DeviceState::Commit(StateRecord next, const FileChanges& changes) {
  std::string state = EncodeState(next);
  if (changes.empty()) {
    TEEPSIM_RETURN_IF_ERROR(files_.Replace(kStateFile, state));
  } else {
    const Journal journal{std::move(state), changes};
    TEEPSIM_RETURN_IF_ERROR(files_.Replace(kJournalFile, EncodeJournal(journal)));
    TEEPSIM_RETURN_IF_ERROR(FinishJournal());
  }
  record_ = std::move(next);
  return absl::OkStatus();
}

// Every step may be repeated: after a crash it starts again from the first.
absl::Status DeviceState::FinishJournal() {
  if (!files_.Exists(kJournalFile)) return absl::OkStatus();
  TEEPSIM_ASSIGN_OR_RETURN(const std::string bytes, files_.Read(kJournalFile));
  const auto journal = DecodeJournal(cbor::AsBytes(bytes));
  if (!journal.ok()) {
    return absl::DataLossError(Concat(files_.root(), ": ", StdView(journal.status().message())));
  }
  for (const auto& [name, content] : journal->files) {
    TEEPSIM_RETURN_IF_ERROR(content.has_value() ? files_.Replace(name, *content)
                                                : files_.Remove(name));
  }
  TEEPSIM_RETURN_IF_ERROR(files_.Replace(kStateFile, journal->state));
  return files_.Remove(kJournalFile);
}

}  // namespace tam::teepsim

// Many simulated devices in one process. Each is a teepsim device with keys, evidence, a SUIT
// processor and a folder of its own; threads in a bounded number run their sessions one after
// another, and each device has one under way at most.
#ifndef TAMARACK_TESTS_FAULTS_FLEET_FLEET_H_
#define TAMARACK_TESTS_FAULTS_FLEET_FLEET_H_

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "crypto/keys/key.h"
#include "tests/faults/fleet/fleet_transport.h"
#include "tests/faults/fleet/ledger.h"
#include "tools/teepsim/device_state.h"
#include "tools/teepsim/transport.h"

namespace tam::testing {

struct FleetOptions {
  std::string folder;  // exists; a folder below it for each device
  std::string prefix = "fleet-";
  size_t devices = 50;
  size_t threads = 8;
  std::vector<std::string> tam_urls;  // one TAM, through any number of gateways
  std::vector<keys::PublicKey> tam_keys;
  std::vector<keys::PublicKey> manifest_anchors;
  Patience patience;
};

// Of all devices together.
struct FleetCounts {
  int64_t begun = 0;
  int64_t completed = 0;
  int64_t given_up = 0;
  std::map<std::string, int64_t> errors;
};
FleetCounts operator-(FleetCounts a, const FleetCounts& b);

// One completed session, by the monotonic clock.
struct Completion {
  absl::Duration begun;
  absl::Duration ended;
};

// Every second device speaks P-256, the others Ed25519; every second pair keeps to one gateway for
// a session, the others change with each message. Thread safe, where nothing else is said.
class Fleet {
 public:
  // Makes keys and folders. Errors of the disk; InvalidArgument for a malformed URL.
  static absl::StatusOr<std::unique_ptr<Fleet>> Create(FleetOptions options);
  ~Fleet();  // as Pause, but sessions under way end after the exchange that they are in

  // Devices begin session after session, in turn, until Pause.
  void Start();
  // Returns when no session is under way.
  void Pause();
  // While paused: each device runs sessions until one of them found nothing to do, so that
  // everything is delivered, and acknowledged. DeadlineExceeded names devices that do not come to
  // rest within `limit`; the fleet is then paused all the same.
  absl::Status Settle(absl::Duration limit);
  // DeadlineExceeded unless `more` sessions that begin from now on complete within `limit`.
  absl::Status AwaitCompleted(int64_t more, absl::Duration limit);

  FleetCounts counts() const;
  std::vector<Completion> completions() const;
  static absl::Duration Now();

  // All devices trust these keys besides: before they begin a session, and before they go on from
  // the gate.
  void Trust(const std::vector<keys::PublicKey>& tam_keys);
  // From the next sessions on. InvalidArgument for a malformed one.
  absl::Status SetUrls(const std::vector<std::string>& tam_urls) { return ReadUrls(tam_urls); }
  // While closed, devices that have a QueryRequest do not answer it. Open at first.
  void CloseGate();
  void OpenGate();
  // DeadlineExceeded unless so many devices stand before it within `limit`.
  absl::Status AwaitAtGate(size_t devices, absl::Duration limit);

  // While paused.
  const Ledger& ledger() const { return ledger_; }
  size_t size() const { return members_.size(); }
  const teepsim::DeviceState& state(size_t i) const { return *members_[i].state; }
  const std::string& name(size_t i) const { return members_[i].name; }
  const std::string& prefix() const { return options_.prefix; }

 private:
  struct Member {
    std::string name;
    size_t number = 0;
    std::unique_ptr<teepsim::DeviceState> state;
    DeviceLedger* ledger = nullptr;
    std::unique_ptr<MessageLog> log;
    bool at_rest = false;               // Settle: its last session found nothing to do
    std::vector<keys::PublicKey> told;  // TAM keys that it is yet to trust
    FleetCounts counted;                // what counts_ has of its ledger
  };

  explicit Fleet(FleetOptions options) : options_(std::move(options)) {}
  absl::Status MakeMember(size_t number);
  absl::Status ReadUrls(const std::vector<std::string>& tam_urls);
  void Work();
  Member* Next();
  void RunSession(Member& member);
  bool RunDevice(Member& member);
  // Waits for the gate, and takes note of what the device was told meanwhile.
  absl::Status PassGate(Member& member);
  absl::Status Learn(Member& member);
  static absl::Status NoteStep(DeviceLedger& ledger, std::string_view step);
  static void NotePresent(const teepsim::DeviceState& state, DeviceLedger& ledger);
  void StopThreads();

  const FleetOptions options_;
  std::vector<Member> members_;
  Ledger ledger_;
  std::atomic<bool> leaving_{false};  // makes no further attempt
  std::vector<std::thread> threads_;

  mutable std::mutex mutex_;  // guards what follows
  std::condition_variable changed_;
  std::vector<teepsim::Url> urls_;
  std::deque<Member*> idle_;
  size_t under_way_ = 0;
  enum class Mode { kPaused, kRunning, kSettling, kEnd } mode_ = Mode::kPaused;
  bool gate_open_ = true;
  size_t at_gate_ = 0;
  FleetCounts counts_;
  std::vector<Completion> completions_;
};

}  // namespace tam::testing

#endif  // TAMARACK_TESTS_FAULTS_FLEET_FLEET_H_

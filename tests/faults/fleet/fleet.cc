#include "tests/faults/fleet/fleet.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "crypto/secret/secret.h"
#include "tools/teepsim/device.h"

namespace tam::testing {
namespace {

// What the device saw when its session ended by an error. A failed exchange is counted already.
std::string KindOfEnd(const absl::Status& status) {
  switch (status.code()) {
    case absl::StatusCode::kUnauthenticated:
      return "signed by no trusted TAM key";
    case absl::StatusCode::kFailedPrecondition:
      return "broken HTTP answer";
    case absl::StatusCode::kUnavailable:
      return "gave up";
    default:
      return absl::StrCat("ended: ", absl::StatusCodeToString(status.code()));
  }
}

}  // namespace

FleetCounts operator-(FleetCounts a, const FleetCounts& b) {
  a.begun -= b.begun;
  a.completed -= b.completed;
  a.given_up -= b.given_up;
  for (const auto& [kind, count] : b.errors) {
    if ((a.errors[kind] -= count) == 0) a.errors.erase(kind);
  }
  return a;
}

absl::Duration Fleet::Now() {
  return absl::FromChrono(std::chrono::steady_clock::now().time_since_epoch());
}

absl::StatusOr<std::unique_ptr<Fleet>> Fleet::Create(FleetOptions options) {
  std::unique_ptr<Fleet> fleet(new Fleet(std::move(options)));
  if (auto status = fleet->ReadUrls(fleet->options_.tam_urls); !status.ok()) return status;
  fleet->members_.reserve(fleet->options_.devices);
  for (size_t i = 0; i < fleet->options_.devices; ++i) {
    if (auto status = fleet->MakeMember(i); !status.ok()) return status;
  }
  for (Member& member : fleet->members_) fleet->idle_.push_back(&member);
  for (size_t i = 0; i < fleet->options_.threads; ++i) {
    fleet->threads_.emplace_back([fleet = fleet.get()] { fleet->Work(); });
  }
  return fleet;
}

absl::Status Fleet::ReadUrls(const std::vector<std::string>& tam_urls) {
  std::vector<teepsim::Url> urls;
  for (const std::string& text : tam_urls) {
    auto url = teepsim::ParseUrl(text);
    if (!url.ok()) return url.status();
    urls.push_back(*std::move(url));
  }
  if (urls.empty()) return absl::InvalidArgumentError("tam_urls: want at least one");
  std::lock_guard lock(mutex_);
  urls_ = std::move(urls);
  return absl::OkStatus();
}

absl::Status Fleet::MakeMember(size_t number) {
  Member& member = members_.emplace_back();
  member.number = number;
  member.name = absl::StrFormat("%s%04d", options_.prefix, number);
  DeviceLedger& ledger = ledger_[member.name];
  member.ledger = &ledger;
  member.log = std::make_unique<MessageLog>(ledger);
  teepsim::DeviceProfile profile = teepsim::DefaultProfile(tam::secret::RandomSource::System());
  profile.suite = number % 2 == 0 ? keys::KeyType::kP256 : keys::KeyType::kEd25519;
  const std::string folder = absl::StrCat(options_.folder, "/", member.name);
  // Made first, then opened again with the hook that watches what is installed.
  auto made = teepsim::DeviceState::Create(folder, profile);
  if (!made.ok()) return made.status();
  made->reset();
  auto opened = teepsim::DeviceState::Open(
      folder, [&ledger](std::string_view step) { return NoteStep(ledger, step); });
  if (!opened.ok()) return opened.status();
  member.state = *std::move(opened);
  return member.state->AddTrust(options_.tam_keys, options_.manifest_anchors);
}

// A manifest's envelope is put in place once for each installation, under its digest.
absl::Status Fleet::NoteStep(DeviceLedger& ledger, std::string_view step) {
  constexpr std::string_view kBefore = "rename manifests/";
  constexpr std::string_view kBehind = ".suit";
  if (step.starts_with(kBefore) && step.ends_with(kBehind)) {
    step.remove_prefix(kBefore.size());
    step.remove_suffix(kBehind.size());
    ++ledger.placed[absl::HexStringToBytes(absl::string_view(step.data(), step.size()))];
  }
  return absl::OkStatus();
}

void Fleet::NotePresent(const teepsim::DeviceState& state, DeviceLedger& ledger) {
  ledger.present.clear();
  for (const auto& manifest : state.record().manifests) {
    const ManifestVersion version{ComponentKey(manifest.id), manifest.digest.bytes,
                                  manifest.sequence_number};
    ledger.present.insert(version);
    ledger.installs[version] = ledger.placed[version.digest];
  }
}

Fleet::~Fleet() { StopThreads(); }

void Fleet::StopThreads() {
  leaving_ = true;
  {
    std::lock_guard lock(mutex_);
    mode_ = Mode::kEnd;
    gate_open_ = true;
    changed_.notify_all();
  }
  for (std::thread& thread : threads_) thread.join();
  threads_.clear();
}

void Fleet::Start() {
  std::lock_guard lock(mutex_);
  mode_ = Mode::kRunning;
  changed_.notify_all();
}

void Fleet::Pause() {
  std::unique_lock lock(mutex_);
  mode_ = Mode::kPaused;
  changed_.wait(lock, [this] { return under_way_ == 0; });
}

absl::Status Fleet::Settle(absl::Duration limit) {
  std::unique_lock lock(mutex_);
  for (Member& member : members_) member.at_rest = false;
  mode_ = Mode::kSettling;
  changed_.notify_all();
  const auto rested = [this] {
    return under_way_ == 0 && std::all_of(members_.begin(), members_.end(),
                                          [](const Member& member) { return member.at_rest; });
  };
  const bool all = changed_.wait_for(lock, absl::ToChronoNanoseconds(limit), rested);
  mode_ = Mode::kPaused;
  changed_.wait(lock, [this] { return under_way_ == 0; });
  if (all) return absl::OkStatus();
  std::vector<std::string> restless;
  for (const Member& member : members_) {
    if (!member.at_rest) restless.push_back(member.name);
  }
  return absl::DeadlineExceededError(absl::StrCat("not at rest after ", absl::FormatDuration(limit),
                                                  ": ", absl::StrJoin(restless, " ")));
}

absl::Status Fleet::AwaitCompleted(int64_t more, absl::Duration limit) {
  const absl::Duration from = Now();
  std::unique_lock lock(mutex_);
  size_t looked_at = completions_.size();
  int64_t seen = 0;
  const bool came = changed_.wait_for(lock, absl::ToChronoNanoseconds(limit), [&] {
    for (; looked_at < completions_.size(); ++looked_at) {
      if (completions_[looked_at].begun >= from) ++seen;
    }
    return seen >= more;
  });
  if (came) return absl::OkStatus();
  return absl::DeadlineExceededError(absl::StrCat("want ", more, " sessions within ",
                                                  absl::FormatDuration(limit), ", got ", seen));
}

FleetCounts Fleet::counts() const {
  std::lock_guard lock(mutex_);
  return counts_;
}

std::vector<Completion> Fleet::completions() const {
  std::lock_guard lock(mutex_);
  return completions_;
}

void Fleet::Trust(const std::vector<keys::PublicKey>& tam_keys) {
  std::lock_guard lock(mutex_);
  for (Member& member : members_) {
    member.told.insert(member.told.end(), tam_keys.begin(), tam_keys.end());
  }
}

void Fleet::CloseGate() {
  std::lock_guard lock(mutex_);
  gate_open_ = false;
}

void Fleet::OpenGate() {
  std::lock_guard lock(mutex_);
  gate_open_ = true;
  changed_.notify_all();
}

absl::Status Fleet::AwaitAtGate(size_t devices, absl::Duration limit) {
  std::unique_lock lock(mutex_);
  const bool came = changed_.wait_for(lock, absl::ToChronoNanoseconds(limit),
                                      [&] { return at_gate_ >= devices; });
  if (came) return absl::OkStatus();
  return absl::DeadlineExceededError(
      absl::StrCat("want ", devices, " devices that hold a ", "QueryRequest, got ", at_gate_));
}

// The next device whose turn it is; null at the end.
Fleet::Member* Fleet::Next() {
  std::unique_lock lock(mutex_);
  for (;; changed_.wait(lock)) {
    if (mode_ == Mode::kEnd) return nullptr;
    if (mode_ == Mode::kPaused) continue;
    const auto turn = std::find_if(idle_.begin(), idle_.end(), [this](const Member* member) {
      return mode_ == Mode::kRunning || !member->at_rest;
    });
    if (turn == idle_.end()) continue;
    Member* member = *turn;
    idle_.erase(turn);
    ++under_way_;
    return member;
  }
}

void Fleet::Work() {
  while (Member* member = Next()) RunSession(*member);
}

void Fleet::RunSession(Member& member) {
  const absl::Duration begun = Now();
  const bool completed = RunDevice(member);
  std::lock_guard lock(mutex_);
  if (completed) completions_.push_back({begun, Now()});
  const FleetCounts all{member.ledger->begun, member.ledger->completed, member.ledger->given_up,
                        member.ledger->errors};
  const FleetCounts added = all - member.counted;
  counts_.begun += added.begun;
  counts_.completed += added.completed;
  counts_.given_up += added.given_up;
  for (const auto& [kind, count] : added.errors) counts_.errors[kind] += count;
  member.counted = all;
  idle_.push_back(&member);
  --under_way_;
  changed_.notify_all();
}

// True when the session completed.
bool Fleet::RunDevice(Member& member) {
  DeviceLedger& ledger = *member.ledger;
  std::vector<teepsim::Url> urls;
  {
    std::lock_guard lock(mutex_);
    urls = urls_;
  }
  ++ledger.begun;
  const absl::Status learnt = Learn(member);
  const FleetTransport::Gate gate = [this, &member] { return PassGate(member); };
  const size_t first = member.number / 2 + static_cast<size_t>(ledger.begun);
  FleetTransport transport(urls, first, /*sticky=*/(member.number / 2) % 2 == 0, options_.patience,
                           ledger, *member.log, leaving_, gate);
  teepsim::LoopbackPayloadSource payloads;
  teepsim::Transcript quiet(nullptr);
  teepsim::Device device(*member.state, transport, payloads, quiet);
  const absl::StatusOr<teepsim::SessionResult> result =
      learnt.ok() ? device.RunSession() : absl::StatusOr<teepsim::SessionResult>(learnt);
  NotePresent(*member.state, ledger);
  if (!result.ok()) ++ledger.errors[KindOfEnd(result.status())];
  const bool completed = result.ok() && result->ok();
  ++(completed ? ledger.completed : ledger.given_up);
  member.at_rest = completed && result->installed.empty() && result->removed.empty();
  return completed;
}

absl::Status Fleet::PassGate(Member& member) {
  {
    std::unique_lock lock(mutex_);
    if (gate_open_) return absl::OkStatus();
    ++at_gate_;
    changed_.notify_all();
    changed_.wait(lock, [this] { return gate_open_; });
    --at_gate_;
  }
  return Learn(member);
}

absl::Status Fleet::Learn(Member& member) {
  std::vector<keys::PublicKey> keys;
  {
    std::lock_guard lock(mutex_);
    keys.swap(member.told);
  }
  return keys.empty() ? absl::OkStatus() : member.state->AddTrust(keys, {});
}

}  // namespace tam::testing

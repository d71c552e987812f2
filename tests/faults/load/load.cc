#include "tests/faults/load/load.h"

#include <stdlib.h>

#include <iostream>
#include <sstream>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/time/clock.h"
#include "crypto/cbor/cbor.h"
#include "crypto/keys/key_file.h"
#include "teep/suit/envelope.h"
#include "tests/faults/fleet/enrolment.h"
#include "tests/support/status_matchers.h"
#include "tools/teepsim/suit_processor/processor.h"

namespace tam::testing {
namespace {

constexpr absl::Duration kLimit = absl::Seconds(60);
// How long the old rate is waited for; its absence is reported, not an error.
constexpr absl::Duration kRateLimit = absl::Seconds(15);

std::vector<std::string> TamUrls(Stack& stack) {
  std::vector<std::string> urls;
  for (int i = 0; i < stack.options().replicas; ++i) urls.push_back(stack.TamUrl(kMainPath, i));
  return urls;
}

}  // namespace

std::vector<keys::PublicKey> ReadPublicKeys(const std::string& path) {
  constexpr char kEnd[] = "-----END PUBLIC KEY-----\n";
  std::vector<keys::PublicKey> keys;
  for (absl::string_view block : absl::StrSplit(ContentOf(path), kEnd, absl::SkipWhitespace())) {
    auto key = keys::ParsePublicKeyFile(cbor::AsBytes(absl::StrCat(block, kEnd)));
    EXPECT_THAT(key, IsOk()) << path;
    if (key.ok()) keys.push_back(*std::move(key));
  }
  return keys;
}

ManifestVersion ReadManifestVersion(const std::string& path) {
  const std::string bytes = ContentOf(path);
  auto envelope = suit::Envelope::Parse(cbor::AsBytes(bytes));
  EXPECT_THAT(envelope, IsOk()) << path;
  if (!envelope.ok()) return {};
  const suit::Manifest& manifest = envelope->unverified_manifest();
  return {ComponentKey(teepsim::ManifestIdOf(manifest)), envelope->claimed_digest().bytes,
          manifest.sequence_number};
}

Layout LoadLayout() {
  const char* layout = getenv("TAM_FAULTS_LAYOUT");
  return layout != nullptr && std::string(layout) == "together" ? Layout::kTogether
                                                                : Layout::kApart;
}

void ExpectOnlyRepeatable(const FaultResult& result) {
  static const auto& kinds =
      *new std::set<std::string>{"connect", "handshake", "send", "receive", "timeout", "http 503"};
  for (const auto& [kind, count] : result.device_errors) {
    EXPECT_TRUE(kinds.contains(kind)) << result.name << ": " << count << " times " << kind;
  }
}

StackOptions Load::DefaultStack() {
  StackOptions options;
  options.layout = LoadLayout();
  options.replicas = kReplicas;
  return options;
}

std::unique_ptr<Load> Load::Start(size_t devices, StackOptions options) {
  std::unique_ptr<Load> load(new Load());
  auto stack = Stack::Start(std::move(options));
  EXPECT_THAT(stack, IsOk());
  if (!stack.ok()) return nullptr;
  load->stack_ = *std::move(stack);
  load->scenario_.emplace(*load->stack_);
  load->SetUp(devices);
  if (::testing::Test::HasFailure()) return nullptr;
  return load;
}

void Load::SetUp(size_t devices) {
  scenario_->SetUpSample();
  version_ = 1;
  newest_ = ReadManifestVersion(stack_->Path("sample-1.suit"));
  FleetOptions options;
  options.folder = stack_->Path("fleet");
  options.devices = devices;
  options.threads = kLoadThreads;
  options.tam_urls = TamUrls(*stack_);
  options.tam_keys = ReadPublicKeys(stack_->Path("tam-keys.pem"));
  options.manifest_anchors = ReadPublicKeys(stack_->Path("signer.pub.pem"));
  auto fleet = Fleet::Create(std::move(options));
  ASSERT_THAT(fleet, IsOk());
  fleet_ = *std::move(fleet);
  OperatorAccess access;
  access.servers = stack_->tam().AdminServers();
  access.cert_file = stack_->Credential("operator.pem");
  access.key_file = stack_->Credential("operator.key");
  access.ca_file = stack_->Credential("ca.pem");
  const absl::Time start = absl::Now();
  ASSERT_THAT(Enrol(*fleet_, access), IsOk());
  std::cerr << "enrolled " << devices << " devices in " << absl::Now() - start << "\n";
  ASSERT_THAT(fleet_->Settle(kLimit), IsOk());
}

ManifestVersion Load::Publish() {
  ++version_;
  scenario_->Publish(version_, absl::StrCat("version ", version_));
  newest_ = ReadManifestVersion(stack_->Path(absl::StrCat("sample-", version_, ".suit")));
  return newest_;
}

Load::Run Load::Begin(const std::string& name) {
  Run run;
  run.result.name =
      absl::StrCat(name, ", services ", LoadLayout() == Layout::kApart ? "apart" : "together");
  const int64_t sessions = static_cast<int64_t>(2 * fleet_->size());
  const int64_t completed = fleet_->counts().completed;
  run.times.measured_from = Fleet::Now();
  fleet_->Start();
  EXPECT_THAT(fleet_->AwaitCompleted(sessions, kLimit), IsOk());
  run.before = fleet_->counts();
  run.result.sessions_before = run.before.completed - completed;
  return run;
}

void Load::Strike(Run& run, const Fault& fault) {
  run.times.fault_begin = Fleet::Now();
  const int64_t completed = fleet_->counts().completed;
  fault();
  run.times.fault_end = Fleet::Now();
  run.result.sessions_during = fleet_->counts().completed - completed;
}

FaultResult Load::End(Run& run, const CompareOptions& options) {
  const int64_t sessions = static_cast<int64_t>(2 * fleet_->size());
  const int64_t completed = fleet_->counts().completed;
  EXPECT_THAT(fleet_->AwaitCompleted(sessions, kLimit), IsOk()) << run.result.name;
  AddRecovery(fleet_->completions(), run.times, run.result);
  while (!run.result.to_full_rate.has_value() && Fleet::Now() < run.times.fault_end + kRateLimit &&
         fleet_->AwaitCompleted(1, kLimit).ok()) {
    AddRecovery(fleet_->completions(), run.times, run.result);
  }
  fleet_->Pause();
  EXPECT_THAT(fleet_->Settle(kLimit), IsOk()) << run.result.name;
  FleetCounts after = fleet_->counts();
  run.result.sessions_after = after.completed - completed;
  const FleetCounts all = after - run.before;
  run.result.device_errors = all.errors;
  run.result.sessions_given_up = all.given_up;
  auto record =
      ReadTamRecord([this](const std::string& sql) { return stack_->Sql(sql); }, fleet_->prefix());
  EXPECT_THAT(record, IsOk()) << run.result.name;
  if (record.ok()) {
    const auto differences = Compare(fleet_->ledger(), *record, options);
    run.result.ledger_differences = static_cast<int64_t>(differences.size());
    std::ostringstream text;
    for (const Difference& difference : differences) text << "\n" << difference;
    EXPECT_TRUE(differences.empty()) << run.result.name << ":" << text.str();
  }
  const auto known = results_.find(run.result.name);
  const FaultResult total = known == results_.end() ? run.result : Merge(known->second, run.result);
  results_[run.result.name] = total;
  EXPECT_THAT(SaveFaultResult(total), IsOk());
  std::cerr << ToJson(run.result);
  return run.result;
}

FaultResult Load::RunFault(const std::string& name, const Fault& fault) {
  Run run = Begin(name);
  Publish();
  Strike(run, fault);
  return End(run, {.present = {newest_}, .installed_once = {newest_}});
}

std::unique_ptr<Load> LoadTest::load_;

// Ends the Load with the last test of the program.
class LoadEnvironment : public ::testing::Environment {
 public:
  void TearDown() override { LoadTest::load_.reset(); }
};

const auto* const kEnvironment = ::testing::AddGlobalTestEnvironment(new LoadEnvironment);

void LoadTest::SetUp() {
  const size_t devices = LongForm() > absl::ZeroDuration() ? 200 : 40;
  if (load_ == nullptr) load_ = Load::Start(devices);
  ASSERT_NE(load_, nullptr);
}

void LoadTest::Repeat(const std::function<void()>& round) {
  const absl::Time until = absl::Now() + LongForm();
  do {
    round();
  } while (absl::Now() < until && !HasFailure());
}

void LoadTest::ExpectNothingLost(const FaultResult& result) {
  EXPECT_EQ(result.sessions_given_up, 0) << result.name;
  ExpectOnlyRepeatable(result);
}

}  // namespace tam::testing

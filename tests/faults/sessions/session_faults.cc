#include "tests/faults/sessions/session_faults.h"

#include <gmock/gmock.h>

#include <numeric>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "tests/faults/fleet/compare.h"
#include "tests/faults/load/load.h"
#include "tests/support/status_matchers.h"

namespace tam::testing {
namespace {

using SharedTams = std::map<Layout, std::unique_ptr<SampleTam>>;

SharedTams& Shared() {
  static SharedTams& shared = *new SharedTams();
  return shared;
}

// Ends them with the last case of the program.
class EndsSharedTams : public ::testing::Environment {
 public:
  void TearDown() override { Shared().clear(); }
};
const auto* const kEnvironment = ::testing::AddGlobalTestEnvironment(new EndsSharedTams);

}  // namespace

std::unique_ptr<SampleTam> SampleTam::Start(StackOptions options) {
  auto tam = std::make_unique<SampleTam>();
  auto stack = Stack::Start(std::move(options));
  EXPECT_THAT(stack, IsOk());
  if (!stack.ok()) return nullptr;
  tam->stack = *std::move(stack);
  tam->scenario = std::make_unique<Scenario>(*tam->stack);
  tam->scenario->SetUpSample();
  tam->sample = ReadManifestVersion(tam->stack->Path("sample-1.suit"));
  if (::testing::Test::HasFailure()) return nullptr;
  return tam;
}

void SessionFaultTest::UseShared(Layout layout) {
  std::unique_ptr<SampleTam>& tam = Shared()[layout];
  if (tam == nullptr) {
    StackOptions options;
    options.layout = layout;
    options.replicas = kGateways;
    // All devices come from one address, and those of bytes_test fail. An operator with a fleet
    // behind one address says so too.
    if (layout == Layout::kTogether) options.flags[""] = {"--failures_per_source=100000"};
    tam = SampleTam::Start(std::move(options));
  }
  Adopt(tam.get());
}

void SessionFaultTest::StartOwn(StackOptions options) {
  options.replicas = kGateways;
  own_ = SampleTam::Start(std::move(options));
  Adopt(own_.get());
}

void SessionFaultTest::Adopt(SampleTam* tam) {
  static int cases = 0;
  tam_ = tam;
  prefix_ = absl::StrCat("case", ++cases, "-");
  ASSERT_NE(tam_, nullptr);
}

void SessionFaultTest::TearDown() {
  if (tam_ != nullptr) RestoreClock();
}

std::vector<std::string> SessionFaultTest::GatewayUrls() const {
  std::vector<std::string> urls;
  for (int i = 0; i < kGateways; ++i) urls.push_back(tam_->stack->TamUrl(kMainPath, i));
  return urls;
}

LedgeredDevice& SessionFaultTest::NewDevice(const std::string& name,
                                            const std::vector<std::string>& init_flags) {
  const std::string full = absl::StrCat(prefix_, name);
  scenario().AddDevice(full, init_flags);
  devices_.push_back(std::make_unique<LedgeredDevice>(stack(), full, scenario().Folder(full)));
  return *devices_.back();
}

int SessionFaultTest::Count(const LedgeredDevice& device, const std::string& table) {
  int count = -1;
  const std::string rows = stack().Sql(
      absl::StrCat("SELECT count(*) FROM registry.", table,
                   " x JOIN registry.devices d USING (tenant_id, device_id) WHERE d.name = '",
                   device.name(), "'"));
  EXPECT_TRUE(absl::SimpleAtoi(absl::StripAsciiWhitespace(rows), &count)) << rows;
  return count;
}

void SessionFaultTest::SetClock(int64_t seconds) {
  clock_moved_ = true;
  stack().SetClockOffset(seconds);
}

void SessionFaultTest::RestoreClock() {
  if (!clock_moved_) return;
  stack().SetClockOffset(0);
  clock_moved_ = false;
  if (stack().options().layout == Layout::kApart) ForgetGateways();
  ForgetSigning();
}

void SessionFaultTest::Restart(const std::string& service) {
  for (const std::string& name : stack().tam().names()) {
    if (!name.starts_with(service)) continue;
    ASSERT_THAT(stack().Restart(name), IsOk());
  }
}

void SessionFaultTest::ForgetGateway(int gateway) {
  const bool apart = stack().options().layout == Layout::kApart;
  Restart(absl::StrCat(apart ? "gateway-" : "tamd-", gateway));
}

void SessionFaultTest::ForgetGateways() {
  for (int i = 0; i < kGateways; ++i) ForgetGateway(i);
}

void SessionFaultTest::ForgetSigning() {
  Restart(stack().options().layout == Layout::kApart ? "signing" : "tamd");
}

void SessionFaultTest::CompleteSession(LedgeredDevice& device) {
  const auto result = device.RunSession(GatewayUrls());
  ASSERT_THAT(result, IsOk());
  EXPECT_TRUE(result->ok()) << result->tam_error_message;
}

int64_t SessionFaultTest::Completed() const {
  return std::accumulate(
      devices_.begin(), devices_.end(), int64_t{0},
      [](int64_t sum, const auto& device) { return sum + device->ledger().completed; });
}

void SessionFaultTest::BeginFault(const std::string& name) {
  const bool apart = stack().options().layout == Layout::kApart;
  result_.name = absl::StrCat(name, ", services ", apart ? "apart" : "together");
  bystander_ = &NewDevice("bystander");
  CompleteSession(*bystander_);
  completed_before_ = Completed();
  result_.sessions_before = completed_before_;
  fault_begin_ = Fleet::Now();
}

void SessionFaultTest::EndFault() {
  const int64_t completed = Completed();
  result_.sessions_during = completed - completed_before_;
  CompleteSession(*bystander_);
  result_.sessions_after = Completed() - completed;
  if (result_.sessions_after > 0) result_.to_first_session = Fleet::Now() - fault_begin_;
  for (const auto& device : devices_) {
    for (const auto& [kind, count] : device->ledger().errors) CountErrors(kind, count);
    result_.sessions_given_up += device->ledger().given_up;
  }
  CompareLedgers();
  EXPECT_THAT(SaveFaultResult(result_), IsOk());
}

void SessionFaultTest::CompareLedgers() {
  const auto record =
      ReadTamRecord([this](const std::string& sql) { return stack().Sql(sql); }, prefix_);
  ASSERT_THAT(record, IsOk());
  Ledger ledger;
  for (const auto& device : devices_) ledger[device->name()] = device->ledger();
  const auto differences = Compare(ledger, *record);
  result_.ledger_differences = static_cast<int64_t>(differences.size());
  EXPECT_THAT(differences, ::testing::IsEmpty());
}

}  // namespace tam::testing

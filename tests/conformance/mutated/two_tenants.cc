#include "tests/conformance/mutated/two_tenants.h"

#include <filesystem>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "gtest/gtest.h"
#include "tests/faults/fleet/enrolment.h"
#include "tests/support/status_matchers.h"

namespace tam::conformance {

using testing::Fleet;
using testing::FleetOptions;
using testing::IsOk;
using testing::OperatorAccess;
using testing::Scenario;
using testing::Stack;
using testing::StackOptions;

std::string PathOf(size_t tenant, const std::string& endpoint) {
  return absl::StrCat("/tam/", kTenants[tenant], "/", endpoint);
}

std::unique_ptr<TwoTenants> TwoTenants::Start(size_t devices_per_tenant) {
  StackOptions options;
  options.flags[""] = {"--failures_per_source=1000000", "--log_level=warning"};
  auto stack = Stack::Start(std::move(options));
  EXPECT_THAT(stack, IsOk());
  if (!stack.ok()) return nullptr;
  auto tenants = std::make_unique<TwoTenants>();
  tenants->stack_ = *std::move(stack);
  for (size_t tenant = 0; tenant < kTenants.size(); ++tenant) {
    tenants->SetUp(tenant, devices_per_tenant);
    if (::testing::Test::HasFailure()) return nullptr;
  }
  return tenants;
}

void TwoTenants::SetUp(size_t tenant, size_t devices) {
  Scenario scenario(*stack_, kTenants[tenant]);
  scenario.SetUpTenant();
  scenario.AddDevice("one");
  scenario.AddReferenceValues("one");
  scenario.Do("operator", {"endpoint", "create", "lax", "--no-attestation", "--data-items", "2"});
  scenario.Do("operator",
              {"endpoint", "create", "older", "--no-attestation", "--data-items", "2",
               "--wire-profile", "legacy", "--legacy-allow", "older-algorithms,untagged,no-kid"});
  scenario.Publish(1, "payload");
  scenario.Do("operator", {"deployment", "create", "sample", "--domain", "samples", "--component",
                           testing::kManifestComponent, "--allow-unattested"});
  FleetOptions options;
  options.folder = stack_->Path(absl::StrCat("fleet-", kTenants[tenant]));
  std::filesystem::create_directory(options.folder);
  options.prefix = absl::StrCat(kTenants[tenant], "-");
  options.devices = devices;
  options.threads = 0;
  options.tam_urls = {stack_->TamUrl(PathOf(tenant, "main"))};
  auto fleet = Fleet::Create(std::move(options));
  ASSERT_THAT(fleet, IsOk());
  fleets_.push_back(*std::move(fleet));
  OperatorAccess access;
  access.servers = stack_->tam().AdminServers();
  access.cert_file = scenario.Credential("operator.pem");
  access.key_file = scenario.Credential("operator.key");
  access.ca_file = scenario.Credential("ca.pem");
  access.tenant = kTenants[tenant];
  ASSERT_THAT(Enrol(*fleets_.back(), access), IsOk());
  for (size_t i = 0; i < devices; ++i) {
    members_.push_back({tenant, fleets_.back()->name(i), &fleets_.back()->state(i)});
  }
}

int64_t TwoTenants::Count(const std::string& query) {
  const std::string text = stack_->Sql(query);
  int64_t count = -1;
  EXPECT_TRUE(absl::SimpleAtoi(absl::StripAsciiWhitespace(text), &count)) << query << ": " << text;
  return count;
}

}  // namespace tam::conformance

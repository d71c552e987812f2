// What must not work: evidence that is wrong in one way each, and administrators without the right.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/e2e/layouts.h"
#include "tests/e2e/scenario.h"
#include "tests/e2e/stack.h"
#include "tests/support/row.h"
#include "tests/support/status_matchers.h"

namespace tam::testing {
namespace {

using ::testing::AllOf;
using ::testing::AnyOf;
using ::testing::Ge;
using ::testing::HasSubstr;
using ::testing::Le;
using ::testing::StartsWith;

class RefusalsTest : public SharedTamTest {
 protected:
  StackOptions Options() const override {
    StackOptions options = SharedTamTest::Options();
    // Twenty of one identity, and then none, however slow the machine is.
    options.flags[""] = {"--refusals_per_second=0"};
    return options;
  }
  void SetUpTam() override {
    scenario().AddDevice("one");
    scenario().AddReferenceValues("one");
    scenario().Publish(1, "secret");
    scenario().Deploy("sample");
  }

  // A session of a fresh device that must end with nothing installed; what `device show` says.
  static std::string RefusedSession(const std::string& device,
                                    const std::vector<std::string>& flags) {
    const Finished done = scenario().Session(device, flags);
    EXPECT_EQ(done.exit_code, 1) << done.out << done.err;
    EXPECT_EQ(scenario().OnDisk(device), "");
    EXPECT_EQ(
        stack().Sql("SELECT count(*) FROM registry.device_manifests m JOIN registry.devices d "
                    "USING (tenant_id, device_id) WHERE d.name = '" +
                    device + "'"),
        "0\n");
    return scenario().Show(device);
  }

  // tamctl ends with exit code 1, this code and this reason, and prints no result.
  static void ExpectRefused(const std::string& who, const std::vector<std::string>& args,
                            const std::string& code, const std::string& reason) {
    const Finished done = stack().Tamctl(who, args);
    EXPECT_EQ(done.exit_code, 1) << done.out << done.err;
    EXPECT_THAT(done.err, AllOf(StartsWith("tamctl: " + code + ": "), HasSubstr(reason)));
    EXPECT_EQ(done.out, "");
  }

  // Refused before anything is written, by a TAM that serves others.
  static void ExpectTurnedAway(const std::string& who, const std::string& code,
                               const std::string& reason) {
    scenario().Do("admin", {"tenant", "list"});
    const std::string before = stack().DatabaseDigest();
    ExpectRefused(who, {"tenant", "list"}, code, reason);
    EXPECT_EQ(stack().DatabaseDigest(), before);
    scenario().Do("admin", {"tenant", "list"});
  }
};

INSTANTIATE_IN_LAYOUTS(RefusalsTest);

TEST_P(RefusalsTest, WrongReferenceValueIsNamedWithExpectedAndFound) {
  scenario().AddDevice("measured");
  const std::string wrong(64, 'e');
  EXPECT_THAT(RefusedSession("measured", {"--measurement", "firmware=" + wrong}),
              AllOf(HasSubstr("measurement"), HasSubstr(wrong.substr(0, 16)),
                    HasSubstr(scenario().Measurement("one", "firmware").substr(0, 16))));
}

TEST_P(RefusalsTest, WrongAttestationKeyIsRefused) {
  scenario().AddDevice("keyed");
  scenario().AddDevice("donor");
  EXPECT_THAT(RefusedSession("keyed", {"--evidence-key",
                                       scenario().Folder("donor") + "/keys/attestation.pem"}),
              HasSubstr("signature"));
}

TEST_P(RefusalsTest, WrongNonceInstallsNothingAndIsNamed) {
  scenario().AddDevice("stale");
  const Finished done = scenario().Session("stale", {"--evidence-nonce", std::string(64, 'a')});
  EXPECT_EQ(done.exit_code, 1) << done.out << done.err;
  EXPECT_EQ(scenario().OnDisk("stale"), "");
  // Remembered by the replica that was told of it (docs/adr/0005).
  std::string shown;
  for (int i = 0; i < stack().options().replicas; ++i) {
    shown += scenario().Do("operator", {"device", "show", "stale", "--server",
                                        stack().tam().AdminAddress("registry", i)});
  }
  EXPECT_THAT(shown, AllOf(HasSubstr("eat_nonce"), HasSubstr("expected: a live challenge"),
                           HasSubstr("found:    " + std::string(32, 'a'))));
}

TEST_P(RefusalsTest, RefusedDeviceRecoversWithRightEvidence) {
  scenario().AddDevice("healed");
  RefusedSession("healed", {"--measurement", "firmware=" + std::string(64, 'e')});
  const Finished done = scenario().Session("healed");
  EXPECT_EQ(done.exit_code, 0) << done.out << done.err;
  EXPECT_EQ(scenario().OnDisk("healed"), "secret");
}

TEST_P(RefusalsTest, AdminCallWithoutCertificateIsRefusedAndLeavesNoRow) {
  ExpectTurnedAway("", "UNAVAILABLE", "no client certificate was given");
}

// The handshake fails before anything is said: the other side sees no more than that.
TEST_P(RefusalsTest, CertificateOfAnotherAuthorityIsRefusedAndLeavesNoRow) {
  ExpectTurnedAway("other-ca", "UNAVAILABLE", "");
}

TEST_P(RefusalsTest, CertificateWithoutIdentityIsRefusedAndLeavesNoRow) {
  ExpectTurnedAway("no-uri", "UNAUTHENTICATED",
                   "client certificate: want exactly one URI name, got 0");
}

TEST_P(RefusalsTest, CertificateOfTwoIdentitiesIsRefusedAndLeavesNoRow) {
  ExpectTurnedAway("two-uris", "UNAUTHENTICATED",
                   "client certificate: want exactly one URI name, got 2");
}

TEST_P(RefusalsTest, OperatorOfAnotherTenantReadsAndChangesNothingHere) {
  TAM_ROW("T-72");
  ExpectRefused("other-operator", {"device", "list"}, "PERMISSION_DENIED",
                "tenant: want other, got demo");
  ExpectRefused("other-operator", {"domain", "delete", "samples"}, "PERMISSION_DENIED",
                "tenant: want other, got demo");
  ExpectRefused("other-operator", {"tenant", "list"}, "PERMISSION_DENIED",
                "not permitted to call /tam.v1.RegistryService/ListTenants");
  EXPECT_THAT(scenario().Do("operator", {"domain", "show", "samples"}),
              AnyOf(HasSubstr("ACTIVE"), HasSubstr("active")));
}

TEST_P(RefusalsTest, WrongRoleIsRefusedAuditedAndLimited) {
  const auto denials = [] {
    return std::stoi(stack().Sql("SELECT count(*) FROM audit.entries WHERE kind LIKE '%denied%'"));
  };
  const int before = denials();
  ExpectRefused("auditor", {"domain", "suspend", "samples"}, "PERMISSION_DENIED",
                "not permitted to call /tam.v1.CatalogService/UpdateDomain");
  EXPECT_EQ(denials(), before + 1);
  // At one replica: each keeps count of its own.
  const std::string catalog = stack().tam().AdminAddress("catalog", 0);
  const std::vector<std::string> call = {"domain", "delete", "samples", "--server", catalog};
  for (int i = 0; i < 20; ++i) stack().Tamctl("auditor", call);
  ExpectRefused("auditor", call, "RESOURCE_EXHAUSTED", "too many refused calls");
  EXPECT_THAT(denials(), AllOf(Ge(before + 10), Le(before + 21)));
  EXPECT_THAT(scenario().Do("operator", {"domain", "show", "samples"}),
              AnyOf(HasSubstr("ACTIVE"), HasSubstr("active")));
}

TEST_P(RefusalsTest, TenantIsSuspendedAndResumedByAdministratorsAlone) {
  ExpectRefused("operator", {"tenant", "suspend", "demo"}, "PERMISSION_DENIED",
                "not permitted to call /tam.v1.RegistryService/SetTenantState");
  EXPECT_THAT(scenario().Do("admin", {"tenant", "suspend", "demo"}), HasSubstr("suspended"));
  EXPECT_THAT(scenario().Do("admin", {"tenant", "resume", "demo"}), HasSubstr("active"));
}

TEST_P(RefusalsTest, DeveloperTouchesOnlyOwnDomains) {
  ExpectRefused("developer2", {"component", "list", "--domain", "samples"}, "PERMISSION_DENIED",
                "the caller owns no such domain");
  ExpectRefused("developer2",
                {"component", "publish", stack().Path("sample-1.suit"), "--domain", "samples"},
                "PERMISSION_DENIED", "the caller owns no such domain");
}

}  // namespace
}  // namespace tam::testing

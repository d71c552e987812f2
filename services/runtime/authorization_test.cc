// Who learns what of a device (TEEP.md T-72): the whole table, not a sample of it.
#include "services/runtime/authorization.h"

#include <string>

#include "gtest/gtest.h"
#include "tests/support/row.h"

namespace tam::runtime {
namespace {

Identity Caller(const std::string& path) {
  return *Identity::Parse("spiffe://test/" + path, "test");
}

TEST(AuthorizationTest, WhatNamesDevicesIsForTheirTenantAndTheServicesThatNeedIt) {
  TAM_ROW("T-72");
  // Device records, keys of attesters, and the log of who did what to which device.
  const char* const kDeviceCalls[] = {
      "/tam.v1.RegistryService/GetDevice", "/tam.v1.RegistryService/ListDevices",
      "/tam.v1.AttestationService/ListAttestationKeys", "/tam.v1.AuditService/ListEntries"};
  for (const char* method : kDeviceCalls) {
    EXPECT_TRUE(RoleMayCall(Caller("tenant/acme/operator/olga"), method)) << method;
    EXPECT_TRUE(RoleMayCall(Caller("tenant/acme/auditor/ann"), method)) << method;
    for (const char* other : {"tenant/acme/developer/jo", "service/catalog", "service/signing",
                              "service/attestation", "service/gateway"}) {
      EXPECT_FALSE(RoleMayCall(Caller(other), method)) << other << " " << method;
    }
  }
  // Evidence and what is recorded of a session pass through the gateway alone.
  for (const char* method :
       {"/tam.v1.RegistrySessionService/Lookup", "/tam.v1.RegistrySessionService/Accept",
        "/tam.v1.RegistrySessionService/Report", "/tam.v1.AttestationSessionService/Appraise"}) {
    EXPECT_TRUE(RoleMayCall(Caller("service/gateway"), method)) << method;
    for (const char* other :
         {"tenant/acme/operator/olga", "tenant/acme/auditor/ann", "tenant/acme/developer/jo",
          "admin/root", "service/catalog", "service/signing"}) {
      EXPECT_FALSE(RoleMayCall(Caller(other), method)) << other << " " << method;
    }
  }
}

TEST(AuthorizationTest, NoMemberOfATenantReachesBeyondIt) {
  TAM_ROW("T-72");
  const unsigned members = static_cast<unsigned>(Role::kOperator) |
                           static_cast<unsigned>(Role::kAuditor) |
                           static_cast<unsigned>(Role::kDeveloper);
  for (const Permission& permission : AllPermissions()) {
    EXPECT_TRUE((permission.roles & members) == 0 || permission.scope != Scope::kPlatform)
        << permission.method;
  }
}

}  // namespace
}  // namespace tam::runtime

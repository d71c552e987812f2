// Tenants: their names, versions, states and end.
#include "services/registry/registry_fixture.h"

namespace tam::registry {
namespace {

using ::testing::HasSubstr;
using ::testing::SizeIs;
using testing::StatusIs;

TEST_F(RegistryTest, TenantNamesAreChecked) {
  for (const char* bad : {"Acme", "1acme", "", "a/b", "a_b"}) {
    EXPECT_THAT(admin_.CreateTenant(operator_, TenantRequest(bad)),
                StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("tenant.name")));
  }
}

TEST_F(RegistryTest, CreateWithTheSameRequestIdGivesTheFirst) {
  v1::CreateTenantRequest request = TenantRequest("beta");
  EXPECT_THAT(admin_.CreateTenant(operator_, TenantRequest("acme")),
              StatusIs(absl::StatusCode::kAlreadyExists));
  request.set_request_id("0b0f3ee5-6d4c-4b3c-9c55-0a9d3c1f2b11");
  TAM_ASSERT_OK_AND_ASSIGN(const auto first, admin_.CreateTenant(operator_, request));
  TAM_ASSERT_OK_AND_ASSIGN(const auto again, admin_.CreateTenant(operator_, request));
  EXPECT_EQ(first.tenant().uid(), again.tenant().uid());
  request.mutable_tenant()->set_name("tenants/gamma");
  EXPECT_THAT(admin_.CreateTenant(operator_, request), StatusIs(absl::StatusCode::kAlreadyExists));
}

TEST_F(RegistryTest, EtagsGuardUpdates) {
  v1::GetTenantRequest get;
  get.set_name("tenants/acme");
  TAM_ASSERT_OK_AND_ASSIGN(const auto got, admin_.GetTenant(operator_, get));
  v1::UpdateTenantRequest update;
  update.set_name("tenants/acme");
  update.mutable_tenant()->set_display_name("Acme");
  update.mutable_tenant()->set_etag(got.tenant().etag());
  TAM_ASSERT_OK_AND_ASSIGN(const auto updated, admin_.UpdateTenant(operator_, update));
  EXPECT_EQ(updated.tenant().display_name(), "Acme");
  EXPECT_THAT(admin_.UpdateTenant(operator_, update), StatusIs(absl::StatusCode::kAborted));
  update.mutable_tenant()->set_etag("never given out");
  EXPECT_THAT(admin_.UpdateTenant(operator_, update), StatusIs(absl::StatusCode::kAborted));
}

TEST_F(RegistryTest, TenantWithAnEndpointIsNotDeleted) {
  v1::DeleteTenantRequest request;
  request.set_name("tenants/acme");
  EXPECT_THAT(admin_.DeleteTenant(operator_, request),
              StatusIs(absl::StatusCode::kFailedPrecondition));
}

TEST_F(RegistryTest, SuspendedTenantsEndpointsAreNotThereUntilItIsResumed) {
  v1::SetTenantStateRequest request;
  request.set_name("tenants/acme");
  EXPECT_THAT(admin_.SetTenantState(operator_, request),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("state")));
  request.set_state(v1::TENANT_STATE_SUSPENDED);
  TAM_ASSERT_OK_AND_ASSIGN(const auto suspended, admin_.SetTenantState(operator_, request));
  EXPECT_EQ(suspended.tenant().state(), v1::TENANT_STATE_SUSPENDED);
  v1::ResolveEndpointRequest resolve;
  resolve.set_path("/tam/acme/main");
  EXPECT_THAT(session_.ResolveEndpoint(gateway_, resolve),
              StatusIs(absl::StatusCode::kNotFound, HasSubstr("suspended")));
  // People still have their tenant, and changing its name for people does not resume it.
  v1::UpdateTenantRequest update;
  update.set_name("tenants/acme");
  update.mutable_tenant()->set_display_name("Acme");
  update.mutable_tenant()->set_state(v1::TENANT_STATE_ACTIVE);
  TAM_ASSERT_OK_AND_ASSIGN(const auto updated, admin_.UpdateTenant(operator_, update));
  EXPECT_EQ(updated.tenant().state(), v1::TENANT_STATE_SUSPENDED);
  EXPECT_THAT(session_.ResolveEndpoint(gateway_, resolve), StatusIs(absl::StatusCode::kNotFound));
  request.set_state(v1::TENANT_STATE_ACTIVE);
  request.set_etag(suspended.tenant().etag());
  EXPECT_THAT(admin_.SetTenantState(operator_, request), StatusIs(absl::StatusCode::kAborted));
  request.set_etag(updated.tenant().etag());
  EXPECT_OK(admin_.SetTenantState(operator_, request));
  EXPECT_OK(session_.ResolveEndpoint(gateway_, resolve));
  EXPECT_THAT(Audit("tenant.suspend"), SizeIs(1));
  EXPECT_THAT(Audit("tenant.resume"), SizeIs(1));
}

TEST_F(RegistryTest, DeletedTenantsNameIsNotGivenAgain) {
  CreateTenant("gone");
  v1::DeleteTenantRequest request;
  request.set_name("tenants/gone");
  EXPECT_OK(admin_.DeleteTenant(operator_, request));
  EXPECT_THAT(admin_.CreateTenant(operator_, TenantRequest("gone")),
              StatusIs(absl::StatusCode::kAlreadyExists));
}

}  // namespace
}  // namespace tam::registry

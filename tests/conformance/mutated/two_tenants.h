// A running TAM with two tenants, each with a component that is due to every device of its fleet.
#ifndef TAMARACK_TESTS_CONFORMANCE_MUTATED_TWO_TENANTS_H_
#define TAMARACK_TESTS_CONFORMANCE_MUTATED_TWO_TENANTS_H_

#include <array>
#include <memory>
#include <string>
#include <vector>

#include "tests/e2e/scenario.h"
#include "tests/e2e/stack.h"
#include "tests/faults/fleet/fleet.h"
#include "tools/teepsim/device_state.h"

namespace tam::conformance {

inline constexpr std::array<const char*, 2> kTenants = {"demo", "other"};
// Attested; without attestation; of the older numbering.
inline constexpr std::array<const char*, 3> kEndpoints = {"main", "lax", "older"};

// "/tam/demo/main".
std::string PathOf(size_t tenant, const std::string& endpoint);

struct Member {
  size_t tenant = 0;
  std::string name;  // display name, of one tenant
  const teepsim::DeviceState* state = nullptr;
};

class TwoTenants {
 public:
  // nullptr and test failures where a step fails. Every second device has a P-256 key, the others
  // Ed25519. Sources are not limited: all devices come from one address.
  static std::unique_ptr<TwoTenants> Start(size_t devices_per_tenant);

  testing::Stack& stack() { return *stack_; }
  // Of both tenants, the first one's in front.
  const std::vector<Member>& members() const { return members_; }
  // The one column of the one row.
  int64_t Count(const std::string& query);

 private:
  void SetUp(size_t tenant, size_t devices);

  std::unique_ptr<testing::Stack> stack_;
  std::vector<std::unique_ptr<testing::Fleet>> fleets_;
  std::vector<Member> members_;
};

}  // namespace tam::conformance

#endif  // TAMARACK_TESTS_CONFORMANCE_MUTATED_TWO_TENANTS_H_

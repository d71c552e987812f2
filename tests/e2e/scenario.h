// The cast of the end-to-end tests: tenant "demo" with endpoint "main", domain "samples" of
// "developer", and devices of one class that teepsim makes. Every step is a command that a person
// would type; a step that fails is a test failure.
#ifndef TAMARACK_TESTS_E2E_SCENARIO_H_
#define TAMARACK_TESTS_E2E_SCENARIO_H_

#include <string>
#include <utility>
#include <vector>

#include "tests/e2e/stack.h"

namespace tam::testing {

inline constexpr char kComponent[] = "TEEP-Device/SecureFS/8d82573a926d4754935332dc29997f74/ta";
inline constexpr char kManifestComponent[] =
    "TEEP-Device/SecureFS/8d82573a926d4754935332dc29997f74/ta/manifest";
inline constexpr char kMainPath[] = "/tam/demo/main";

class Scenario {
 public:
  // Of tenant "demo", or of another, whose people get certificates when it is set up and whose
  // files and devices stand apart.
  explicit Scenario(Stack& stack, std::string tenant = "demo")
      : stack_(stack), tenant_(std::move(tenant)) {}

  // Tenant, endpoint, TAM keys, manifest signer and domain.
  void SetUpTenant();
  // All of it: the tenant, device "one" with its reference values, and version 1 of the sample
  // component, published and deployed.
  void SetUpSample();
  // A device "NAME" in its own folder, registered with its attestation key, trusting the TAM.
  void AddDevice(const std::string& name, const std::vector<std::string>& init_flags = {});
  // The class's reference values, from that device's file.
  void AddReferenceValues(const std::string& device);
  // One digest of the device's own file, hex.
  std::string Measurement(const std::string& device, const std::string& name);
  // Creates, signs and publishes the sample component.
  void Publish(int sequence, const std::string& payload);
  void Deploy(const std::string& name);

  // One session, with the next gateway; stdout and stderr of teepsim.
  Finished Session(const std::string& device, const std::vector<std::string>& flags = {});
  // What `tamctl device show` prints.
  std::string Show(const std::string& device);
  // What the component's file on the device's disk holds; empty where there is none.
  std::string OnDisk(const std::string& device);

  std::string Folder(const std::string& device) const { return Path("device-" + device); }
  // Of a file that belongs to the tenant: "tam-keys.pem", "sample-1.suit".
  std::string Path(const std::string& name) const;
  // Of a person's certificate and key, as in Stack::Credential.
  std::string Credential(const std::string& name) const;
  // tamctl as `who`, expected to exit 0; its stdout.
  std::string Do(const std::string& who, const std::vector<std::string>& args);

 private:
  bool IsDefault() const { return tenant_ == "demo"; }
  void MakeCredentials();

  Stack& stack_;
  const std::string tenant_;
};

}  // namespace tam::testing

#endif  // TAMARACK_TESTS_E2E_SCENARIO_H_

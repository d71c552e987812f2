#include "tests/e2e/scenario.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "nlohmann/json.hpp"

namespace tam::testing {

std::string Scenario::Do(const std::string& who, const std::vector<std::string>& args) {
  std::vector<std::string> all = args;
  // The certificate of an administrator is of no tenant.
  const bool of_tenant = !IsDefault() && !who.empty();
  if (of_tenant) all.insert(all.end(), {"--tenant", tenant_});
  const bool own = of_tenant && who != "admin";
  const Finished done =
      stack_.Tamctl(own ? absl::StrCat("../credentials-", tenant_, "/", who) : who, all);
  EXPECT_EQ(done.exit_code, 0) << "tamctl " << absl::StrJoin(args, " ") << "\n"
                               << done.out << done.err;
  return done.out;
}

std::string Scenario::Path(const std::string& name) const {
  return stack_.Path(IsDefault() ? name : absl::StrCat(tenant_, "-", name));
}

std::string Scenario::Credential(const std::string& name) const {
  return IsDefault() ? stack_.Credential(name)
                     : stack_.Path(absl::StrCat("credentials-", tenant_, "/", name));
}

// By the authority of all others.
void Scenario::MakeCredentials() {
  const std::string folder = stack_.Path("credentials-" + tenant_);
  std::filesystem::create_directory(folder);
  for (const std::string name : {"ca.pem", "ca.key"}) {
    std::filesystem::copy_file(stack_.Credential(name), absl::StrCat(folder, "/", name));
  }
  const auto made = RunProcess({"tools/dev-credentials", folder, "--tenant", tenant_});
  ASSERT_TRUE(made.ok());
  ASSERT_EQ(made->exit_code, 0) << made->err;
}

void Scenario::SetUpTenant() {
  if (!IsDefault()) MakeCredentials();
  Do("admin", {"tenant", "create", tenant_, "--display-name", "Tenant " + tenant_});
  Do("operator", {"endpoint", "create", "main", "--attestation"});
  Do("operator", {"key", "create", "--suite", "esp256"});
  Do("operator", {"key", "create", "--suite", "ed25519"});
  Do("operator", {"key", "export", "-o", Path("tam-keys.pem")});
  const std::string key = Path("signer.key");
  const std::string anchor = Path("signer.pub.pem");
  ASSERT_EQ(
      RunProcess({"openssl", "ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", key})
          ->exit_code,
      0);
  ASSERT_EQ(RunProcess({"openssl", "ec", "-in", key, "-pubout", "-out", anchor})->exit_code, 0);
  Do("operator",
     {"domain", "create", "samples", "--prefix", "TEEP-Device/SecureFS", "--anchor", anchor,
      "--owner",
      absl::StrCat("spiffe://tamarack.example/tenant/", tenant_, "/developer/developer")});
}

void Scenario::SetUpSample() {
  SetUpTenant();
  AddDevice("one");
  AddReferenceValues("one");
  Publish(1, "payload");
  Deploy("sample");
}

void Scenario::AddDevice(const std::string& name, const std::vector<std::string>& init_flags) {
  std::vector<std::string> init = {"init", "--state", Folder(name)};
  init.insert(init.end(), init_flags.begin(), init_flags.end());
  const Finished made = stack_.Teepsim(init);
  ASSERT_EQ(made.exit_code, 0) << made.out << made.err;
  const Finished trust =
      stack_.Teepsim({"trust", "--state", Folder(name), "--tam-key", Path("tam-keys.pem"),
                      "--manifest-anchor", Path("signer.pub.pem")});
  ASSERT_EQ(trust.exit_code, 0) << trust.out << trust.err;
  Do("operator", {"device", "create", name, Folder(name) + "/device.json"});
}

void Scenario::AddReferenceValues(const std::string& device) {
  const auto json =
      nlohmann::json::parse(ContentOf(Folder(device) + "/device.json"), nullptr, false);
  ASSERT_TRUE(json.is_object());
  for (const auto& [name, digest] : json["measurements"].items()) {
    Do("operator", {"attestation", "refvalue", "create", name, "--measurement", name, "--oemid",
                    json["oemid"], "--hwmodel", json["hwmodel"], "--digest", digest});
  }
}

std::string Scenario::Measurement(const std::string& device, const std::string& name) {
  const auto json =
      nlohmann::json::parse(ContentOf(Folder(device) + "/device.json"), nullptr, false);
  return json.is_object() ? json["measurements"].value(name, "") : "";
}

void Scenario::Publish(int sequence, const std::string& payload) {
  const std::string file = Path("payload");
  std::ofstream(file, std::ios::binary) << payload;
  const auto json =
      nlohmann::json::parse(ContentOf(Folder("one") + "/device.json"), nullptr, false);
  ASSERT_TRUE(json.is_object());
  const std::string envelope = Path(absl::StrCat("sample-", sequence, ".suit"));
  Do("", {"manifest", "create", "--component", kComponent, "--sequence", absl::StrCat(sequence),
          "--vendor", json["vendor_id"], "--class", json["class_id"], "--payload", file, "--key",
          Path("signer.key"), "-o", envelope});
  Do("developer", {"component", "publish", envelope, "--domain", "samples"});
}

void Scenario::Deploy(const std::string& name) {
  Do("operator",
     {"deployment", "create", name, "--domain", "samples", "--component", kManifestComponent});
}

Finished Scenario::Session(const std::string& device, const std::vector<std::string>& flags) {
  std::vector<std::string> args = {"run",
                                   "--state",
                                   Folder(device),
                                   "--tam",
                                   stack_.NextTamUrl(absl::StrCat("/tam/", tenant_, "/main")),
                                   "--once"};
  args.insert(args.end(), flags.begin(), flags.end());
  return stack_.Teepsim(args);
}

std::string Scenario::Show(const std::string& device) {
  return Do("operator", {"device", "show", device});
}

std::string Scenario::OnDisk(const std::string& device) {
  std::string content;
  const std::filesystem::path folder = Folder(device) + "/components";
  if (!std::filesystem::exists(folder)) return content;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    content += ContentOf(entry.path());
  }
  return content;
}

}  // namespace tam::testing

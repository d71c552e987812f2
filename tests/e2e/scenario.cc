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
  const Finished done = stack_.Tamctl(who, args);
  EXPECT_EQ(done.exit_code, 0) << "tamctl " << absl::StrJoin(args, " ") << "\n"
                               << done.out << done.err;
  return done.out;
}

void Scenario::SetUpTenant() {
  Do("admin", {"tenant", "create", "demo", "--display-name", "Demo"});
  Do("operator", {"endpoint", "create", "main", "--attestation"});
  Do("operator", {"key", "create", "--suite", "esp256"});
  Do("operator", {"key", "create", "--suite", "ed25519"});
  Do("operator", {"key", "export", "-o", stack_.Path("tam-keys.pem")});
  const std::string key = stack_.Path("signer.key");
  const std::string anchor = stack_.Path("signer.pub.pem");
  ASSERT_EQ(
      RunProcess({"openssl", "ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", key})
          ->exit_code,
      0);
  ASSERT_EQ(RunProcess({"openssl", "ec", "-in", key, "-pubout", "-out", anchor})->exit_code, 0);
  Do("operator", {"domain", "create", "samples", "--prefix", "TEEP-Device/SecureFS", "--anchor",
                  anchor, "--owner", "spiffe://tamarack.example/tenant/demo/developer/developer"});
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
      stack_.Teepsim({"trust", "--state", Folder(name), "--tam-key", stack_.Path("tam-keys.pem"),
                      "--manifest-anchor", stack_.Path("signer.pub.pem")});
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
  const std::string file = stack_.Path("payload");
  std::ofstream(file, std::ios::binary) << payload;
  const auto json =
      nlohmann::json::parse(ContentOf(Folder("one") + "/device.json"), nullptr, false);
  ASSERT_TRUE(json.is_object());
  const std::string envelope = stack_.Path(absl::StrCat("sample-", sequence, ".suit"));
  Do("", {"manifest", "create", "--component", kComponent, "--sequence", absl::StrCat(sequence),
          "--vendor", json["vendor_id"], "--class", json["class_id"], "--payload", file, "--key",
          stack_.Path("signer.key"), "-o", envelope});
  Do("developer", {"component", "publish", envelope, "--domain", "samples"});
}

void Scenario::Deploy(const std::string& name) {
  Do("operator",
     {"deployment", "create", name, "--domain", "samples", "--component", kManifestComponent});
}

Finished Scenario::Session(const std::string& device, const std::vector<std::string>& flags) {
  std::vector<std::string> args = {
      "run", "--state", Folder(device), "--tam", stack_.NextTamUrl(kMainPath), "--once"};
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

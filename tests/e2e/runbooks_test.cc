// Runs the commands of each runbook in docs/runbooks as they stand there, against a whole TAM, and
// looks at what became of it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "crypto/cbor/cbor.h"
#include "crypto/keys/key_file.h"
#include "nlohmann/json.hpp"
#include "tests/e2e/layouts.h"
#include "tests/support/certificates.h"
#include "tests/support/row.h"

namespace tam::testing {
namespace {

using ::testing::HasSubstr;

// The lines of its sh blocks, in their order.
std::string CommandsOf(const std::string& runbook) {
  std::string commands;
  bool inside = false;
  const std::string text = ContentOf(absl::StrCat("docs/runbooks/", runbook, ".md"));
  for (absl::string_view line : absl::StrSplit(text, '\n')) {
    const absl::string_view words = absl::StripLeadingAsciiWhitespace(line);
    if (absl::StartsWith(words, "```")) {
      inside = words == "```sh";
    } else if (inside) {
      absl::StrAppend(&commands, words, "\n");
    }
  }
  return commands;
}

std::string ThumbprintIn(const std::string& file) {
  const std::string content = ContentOf(file);
  const auto key = keys::ParsePublicKeyFile(cbor::AsBytes(content));
  if (!key.ok()) return "";
  const cbor::Bytes bytes(key->thumbprint());
  return absl::BytesToHexString(cbor::AsString(bytes));
}

class RunbooksTest : public SharedTamTest {
 protected:
  void SetUpTam() override {
    scenario().AddDevice("one");
    scenario().AddReferenceValues("one");
    scenario().Publish(1, "first");
  }
  // The commands themselves must all succeed; their output.
  static std::string Follow(const std::string& runbook, const std::vector<std::string>& variables) {
    const std::string commands = CommandsOf(runbook);
    EXPECT_THAT(commands, HasSubstr("tamctl "));
    const Finished done = stack().Shell("operator", commands, variables);
    EXPECT_EQ(done.exit_code, 0) << commands << done.out << done.err;
    return done.out;
  }
};
INSTANTIATE_IN_LAYOUTS(RunbooksTest);

TEST_P(RunbooksTest, TokenTimeouts) {
  TAM_ROW("T-61");
  Follow("token-timeouts", {"ENDPOINT=main"});
  const auto endpoint = nlohmann::json::parse(
      scenario().Do("operator", {"endpoint", "show", "main", "-o", "json"}), nullptr, false);
  EXPECT_EQ(endpoint.value("challenge_lifetime_seconds", ""), "3600") << endpoint;
  EXPECT_EQ(endpoint.value("update_deadline_seconds", ""), "86400") << endpoint;
}

TEST_P(RunbooksTest, TamKeys) {
  TAM_ROW("T-66");
  const std::string keys = stack().Path("runbook-keys.pem");
  const std::string log = Follow("tam-keys", {"SUITE=esp256", absl::StrCat("KEYS=", keys)});
  EXPECT_THAT(log, HasSubstr("signing-key.activate"));
  const Finished trust =
      stack().Teepsim({"trust", "--state", scenario().Folder("one"), "--tam-key", keys});
  ASSERT_EQ(trust.exit_code, 0) << trust.err;
  const Finished session = scenario().Session("one");
  EXPECT_EQ(session.exit_code, 0) << session.out << session.err;
}

TEST_P(RunbooksTest, TamCertificates) {
  TAM_ROW("T-65");
  const auto list = [](std::vector<std::string> args) {
    args.insert(args.end(), {"-o", "json"});
    return nlohmann::json::parse(scenario().Do("operator", args), nullptr, false);
  };
  const auto created = list({"key", "create", "--suite", "ed25519", "--standby"});
  const std::string name = created.value("name", "");
  const std::string key = name.substr(name.rfind('/') + 1);
  const std::string before = stack().Path("before.pem");
  const std::string chain = stack().Path("after.pem");
  const CertificateAuthority authority;
  std::ofstream(before) << authority.Certify(created.value("pem", ""));
  std::ofstream(chain) << authority.Certify(created.value("pem", "")) << authority.pem();
  scenario().Do("operator", {"key", "certificate", "add", key, "--chain", before});
  const std::string log =
      Follow("tam-certificates", {absl::StrCat("KEY=", key), absl::StrCat("CHAIN=", chain),
                                  absl::StrCat("PUBLIC=", stack().Path("certified.pem"))});
  EXPECT_THAT(log, HasSubstr("signing-key.uncertify"));
  EXPECT_EQ(ContentOf(stack().Path("certified.pem")), created.value("pem", ""));
  const auto left = list({"key", "certificate", "list", key})["certificates"];
  ASSERT_EQ(left.size(), 1u) << left;
  EXPECT_EQ(left[0].value("position", -1), 1);
  EXPECT_EQ(left[0]["certificates"].size(), 2u);
}

TEST_P(RunbooksTest, AgentKeys) {
  TAM_ROW("T-66");
  scenario().AddDevice("renewed");
  const std::string old = stack().Sql(
      "SELECT encode(k.thumbprint, 'hex') FROM registry.device_keys k JOIN registry.devices d ON "
      "d.device_id = k.device_id WHERE d.name = 'renewed'");
  const auto next = keys::PrivateKey::Generate(keys::KeyType::kP256);
  ASSERT_OK(next);
  const std::string file = stack().Path("next.pem");
  std::ofstream(file) << next->public_key().ToPem();
  Follow("agent-keys", {"DEVICE=renewed", absl::StrCat("NEW_KEY=", file),
                        absl::StrCat("OLD=", absl::StripAsciiWhitespace(old)),
                        absl::StrCat("NEXT=", ThumbprintIn(file))});
  // The device still signs with the key that is banned.
  EXPECT_NE(scenario().Session("renewed").exit_code, 0);
}

TEST_P(RunbooksTest, ManifestAnchors) {
  TAM_ROW("T-68");
  const std::string key = stack().Path("next-signer.key");
  const std::string anchor = stack().Path("next-signer.pub.pem");
  ASSERT_EQ(
      RunProcess({"openssl", "ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", key})
          ->exit_code,
      0);
  ASSERT_EQ(RunProcess({"openssl", "ec", "-in", key, "-pubout", "-out", anchor})->exit_code, 0);
  const auto device =
      nlohmann::json::parse(ContentOf(scenario().Folder("one") + "/device.json"), nullptr, false);
  ASSERT_TRUE(device.is_object());
  std::ofstream(stack().Path("next-payload")) << "by the next key";
  const std::string envelope = stack().Path("next.suit");
  scenario().Do("", {"manifest", "create", "--component", kComponent, "--sequence", "7", "--vendor",
                     device["vendor_id"], "--class", device["class_id"], "--payload",
                     stack().Path("next-payload"), "--key", key, "-o", envelope});
  Follow("manifest-anchors",
         {"DOMAIN=samples", absl::StrCat("NEW_KEY=", anchor), absl::StrCat("ENVELOPE=", envelope),
          absl::StrCat("OLD=", ThumbprintIn(stack().Path("signer.pub.pem"))),
          absl::StrCat("DEVELOPER_CERT=", stack().Credential("developer.pem")),
          absl::StrCat("DEVELOPER_KEY=", stack().Credential("developer.key"))});
  // What only the old key signed is refused from now on.
  const Finished refused = stack().Tamctl(
      "developer", {"component", "publish", stack().Path("sample-1.suit"), "--domain", "samples"});
  EXPECT_NE(refused.exit_code, 0) << refused.out;
}

TEST_P(RunbooksTest, Fleet) {
  TAM_ROW("T-67");
  for (const char* name : {"north-1", "north-2"}) scenario().AddDevice(name);
  Follow("fleet", {"DOMAIN=samples", absl::StrCat("COMPONENT=", kManifestComponent), "SITE=north",
                   "DEVICES=north-1 north-2"});
  for (const char* name : {"north-1", "north-2"}) {
    EXPECT_THAT(scenario().Do("operator", {"device", "show", name, "-o", "json"}),
                HasSubstr("\"site\""));
  }
  EXPECT_THAT(scenario().Do("operator", {"deployment", "list"}), HasSubstr("north"));
}

}  // namespace
}  // namespace tam::testing

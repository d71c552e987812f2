// The frame of tamctl and its nouns, against a server in this process that answers from a script.
#include <fstream>
#include <map>
#include <sstream>
#include <string>
#include <vector>

#include "absl/strings/str_split.h"
#include "crypto/keys/key.h"
#include "gmock/gmock.h"
#include "google/protobuf/text_format.h"
#include "gtest/gtest.h"
#include "proto/tam/v1/catalog.pb.h"
#include "proto/tam/v1/registry.pb.h"
#include "teep/suit/author.h"
#include "tests/support/row.h"
#include "tests/support/status_matchers.h"
#include "tools/tamctl/command.h"
#include "tools/tamctl/component_text.h"
#include "tools/tamctl/output.h"
#include "tools/tamctl/yaml.h"

namespace tam::tamctl {
namespace {

using ::testing::AllOf;
using ::testing::ContainsRegex;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

// Answers of the server by method, and what it was asked.
struct Server {
  std::map<std::string, absl::Status> refusals;
  std::map<std::string, std::string> answers;  // protobuf text
  std::vector<std::pair<std::string, std::string>> calls;
  std::optional<ConnectionOptions> connected;
};

class ScriptedTransport : public Transport {
 public:
  explicit ScriptedTransport(Server& server) : server_(server) {}
  absl::Status Call(const std::string& method, const google::protobuf::Message& request,
                    google::protobuf::Message* response) override {
    const std::string name = method.substr(method.rfind('/') + 1);
    server_.calls.emplace_back(name, request.ShortDebugString());
    if (const auto it = server_.refusals.find(name); it != server_.refusals.end()) {
      return it->second;
    }
    if (!google::protobuf::TextFormat::ParseFromString(server_.answers[name], response)) {
      return absl::InternalError("the test's answer does not parse");
    }
    return absl::OkStatus();
  }

 private:
  Server& server_;
};

struct Done {
  int code = -1;
  std::string out;
  std::string err;
};

class TamctlTest : public ::testing::Test {
 protected:
  TamctlTest() {
    variables_["TAMCTL_SERVER"] = "127.0.0.1:1";
    variables_["TAMCTL_CA"] = "ca.pem";
    variables_["TAMCTL_TENANT"] = "acme";
  }

  Done Tamctl(const std::vector<std::string>& words) {
    std::istringstream in;
    std::ostringstream out;
    std::ostringstream err;
    Environment environment{
        in, out, err,
        [this](const std::string& name) -> std::optional<std::string> {
          const auto it = variables_.find(name);
          if (it == variables_.end()) return std::nullopt;
          return it->second;
        },
        [this](const ConnectionOptions& options) -> absl::StatusOr<std::unique_ptr<Transport>> {
          server_.connected = options;
          return std::make_unique<ScriptedTransport>(server_);
        }};
    const int code = tamctl::Run(words, environment);
    return {code, out.str(), err.str()};
  }

  std::map<std::string, std::string> variables_;
  Server server_;
};

std::vector<std::string> Words(std::string_view line) {
  std::vector<std::string> words;
  for (const auto word : absl::StrSplit(std::string(line), ' ')) words.emplace_back(word);
  words.erase(words.begin());
  return words;
}

TEST_F(TamctlTest, EveryCommandHasAnExampleThatParsesAndIsShown) {
  for (const Command& command : AllCommands()) {
    ASSERT_EQ(command.example.rfind("tamctl ", 0), 0u) << command.Name();
    const auto line = ParseCommandLine(Words(command.example));
    ASSERT_THAT(line, testing::IsOk()) << command.example;
    EXPECT_EQ(line->command->Name(), command.Name()) << command.example;
    EXPECT_FALSE(command.summary.empty()) << command.Name();
    EXPECT_NE(command.run, nullptr) << command.Name();
    std::vector<std::string> help = Words(command.Name());
    help.push_back("--help");
    const Done done = Tamctl(help);
    EXPECT_EQ(done.code, 0);
    EXPECT_THAT(done.out, HasSubstr(std::string(command.example)));
    EXPECT_THAT(Tamctl({"help"}).out, HasSubstr(std::string(command.summary)));
    EXPECT_THAT(Tamctl({std::string(command.noun), "--help"}).out,
                HasSubstr(std::string(command.example)));
  }
}

TEST_F(TamctlTest, WrongUsageIsExitCodeTwoOnStandardError) {
  for (const std::string line :
       {"tamctl", "tamctl nonsense", "tamctl tenant", "tamctl tenant explode",
        "tamctl tenant create", "tamctl tenant create a b", "tamctl tenant list --nonsense",
        "tamctl tenant list -o xml", "tamctl tenant list --timeout never",
        "tamctl tenant list --limit", "tamctl tenant list --limit many",
        "tamctl endpoint create main --attestation --no-attestation",
        "tamctl endpoint create main --passport --no-passport",
        "tamctl tenant list --cert only.pem"}) {
    const Done done = Tamctl(Words(line + (line == "tamctl" ? " " : "")));
    EXPECT_EQ(done.code, 2) << line << done.err;
    EXPECT_THAT(done.out, IsEmpty()) << line;
    EXPECT_THAT(done.err, HasSubstr("tamctl: ")) << line;
  }
  EXPECT_THAT(server_.calls, IsEmpty());
}

TEST_F(TamctlTest, ARefusalIsExitCodeOneWithItsCodeAndMessage) {
  server_.refusals["ListTenants"] = absl::PermissionDeniedError("not for operators");
  const Done done = Tamctl({"tenant", "list"});
  EXPECT_EQ(done.code, 1);
  EXPECT_EQ(done.err, "tamctl: PERMISSION_DENIED: not for operators\n");
}

TEST_F(TamctlTest, AFlagWinsOverItsVariableAndThatOverTheFile) {
  const std::string path = std::string(std::getenv("TEST_TMPDIR")) + "/config";
  {
    std::ostringstream out;
    Server unused;
    std::istringstream in;
    Environment environment{in, out, out, [](const std::string&) { return std::nullopt; }, {}};
    CommandLine line;
    Context context(environment, line);
    ASSERT_OK(context.WriteFile(path, "# settings\nserver = file:1\ntenant=file\nca = ca.pem\n"));
  }
  variables_ = {{"TAMCTL_CONFIG", path}};
  Tamctl({"endpoint", "list"});
  EXPECT_EQ(server_.connected->server, "file:1");
  EXPECT_THAT(server_.calls.back().second, HasSubstr("tenants/file"));
  variables_["TAMCTL_SERVER"] = "variable:1";
  Tamctl({"endpoint", "list", "--tenant", "flag"});
  EXPECT_EQ(server_.connected->server, "variable:1");
  EXPECT_THAT(server_.calls.back().second, HasSubstr("tenants/flag"));
  Tamctl({"--server", "flag:1", "endpoint", "list"});
  EXPECT_EQ(server_.connected->server, "flag:1");
  EXPECT_EQ(server_.connected->trust_domain, "tamarack.example");
  Tamctl({"--trust-domain", "flag.example", "endpoint", "list"});
  EXPECT_EQ(server_.connected->trust_domain, "flag.example");
}

TEST_F(TamctlTest, ListsReadEveryPage) {
  server_.answers["ListTenants"] =
      R"(tenants { name: "tenants/a" } tenants { name: "tenants/b" } next_page_token: "more")";
  const Done done = Tamctl({"tenant", "list", "--limit", "4"});
  EXPECT_EQ(done.code, 0);
  EXPECT_EQ(server_.calls.size(), 2u);
  EXPECT_THAT(server_.calls[1].second, AllOf(HasSubstr("more"), HasSubstr("page_size: 2")));
  EXPECT_THAT(done.err, HasSubstr("there are more"));
}

TEST_F(TamctlTest, OutputIsTheSameResourceInThreeForms) {
  server_.answers["GetTenant"] =
      R"(tenant { name: "tenants/a" display_name: "no" uid: "\001\377" })";
  EXPECT_THAT(Tamctl({"tenant", "show", "a"}).out, ContainsRegex("UID: +01ff"));
  EXPECT_THAT(Tamctl({"tenant", "show", "a", "-o", "json"}).out,
              HasSubstr("\"display_name\": \"no\""));
  EXPECT_THAT(Tamctl({"tenant", "show", "a", "-oyaml"}).out,
              AllOf(HasSubstr("name: tenants/a\n"), HasSubstr("display_name: \"no\"\n")));
}

constexpr char kDevice[] = R"(device {
  name: "tenants/acme/devices/0f542ca7-8ca3-4afe-ea04-26cd9b43bd85" display_name: "meter-1"
  installed { component: "TEEP-Device/x/suit" sequence: 7 state: INSTALL_STATE_INSTALLED }
  last_attestation { verdict: VERDICT_REFUSED time { seconds: 1790000000 }
    reasons { claim: "measurements.boot" expected: "8cf71ac8" found: "eeee\033[2J" } }
  keys { name: "tenants/acme/devices/d/keys/59bb" thumbprint: "\x59\xbb" state: KEY_STATE_ACTIVE }
  keys { name: "tenants/acme/devices/d/keys/59cc" thumbprint: "\x59\xcc" state: KEY_STATE_PENDING }
})";

TEST_F(TamctlTest, DeviceShowSaysWhatIsInstalledAndWhyItWasRefused) {
  server_.answers["GetDevice"] = kDevice;
  const Done done = Tamctl({"device", "show", "meter-1"});
  EXPECT_EQ(done.code, 0);
  EXPECT_THAT(server_.calls[0].second, HasSubstr("tenants/acme/devices/meter-1"));
  EXPECT_THAT(done.out, ContainsRegex("TEEP-Device/x/suit +7 +installed"));
  EXPECT_THAT(done.out, HasSubstr("Last attestation: refused at 2026-09-21T14:13:20Z"));
  EXPECT_THAT(done.out, ContainsRegex("measurements.boot +8cf71ac8 +eeee"));
  EXPECT_THAT(done.out, Not(HasSubstr("\033"))) << "server text must not drive the terminal";
}

TEST_F(TamctlTest, AKeyIsFoundByTheStartOfItsThumbprint) {
  server_.answers["GetDevice"] = kDevice;
  EXPECT_EQ(Tamctl({"device", "ban-key", "meter-1", "59"}).code, 2) << "two keys start so";
  EXPECT_EQ(Tamctl({"device", "ban-key", "meter-1", "77"}).code, 1) << "no key starts so";
  EXPECT_EQ(Tamctl({"device", "ban-key", "meter-1", "59bb"}).code, 0);
  EXPECT_EQ(server_.calls.back().first, "SetDeviceKeyState");
  EXPECT_THAT(server_.calls.back().second,
              AllOf(HasSubstr("keys/59bb"), HasSubstr("KEY_STATE_BANNED")));
}

TEST_F(TamctlTest, AChangeOfADomainBearsTheEtagThatWasRead) {
  server_.answers["GetDomain"] = R"(domain { name: "tenants/acme/domains/apps" etag: "e1" })";
  EXPECT_EQ(Tamctl({"domain", "suspend", "apps"}).code, 0);
  EXPECT_EQ(server_.calls.back().first, "UpdateDomain");
  EXPECT_THAT(server_.calls.back().second,
              AllOf(HasSubstr("etag: \"e1\""), HasSubstr("DOMAIN_STATE_SUSPENDED")));
}

TEST_F(TamctlTest, InspectRefusesWithReasonAndExitCodeOne) {
  const Done done = Tamctl({"inspect", "-"});
  EXPECT_EQ(done.code, 1);
  EXPECT_THAT(done.out, HasSubstr("empty file"));
  EXPECT_THAT(done.err, HasSubstr("got 0 bytes"));
  EXPECT_EQ(Tamctl({"inspect", "/nonexistent"}).code, 1);
  EXPECT_EQ(Tamctl({"inspect", "-", "--as", "poem"}).code, 2);
}

TEST(ComponentText, ReadsUuidsHexAndText) {
  const std::string uuid = *ParseHex("8d82573a926d4754935332dc29997f74");
  EXPECT_THAT(ParseComponentText("TEEP-Device/8d82573a-926d-4754-9353-32dc29997f74/ta"),
              testing::IsOkAndHolds(ElementsAre("TEEP-Device", uuid, "ta")));
  EXPECT_THAT(ParseComponentText("8d82573a926d4754935332dc29997f74/h'00ff'"),
              testing::IsOkAndHolds(ElementsAre(uuid, std::string("\0\xff", 2))));
  for (const char* bad : {"", "a//b", "a/", "h'0'"}) {
    EXPECT_THAT(ParseComponentText(bad), testing::StatusIs(absl::StatusCode::kInvalidArgument))
        << bad;
  }
}

TEST_F(TamctlTest, PublishShowsTheCatalogsWarnings) {
  TAM_ROW("S-11");
  suit::ManifestSpec spec;
  spec.component_id = {"apps", "ta"};
  spec.manifest_component_id = {"apps", "ta.suit"};
  spec.vendor_id = spec.class_id = std::string(16, 'v');
  spec.payload = "payload";
  const auto key = keys::PrivateKey::Generate(keys::KeyType::kP256);
  const std::string file = ::testing::TempDir() + "/app.suit";
  std::ofstream(file, std::ios::binary) << *suit::CreateSignedEnvelope(spec, *key);
  server_.answers["PublishManifest"] =
      "manifest { component: 'apps/ta.suit' } warnings: 'S-11: no class' warnings: 'S-11: other'";
  const Done done = Tamctl({"component", "publish", file, "--domain", "apps"});
  EXPECT_EQ(done.code, 0) << done.err;
  EXPECT_EQ(done.err, "tamctl: warning: S-11: no class\ntamctl: warning: S-11: other\n");
  EXPECT_THAT(done.out, HasSubstr("apps/ta.suit"));
}

TEST(Yaml, QuotesWhatCouldBeReadAsAnythingButText) {
  EXPECT_THAT(YamlFromJson(R"({"a": {"b": [], "c": {}}, "d": [{"e": 1, "f": "x: y"}, [true]],
                               "g": "yes", "h": "1e3", "i": "", "j": "line\n", "k": null})"),
              testing::IsOkAndHolds("a:\n"
                                    "  b: []\n"
                                    "  c: {}\n"
                                    "d:\n"
                                    "  - e: 1\n"
                                    "    f: \"x: y\"\n"
                                    "  - - true\n"
                                    "g: \"yes\"\n"
                                    "h: \"1e3\"\n"
                                    "i: \"\"\n"
                                    "j: \"line\\n\"\n"
                                    "k: null\n"));
  for (const char* json : {"{\"a\": ", "tru", "01", "1.", ".5", "-", "1e", "+1", "\"\\x\"",
                           "\"\\u12\"", "\"a\nb\"", "\v1", "[1,]"}) {
    EXPECT_THAT(YamlFromJson(json), testing::StatusIs(absl::StatusCode::kInvalidArgument)) << json;
  }
  EXPECT_THAT(YamlFromJson("[-0.5e+3, 0, \"\\u00e9\\n\"]"),
              testing::IsOkAndHolds("- -0.5e+3\n- 0\n- \"\\u00e9\\n\"\n"));
  EXPECT_THAT(YamlFromJson(std::string(100, '[')),
              testing::StatusIs(absl::StatusCode::kInvalidArgument));
}

}  // namespace
}  // namespace tam::tamctl

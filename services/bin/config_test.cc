#include "services/bin/config.h"

#include <string>
#include <utility>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/status_matchers.h"

namespace tam::bin {
namespace {

using ::tam::testing::IsOk;
using ::tam::testing::IsOkAndHolds;
using ::tam::testing::StatusIs;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Pair;
using ::testing::SizeIs;

// Flags keep their values through a process, so each test sets all that it reads.
absl::StatusOr<Config> Read(std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), "tamd");
  std::vector<char*> argv;
  for (std::string& argument : arguments) argv.push_back(argument.data());
  return ReadConfig(static_cast<int>(argv.size()), argv.data());
}

TEST(ConfigTest, AllIsJustAnotherList) {
  EXPECT_THAT(ParseModules("all"), IsOkAndHolds(SizeIs(6)));
  EXPECT_THAT(ParseModules("gateway,signing"),
              IsOkAndHolds(ElementsAre(Module::kSigning, Module::kGateway)));
}

TEST(ConfigTest, RefusesUnknownModules) {
  for (const char* list : {"", "gateway,", "gateway,billing", "All", "all,gateway"}) {
    EXPECT_THAT(ParseModules(list), StatusIs(absl::StatusCode::kInvalidArgument)) << list;
  }
}

TEST(ConfigTest, ReadsPeers) {
  EXPECT_THAT(ParsePeers(""), IsOkAndHolds(IsEmpty()));
  EXPECT_THAT(
      ParsePeers("signing=s:1,registry=[::1]:2"),
      IsOkAndHolds(ElementsAre(Pair(Module::kSigning, Peer{Module::kSigning, {"s:1"}}),
                               Pair(Module::kRegistry, Peer{Module::kRegistry, {"[::1]:2"}}))));
  for (const char* list : {"signing", "signing=", "signing=host", "other=h:1", "signing=other@h:1",
                           "signing=@h:1", "=h:1", "signing=registry@"}) {
    EXPECT_THAT(ParsePeers(list), StatusIs(absl::StatusCode::kInvalidArgument)) << list;
  }
}

TEST(ConfigTest, ReadsReplicasAndWhoAnswersThere) {
  EXPECT_THAT(
      ParsePeers("catalog=registry@10.0.0.1:1,signing=10.0.0.3:1,catalog=registry@10.0.0.2:1"),
      IsOkAndHolds(ElementsAre(
          Pair(Module::kSigning, Peer{Module::kSigning, {"10.0.0.3:1"}}),
          Pair(Module::kCatalog, Peer{Module::kRegistry, {"10.0.0.1:1", "10.0.0.2:1"}}))));
  EXPECT_THAT(ParsePeers("catalog=registry@h:1,catalog=h:2"),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("one identity")));
}

TEST(ConfigTest, WantsWhatTheModulesNeed) {
  const std::vector<std::string> tls = {"--tls_cert=c", "--tls_key=k", "--tls_ca=a"};
  std::vector<std::string> gateway = tls;
  gateway.push_back("--services=gateway");
  gateway.push_back("--database_dir=");
  EXPECT_THAT(Read(gateway), IsOk());
  std::vector<std::string> registry = tls;
  registry.push_back("--services=registry");
  EXPECT_THAT(Read(registry),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("database_dir")));
  std::vector<std::string> signing = tls;
  signing.push_back("--services=signing");
  signing.push_back("--database_dir=d");
  signing.push_back("--kek_file=");
  EXPECT_THAT(Read(signing), StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("kek_file")));
  EXPECT_THAT(Read({"--services=gateway", "--tls_cert=", "--tls_key=k", "--tls_ca=a"}),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("tls_cert")));
  EXPECT_THAT(Read({"--services=gateway", "--tls_cert=", "--tls_key=", "--tls_ca=a"}),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("tls_dir")));
  EXPECT_THAT(Read({"--services=gateway", "--tls_dir=d", "--tls_ca=a"}), IsOk());
  EXPECT_THAT(Read({"--services=gateway", "--tls_dir=d", "--tls_ca="}),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("tls_ca")));
  EXPECT_THAT(Read({"--services=gateway", "--tls_ca=a", "--tls_reload=0s"}),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("tls_reload")));
  EXPECT_THAT(Read({"--tls_cert=c", "--tls_key=k", "--tls_reload=1s", "--services=gateway",
                    "--http_workers=0"}),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("http_workers")));
  EXPECT_THAT(
      Read({"--tls_cert=c", "--services=gateway", "--http_workers=1", "--failures_per_source=0"}),
      StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("failures_per_source")));
}

TEST(ConfigTest, WantsBothFilesOfTheHttpsListenerOrNone) {
  const std::vector<std::string> rest = {"--services=gateway", "--tls_cert=c",
                                         "--tls_key=k",        "--tls_ca=a",
                                         "--http_workers=16",  "--failures_per_source=20"};
  const auto with = [&](const std::string& cert, const std::string& key) {
    std::vector<std::string> flags = rest;
    flags.push_back("--http_tls_cert=" + cert);
    flags.push_back("--http_tls_key=" + key);
    return Read(flags);
  };
  for (const auto& [cert, key] : {std::pair{"c", ""}, std::pair{"", "k"}}) {
    EXPECT_THAT(with(cert, key),
                StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("http_tls_key")));
  }
  const auto both = with("c", "k");
  ASSERT_THAT(both, IsOk());
  EXPECT_EQ(both->http_tls_cert_file, "c");
  EXPECT_EQ(both->http_tls_key_file, "k");
  EXPECT_THAT(with("", ""), IsOk());
}

TEST(ConfigTest, RefusalsMayBeFewButNotNegative) {
  const std::vector<std::string> rest = {"--services=gateway", "--tls_cert=c",
                                         "--tls_key=k",        "--tls_ca=a",
                                         "--http_workers=16",  "--failures_per_source=20"};
  const auto with = [&](const std::string& value) {
    std::vector<std::string> flags = rest;
    flags.push_back("--refusals_per_second=" + value);
    return Read(flags);
  };
  EXPECT_THAT(with("-1"),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("refusals_per_second")));
  EXPECT_THAT(with("nan"),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("refusals_per_second")));
  const auto read = with("0.5");
  ASSERT_THAT(read, IsOk());
  EXPECT_EQ(read->refusals_per_second, 0.5);
}

TEST(ConfigTest, BoundsConnections) {
  const std::vector<std::string> rest = {"--services=gateway", "--tls_cert=c",
                                         "--tls_key=k",        "--tls_ca=a",
                                         "--http_workers=16",  "--failures_per_source=20"};
  for (const char* flag : {"http_connections", "http_connections_per_source"}) {
    std::vector<std::string> flags = rest;
    flags.push_back(std::string("--") + flag + "=0");
    EXPECT_THAT(Read(flags), StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr(flag)));
    flags.push_back(std::string("--") + flag + "=1");
    EXPECT_THAT(Read(flags), IsOk());
  }
}

}  // namespace
}  // namespace tam::bin

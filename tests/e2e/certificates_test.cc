// Certificates of the TAM's signing keys, between tamd and devices that trust an authority.
#include "tests/support/certificates.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/time/clock.h"
#include "nlohmann/json.hpp"
#include "tests/e2e/layouts.h"
#include "tests/support/row.h"

namespace tam::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

int CountOf(const std::string& text, const std::string& word) {
  return static_cast<int>(std::vector<std::string>(absl::StrSplit(text, word)).size()) - 1;
}

// Each test has a device of its own; the chains of the key are put as a test wants them.
class CertificatesTest : public SharedTamTest {
 protected:
  void SetUpTam() override {
    scenario().AddDevice("one");
    scenario().AddReferenceValues("one");
    scenario().Publish(1, "first");
    scenario().Deploy("sample");
    scenario().Do("operator", {"endpoint", "create", "lax", "--no-attestation"});
  }
  void SetUp() override {
    SharedTamTest::SetUp();
    const nlohmann::json keys = Json({"key", "list"});
    for (const auto& key : keys["keys"]) {
      if (key["suite"] == "CIPHER_SUITE_ESP256" && key["state"] == "SIGNING_KEY_STATE_ACTIVE" &&
          key["purpose"] == "KEY_PURPOSE_TEEP_MESSAGE") {
        const std::string name = key["name"];
        key_ = name.substr(name.rfind('/') + 1);
      }
    }
    const std::string file = stack().Path("p256.pem");
    scenario().Do("operator", {"key", "export", key_, "-o", file});
    pem_ = ContentOf(file);
    nlohmann::json chains = Json({"key", "certificate", "list", key_});
    for (const auto& chain : chains["certificates"]) {
      scenario().Do("operator", {"key", "certificate", "remove", key_,
                                 absl::StrCat(chain["position"].get<int>())});
    }
    std::ofstream(Roots()) << known_.pem();
  }

  static nlohmann::json Json(std::vector<std::string> args) {
    args.insert(args.end(), {"-o", "json"});
    return nlohmann::json::parse(scenario().Do("operator", args), nullptr, false);
  }
  static std::string Roots() { return stack().Path("tam-roots.pem"); }
  Finished Add(const std::string& chain_pem) const {
    const std::string file = stack().Path("chain.pem");
    std::ofstream(file) << chain_pem;
    return stack().Tamctl("operator", {"key", "certificate", "add", key_, "--chain", file});
  }
  std::string Chain(const CertificateAuthority& authority, long to = 3600) const {
    return authority.Certify(pem_, -60, to) + authority.pem();
  }
  // A session of a device that trusts the known authority alone; what it did is in the result.
  static Finished Trusting(const std::string& device, std::vector<std::string> more = {}) {
    more.insert(more.end(), {"--tam-key-ca", Roots()});
    return scenario().Session(device, more);
  }

  std::string key_;
  std::string pem_;
  const CertificateAuthority known_;
  const CertificateAuthority unknown_;
};
INSTANTIATE_TEST_SUITE_P(, CertificatesTest, ::testing::ValuesIn(OnlyIn(Layout::kTogether)),
                         LayoutName);

TEST_P(CertificatesTest, ADeviceThatKnowsTheAuthorityCompletes) {
  TAM_ROW("T-65");
  ASSERT_EQ(Add(Chain(known_)).exit_code, 0);
  const Finished session = Trusting("one");
  EXPECT_EQ(session.exit_code, 0) << session.out << session.err;
  EXPECT_THAT(session.out, HasSubstr("certificates of the TAM: verified, 2"));
  EXPECT_EQ(scenario().OnDisk("one"), "first");
  EXPECT_THAT(scenario().Do("operator", {"audit", "list", "--limit", "5"}),
              HasSubstr("signing-key.certify"));
}

TEST_P(CertificatesTest, ADeviceThatDoesNotKnowTheFirstAuthorityIsShownTheNextChain) {
  TAM_ROW("T-65");
  scenario().AddDevice("two");
  ASSERT_EQ(Add(Chain(unknown_)).exit_code, 0);
  ASSERT_EQ(Add(Chain(known_)).exit_code, 0);
  const Finished session = Trusting("two");
  EXPECT_EQ(session.exit_code, 0) << session.out << session.err;
  EXPECT_EQ(CountOf(session.out, "ERR_BAD_CERTIFICATE"), 1) << session.out;
  EXPECT_EQ(scenario().OnDisk("two"), "first");
  EXPECT_THAT(stack().TamdLog(), HasSubstr("tam_certificate_refused"));
}

TEST_P(CertificatesTest, TheNextChainIsShownOnceAndThenTheTamHoldsOff) {
  TAM_ROW("T-65");
  scenario().AddDevice("three");
  ASSERT_EQ(Add(Chain(unknown_)).exit_code, 0);
  ASSERT_EQ(Add(Chain(CertificateAuthority())).exit_code, 0);
  const Finished session = Trusting("three");
  EXPECT_EQ(session.exit_code, 1);
  EXPECT_EQ(CountOf(session.out, "ERR_BAD_CERTIFICATE"), 2) << session.out;
  EXPECT_EQ(scenario().OnDisk("three"), "");
}

TEST_P(CertificatesTest, AChainThatHasExpiredForTheDeviceIsLoggedAndTheTamBacksOff) {
  TAM_ROW("T-65");
  scenario().AddDevice("four");
  ASSERT_EQ(Add(Chain(known_)).exit_code, 0);
  const Finished late = stack().Teepsim({"run", "--state", scenario().Folder("four"), "--tam",
                                         stack().NextTamUrl("/tam/demo/lax"), "--once",
                                         "--tam-key-ca", Roots(), "--clock-ahead", "7200"});
  EXPECT_EQ(late.exit_code, 1) << late.out << late.err;
  EXPECT_EQ(CountOf(late.out, "ERR_CERTIFICATE_EXPIRED"), 1) << late.out;
  EXPECT_THAT(stack().TamdLog(), HasSubstr("tam_certificate_expired"));
  // Held off, whatever it says now.
  const Finished after = scenario().Session("four");
  EXPECT_EQ(scenario().OnDisk("four"), "") << after.out;
  EXPECT_THAT(stack().TamdLog(), HasSubstr("backed_off"));
}

TEST_P(CertificatesTest, AChainThatHasExpiredForTheTamIsSkipped) {
  TAM_ROW("T-65");
  scenario().AddDevice("five");
  const CertificateAuthority below = known_.Below();
  ASSERT_EQ(Add(Chain(known_, 5)).exit_code, 0);
  ASSERT_EQ(Add(below.Certify(pem_) + below.pem() + known_.pem()).exit_code, 0);
  const absl::Time deadline = absl::Now() + absl::Seconds(60);
  Finished session;
  do {
    session = Trusting("five");
    ASSERT_EQ(session.exit_code, 0) << session.out << session.err;
  } while (CountOf(session.out, "verified, 3") == 0 && absl::Now() < deadline);
  EXPECT_THAT(session.out, HasSubstr("certificates of the TAM: verified, 3"));
  EXPECT_EQ(CountOf(session.out, "ERR_"), 0) << session.out;
  EXPECT_EQ(CountOf(stack().TamdLog(), "signing_certificate_skipped"), 1);
}

TEST_P(CertificatesTest, WhatIsNoChainOfTheKeyIsRefused) {
  TAM_ROW("T-65");
  const std::string before = stack().DatabaseDigest();
  const auto refused = [&](const std::string& pem, const std::string& reason) {
    const Finished done = Add(pem);
    EXPECT_EQ(done.exit_code, 1);
    EXPECT_THAT(done.err, HasSubstr(reason));
  };
  refused(known_.Issue("DNS:a").certificate_pem, "chain[0]: subjectPublicKeyInfo: want the key");
  refused(known_.Certify(pem_) + unknown_.pem(), "chain[0]: issuer: want the subject of the next");
  refused(Chain(known_, -30), "chain: want one that is valid after");
  refused("no PEM", "chain.pem: chain: want PEM up to its last line");
  EXPECT_EQ(stack().DatabaseDigest(), before);
}

}  // namespace
}  // namespace tam::testing

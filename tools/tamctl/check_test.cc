// Runs the tamctl binary: `tamctl check` on messages of its own making, and on every published one.
#include <cstdlib>
#include <fstream>
#include <string>
#include <vector>

#include "absl/strings/escaping.h"
#include "crypto/cbor/cbor.h"
#include "crypto/cose/cose.h"
#include "crypto/cose/encrypt.h"
#include "crypto/keys/agreement.h"
#include "crypto/keys/key.h"
#include "crypto/secret/secret.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "services/attestation/eat/evidence_claims.h"
#include "teep/eat/eat.h"
#include "teep/message/message.h"
#include "teep/suit/commands.h"
#include "teep/suit/report.h"
#include "tests/support/process.h"
#include "tests/support/status_matchers.h"
#include "tests/support/vectors.h"

namespace tam::tamctl {
namespace {

using ::tam::testing::Finished;
using ::tam::testing::Value;
using ::tam::testing::VectorCase;
using ::testing::StartsWith;

constexpr char kToken[] = "0123456789abcdef";

std::string Hex(std::string_view bytes) {
  return absl::BytesToHexString(absl::string_view(bytes.data(), bytes.size()));
}

std::string WriteTemporary(const std::string& name, std::string_view bytes) {
  const std::string path = std::string(std::getenv("TEST_TMPDIR")) + "/" + name;
  std::ofstream(path, std::ios::binary) << bytes;
  return path;
}

Finished Check(std::vector<std::string> words) {
  words.insert(words.begin(), {std::string(std::getenv("TEST_SRCDIR")) + "/" +
                                   std::getenv("TEST_WORKSPACE") + "/tools/tamctl/tamctl",
                               "check"});
  const auto run = testing::RunProcess(words);
  EXPECT_OK(run);
  return run.value_or(Finished());
}

class CheckTest : public ::testing::Test {
 protected:
  std::string Signed(const teep::Message& message) {
    const auto payload = teep::Encode(message);
    EXPECT_OK(payload);
    return WriteTemporary("message", *cose::Sign1(key_, cbor::AsBytes(*payload)));
  }
  std::string KeyFile() { return WriteTemporary("agent.pem", key_.public_key().ToPem()); }
  // With the agent's key and kToken as what was sent.
  Finished CheckWithToken(const teep::Message& message, std::vector<std::string> more = {}) {
    std::vector<std::string> words = {Signed(message), "--agent-key", KeyFile(), "--sent-token",
                                      Hex(kToken)};
    words.insert(words.end(), more.begin(), more.end());
    return Check(words);
  }

  std::string Sealed(const std::string& inside, std::string_view use) {
    return *cose::Encrypt(tam_key_.public_key(), cbor::AsBytes(inside),
                          cose::ContentAlgorithm::kA128Ctr, use, secret::RandomSource::System());
  }
  std::string DecryptKeyFile() {
    return WriteTemporary("tam.pem", cbor::AsString(tam_key_.ToPkcs8Pem().Reveal()));
  }

  keys::AgreementKey tam_key_ = keys::AgreementKey::Generate(keys::AgreementCurve::kP256);
  keys::PrivateKey key_ = *keys::PrivateKey::Generate(keys::KeyType::kP256);
};

TEST_F(CheckTest, AcceptsWithExitCode0) {
  teep::Success success;
  success.token = kToken;
  const Finished run = CheckWithToken(success);
  EXPECT_EQ(run.out, "accept\n");
  EXPECT_EQ(run.exit_code, 0) << run.err;
}

TEST_F(CheckTest, DropsWithExitCode1AndTheReason) {
  teep::Success success;
  success.token = "another token";
  const Finished run = CheckWithToken(success);
  EXPECT_EQ(run.out, "drop: dropped_token\n");
  EXPECT_EQ(run.exit_code, 1);
  EXPECT_EQ(run.err, "");
}

TEST_F(CheckTest, AnswersWithExitCode3AndTheErrCode) {
  teep::QueryResponse response;
  response.token = kToken;
  const Finished run = CheckWithToken(response, {"--requested", "2"});
  EXPECT_EQ(run.out, "answer: err-code 1: tc-list is missing\n");
  EXPECT_EQ(run.exit_code, 3) << run.err;
}

TEST_F(CheckTest, EvidenceIsForAVerifierToJudge) {
  const std::string challenge(32, 'c');
  cbor::MapBuilder claims;
  claims.Set(10, cbor::Writer().ByteString(challenge));
  teep::QueryResponse response;
  response.attestation_payload_format = "application/eat+cwt; eat_profile=\"urn:test\"";
  response.attestation_payload = *cose::Sign1(key_, cbor::AsBytes(claims.Encode()));
  const std::string file = Signed(response);
  const Finished run = Check({file, "--agent-key", KeyFile(), "--sent-challenge", Hex(challenge)});
  EXPECT_EQ(run.out, "accept:evidence\n");
  EXPECT_EQ(run.exit_code, 0) << run.err;
  const Finished other =
      Check({file, "--agent-key", KeyFile(), "--sent-challenge", Hex(std::string(32, 'd'))});
  EXPECT_THAT(other.out, StartsWith("answer: err-code 7: "));
  EXPECT_EQ(other.exit_code, 3) << other.err;
}

// By the rules of the attestation service, as far as they go without what a tenant registers.
TEST_F(CheckTest, EvidenceThatNoRegistrationCouldSaveIsRefused) {
  const std::string challenge(32, 'c');
  const keys::PrivateKey attester = *keys::PrivateKey::Generate(keys::KeyType::kEd25519);
  eat::Claims claims = attestation::EvidenceClaims(key_.public_key(), challenge);
  claims.expires = absl::FromUnixSeconds(1'790'000'000);
  const auto check = [&](const std::string& at, const keys::PrivateKey& signer) {
    teep::QueryResponse response;
    response.attestation_payload_format = attestation::kEvidenceFormat;
    response.attestation_payload = *cose::Sign1(signer, cbor::AsBytes(eat::EncodeClaims(claims)));
    return Check({Signed(response), "--agent-key", KeyFile(), "--sent-challenge", Hex(challenge),
                  "--at", at})
        .out;
  };
  EXPECT_EQ(check("1789999999", attester), "accept:evidence\n");
  EXPECT_EQ(check("1790000061", attester), "answer: err-code 7: attestation refused: exp\n");
  claims.dbgstat = 0;
  EXPECT_EQ(check("1789999999", attester), "answer: err-code 7: attestation refused: dbgstat\n");
  claims.dbgstat = 3;
  claims.cnf.reset();
  EXPECT_EQ(check("1789999999", attester), "answer: err-code 7: attestation refused: cnf\n");
}

// What was encrypted is held to what was sent as what was not.
TEST_F(CheckTest, NonceOfAnEncryptedReportMustBeTheToken) {
  suit::Report report;
  report.manifest_digest = {-16, std::string(32, 'm')};
  report.nonce = kToken;
  teep::Success success;
  success.token = kToken;
  success.suit_reports = {Sealed(*suit::EncodeReport(report), cose::kSuitReportEncryption)};
  EXPECT_EQ(CheckWithToken(success, {"--decrypt-key", DecryptKeyFile()}).out, "accept\n");
  report.nonce = "another token";
  const std::string bare = *suit::EncodeReport(report);
  for (const std::string& inside :
       {bare,
        *cose::Sign1(*keys::PrivateKey::Generate(keys::KeyType::kP256), cbor::AsBytes(bare))}) {
    success.suit_reports = {Sealed(inside, cose::kSuitReportEncryption)};
    EXPECT_EQ(CheckWithToken(success, {"--decrypt-key", DecryptKeyFile()}).out,
              "drop: dropped_report_nonce (suit-report-nonce is not the token)\n");
  }
  // Without the key it says nothing.
  EXPECT_EQ(CheckWithToken(success).out, "accept\n");
}

TEST_F(CheckTest, NonceOfAnEncryptedEatMustBeTheChallenge) {
  const std::string challenge(32, 'c');
  eat::Claims claims;
  claims.nonces = {challenge};
  teep::QueryResponse response;
  response.attestation_payload_format = "application/eat+cwt; eat_profile=\"urn:test\"";
  response.attestation_payload =
      Sealed(*cose::Sign1(key_, cbor::AsBytes(eat::EncodeClaims(claims))), cose::kEatEncryption);
  const auto check = [&](const std::string& sent) {
    return Check({Signed(response), "--agent-key", KeyFile(), "--decrypt-key", DecryptKeyFile(),
                  "--sent-challenge", Hex(sent)})
        .out;
  };
  EXPECT_EQ(check(challenge), "accept:evidence\n");
  EXPECT_THAT(check(std::string(32, 'd')), StartsWith("answer: err-code 7: "));
}

TEST_F(CheckTest, AnEncryptedReportMayContradictTheList) {
  suit::Report report;
  report.manifest_digest = {-16, std::string(32, 'm')};
  report.nonce = kToken;
  suit::ReportedClaims reported;
  reported.component_id = {"app"};
  cbor::Writer digest;
  digest.ByteString(suit::EncodeDigest({-16, std::string(32, 'j')}));
  reported.parameters[suit::parameter::kImageDigest] = std::move(digest).Take();
  report.claims = {reported};
  teep::QueryResponse response;
  response.token = kToken;
  response.suit_reports = {Sealed(*suit::EncodeReport(report), cose::kSuitReportEncryption)};
  teep::SystemPropertyClaims claims;
  claims.component_id = {"app"};
  claims.image_digest = {-16, std::string(32, 'i')};
  response.tc_list = {claims};
  EXPECT_EQ(CheckWithToken(response, {"--requested", "2"}).out, "accept\n");
  EXPECT_EQ(CheckWithToken(response, {"--requested", "2", "--decrypt-key", DecryptKeyFile()}).out,
            "accept:flagged: tc-list and a suit-report have different images of app\n");
}

TEST_F(CheckTest, ReportKeySaysWhoseReportsAreKnown) {
  const keys::PrivateKey reporter = *keys::PrivateKey::Generate(keys::KeyType::kEd25519);
  suit::Report report;
  report.manifest_digest = {-16, std::string(32, 'm')};
  report.nonce = kToken;
  teep::Success success;
  success.token = kToken;
  success.suit_reports = {*cose::Sign1(reporter, cbor::AsBytes(*suit::EncodeReport(report)))};
  EXPECT_EQ(CheckWithToken(success).out, "accept\n");
  const std::string known = WriteTemporary("report.pem", reporter.public_key().ToPem());
  EXPECT_EQ(CheckWithToken(success, {"--report-key", known}).out, "accept\n");
  const keys::PrivateKey other = *keys::PrivateKey::Generate(keys::KeyType::kP256);
  const std::string others = WriteTemporary("other.pem", other.public_key().ToPem());
  EXPECT_EQ(CheckWithToken(success, {"--report-key", others}).out,
            "accept:flagged: suit-report signed by a key that is not registered\n");
  // The key that signs the messages signs no reports, listed or not (draft -26 section 4.5).
  success.suit_reports = {*cose::Sign1(key_, cbor::AsBytes(*suit::EncodeReport(report)))};
  EXPECT_EQ(CheckWithToken(success, {"--report-key", KeyFile()}).out,
            "accept:flagged: suit-report signed by the key of the message\n");
}

TEST_F(CheckTest, FlagsWhatContradictsItselfWithExitCode0) {
  teep::QueryResponse response;
  response.token = kToken;
  teep::SystemPropertyClaims claims;
  claims.component_id = {"app"};
  claims.image_digest = {-16, std::string(32, 'i')};
  response.tc_list = {claims};
  response.requested_tc_list = {{{"app"}, std::nullopt, std::nullopt}};
  const Finished run = CheckWithToken(response, {"--requested", "2"});
  EXPECT_EQ(run.out, "accept:flagged: requested-tc-list asks for app, which tc-list has\n");
  EXPECT_EQ(run.exit_code, 0) << run.err;
  response.requested_tc_list = {{{"app"}, 3, true}};
  EXPECT_EQ(CheckWithToken(response, {"--requested", "2"}).out, "accept\n");
  response.requested_tc_list.clear();
  claims.image_digest->bytes = std::string(32, 'j');
  response.tc_list->push_back(claims);
  EXPECT_EQ(CheckWithToken(response, {"--requested", "2"}).out,
            "accept:flagged: tc-list has two images of app\n");
}

TEST_F(CheckTest, AgentKeysStandForTheLookUp) {
  teep::Success success;
  success.token = kToken;
  const std::string file = Signed(success);
  const auto other = *keys::PrivateKey::Generate(keys::KeyType::kEd25519);
  const std::string others = WriteTemporary("other.cbor", other.public_key().cose_key());
  const Finished unknown = Check({file, "--agent-key", others, "--sent-token", Hex(kToken)});
  EXPECT_EQ(unknown.out, "drop: dropped_unknown_key\n");
  const Finished both =
      Check({file, "--agent-key", others, "--agent-key", KeyFile(), "--sent-token", Hex(kToken)});
  EXPECT_EQ(both.out, "accept\n");
}

// Success 5, token 20, -7, no tag, no kid.
TEST_F(CheckTest, OlderPeersAreTakenByTheLegacyProfileAlone) {
  teep::Success success;
  success.token = kToken;
  const auto payload = teep::Encode(success, teep::WireProfile::kLegacy);
  ASSERT_OK(payload);
  const auto tagged =
      cose::Sign1(key_, cbor::AsBytes(*payload), {.with_kid = false, .older_numbers = true});
  ASSERT_OK(tagged);
  const std::vector<std::string> words = {WriteTemporary("older", tagged->substr(1)), "--agent-key",
                                          KeyFile(), "--sent-token", Hex(kToken)};
  std::vector<std::string> legacy = words;
  legacy.insert(legacy.end(), {"--wire", "legacy"});
  EXPECT_EQ(Check(legacy).out, "accept\n");
  const Finished refused = Check(words);
  EXPECT_THAT(refused.out, ::testing::HasSubstr("A4: untagged COSE"));
  EXPECT_EQ(refused.exit_code, 1);
}

TEST_F(CheckTest, WrongUsageIsExitCode2) {
  const std::string file = WriteTemporary("any", "x");
  for (const std::vector<std::string>& words : std::vector<std::vector<std::string>>{
           {file},
           {file, "--agent-key", KeyFile(), "--sent-token", "0g"},
           {file, "--agent-key", KeyFile(), "--sent-token", "00", "--sent-challenge", "00"},
           {file, "--agent-key", KeyFile(), "--sent-challenge", "00", "--requested", "2"},
           {file, "--agent-key", KeyFile(), "--requested", "16"},
           {file, "--agent-key", KeyFile(), "--at", "yesterday"}}) {
    const Finished run = Check(words);
    EXPECT_EQ(run.exit_code, 2) << run.out << run.err;
    EXPECT_EQ(run.out, "");
  }
}

// The command line for a row, by its ctx.
std::vector<std::string> WordsFor(const VectorCase& row, const std::string& folder) {
  std::vector<std::string> words = {folder + Value(row, "file")};
  for (const auto& [member, flag] :
       std::vector<std::pair<std::string, std::string>>{{"ctx.signer", "--agent-key"},
                                                        {"ctx.verifier", "--verifier-key"},
                                                        {"ctx.tamDecryptKey", "--decrypt-key"}}) {
    if (!Value(row, member).empty()) {
      words.insert(words.end(), {flag, folder + Value(row, member)});
    }
  }
  for (const auto& [member, flag] :
       std::vector<std::pair<std::string, std::string>>{{"ctx.sentToken", "--sent-token"},
                                                        {"ctx.sentChallenge", "--sent-challenge"},
                                                        {"ctx.dataItemRequested", "--requested"},
                                                        {"ctx.now", "--at"}}) {
    if (!Value(row, member).empty()) words.insert(words.end(), {flag, Value(row, member)});
  }
  return words;
}

TEST(CheckVectors, TheBinaryGivesEachItsVerdict) {
  const auto root = testing::VectorRoot();
  if (!root.has_value()) GTEST_SKIP() << "TAM_VECTORS is unset";
  const std::string folder = *root + "/protocol/vectors/";
  int ran = 0;
  for (const VectorCase& row : testing::ReadCases(folder + "index.json")) {
    const std::string kind = Value(row, "kind"), verdict = Value(row, "verdict");
    if (kind != "signed TEEP message" && kind != "NEGATIVE TEEP input") continue;
    if (verdict == "valid") continue;
    const Finished run = Check(WordsFor(row, folder));
    const bool answers = verdict.rfind("answer:", 0) == 0;
    const std::string want = answers ? "answer: err-code " + verdict.substr(7) + ": " : verdict;
    EXPECT_THAT(run.out, StartsWith(want)) << Value(row, "file") << run.err;
    EXPECT_EQ(run.exit_code, answers ? 3 : verdict == "drop" ? 1 : 0) << Value(row, "file");
    ++ran;
  }
  EXPECT_GE(ran, 44);
}

}  // namespace
}  // namespace tam::tamctl

// What the gateway's log says, and what it does not (TEEP.md T-62, T-63).
#include <set>
#include <string>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_split.h"
#include "crypto/cbor/cbor.h"
#include "services/gateway/session_fixture.h"
#include "services/runtime/log.h"
#include "tests/support/row.h"
#include "tests/support/status_matchers.h"

namespace tam::gateway {
namespace {

using ::testing::AllOf;
using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::Not;

class LogRowsTest : public SessionFixture {
 protected:
  void SetUp() override {
    runtime::SetLogThreshold(runtime::Severity::kDebug);
    ::testing::internal::CaptureStderr();
  }
  void TearDown() override { runtime::SetLogThreshold(runtime::Severity::kInfo); }

  // What was logged since SetUp.
  static std::string Logged() { return ::testing::internal::GetCapturedStderr(); }
  // The number that makes a key private: COSE_Key label -4.
  static std::string Secret(const keys::PrivateKey& key) {
    const auto bytes = key.ToCoseKey();
    const auto document = cbor::Document::Parse(bytes.Reveal());
    return cbor::AsString(*document->root().Get(-4)->ByteString());
  }
};

// Halves of it are looked for, so that a line which cuts it short does not pass.
void ExpectNowhere(const std::string& log, const std::string& what, const char* name) {
  const std::string part = what.substr(what.size() / 4, what.size() / 2);
  ASSERT_GE(part.size(), 8u) << name;
  const std::string lower = absl::AsciiStrToLower(log);
  EXPECT_EQ(log.find(part), std::string::npos) << name;
  EXPECT_EQ(lower.find(absl::BytesToHexString(part)), std::string::npos) << name;
  for (size_t offset = 0; offset < 3; ++offset) {  // base64 at each alignment
    const std::string aligned = part.substr(offset, (part.size() - offset) / 3 * 3);
    EXPECT_EQ(log.find(absl::Base64Escape(aligned)), std::string::npos) << name;
    EXPECT_EQ(log.find(absl::WebSafeBase64Escape(aligned)), std::string::npos) << name;
  }
}

TEST_F(LogRowsTest, NoSecretAndNoEvidenceIsLogged) {
  TAM_ROW("T-62");
  std::vector<std::pair<std::string, const char*>> secrets = {{Secret(key_), "agent key"},
                                                              {Secret(tam_p256_), "TAM key"},
                                                              {Secret(tam_ed25519_), "TAM key"}};
  const std::string challenge = Connect();
  const std::string token = Connect("lax");
  teep::QueryResponse response = Evidence(challenge);
  const std::string good = Sign(response);
  const teep::Update update = UpdateIn(Send(good));
  for (const auto& [what, name] : {std::pair(challenge, "challenge"),
                                   {token, "token"},
                                   {*response.attestation_payload, "evidence"},
                                   {*update.token, "update token"},
                                   {update.manifest_list.at(0), "manifest"}}) {
    secrets.emplace_back(what, name);
  }
  // Every way out that has a text: cut short, badly signed, by a stranger, used up, refused.
  EXPECT_TRUE(IsSilent(Send(good.substr(0, good.size() - 1))));
  Advance(absl::Milliseconds(1));
  std::string forged = Sign(Evidence(Connect()));
  forged.back() = static_cast<char>(forged.back() ^ 1);
  EXPECT_TRUE(IsSilent(Send(forged)));
  const auto stranger = *keys::PrivateKey::Generate(keys::KeyType::kP256);
  EXPECT_TRUE(IsSilent(Send(Sign(response, stranger))));
  EXPECT_TRUE(IsSilent(Send(Sign(response))));
  verdict_.set_verdict(v1::VERDICT_REFUSED);
  verdict_.add_reasons()->set_claim("measurements.boot");
  Advance(absl::Milliseconds(1));
  const teep::QueryResponse refused = Evidence(Connect());
  secrets.emplace_back(*refused.attestation_payload, "refused evidence");
  UpdateIn(Send(Sign(refused)));
  teep::Error error;
  error.token = update.token;
  error.err_code = teep::ErrorCode::kTemporaryError;
  error.err_msg = "the password is swordfish";
  secrets.emplace_back("password is swordfish", "err-msg");
  EXPECT_TRUE(IsSilent(Send(Sign(error))));
  attestation_.FailWith(absl::InternalError("attestation failed"));
  Advance(absl::Milliseconds(1));
  EXPECT_FALSE(Send(Sign(Evidence(Connect()))).ok());

  const std::string log = Logged();
  ASSERT_THAT(log, AllOf(HasSubstr("dropped_malformed"), HasSubstr("dropped_bad_signature"),
                         HasSubstr("dropped_unknown_key"), HasSubstr("dropped_used_challenge"),
                         HasSubstr("refused_by_attestation"), HasSubstr("update_sent"),
                         HasSubstr("\"failed\"")));
  for (const auto& [what, name] : secrets) ExpectNowhere(log, what, name);
}

TEST_F(LogRowsTest, ReportsThatWereAskedForAndAreAbsentAreNamed) {
  TAM_ROW("A8");
  constexpr char kAbsent[] = "no suit-reports, which were asked for";
  CreateEndpoint("unasked", true, 3);
  UpdateIn(Send(Sign(Evidence(Connect()))));
  plan_.clear_install();
  Advance(absl::Milliseconds(1));
  EXPECT_TRUE(IsSilent(Send(Sign(Evidence(Connect())))));
  std::string log = Logged();
  EXPECT_THAT(log, HasSubstr(std::string("1 manifests, 0 unlinks; ") + kAbsent));
  EXPECT_THAT(log, HasSubstr("nothing_to_do"));
  EXPECT_THAT(log.substr(log.find("nothing_to_do")), HasSubstr(kAbsent));

  ::testing::internal::CaptureStderr();
  key_ = *keys::PrivateKey::Generate(keys::KeyType::kP256);
  CreateDevice("other", key_);
  EXPECT_TRUE(IsSilent(Send(Sign(Evidence(Connect("unasked"))), "unasked")));
  log = Logged();
  EXPECT_THAT(log, AllOf(HasSubstr("nothing_to_do"), Not(HasSubstr(kAbsent))));
}

TEST_F(LogRowsTest, EventsAreLinesWithACode) {
  TAM_ROW("T-63");
  UpdateIn(Send(Sign(Evidence(Connect()))));
  EXPECT_TRUE(IsSilent(Send("garbage")));
  const std::vector<std::string> lines = absl::StrSplit(Logged(), '\n', absl::SkipEmpty());
  for (const char* code : {"query_request_sent", "update_sent", "dropped_malformed"}) {
    EXPECT_THAT(lines, Contains(AllOf(HasSubstr("\"event\":\"teep\""),
                                      HasSubstr(std::string("\"outcome\":\"") + code + "\""),
                                      HasSubstr("\"endpoint\":\"/tam/acme/main\""),
                                      HasSubstr("\"request_id\":\""),
                                      Not(HasSubstr("\"request_id\":\"\"")))));
  }
  std::set<std::string> codes;
  for (size_t i = 0; i < static_cast<size_t>(Outcome::kCount); ++i) {
    codes.emplace(OutcomeCode(static_cast<Outcome>(i)));
  }
  EXPECT_EQ(codes.size(), static_cast<size_t>(Outcome::kCount));
}

TEST_F(LogRowsTest, WhatIsKeptAgainstTheDevicesWishIsLogged) {
  teep::QueryResponse response = Evidence(Connect());
  response.unneeded_manifest_list = {{"apps", "ta.suit"}, {"gone"}};
  plan_.add_kept(
      "\x82\x44"
      "apps"
      "\x47"
      "ta.suit");
  UpdateIn(Send(Sign(response)));
  EXPECT_THAT(resolved_.unneeded(), ::testing::SizeIs(2));
  EXPECT_THAT(Logged(),
              HasSubstr("1 not needed by the device and kept for a deployment, apps/ta.suit"));
}

}  // namespace
}  // namespace tam::gateway

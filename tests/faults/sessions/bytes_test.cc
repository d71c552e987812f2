// Every message of a device, cut short at every length and with every byte flipped, over HTTP: the
// TAM stays, no row changes, each answer is the one that the drafts prescribe, and the untouched
// message is accepted afterwards.
//
// At length: every bit of every byte, and each request cut at every byte of its HTTP form.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <iostream>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "crypto/cbor/cbor.h"
#include "crypto/cose/cose.h"
#include "teep/message/message.h"
#include "tests/faults/sessions/posts_at_once.h"
#include "tests/faults/sessions/session_faults.h"
#include "tests/support/status_matchers.h"

namespace tam::testing {
namespace {

using ::testing::SizeIs;

// A part of a COSE_Sign1 message, and what a TAM says to a message in which a bit of it differs.
struct FieldRule {
  const char* field;
  unsigned status;
  const char* why;
};

// "TEEP.md" sections are those of the digest of draft-ietf-teep-protocol-26 that it names; A10
// settles the status of a dropped message, H-08 that it has no body.
constexpr FieldRule kFieldRules[] = {
    {"tag", 204, "4.2 steps 1 and 2, T-04, T-05: no longer tag 18 or 98, or not one item: dropped"},
    {"array", 204, "4.2 step 1, T-04, T-05: not well-formed, or no array of four: dropped"},
    {"protected", 204,
     "4.2 steps 2 and 4, T-06, T-07: another or no algorithm, else a signature "
     "over other bytes: dropped"},
    {"unprotected", 204,
     "4.2 steps 2 and 3, T-06: a header not understood, no kid, or the kid of "
     "no registered key: dropped"},
    {"payload", 204,
     "4.2 step 4, T-07: a signature over other bytes: dropped before the payload "
     "is believed, so it earns no err-code either (step 6, R-01)"},
    {"signature", 204, "4.2 step 4, T-07: dropped"},
};
constexpr FieldRule kCutToNothing = {
    "empty body", 200, "HTTP 6.1, H-07: invokes ProcessConnect, which returns a QueryRequest"};
constexpr FieldRule kCutShort = {"cut short", 204,
                                 "4.2 step 1, T-04: one CBOR item that is not whole: dropped"};
constexpr FieldRule kTrailing = {"trailing byte", 204,
                                 "4.2 step 1, T-04: more than one CBOR item: dropped"};

// One altered message.
struct Case {
  std::string body;
  const FieldRule* rule;
  std::string what;  // "byte 17 ^ 0x02"
};

bool Long() { return LongForm() > absl::ZeroDuration(); }

// The rule for each byte of a message.
std::vector<const FieldRule*> RulesByByte(std::string_view message) {
  const auto document = cbor::Document::Parse(cbor::AsBytes(message));
  EXPECT_OK(document);
  std::vector<const FieldRule*> rules(message.size(), &kFieldRules[1]);
  rules[0] = &kFieldRules[0];
  const cbor::Item array = document->root().at(0);
  EXPECT_EQ(array.size(), 4u);
  for (size_t field = 0; field < array.size(); ++field) {
    const cbor::Item item = array.at(field);
    std::fill_n(rules.begin() + static_cast<ptrdiff_t>(item.offset()), item.encoded().size(),
                &kFieldRules[2 + field]);
  }
  return rules;
}

std::vector<Case> CasesOf(std::string_view message) {
  std::vector<Case> cases;
  for (size_t length = 0; length < message.size(); ++length) {
    cases.push_back({std::string(message.substr(0, length)),
                     length == 0 ? &kCutToNothing : &kCutShort, absl::StrCat("length ", length)});
  }
  cases.push_back({absl::StrCat(std::string(message), std::string(1, '\0')), &kTrailing, "and 00"});
  const std::vector<const FieldRule*> rules = RulesByByte(message);
  for (size_t i = 0; i < message.size(); ++i) {
    for (size_t bit = Long() ? 0 : i % 8; bit < 8; bit += Long() ? 1 : 8) {
      std::string flipped(message);
      flipped[i] = static_cast<char>(flipped[i] ^ (1 << bit));
      cases.push_back({flipped, rules[i], absl::StrCat("byte ", i, " ^ ", 1 << bit)});
    }
  }
  return cases;
}

class BytesTest : public SessionFaultTest, public ::testing::WithParamInterface<const char*> {
 protected:
  void SetUp() override { ASSERT_NO_FATAL_FAILURE(UseShared(Layout::kTogether)); }

  // The status, and that nothing stands in the answer that its rule does not allow.
  void ExpectAnswer(const Case& c) {
    const auto reply = client_.Post(*teepsim::ParseUrl(stack().TamUrl(kMainPath)), c.body);
    ASSERT_THAT(reply, IsOk()) << c.what;
    ++answers_[absl::StrCat(c.rule->field, " ", reply->status)];
    ASSERT_EQ(reply->status, c.rule->status)
        << c.what << " in " << c.rule->field << ", want " << c.rule->why;
    EXPECT_FALSE(reply->headers.contains("cache-control"));  // H-02
    if (reply->status == 204) {
      EXPECT_EQ(reply->body, "") << c.what;
      EXPECT_FALSE(reply->headers.contains("content-type")) << c.what;
      return;
    }
    EXPECT_EQ(reply->headers.at("content-type"), "application/teep+cbor");  // H-01
    const auto cose = cose::Message::Parse(cbor::AsBytes(reply->body), cose::TagRule::kRequired);
    ASSERT_THAT(cose, IsOk());
    const auto message = teep::Decode(cbor::AsBytes(*cose->unverified_payload()));
    ASSERT_THAT(message, IsOk());
    EXPECT_TRUE(std::holds_alternative<teep::QueryRequest>(*message));
  }

  // Each answered as prescribed, and no row differs afterwards. Where one does, says after which.
  void ExpectAllAnsweredAndNoRowChanged(const std::vector<Case>& cases) {
    constexpr size_t kBatch = 512;
    for (size_t begin = 0; begin < cases.size(); begin += kBatch) {
      const size_t end = std::min(begin + kBatch, cases.size());
      const std::string before = stack().DatabaseDigest();
      for (size_t i = begin; i < end; ++i) ASSERT_NO_FATAL_FAILURE(ExpectAnswer(cases[i]));
      if (stack().DatabaseDigest() == before) continue;
      ADD_FAILURE() << "rows changed between " << cases[begin].what << " and "
                    << cases[end - 1].what;
      for (size_t i = begin; i < end; ++i) {
        const std::string one = stack().DatabaseDigest();
        ASSERT_NO_FATAL_FAILURE(ExpectAnswer(cases[i]));
        ASSERT_EQ(stack().DatabaseDigest(), one) << cases[i].what;
      }
    }
  }

  // The request itself ends early: RFC 9112 section 8 leaves it to the server whether it answers
  // 400 or nothing; TEEP over HTTP never sees a request.
  void ExpectCutRequestsAreNotAnswered(const std::string& message) {
    const Post post = {stack().tam().HttpAddress(0), kMainPath, message};
    const std::string before = stack().DatabaseDigest();
    const size_t size = RequestBytes(post).size();
    for (size_t length = 0; length < size; length += Long() ? 1 : 23) {
      const auto reply = PostCutShort(post, length);
      ASSERT_THAT(reply, IsOk()) << length;
      EXPECT_THAT(reply->status, ::testing::AnyOf(0, 400)) << length;
      EXPECT_EQ(reply->body, "") << length;
      ++answers_[absl::StrCat("request cut short ", reply->status)];
    }
    EXPECT_EQ(stack().DatabaseDigest(), before);
  }

  // What may not alter anything, with message n of the session, before it is sent.
  void Attack(size_t n, std::string_view message) {
    if (n == 0) return;
    ExpectAllAnsweredAndNoRowChanged(CasesOf(message));
    ExpectCutRequestsAreNotAnswered(std::string(message));
    sizes_.push_back(message.size());
    messages_.emplace_back(message);
  }

  void PrintAnswers() const {
    for (const size_t size : sizes_)
      std::cout << GetParam() << ": message of " << size << " bytes\n";
    for (const auto& [field, count] : answers_) {
      std::cout << GetParam() << ": " << field << " x " << count << "\n";
    }
  }

  teepsim::HttpClient client_;
  std::map<std::string, int> answers_;  // "payload 204"
  std::vector<size_t> sizes_;
  std::vector<std::string> messages_;
};

TEST_P(BytesTest, AlteredMessagesChangeNothingAndUseNothingUp) {
  LedgeredDevice& device = NewDevice("one", {"--suite", GetParam()});
  BeginFault(absl::StrCat("messages cut short and with flipped bits, ", GetParam()));
  const pid_t tamd = stack().Pid("tamd-0");
  const auto result = device.RunSession(
      {stack().TamUrl(kMainPath)}, [&](size_t n, std::string_view message) { Attack(n, message); });
  ASSERT_THAT(result, IsOk());
  EXPECT_TRUE(result->ok());
  EXPECT_THAT(result->installed, SizeIs(1));
  EXPECT_THAT(messages_, SizeIs(2));  // QueryResponse and Success
  EXPECT_EQ(Count(device, "updates_history"), 1);
  EXPECT_EQ(Count(device, "updates"), 0);

  // And once more, now that they have been used.
  for (const std::string& message : messages_) {
    if (Long()) ExpectAllAnsweredAndNoRowChanged(CasesOf(message));
    ExpectAllAnsweredAndNoRowChanged({{message, &kCutShort, "the same again"}});
  }
  EXPECT_EQ(stack().Pid("tamd-0"), tamd);
  EXPECT_TRUE(stack().Running("tamd-0"));
  PrintAnswers();
  for (const auto& [answer, count] : answers_) CountErrors("altered: " + answer, count);
  EndFault();
}

INSTANTIATE_TEST_SUITE_P(Suites, BytesTest, ::testing::Values("esp256", "ed25519"),
                         [](const auto& info) { return std::string(info.param); });

}  // namespace
}  // namespace tam::testing

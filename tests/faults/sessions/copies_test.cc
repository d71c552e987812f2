// A thousand copies of one message over two gateways at the same moment: what is answered, and what
// stands in the database afterwards.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <iostream>
#include <map>
#include <set>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/time/clock.h"
#include "crypto/cbor/cbor.h"
#include "crypto/cose/cose.h"
#include "storage/model/signing.h"
#include "teep/message/message.h"
#include "tests/faults/sessions/posts_at_once.h"
#include "tests/faults/sessions/session_faults.h"
#include "tests/support/status_matchers.h"

namespace tam::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::Pair;

constexpr absl::Duration kAnswered = absl::Minutes(1);

// Status -> how many.
std::map<int, int> StatusesOf(const std::vector<RawReply>& replies) {
  std::map<int, int> statuses;
  for (const RawReply& reply : replies) ++statuses[reply.status];
  return statuses;
}

class CopiesTest : public SessionFaultTest, public ::testing::WithParamInterface<Layout> {
 protected:
  void SetUp() override {
    ASSERT_NO_FATAL_FAILURE(UseShared(GetParam()));
    device_ = &NewDevice();
  }

  // The next attestation result is the tenant's first: no key is there for it, nor in memory.
  void ForgetResultKey() {
    stack().Sql(absl::StrCat("DELETE FROM signing.keys WHERE purpose = ",
                             static_cast<int>(storage::SigningPurpose::kAttestationResult)));
    ForgetSigning();
  }

  // Every second copy to each gateway.
  std::vector<RawReply> SendCopies(int count, const std::string& message) {
    std::vector<Post> posts;
    for (int i = 0; i < count; ++i) {
      posts.push_back({stack().tam().HttpAddress(i % kGateways), kMainPath, message});
    }
    const auto replies = PostAtOnce(posts);
    EXPECT_THAT(replies, IsOk());
    return replies.ok() ? *replies : std::vector<RawReply>();
  }

  // As devices do, a copy that found the gateway busy (503) is sent again, until it is answered.
  std::vector<RawReply> SendCopiesUntilAnswered(int count, const std::string& message) {
    const absl::Time deadline = absl::Now() + kAnswered;
    std::vector<RawReply> answered;
    while (static_cast<int>(answered.size()) < count && absl::Now() < deadline) {
      const int open = count - static_cast<int>(answered.size());
      for (RawReply& reply : SendCopies(open, message)) {
        if (reply.status != 503) answered.push_back(std::move(reply));
      }
    }
    return answered;
  }

  // The Update in a reply, its signature verified with the TAM's key; an empty one with a failure.
  teep::Update VerifiedUpdate(const std::string& body) {
    const auto cose = cose::Message::Parse(cbor::AsBytes(body), cose::TagRule::kRequired);
    if (!cose.ok()) {
      ADD_FAILURE() << cose.status();
      return teep::Update();
    }
    for (const keys::PublicKey& key : device_->agent().state().record().tam_keys) {
      const auto verified = teep::VerifyMessage(*cose, key, cose::AlgorithmPolicy::Strict());
      if (verified.ok()) return std::get<teep::Update>(verified->message());
    }
    ADD_FAILURE() << "no TAM key verifies the Update";
    return teep::Update();
  }

  // Rows of audit.entries by kind since `before` was taken the same way.
  std::map<std::string, int> AuditRows() {
    std::map<std::string, int> rows;
    for (const absl::string_view line : absl::StrSplit(
             stack().Sql("SELECT kind, count(*) FROM audit.entries GROUP BY kind"), '\n')) {
      const std::pair<std::string, std::string> parts = absl::StrSplit(line, '|');
      int count = 0;
      if (absl::SimpleAtoi(parts.second, &count)) rows[parts.first] = count;
    }
    return rows;
  }
  static std::map<std::string, int> Minus(std::map<std::string, int> after,
                                          const std::map<std::string, int>& before) {
    for (const auto& [kind, count] : before) {
      if ((after[kind] -= count) == 0) after.erase(kind);
    }
    return after;
  }

  // Copies of the Success are recorded once, and change nothing after that.
  void ExpectOneReport(const std::string& token) {
    teep::Success success;
    success.token = token;
    const std::string report = device_->agent().Sign(success);
    const auto audit_before = AuditRows();
    device_->log().Sending(report);
    EXPECT_THAT(StatusesOf(SendCopies(200, report)), ElementsAre(Pair(204, 200)));
    device_->log().Answered(std::nullopt);
    device_->NoteInstalled(sample());
    EXPECT_THAT(Minus(AuditRows(), audit_before), ElementsAre(Pair("update.succeeded", 1)));
    EXPECT_EQ(Count(*device_, "updates"), 0);
    EXPECT_EQ(Count(*device_, "updates_history"), 1);
    EXPECT_EQ(Count(*device_, "device_manifests"), 1);
    const std::string before = stack().DatabaseDigest();
    EXPECT_THAT(StatusesOf(SendCopies(100, report)), ElementsAre(Pair(204, 100)));
    EXPECT_EQ(stack().DatabaseDigest(), before);
  }

  LedgeredDevice* device_ = nullptr;
};

TEST_P(CopiesTest, AThousandCopiesOpenOneUpdateAndGetItsToken) {
  BeginFault("1,000 copies of a QueryResponse over two gateways");
  ForgetResultKey();
  const std::string response = device_->Response(device_->Challenge(0));
  const auto audit_before = AuditRows();
  device_->log().Sending(response);
  const std::vector<RawReply> replies = SendCopiesUntilAnswered(1000, response);
  ASSERT_FALSE(replies.empty());
  device_->log().Answered(replies.front().body);
  EXPECT_THAT(StatusesOf(replies), ElementsAre(Pair(200, 1000)));
  std::set<std::string> tokens;
  std::set<std::vector<std::string>> manifests;
  absl::Duration slowest;
  for (const RawReply& reply : replies) {
    const teep::Update update = VerifiedUpdate(reply.body);
    tokens.insert(update.token.value_or("none"));
    manifests.insert(update.manifest_list);
    EXPECT_FALSE(update.err_code.has_value());
    slowest = std::max(slowest, reply.after);
  }
  ASSERT_EQ(tokens.size(), 1u);
  ASSERT_EQ(manifests.size(), 1u);
  EXPECT_EQ(manifests.begin()->size(), 1u);
  EXPECT_EQ(Count(*device_, "updates"), 1);
  EXPECT_EQ(Count(*device_, "attestations"), 1);
  // The first attestation of the device, and of the tenant, which makes its result key.
  EXPECT_THAT(Minus(AuditRows(), audit_before),
              ElementsAre(Pair("device.identity.claim", 1), Pair("session.accepted", 1),
                          Pair("signing-key.create", 1)));
  std::cout << "1000 copies of a QueryResponse over 2 gateways: " << StatusesOf(replies)[200]
            << " x 200, " << tokens.size() << " token, slowest answer after " << slowest << "\n";

  ExpectOneReport(*tokens.begin());
  const std::string before = stack().DatabaseDigest();
  EXPECT_THAT(StatusesOf(SendCopies(100, response)), ElementsAre(Pair(204, 100)));
  EXPECT_EQ(stack().DatabaseDigest(), before);
  EndFault();
}

// The Success comes while copies of the QueryResponse are still on their way: those that are
// answered before it is recorded get the update, the others 204, and nothing else.
TEST_P(CopiesTest, CopiesThatRaceWithTheReportGetTheUpdateOrNothing) {
  BeginFault("copies of a QueryResponse that race with the report");
  const std::string response = device_->Response(device_->Challenge(0));
  const teep::Update update = device_->Send(0, response).update();
  ASSERT_TRUE(update.token.has_value());
  teep::Success success;
  success.token = update.token;
  std::vector<Post> posts;
  for (int i = 0; i < 400; ++i) {
    posts.push_back({stack().tam().HttpAddress(i % kGateways), kMainPath, response});
  }
  const std::string report = device_->agent().Sign(success);
  posts.insert(posts.begin() + 200, {stack().tam().HttpAddress(0), kMainPath, report});
  device_->log().Sending(report);
  TAM_ASSERT_OK_AND_ASSIGN(std::vector<RawReply> replies, PostAtOnce(posts));
  EXPECT_EQ(replies[200].status, 204);
  device_->log().Answered(std::nullopt);
  device_->NoteInstalled(sample());
  replies.erase(replies.begin() + 200);
  for (const RawReply& reply : replies) {
    ASSERT_THAT(reply.status, ::testing::AnyOf(200, 204));
    if (reply.status != 200) continue;
    EXPECT_EQ(VerifiedUpdate(reply.body).token, update.token);
  }
  EXPECT_EQ(Count(*device_, "updates"), 0);
  EXPECT_EQ(Count(*device_, "updates_history"), 1);
  std::cout << "400 copies racing with the Success: " << StatusesOf(replies)[200] << " x 200, "
            << StatusesOf(replies)[204] << " x 204\n";
  EndFault();
}

INSTANTIATE_TEST_SUITE_P(Layouts, CopiesTest, ::testing::Values(Layout::kTogether, Layout::kApart),
                         [](const auto& info) {
                           return info.param == Layout::kApart ? "Apart" : "Together";
                         });

}  // namespace
}  // namespace tam::testing

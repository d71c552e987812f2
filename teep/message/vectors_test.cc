// The TEEP rows of the protocol vectors, as far as signature and decoding decide.
#include "tests/support/vectors.h"

#include <set>
#include <string>

#include "crypto/cbor/cbor.h"
#include "crypto/cose/cose.h"
#include "teep/message/message.h"
#include "teep/message/older.h"
#include "tests/support/status_matchers.h"

namespace tam::teep {
namespace {

using cbor::AsBytes;
using testing::ReadCases;
using testing::ReadFile;
using testing::Value;
using testing::VectorCase;

class TeepVectors : public ::testing::Test {
 protected:
  void SetUp() override {
    const auto root = testing::VectorRoot();
    if (!root.has_value()) GTEST_SKIP() << "TAM_VECTORS is not set";
    folder_ = *root + "/protocol/vectors/";
  }

  keys::PublicKey Key(const std::string& file) {
    auto key = keys::PublicKey::FromPem(ReadFile(folder_ + file));
    EXPECT_THAT(key, testing::IsOk()) << file;
    return *key;
  }

  // Verified under the named key, with draft -26 algorithm numbers alone.
  absl::Status Verify(const VectorCase& row, const std::string& key_file) {
    auto cose = cose::Message::Parse(AsBytes(ReadFile(folder_ + Value(row, "file"))),
                                     cose::TagRule::kRequired);
    if (!cose.ok()) return cose.status();
    return VerifyMessage(*cose, Key(key_file), cose::AlgorithmPolicy::Strict()).status();
  }

  std::string folder_;
};

TEST_F(TeepVectors, SignedMessagesVerifyAndDecode) {
  int checked = 0;
  for (const VectorCase& row : ReadCases(folder_ + "index.json")) {
    if (Value(row, "kind") != "signed TEEP message") continue;
    if (Value(row, "file").rfind("teep/generated/", 0) != 0) continue;  // older numberings
    std::set<std::string> keys;
    for (const char* name : {"ctx.signer", "ctx.signers.0", "ctx.signers.1"}) {
      if (!Value(row, name).empty()) keys.insert(Value(row, name));
    }
    ASSERT_FALSE(keys.empty()) << Value(row, "file");
    for (const std::string& key : keys) EXPECT_OK(Verify(row, key)) << Value(row, "file");
    ++checked;
  }
  EXPECT_GE(checked, 30);
}

TEST_F(TeepVectors, NegativeMessagesAreRefusedWhereTheirBytesDecide) {
  // Decided by what the TAM sent or by the attestation, not here.
  const std::set<std::string> later = {"t-neg-sig-unknown-key",       "t-neg-token-unknown",
                                       "t-neg-token-missing",         "t-neg-tclist-missing",
                                       "t-neg-attest-missing",        "t-neg-version-1",
                                       "t-neg-ar-nonce-wrong",        "t-neg-ar-cnf-other",
                                       "t-neg-ar-untrusted-verifier", "t-neg-report-nonce-wrong"};
  int checked = 0;
  for (const VectorCase& row : ReadCases(folder_ + "index.json")) {
    if (Value(row, "kind") != "NEGATIVE TEEP input") continue;
    const std::string file = Value(row, "file");
    const size_t slash = file.rfind('/');
    const std::string name = file.substr(slash + 1, file.rfind('.') - slash - 1);
    const absl::Status status = Verify(row, Value(row, "ctx.signer"));
    if (name == "t-neg-sig-unknown-key") {
      EXPECT_THAT(status, testing::StatusIs(absl::StatusCode::kUnauthenticated)) << file;
    } else if (later.contains(name)) {
      EXPECT_OK(status) << file;
    } else {
      EXPECT_FALSE(status.ok()) << file;
      EXPECT_FALSE(status.message().empty()) << file;
    }
    ++checked;
  }
  EXPECT_EQ(checked, 18);
}

TEST_F(TeepVectors, PayloadsDecodeUnderTheirOwnNumberingAlone) {
  int checked = 0;
  for (const VectorCase& row : ReadCases(folder_ + "index.json")) {
    if (Value(row, "kind") != "teep-payload (no COSE wrapper)") continue;
    const std::string file = Value(row, "file");
    const std::string bytes = ReadFile(folder_ + file);
    const auto message = Decode(AsBytes(bytes));
    if (file.rfind("teep/legacy/", 0) == 0) {
      EXPECT_FALSE(message.ok()) << file;
      EXPECT_TRUE(DescribeOlder(AsBytes(bytes)).has_value()) << file;
      const auto legacy = Decode(AsBytes(bytes), WireProfile::kLegacy);
      ASSERT_OK(legacy) << file;
      TAM_ASSERT_OK_AND_ASSIGN(const std::string again, Encode(*legacy, WireProfile::kLegacy));
      TAM_ASSERT_OK_AND_ASSIGN(const Message decoded, Decode(AsBytes(again), WireProfile::kLegacy));
      EXPECT_TRUE(decoded == *legacy) << file;
    } else {
      ASSERT_OK(message) << file;
      EXPECT_FALSE(DescribeOlder(AsBytes(bytes)).has_value()) << file;
      auto again = Encode(*message);
      ASSERT_OK(again) << file;
      TAM_ASSERT_OK_AND_ASSIGN(const Message decoded, Decode(AsBytes(*again)));
      EXPECT_TRUE(decoded == *message) << file;
    }
    ++checked;
  }
  EXPECT_EQ(checked, 8);
}

TEST_F(TeepVectors, TheDraftsOwnRequestBreaksItsRulesAndIsStillShown) {
  TAM_ASSERT_OK_AND_ASSIGN(const Message message,
                           Decode(AsBytes(ReadFile(folder_ + "teep/d26/query_request.cbor"))));
  EXPECT_THAT(CheckQueryRequest(std::get<QueryRequest>(message)), ::testing::Not(testing::IsOk()));
}

}  // namespace
}  // namespace tam::teep

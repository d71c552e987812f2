#include <array>
#include <string>
#include <utility>

#include "absl/strings/escaping.h"
#include "crypto/cbor/cbor.h"
#include "crypto/cose/cose.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/status_matchers.h"

namespace tam::cose {
namespace {

using cbor::AsBytes;
using cbor::Writer;
using ::tam::testing::IsOk;
using ::tam::testing::StatusIs;
using ::testing::HasSubstr;

constexpr auto kInvalid = absl::StatusCode::kInvalidArgument;
constexpr auto kUnauthenticated = absl::StatusCode::kUnauthenticated;
constexpr char kPayload[] = "payload";

TEST(Mac0Test, VerifiesWithItsKeyAlone) {
  TAM_ASSERT_OK_AND_ASSIGN(const keys::MacKey key,
                           keys::MacKey::FromBytes(AsBytes("0123456789abcdef")));
  TAM_ASSERT_OK_AND_ASSIGN(const keys::MacKey other,
                           keys::MacKey::FromBytes(AsBytes("0123456789abcdeg")));
  TAM_ASSERT_OK_AND_ASSIGN(const keys::PrivateKey key_pair,
                           keys::PrivateKey::Generate(keys::KeyType::kP256));
  TAM_ASSERT_OK_AND_ASSIGN(const std::string signed_message, Sign1(key_pair, AsBytes(kPayload)));
  Writer covered;
  covered.Array(4)
      .Text("MAC0")
      .ByteString(absl::HexStringToBytes("a10105"))
      .ByteString("")
      .ByteString(kPayload);
  const std::array<uint8_t, 32> tag = key.Mac(AsBytes(covered.bytes()));
  const auto make = [&tag](bool detached, const char* alg) {
    Writer writer;
    writer.Tag(17).Array(4).ByteString(absl::HexStringToBytes(alg)).MapHead(0);
    detached ? writer.Null() : writer.ByteString(kPayload);
    writer.ByteString(Bytes(tag));
    return *Message::Parse(AsBytes(writer.bytes()), TagRule::kRequired);
  };
  EXPECT_THAT(make(true, "a10105").VerifyMacDetached(key, AsBytes(kPayload)), IsOk());
  EXPECT_THAT(make(false, "a10105").VerifyMac(key), IsOk());
  EXPECT_THAT(make(false, "a10105").VerifyMac(other),
              StatusIs(kUnauthenticated, "cose: MAC does not verify"));
  EXPECT_THAT(make(true, "a10105").VerifyMacDetached(key, AsBytes("other")),
              StatusIs(kUnauthenticated, "cose: MAC does not verify"));
  EXPECT_THAT(make(false, "a10104").VerifyMac(key),
              StatusIs(kUnauthenticated, HasSubstr("want algorithm 5")));
  EXPECT_THAT(make(false, "a10105").VerifyMacDetached(key, AsBytes(kPayload)),
              StatusIs(kInvalid, HasSubstr("got an attached one")));
  EXPECT_THAT(make(true, "a10105").VerifyMac(key), StatusIs(kInvalid, HasSubstr("got nil")));
  EXPECT_THAT(make(false, "a10105").Verify(key_pair.public_key(), AlgorithmPolicy::Strict()),
              StatusIs(kInvalid, HasSubstr("got COSE_Mac0")));
  EXPECT_THAT(Message::Parse(AsBytes(signed_message), TagRule::kRequired)->VerifyMac(key),
              StatusIs(kInvalid, HasSubstr("want COSE_Mac0")));
}

}  // namespace
}  // namespace tam::cose

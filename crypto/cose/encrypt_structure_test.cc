// What is no COSE_Encrypt, and messages whose pieces have been changed.
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "crypto/cbor/cbor.h"
#include "crypto/cose/encrypt.h"
#include "crypto/cose/encrypt_fixture.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/row.h"
#include "tests/support/status_matchers.h"

namespace tam::cose {
namespace {

using cbor::AsBytes;
using cbor::Writer;
using keys::AgreementCurve;
using keys::AgreementKey;
using ::tam::testing::IsOk;
using ::tam::testing::StatusIs;
using ::testing::HasSubstr;

constexpr absl::StatusCode kInvalid = absl::StatusCode::kInvalidArgument;
constexpr absl::StatusCode kUnauthenticated = absl::StatusCode::kUnauthenticated;

class EncryptStructureTest : public ::testing::Test {
 protected:
  using Change = std::function<void(Pieces&)>;

  static absl::Status Parse(const std::string& bytes, TagRule rule = TagRule::kOptional) {
    return EncryptedMessage::Parse(AsBytes(bytes), rule).status();
  }

  static void ExpectRefused(const Pieces& good, std::string_view reason, const Change& change) {
    Pieces pieces = good;
    change(pieces);
    EXPECT_THAT(Parse(pieces.Join()), StatusIs(kInvalid, HasSubstr(std::string(reason))));
  }

  const AgreementKey key_ = AgreementKey::Generate(AgreementCurve::kP256);
  const Pieces gcm_{Sealed(key_, ContentAlgorithm::kA128Gcm)};
  const Pieces ctr_{Sealed(key_, ContentAlgorithm::kA128Ctr)};
  const Writer iv12_ = Writer().ByteString(std::string(12, 'i'));
  const Writer iv16_ = Writer().ByteString(std::string(16, 'i'));
};

TEST_F(EncryptStructureTest, RefusesOtherItems) {
  EXPECT_THAT(Parse(gcm_.Join(18)), StatusIs(kInvalid, HasSubstr("want tag 16 or 96, got 18")));
  EXPECT_THAT(Parse(gcm_.Join() + "x"), StatusIs(kInvalid, HasSubstr("trailing")));
  const std::string untagged = gcm_.Join().substr(2);
  EXPECT_THAT(Parse(untagged, TagRule::kRequired),
              StatusIs(kInvalid, HasSubstr("want tag 16 or 96")));
  EXPECT_THAT(Parse(untagged, TagRule::kOptional), IsOk());
}

TEST_F(EncryptStructureTest, RefusesAContentAlgorithmOutOfPlace) {
  const auto refuse = [&](const Pieces& good, std::string_view reason, std::string protected_map,
                          std::string unprotected) {
    ExpectRefused(good, reason, [&](Pieces& pieces) {
      pieces.body[0] = Wrapped(protected_map);
      pieces.body[1] = unprotected;
    });
  };
  const Writer gcm = Writer().Int(1);
  const Writer ctr = Writer().Int(-65534);
  refuse(gcm_, "want a content algorithm", "", Map({{5, iv12_}}));
  refuse(gcm_, "want algorithm 1 in the protected bucket", "", Map({{1, gcm}, {5, iv12_}}));
  refuse(gcm_, "want it in the protected bucket", Map({{5, iv12_}}), Map({{1, gcm}}));
  refuse(gcm_, "want it in the protected bucket", Map({{1, gcm}}), Map({{1, gcm}, {5, iv12_}}));
  // Well formed, and not for us.
  Pieces ccm = gcm_;
  ccm.body[0] = Wrapped(Map({{1, Writer().Int(10)}}));
  ccm.body[1] = Map({{5, iv12_}});
  EXPECT_THAT(Parse(ccm.Join()),
              StatusIs(absl::StatusCode::kUnimplemented,
                       HasSubstr("want content algorithm 1, 2, 3, 24 or -65534, got 10")));
  refuse(ctr_, "want algorithm -65534 in the unprotected bucket", Map({{1, ctr}}),
         Map({{5, iv16_}}));
}

TEST_F(EncryptStructureTest, RefusesOtherHeadersOfTheBody) {
  const auto refuse = [&](const Pieces& good, std::string_view reason, size_t index,
                          std::string item) {
    ExpectRefused(good, reason, [&](Pieces& pieces) { pieces.body[index] = item; });
  };
  const Writer gcm = Writer().Int(1);
  Writer crit;
  crit.Array(1).Int(77);
  refuse(gcm_, "want an IV (5) of 12 bytes, got none", 1, Map({}));
  refuse(ctr_, "want an IV (5) of 16 bytes, got 12", 1,
         Map({{1, Writer().Int(-65534)}, {5, iv12_}}));
  refuse(gcm_, "partial one", 1, Map({{5, iv12_}, {6, iv12_}}));
  refuse(gcm_, "want the label in one bucket", 0, Wrapped(Map({{1, gcm}, {5, iv12_}})));
  refuse(gcm_, "want a label that is understood", 0,
         Wrapped(Map({{1, gcm}, {2, crit}, {77, gcm}})));
  refuse(gcm_, "want byte string", 2, "\x01");
}

TEST_F(EncryptStructureTest, RefusesOtherNumbersOfRecipients) {
  ExpectRefused(gcm_, "cose-encrypt[3]", [](Pieces& p) { p.recipients.clear(); });
  ExpectRefused(gcm_, "cose-encrypt[3]", [](Pieces& p) {
    p.recipients.assign(kMaxRecipients + 1, std::vector<std::string>(p.recipients[0]));
  });
  ExpectRefused(gcm_, "cose-encrypt[3][0]",
                [](Pieces& p) { p.recipients[0].push_back(Writer().Array(0).bytes()); });
  const std::vector<std::string> direct = {Wrapped(""), Map({{1, Writer().Int(-6)}}), Wrapped("")};
  ExpectRefused(gcm_, "want direct (-6) as the only recipient",
                [&](Pieces& p) { p.recipients.push_back(direct); });
}

TEST_F(EncryptStructureTest, RefusesOtherHeadersOfARecipient) {
  const auto refuse = [&](std::string_view reason, std::string protected_map,
                          std::string unprotected, std::string wrapped = "") {
    ExpectRefused(gcm_, reason, [&](Pieces& pieces) {
      pieces.recipients = {{Wrapped(protected_map), unprotected, Wrapped(wrapped)}};
    });
  };
  const Writer es = Writer().Int(-29);
  const std::string agrees = Map({{1, es}});
  const Writer own = Writer().Raw(key_.public_key().cose_key());
  std::string off = key_.public_key().cose_key();
  off.back() ^= 1;
  refuse("want a recipient algorithm", "", Map({{-1, own}}));
  refuse("want algorithm -29 in the protected bucket", "", Map({{1, es}, {-1, own}}));
  refuse("want an ephemeral key", agrees, Map({}));
  refuse("off the curve", agrees, Map({{-1, Writer().Raw(off)}}));
  refuse("want no party information", agrees, Map({{-1, own}, {-21, Writer().ByteString("us")}}));
  refuse("want algorithm -3 in the unprotected bucket", Map({{1, Writer().Int(-3)}}), Map({}));
  refuse("want no key under direct", "", Map({{1, Writer().Int(-6)}}), "key");
}

TEST_F(EncryptStructureTest, DetachedCiphertextIsOpenedOnlyWhereOneIsGiven) {
  TAM_ROW("T-54");
  for (const ContentAlgorithm algorithm : kAll) {
    const std::string sealed = Sealed(key_, algorithm);
    Pieces pieces(sealed);
    pieces.body[2] = Writer().Null().bytes();
    const std::string bytes = pieces.Join();
    TAM_ASSERT_OK_AND_ASSIGN(const auto detached,
                             EncryptedMessage::Parse(AsBytes(bytes), TagRule::kRequired));
    EXPECT_TRUE(detached.detached());
    EXPECT_THAT(detached.Decrypt(key_, kEatEncryption).status(),
                StatusIs(kInvalid, HasSubstr("want an attached ciphertext, got nil")));
    TAM_ASSERT_OK_AND_ASSIGN(
        const auto payload,
        detached.DecryptDetached(key_, kEatEncryption, AsBytes(pieces.ciphertext)));
    EXPECT_EQ(Text(payload), "content");
    const auto attached = EncryptedMessage::Parse(AsBytes(sealed), TagRule::kRequired);
    EXPECT_THAT(
        attached->DecryptDetached(key_, kEatEncryption, AsBytes(pieces.ciphertext)).status(),
        StatusIs(kInvalid, HasSubstr("got an attached one")));
  }
}

TEST_F(EncryptStructureTest, FindsItsRecipientAmongOthers) {
  const AgreementKey x25519 = AgreementKey::Generate(AgreementCurve::kX25519);
  const AgreementKey stranger = AgreementKey::Generate(AgreementCurve::kP256);
  Pieces pieces(Sealed(key_, ContentAlgorithm::kA128Gcm));
  const std::vector<std::string> own = pieces.recipients[0];
  const Pieces foreign(Sealed(stranger, ContentAlgorithm::kA128Gcm));
  const Pieces curve(Sealed(x25519, ContentAlgorithm::kA128Gcm));
  // One of an algorithm that nobody here knows, one on another curve, one of a stranger, ours.
  Writer p384;
  p384.MapHead(4).Int(1).Int(2).Int(-1).Int(2);
  p384.Int(-2).ByteString(std::string(48, 'x')).Int(-3).ByteString(std::string(48, 'y'));
  pieces.recipients = {{Wrapped(Map({{1, Writer().Int(-25)}})), Map({}), Wrapped("")},
                       {own[0], Map({{-1, p384}}), Wrapped(std::string(24, 'w'))},
                       foreign.recipients[0],
                       curve.recipients[0],
                       own};
  EXPECT_EQ(*Opened(pieces.Join(), key_), "content");
  EXPECT_THAT(Opened(pieces.Join(), x25519), StatusIs(kUnauthenticated));
  // Without kids all are tried.
  Pieces nameless = pieces;
  const auto document = cbor::Document::Parse(AsBytes(own[1]));
  const std::string ephemeral = cbor::AsString(document->root().Find(-1)->encoded());
  nameless.recipients.back()[1] = Map({{-1, Writer().Raw(ephemeral)}});
  EXPECT_EQ(*Opened(nameless.Join(), key_), "content");
}

}  // namespace
}  // namespace tam::cose

#include "tools/teepsim/tam_certificate.h"

#include <optional>
#include <string>
#include <vector>

#include "crypto/cbor/cbor.h"
#include "crypto/cose/cose.h"
#include "crypto/x509/chain.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/certificates.h"
#include "tests/support/status_matchers.h"
#include "tools/teepsim/device_fixture.h"

namespace tam::teepsim {
namespace {

using ::tam::testing::CertificateAuthority;
using ::testing::SizeIs;

class TamCertificateTest : public DeviceFixture {
 protected:
  static std::vector<std::string> ChainFor(const keys::PrivateKey& key,
                                           const CertificateAuthority& authority) {
    return *x509::ChainFromPem(authority.Certify(key.public_key().ToPem()) + authority.pem());
  }
  static std::vector<std::string> ChainBy(const CertificateAuthority& authority) {
    return ChainFor(KeyOf(keys::KeyType::kP256), authority);
  }
  // A QueryRequest in the P-256 suite.
  static std::string Shown(const std::vector<std::string>& chain) {
    const std::string payload =
        *teep::Encode(teep::Message(RequestWithToken()), teep::WireProfile::kDraft26);
    return *cose::Sign1(KeyOf(keys::KeyType::kP256), cbor::AsBytes(payload), {.x5chain = chain});
  }
  SessionOptions Trusting(absl::Duration ahead = absl::ZeroDuration()) const {
    SessionOptions options;
    options.certificates.authorities = *x509::Authorities::Parse(known_.pem());
    options.certificates.clock = [ahead] { return absl::Now() + ahead; };
    return options;
  }

  const CertificateAuthority known_;
  const CertificateAuthority unknown_;
};

TEST_F(TamCertificateTest, AChainThatIsKnownIsAnsweredAndAnUnknownOneByError6) {
  MakeDevice(keys::KeyType::kP256);
  TAM_ASSERT_OK_AND_ASSIGN(
      const auto result,
      Run({Shown(ChainBy(unknown_)), Shown(ChainBy(known_)), std::nullopt}, Trusting()));
  EXPECT_TRUE(result.ok());
  ASSERT_THAT(tam_.received, SizeIs(2));
  const auto& error = std::get<teep::Error>(tam_.received[0]);
  EXPECT_EQ(error.err_code, teep::ErrorCode::kBadCertificate);
  EXPECT_EQ(error.token, kToken);
  EXPECT_EQ(Response(1).token, kToken);
}

TEST_F(TamCertificateTest, ATamWithoutAnotherCertificateLearnsNothing) {
  MakeDevice(keys::KeyType::kP256);
  const auto strangers = ChainFor(*keys::PrivateKey::Generate(keys::KeyType::kP256), known_);
  for (const auto& chain : {std::vector<std::string>(), ChainBy(unknown_), strangers,
                            std::vector<std::string>{"no DER"}}) {
    tam_.received.clear();
    TAM_ASSERT_OK_AND_ASSIGN(const auto result, Run({Shown(chain), std::nullopt}, Trusting()));
    EXPECT_EQ(result.sent_error, teep::ErrorCode::kBadCertificate);
    EXPECT_THAT(tam_.received, SizeIs(1));
  }
}

TEST_F(TamCertificateTest, OnlyExpiryByTheDevicesClockIsError9) {
  MakeDevice(keys::KeyType::kP256);
  TAM_ASSERT_OK_AND_ASSIGN(const auto late,
                           Run({Shown(ChainBy(known_)), std::nullopt}, Trusting(absl::Hours(2))));
  EXPECT_EQ(late.sent_error, teep::ErrorCode::kCertificateExpired);
  TAM_ASSERT_OK_AND_ASSIGN(const auto early,
                           Run({Shown(ChainBy(known_)), std::nullopt}, Trusting(-absl::Hours(2))));
  EXPECT_EQ(early.sent_error, teep::ErrorCode::kBadCertificate);
}

TEST_F(TamCertificateTest, WhoTrustsNoAuthorityLooksAtNoCertificate) {
  MakeDevice(keys::KeyType::kP256);
  TAM_ASSERT_OK_AND_ASSIGN(const auto result, Run({Shown(ChainBy(unknown_)), std::nullopt}));
  EXPECT_TRUE(result.ok());
}

TEST_F(TamCertificateTest, TheChainIsThatOfTheSignatureThatVerified) {
  const keys::PrivateKey& p256 = KeyOf(keys::KeyType::kP256);
  const keys::PrivateKey& ed25519 = KeyOf(keys::KeyType::kEd25519);
  const std::vector<cose::ChainedKey> signers = {{&p256, {"one"}}, {&ed25519, {"two", "three"}}};
  const auto both = cose::SignWithChains(signers, cbor::AsBytes("payload"));
  ASSERT_OK(both);
  const auto message = cose::Message::Parse(cbor::AsBytes(*both), cose::TagRule::kRequired);
  ASSERT_OK(message);
  EXPECT_THAT(ChainOf(*message, p256.public_key()), ::testing::ElementsAre("one"));
  EXPECT_THAT(ChainOf(*message, ed25519.public_key()), ::testing::ElementsAre("two", "three"));
}

}  // namespace
}  // namespace tam::teepsim

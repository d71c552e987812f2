#include "crypto/x509/chain.h"

#include <string>
#include <utility>
#include <vector>

#include "absl/time/clock.h"
#include "crypto/x509/credentials.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/certificates.h"
#include "tests/support/status_matchers.h"

namespace tam::x509 {
namespace {

using ::tam::testing::CertificateAuthority;
using ::tam::testing::IsOk;
using ::tam::testing::StatusIs;
using ::testing::HasSubstr;
using ::testing::SizeIs;

constexpr auto kInvalid = absl::StatusCode::kInvalidArgument;

class ChainTest : public ::testing::Test {
 protected:
  static std::vector<std::string> Der(const std::string& pem) {
    auto chain = ChainFromPem(pem);
    EXPECT_THAT(chain, IsOk());
    return chain.ok() ? *chain : std::vector<std::string>();
  }
  Authorities Roots() const { return *Authorities::Parse(root_.pem()); }

  const keys::PublicKey key_ = keys::PrivateKey::Generate(keys::KeyType::kEd25519)->public_key();
  const absl::Time now_ = absl::Now();
  const CertificateAuthority root_;
  const CertificateAuthority below_ = root_.Below();
  const std::string leaf_ = below_.Certify(key_.ToPem());
};

TEST_F(ChainTest, SaysWhoseKeyItIsAndWhenAllOfItIsValid) {
  const std::string short_lived = below_.Certify(key_.ToPem(), -30, 600);
  const auto facts = CheckChain(Der(short_lived + below_.pem() + root_.pem()));
  ASSERT_THAT(facts, IsOk());
  EXPECT_EQ(facts->leaf, key_);
  EXPECT_LE(absl::AbsDuration(facts->not_before - (now_ - absl::Seconds(30))), absl::Seconds(30));
  EXPECT_LE(absl::AbsDuration(facts->not_after - (now_ + absl::Seconds(600))), absl::Seconds(30));
  const auto p256 = keys::PrivateKey::Generate(keys::KeyType::kP256)->public_key();
  const auto single = CheckChain(Der(root_.Certify(p256.ToPem())));
  ASSERT_THAT(single, IsOk());
  EXPECT_EQ(single->leaf, p256);
  EXPECT_THAT(DescribeCertificate(Der(leaf_)[0]),
              ::tam::testing::IsOkAndHolds(::testing::MatchesRegex(
                  "CN=tam, of CN=test authority [0-9]+, valid 20.*Z to .*Z")));
}

TEST_F(ChainTest, EachIsSignedByTheNext) {
  EXPECT_THAT(CheckChain(Der(leaf_ + root_.pem())),
              StatusIs(kInvalid, HasSubstr("chain[0]: issuer")));
  EXPECT_THAT(CheckChain(Der(leaf_ + below_.pem() + CertificateAuthority().pem())),
              StatusIs(kInvalid, HasSubstr("chain[1]: issuer")));
  EXPECT_THAT(CheckChain(Der(leaf_ + leaf_)),
              StatusIs(kInvalid, HasSubstr("chain[1]: basicConstraints")));
  // Its last octet is of the signature.
  std::vector<std::string> altered = Der(leaf_ + below_.pem());
  altered[0].back() = static_cast<char>(altered[0].back() ^ 1);
  EXPECT_THAT(CheckChain(altered), StatusIs(kInvalid, HasSubstr("chain[0]: signature")));
}

TEST_F(ChainTest, IsBoundedAndHoldsCertificatesAlone) {
  EXPECT_THAT(CheckChain({}),
              StatusIs(kInvalid, HasSubstr("chain: want 1..4 certificates, got 0")));
  EXPECT_THAT(CheckChain(std::vector<std::string>(5, "x")),
              StatusIs(kInvalid, HasSubstr("chain: want 1..4 certificates, got 5")));
  EXPECT_THAT(CheckChain({{std::string(8193, 'x')}}),
              StatusIs(kInvalid, HasSubstr("chain: want at most 8192 bytes, got 8193")));
  EXPECT_THAT(CheckChain({{"x"}}), StatusIs(kInvalid, HasSubstr("chain[0]: want one DER")));
  EXPECT_THAT(CheckChain({{Der(leaf_)[0] + "x"}}),
              StatusIs(kInvalid, HasSubstr("chain[0]: want one DER")));
  EXPECT_THAT(ChainFromPem(leaf_ + key_.ToPem()), StatusIs(kInvalid));
  EXPECT_THAT(Der(leaf_ + below_.pem()), SizeIs(2));
  const auto rsa = root_.Issue("DNS:a", tam::testing::CertificateKey::kRsa2048);
  EXPECT_THAT(CheckChain(Der(rsa.certificate_pem)), StatusIs(kInvalid, HasSubstr("chain[0]")));
}

TEST_F(ChainTest, AuthoritiesTellExpiryFromDistrust) {
  const auto chain = Der(leaf_ + below_.pem());
  EXPECT_THAT(Roots().VerifyChain(chain, now_), IsOk());
  EXPECT_THAT(Roots().VerifyChain(chain, now_ + absl::Hours(2)),
              StatusIs(absl::StatusCode::kDeadlineExceeded));
  EXPECT_THAT(Roots().VerifyChain(chain, now_ - absl::Hours(2)),
              StatusIs(absl::StatusCode::kUnauthenticated, HasSubstr("not yet valid")));
  EXPECT_THAT(Roots().VerifyChain({{chain[0]}}, now_),
              StatusIs(absl::StatusCode::kUnauthenticated));
  const Authorities others = *Authorities::Parse(CertificateAuthority().pem());
  EXPECT_THAT(others.VerifyChain(chain, now_), StatusIs(absl::StatusCode::kUnauthenticated));
  EXPECT_THAT(others.VerifyChain(chain, now_ + absl::Hours(2)),
              StatusIs(absl::StatusCode::kUnauthenticated));
  EXPECT_THAT(Roots().VerifyChain({}, now_), StatusIs(kInvalid));
}

}  // namespace
}  // namespace tam::x509

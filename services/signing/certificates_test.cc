// Certificate chains of signing keys: as operators add them, and as QueryRequests bear them.
#include "tests/support/certificates.h"

#include <string>
#include <vector>

#include "crypto/cbor/cbor.h"
#include "crypto/cose/cose.h"
#include "crypto/x509/chain.h"
#include "services/signing/signing_fixture.h"
#include "tests/support/row.h"
#include "tests/support/status_matchers.h"

namespace tam::signing {
namespace {

using cbor::AsBytes;
using ::tam::testing::CertificateAuthority;
using ::tam::testing::StatusIs;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr auto kInvalid = absl::StatusCode::kInvalidArgument;
constexpr auto kPrecondition = absl::StatusCode::kFailedPrecondition;
constexpr long kHour = 3600;

std::vector<std::string> Der(const std::string& pem) {
  auto chain = x509::ChainFromPem(pem);
  EXPECT_OK(chain);
  return chain.ok() ? *chain : std::vector<std::string>();
}

class CertificatesTest : public SigningTest {
 protected:
  CertificatesTest() {
    now_ = absl::Now();  // the authorities', whose certificates are valid from about now
    p256_ = CreateKey(replica_, v1::CIPHER_SUITE_ESP256);
  }

  absl::StatusOr<v1::AddKeyCertificateResponse> Add(const std::vector<std::string>& chain,
                                                    const v1::SigningKey& key) {
    v1::AddKeyCertificateRequest request;
    request.set_parent(key.name());
    request.mutable_certificates()->Assign(chain.begin(), chain.end());
    return replica_.admin.AddKeyCertificate(operator_, request);
  }
  absl::Status Remove(int position) {
    v1::RemoveKeyCertificateRequest request;
    request.set_name(p256_.name() + "/certificates/" + std::to_string(position));
    return replica_.admin.RemoveKeyCertificate(operator_, request).status();
  }
  std::vector<v1::KeyCertificate> List() {
    v1::ListKeyCertificatesRequest request;
    request.set_parent(p256_.name());
    auto listed = replica_.admin.ListKeyCertificates(operator_, request);
    EXPECT_OK(listed);
    return {listed->certificates().begin(), listed->certificates().end()};
  }
  // A chain by `authority`, valid until so many seconds from now.
  std::vector<std::string> Chain(const CertificateAuthority& authority, long to = kHour) {
    return Der(authority.Certify(p256_.pem(), -60, to) + authority.pem());
  }
  v1::SignQueryRequestRequest Request(v1::CipherSuite suite, uint32_t certificate = 0) {
    v1::SignQueryRequestRequest request = QueryRequest();
    request.set_suite(suite);
    request.set_certificate(certificate);
    return request;
  }
  // The signers of a QueryRequest; none where there is no message.
  std::vector<cose::SignerHeader> Signers(v1::CipherSuite suite, uint32_t certificate = 0) {
    auto response = replica_.session.SignQueryRequest(gateway_, Request(suite, certificate));
    EXPECT_OK(response);
    if (!response.ok() || response->message().empty()) return {};
    auto cose = cose::Message::Parse(AsBytes(response->message()), cose::TagRule::kRequired);
    EXPECT_OK(cose);
    return cose.ok() ? cose->signers() : std::vector<cose::SignerHeader>();
  }
  // The x5chain of one in the P-256 suite.
  std::vector<std::string> Shown(uint32_t certificate = 0) {
    const auto signers = Signers(v1::CIPHER_SUITE_ESP256, certificate);
    return signers.empty() ? std::vector<std::string>() : signers[0].x5chain;
  }

  const CertificateAuthority authority_;
  const CertificateAuthority other_;
  v1::SigningKey p256_;
};

TEST_F(CertificatesTest, QueryRequestsBearTheChainOfEachKeyThatHasOne) {
  TAM_ROW("T-65");
  EXPECT_THAT(Shown(), IsEmpty());
  EXPECT_THAT(Signers(v1::CIPHER_SUITE_ESP256, 1), IsEmpty());
  const auto first = Chain(authority_);
  const auto second = Chain(other_);
  TAM_ASSERT_OK_AND_ASSIGN(const auto added, Add(first, p256_));
  EXPECT_EQ(added.certificate().name(), p256_.name() + "/certificates/0");
  EXPECT_EQ(Shown(), first);
  EXPECT_THAT(Signers(v1::CIPHER_SUITE_ESP256, 1), IsEmpty());
  ASSERT_OK(Add(second, p256_));
  EXPECT_EQ(Shown(0), first);
  EXPECT_EQ(Shown(1), second);
  const auto both = Signers(v1::CIPHER_SUITE_UNSPECIFIED);
  ASSERT_THAT(both, SizeIs(2));
  EXPECT_EQ(both[0].x5chain, first);
  EXPECT_THAT(both[1].x5chain, IsEmpty());
  EXPECT_THAT(replica_.session.SignQueryRequest(gateway_, Request(v1::CIPHER_SUITE_UNSPECIFIED, 1)),
              StatusIs(kInvalid, HasSubstr("certificate")));
  EXPECT_THAT(replica_.session.SignQueryRequest(gateway_, Request(v1::CIPHER_SUITE_ESP256, 2)),
              StatusIs(kInvalid, HasSubstr("certificate")));
  ASSERT_OK(Remove(0));
  EXPECT_EQ(Shown(0), second);
  EXPECT_THAT(List(), SizeIs(1));
  EXPECT_THAT(Remove(0), StatusIs(absl::StatusCode::kNotFound));
}

TEST_F(CertificatesTest, ChainsThatAreNotValidNowAreSkippedAndLoggedSeldom) {
  TAM_ROW("T-65");
  const auto soon_over = Chain(authority_, 600);
  const auto lasting = Chain(other_);
  const CertificateAuthority later = authority_.Below();
  const auto not_yet =
      Der(later.Certify(p256_.pem(), 1800, 2 * kHour) + later.pem() + authority_.pem());
  ASSERT_OK(Add(not_yet, p256_));
  ASSERT_OK(Add(soon_over, p256_));
  ASSERT_OK(Add(lasting, p256_));
  EXPECT_EQ(Shown(0), soon_over);
  EXPECT_EQ(Shown(1), lasting);
  EXPECT_THAT(skipped_, ElementsAre("0 not_yet_valid"));
  now_ += absl::Minutes(20);
  monotonic_ += absl::Minutes(20);
  for (int i = 0; i < 3; ++i) EXPECT_EQ(Shown(0), lasting);
  EXPECT_THAT(Signers(v1::CIPHER_SUITE_ESP256, 1), IsEmpty());
  EXPECT_THAT(skipped_, ElementsAre("0 not_yet_valid", "0 not_yet_valid", "1 expired"));
  now_ += absl::Hours(3);
  monotonic_ += absl::Hours(3);
  ASSERT_THAT(Signers(v1::CIPHER_SUITE_ESP256), SizeIs(1));
  EXPECT_THAT(Shown(), IsEmpty());
}

TEST_F(CertificatesTest, WhatIsNotAChainOfTheKeyIsRefused) {
  TAM_ROW("T-65");
  const auto another = keys::PrivateKey::Generate(keys::KeyType::kP256)->public_key();
  EXPECT_THAT(Add(Der(authority_.Certify(another.ToPem())), p256_),
              StatusIs(kInvalid, HasSubstr("chain[0]: subjectPublicKeyInfo: want the key")));
  EXPECT_THAT(Add({Chain(authority_)[0], Chain(other_)[1]}, p256_),
              StatusIs(kInvalid, HasSubstr("chain[0]: issuer")));
  EXPECT_THAT(Add(Chain(authority_, -30), p256_), StatusIs(kInvalid, HasSubstr("valid after")));
  EXPECT_THAT(Add({}, p256_), StatusIs(kInvalid, HasSubstr("want 1..4 certificates")));
  const auto evidence = CreateKey(replica_, v1::CIPHER_SUITE_ESP256, v1::KEY_PURPOSE_TAM_EVIDENCE);
  EXPECT_THAT(Add(Der(authority_.Certify(evidence.pem())), evidence),
              StatusIs(kPrecondition, HasSubstr("want TEEP_MESSAGE")));
  ASSERT_OK(Add(Chain(authority_), p256_));
  const v1::SigningKey before = p256_;
  p256_ = CreateKey(replica_, v1::CIPHER_SUITE_ESP256);
  EXPECT_THAT(Add(Der(authority_.Certify(before.pem())), before),
              StatusIs(kPrecondition, HasSubstr("want active or standby")));
  EXPECT_THAT(List(), IsEmpty());
  EXPECT_THAT(Shown(), IsEmpty());
  v1::RemoveKeyCertificateRequest request;
  request.set_name(p256_.name() + "/certificates/first");
  EXPECT_THAT(replica_.admin.RemoveKeyCertificate(operator_, request),
              StatusIs(kInvalid, HasSubstr("want a position")));
}

}  // namespace
}  // namespace tam::signing

// Decryption for the TAM, and the evidence that it gives of itself.
#include "crypto/cose/cose.h"
#include "crypto/cose/encrypt.h"
#include "crypto/keys/agreement.h"
#include "services/signing/signing_fixture.h"
#include "services/signing/tam_evidence.h"
#include "teep/message/message.h"
#include "tests/support/row.h"

namespace tam::signing {
namespace {

using cbor::AsBytes;
using ::tam::testing::StatusIs;
using ::testing::HasSubstr;

constexpr auto kInvalid = absl::StatusCode::kInvalidArgument;
constexpr auto kDenied = absl::StatusCode::kPermissionDenied;

// T-45, T-46: evidence of the TAM, by a key that signs nothing else, bound to the message's key.
TEST_F(SigningTest, EvidenceOfTheTamIsBoundToTheChallengeAndToTheMessage) {
  TAM_ROW("T-46");
  for (const std::string& nonce : {std::string(8, 'n'), std::string()}) {
    auto request = QueryRequest();
    request.set_suite(v1::CIPHER_SUITE_ESP256);
    request.mutable_tam_attestation()->set_nonce(nonce);
    TAM_ASSERT_OK_AND_ASSIGN(const auto response,
                             replica_.session.SignQueryRequest(gateway_, request));
    TAM_ASSERT_OK_AND_ASSIGN(const auto cose, cose::Message::Parse(AsBytes(response.message()),
                                                                   cose::TagRule::kRequired));
    const auto teep_key = Active(replica_, v1::KEY_PURPOSE_TEEP_MESSAGE, v1::CIPHER_SUITE_ESP256);
    const auto evidence_key =
        Active(replica_, v1::KEY_PURPOSE_TAM_EVIDENCE, v1::CIPHER_SUITE_ESP256);
    ASSERT_TRUE(teep_key.has_value() && evidence_key.has_value());
    EXPECT_NE(teep_key->thumbprint(), evidence_key->thumbprint());
    TAM_ASSERT_OK_AND_ASSIGN(const auto message,
                             teep::VerifyMessage(cose, *teep_key, cose::AlgorithmPolicy::Strict()));
    const auto& query = std::get<teep::QueryRequest>(message.message());
    EXPECT_THAT(query.attestation_payload_format.value_or(""), HasSubstr("teep-evidence:1"));
    TAM_ASSERT_OK_AND_ASSIGN(
        const auto token,
        cose::Message::Parse(AsBytes(*query.attestation_payload), cose::TagRule::kRequired));
    EXPECT_OK(token.Verify(*evidence_key, cose::AlgorithmPolicy::Strict()));
    TAM_ASSERT_OK_AND_ASSIGN(const auto claims,
                             eat::ParseClaims(AsBytes(*token.unverified_payload())));
    EXPECT_EQ(claims.nonces,
              nonce.empty() ? std::vector<std::string>() : std::vector<std::string>{nonce});
    EXPECT_EQ(claims.issued_at, now_);
    EXPECT_TRUE(claims.cnf.has_value() && claims.cnf->Names(teep_key->thumbprint()));
    EXPECT_OK(eat::CheckUeid(AsBytes(claims.ueid.value_or(""))));
    TAM_ASSERT_OK_AND_ASSIGN(const auto digest, ProgramDigest());
    TAM_ASSERT_OK_AND_ASSIGN(const auto measured, eat::ParseMeasurements(claims.measurements));
    EXPECT_EQ(measured, (std::map<std::string, std::string>{{"tamd", digest}}));
  }
}

TEST_F(SigningTest, EvidenceOfTheTamNeedsASuiteAndANonceThatFits) {
  auto request = QueryRequest();
  request.mutable_tam_attestation();
  EXPECT_THAT(replica_.session.SignQueryRequest(gateway_, request),
              StatusIs(kInvalid, HasSubstr("suite")));
  request.set_suite(v1::CIPHER_SUITE_ESP256);
  for (const size_t size : {size_t{7}, size_t{65}}) {
    request.mutable_tam_attestation()->set_nonce(std::string(size, 'n'));
    EXPECT_THAT(replica_.session.SignQueryRequest(gateway_, request),
                StatusIs(kInvalid, HasSubstr("nonce")));
  }
}

class DecryptionTest : public SigningTest {
 protected:
  absl::StatusOr<keys::AgreementPublicKey> NewKey() {
    v1::CreateSigningKeyRequest request;
    request.set_parent("tenants/acme");
    request.set_purpose(v1::KEY_PURPOSE_TEEP_DECRYPTION);
    request.set_suite(v1::CIPHER_SUITE_ECDH_ES_A128KW);
    const auto created = replica_.admin.CreateSigningKey(operator_, request);
    if (!created.ok()) return created.status();
    EXPECT_EQ(created->key().suite(), v1::CIPHER_SUITE_ECDH_ES_A128KW);
    EXPECT_EQ(created->key().purpose(), v1::KEY_PURPOSE_TEEP_DECRYPTION);
    return keys::AgreementPublicKey::FromPem(created->key().pem());
  }
  v1::DecryptRequest Sealed(const keys::AgreementPublicKey& to) {
    v1::DecryptRequest request;
    request.set_tenant_uid(Uid());
    request.set_use(v1::DECRYPT_USE_EAT);
    request.set_message(*cose::Encrypt(to, AsBytes(inside_), cose::ContentAlgorithm::kA128Gcm,
                                       cose::kEatEncryption, secret::RandomSource::System()));
    return request;
  }
  const std::string inside_ = "evidence";
};

TEST_F(DecryptionTest, OpensByActiveAndRetiredKeys) {
  TAM_ASSERT_OK_AND_ASSIGN(const auto first, NewKey());
  TAM_ASSERT_OK_AND_ASSIGN(const auto second, NewKey());
  for (const auto& key : {first, second}) {
    TAM_ASSERT_OK_AND_ASSIGN(const auto opened, replica_.session.Decrypt(gateway_, Sealed(key)));
    EXPECT_EQ(opened.plaintext(), inside_);
    EXPECT_EQ(opened.key_thumbprint(), cbor::AsString(key.thumbprint()));
    EXPECT_TRUE(opened.authenticated());
  }
}

TEST_F(DecryptionTest, RefusesWhatNoKeyOpens) {
  TAM_ROW("T-55");
  const auto another = keys::AgreementKey::Generate(keys::AgreementCurve::kP256);
  EXPECT_THAT(replica_.session.Decrypt(gateway_, Sealed(another.public_key())),
              StatusIs(absl::StatusCode::kUnauthenticated));  // there is none, and none is made
  EXPECT_THAT(replica_.session.Decrypt(gateway_, Sealed(another.public_key())),
              StatusIs(absl::StatusCode::kUnauthenticated));
  TAM_ASSERT_OK_AND_ASSIGN(const auto key, NewKey());
  auto request = Sealed(key);
  request.set_use(v1::DECRYPT_USE_SUIT_REPORT);  // T-55
  EXPECT_THAT(replica_.session.Decrypt(gateway_, request),
              StatusIs(absl::StatusCode::kUnauthenticated));
  request.clear_use();
  EXPECT_THAT(replica_.session.Decrypt(gateway_, request), StatusIs(kInvalid, HasSubstr("use")));
  request = Sealed(key);
  request.set_message("no message");
  EXPECT_THAT(replica_.session.Decrypt(gateway_, request), StatusIs(kInvalid));
  request.set_message(std::string(64 * 1024 + 1, 'x'));
  EXPECT_THAT(replica_.session.Decrypt(gateway_, request),
              StatusIs(absl::StatusCode::kUnimplemented, HasSubstr("at most")));
  EXPECT_THAT(replica_.session.Decrypt(attestation_, Sealed(key)), StatusIs(kDenied));
}

TEST_F(DecryptionTest, AKeyThatDoesNotUnwrapKeepsNoOtherFromItsWork) {
  TAM_ASSERT_OK_AND_ASSIGN(const auto lost, NewKey());
  // Another key encryption key, and all but the first key by it.
  Replica later(*storage_, monotonic_, 'x');
  EXPECT_OK(later.session.SignUpdate(gateway_, Update()));
  EXPECT_THAT(later.session.Decrypt(gateway_, Sealed(lost)),
              StatusIs(absl::StatusCode::kUnauthenticated));
}

TEST_F(DecryptionTest, KeysSignOrDecryptAndNeverBoth) {
  v1::CreateSigningKeyRequest request;
  request.set_parent("tenants/acme");
  request.set_purpose(v1::KEY_PURPOSE_TEEP_DECRYPTION);
  request.set_suite(v1::CIPHER_SUITE_ESP256);
  EXPECT_THAT(replica_.admin.CreateSigningKey(operator_, request), StatusIs(kInvalid));
  request.set_purpose(v1::KEY_PURPOSE_TEEP_MESSAGE);
  request.set_suite(v1::CIPHER_SUITE_ECDH_ES_A128KW);
  EXPECT_THAT(replica_.admin.CreateSigningKey(operator_, request), StatusIs(kInvalid));
}

}  // namespace
}  // namespace tam::signing

// The signing service over in-memory stores.
#include <memory>
#include <string>

#include "crypto/cbor/cbor.h"
#include "crypto/cose/cose.h"
#include "crypto/cose/encrypt.h"
#include "crypto/keys/agreement.h"
#include "services/signing/admin_handler.h"
#include "services/signing/session_handler.h"
#include "services/signing/tam_evidence.h"
#include "storage/memory/memory_storage.h"
#include "teep/eat/eat.h"
#include "teep/message/message.h"
#include "tests/support/row.h"
#include "tests/support/status_matchers.h"

namespace tam::signing {
namespace {

using cbor::AsBytes;
using ::tam::testing::StatusIs;
using ::testing::HasSubstr;
using ::testing::SizeIs;

constexpr auto kInvalid = absl::StatusCode::kInvalidArgument;
constexpr auto kDenied = absl::StatusCode::kPermissionDenied;
constexpr auto kPrecondition = absl::StatusCode::kFailedPrecondition;

runtime::CallContext ContextOf(const std::string& path) {
  return {*runtime::Identity::Parse("spiffe://test/" + path, "test"), absl::InfiniteFuture(), "r"};
}

secret::KeyWrapper WrapperOf(char kek) {
  return *secret::KeyWrapper::Create(secret::SecretBytes(AsBytes(std::string(32, kek))));
}

void FillRandom(absl::Span<uint8_t> out) { secret::RandomSource::System().Fill(out); }

// One replica: its own ring and caches over shared storage.
struct Replica {
  Replica(storage::Storage& storage, absl::Duration& monotonic, char kek = 'k', double rate = 0)
      : wrapper(WrapperOf(kek)),
        audit(storage.pseudonyms(), FillRandom),
        keys({storage.signing(), storage.tenants(), audit, wrapper, secret::RandomSource::System(),
              [&monotonic] { return monotonic; }}),
        session({keys, storage.challenge_roots(), storage.clock(), audit, wrapper,
                 secret::RandomSource::System(), [&monotonic] { return monotonic; }, rate}),
        admin(keys, storage.signing(), storage.tenants(), storage.clock()) {}

  const secret::KeyWrapper wrapper;
  runtime::AuditComposer audit;
  KeyRing keys;
  SessionHandler session;
  AdminHandler admin;
};

class SigningTest : public ::testing::Test {
 protected:
  SigningTest() {
    tenant_.id = storage::NewId<storage::TenantId>(FillRandom);
    tenant_.name = "acme";
    EXPECT_OK(storage_->tenants().Create(tenant_, {}, {}));
  }

  std::string Uid() const { return cbor::AsString(tenant_.id.bytes()); }

  v1::SignQueryRequestRequest QueryRequest() const {
    v1::SignQueryRequestRequest request;
    request.set_tenant_uid(Uid());
    request.set_data_items(11);
    request.set_challenge(std::string(32, 'c'));
    return request;
  }
  v1::SignUpdateRequest Update() const {
    v1::SignUpdateRequest request;
    request.set_tenant_uid(Uid());
    request.set_suite(v1::CIPHER_SUITE_ED25519);
    request.set_token(std::string(16, 't'));
    request.add_manifests("envelope");
    request.add_unneeded(std::string("\x82\x41") + "a" + std::string("\x41") + "b");
    return request;
  }
  v1::SignAttestationResultRequest Result() const {
    v1::SignAttestationResultRequest request;
    request.set_tenant_uid(Uid());
    request.set_nonce(std::string(32, 'c'));
    request.set_agent_thumbprint(std::string(32, 'a'));
    request.set_ueid("\x01" + std::string(16, 'u'));
    request.mutable_device_class()->set_oemid(std::string("\x00\x00\xfa\xf2", 4));
    request.mutable_device_class()->set_hwmodel("model");
    request.set_hwversion(
        "\x81\x63"
        "1.0");
    request.set_profile(eat::kTeepProfile);
    request.set_lifetime_seconds(3600);
    return request;
  }

  std::vector<v1::SigningKey> List(Replica& replica) {
    v1::ListSigningKeysRequest request;
    request.set_parent("tenants/acme");
    auto response = replica.admin.ListSigningKeys(operator_, request);
    EXPECT_OK(response);
    return {response->keys().begin(), response->keys().end()};
  }
  std::optional<keys::PublicKey> Active(Replica& replica, v1::KeyPurpose purpose,
                                        v1::CipherSuite suite) {
    for (const auto& key : List(replica)) {
      if (key.purpose() == purpose && key.suite() == suite &&
          key.state() == v1::SIGNING_KEY_STATE_ACTIVE) {
        return *keys::PublicKey::FromPem(key.pem());
      }
    }
    return std::nullopt;
  }
  v1::SigningKey CreateKey(Replica& replica, v1::CipherSuite suite) {
    v1::CreateSigningKeyRequest request;
    request.set_parent("tenants/acme");
    request.set_purpose(v1::KEY_PURPOSE_TEEP_MESSAGE);
    request.set_suite(suite);
    auto created = replica.admin.CreateSigningKey(operator_, request);
    EXPECT_OK(created);
    return created.ok() ? created->key() : v1::SigningKey();
  }

  absl::Time now_ = absl::FromUnixSeconds(1'790'000'000);
  absl::Duration monotonic_ = absl::Hours(1);
  std::unique_ptr<storage::Storage> storage_ = storage::NewMemoryStorage([this] { return now_; });
  storage::Tenant tenant_;
  const runtime::CallContext gateway_ = ContextOf("service/gateway");
  const runtime::CallContext attestation_ = ContextOf("service/attestation");
  const runtime::CallContext operator_ = ContextOf("tenant/acme/operator/olga");
  Replica replica_{*storage_, monotonic_};
};

// T-49..T-51.
TEST_F(SigningTest, QueryRequestIsSignedByBothMandatorySuites) {
  TAM_ROW("T-24", "T-49", "T-51");
  TAM_ASSERT_OK_AND_ASSIGN(const auto response,
                           replica_.session.SignQueryRequest(gateway_, QueryRequest()));
  TAM_ASSERT_OK_AND_ASSIGN(
      const auto cose, cose::Message::Parse(AsBytes(response.message()), cose::TagRule::kRequired));
  EXPECT_EQ(cose.structure(), cose::Structure::kSign);
  EXPECT_THAT(cose.signers(), SizeIs(2));
  for (auto suite : {v1::CIPHER_SUITE_ESP256, v1::CIPHER_SUITE_ED25519}) {
    const auto key = Active(replica_, v1::KEY_PURPOSE_TEEP_MESSAGE, suite);
    ASSERT_TRUE(key.has_value());
    TAM_ASSERT_OK_AND_ASSIGN(const auto message,
                             teep::VerifyMessage(cose, *key, cose::AlgorithmPolicy::Strict()));
    const auto& request = std::get<teep::QueryRequest>(message.message());
    EXPECT_EQ(request.challenge, std::string(32, 'c'));
    EXPECT_FALSE(request.token.has_value());
    EXPECT_EQ(request.data_item_requested, 11u);
    EXPECT_EQ(request.supported_cipher_suites, teep::MandatoryCipherSuites());
    EXPECT_EQ(request.supported_suit_cose_profiles, teep::MandatorySuitCoseProfiles());
  }
}

// RFC 9052 section 4.4, written out here: what is signed is not what our own code says it is.
std::string ToBeSigned(const std::string& body_protected, const std::string* sign_protected,
                       const std::string& payload) {
  cbor::Writer writer;
  writer.Array(sign_protected == nullptr ? 4 : 5);
  writer.Text(sign_protected == nullptr ? "Signature1" : "Signature").ByteString(body_protected);
  if (sign_protected != nullptr) writer.ByteString(*sign_protected);
  writer.ByteString("").ByteString(payload);
  return writer.bytes();
}

TEST_F(SigningTest, MessagesFollowTheSigningStepsOfCose) {
  TAM_ROW("T-03");
  TAM_ASSERT_OK_AND_ASSIGN(const auto query,
                           replica_.session.SignQueryRequest(gateway_, QueryRequest()));
  TAM_ASSERT_OK_AND_ASSIGN(const auto update, replica_.session.SignUpdate(gateway_, Update()));
  const auto text = [](const cbor::Item& item) { return cbor::AsString(*item.ByteString()); };
  const auto p256 = Active(replica_, v1::KEY_PURPOSE_TEEP_MESSAGE, v1::CIPHER_SUITE_ESP256);
  const auto ed25519 = Active(replica_, v1::KEY_PURPOSE_TEEP_MESSAGE, v1::CIPHER_SUITE_ED25519);

  TAM_ASSERT_OK_AND_ASSIGN(const auto sign, cbor::Document::Parse(AsBytes(query.message())));
  EXPECT_EQ(query.message().substr(0, 2), "\xd8\x62");  // COSE_Sign
  const cbor::Item body = sign.root().at(0);
  ASSERT_EQ(body.at(3).size(), 2u);
  for (size_t i = 0; i < 2; ++i) {
    const cbor::Item signer = body.at(3).at(i);
    const bool first = text(signer.at(0)) == "\xa1\x01\x28";     // {alg: ESP256}
    EXPECT_TRUE(first || text(signer.at(0)) == "\xa1\x01\x32");  // {alg: Ed25519}
    const keys::PublicKey& key = first ? *p256 : *ed25519;
    const std::string signer_protected = text(signer.at(0));
    EXPECT_OK(key.Verify(AsBytes(ToBeSigned(text(body.at(0)), &signer_protected, text(body.at(2)))),
                         AsBytes(text(signer.at(2)))));
    EXPECT_EQ(text(*signer.at(1).Get(4)), cbor::AsString(key.thumbprint()));  // kid
  }

  TAM_ASSERT_OK_AND_ASSIGN(const auto sign1, cbor::Document::Parse(AsBytes(update.message())));
  EXPECT_EQ(update.message().substr(0, 1), "\xd2");  // COSE_Sign1
  const cbor::Item one = sign1.root().at(0);
  EXPECT_OK(ed25519->Verify(AsBytes(ToBeSigned(text(one.at(0)), nullptr, text(one.at(2)))),
                            AsBytes(text(one.at(3)))));
}

// As long as the TAM sends no report, none can be under a wrong key.
TEST_F(SigningTest, TheTamSendsNoReportsOfItsOwn) {
  TAM_ROW("T-22");
  TAM_ASSERT_OK_AND_ASSIGN(const auto response,
                           replica_.session.SignQueryRequest(gateway_, QueryRequest()));
  TAM_ASSERT_OK_AND_ASSIGN(
      const auto cose, cose::Message::Parse(AsBytes(response.message()), cose::TagRule::kRequired));
  TAM_ASSERT_OK_AND_ASSIGN(const auto message, teep::Decode(AsBytes(*cose.unverified_payload())));
  EXPECT_THAT(std::get<teep::QueryRequest>(message).suit_reports, SizeIs(0));
  for (const auto* type :
       {v1::SignQueryRequestRequest::descriptor(), v1::SignUpdateRequest::descriptor()}) {
    for (int i = 0; i < type->field_count(); ++i) {
      EXPECT_THAT(type->field(i)->name(), ::testing::Not(HasSubstr("report")));
    }
  }
}

// T-52.
TEST_F(SigningTest, LaterQueryRequestIsSignedByTheOneSuiteThatIsNamed) {
  TAM_ROW("T-52");
  auto request = QueryRequest();
  request.set_suite(v1::CIPHER_SUITE_ED25519);
  request.add_versions(0);
  TAM_ASSERT_OK_AND_ASSIGN(const auto response,
                           replica_.session.SignQueryRequest(gateway_, request));
  TAM_ASSERT_OK_AND_ASSIGN(
      const auto cose, cose::Message::Parse(AsBytes(response.message()), cose::TagRule::kRequired));
  EXPECT_EQ(cose.structure(), cose::Structure::kSign1);
  const auto key = Active(replica_, v1::KEY_PURPOSE_TEEP_MESSAGE, v1::CIPHER_SUITE_ED25519);
  ASSERT_TRUE(key.has_value());
  TAM_ASSERT_OK_AND_ASSIGN(const auto message,
                           teep::VerifyMessage(cose, *key, cose::AlgorithmPolicy::Strict()));
  EXPECT_EQ(std::get<teep::QueryRequest>(message.message()).versions, std::vector<uint64_t>{0});
  request.set_suite(v1::CIPHER_SUITE_ECDH_ES_A128KW);
  EXPECT_THAT(replica_.session.SignQueryRequest(gateway_, request), StatusIs(kInvalid));
}

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

TEST_F(SigningTest, QueryRequestRefusesWhatTeepDoesNotPermit) {
  TAM_ROW("T-09", "T-11");
  auto code = [&](auto change) {
    auto request = QueryRequest();
    change(request);
    return replica_.session.SignQueryRequest(gateway_, request).status();
  };
  EXPECT_THAT(code([](auto& r) { r.set_token(std::string(32, 't')); }),
              StatusIs(kInvalid, HasSubstr("exactly one")));
  EXPECT_THAT(code([](auto& r) { r.clear_challenge(); }), StatusIs(kInvalid));
  EXPECT_THAT(code([](auto& r) { r.set_challenge("short"); }), StatusIs(kInvalid));
  EXPECT_THAT(code([](auto& r) { r.set_challenge(std::string(65, 'c')); }), StatusIs(kInvalid));
  EXPECT_THAT(code([](auto& r) { r.set_data_items(2); }),
              StatusIs(kInvalid, HasSubstr("query-request.token")));
  EXPECT_THAT(code([](auto& r) { r.set_data_items(16); }), StatusIs(kInvalid));
  EXPECT_THAT(code([](auto& r) { r.set_older_algorithms(true); }),
              StatusIs(kInvalid, HasSubstr("older_algorithms")));
  EXPECT_THAT(code([](auto& r) { r.set_tenant_uid("x"); }), StatusIs(kInvalid));
  EXPECT_THAT(code([](auto& r) { r.set_tenant_uid(std::string(16, 'x')); }),
              StatusIs(absl::StatusCode::kNotFound));
}

TEST_F(SigningTest, PassportTokenMayStandInForTheChallenge) {
  auto request = QueryRequest();
  request.set_token(request.challenge());
  request.clear_challenge();
  EXPECT_OK(replica_.session.SignQueryRequest(gateway_, request));
}

// What an older agent reads: its numbering, its algorithm numbers, one signature.
TEST_F(SigningTest, LegacyMessagesHaveTheOlderNumbersAndOneSignature) {
  const auto policy = cose::AlgorithmPolicy::WithOlderNumbers();
  auto request = QueryRequest();
  request.set_data_items(2);
  request.set_token(request.challenge());
  request.clear_challenge();
  request.set_wire_profile(v1::WIRE_PROFILE_LEGACY);
  request.set_older_algorithms(true);
  request.set_suite(v1::CIPHER_SUITE_ED25519);
  TAM_ASSERT_OK_AND_ASSIGN(const auto query, replica_.session.SignQueryRequest(gateway_, request));
  auto update = Update();
  update.set_wire_profile(v1::WIRE_PROFILE_LEGACY);
  update.set_older_algorithms(true);
  TAM_ASSERT_OK_AND_ASSIGN(const auto answer, replica_.session.SignUpdate(gateway_, update));
  const auto key = Active(replica_, v1::KEY_PURPOSE_TEEP_MESSAGE, v1::CIPHER_SUITE_ED25519);
  ASSERT_TRUE(key.has_value());
  for (const std::string& bytes : {query.message(), answer.message()}) {
    TAM_ASSERT_OK_AND_ASSIGN(const auto cose,
                             cose::Message::Parse(AsBytes(bytes), cose::TagRule::kRequired));
    EXPECT_EQ(cose.structure(), cose::Structure::kSign1);
    EXPECT_EQ(cose.signers()[0].algorithm, cose::kEdDsa);
    EXPECT_FALSE(teep::Decode(AsBytes(*cose.unverified_payload())).ok());
    TAM_ASSERT_OK_AND_ASSIGN(const auto message,
                             teep::VerifyMessage(cose, *key, policy, teep::WireProfile::kLegacy));
    if (const auto* q = std::get_if<teep::QueryRequest>(&message.message())) {
      EXPECT_EQ(q->token, request.token());
      EXPECT_EQ(q->supported_cipher_suites[0][0].algorithm, cose::kEs256);
      EXPECT_EQ(q->supported_suit_cose_profiles[1].authentication, cose::kEdDsa);
    }
  }
}

TEST_F(SigningTest, QueryRequestsHaveABudgetOfTheirOwn) {
  Replica limited(*storage_, monotonic_, 'k', 2);
  EXPECT_OK(limited.session.SignQueryRequest(gateway_, QueryRequest()));
  EXPECT_OK(limited.session.SignQueryRequest(gateway_, QueryRequest()));
  EXPECT_THAT(limited.session.SignQueryRequest(gateway_, QueryRequest()),
              StatusIs(absl::StatusCode::kResourceExhausted));
  EXPECT_OK(limited.session.SignUpdate(gateway_, Update()));
  monotonic_ += absl::Milliseconds(500);
  EXPECT_OK(limited.session.SignQueryRequest(gateway_, QueryRequest()));
}

// T-52.
TEST_F(SigningTest, UpdateIsSignedInTheSuiteOfTheDevice) {
  for (auto suite : {v1::CIPHER_SUITE_ESP256, v1::CIPHER_SUITE_ED25519}) {
    auto request = Update();
    request.set_suite(suite);
    TAM_ASSERT_OK_AND_ASSIGN(const auto response, replica_.session.SignUpdate(gateway_, request));
    TAM_ASSERT_OK_AND_ASSIGN(const auto cose, cose::Message::Parse(AsBytes(response.message()),
                                                                   cose::TagRule::kRequired));
    EXPECT_EQ(cose.structure(), cose::Structure::kSign1);
    const auto key = Active(replica_, v1::KEY_PURPOSE_TEEP_MESSAGE, suite);
    ASSERT_TRUE(key.has_value());
    TAM_ASSERT_OK_AND_ASSIGN(const auto message,
                             teep::VerifyMessage(cose, *key, cose::AlgorithmPolicy::Strict()));
    const auto& update = std::get<teep::Update>(message.message());
    EXPECT_EQ(update.token, std::string(16, 't'));
    EXPECT_EQ(update.manifest_list, std::vector<std::string>{"envelope"});
    EXPECT_EQ(update.unneeded_manifest_list, (std::vector<teep::ComponentId>{{"a", "b"}}));
  }
}

// T-39.
TEST_F(SigningTest, UpdateRefusesUndefinedCodesAndMalformedComponents) {
  TAM_ROW("T-39");
  auto request = Update();
  request.set_err_code(12);
  EXPECT_THAT(replica_.session.SignUpdate(gateway_, request), StatusIs(kInvalid));
  request = Update();
  request.add_unneeded("\x80");
  EXPECT_THAT(replica_.session.SignUpdate(gateway_, request),
              StatusIs(kInvalid, HasSubstr("unneeded[1]")));
  request = Update();
  request.clear_suite();
  EXPECT_THAT(replica_.session.SignUpdate(gateway_, request), StatusIs(kInvalid));
}

TEST_F(SigningTest, AttestationResultHasTheProfilesClaims) {
  TAM_ROW("T-36");
  TAM_ASSERT_OK_AND_ASSIGN(const auto response,
                           replica_.session.SignAttestationResult(attestation_, Result()));
  const auto key = Active(replica_, v1::KEY_PURPOSE_ATTESTATION_RESULT, v1::CIPHER_SUITE_ESP256);
  ASSERT_TRUE(key.has_value());
  TAM_ASSERT_OK_AND_ASSIGN(
      const auto cose, cose::Message::Parse(AsBytes(response.message()), cose::TagRule::kRequired));
  TAM_ASSERT_OK_AND_ASSIGN(const auto payload, cose.Verify(*key, cose::AlgorithmPolicy::Strict()));
  TAM_ASSERT_OK_AND_ASSIGN(const auto claims, eat::ParseClaims(payload.bytes()));
  EXPECT_EQ(claims.nonces, std::vector<std::string>{std::string(32, 'c')});
  EXPECT_EQ(claims.cnf->kid, std::string(32, 'a'));
  EXPECT_EQ(claims.ueid, "\x01" + std::string(16, 'u'));
  EXPECT_EQ(claims.oemid, "64242");
  EXPECT_TRUE(claims.oemid_is_pen);
  EXPECT_EQ(claims.hwversion, "1.0");
  EXPECT_EQ(claims.profile, eat::kTeepProfile);
  EXPECT_EQ(claims.issued_at, now_);
  EXPECT_EQ(claims.expires, now_ + absl::Hours(1));
}

TEST_F(SigningTest, AttestationResultNeedsItsMandatoryClaims) {
  auto code = [&](auto change) {
    auto request = Result();
    change(request);
    return replica_.session.SignAttestationResult(attestation_, request).status();
  };
  EXPECT_THAT(code([](auto& r) { r.set_nonce("short"); }), StatusIs(kInvalid, HasSubstr("nonce")));
  EXPECT_THAT(code([](auto& r) { r.set_agent_thumbprint("x"); }), StatusIs(kInvalid));
  EXPECT_THAT(code([](auto& r) { r.set_ueid("\x09x"); }), StatusIs(kInvalid));
  EXPECT_THAT(code([](auto& r) { r.clear_device_class(); }), StatusIs(kInvalid));
  EXPECT_THAT(code([](auto& r) { r.set_hwversion("junk"); }), StatusIs(kInvalid));
  EXPECT_THAT(code([](auto& r) { r.clear_profile(); }), StatusIs(kInvalid));
  EXPECT_THAT(code([](auto& r) { r.set_lifetime_seconds(86401); }), StatusIs(kInvalid));
}

TEST_F(SigningTest, CallersGetWhatTheirPurposeAllows) {
  EXPECT_THAT(replica_.session.SignQueryRequest(attestation_, QueryRequest()), StatusIs(kDenied));
  EXPECT_THAT(replica_.session.SignUpdate(attestation_, Update()), StatusIs(kDenied));
  EXPECT_THAT(replica_.session.SignAttestationResult(gateway_, Result()), StatusIs(kDenied));
  EXPECT_THAT(replica_.session.GetChallengeKeys(attestation_, {}), StatusIs(kDenied));
  EXPECT_THAT(List(replica_), SizeIs(0));  // a refusal makes no key
}

TEST_F(SigningTest, ReplicasAgreeOnChallengeKeysAndTellTheDatabasesTime) {
  TAM_ASSERT_OK_AND_ASSIGN(const auto here, replica_.session.GetChallengeKeys(gateway_, {}));
  Replica other(*storage_, monotonic_);
  TAM_ASSERT_OK_AND_ASSIGN(const auto there, other.session.GetChallengeKeys(gateway_, {}));
  EXPECT_EQ(here.SerializeAsString(), there.SerializeAsString());
  EXPECT_EQ(here.now_ms(), absl::ToUnixMillis(now_));
  ASSERT_EQ(here.keys_size(), 9);
  EXPECT_EQ(here.keys(7).epoch(), 1'790'000'000 / 3600);
  std::set<std::string> distinct;
  for (const auto& key : here.keys()) {
    EXPECT_EQ(key.key().size(), 32u);
    distinct.insert(key.key());
  }
  EXPECT_EQ(distinct.size(), 9u);
}

TEST_F(SigningTest, ChallengeKeyIsHkdfOfTheRootAndTheWholeEpoch) {
  const std::string root(32, 'r');
  const auto key = ChallengeKeyOf(AsBytes(root), 0x0102);
  const auto want = secret::HkdfSha256(
      AsBytes(root), {},
      std::string("tamarack challenge epoch") + std::string("\0\0\0\0\0\0\x01\x02", 8), 32);
  EXPECT_EQ(cbor::AsString(key.Reveal()), cbor::AsString(want.Reveal()));
}

TEST_F(SigningTest, RotationKeepsTheRetiredKeyListed) {
  const auto first = CreateKey(replica_, v1::CIPHER_SUITE_ED25519);
  now_ += absl::Seconds(1);
  const auto second = CreateKey(replica_, v1::CIPHER_SUITE_ED25519);
  const auto listed = List(replica_);
  ASSERT_THAT(listed, SizeIs(2));
  EXPECT_EQ(listed[0].name(), second.name());
  EXPECT_EQ(listed[0].state(), v1::SIGNING_KEY_STATE_ACTIVE);
  EXPECT_EQ(listed[1].name(), first.name());
  EXPECT_EQ(listed[1].state(), v1::SIGNING_KEY_STATE_RETIRED);
  TAM_ASSERT_OK_AND_ASSIGN(const auto key, keys::PublicKey::FromCoseKey(AsBytes(first.cose_key())));
  EXPECT_EQ(cbor::AsString(key.thumbprint()), first.thumbprint());
  EXPECT_EQ(key.ToPem(), first.pem());
  EXPECT_EQ(Active(replica_, v1::KEY_PURPOSE_TEEP_MESSAGE, v1::CIPHER_SUITE_ED25519)->ToPem(),
            second.pem());
}

TEST_F(SigningTest, AKeyOnStandbyIsListedAndSignsOnceActivated) {
  const auto first = CreateKey(replica_, v1::CIPHER_SUITE_ED25519);
  now_ += absl::Seconds(1);
  v1::CreateSigningKeyRequest create;
  create.set_parent("tenants/acme");
  create.set_purpose(v1::KEY_PURPOSE_TEEP_MESSAGE);
  create.set_suite(v1::CIPHER_SUITE_ED25519);
  create.set_standby(true);
  TAM_ASSERT_OK_AND_ASSIGN(const auto made, replica_.admin.CreateSigningKey(operator_, create));
  EXPECT_EQ(made.key().state(), v1::SIGNING_KEY_STATE_STANDBY);
  const auto signs = [this](const v1::SigningKey& key) {
    auto signed_update = replica_.session.SignUpdate(gateway_, Update());
    EXPECT_OK(signed_update);
    auto cose = cose::Message::Parse(AsBytes(signed_update->message()), cose::TagRule::kRequired);
    EXPECT_OK(cose);
    return teep::VerifyMessage(*cose, *keys::PublicKey::FromPem(key.pem()),
                               cose::AlgorithmPolicy::Strict())
        .ok();
  };
  EXPECT_TRUE(signs(first));
  v1::ActivateSigningKeyRequest activate;
  activate.set_name(made.key().name());
  TAM_ASSERT_OK_AND_ASSIGN(const auto now, replica_.admin.ActivateSigningKey(operator_, activate));
  EXPECT_EQ(now.key().state(), v1::SIGNING_KEY_STATE_ACTIVE);
  EXPECT_TRUE(signs(made.key()));
  activate.set_name(first.name());
  EXPECT_THAT(replica_.admin.ActivateSigningKey(operator_, activate), StatusIs(kPrecondition));
}

TEST_F(SigningTest, AKeyOnStandbyDoesNotHinderTheFirstOne) {
  v1::CreateSigningKeyRequest create;
  create.set_parent("tenants/acme");
  create.set_purpose(v1::KEY_PURPOSE_TEEP_MESSAGE);
  create.set_suite(v1::CIPHER_SUITE_ED25519);
  create.set_standby(true);
  EXPECT_OK(replica_.admin.CreateSigningKey(operator_, create));
  EXPECT_OK(replica_.session.SignUpdate(gateway_, Update()));
}

TEST_F(SigningTest, NoKeyIsMadeInPlaceOfARetiredOne) {
  const auto key = CreateKey(replica_, v1::CIPHER_SUITE_ED25519);
  EXPECT_OK(replica_.session.SignUpdate(gateway_, Update()));
  v1::RetireSigningKeyRequest retire;
  retire.set_name(key.name());
  TAM_ASSERT_OK_AND_ASSIGN(const auto retired, replica_.admin.RetireSigningKey(operator_, retire));
  EXPECT_EQ(retired.key().state(), v1::SIGNING_KEY_STATE_RETIRED);
  EXPECT_THAT(replica_.session.SignUpdate(gateway_, Update()), StatusIs(kPrecondition));
}

TEST_F(SigningTest, AKeyRetiredElsewhereSignsForAShortWhileOnly) {
  Replica other(*storage_, monotonic_);
  const auto key = CreateKey(replica_, v1::CIPHER_SUITE_ED25519);
  EXPECT_OK(other.session.SignUpdate(gateway_, Update()));
  v1::RetireSigningKeyRequest retire;
  retire.set_name(key.name());
  EXPECT_OK(replica_.admin.RetireSigningKey(operator_, retire));
  monotonic_ += absl::Minutes(1);
  EXPECT_THAT(other.session.SignUpdate(gateway_, Update()), StatusIs(kPrecondition));
}

TEST_F(SigningTest, AnotherKekOpensNothing) {
  EXPECT_OK(replica_.session.SignUpdate(gateway_, Update()));
  EXPECT_OK(replica_.session.GetChallengeKeys(gateway_, {}));
  Replica other(*storage_, monotonic_, 'x');
  EXPECT_THAT(other.session.SignUpdate(gateway_, Update()),
              StatusIs(absl::StatusCode::kInternal, HasSubstr("does not unwrap")));
  EXPECT_THAT(other.session.GetChallengeKeys(gateway_, {}),
              StatusIs(absl::StatusCode::kInternal, HasSubstr("does not unwrap")));
}

TEST_F(SigningTest, ListsInPages) {
  for (int i = 0; i < 3; ++i) {
    now_ += absl::Seconds(1);
    CreateKey(replica_, v1::CIPHER_SUITE_ED25519);
  }
  v1::ListSigningKeysRequest request;
  request.set_parent("tenants/acme");
  request.set_page_size(2);
  TAM_ASSERT_OK_AND_ASSIGN(const auto first, replica_.admin.ListSigningKeys(operator_, request));
  ASSERT_EQ(first.keys_size(), 2);
  request.set_page_token(first.next_page_token());
  TAM_ASSERT_OK_AND_ASSIGN(const auto second, replica_.admin.ListSigningKeys(operator_, request));
  EXPECT_EQ(second.keys_size(), 1);
  EXPECT_EQ(second.next_page_token(), "");
  request.set_page_token("junk");
  EXPECT_THAT(replica_.admin.ListSigningKeys(operator_, request), StatusIs(kInvalid));
}

}  // namespace
}  // namespace tam::signing

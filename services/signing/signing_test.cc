// The messages that the signing service signs, and what it refuses to.
#include "crypto/cose/cose.h"
#include "services/signing/signing_fixture.h"
#include "teep/message/message.h"
#include "tests/support/row.h"

namespace tam::signing {
namespace {

using cbor::AsBytes;
using ::tam::testing::StatusIs;
using ::testing::HasSubstr;
using ::testing::SizeIs;

constexpr auto kInvalid = absl::StatusCode::kInvalidArgument;

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

}  // namespace
}  // namespace tam::signing

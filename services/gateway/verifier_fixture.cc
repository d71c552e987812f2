#include "services/gateway/verifier_fixture.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "crypto/cbor/cbor.h"
#include "crypto/cose/cose.h"
#include "services/attestation/reasons.h"
#include "tests/support/status_matchers.h"

namespace tam::gateway {
namespace {

constexpr char kMeasured[] = "tee-os";

std::string Digest() { return std::string(32, 'g'); }

std::string FormatOf(const std::string& profile) {
  return eat::FormatMediaType({"application", "eat+cwt", {{"eat_profile", profile}}});
}

}  // namespace

VerifierFixture::VerifierFixture() {
  attestation_.Set("Appraise", [this](const auto& request, auto* response) {
    std::lock_guard lock(seen_mutex_);
    appraised_ = static_cast<const v1::AppraiseRequest&>(request);
    static_cast<v1::AppraiseResponse&>(*response) = Appraise(appraised_);
    return absl::OkStatus();
  });
}

void VerifierFixture::UseEndpoint(const std::string& name, v1::Endpoint settings) {
  settings.set_attestation_required(true);
  CreateEndpoint(name, settings);
  key_ = *keys::PrivateKey::Generate(keys::KeyType::kP256);
  CreateDevice("pump-of-" + name, key_);
  endpoint_ = name;
}

teep::QueryRequest VerifierFixture::Query() {
  Advance(absl::Milliseconds(1));  // issue times must increase
  const auto bytes = module_->protocol().ProcessConnect("/tam/acme/" + endpoint_, {"192.0.2.1"});
  EXPECT_OK(bytes);
  const auto cose =
      cose::Message::Parse(cbor::AsBytes(bytes.value_or("")), cose::TagRule::kRequired);
  EXPECT_OK(cose);
  if (!cose.ok()) return teep::QueryRequest();
  const auto query =
      teep::VerifyMessage(*cose, tam_p256_.public_key(), cose::AlgorithmPolicy::Strict());
  EXPECT_OK(query);
  return query.ok() ? std::get<teep::QueryRequest>(query->message()) : teep::QueryRequest();
}

eat::Claims VerifierFixture::Claims(const std::string& nonce) const {
  eat::Claims claims;
  claims.cnf =
      eat::Confirmation{std::nullopt, cbor::AsString(key_.public_key().thumbprint()), std::nullopt};
  if (!nonce.empty()) claims.nonces = {nonce};
  claims.ueid = "\x01" + std::string(16, 'u');
  claims.oemid = "oem";
  claims.hwmodel = "model";
  claims.hwversion = "1.0";
  claims.issued_at = absl::FromUnixSeconds(now_ms_ / 1000);
  return claims;
}

std::string VerifierFixture::Result(eat::Claims claims, const keys::PrivateKey& signer) const {
  claims.profile = result_profile_;
  claims.manifests = {{60, std::string("\x80", 1)}};
  return *cose::Sign1(signer, cbor::AsBytes(eat::EncodeClaims(claims)));
}

std::string VerifierFixture::Evidence(eat::Claims claims) const {
  claims.profile = eat::kEvidenceProfile;
  claims.oemboot = true;
  claims.dbgstat = 3;
  claims.measurements = {eat::EncodeMeasurements({{kMeasured, Digest()}})};
  return *cose::Sign1(attester_, cbor::AsBytes(eat::EncodeClaims(claims)));
}

teep::QueryResponse VerifierFixture::WithResult(const std::string& result) {
  teep::QueryResponse response;
  response.attestation_payload = result;
  response.tc_list.emplace();
  return response;
}

teep::QueryResponse VerifierFixture::WithEvidence(const std::string& evidence) {
  teep::QueryResponse response = WithResult(evidence);
  response.attestation_payload_format = FormatOf(eat::kEvidenceProfile);
  return response;
}

absl::StatusOr<std::optional<std::string>> VerifierFixture::SendHere(const teep::Message& message) {
  return Send(Sign(message), endpoint_);
}

attestation::Appraisal VerifierFixture::Judge(const v1::AppraiseRequest& request,
                                              bool is_result) const {
  attestation::Expectations expected;
  expected.challenge = request.challenge();
  expected.audience = request.timestamp_audience();
  std::copy_n(request.agent_thumbprint().begin(), expected.agent.size(), expected.agent.begin());
  expected.ueid = request.ueid();
  expected.device_class = {request.device_class().oemid(), request.device_class().hwmodel()};
  expected.at = Now();
  const eat::Bytes payload = cbor::AsBytes(request.payload());
  if (!is_result) {
    return attestation::AppraiseEvidence(
        request.payload_format(), payload,
        {{eat::kEvidenceProfile}, {attester_.public_key()}, {{kMeasured, {Digest()}}}}, expected);
  }
  std::optional<std::string> format;
  if (!request.payload_format().empty()) format = request.payload_format();
  return attestation::AppraiseResult(format, payload, {{result_profile_}, {verifier_.public_key()}},
                                     expected);
}

v1::AppraiseResponse VerifierFixture::Appraise(const v1::AppraiseRequest& request) const {
  std::optional<std::string> format;
  if (!request.payload_format().empty()) format = request.payload_format();
  v1::AppraiseResponse response;
  response.set_was_result(eat::ClassifyPayload(format, {result_profile_}) ==
                          eat::PayloadKind::kAttestationResult);
  const attestation::Appraisal appraisal = Judge(request, response.was_result());
  attestation::AddReasons(appraisal.findings, response);
  response.set_verdict(appraisal.accepted() ? v1::VERDICT_ACCEPTED : v1::VERDICT_REFUSED);
  if (!appraisal.accepted()) return response;
  const attestation::ClassId device_class = attestation::ClassOf(*appraisal.claims);
  response.mutable_claims()->set_ueid(*appraisal.claims->ueid);
  response.mutable_claims()->mutable_device_class()->set_oemid(device_class.oemid);
  response.mutable_claims()->mutable_device_class()->set_hwmodel(device_class.hwmodel);
  if (response.was_result()) return response;
  response.set_attestation_result(Result(Claims(request.challenge())));
  response.set_attestation_result_format(FormatOf(result_profile_));
  return response;
}

}  // namespace tam::gateway

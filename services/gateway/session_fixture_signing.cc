// The signing service that the fixture plays.
#include "crypto/cbor/cbor.h"
#include "crypto/cose/cose.h"
#include "crypto/cose/encrypt.h"
#include "services/gateway/session_fixture.h"

namespace tam::gateway {
namespace {

template <typename Request>
teep::WireProfile ProfileOf(const Request& request) {
  return request.wire_profile() == v1::WIRE_PROFILE_LEGACY ? teep::WireProfile::kLegacy
                                                           : teep::WireProfile::kDraft26;
}

template <typename Request>
cose::SignOptions OptionsOf(const Request& request) {
  cose::SignOptions options;
  options.older_numbers = request.older_algorithms();
  return options;
}

cose::SignOptions OptionsOf(const v1::SignQueryRequestRequest& request) {
  cose::SignOptions options = OptionsOf<v1::SignQueryRequestRequest>(request);
  if (request.certificate() > 0) options.x5chain = {"other"};
  return options;
}

}  // namespace

template <typename Request, typename Response>
void SessionFixture::OnSigning(const std::string& method,
                               absl::Status (SessionFixture::*play)(const Request&, Response&)) {
  signing_.Set(method, [this, play](const auto& request, auto* response) {
    return (this->*play)(static_cast<const Request&>(request), static_cast<Response&>(*response));
  });
}

void SessionFixture::PlaySigning() {
  OnSigning("GetChallengeKeys", &SessionFixture::GiveChallengeKeys);
  OnSigning("SignQueryRequest", &SessionFixture::SignQueryRequest);
  OnSigning("Decrypt", &SessionFixture::Decrypt);
  OnSigning("SignUpdate", &SessionFixture::SignUpdate);
}

absl::Status SessionFixture::GiveChallengeKeys(const v1::GetChallengeKeysRequest&,
                                               v1::GetChallengeKeysResponse& keys) {
  const int64_t now_ms = now_ms_ + database_ahead_ms_ + keys_ahead_ms_;
  keys.set_now_ms(now_ms);
  for (int64_t epoch = EpochOf(now_ms) - 7; epoch <= EpochOf(now_ms) + 1; ++epoch) {
    v1::ChallengeKey* key = keys.add_keys();
    key->set_epoch(epoch);
    key->set_key(std::string(32, static_cast<char>(epoch)));
  }
  return absl::OkStatus();
}

absl::Status SessionFixture::SignQueryRequest(const v1::SignQueryRequestRequest& request,
                                              v1::SignQueryRequestResponse& response) {
  teep::QueryRequest query;
  if (!request.challenge().empty()) query.challenge = request.challenge();
  if (!request.token().empty()) query.token = request.token();
  query.supported_cipher_suites = teep::MandatoryCipherSuites();
  query.supported_suit_cose_profiles = teep::MandatorySuitCoseProfiles();
  query.data_item_requested = request.data_items();
  query.supported_freshness_mechanisms.assign(request.freshness().begin(),
                                              request.freshness().end());
  query.versions.assign(request.versions().begin(), request.versions().end());
  if (request.has_tam_attestation()) {
    query.attestation_payload = "evidence of the TAM for " + request.tam_attestation().nonce();
  }
  if (request.certificate() > 0 && !has_other_certificate_) return absl::OkStatus();
  const auto payload = teep::Encode(query, ProfileOf(request));
  if (!payload.ok()) return payload.status();
  const keys::PrivateKey* signers[] = {&tam_p256_, &tam_ed25519_};
  const bool both = request.suite() == v1::CIPHER_SUITE_UNSPECIFIED;
  const bool ed25519 = request.suite() == v1::CIPHER_SUITE_ED25519;
  const auto bytes =
      both ? cose::Sign(signers, cbor::AsBytes(*payload), OptionsOf(request))
           : cose::Sign1(*signers[ed25519 ? 1 : 0], cbor::AsBytes(*payload), OptionsOf(request));
  response.set_message(bytes.value_or(""));
  return bytes.status();
}

absl::Status SessionFixture::Decrypt(const v1::DecryptRequest& request,
                                     v1::DecryptResponse& response) {
  const auto sealed =
      cose::EncryptedMessage::Parse(cbor::AsBytes(request.message()), cose::TagRule::kRequired);
  if (!sealed.ok()) return sealed.status();
  const auto opened = sealed->Decrypt(tam_agreement_, request.use() == v1::DECRYPT_USE_EAT
                                                          ? cose::kEatEncryption
                                                          : cose::kSuitReportEncryption);
  if (!opened.ok()) return opened.status();
  response.set_plaintext(cbor::AsString(opened->bytes()));
  response.set_authenticated(opened->authenticated());
  return absl::OkStatus();
}

absl::Status SessionFixture::SignUpdate(const v1::SignUpdateRequest& request,
                                        v1::SignUpdateResponse& response) {
  teep::Update update;
  if (!request.token().empty()) update.token = request.token();
  for (const std::string& manifest : request.manifests()) update.manifest_list.push_back(manifest);
  for (const std::string& unneeded : request.unneeded()) {
    update.unneeded_manifest_list.push_back({unneeded});
  }
  if (request.err_code() != 0) update.err_code = teep::ErrorCode(request.err_code());
  if (!request.attestation_payload().empty()) {
    update.attestation_payload = request.attestation_payload();
  }
  if (!request.attestation_payload_format().empty()) {
    update.attestation_payload_format = request.attestation_payload_format();
  }
  if (!request.err_msg().empty()) update.err_msg = request.err_msg();
  if (!request.err_lang().empty()) update.err_lang = request.err_lang();
  if (const auto check = teep::CheckUpdate(update); !check.ok()) return check;
  const auto payload = teep::Encode(update, ProfileOf(request));
  if (!payload.ok()) return payload.status();
  const bool ed25519 = request.suite() == v1::CIPHER_SUITE_ED25519;
  const auto bytes =
      cose::Sign1(ed25519 ? tam_ed25519_ : tam_p256_, cbor::AsBytes(*payload), OptionsOf(request));
  response.set_message(bytes.value_or(""));
  return bytes.status();
}

}  // namespace tam::gateway

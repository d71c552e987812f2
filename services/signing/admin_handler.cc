#include "services/signing/admin_handler.h"

#include <string>
#include <utility>

#include "crypto/cbor/cbor.h"
#include "crypto/cose/cose.h"
#include "crypto/cose/encrypt.h"
#include "crypto/keys/agreement.h"
#include "crypto/keys/key.h"
#include "crypto/text/text.h"
#include "services/runtime/resource_name.h"
#include "services/signing/compose.h"
#include "services/signing/convert.h"

namespace tam::signing {
namespace {

v1::CipherSuite SuiteOf(int32_t algorithm) {
  if (algorithm == cose::kEsp256) return v1::CIPHER_SUITE_ESP256;
  if (algorithm == cose::kEd25519) return v1::CIPHER_SUITE_ED25519;
  if (algorithm == cose::kEcdhEsA128Kw) return v1::CIPHER_SUITE_ECDH_ES_A128KW;
  return v1::CIPHER_SUITE_UNSPECIFIED;
}

v1::SigningKeyState StateOf(storage::SigningKeyState state) {
  if (state == storage::SigningKeyState::kActive) return v1::SIGNING_KEY_STATE_ACTIVE;
  if (state == storage::SigningKeyState::kStandby) return v1::SIGNING_KEY_STATE_STANDBY;
  return v1::SIGNING_KEY_STATE_RETIRED;
}

constexpr std::pair<v1::KeyPurpose, storage::SigningPurpose> kPurposes[] = {
    {v1::KEY_PURPOSE_TEEP_MESSAGE, storage::SigningPurpose::kTeepMessage},
    {v1::KEY_PURPOSE_ATTESTATION_RESULT, storage::SigningPurpose::kAttestationResult},
    {v1::KEY_PURPOSE_TEEP_DECRYPTION, storage::SigningPurpose::kTeepDecryption},
    {v1::KEY_PURPOSE_TAM_EVIDENCE, storage::SigningPurpose::kTamEvidence},
};

v1::KeyPurpose ToProto(storage::SigningPurpose purpose) {
  for (const auto& [proto, model] : kPurposes) {
    if (model == purpose) return proto;
  }
  return v1::KEY_PURPOSE_UNSPECIFIED;
}

absl::StatusOr<std::string> PemOf(const storage::SigningKey& key) {
  if (key.purpose == storage::SigningPurpose::kTeepDecryption) {
    auto parsed = keys::AgreementPublicKey::FromCoseKey(key.public_key);
    if (!parsed.ok()) return parsed.status();
    return parsed->ToPem();
  }
  auto parsed = keys::PublicKey::FromCoseKey(key.public_key);
  if (!parsed.ok()) return parsed.status();
  return parsed->ToPem();
}

absl::StatusOr<v1::SigningKey> ToProto(const std::string& tenant, const storage::SigningKey& key) {
  v1::SigningKey out;
  out.set_name(Concat("tenants/", tenant, "/signingKeys/", key.thumbprint.ToString()));
  out.set_thumbprint(cbor::AsString(key.thumbprint.bytes()));
  out.set_purpose(ToProto(key.purpose));
  out.set_suite(SuiteOf(key.algorithm));
  out.set_state(StateOf(key.state));
  out.set_cose_key(cbor::AsString(key.public_key));
  auto pem = PemOf(key);
  if (!pem.ok()) return absl::InternalError(Concat(out.name(), ": public part unreadable"));
  out.set_pem(*std::move(pem));
  SetTime(key.created, *out.mutable_create_time());
  if (key.retired.has_value()) SetTime(*key.retired, *out.mutable_retire_time());
  return out;
}

absl::StatusOr<storage::SigningPurpose> PurposeOf(v1::KeyPurpose purpose) {
  for (const auto& [proto, model] : kPurposes) {
    if (proto == purpose) return model;
  }
  return absl::InvalidArgumentError(
      "purpose: want TEEP_MESSAGE, ATTESTATION_RESULT, TEEP_DECRYPTION or TAM_EVIDENCE");
}

absl::StatusOr<int32_t> KeyAlgorithmOf(v1::CipherSuite suite) {
  if (suite == v1::CIPHER_SUITE_ECDH_ES_A128KW) return static_cast<int32_t>(cose::kEcdhEsA128Kw);
  return AlgorithmOf(suite);
}

// Where the page begins: behind the key that the token names.
absl::StatusOr<size_t> PageStart(const std::vector<storage::SigningKey>& keys,
                                 const std::string& token) {
  if (token.empty()) return size_t{0};
  const absl::Status unknown = absl::InvalidArgumentError("page_token: not one of this list");
  auto after = storage::KeyThumbprint::Parse(token);
  if (!after.ok()) return unknown;
  for (size_t i = 0; i < keys.size(); ++i) {
    if (keys[i].thumbprint == *after) return i + 1;
  }
  return unknown;
}

}  // namespace

absl::StatusOr<storage::Tenant> AdminHandler::FindParent(const runtime::CallContext& context,
                                                         const std::string& parent) {
  auto parts = runtime::ParseResourceName("parent", parent, "tenants/{t}");
  if (!parts.ok()) return parts.status();
  return tenants_.GetByName((*parts)[0], {context.deadline});
}

absl::StatusOr<AdminHandler::Named> AdminHandler::FindNamed(const runtime::CallContext& context,
                                                            const std::string& name,
                                                            std::string_view field) {
  auto parts =
      runtime::ParseResourceName(AbslView(field), name, "tenants/{t}/signingKeys/{thumbprint}");
  if (!parts.ok()) return parts.status();
  auto key = storage::KeyThumbprint::Parse((*parts)[1]);
  if (!key.ok()) return key.status();
  auto tenant = tenants_.GetByName((*parts)[0], {context.deadline});
  if (!tenant.ok()) return tenant.status();
  return Named{*std::move(tenant), *key};
}

absl::StatusOr<v1::GetSigningKeyResponse> AdminHandler::GetSigningKey(
    const runtime::CallContext& context, const v1::GetSigningKeyRequest& request) {
  auto named = FindNamed(context, request.name());
  if (!named.ok()) return named.status();
  auto key = store_.GetKey(named->tenant.id, named->key, {context.deadline});
  if (!key.ok()) return key.status();
  auto proto = ToProto(named->tenant.name, *key);
  if (!proto.ok()) return proto.status();
  v1::GetSigningKeyResponse response;
  *response.mutable_key() = *std::move(proto);
  return response;
}

absl::StatusOr<v1::ListSigningKeysResponse> AdminHandler::ListSigningKeys(
    const runtime::CallContext& context, const v1::ListSigningKeysRequest& request) {
  if (request.page_size() < 0) return absl::InvalidArgumentError("page_size: want 0 or more");
  auto tenant = FindParent(context, request.parent());
  if (!tenant.ok()) return tenant.status();
  auto keys = store_.ListKeys(tenant->id, {context.deadline});
  if (!keys.ok()) return keys.status();
  auto start = PageStart(*keys, request.page_token());
  if (!start.ok()) return start.status();
  const size_t limit =
      static_cast<size_t>(storage::PageRequest{request.page_size(), ""}.EffectiveLimit());
  v1::ListSigningKeysResponse response;
  for (size_t i = *start; i < keys->size(); ++i) {
    auto proto = ToProto(tenant->name, (*keys)[i]);
    if (!proto.ok()) return proto.status();
    *response.add_keys() = *std::move(proto);
    if (i + 1 - *start == limit && i + 1 < keys->size()) {
      response.set_next_page_token((*keys)[i].thumbprint.ToString());
      break;
    }
  }
  return response;
}

absl::StatusOr<v1::CreateSigningKeyResponse> AdminHandler::CreateSigningKey(
    const runtime::CallContext& context, const v1::CreateSigningKeyRequest& request) {
  auto purpose = PurposeOf(request.purpose());
  if (!purpose.ok()) return purpose.status();
  auto algorithm = KeyAlgorithmOf(request.suite());
  if (!algorithm.ok()) return algorithm.status();
  auto tenant = FindParent(context, request.parent());
  if (!tenant.ok()) return tenant.status();
  auto key = keys_.Create(context, tenant->id, *purpose, *algorithm, request.standby());
  if (!key.ok()) return key.status();
  auto proto = ToProto(tenant->name, *key);
  if (!proto.ok()) return proto.status();
  v1::CreateSigningKeyResponse response;
  *response.mutable_key() = *std::move(proto);
  return response;
}

absl::StatusOr<v1::ActivateSigningKeyResponse> AdminHandler::ActivateSigningKey(
    const runtime::CallContext& context, const v1::ActivateSigningKeyRequest& request) {
  auto named = FindNamed(context, request.name());
  if (!named.ok()) return named.status();
  if (auto s = keys_.Activate(context, named->tenant.id, named->key); !s.ok()) return s;
  auto key = store_.GetKey(named->tenant.id, named->key, {context.deadline});
  if (!key.ok()) return key.status();
  auto proto = ToProto(named->tenant.name, *key);
  if (!proto.ok()) return proto.status();
  v1::ActivateSigningKeyResponse response;
  *response.mutable_key() = *std::move(proto);
  return response;
}

absl::StatusOr<v1::RetireSigningKeyResponse> AdminHandler::RetireSigningKey(
    const runtime::CallContext& context, const v1::RetireSigningKeyRequest& request) {
  auto named = FindNamed(context, request.name());
  if (!named.ok()) return named.status();
  if (auto s = keys_.Retire(context, named->tenant.id, named->key); !s.ok()) return s;
  auto key = store_.GetKey(named->tenant.id, named->key, {context.deadline});
  if (!key.ok()) return key.status();
  auto proto = ToProto(named->tenant.name, *key);
  if (!proto.ok()) return proto.status();
  v1::RetireSigningKeyResponse response;
  *response.mutable_key() = *std::move(proto);
  return response;
}

runtime::ServiceBinding AdminHandler::Binding() {
  runtime::ServiceBinding binding("tam.v1.SigningService");
  binding.Add("GetSigningKey", *this, &AdminHandler::GetSigningKey)
      .Add("ListSigningKeys", *this, &AdminHandler::ListSigningKeys)
      .Add("CreateSigningKey", *this, &AdminHandler::CreateSigningKey)
      .Add("ActivateSigningKey", *this, &AdminHandler::ActivateSigningKey)
      .Add("RetireSigningKey", *this, &AdminHandler::RetireSigningKey)
      .Add("AddKeyCertificate", *this, &AdminHandler::AddKeyCertificate)
      .Add("ListKeyCertificates", *this, &AdminHandler::ListKeyCertificates)
      .Add("RemoveKeyCertificate", *this, &AdminHandler::RemoveKeyCertificate);
  return binding;
}

}  // namespace tam::signing

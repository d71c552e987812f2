// The signing service over in-memory stores, in one or more replicas.
#ifndef TAMARACK_SERVICES_SIGNING_SIGNING_FIXTURE_H_
#define TAMARACK_SERVICES_SIGNING_SIGNING_FIXTURE_H_

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "crypto/cbor/cbor.h"
#include "crypto/secret/secret.h"
#include "services/signing/admin_handler.h"
#include "services/signing/chains.h"
#include "services/signing/session_handler.h"
#include "storage/memory/memory_storage.h"
#include "teep/eat/eat.h"
#include "tests/support/status_matchers.h"

namespace tam::signing {

inline runtime::CallContext ContextOf(const std::string& path) {
  return {*runtime::Identity::Parse("spiffe://test/" + path, "test"), absl::InfiniteFuture(), "r"};
}

inline secret::KeyWrapper WrapperOf(char kek) {
  return *secret::KeyWrapper::Create(secret::SecretBytes(cbor::AsBytes(std::string(32, kek))));
}

inline void FillRandom(absl::Span<uint8_t> out) { secret::RandomSource::System().Fill(out); }

// One replica: its own ring and caches over shared storage.
struct Replica {
  Replica(storage::Storage& storage, absl::Duration& monotonic, char kek = 'k', double rate = 0,
          SkippedSink skipped = LogSkipped)
      : wrapper(WrapperOf(kek)),
        audit(storage.pseudonyms(), FillRandom),
        keys({storage.signing(), storage.tenants(), audit, wrapper, secret::RandomSource::System(),
              [&monotonic] { return monotonic; }}),
        session({keys, storage.challenge_roots(), storage.clock(), audit, wrapper,
                 secret::RandomSource::System(), [&monotonic] { return monotonic; }, rate,
                 std::move(skipped)}),
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
  v1::SigningKey CreateKey(Replica& replica, v1::CipherSuite suite,
                           v1::KeyPurpose purpose = v1::KEY_PURPOSE_TEEP_MESSAGE) {
    v1::CreateSigningKeyRequest request;
    request.set_parent("tenants/acme");
    request.set_purpose(purpose);
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
  std::vector<std::string> skipped_;  // chains that replica_ leaves out: "position reason"
  Replica replica_{
      *storage_, monotonic_, 'k', 0,
      [this](const storage::KeyCertificate& certificate, std::string_view reason) {
        skipped_.push_back(std::to_string(certificate.position) + " " + std::string(reason));
      }};
};

}  // namespace tam::signing

#endif  // TAMARACK_SERVICES_SIGNING_SIGNING_FIXTURE_H_

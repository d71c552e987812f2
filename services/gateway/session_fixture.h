// A gateway engine over the real registry on in-memory stores; attestation, catalogue and signing
// are played. With a device that signs what a test asks it to say.
#ifndef TAMARACK_SERVICES_GATEWAY_SESSION_FIXTURE_H_
#define TAMARACK_SERVICES_GATEWAY_SESSION_FIXTURE_H_

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "crypto/keys/agreement.h"
#include "crypto/keys/key.h"
#include "gtest/gtest.h"
#include "services/gateway/module.h"
#include "services/registry/handler.h"
#include "services/runtime/dispatcher.h"
#include "storage/memory/memory_storage.h"
#include "teep/message/message.h"

namespace tam::gateway {

// Calls a function for each method it knows; Unimplemented for the rest. Counts calls.
class PlayedChannel : public runtime::RpcChannel {
 public:
  using Play = std::function<absl::Status(const google::protobuf::Message& request,
                                          google::protobuf::Message* response)>;
  void Set(const std::string& method, Play play) { plays_[method] = std::move(play); }
  // From now on this is every answer; OK: no longer.
  void FailWith(absl::Status status) { failure_ = std::move(status); }
  int calls(const std::string& method);
  // Of the last call.
  absl::Time deadline();
  absl::Status Call(const runtime::CallContext& context, absl::string_view method,
                    const google::protobuf::Message& request,
                    google::protobuf::Message* response) override;
  // Passes calls on to this one instead, and counts them.
  void PassTo(runtime::RpcChannel& next) { next_ = &next; }

 private:
  std::map<std::string, Play> plays_;
  absl::Status failure_;
  runtime::RpcChannel* next_ = nullptr;
  std::mutex mutex_;  // guards the rest
  std::map<std::string, int> calls_;
  absl::Time deadline_;
};

class SessionFixture : public ::testing::Test {
 protected:
  SessionFixture();

  // Registry set-up.
  void CreateEndpoint(const std::string& name, bool attested, uint32_t data_items = 0);
  void CreateEndpoint(const std::string& name, const v1::Endpoint& settings);
  void UpdateEndpoint(const std::string& name, bool attested);
  std::string CreateDevice(const std::string& name, const keys::PrivateKey& key,
                           v1::KeyState state = v1::KEY_STATE_ACTIVE);
  void SetKeyState(const std::string& device, const keys::PrivateKey& key, v1::KeyState state);
  v1::Device Show(const std::string& device);
  // Audit entries of the tenant of one kind ("" for all).
  size_t AuditCount(const std::string& kind = "");

  // The conversation, at /tam/acme/{endpoint}.
  std::string Connect(const std::string& endpoint = "main");  // challenge or token
  teep::QueryResponse Evidence(const std::string& challenge);
  std::string Sign(const teep::Message& message) { return Sign(message, key_); }
  std::string Sign(const teep::Message& message, const keys::PrivateKey& key);
  absl::StatusOr<std::optional<std::string>> Send(const std::string& bytes,
                                                  const std::string& endpoint = "main",
                                                  const std::string& source = "192.0.2.1");
  // The Update in the answer, its signature verified; fails the test where there is none.
  teep::Update UpdateIn(const absl::StatusOr<std::optional<std::string>>& answer);
  // The QueryRequest in the answer, a COSE_Sign1 by `tam`; fails the test where there is none.
  static teep::QueryRequest QueryIn(const absl::StatusOr<std::optional<std::string>>& answer,
                                    const keys::PrivateKey& tam);
  // True for the empty answer.
  static bool IsSilent(const absl::StatusOr<std::optional<std::string>>& answer);
  // A whole exchange that opens an update: the Update.
  teep::Update OpenUpdate();
  uint64_t Count(Outcome outcome) { return module_->outcomes().count(outcome); }
  void Advance(absl::Duration by);
  // Builds the engine anew, as another replica would, with this configuration.
  void Restart(const GatewayConfig& config = GatewayConfig());

  keys::PrivateKey key_ = *keys::PrivateKey::Generate(keys::KeyType::kP256);
  keys::PrivateKey tam_p256_ = *keys::PrivateKey::Generate(keys::KeyType::kP256);
  keys::PrivateKey tam_ed25519_ = *keys::PrivateKey::Generate(keys::KeyType::kEd25519);

  keys::AgreementKey tam_agreement_ = keys::AgreementKey::Generate(keys::AgreementCurve::kP256);

  std::atomic<int64_t> now_ms_{1'764'000'000'000};
  // How far the database's clock is ahead of now_ms_, which the gateway's monotonic clock follows,
  // and the time that comes with the challenge keys ahead of the database's.
  std::atomic<int64_t> database_ahead_ms_{0};
  std::atomic<int64_t> keys_ahead_ms_{0};
  std::unique_ptr<storage::Storage> storage_;
  std::unique_ptr<registry::AdminHandler> admin_;
  std::unique_ptr<registry::SessionHandler> session_;
  std::unique_ptr<runtime::AuditSink> denials_;
  std::unique_ptr<runtime::Dispatcher> dispatcher_;
  std::unique_ptr<runtime::LocalChannel> local_;
  PlayedChannel registry_, attestation_, catalog_, signing_;
  std::unique_ptr<GatewayModule> module_;

  // What the played services answer.
  v1::AppraiseResponse verdict_;
  v1::ResolveResponse plan_;
  absl::Status envelopes_status_;
  bool has_other_certificate_ = false;  // which QueryRequests then bear as "other"
  std::mutex seen_mutex_;               // guards the next three
  v1::AppraiseRequest appraised_;
  v1::ResolveRequest resolved_;
  v1::GetEnvelopesRequest delivered_;

 private:
  // session_fixture_signing.cc
  void PlaySigning();
  template <typename Request, typename Response>
  void OnSigning(const std::string& method,
                 absl::Status (SessionFixture::*play)(const Request&, Response&));
  absl::Status GiveChallengeKeys(const v1::GetChallengeKeysRequest&,
                                 v1::GetChallengeKeysResponse& keys);
  absl::Status SignQueryRequest(const v1::SignQueryRequestRequest& request,
                                v1::SignQueryRequestResponse& response);
  absl::Status Decrypt(const v1::DecryptRequest& request, v1::DecryptResponse& response);
  absl::Status SignUpdate(const v1::SignUpdateRequest& request, v1::SignUpdateResponse& response);

  void PlayAttestationAndCatalog();
  runtime::CallContext Operator();
};

}  // namespace tam::gateway

#endif  // TAMARACK_SERVICES_GATEWAY_SESSION_FIXTURE_H_

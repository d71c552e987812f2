// The four services as a check needs them: each answers from the CheckInput, and keeps nothing but
// what the check asks afterwards. Internal to services/gateway/offline.
#ifndef TAMARACK_SERVICES_GATEWAY_OFFLINE_PLAYED_SERVICES_H_
#define TAMARACK_SERVICES_GATEWAY_OFFLINE_PLAYED_SERVICES_H_

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "google/protobuf/message.h"
#include "proto/tam/v1/attestation_session.pb.h"
#include "proto/tam/v1/catalog_session.pb.h"
#include "proto/tam/v1/registry_session.pb.h"
#include "proto/tam/v1/signing_session.pb.h"
#include "services/gateway/offline/check.h"
#include "services/runtime/rpc.h"
#include "teep/suit/report.h"

namespace tam::gateway {

// A channel to plain functions; Unimplemented for a method that has none. One thread at a time.
class PlayedService : public runtime::RpcChannel {
 public:
  absl::Status Call(const runtime::CallContext& context, absl::string_view method,
                    const google::protobuf::Message& request,
                    google::protobuf::Message* response) override;

 protected:
  explicit PlayedService(std::string_view service) : service_(service) {}
  // `method` without its service; the types are those of the proto.
  template <typename Request, typename Response>
  void On(std::string_view method,
          std::function<absl::StatusOr<Response>(const Request& request)> play) {
    plays_.emplace("/tam.v1." + service_ + "/" + std::string(method),
                   [play = std::move(play)](const google::protobuf::Message& request,
                                            google::protobuf::Message* response) {
                     absl::StatusOr<Response> result = play(static_cast<const Request&>(request));
                     if (!result.ok()) return result.status();
                     static_cast<Response&>(*response) = *std::move(result);
                     return absl::OkStatus();
                   });
  }

 private:
  using Play =
      std::function<absl::Status(const google::protobuf::Message&, google::protobuf::Message*)>;
  const std::string service_;
  std::map<std::string, Play> plays_;
};

// One endpoint, at kCheckPath; a device for each agent key, of which nothing was ever accepted.
class PlayedRegistry : public PlayedService {
 public:
  explicit PlayedRegistry(const CheckInput& input);
};

// Judges results by the verifier keys, evidence by attestation::PreviewEvidence.
class PlayedAttestation : public PlayedService {
 public:
  explicit PlayedAttestation(const CheckInput& input);
  bool was_evidence() const { return was_evidence_; }

 private:
  bool was_evidence_ = false;  // the last payload was, and was accepted
};

// Nothing is ever due.
class PlayedCatalog : public PlayedService {
 public:
  PlayedCatalog();
};

// Signs nothing: says what would have been signed. Opens by the decryption keys.
class PlayedSigning : public PlayedService {
 public:
  explicit PlayedSigning(const CheckInput& input);
  // What an encrypted SUIT report holds. InvalidArgument; Unauthenticated: no key opens it.
  absl::StatusOr<std::string> OpenReport(suit::Bytes sealed) const;
  // Of the last Update; 0: there was none, or it bore no error.
  uint32_t err_code() const { return err_code_; }
  const std::string& err_msg() const { return err_msg_; }

 private:
  const CheckInput& input_;
  uint32_t err_code_ = 0;
  std::string err_msg_;
};

inline constexpr char kCheckPath[] = "/tam/check/message";

}  // namespace tam::gateway

#endif  // TAMARACK_SERVICES_GATEWAY_OFFLINE_PLAYED_SERVICES_H_

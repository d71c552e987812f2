#include <utility>

#include "services/clients/attestation_client.h"
#include "services/clients/catalog_client.h"
#include "services/clients/registry_client.h"
#include "services/clients/signing_client.h"

namespace tam::clients {
namespace {

template <typename Response>
absl::StatusOr<Response> Call(runtime::RpcChannel& channel, const runtime::CallContext& context,
                              absl::string_view method, const google::protobuf::Message& request) {
  Response response;
  absl::Status status = channel.Call(context, method, request, &response);
  if (!status.ok()) return status;
  return response;
}

class RegistrySessionStub : public RegistrySessionClient {
 public:
  explicit RegistrySessionStub(runtime::RpcChannel& channel) : channel_(channel) {}
  absl::StatusOr<v1::ResolveEndpointResponse> ResolveEndpoint(
      const runtime::CallContext& context, const v1::ResolveEndpointRequest& request) override {
    return Call<v1::ResolveEndpointResponse>(
        channel_, context, "/tam.v1.RegistrySessionService/ResolveEndpoint", request);
  }
  absl::StatusOr<v1::LookupResponse> Lookup(const runtime::CallContext& context,
                                            const v1::LookupRequest& request) override {
    return Call<v1::LookupResponse>(channel_, context, "/tam.v1.RegistrySessionService/Lookup",
                                    request);
  }
  absl::StatusOr<v1::AcceptResponse> Accept(const runtime::CallContext& context,
                                            const v1::AcceptRequest& request) override {
    return Call<v1::AcceptResponse>(channel_, context, "/tam.v1.RegistrySessionService/Accept",
                                    request);
  }
  absl::StatusOr<v1::ReportResponse> Report(const runtime::CallContext& context,
                                            const v1::ReportRequest& request) override {
    return Call<v1::ReportResponse>(channel_, context, "/tam.v1.RegistrySessionService/Report",
                                    request);
  }
  absl::StatusOr<v1::NoteRefusalResponse> NoteRefusal(
      const runtime::CallContext& context, const v1::NoteRefusalRequest& request) override {
    return Call<v1::NoteRefusalResponse>(channel_, context,
                                         "/tam.v1.RegistrySessionService/NoteRefusal", request);
  }

 private:
  runtime::RpcChannel& channel_;
};

class AttestationSessionStub : public AttestationSessionClient {
 public:
  explicit AttestationSessionStub(runtime::RpcChannel& channel) : channel_(channel) {}
  absl::StatusOr<v1::AppraiseResponse> Appraise(const runtime::CallContext& context,
                                                const v1::AppraiseRequest& request) override {
    return Call<v1::AppraiseResponse>(channel_, context,
                                      "/tam.v1.AttestationSessionService/Appraise", request);
  }

 private:
  runtime::RpcChannel& channel_;
};

class CatalogSessionStub : public CatalogSessionClient {
 public:
  explicit CatalogSessionStub(runtime::RpcChannel& channel) : channel_(channel) {}
  absl::StatusOr<v1::ResolveResponse> Resolve(const runtime::CallContext& context,
                                              const v1::ResolveRequest& request) override {
    return Call<v1::ResolveResponse>(channel_, context, "/tam.v1.CatalogSessionService/Resolve",
                                     request);
  }
  absl::StatusOr<v1::GetEnvelopesResponse> GetEnvelopes(
      const runtime::CallContext& context, const v1::GetEnvelopesRequest& request) override {
    return Call<v1::GetEnvelopesResponse>(channel_, context,
                                          "/tam.v1.CatalogSessionService/GetEnvelopes", request);
  }

 private:
  runtime::RpcChannel& channel_;
};

class SigningSessionStub : public SigningSessionClient {
 public:
  explicit SigningSessionStub(runtime::RpcChannel& channel) : channel_(channel) {}
  absl::StatusOr<v1::SignQueryRequestResponse> SignQueryRequest(
      const runtime::CallContext& context, const v1::SignQueryRequestRequest& request) override {
    return Call<v1::SignQueryRequestResponse>(
        channel_, context, "/tam.v1.SigningSessionService/SignQueryRequest", request);
  }
  absl::StatusOr<v1::SignUpdateResponse> SignUpdate(const runtime::CallContext& context,
                                                    const v1::SignUpdateRequest& request) override {
    return Call<v1::SignUpdateResponse>(channel_, context,
                                        "/tam.v1.SigningSessionService/SignUpdate", request);
  }
  absl::StatusOr<v1::SignAttestationResultResponse> SignAttestationResult(
      const runtime::CallContext& context,
      const v1::SignAttestationResultRequest& request) override {
    return Call<v1::SignAttestationResultResponse>(
        channel_, context, "/tam.v1.SigningSessionService/SignAttestationResult", request);
  }
  absl::StatusOr<v1::DecryptResponse> Decrypt(const runtime::CallContext& context,
                                              const v1::DecryptRequest& request) override {
    return Call<v1::DecryptResponse>(channel_, context, "/tam.v1.SigningSessionService/Decrypt",
                                     request);
  }
  absl::StatusOr<v1::GetChallengeKeysResponse> GetChallengeKeys(
      const runtime::CallContext& context, const v1::GetChallengeKeysRequest& request) override {
    return Call<v1::GetChallengeKeysResponse>(
        channel_, context, "/tam.v1.SigningSessionService/GetChallengeKeys", request);
  }

 private:
  runtime::RpcChannel& channel_;
};

}  // namespace

std::unique_ptr<RegistrySessionClient> NewRegistrySessionClient(runtime::RpcChannel& channel) {
  return std::make_unique<RegistrySessionStub>(channel);
}

std::unique_ptr<AttestationSessionClient> NewAttestationSessionClient(
    runtime::RpcChannel& channel) {
  return std::make_unique<AttestationSessionStub>(channel);
}

std::unique_ptr<CatalogSessionClient> NewCatalogSessionClient(runtime::RpcChannel& channel) {
  return std::make_unique<CatalogSessionStub>(channel);
}

std::unique_ptr<SigningSessionClient> NewSigningSessionClient(runtime::RpcChannel& channel) {
  return std::make_unique<SigningSessionStub>(channel);
}

}  // namespace tam::clients

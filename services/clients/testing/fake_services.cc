#include "services/clients/testing/fake_services.h"

#include <utility>

#include "absl/status/statusor.h"
#include "google/protobuf/unknown_field_set.h"
#include "proto/tam/v1/attestation_session.pb.h"
#include "proto/tam/v1/catalog_session.pb.h"
#include "proto/tam/v1/registry_session.pb.h"
#include "proto/tam/v1/signing_session.pb.h"

namespace tam::clients::testing {
namespace {

// Numbers that no message of ours has.
constexpr int kEcho = 15000;
constexpr int kName = 15001;
constexpr int kPadding = 15002;

std::string UnknownField(const google::protobuf::Message& message, int number) {
  const google::protobuf::UnknownFieldSet& fields =
      message.GetReflection()->GetUnknownFields(message);
  for (int i = 0; i < fields.field_count(); ++i) {
    if (fields.field(i).number() == number) return fields.field(i).length_delimited();
  }
  return "";
}

// A handler for any method whose types it is told.
template <typename Request, typename Response>
runtime::RpcMethod Method(const std::string& name, FakeServices& services) {
  return {name, [] { return std::make_unique<Request>(); },
          [] { return std::make_unique<Response>(); },
          [&services](const runtime::CallContext& context, const google::protobuf::Message& request,
                      google::protobuf::Message& response) {
            return services.Serve(context, request, response);
          }};
}

}  // namespace

absl::Status FakeServices::AddTo(runtime::Dispatcher& dispatcher) {
  runtime::ServiceBinding registry("tam.v1.RegistrySessionService");
  registry
      .Add(Method<v1::ResolveEndpointRequest, v1::ResolveEndpointResponse>(
          "/tam.v1.RegistrySessionService/ResolveEndpoint", *this))
      .Add(Method<v1::LookupRequest, v1::LookupResponse>("/tam.v1.RegistrySessionService/Lookup",
                                                         *this))
      .Add(Method<v1::AcceptRequest, v1::AcceptResponse>("/tam.v1.RegistrySessionService/Accept",
                                                         *this))
      .Add(Method<v1::ReportRequest, v1::ReportResponse>("/tam.v1.RegistrySessionService/Report",
                                                         *this))
      .Add(Method<v1::NoteRefusalRequest, v1::NoteRefusalResponse>(
          "/tam.v1.RegistrySessionService/NoteRefusal", *this));
  runtime::ServiceBinding attestation("tam.v1.AttestationSessionService");
  attestation.Add(Method<v1::AppraiseRequest, v1::AppraiseResponse>(
      "/tam.v1.AttestationSessionService/Appraise", *this));
  runtime::ServiceBinding catalog("tam.v1.CatalogSessionService");
  catalog
      .Add(Method<v1::ResolveRequest, v1::ResolveResponse>("/tam.v1.CatalogSessionService/Resolve",
                                                           *this))
      .Add(Method<v1::GetEnvelopesRequest, v1::GetEnvelopesResponse>(
          "/tam.v1.CatalogSessionService/GetEnvelopes", *this));
  runtime::ServiceBinding signing("tam.v1.SigningSessionService");
  signing
      .Add(Method<v1::SignQueryRequestRequest, v1::SignQueryRequestResponse>(
          "/tam.v1.SigningSessionService/SignQueryRequest", *this))
      .Add(Method<v1::SignUpdateRequest, v1::SignUpdateResponse>(
          "/tam.v1.SigningSessionService/SignUpdate", *this))
      .Add(Method<v1::SignAttestationResultRequest, v1::SignAttestationResultResponse>(
          "/tam.v1.SigningSessionService/SignAttestationResult", *this))
      .Add(Method<v1::DecryptRequest, v1::DecryptResponse>("/tam.v1.SigningSessionService/Decrypt",
                                                           *this))
      .Add(Method<v1::GetChallengeKeysRequest, v1::GetChallengeKeysResponse>(
          "/tam.v1.SigningSessionService/GetChallengeKeys", *this));
  for (const runtime::ServiceBinding* binding : {&registry, &attestation, &catalog, &signing}) {
    if (absl::Status added = dispatcher.Add(*binding); !added.ok()) return added;
  }
  return absl::OkStatus();
}

void FakeServices::SetAct(Act act) {
  std::lock_guard lock(mutex_);
  act_ = std::move(act);
}

std::optional<runtime::CallContext> FakeServices::last() const {
  std::lock_guard lock(mutex_);
  return last_;
}

absl::Status FakeServices::RecordDenial(const runtime::Denial&) {
  ++denials_;
  return absl::OkStatus();
}

absl::Status FakeServices::Serve(const runtime::CallContext& context,
                                 const google::protobuf::Message& request,
                                 google::protobuf::Message& response) {
  Act act;
  {
    std::lock_guard lock(mutex_);
    last_ = context;
    act = act_;
  }
  ++calls_;
  if (act) {
    if (absl::Status status = act(context); !status.ok()) return status;
  }
  google::protobuf::UnknownFieldSet& fields =
      *response.GetReflection()->MutableUnknownFields(&response);
  fields.AddLengthDelimited(kEcho, request.SerializeAsString());
  fields.AddLengthDelimited(kName, name_);
  if (padding_ > 0) fields.AddLengthDelimited(kPadding, std::string(padding_, 'p'));
  return absl::OkStatus();
}

std::string EchoOf(const google::protobuf::Message& response) {
  return UnknownField(response, kEcho);
}

std::string NameIn(const google::protobuf::Message& response) {
  return UnknownField(response, kName);
}

}  // namespace tam::clients::testing

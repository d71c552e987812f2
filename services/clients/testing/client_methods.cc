#include "services/clients/testing/client_methods.h"

#include <memory>

#include "absl/strings/str_cat.h"
#include "google/protobuf/descriptor.h"
#include "google/protobuf/message.h"
#include "google/protobuf/unknown_field_set.h"
#include "services/clients/attestation_client.h"
#include "services/clients/catalog_client.h"
#include "services/clients/registry_client.h"
#include "services/clients/signing_client.h"
#include "services/clients/testing/fake_services.h"

namespace tam::clients::testing {
namespace {

using ::google::protobuf::FieldDescriptor;
using ::google::protobuf::Message;

constexpr int kPadding = 15003;

// Bytes that are not text, and numbers that need all their bits.
void FillOne(Message& message, const FieldDescriptor& field) {
  const google::protobuf::Reflection& reflection = *message.GetReflection();
  const bool repeated = field.is_repeated();
  if (field.type() == FieldDescriptor::TYPE_BYTES || field.type() == FieldDescriptor::TYPE_STRING) {
    std::string value = field.type() == FieldDescriptor::TYPE_BYTES ? std::string("\0\xff\x80", 3)
                                                                    : std::string("text \xc3\xa4");
    repeated ? reflection.AddString(&message, &field, value)
             : reflection.SetString(&message, &field, value);
  } else if (!repeated && field.cpp_type() == FieldDescriptor::CPPTYPE_INT64) {
    reflection.SetInt64(&message, &field, INT64_MIN + field.number());
  } else if (!repeated && field.cpp_type() == FieldDescriptor::CPPTYPE_UINT32) {
    reflection.SetUInt32(&message, &field, UINT32_MAX - field.number());
  } else if (!repeated && field.cpp_type() == FieldDescriptor::CPPTYPE_BOOL) {
    reflection.SetBool(&message, &field, true);
  }
}

void Fill(Message& message, int depth = 0) {
  const google::protobuf::Reflection& reflection = *message.GetReflection();
  for (int i = 0; i < message.GetDescriptor()->field_count(); ++i) {
    const FieldDescriptor& field = *message.GetDescriptor()->field(i);
    if (field.cpp_type() != FieldDescriptor::CPPTYPE_MESSAGE) {
      FillOne(message, field);
    } else if (depth < 2 && !field.is_map()) {
      Fill(field.is_repeated() ? *reflection.AddMessage(&message, &field)
                               : *reflection.MutableMessage(&message, &field),
           depth + 1);
    }
  }
}

template <typename Client, typename Request, typename Response>
ClientMethod Method(const std::string& service, const std::string& name, const std::string& caller,
                    std::unique_ptr<Client> (*make)(runtime::RpcChannel&),
                    absl::StatusOr<Response> (Client::*member)(const runtime::CallContext&,
                                                               const Request&)) {
  return {name, absl::StrCat("/tam.v1.", service, "/", name), caller,
          [make, member](runtime::RpcChannel& channel, const runtime::CallContext& context,
                         size_t padding) -> absl::StatusOr<Outcome> {
            Request request;
            Fill(request);
            if (padding > 0) {
              request.GetReflection()->MutableUnknownFields(&request)->AddLengthDelimited(
                  kPadding, std::string(padding, 'r'));
            }
            absl::StatusOr<Response> response = ((*make(channel)).*member)(context, request);
            if (!response.ok()) return response.status();
            return Outcome{request.SerializeAsString(), EchoOf(*response), NameIn(*response)};
          }};
}

std::vector<ClientMethod> Make() {
  const auto registry = NewRegistrySessionClient;
  const auto catalog = NewCatalogSessionClient;
  const auto signing = NewSigningSessionClient;
  using Registry = RegistrySessionClient;
  using Catalog = CatalogSessionClient;
  using Signing = SigningSessionClient;
  const std::string r = "RegistrySessionService";
  const std::string c = "CatalogSessionService";
  const std::string s = "SigningSessionService";
  const std::string gateway = "gateway";
  return {
      Method(r, "ResolveEndpoint", gateway, registry, &Registry::ResolveEndpoint),
      Method(r, "Lookup", gateway, registry, &Registry::Lookup),
      Method(r, "Accept", gateway, registry, &Registry::Accept),
      Method(r, "Report", gateway, registry, &Registry::Report),
      Method(r, "NoteRefusal", gateway, registry, &Registry::NoteRefusal),
      Method("AttestationSessionService", "Appraise", gateway, NewAttestationSessionClient,
             &AttestationSessionClient::Appraise),
      Method(c, "Resolve", gateway, catalog, &Catalog::Resolve),
      Method(c, "GetEnvelopes", gateway, catalog, &Catalog::GetEnvelopes),
      Method(s, "SignQueryRequest", gateway, signing, &Signing::SignQueryRequest),
      Method(s, "SignUpdate", gateway, signing, &Signing::SignUpdate),
      Method(s, "SignAttestationResult", "attestation", signing, &Signing::SignAttestationResult),
      Method(s, "Decrypt", gateway, signing, &Signing::Decrypt),
      Method(s, "GetChallengeKeys", gateway, signing, &Signing::GetChallengeKeys),
  };
}

}  // namespace

const std::vector<ClientMethod>& ClientMethods() {
  static const auto& methods = *new std::vector<ClientMethod>(Make());
  return methods;
}

}  // namespace tam::clients::testing

#include "crypto/text/text.h"
#include "proto/tam/v1/attestation.pb.h"
#include "tools/tamctl/call.h"
#include "tools/tamctl/component_text.h"
#include "tools/tamctl/key_files.h"
#include "tools/tamctl/nouns/device.h"
#include "tools/tamctl/nouns/nouns.h"
#include "tools/tamctl/output.h"

namespace tam::tamctl {
namespace {

const std::vector<Column>& KeyColumns() {
  static const auto& columns = *new std::vector<Column>{
      {"THUMBPRINT", "thumbprint"}, {"NAME", "name"}, {"CREATED", "create_time"}};
  return columns;
}

const std::vector<Column>& ValueColumns() {
  static const auto& columns = *new std::vector<Column>{{"NAME", "name", Show::kLastSegment},
                                                        {"OEM ID", "device_class.oemid"},
                                                        {"MODEL", "device_class.hwmodel"},
                                                        {"MEASUREMENT", "measurement"},
                                                        {"DIGESTS", "digests"}};
  return columns;
}

const std::vector<Column>& PolicyColumns() {
  static const auto& columns =
      *new std::vector<Column>{{"Result profiles", "result_profiles"},
                               {"Evidence profiles", "evidence_profiles"},
                               {"Other verifiers' keys", "verifier_keys"},
                               {"Result lifetime, s", "result_lifetime_seconds"},
                               {"Etag", "etag"}};
  return columns;
}

// The attestation service knows devices by UUID alone.
absl::StatusOr<std::string> DeviceName(Context& context) {
  const auto device = GetDevice(context, context.arguments()[0]);
  if (!device.ok()) return device.status();
  return device->name();
}

absl::Status KeyImport(Context& context) {
  const auto key = ReadPublicKey(context, context.arguments()[1]);
  if (!key.ok()) return key.status();
  const auto device = DeviceName(context);
  if (!device.ok()) return device.status();
  v1::ImportAttestationKeyRequest request;
  request.set_parent(*device);
  request.mutable_key()->set_cose_key(key->cose_key());
  const auto answer = Call<v1::ImportAttestationKeyResponse>(
      context, "AttestationService/ImportAttestationKey", request);
  return answer.ok() ? PrintOne(context, answer->key(), KeyColumns()) : answer.status();
}

// Of the device that the first argument names, or of the whole tenant.
absl::StatusOr<v1::ListAttestationKeysResponse> ReadKeys(Context& context, bool of_device) {
  v1::ListAttestationKeysRequest request;
  request.set_parent(context.ResourceName("devices", "-"));
  if (of_device) {
    const auto device = DeviceName(context);
    if (!device.ok()) return device.status();
    request.set_parent(*device);
  }
  return CallPages<v1::ListAttestationKeysResponse>(
      context, "AttestationService/ListAttestationKeys", request,
      [](const v1::ListAttestationKeysResponse& all) { return all.keys_size(); });
}

absl::Status KeyList(Context& context) {
  const auto keys = ReadKeys(context, !context.arguments().empty());
  return keys.ok() ? PrintList(context, *keys, "keys", KeyColumns()) : keys.status();
}

absl::Status KeyDelete(Context& context) {
  const auto keys = ReadKeys(context, context.arguments().size() > 1);
  if (!keys.ok()) return keys.status();
  const std::string& wanted = context.arguments().back();
  v1::DeleteAttestationKeyRequest request;
  for (const v1::AttestationKey& key : keys->keys()) {
    if (FieldText(key, {"", "thumbprint"}).rfind(wanted, 0) != 0) continue;
    if (!request.name().empty()) return UsageError("more than one key starts so");
    request.set_name(key.name());
  }
  if (request.name().empty()) return absl::NotFoundError(Concat("no attestation key ", wanted));
  return Call<v1::DeleteAttestationKeyResponse>(context, "AttestationService/DeleteAttestationKey",
                                                request)
      .status();
}

absl::Status ReadDigests(Context& context, v1::ReferenceValue* value) {
  value->clear_digests();
  for (const std::string& text : context.Flags("digest")) {
    const auto digest = ParseHex(text);
    if (!digest.ok() || digest->size() != 32) {
      return UsageError(Concat("--digest: want a SHA-256 of 64 hex digits, got '", text, "'"));
    }
    value->add_digests(*digest);
  }
  return absl::OkStatus();
}

absl::Status ValueCreate(Context& context) {
  v1::CreateReferenceValueRequest request;
  request.set_parent(context.TenantName());
  request.set_reference_value_id(context.arguments()[0]);
  request.set_request_id(context.FlagOr("request-id", ""));
  v1::ReferenceValue& value = *request.mutable_reference_value();
  for (const char* flag : {"oemid", "hwmodel", "measurement"}) {
    const auto given = context.Required(flag);
    if (!given.ok()) return given.status();
  }
  absl::Status status = ApplyClassFlags(context, value.mutable_device_class());
  value.set_measurement(*context.Flag("measurement"));
  if (status.ok()) status = ReadDigests(context, &value);
  if (!status.ok()) return status;
  const auto answer = Call<v1::CreateReferenceValueResponse>(
      context, "AttestationService/CreateReferenceValue", request);
  return answer.ok() ? PrintOne(context, answer->reference_value(), ValueColumns())
                     : answer.status();
}

absl::StatusOr<v1::ReferenceValue> GetValue(Context& context) {
  v1::GetReferenceValueRequest request;
  request.set_name(context.ResourceName("referenceValues", context.arguments()[0]));
  const auto answer =
      Call<v1::GetReferenceValueResponse>(context, "AttestationService/GetReferenceValue", request);
  if (!answer.ok()) return answer.status();
  return answer->reference_value();
}

absl::Status ValueShow(Context& context) {
  const auto value = GetValue(context);
  return value.ok() ? PrintOne(context, *value, ValueColumns()) : value.status();
}

absl::Status ValueUpdate(Context& context) {
  auto value = GetValue(context);
  if (!value.ok()) return value.status();
  const absl::Status status = ReadDigests(context, &*value);
  if (!status.ok()) return status;
  if (context.Has("etag")) value->set_etag(*context.Flag("etag"));
  v1::UpdateReferenceValueRequest request;
  request.set_name(value->name());
  *request.mutable_reference_value() = *value;
  const auto answer = Call<v1::UpdateReferenceValueResponse>(
      context, "AttestationService/UpdateReferenceValue", request);
  return answer.ok() ? PrintOne(context, answer->reference_value(), ValueColumns())
                     : answer.status();
}

absl::Status ValueList(Context& context) {
  v1::ListReferenceValuesRequest request;
  request.set_parent(context.TenantName());
  const auto answer = CallPages<v1::ListReferenceValuesResponse>(
      context, "AttestationService/ListReferenceValues", request,
      [](const v1::ListReferenceValuesResponse& all) { return all.reference_values_size(); });
  return answer.ok() ? PrintList(context, *answer, "reference_values", ValueColumns())
                     : answer.status();
}

absl::Status ValueDelete(Context& context) {
  v1::DeleteReferenceValueRequest request;
  request.set_name(context.ResourceName("referenceValues", context.arguments()[0]));
  request.set_etag(context.FlagOr("etag", ""));
  return Call<v1::DeleteReferenceValueResponse>(context, "AttestationService/DeleteReferenceValue",
                                                request)
      .status();
}

absl::StatusOr<v1::AttestationPolicy> GetPolicy(Context& context) {
  v1::GetAttestationPolicyRequest request;
  request.set_name(Concat(context.TenantName(), "/attestationPolicy"));
  const auto answer = Call<v1::GetAttestationPolicyResponse>(
      context, "AttestationService/GetAttestationPolicy", request);
  if (!answer.ok()) return answer.status();
  return answer->policy();
}

absl::Status PolicyShow(Context& context) {
  const auto policy = GetPolicy(context);
  return policy.ok() ? PrintOne(context, *policy, PolicyColumns()) : policy.status();
}

absl::Status PolicySet(Context& context) {
  auto policy = GetPolicy(context);
  if (!policy.ok()) return policy.status();
  const auto replace = [&](const char* flag, google::protobuf::RepeatedPtrField<std::string>* to) {
    const auto values = context.Flags(flag);
    if (!values.empty()) to->Assign(values.begin(), values.end());
  };
  replace("result-profile", policy->mutable_result_profiles());
  replace("evidence-profile", policy->mutable_evidence_profiles());
  if (context.Has("verifier-key")) policy->clear_verifier_keys();
  for (const std::string& file : context.Flags("verifier-key")) {
    const auto key = ReadPublicKey(context, file);
    if (!key.ok()) return key.status();
    policy->add_verifier_keys(key->cose_key());
  }
  const auto lifetime = context.Number("result-lifetime", policy->result_lifetime_seconds(), 86400);
  if (!lifetime.ok()) return lifetime.status();
  policy->set_result_lifetime_seconds(static_cast<int64_t>(*lifetime));
  if (context.Has("etag")) policy->set_etag(*context.Flag("etag"));
  v1::SetAttestationPolicyRequest request;
  request.set_name(Concat(context.TenantName(), "/attestationPolicy"));
  *request.mutable_policy() = *policy;
  const auto answer = Call<v1::SetAttestationPolicyResponse>(
      context, "AttestationService/SetAttestationPolicy", request);
  return answer.ok() ? PrintOne(context, answer->policy(), PolicyColumns()) : answer.status();
}

Command Make(std::string_view verb, std::string_view arguments, size_t count,
             std::string_view summary, std::vector<Flag> flags, std::string_view example,
             absl::Status (*run)(Context&)) {
  return {.noun = "attestation",
          .verb = verb,
          .arguments = arguments,
          .min_arguments = count,
          .max_arguments = count,
          .summary = summary,
          .flags = std::move(flags),
          .example = example,
          .run = run};
}

Command WithOptionalFirst(Command command) {
  --command.min_arguments;
  return command;
}

}  // namespace

std::vector<Command> AttestationCommands() {
  constexpr Flag kDigest{"digest", "HEX", "SHA-256 that is accepted; repeat for more"};
  return {
      Make("key import", "DEVICE FILE", 2, "register the key that signs a device's evidence", {},
           "tamctl attestation key import meter-1 attester.pem", KeyImport),
      WithOptionalFirst(Make("key list", "[DEVICE]", 1,
                             "list a device's attestation keys, or all of the tenant's",
                             {kLimitFlag}, "tamctl attestation key list meter-1", KeyList)),
      WithOptionalFirst(Make("key delete", "[DEVICE] THUMBPRINT", 2,
                             "refuse evidence signed by a key from now on", {kLimitFlag},
                             "tamctl attestation key delete meter-1 a75105003cc24619", KeyDelete)),
      Make(
          "refvalue create", "NAME", 1, "say which digests a measurement may have",
          {{"oemid", "HEX", "hardware vendor of the devices it holds for"},
           {"hwmodel", "HEX|TEXT", "hardware model"},
           {"measurement", "NAME", "as evidence names it"},
           kDigest,
           kRequestIdFlag},
          "tamctl attestation refvalue create boot --oemid 894823 --hwmodel 549dcecc --measurement "
          "boot --digest 8cf71ac86af31be184ec7a05a411a8c3a14fd9b77a30d046397481469468ece8",
          ValueCreate),
      Make("refvalue list", "", 0, "list a tenant's reference values", {kLimitFlag},
           "tamctl attestation refvalue list", ValueList),
      Make("refvalue show", "NAME", 1, "show a reference value", {},
           "tamctl attestation refvalue show boot", ValueShow),
      Make("refvalue update", "NAME", 1, "replace the digests that are accepted",
           {kDigest, kEtagFlag},
           "tamctl attestation refvalue update boot --digest "
           "8cf71ac86af31be184ec7a05a411a8c3a14fd9b77a30d046397481469468ece8",
           ValueUpdate),
      Make("refvalue delete", "NAME", 1, "delete a reference value", {kEtagFlag},
           "tamctl attestation refvalue delete boot", ValueDelete),
      Make("policy show", "", 0, "show how a tenant's evidence is judged", {},
           "tamctl attestation policy show", PolicyShow),
      Make("policy set", "", 0, "change how evidence is judged; what has no flag stays",
           {{"result-profile", "URI", "EAT profile of Attestation Results; repeat for more"},
            {"evidence-profile", "URI", "EAT profile of evidence; repeat for more"},
            {"verifier-key", "FILE", "public key of another verifier; repeat for more"},
            {"result-lifetime", "SECONDS", "60 to 86400"},
            kEtagFlag},
           "tamctl attestation policy set --result-lifetime 1800", PolicySet)};
}

}  // namespace tam::tamctl

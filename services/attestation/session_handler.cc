#include "services/attestation/session_handler.h"

#include <algorithm>
#include <optional>
#include <string>
#include <utility>

#include "crypto/cbor/cbor.h"
#include "crypto/text/text.h"
#include "services/attestation/reasons.h"

namespace tam::attestation {
namespace {

absl::Status CheckSize(std::string_view field, size_t size, size_t min, size_t max) {
  if (size >= min && size <= max) return absl::OkStatus();
  return absl::InvalidArgumentError(Concat(field, ": want ", min, "..", max, " bytes, got ", size));
}

absl::Status CheckRequest(const v1::AppraiseRequest& request) {
  const bool by_time = request.challenge().empty() && !request.timestamp_audience().empty();
  if (by_time) {
    auto s = CheckSize("timestamp_audience", request.timestamp_audience().size(), 1, 512);
    if (!s.ok()) return s;
  } else if (auto s = CheckSize("challenge", request.challenge().size(), 8, 64); !s.ok()) {
    return s;
  }
  if (!by_time && !request.timestamp_audience().empty()) {
    return absl::InvalidArgumentError("timestamp_audience: want none beside a challenge");
  }
  return CheckSize("agent_thumbprint", request.agent_thumbprint().size(), 32, 32);
}

storage::Bytes ToBytes(std::string_view text) { return storage::Bytes(text.begin(), text.end()); }

// The class to look reference values up by: the one that is known, else the one that the payload
// claims, which the verifier checks afterwards.
storage::DeviceClass LookupClass(const v1::AppraiseRequest& request) {
  const v1::DeviceClass& known = request.device_class();
  ClassId id{known.oemid(), known.hwmodel()};
  if (id.oemid.empty() || id.hwmodel.empty()) {
    auto claimed = ClaimedClass(cbor::AsBytes(request.payload()));
    if (claimed.ok()) id = *std::move(claimed);
  }
  return {ToBytes(id.oemid), ToBytes(id.hwmodel)};
}

Expectations ExpectationsOf(const v1::AppraiseRequest& request, absl::Time at) {
  Expectations expected;
  expected.challenge = request.challenge();
  expected.audience = request.timestamp_audience();
  std::copy(request.agent_thumbprint().begin(), request.agent_thumbprint().end(),
            expected.agent.begin());
  expected.ueid = request.ueid();
  expected.device_class = {request.device_class().oemid(), request.device_class().hwmodel()};
  expected.at = at;
  return expected;
}

void SetSummary(const Appraisal& appraisal, v1::ClaimsSummary& summary) {
  constexpr size_t kMaxText = 512;
  const eat::Claims& claims = *appraisal.claims;
  const ClassId id = ClassOf(claims);
  summary.set_ueid(*claims.ueid);
  summary.mutable_device_class()->set_oemid(id.oemid);
  summary.mutable_device_class()->set_hwmodel(id.hwmodel);
  summary.set_hwversion(claims.hwversion.value_or(""));
  std::string text = Concat(TierName(appraisal.trust.Status()), ": ", appraisal.trust.ToString(),
                            " ueid=", HexText(*claims.ueid), " oemid=", HexText(id.oemid),
                            " hwmodel=", HexText(id.hwmodel));
  if (claims.dbgstat.has_value()) Append(&text, " dbgstat=", *claims.dbgstat);
  if (text.size() > kMaxText) text.resize(kMaxText);  // ASCII
  summary.set_text(text);
}

// The encoded value of one claim, taken from the claims as they would be written alone.
std::string EncodedClaim(int64_t label, const eat::Claims& only) {
  const std::string encoded = eat::EncodeClaims(only);
  auto document = cbor::Document::Parse(cbor::AsBytes(encoded));
  if (!document.ok()) return "";
  const auto value = document->root().Find(label);
  return value.has_value() ? cbor::AsString(value->encoded()) : "";
}

}  // namespace

absl::Status SessionHandler::AddResult(const runtime::CallContext& context,
                                       const v1::AppraiseRequest& request, const Inputs& inputs,
                                       const Appraisal& appraisal, v1::AppraiseResponse& response) {
  constexpr int64_t kHwversion = 260, kManifests = 272, kMeasurements = 273;
  const eat::Claims& claims = *appraisal.claims;
  const std::string& profile = inputs.results.profiles.front();
  v1::SignAttestationResultRequest result;
  result.set_tenant_uid(request.tenant_uid());
  result.set_nonce(request.challenge());
  result.set_agent_thumbprint(request.agent_thumbprint());
  result.set_ueid(*claims.ueid);
  *result.mutable_device_class() = response.claims().device_class();
  eat::Claims version;
  version.hwversion = claims.hwversion;
  version.hwversion_scheme = claims.hwversion_scheme;
  result.set_hwversion(EncodedClaim(kHwversion, version));
  eat::Claims manifests;
  manifests.manifests = claims.manifests;
  result.set_manifests(EncodedClaim(kManifests, manifests));
  eat::Claims measurements;
  measurements.measurements = claims.measurements;
  result.set_measurements(EncodedClaim(kMeasurements, measurements));
  result.set_profile(profile);
  result.set_lifetime_seconds(absl::ToInt64Seconds(inputs.result_lifetime));
  auto signed_result = signing_.SignAttestationResult(context, result);
  if (!signed_result.ok()) return signed_result.status();
  response.set_attestation_result(std::move(*signed_result->mutable_message()));
  response.set_attestation_result_format(
      eat::FormatMediaType({"application", "eat+cwt", {{"eat_profile", profile}}}));
  return absl::OkStatus();
}

absl::StatusOr<v1::AppraiseResponse> SessionHandler::Appraise(const runtime::CallContext& context,
                                                              const v1::AppraiseRequest& request) {
  auto tenant = storage::TenantId::FromBytes(cbor::AsBytes(request.tenant_uid()));
  if (!tenant.ok()) return tenant.status();
  auto device = storage::DeviceId::FromBytes(cbor::AsBytes(request.device_uid()));
  if (!device.ok()) return device.status();
  if (auto s = CheckRequest(request); !s.ok()) return s;
  const storage::CallDeadline deadline{context.deadline};
  auto inputs = inputs_.Get(*tenant, *device, LookupClass(request), deadline);
  if (!inputs.ok()) return inputs.status();
  auto now = time_.Now(deadline);
  if (!now.ok()) return now.status();

  std::optional<std::string> format;
  if (!request.payload_format().empty()) format = request.payload_format();
  const Expectations expected = ExpectationsOf(request, *now);
  const eat::Bytes payload = cbor::AsBytes(request.payload());
  v1::AppraiseResponse response;
  response.set_was_result(eat::ClassifyPayload(format, (*inputs)->results.profiles) ==
                          eat::PayloadKind::kAttestationResult);
  const Appraisal appraisal =
      response.was_result() ? AppraiseResult(format, payload, (*inputs)->results, expected)
                            : AppraiseEvidence(*format, payload, (*inputs)->evidence, expected);
  if (!appraisal.accepted()) {
    response.set_verdict(v1::VERDICT_REFUSED);
    AddReasons(appraisal.findings, response);
    return response;
  }
  response.set_verdict(v1::VERDICT_ACCEPTED);
  SetSummary(appraisal, *response.mutable_claims());
  if (!response.was_result()) {
    if (auto s = AddResult(context, request, **inputs, appraisal, response); !s.ok()) return s;
  }
  return response;
}

runtime::ServiceBinding SessionHandler::Binding() {
  runtime::ServiceBinding binding("tam.v1.AttestationSessionService");
  binding.Add("Appraise", *this, &SessionHandler::Appraise);
  return binding;
}

}  // namespace tam::attestation

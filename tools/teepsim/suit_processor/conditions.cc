#include "absl/strings/escaping.h"
#include "crypto/text/text.h"
#include "teep/suit/commands.h"
#include "tools/teepsim/suit_processor/interpreter.h"

namespace tam::teepsim {
namespace {

namespace command = suit::command;
namespace parameter = suit::parameter;
using suit::ReportReason;

std::string ShortHex(std::string_view bytes) {
  return absl::BytesToHexString(AbslView(bytes.substr(0, 8)));
}

}  // namespace

Interpreter::Result Interpreter::Condition(int64_t code, uint64_t component) {
  if (code == command::kAbort) {
    return {.reason = ReportReason::kConditionFailed, .problem = "aborted", .soft = true};
  }
  if (code == command::kIsDependency && IsComponent(component)) {
    return {.reason = ReportReason::kConditionFailed, .problem = "is no dependency", .soft = true};
  }
  if (!IsComponent(component)) {
    return {.reason = ReportReason::kComponentUnsupported,
            .problem = "dependencies are not supported"};
  }
  switch (code) {
    case command::kVendorIdentifier:
      return CompareId(component, parameter::kVendorId, identity_.vendor_id);
    case command::kClassIdentifier:
      return CompareId(component, parameter::kClassId, identity_.class_id);
    case command::kDeviceIdentifier:
      return CompareId(component, parameter::kDeviceId, identity_.device_id);
    case command::kImageMatch:
      return MatchImage(component);
    case command::kComponentSlot:
      return MatchSlot(component);
    case command::kCheckContent:
      return CheckContent(component);
    default:
      return {.reason = ReportReason::kCommandUnsupported, .problem = "not supported"};
  }
}

Interpreter::Result Interpreter::CompareId(uint64_t component, int64_t label,
                                           std::string_view own) const {
  cbor::Writer observed;
  observed.ByteString(own);
  Result result{.observed = {{label, observed.bytes()}}};
  const auto want = BytesParameter(component, label);
  if (want == own) return result;
  result.reason = ReportReason::kConditionFailed;
  result.soft = true;
  result.problem = want.has_value() ? Concat("want ", ShortHex(*want), "..., this device is ",
                                             ShortHex(own), "...")
                                    : Concat("the manifest sets no ", suit::ParameterName(label));
  return result;
}

// Over the bytes that are really stored.
Interpreter::Result Interpreter::MatchImage(uint64_t component) const {
  Result result{.reason = ReportReason::kConditionFailed, .problem = "", .soft = true};
  const auto encoded = BytesParameter(component, parameter::kImageDigest);
  if (!encoded.has_value()) {
    result.problem = "the manifest sets no image-digest";
    return result;
  }
  const auto digest = suit::ParseDigest(cbor::AsBytes(*encoded), "image-digest");
  if (!digest.ok() || digest->algorithm != suit::kSha256) {
    result.reason = ReportReason::kAlgorithmUnsupported;
    result.problem = "want digest algorithm -16 (SHA-256)";
    result.soft = false;
    return result;
  }
  const auto bytes = Read(manifest_.components[component]);
  if (bytes == nullptr) {
    result.problem = "there is no such component";
    return result;
  }
  result.observed = ImageParameters(*bytes);
  cbor::Writer want;
  want.ByteString(*encoded);
  if (result.observed.at(parameter::kImageDigest) != want.bytes()) {
    result.problem = Concat("want digest ", ShortHex(digest->bytes), "..., stored is another");
    return result;
  }
  const auto size = UintParameter(component, parameter::kImageSize);
  if (size.has_value() && *size != bytes->size()) {
    result.problem = Concat("want ", *size, " bytes, stored are ", bytes->size());
    return result;
  }
  return {.observed = std::move(result.observed)};
}

Interpreter::Result Interpreter::MatchSlot(uint64_t component) const {
  cbor::Writer observed;
  observed.Uint(identity_.slot);
  Result result{.observed = {{parameter::kComponentSlot, observed.bytes()}}};
  const auto want = UintParameter(component, parameter::kComponentSlot);
  if (want == identity_.slot) return result;
  result.reason = ReportReason::kConditionFailed;
  result.soft = true;
  result.problem = want.has_value() ? Concat("want slot ", *want, ", have ", identity_.slot)
                                    : "the manifest sets no component-slot";
  return result;
}

Interpreter::Result Interpreter::CheckContent(uint64_t component) const {
  const auto want = BytesParameter(component, parameter::kContent);
  const auto bytes = Read(manifest_.components[component]);
  if (want.has_value() && bytes != nullptr && *want == *bytes) {
    return {.observed = ImageParameters(*bytes)};
  }
  return {.reason = ReportReason::kConditionFailed,
          .problem = want.has_value() ? "stored content differs" : "the manifest sets no content",
          .soft = true};
}

}  // namespace tam::teepsim

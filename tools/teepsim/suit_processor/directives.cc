#include <algorithm>

#include "crypto/text/text.h"
#include "teep/suit/commands.h"
#include "tools/teepsim/suit_processor/interpreter.h"

namespace tam::teepsim {
namespace {

namespace command = suit::command;
namespace parameter = suit::parameter;
using suit::ReportReason;

}  // namespace

Interpreter::Result Interpreter::Directive(int64_t code, uint64_t component) {
  if (code == command::kProcessDependency) {
    return {.reason = ReportReason::kCommandUnsupported,
            .problem = "dependencies are not supported"};
  }
  if (!IsComponent(component)) {
    return {.reason = ReportReason::kComponentUnsupported,
            .problem = "dependencies are not supported"};
  }
  switch (code) {
    case command::kWrite:
      return Write(component);
    case command::kFetch:
      return Fetch(component);
    case command::kCopy:
      return Copy(component);
    case command::kSwap:
      return Swap(component);
    case command::kUnlink:
      return Unlink(component);
    case command::kInvoke:
      invoked_.push_back(manifest_.components[component]);
      return {};
    default:
      return {.reason = ReportReason::kCommandUnsupported, .problem = "not supported"};
  }
}

// A component belongs to the manifest that installed it, for as long as that is installed.
Interpreter::Result Interpreter::CheckWritable(uint64_t component) const {
  const suit::ComponentId& id = manifest_.components[component];
  if (std::find(identity_.reserved.begin(), identity_.reserved.end(), id) !=
      identity_.reserved.end()) {
    return {.reason = ReportReason::kComponentUnauthorised, .problem = "belongs to the device"};
  }
  const auto owner = holdings_.OwnerOf(id);
  if (!owner.has_value() || *owner == manifest_id_) return {};
  if (!holdings_.FindManifest(*owner).has_value()) return {};
  return {.reason = ReportReason::kComponentUnauthorised,
          .problem = Concat("belongs to ", suit::ComponentIdText(*owner))};
}

Interpreter::Result Interpreter::Store(uint64_t component,
                                       std::shared_ptr<const std::string> bytes) {
  Result result = CheckWritable(component);
  if (result.reason != ReportReason::kOk) return result;
  if (bytes != nullptr) result.observed = ImageParameters(*bytes);
  state_.changes.insert_or_assign(manifest_.components[component], std::move(bytes));
  return result;
}

std::optional<Interpreter::Result> Interpreter::RefuseEncryption(uint64_t component) const {
  if (Parameter(component, parameter::kEncryptionInfo) == nullptr) return std::nullopt;
  return Result{.reason = ReportReason::kParameterUnsupported,
                .problem = "encrypted payloads are not supported"};
}

Interpreter::Result Interpreter::Write(uint64_t component) {
  if (auto refused = RefuseEncryption(component)) return *std::move(refused);
  auto content = BytesParameter(component, parameter::kContent);
  if (!content.has_value()) {
    return {.reason = ReportReason::kOperationFailed, .problem = "the manifest sets no content"};
  }
  return Store(component, std::make_shared<const std::string>(*std::move(content)));
}

Interpreter::Result Interpreter::Fetch(uint64_t component) {
  if (auto refused = RefuseEncryption(component)) return *std::move(refused);
  const auto uri = BytesParameter(component, parameter::kUri);
  if (!uri.has_value()) {
    return {.reason = ReportReason::kOperationFailed, .problem = "the manifest sets no uri"};
  }
  const auto integrated = envelope_.integrated_payloads().find(*uri);
  if (integrated != envelope_.integrated_payloads().end()) {
    return Store(component, std::make_shared<const std::string>(integrated->second));
  }
  const auto own = identity_.binaries.find(manifest_.components[component]);
  if (uri->starts_with('#') && own != identity_.binaries.end()) {
    return Store(component, std::make_shared<const std::string>(own->second));
  }
  const uint64_t want = UintParameter(component, parameter::kImageSize).value_or(kMaxImageBytes);
  const size_t left = kMaxImageBytes - fetched_bytes_;
  auto payload =
      want > left ? absl::ResourceExhaustedError(Concat("want at most ", kMaxImageBytes, " bytes"))
                  : payloads_.Fetch(*uri, want);
  if (!payload.ok()) {
    return {.reason = ReportReason::kOperationFailed,
            .problem = Concat(*uri, ": ", StdView(payload.status().message())),
            .soft = true};
  }
  fetched_bytes_ += payload->size();
  return Store(component, std::make_shared<const std::string>(*std::move(payload)));
}

absl::StatusOr<uint64_t> Interpreter::SourceOf(uint64_t component) const {
  const auto source = UintParameter(component, parameter::kSourceComponent);
  if (!source.has_value()) {
    return absl::FailedPreconditionError("the manifest sets no source-component");
  }
  if (!IsComponent(*source)) {
    return absl::FailedPreconditionError(Concat("source-component ", *source, " is none"));
  }
  if (Read(manifest_.components[*source]) == nullptr) {
    return absl::FailedPreconditionError(Concat("source-component ", *source, " is not there"));
  }
  return *source;
}

Interpreter::Result Interpreter::Copy(uint64_t component) {
  if (auto refused = RefuseEncryption(component)) return *std::move(refused);
  const auto source = SourceOf(component);
  if (!source.ok()) {
    return {.reason = ReportReason::kOperationFailed,
            .problem = std::string(StdView(source.status().message()))};
  }
  return Store(component, Read(manifest_.components[*source]));
}

Interpreter::Result Interpreter::Swap(uint64_t component) {
  const auto source = SourceOf(component);
  if (!source.ok()) {
    return {.reason = ReportReason::kOperationFailed,
            .problem = std::string(StdView(source.status().message()))};
  }
  const auto mine = Read(manifest_.components[component]);
  const auto other = Read(manifest_.components[*source]);
  Result result = Store(*source, mine);
  return result.reason == ReportReason::kOk ? Store(component, other) : result;
}

// Components have one owner here, so that the count of links reaches zero at once.
Interpreter::Result Interpreter::Unlink(uint64_t component) { return Store(component, nullptr); }

}  // namespace tam::teepsim

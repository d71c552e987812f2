#include "tools/tamctl/inspect/shapes.h"

namespace tam::inspect::shapes {
namespace {

// `digest` in a byte string.
const Shape& WrappedDigest(const cbor::Item&) {
  static const auto& shape = *new Shape{.content = SuitDigest};
  return shape;
}

const Shape& Algorithm(const cbor::Item&) {
  static const auto& shape = *new Shape{.number_name = AlgorithmName};
  return shape;
}

const Shape& Commands(const cbor::Item&) {
  static const auto& shape = *new Shape{.style = Shape::Style::kCommands};
  return shape;
}

const Shape& WrappedCose(const cbor::Item&) {
  static const auto& shape = *new Shape{.content = Cose};
  return shape;
}

const Shape& Authentication(const cbor::Item&) {
  static const auto& shape = *new Shape{.elements = {{"digest", WrappedDigest}},
                                        .rest = {"authentication-block", WrappedCose}};
  return shape;
}

const Shape& WrappedAuthentication(const cbor::Item&) {
  static const auto& shape = *new Shape{.content = Authentication};
  return shape;
}

const Shape& WrappedManifest(const cbor::Item&) {
  static const auto& shape = *new Shape{.content = Manifest};
  return shape;
}

// A severable member: the sequence in a byte string, or its digest as an array.
const Shape& Sequence(const cbor::Item& item) {
  static const auto& inside = *new Shape{.content = Commands};
  return item.is_array() ? SuitDigest(item) : inside;
}

const Shape& ComponentTextShape() {
  static const auto& shape = *new Shape{.members = {{1, "vendor-name", Plain},
                                                    {2, "model-name", Plain},
                                                    {3, "vendor-domain", Plain},
                                                    {4, "model-info", Plain},
                                                    {5, "component-description", Plain},
                                                    {6, "component-version", Plain},
                                                    {7, "version-required", Plain}}};
  return shape;
}

const Shape& ComponentTexts(const cbor::Item&) { return ComponentTextShape(); }

// In one language.
const Shape& TextShape() {
  static const auto& shape = *new Shape{.members = {{1, "manifest-description", Plain},
                                                    {2, "update-description", Plain},
                                                    {3, "manifest-json-source", Plain},
                                                    {4, "manifest-yaml-source", Plain}},
                                        .array_members = ComponentTexts};
  return shape;
}

const Shape& Texts(const cbor::Item&) { return TextShape(); }

const Shape& TextMap(const cbor::Item&) {
  static const auto& shape = *new Shape{.text_members = Texts};
  return shape;
}

const Shape& Text(const cbor::Item& item) {
  static const auto& inside = *new Shape{.content = TextMap};
  return item.is_array() ? SuitDigest(item) : inside;
}

const Shape& ComponentIds(const cbor::Item&) {
  static const auto& shape = *new Shape{.rest = {"", ComponentId}};
  return shape;
}

const Shape& DependencyMetadata(const cbor::Item&) {
  static const auto& shape = *new Shape{.members = {{1, "prefix", ComponentId}}};
  return shape;
}

const Shape& Dependencies(const cbor::Item&) {
  static const auto& shape = *new Shape{.other_members = DependencyMetadata};
  return shape;
}

const Shape& CommonShape() {
  static const auto& shape = *new Shape{.members = {{1, "dependencies", Dependencies},
                                                    {2, "components", ComponentIds},
                                                    {4, "shared-sequence", Sequence}}};
  return shape;
}

const Shape& Common(const cbor::Item&) { return CommonShape(); }

const Shape& WrappedCommon(const cbor::Item&) {
  static const auto& shape = *new Shape{.content = Common};
  return shape;
}

const Shape& ManifestShape() {
  static const auto& shape = *new Shape{.members = {{1, "manifest-version", Plain},
                                                    {2, "manifest-sequence-number", Plain},
                                                    {3, "common", WrappedCommon},
                                                    {4, "reference-uri", Plain},
                                                    {5, "manifest-component-id", ComponentId},
                                                    {6, "set-version", Plain},
                                                    {7, "validate", Sequence},
                                                    {8, "load", Sequence},
                                                    {9, "invoke", Sequence},
                                                    {14, "coswid", Plain},
                                                    {15, "dependency-resolution", Sequence},
                                                    {16, "payload-fetch", Sequence},
                                                    {18, "candidate-verification", Sequence},
                                                    {20, "install", Sequence},
                                                    {23, "text", Text},
                                                    {24, "uninstall", Sequence}}};
  return shape;
}

const Shape& ReportReference(const cbor::Item&) {
  static const auto& shape = *new Shape{.elements = {{"uri", Plain}, {"digest", SuitDigest}}};
  return shape;
}

std::string SectionName(int64_t key) {
  const Member* member = ManifestShape().FindMember(key);
  return member == nullptr ? "" : std::string(member->name);
}

const Shape& Section(const cbor::Item&) {
  static const auto& shape = *new Shape{.number_name = SectionName};
  return shape;
}

std::string ReasonName(int64_t reason) {
  static constexpr std::string_view kNames[] = {"ok",
                                                "cbor-parse",
                                                "cose-unsupported",
                                                "algorithm-unsupported",
                                                "unauthorised",
                                                "command-unsupported",
                                                "component-unsupported",
                                                "component-unauthorised",
                                                "parameter-unsupported",
                                                "severing-unsupported",
                                                "condition-failed",
                                                "operation-failed",
                                                "invoke-pending"};
  return reason >= 0 && reason < 13 ? std::string(kNames[reason]) : "";
}

const Shape& Reason(const cbor::Item&) {
  static const auto& shape = *new Shape{.number_name = ReasonName};
  return shape;
}

const Shape& Parameters(const cbor::Item&);

const Shape& Seconds(const cbor::Item&) {
  static const auto& shape = *new Shape{.style = Shape::Style::kTime};
  return shape;
}

// draft-ietf-suit-update-management.
const Shape& WaitEvents(const cbor::Item&) {
  static const auto& shape = *new Shape{.members = {{1, "authorization", Plain},
                                                    {2, "power", Plain},
                                                    {3, "network", Plain},
                                                    {4, "other-device-version", Plain},
                                                    {5, "time", Seconds},
                                                    {6, "time-of-day", Plain},
                                                    {7, "day-of-week", Plain}}};
  return shape;
}

const Shape& WaitInfo(const cbor::Item&) {
  static const auto& shape = *new Shape{.content = WaitEvents};
  return shape;
}

// A SUIT_Record is an array; system-property-claims are a map.
const Shape& Record(const cbor::Item& item) {
  static const auto& record = *new Shape{.elements = {{"manifest-id", Plain},
                                                      {"section", Section},
                                                      {"offset", Plain},
                                                      {"component-index", Plain},
                                                      {"properties", Parameters}}};
  return item.is_map() ? Parameters(item) : record;
}

const Shape& Records(const cbor::Item&) {
  static const auto& shape = *new Shape{.rest = {"", Record}};
  return shape;
}

const Shape& Result(const cbor::Item&) {
  static const auto& shape =
      *new Shape{.members = {{5, "code", Plain}, {6, "record", Record}, {7, "reason", Reason}}};
  return shape;
}

const Shape& ParameterShape() {
  static const auto& shape = *new Shape{.members = {{0, "system-component-id", ComponentId},
                                                    {1, "vendor-identifier", Plain},
                                                    {2, "class-identifier", Plain},
                                                    {3, "image-digest", WrappedDigest},
                                                    {4, "use-before", Seconds},
                                                    {5, "component-slot", Plain},
                                                    {12, "strict-order", Plain},
                                                    {13, "soft-failure", Plain},
                                                    {14, "image-size", Plain},
                                                    {18, "content", Plain},
                                                    {19, "encryption-info", WrappedCose},
                                                    {21, "uri", Plain},
                                                    {22, "source-component", Plain},
                                                    {23, "invoke-args", Plain},
                                                    {24, "device-identifier", Plain},
                                                    {25, "fetch-arguments", Plain},
                                                    {26, "minimum-battery", Plain},
                                                    {27, "update-priority", Plain},
                                                    {28, "version", Plain},
                                                    {29, "wait-info", WaitInfo},
                                                    {30, "component-metadata", Plain}}};
  return shape;
}

const Shape& Parameters(const cbor::Item&) { return ParameterShape(); }

const Shape& EnvelopeShape() {
  static const auto& shape =
      *new Shape{.members = {{2, "authentication-wrapper", WrappedAuthentication},
                             {3, "manifest", WrappedManifest},
                             {15, "dependency-resolution", Sequence},
                             {16, "payload-fetch", Sequence},
                             {18, "candidate-verification", Sequence},
                             {20, "install", Sequence},
                             {23, "text", Text}},
                 .text_members = Opaque};
  return shape;
}

template <const Shape& (*Fields)()>
std::string FieldName(int64_t label) {
  const Member* member = Fields().FindMember(label);
  return member == nullptr ? "" : std::string(member->name);
}

// A list of labels of `Fields`, which the device can do.
template <const Shape& (*Fields)()>
const Shape& LabelsOf(const cbor::Item&) {
  static const auto& label = *new Shape{.number_name = FieldName<Fields>};
  static const auto& shape =
      *new Shape{.rest = {"", [](const cbor::Item&) -> const Shape& { return label; }}};
  return shape;
}

const Shape& Algorithms(const cbor::Item&) {
  static const auto& shape = *new Shape{.rest = {"", Algorithm}};
  return shape;
}

const Shape& CapabilityReport(const cbor::Item&) {
  static const auto& shape =
      *new Shape{.members = {{1, "components", ComponentIds},
                             {2, "commands", LabelsOf<CommandArguments>},
                             {3, "parameters", LabelsOf<ParameterShape>},
                             {4, "algorithms", Algorithms},
                             {5, "envelope", LabelsOf<EnvelopeShape>},
                             {6, "manifest", LabelsOf<ManifestShape>},
                             {7, "common", LabelsOf<CommonShape>},
                             {8, "text", LabelsOf<TextShape>},
                             {9, "component-text", LabelsOf<ComponentTextShape>},
                             {10, "dependency", Plain}}};
  return shape;
}

const Shape& TryEach(const cbor::Item&) {
  static const auto& shape = *new Shape{.rest = {"", Sequence}};
  return shape;
}

}  // namespace

const Shape& Plain(const cbor::Item&) {
  static const auto& shape = *new Shape{};
  return shape;
}

const Shape& SuitDigest(const cbor::Item&) {
  static const auto& shape = *new Shape{.elements = {{"algorithm", Algorithm}, {"digest", Plain}}};
  return shape;
}

const Shape& ComponentId(const cbor::Item&) {
  static const auto& shape = *new Shape{.style = Shape::Style::kComponentId};
  return shape;
}

const Shape& CommandArguments() {
  static const auto& shape =
      *new Shape{.members = {{1, "condition-vendor-identifier", Plain},
                             {2, "condition-class-identifier", Plain},
                             {3, "condition-image-match", Plain},
                             {4, "condition-use-before", Plain},
                             {5, "condition-component-slot", Plain},
                             {6, "condition-check-content", Plain},
                             {7, "condition-dependency-integrity", Plain},
                             {8, "condition-is-dependency", Plain},
                             {11, "directive-process-dependency", Plain},
                             {12, "directive-set-component-index", Plain},
                             {14, "condition-abort", Plain},
                             {15, "directive-try-each", TryEach},
                             {18, "directive-write", Plain},
                             {19, "directive-set-parameters", Parameters},
                             {20, "directive-override-parameters", Parameters},
                             {21, "directive-fetch", Plain},
                             {22, "directive-copy", Plain},
                             {23, "directive-invoke", Plain},
                             {24, "condition-device-identifier", Plain},
                             {25, "condition-image-not-match", Plain},
                             {26, "condition-minimum-battery", Plain},
                             {27, "condition-update-authorized", Plain},
                             {28, "condition-version", Plain},
                             {29, "directive-wait", Plain},
                             {31, "directive-swap", Plain},
                             {32, "directive-run-sequence", Sequence},
                             {33, "directive-unlink", Plain},
                             {34, "directive-override-multiple", Plain},
                             {35, "directive-copy-params", Plain}}};
  return shape;
}

const Shape& Manifest(const cbor::Item&) { return ManifestShape(); }

const Shape& Envelope(const cbor::Item&) { return EnvelopeShape(); }

const Shape& SuitReport(const cbor::Item&) {
  static const auto& shape = *new Shape{.members = {{2, "nonce", Plain},
                                                    {3, "records", Records},
                                                    {4, "result", Result},
                                                    {8, "capability-report", CapabilityReport},
                                                    {99, "reference", ReportReference}}};
  return shape;
}

}  // namespace tam::inspect::shapes

#include <cstdint>
#include <string>

#include "crypto/text/text.h"
#include "teep/message/message.h"
#include "tools/tamctl/inspect/shapes.h"

namespace tam::inspect::shapes {
namespace {

std::string RequestedItems(int64_t bits) {
  static constexpr std::string_view kNames[] = {"attestation", "trusted-components", "extensions",
                                                "suit-reports"};
  std::string text;
  for (size_t i = 0; i < 4; ++i) {
    if ((bits >> i) & 1) Append(&text, text.empty() ? "" : ", ", kNames[i]);
  }
  return text;
}

std::string FreshnessName(int64_t mechanism) {
  return mechanism == 0 ? "nonce" : mechanism == 1 ? "timestamp" : "";
}

const Shape& Number(const cbor::Item&) {
  static const auto& shape = *new Shape{.number_name = AlgorithmName};
  return shape;
}

const Shape& CipherOperation(const cbor::Item&) {
  static const auto& shape = *new Shape{.elements = {{"cose-type", Plain}, {"algorithm", Number}}};
  return shape;
}

const Shape& CipherSuite(const cbor::Item&) {
  static const auto& shape = *new Shape{.rest = {"", CipherOperation}};
  return shape;
}

const Shape& CipherSuites(const cbor::Item&) {
  static const auto& shape = *new Shape{.rest = {"", CipherSuite}};
  return shape;
}

const Shape& Profile(const cbor::Item&) {
  static const auto& shape = *new Shape{.elements = {{"digest", Number},
                                                     {"authentication", Number},
                                                     {"key-exchange", Number},
                                                     {"encryption", Number}}};
  return shape;
}

const Shape& Profiles(const cbor::Item&) {
  static const auto& shape = *new Shape{.rest = {"", Profile}};
  return shape;
}

const Shape& Freshness(const cbor::Item&) {
  static const auto& shape = *new Shape{.number_name = FreshnessName};
  return shape;
}

const Shape& FreshnessList(const cbor::Item&) {
  static const auto& shape = *new Shape{.rest = {"", Freshness}};
  return shape;
}

const Shape& ComponentIds(const cbor::Item&) {
  static const auto& shape = *new Shape{.rest = {"", ComponentId}};
  return shape;
}

const Shape& RequestedTc(const cbor::Item&) {
  static const auto& shape = *new Shape{.members = {{15, "component-id", ComponentId},
                                                    {16, "tc-manifest-sequence-number", Plain},
                                                    {17, "have-binary", Plain}}};
  return shape;
}

const Shape& RequestedTcs(const cbor::Item&) {
  static const auto& shape = *new Shape{.rest = {"", RequestedTc}};
  return shape;
}

const Shape& OpaqueList(const cbor::Item&) {
  static const auto& shape = *new Shape{.rest = {"", Opaque}};
  return shape;
}

const Shape& ErrCode(const cbor::Item&) {
  static const auto& shape = *new Shape{.number_name = ErrorCodeText};
  return shape;
}

const Shape& DataItems(const cbor::Item&) {
  static const auto& shape = *new Shape{.number_name = RequestedItems};
  return shape;
}

const Shape& Type(const cbor::Item&) {
  static const auto& shape = *new Shape{.number_name = MessageTypeText};
  return shape;
}

const Shape& SystemProperties(const cbor::Item& item);

const Shape& TcList(const cbor::Item&) {
  static const auto& shape = *new Shape{.rest = {"", SystemProperties}};
  return shape;
}

const Shape& SystemProperties(const cbor::Item&) {
  static const auto& shape = *new Shape{.members = {{0, "system-component-id", ComponentId},
                                                    {1, "vendor-identifier", Plain},
                                                    {2, "class-identifier", Plain},
                                                    {3, "image-digest", OpaqueCbor},
                                                    {14, "image-size", Plain}}};
  return shape;
}

const Shape& Options(const cbor::Item&) {
  static const auto& shape =
      *new Shape{.members = {{1, "supported-teep-cipher-suites", CipherSuites},
                             {2, "challenge", Plain},
                             {3, "versions", Plain},
                             {4, "supported-suit-cose-profiles", Profiles},
                             {5, "selected-version", Plain},
                             {6, "attestation-payload", Opaque},
                             {7, "tc-list", TcList},
                             {8, "ext-list", Plain},
                             {9, "manifest-list", OpaqueList},
                             {10, "msg", Plain},
                             {11, "err-msg", Plain},
                             {12, "attestation-payload-format", Plain},
                             {13, "requested-tc-list", RequestedTcs},
                             {14, "unneeded-manifest-list", ComponentIds},
                             {18, "suit-reports", OpaqueList},
                             {19, "token", Plain},
                             {20, "supported-freshness-mechanisms", FreshnessList},
                             {21, "err-lang", Plain},
                             {22, "err-code", ErrCode}}};
  return shape;
}

bool IsRequest(const cbor::Item& item) {
  return item.is_array() && item.size() > 0 && item.at(0).Uint().value_or(0) == 1;
}

// Labels 5 to 22 stand one higher there, and 5 is what was dropped.
int64_t LegacyLabel(int64_t label) { return label < 5 ? label : label + 1; }

Shape Renumbered(const Shape& shape) {
  Shape legacy = shape;
  for (Member& member : legacy.members) member.label = LegacyLabel(member.label);
  return legacy;
}

std::string LegacyErrorCodeText(int64_t code) {
  // ERR_MANIFEST_PROCESSING_FAILED
  return ErrorCodeText(code == 17 ? 11 : code == 11 ? 17 : code);
}

const Shape& LegacyErrCode(const cbor::Item&) {
  static const auto& shape = *new Shape{.number_name = LegacyErrorCodeText};
  return shape;
}

const Shape& LegacyType(const cbor::Item&) {
  static const auto& shape = *new Shape{.number_name = LegacyMessageTypeText};
  return shape;
}

const Shape& LegacyRequestedTc(const cbor::Item& item) {
  static const auto& shape = *new Shape(Renumbered(RequestedTc(item)));
  return shape;
}

const Shape& LegacyRequestedTcs(const cbor::Item&) {
  static const auto& shape = *new Shape{.rest = {"", LegacyRequestedTc}};
  return shape;
}

const Shape& LegacySystemProperties(const cbor::Item& item) {
  static const auto& shape = *[&item] {
    auto* made = new Shape(SystemProperties(item));
    made->members.push_back({LegacyLabel(15), "component-id", ComponentId});
    return made;
  }();
  return shape;
}

const Shape& LegacyTcList(const cbor::Item&) {
  static const auto& shape = *new Shape{.rest = {"", LegacySystemProperties}};
  return shape;
}

const Shape& LegacyOptions(const cbor::Item& item) {
  static const auto& shape = *[&item] {
    auto* made = new Shape(Renumbered(Options(item)));
    for (Member& member : made->members) {
      if (member.label == LegacyLabel(7)) member.shape = LegacyTcList;
      if (member.label == LegacyLabel(13)) member.shape = LegacyRequestedTcs;
      if (member.label == LegacyLabel(22)) member.shape = LegacyErrCode;
    }
    made->members.push_back({5, "selected-teep-cipher-suite", CipherSuite});
    return made;
  }();
  return shape;
}

}  // namespace

std::string LegacyMessageTypeText(int64_t type) {
  if (type == 4) return "no type of the older drafts";
  return MessageTypeText(type < 4 ? type : type - 1);
}

std::string MessageTypeText(int64_t type) {
  if (type < 1 || type > 5) return type == 6 ? "no type of draft-26" : "";
  return std::string(teep::MessageTypeName(static_cast<teep::MessageType>(type)));
}

std::string ErrorCodeText(int64_t code) {
  return teep::ErrorCodeName(static_cast<teep::ErrorCode>(code));
}

const Shape& TeepMessage(const cbor::Item& item) {
  static const auto& query_request =
      *new Shape{.elements = {{"type", Type},
                              {"options", Options},
                              {"supported-teep-cipher-suites", CipherSuites},
                              {"supported-suit-cose-profiles", Profiles},
                              {"data-item-requested", DataItems}}};
  static const auto& error =
      *new Shape{.elements = {{"type", Type}, {"options", Options}, {"err-code", ErrCode}}};
  return IsRequest(item) ? query_request : error;
}

const Shape& LegacyTeepMessage(const cbor::Item& item) {
  static const auto& query_request =
      *new Shape{.elements = {{"type", LegacyType},
                              {"options", LegacyOptions},
                              {"supported-teep-cipher-suites", CipherSuites},
                              {"supported-suit-cose-profiles", Profiles},
                              {"data-item-requested", DataItems}}};
  static const auto& error = *new Shape{
      .elements = {{"type", LegacyType}, {"options", LegacyOptions}, {"err-code", LegacyErrCode}}};
  return IsRequest(item) ? query_request : error;
}

}  // namespace tam::inspect::shapes

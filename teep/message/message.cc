#include "teep/message/message.h"

#include <utility>

#include "crypto/cbor/cbor.h"
#include "crypto/text/text.h"
#include "teep/message/labels.h"
#include "teep/message/options.h"

namespace tam::teep {
namespace {

using cbor::Item;
using cbor::Writer;

// Path of a message type in errors.
std::string_view PathOf(MessageType type) {
  switch (type) {
    case MessageType::kQueryRequest:
      return "query-request";
    case MessageType::kQueryResponse:
      return "query-response";
    case MessageType::kUpdate:
      return "update";
    case MessageType::kSuccess:
      return "success";
    case MessageType::kError:
      return "error";
  }
  return "message";
}

size_t ElementCount(MessageType type) {
  switch (type) {
    case MessageType::kQueryRequest:
      return 5;
    case MessageType::kError:
      return 3;
    default:
      return 2;
  }
}

// query-request = [ type, options, suites, profiles, data-item-requested ]
absl::StatusOr<Message> ToQueryRequest(const Numbering& numbering, Options o,
                                       const std::vector<Item>& elements) {
  auto suites = ReadCipherSuites("query-request.supported-teep-cipher-suites", elements[2]);
  if (!suites.ok()) return suites.status();
  auto profiles =
      ReadSuitCoseProfiles(numbering, "query-request.supported-suit-cose-profiles", elements[3]);
  if (!profiles.ok()) return profiles.status();
  auto items = elements[4].Uint();
  if (!items.ok()) {
    return absl::InvalidArgumentError(
        Concat("query-request.data-item-requested: want unsigned integer, got ",
               cbor::TypeName(elements[4].type())));
  }
  QueryRequest m;
  m.token = std::move(o.token);
  m.supported_freshness_mechanisms = std::move(o.supported_freshness_mechanisms);
  m.challenge = std::move(o.challenge);
  m.versions = std::move(o.versions);
  m.attestation_payload_format = std::move(o.attestation_payload_format);
  m.attestation_payload = std::move(o.attestation_payload);
  m.suit_reports = std::move(o.suit_reports);
  m.supported_cipher_suites = *std::move(suites);
  m.supported_suit_cose_profiles = *std::move(profiles);
  m.data_item_requested = *items;
  return Message(std::move(m));
}

QueryResponse ToQueryResponse(Options o) {
  QueryResponse m;
  m.token = std::move(o.token);
  m.selected_version = o.selected_version;
  m.attestation_payload_format = std::move(o.attestation_payload_format);
  m.attestation_payload = std::move(o.attestation_payload);
  m.suit_reports = std::move(o.suit_reports);
  m.tc_list = std::move(o.tc_list);
  m.requested_tc_list = std::move(o.requested_tc_list);
  m.unneeded_manifest_list = std::move(o.unneeded_manifest_list);
  m.ext_list = std::move(o.ext_list);
  m.selected_cipher_suite = std::move(o.selected_cipher_suite);
  return m;
}

Update ToUpdate(Options o) {
  Update m;
  m.token = std::move(o.token);
  m.unneeded_manifest_list = std::move(o.unneeded_manifest_list);
  m.manifest_list = std::move(o.manifest_list);
  m.attestation_payload_format = std::move(o.attestation_payload_format);
  m.attestation_payload = std::move(o.attestation_payload);
  if (o.err_code.has_value()) m.err_code = static_cast<ErrorCode>(*o.err_code);
  m.err_msg = std::move(o.err_msg);
  m.err_lang = std::move(o.err_lang);
  return m;
}

// error = [ type, options, err-code ]
absl::StatusOr<Message> ToError(const Numbering& numbering, Options o, const Item& err_code) {
  auto code = err_code.Uint();
  if (!code.ok()) {
    return absl::InvalidArgumentError(
        Concat("error.err-code: want unsigned integer, got ", cbor::TypeName(err_code.type())));
  }
  if (auto s = CheckErrCode("error.err-code", *code); !s.ok()) return s;
  Error m;
  m.token = std::move(o.token);
  m.err_msg = std::move(o.err_msg);
  m.err_lang = std::move(o.err_lang);
  m.supported_cipher_suites = std::move(o.supported_cipher_suites);
  m.supported_freshness_mechanisms = std::move(o.supported_freshness_mechanisms);
  m.supported_suit_cose_profiles = std::move(o.supported_suit_cose_profiles);
  m.challenge = std::move(o.challenge);
  m.versions = std::move(o.versions);
  m.suit_reports = std::move(o.suit_reports);
  m.err_code = static_cast<ErrorCode>(numbering.ErrorFromWire(*code));
  return Message(std::move(m));
}

Options OptionsOf(const QueryRequest& m) {
  Options o;
  o.token = m.token;
  o.supported_freshness_mechanisms = m.supported_freshness_mechanisms;
  o.challenge = m.challenge;
  o.versions = m.versions;
  o.attestation_payload_format = m.attestation_payload_format;
  o.attestation_payload = m.attestation_payload;
  o.suit_reports = m.suit_reports;
  return o;
}

Options OptionsOf(const QueryResponse& m) {
  Options o;
  o.token = m.token;
  o.selected_version = m.selected_version;
  o.attestation_payload_format = m.attestation_payload_format;
  o.attestation_payload = m.attestation_payload;
  o.suit_reports = m.suit_reports;
  o.tc_list = m.tc_list;
  o.requested_tc_list = m.requested_tc_list;
  o.unneeded_manifest_list = m.unneeded_manifest_list;
  o.ext_list = m.ext_list;
  o.selected_cipher_suite = m.selected_cipher_suite;
  return o;
}

Options OptionsOf(const Update& m) {
  Options o;
  o.token = m.token;
  o.unneeded_manifest_list = m.unneeded_manifest_list;
  o.manifest_list = m.manifest_list;
  o.attestation_payload_format = m.attestation_payload_format;
  o.attestation_payload = m.attestation_payload;
  if (m.err_code.has_value()) o.err_code = static_cast<uint64_t>(*m.err_code);
  o.err_msg = m.err_msg;
  o.err_lang = m.err_lang;
  return o;
}

Options OptionsOf(const Success& m) {
  Options o;
  o.token = m.token;
  o.msg = m.msg;
  o.suit_reports = m.suit_reports;
  return o;
}

Options OptionsOf(const Error& m) {
  Options o;
  o.token = m.token;
  o.err_msg = m.err_msg;
  o.err_lang = m.err_lang;
  o.supported_cipher_suites = m.supported_cipher_suites;
  o.supported_freshness_mechanisms = m.supported_freshness_mechanisms;
  o.supported_suit_cose_profiles = m.supported_suit_cose_profiles;
  o.challenge = m.challenge;
  o.versions = m.versions;
  o.suit_reports = m.suit_reports;
  return o;
}

absl::Status WriteQueryRequestTail(const QueryRequest& m, Writer& writer) {
  if (m.supported_cipher_suites.empty() || m.supported_suit_cose_profiles.empty()) {
    return absl::InvalidArgumentError(
        "query-request: want at least one cipher suite and one SUIT COSE profile, got none");
  }
  auto s =
      CheckCipherSuites("query-request.supported-teep-cipher-suites", m.supported_cipher_suites);
  if (!s.ok()) return s;
  WriteCipherSuites(m.supported_cipher_suites, writer);
  WriteSuitCoseProfiles(m.supported_suit_cose_profiles, writer);
  writer.Uint(m.data_item_requested);
  return absl::OkStatus();
}

absl::StatusOr<MessageType> ReadType(const Numbering& numbering, const Item& root) {
  if (!root.is_array() || root.size() == 0) {
    return absl::InvalidArgumentError(
        Concat("message: want a non-empty array, got ", cbor::TypeName(root.type())));
  }
  auto number = root.at(0).Uint();
  if (!number.ok()) {
    return absl::InvalidArgumentError(
        Concat("message.type: want unsigned integer, got ", cbor::TypeName(root.at(0).type())));
  }
  const auto type = numbering.TypeOf(*number);
  if (!type.has_value()) {
    return absl::InvalidArgumentError(Concat(
        "message.type: want ", numbering.lenient ? "1, 2, 3, 5 or 6" : "1..5", ", got ", *number));
  }
  return *type;
}

absl::StatusOr<Message> DecodeWith(const Numbering& numbering, Bytes payload) {
  auto document = cbor::Document::Parse(payload, cbor::Limits(), "message");
  if (!document.ok()) return document.status();
  const Item root = document->root();
  auto type = ReadType(numbering, root);
  if (!type.ok()) return type.status();
  const std::vector<Item> elements = root.elements();
  if (elements.size() != ElementCount(*type)) {
    return absl::InvalidArgumentError(
        Concat(PathOf(*type), ": want ", ElementCount(*type), " elements, got ", elements.size()));
  }
  auto options = ReadOptions(numbering, PathOf(*type), elements[1]);
  if (!options.ok()) return options.status();
  switch (*type) {
    case MessageType::kQueryRequest:
      return ToQueryRequest(numbering, *std::move(options), elements);
    case MessageType::kQueryResponse:
      return Message(ToQueryResponse(*std::move(options)));
    case MessageType::kUpdate:
      return Message(ToUpdate(*std::move(options)));
    case MessageType::kSuccess:
      return Message(Success{std::move(options->token), std::move(options->msg),
                             std::move(options->suit_reports)});
    case MessageType::kError:
      return ToError(numbering, *std::move(options), elements[2]);
  }
  return absl::InternalError("message.type: not covered");
}

absl::StatusOr<std::string> EncodeWith(const Numbering& numbering, const Message& message) {
  const MessageType type = TypeOf(message);
  auto options = std::visit(
      [&](const auto& m) { return WriteOptions(numbering, PathOf(type), OptionsOf(m)); }, message);
  if (!options.ok()) return options.status();
  Writer writer;
  writer.Array(ElementCount(type)).Uint(numbering.TypeNumber(type)).Raw(*options);
  if (const auto* request = std::get_if<QueryRequest>(&message)) {
    if (auto s = WriteQueryRequestTail(*request, writer); !s.ok()) return s;
  } else if (const auto* error = std::get_if<Error>(&message)) {
    const uint64_t code = static_cast<uint64_t>(error->err_code);
    if (auto s = CheckErrCode("error.err-code", code); !s.ok()) return s;
    writer.Uint(numbering.ErrorOnWire(code));
  }
  return std::move(writer).Take();
}

// The number that RFC 9864 gives what -7 and -8 stand for in TEEP.
int64_t FullySpecified(int64_t algorithm) {
  if (algorithm == cose::kEs256) return cose::kEsp256;
  return algorithm == cose::kEdDsa ? cose::kEd25519 : algorithm;
}

absl::Status CheckSelectedSuite(const Message& message, int64_t algorithm) {
  const auto* response = std::get_if<QueryResponse>(&message);
  if (response == nullptr || !response->selected_cipher_suite.has_value()) return absl::OkStatus();
  for (const CipherOperation& operation : *response->selected_cipher_suite) {
    if (FullySpecified(operation.algorithm) == FullySpecified(algorithm)) return absl::OkStatus();
  }
  return absl::InvalidArgumentError(
      Concat("query-response.selected-teep-cipher-suite: want the suite that signed it, got "
             "another than alg ",
             algorithm));
}

}  // namespace

std::string ErrorCodeName(ErrorCode code) {
  static constexpr std::string_view kNames[] = {"ERR_PERMANENT_ERROR",
                                                "ERR_UNSUPPORTED_EXTENSION",
                                                "ERR_UNSUPPORTED_FRESHNESS_MECHANISMS",
                                                "ERR_UNSUPPORTED_MSG_VERSION",
                                                "ERR_UNSUPPORTED_CIPHER_SUITES",
                                                "ERR_BAD_CERTIFICATE",
                                                "ERR_ATTESTATION_REQUIRED",
                                                "ERR_UNSUPPORTED_SUIT_REPORT",
                                                "ERR_CERTIFICATE_EXPIRED",
                                                "ERR_TEMPORARY_ERROR",
                                                "ERR_MANIFEST_PROCESSING_FAILED"};
  const uint64_t number = static_cast<uint64_t>(code);
  if (number >= 1 && number <= std::size(kNames)) return std::string(kNames[number - 1]);
  return Concat("unknown error ", number);
}

const std::vector<CipherSuite>& MandatoryCipherSuites() {
  static const auto* const suites = new std::vector<CipherSuite>{
      {{18, cose::kEsp256}},
      {{18, cose::kEd25519}},
  };
  return *suites;
}

const std::vector<SuitCoseProfile>& MandatorySuitCoseProfiles() {
  static const auto* const profiles = new std::vector<SuitCoseProfile>{
      {-16, -9, -29, -65534},
      {-16, -19, -29, -65534},
      {-16, -9, -29, 1},
      {-16, -19, -29, 24},
  };
  return *profiles;
}

MessageType TypeOf(const Message& message) { return static_cast<MessageType>(message.index() + 1); }

std::string_view MessageTypeName(MessageType type) {
  static constexpr std::string_view kNames[] = {"QueryRequest", "QueryResponse", "Update",
                                                "Success", "Error"};
  const size_t index = static_cast<size_t>(type) - 1;
  return index < std::size(kNames) ? kNames[index] : "unknown message";
}

absl::StatusOr<Message> Decode(Bytes payload, WireProfile profile) {
  return DecodeWith(NumberingOf(profile), payload);
}

absl::StatusOr<std::string> Encode(const Message& message, WireProfile profile) {
  return EncodeWith(NumberingOf(profile), message);
}

VerifiedMessage::VerifiedMessage(Message message, keys::PublicKey signer, int64_t algorithm)
    : message_(std::move(message)), signer_(std::move(signer)), algorithm_(algorithm) {}

absl::StatusOr<VerifiedMessage> VerifyMessage(const cose::Message& cose, const keys::PublicKey& key,
                                              const cose::AlgorithmPolicy& policy,
                                              WireProfile profile) {
  if (cose.structure() == cose::Structure::kMac0) {
    return absl::InvalidArgumentError("message: want COSE_Sign1 or COSE_Sign, got COSE_Mac0");
  }
  auto payload = cose.Verify(key, policy);
  if (!payload.ok()) return payload.status();
  auto message = Decode(payload->bytes(), profile);
  if (!message.ok()) return message.status();
  if (auto s = CheckSelectedSuite(*message, payload->algorithm()); !s.ok()) return s;
  return VerifiedMessage(*std::move(message), payload->key(), payload->algorithm());
}

}  // namespace tam::teep

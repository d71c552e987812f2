#include "tools/teepsim/device.h"

#include <utility>

#include "absl/strings/str_join.h"
#include "crypto/cbor/cbor.h"
#include "crypto/cose/cose.h"
#include "crypto/text/text.h"
#include "tools/teepsim/status_macros.h"

namespace tam::teepsim {
namespace {

// A TAM that goes on asking is left after this many answers.
constexpr int kMaxAnswers = 16;

std::string TokenText(const std::optional<std::string>& token) {
  return token.has_value() ? Concat("token ", ShortHex(*token), "  ") : "";
}

std::string RequestedText(uint64_t bits) {
  std::vector<std::string> names;
  if ((bits & teep::kRequestAttestation) != 0) names.push_back("attestation");
  if ((bits & teep::kRequestTrustedComponents) != 0) names.push_back("trusted-components");
  if ((bits & teep::kRequestExtensions) != 0) names.push_back("extensions");
  if ((bits & teep::kRequestSuitReports) != 0) names.push_back("suit-reports");
  return names.empty() ? "asks for nothing" : Concat("asks for ", absl::StrJoin(names, ", "));
}

std::string Describe(const teep::Message& message) {
  if (const auto* request = std::get_if<teep::QueryRequest>(&message)) {
    const std::string challenge = request->challenge.has_value()
                                      ? Concat("challenge ", ShortHex(*request->challenge), "  ")
                                      : "";
    return Concat(TokenText(request->token), challenge,
                  RequestedText(request->data_item_requested));
  }
  if (const auto* response = std::get_if<teep::QueryResponse>(&message)) {
    return Concat(TokenText(response->token),
                  response->attestation_payload.has_value()
                      ? Concat("evidence of ", response->attestation_payload->size(), " bytes, ")
                      : "",
                  response->tc_list.has_value() ? response->tc_list->size() : 0, " components, ",
                  response->suit_reports.size(), " reports");
  }
  if (const auto* update = std::get_if<teep::Update>(&message)) {
    return Concat(
        TokenText(update->token), update->manifest_list.size(), " manifests, ",
        update->unneeded_manifest_list.size(), " to remove",
        update->err_code.has_value() ? Concat(", ", teep::ErrorCodeName(*update->err_code)) : "");
  }
  if (const auto* success = std::get_if<teep::Success>(&message)) {
    return Concat(TokenText(success->token), success->suit_reports.size(), " reports");
  }
  const auto& error = std::get<teep::Error>(message);
  return Concat(TokenText(error.token), teep::ErrorCodeName(error.err_code), ": ",
                error.err_msg.value_or(""), ", ", error.suit_reports.size(), " reports");
}

}  // namespace

Device::Device(DeviceState& state, TamTransport& tam, PayloadSource& payloads,
               Transcript& transcript, SessionOptions options)
    : state_(state),
      tam_(tam),
      payloads_(payloads),
      transcript_(transcript),
      options_(std::move(options)) {
  const DeviceProfile& profile = state.record().profile;
  identity_.vendor_id = profile.vendor_id;
  identity_.class_id = profile.class_id;
  identity_.device_id = profile.ueid.size() >= 17 ? profile.ueid.substr(1, 16) : profile.ueid;
  identity_.reserved = {{kFirmwareComponent}};
}

absl::StatusOr<SessionResult> Device::RunSession() {
  result_ = SessionResult();
  transcript_.Sent("POST", "without a body: a new session");
  TEEPSIM_ASSIGN_OR_RETURN(std::optional<std::string> received, tam_.Exchange(""));
  for (int answers = 0; received.has_value(); ++answers) {
    if (answers == kMaxAnswers) {
      return absl::ResourceExhaustedError(
          Concat("the TAM still asks after ", kMaxAnswers, " answers"));
    }
    TEEPSIM_ASSIGN_OR_RETURN(const std::optional<teep::Message> next, Answer(*received));
    std::string bytes;
    if (repeated_answer_.has_value()) {
      bytes = *std::exchange(repeated_answer_, std::nullopt);
      transcript_.Sent("the same answer again", "");
      TEEPSIM_RETURN_IF_ERROR(transcript_.SaveSent("again", bytes));
    } else if (next.has_value()) {
      TEEPSIM_ASSIGN_OR_RETURN(bytes, Sign(*next));
      transcript_.Sent(teep::MessageTypeName(teep::TypeOf(*next)), Describe(*next));
      TEEPSIM_RETURN_IF_ERROR(
          transcript_.SaveSent(teep::MessageTypeName(teep::TypeOf(*next)), bytes));
      if (answering_.has_value()) {
        // Kept before it is sent: an Update that comes again is answered, not processed, again.
        answering_->answer = bytes;
        TEEPSIM_RETURN_IF_ERROR(state_.SetLastAnswer(*std::exchange(answering_, std::nullopt)));
      }
    } else {
      return result_;
    }
    TEEPSIM_ASSIGN_OR_RETURN(received, tam_.Exchange(bytes));
  }
  transcript_.Received("nothing", Concat("the TAM has nothing more to say", tam_.LastAnswer()));
  return result_;
}

absl::StatusOr<std::string> Device::Sign(const teep::Message& message) const {
  TEEPSIM_ASSIGN_OR_RETURN(const std::string payload, teep::Encode(message, options_.wire.profile));
  cose::SignOptions how;
  how.tagged = !options_.wire.untagged;
  how.with_kid = !options_.wire.without_kid;
  how.older_numbers = options_.wire.older_algorithms;
  return cose::Sign1(state_.agent_key(), cbor::AsBytes(payload), how);
}

absl::StatusOr<Device::Incoming> Device::Verify(std::string_view bytes) const {
  TEEPSIM_ASSIGN_OR_RETURN(const cose::Message cose,
                           cose::Message::Parse(cbor::AsBytes(bytes), cose::TagRule::kRequired));
  absl::Status last = absl::UnauthenticatedError("no TAM key of this device's cipher suite");
  const auto policy = options_.wire.older_algorithms ? cose::AlgorithmPolicy::WithOlderNumbers()
                                                     : cose::AlgorithmPolicy::Strict();
  bool other_suite = false;
  for (const keys::PublicKey& key : state_.record().tam_keys) {
    auto message = teep::VerifyMessage(cose, key, policy, options_.wire.profile);
    if (key.type() != state_.agent_key().type()) {
      other_suite = other_suite || message.ok();
      continue;
    }
    if (message.ok()) return Incoming{.message = *std::move(message), .other_suite = false};
    last = message.status();
    // The signature is good; what it covers is not.
    if (absl::IsInvalidArgument(last)) return last;
  }
  if (other_suite) return Incoming{.message = std::nullopt, .other_suite = true};
  return last;
}

Device::Next Device::Answer(std::string_view bytes) {
  absl::StatusOr<Incoming> incoming = Verify(bytes);
  if (!incoming.ok()) {
    TEEPSIM_RETURN_IF_ERROR(transcript_.SaveReceived("refused", bytes));
    transcript_.Received("a message", Concat("dropped: ", StdView(incoming.status().message())));
    return incoming.status();
  }
  if (!incoming->message.has_value()) {
    TEEPSIM_RETURN_IF_ERROR(transcript_.SaveReceived("other-suite", bytes));
    transcript_.Received("a message", "signed for another cipher suite alone");
    teep::Error error;
    error.err_code = teep::ErrorCode::kUnsupportedCipherSuites;
    error.err_msg = "signed for another cipher suite alone";
    error.supported_cipher_suites = {OwnSuite()};
    return SendError(std::move(error));
  }
  const teep::Message& message = incoming->message->message();
  const std::string_view type = teep::MessageTypeName(teep::TypeOf(message));
  TEEPSIM_RETURN_IF_ERROR(transcript_.SaveReceived(type, bytes));
  transcript_.Received(type, Describe(message));
  const keys::Thumbprint& signer = incoming->message->signer().thumbprint();
  transcript_.Note(Concat("signature verified: TAM key ",
                          ShortHex(std::string(signer.begin(), signer.end())), ", algorithm ",
                          incoming->message->algorithm()));
  if (const auto* request = std::get_if<teep::QueryRequest>(&message)) {
    return AnswerQueryRequest(*request);
  }
  if (const auto* update = std::get_if<teep::Update>(&message)) return AnswerUpdate(*update);
  return absl::InvalidArgumentError(Concat("want QueryRequest or Update of a TAM, got ", type));
}

Device::Next Device::SendError(teep::Error error) {
  result_.sent_error = error.err_code;
  return teep::Message(std::move(error));
}

teep::CipherSuite Device::OwnSuite() const {
  const bool p256 = state_.agent_key().type() == keys::KeyType::kP256;
  if (options_.wire.older_algorithms) {
    return {{.cose_type = 18, .algorithm = p256 ? cose::kEs256 : cose::kEdDsa}};
  }
  return {{.cose_type = 18, .algorithm = p256 ? cose::kEsp256 : cose::kEd25519}};
}

}  // namespace tam::teepsim

#include "tools/teepsim/device.h"

#include <utility>

#include "absl/strings/str_join.h"
#include "crypto/cbor/cbor.h"
#include "crypto/cose/cose.h"
#include "crypto/text/text.h"
#include "tools/teepsim/status_macros.h"
#include "tools/teepsim/tam_attestation.h"
#include "tools/teepsim/tam_certificate.h"

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
    const std::string evidence =
        request->attestation_payload.has_value()
            ? Concat("evidence of ", request->attestation_payload->size(), " bytes, ")
            : "";
    return Concat(TokenText(request->token), challenge, evidence,
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
  identity_.binaries = options_.binaries;
}

absl::StatusOr<SessionResult> Device::RunSession() {
  result_ = SessionResult();
  tam_challenge_.reset();
  attested_tam_key_.reset();
  TEEPSIM_ASSIGN_OR_RETURN(std::optional<std::string> received, Begin());
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
    TEEPSIM_ASSIGN_OR_RETURN(received, Exchange(bytes));
  }
  transcript_.Received("nothing", Concat("the TAM has nothing more to say", tam_.LastAnswer()));
  return result_;
}

absl::StatusOr<std::optional<std::string>> Device::Begin() {
  if (!options_.unsolicited) {
    transcript_.Sent("POST", "without a body: a new session");
    return Exchange("");
  }
  TEEPSIM_ASSIGN_OR_RETURN(const std::string message, MakeUnsolicited());
  return Exchange(message);
}

absl::StatusOr<std::optional<std::string>> Device::Exchange(std::string_view message) {
  auto received = tam_.Exchange(message);
  // ProcessError: what the TAM last asked for no longer says how it may be written to.
  if (!received.ok()) TEEPSIM_RETURN_IF_ERROR(state_.SetLastRequestBound(std::nullopt));
  return received;
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
  if (cose.structure() == cose::Structure::kMac0 || !cose.unverified_payload().has_value()) {
    return absl::InvalidArgumentError("want COSE_Sign1 or COSE_Sign with its payload");
  }
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
    if (message.ok()) {
      return Incoming{.message = *std::move(message), .x5chain = ChainOf(cose, key)};
    }
    last = message.status();
    if (absl::IsInvalidArgument(last)) return Incoming{.malformed = last};
  }
  if (other_suite) return Incoming{.other_suite = true};
  return last;
}

Device::Next Device::Answer(std::string_view bytes) {
  absl::StatusOr<Incoming> incoming = Verify(bytes);
  if (!incoming.ok()) {
    TEEPSIM_RETURN_IF_ERROR(transcript_.SaveReceived("refused", bytes));
    transcript_.Received("a message", Concat("dropped: ", StdView(incoming.status().message())));
    return incoming.status();
  }
  if (!incoming->malformed.ok()) {
    TEEPSIM_RETURN_IF_ERROR(transcript_.SaveReceived("malformed", bytes));
    transcript_.Received("a message", "malformed under a good signature");
    return RefuseMessage(std::nullopt, StdView(incoming->malformed.message()));
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
  return AnswerMessage(*incoming->message, incoming->x5chain);
}

Device::Next Device::AnswerMessage(const teep::VerifiedMessage& verified,
                                   const std::vector<std::string>& x5chain) {
  const keys::Thumbprint& signer = verified.signer().thumbprint();
  transcript_.Note(Concat("signature verified: TAM key ",
                          ShortHex(std::string(signer.begin(), signer.end())), ", algorithm ",
                          verified.algorithm()));
  if (const auto* request = std::get_if<teep::QueryRequest>(&verified.message())) {
    TEEPSIM_RETURN_IF_ERROR(
        state_.SetLastRequestBound(request->token.has_value() || request->challenge.has_value()));
    if (auto objection = ChainObjection(*request, verified.signer(), x5chain)) {
      return SendError(*std::move(objection));
    }
    if (auto objection = Objection(*request)) return SendError(*std::move(objection));
    if (auto objection = TamObjection(*request, signer)) {
      // To be asked is no failure; to go without an answer is.
      if (objection->err_code != teep::ErrorCode::kAttestationRequired) {
        return SendError(*std::move(objection));
      }
      return teep::Message(*std::move(objection));
    }
    return AnswerQueryRequest(*request);
  }
  if (const auto* update = std::get_if<teep::Update>(&verified.message())) {
    if (!options_.tam_evidence_keys.empty() && attested_tam_key_ != signer) {
      return RefuseMessage(update->token, "want a TAM that has attested itself");
    }
    return AnswerUpdate(*update);
  }
  return RefuseMessage(std::nullopt,
                       Concat("want QueryRequest or Update of a TAM, got ",
                              teep::MessageTypeName(teep::TypeOf(verified.message()))));
}

std::optional<teep::Error> Device::ChainObjection(const teep::QueryRequest& request,
                                                  const keys::PublicKey& signer,
                                                  const std::vector<std::string>& x5chain) {
  const CertificateOptions& options = options_.certificates;
  if (!options.authorities.has_value()) return std::nullopt;
  auto objection =
      CertificateObjection(request, x5chain, signer, *options.authorities, options.clock());
  transcript_.Note(objection.has_value()
                       ? Concat("certificates of the TAM: ", objection->err_msg.value_or(""))
                       : Concat("certificates of the TAM: verified, ", x5chain.size()));
  if (objection.has_value()) return objection;
  // Another certificate than the one that was refused: that Error is no failure any more.
  if (result_.sent_error == teep::ErrorCode::kBadCertificate ||
      result_.sent_error == teep::ErrorCode::kCertificateExpired) {
    result_.sent_error.reset();
  }
  return std::nullopt;
}

std::optional<teep::Error> Device::TamObjection(const teep::QueryRequest& request,
                                                const keys::Thumbprint& signer) {
  if (options_.tam_evidence_keys.empty() || attested_tam_key_ == signer) return std::nullopt;
  if (!tam_challenge_.has_value()) {
    tam_challenge_ = NewTamChallenge();
    return AskForTamAttestation(request, *tam_challenge_);
  }
  const absl::Status evidence =
      CheckTamEvidence(request, options_.tam_evidence_keys, *tam_challenge_, signer);
  transcript_.Note(evidence.ok() ? "evidence of the TAM: verified"
                                 : std::string(StdView(evidence.message())));
  if (evidence.ok()) {
    attested_tam_key_ = signer;
    return std::nullopt;
  }
  teep::Error error;
  error.token = request.token;
  error.err_code = teep::ErrorCode::kPermanentError;
  error.err_msg = teep::FitErrMsg(StdView(evidence.message()));
  return error;
}

Device::Next Device::SendError(teep::Error error) {
  result_.sent_error = error.err_code;
  return teep::Message(std::move(error));
}

Device::Next Device::RefuseMessage(const std::optional<std::string>& token,
                                   std::string_view reason) {
  teep::Error error;
  error.token = token;
  error.err_code = teep::ErrorCode::kPermanentError;
  error.err_msg = teep::FitErrMsg(reason);
  return SendError(std::move(error));
}

teep::CipherSuite Device::OwnSuite() const {
  const bool p256 = state_.agent_key().type() == keys::KeyType::kP256;
  if (options_.wire.older_algorithms) {
    return {{.cose_type = 18, .algorithm = p256 ? cose::kEs256 : cose::kEdDsa}};
  }
  return {{.cose_type = 18, .algorithm = p256 ? cose::kEsp256 : cose::kEd25519}};
}

}  // namespace tam::teepsim

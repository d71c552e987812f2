// A TEEP Agent (draft-ietf-teep-protocol-26) with its broker: answers a TAM's messages from the
// state of one device.
#ifndef TAMARACK_TOOLS_TEEPSIM_DEVICE_H_
#define TAMARACK_TOOLS_TEEPSIM_DEVICE_H_

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "crypto/x509/credentials.h"
#include "teep/message/message.h"
#include "tools/teepsim/device_state.h"
#include "tools/teepsim/evidence.h"
#include "tools/teepsim/protection.h"
#include "tools/teepsim/suit_processor/processor.h"
#include "tools/teepsim/transcript.h"
#include "tools/teepsim/transport.h"

namespace tam::teepsim {

// The component that stands for the device's own firmware in tc-list, so that a device without
// trusted components has something to report (TEEP.md A5). No manifest may write it.
inline constexpr char kFirmwareComponent[] = "teepsim-firmware";

// How an agent of an older draft writes; the default is draft-26.
struct WireOptions {
  teep::WireProfile profile = teep::WireProfile::kDraft26;
  bool older_algorithms = false;  // -7 and -8 instead of -9 and -19, and both taken
  bool without_kid = false;
  bool untagged = false;
};

// How the device shows that what it says of itself is of now.
struct AttestationOptions {
  // Timestamps instead of nonces: Evidence for that audience, issued at what `clock` says.
  bool timestamps = false;
  std::string audience;  // of the TAM's URI, the path
  std::function<absl::Time()> clock = absl::Now;
  // The Passport model: Attestation Results by this key of a Verifier, which the device plays.
  std::optional<keys::PrivateKey> passport_verifier;
};

// Whose certificates the TAM has to have.
struct CertificateOptions {
  // Each QueryRequest bears a chain of its key to one of these. Unset: certificates are not looked
  // at.
  std::optional<x509::Authorities> authorities;
  std::function<absl::Time()> clock = absl::Now;
};

struct SessionOptions {
  EvidenceFaults evidence;
  AttestationOptions attestation;
  CertificateOptions certificates;
  WireOptions wire;
  ProtectionOptions protection;
  // Not empty: the TAM attests itself with one of these keys before it learns anything.
  std::vector<keys::PublicKey> tam_evidence_keys;
  // Ends the session when the Update came, and does not process it.
  bool stop_after_query_response = false;
  std::vector<teep::RequestedTcInfo> requested;  // requested-tc-list
  std::vector<suit::ComponentId> unneeded;       // unneeded-manifest-list
  // Of components that `requested` says the device has.
  std::map<suit::ComponentId, std::string> binaries;
  // Begins with a QueryResponse instead of asking for a QueryRequest.
  bool unsolicited = false;
};

struct SessionResult {
  // Manifests, by id.
  std::vector<suit::ComponentId> installed;  // and those that were there unchanged
  std::vector<suit::ComponentId> removed;
  std::vector<std::string> problems;  // of manifests that failed
  // The TAM's Update carried an err-code.
  std::optional<teep::ErrorCode> tam_error;
  std::string tam_error_message;
  // An Error that this device sent.
  std::optional<teep::ErrorCode> sent_error;

  bool ok() const { return problems.empty() && !tam_error.has_value() && !sent_error.has_value(); }
};

// Borrows everything. One thread at a time.
class Device {
 public:
  Device(DeviceState& state, TamTransport& tam, PayloadSource& payloads, Transcript& transcript,
         SessionOptions options = SessionOptions());

  // From the empty POST until the TAM has nothing more to say. A message that is no COSE of a
  // trusted TAM key is dropped, as the draft says: InvalidArgument, or Unauthenticated for its
  // signature. One that is malformed under a good signature is answered with Error 1 (section 7.2).
  // FailedPrecondition when the TAM does not list the profile to encrypt by. Errors of the
  // transport and of the disk. An unsolicited session: FailedPrecondition unless the last
  // QueryRequest was free of token and challenge, and none failed since (RFC 9397 section 6.2.1).
  absl::StatusOr<SessionResult> RunSession();

 private:
  // A verified message, one that only a TAM key of another cipher suite signed, or what is wrong
  // with the contents below a good signature.
  struct Incoming {
    std::optional<teep::VerifiedMessage> message = std::nullopt;
    std::vector<std::string> x5chain = {};  // beside its signature
    bool other_suite = false;
    absl::Status malformed = absl::OkStatus();
  };
  // What to send next; nullopt ends the session.
  using Next = absl::StatusOr<std::optional<teep::Message>>;

  absl::StatusOr<std::optional<std::string>> Begin();
  absl::StatusOr<std::optional<std::string>> Exchange(std::string_view message);
  absl::StatusOr<std::string> MakeUnsolicited();
  absl::StatusOr<Incoming> Verify(std::string_view bytes) const;
  Next Answer(std::string_view bytes);
  Next AnswerMessage(const teep::VerifiedMessage& message, const std::vector<std::string>& x5chain);
  // What is wrong with the TAM's certificates, where they are looked at.
  std::optional<teep::Error> ChainObjection(const teep::QueryRequest& request,
                                            const keys::PublicKey& signer,
                                            const std::vector<std::string>& x5chain);
  Next AnswerQueryRequest(const teep::QueryRequest& request);
  // What stands between the TAM and an answer, where it has to attest itself.
  std::optional<teep::Error> TamObjection(const teep::QueryRequest& request,
                                          const keys::Thumbprint& signer);
  std::optional<teep::Error> Objection(const teep::QueryRequest& request) const;
  std::optional<teep::Error> FreshnessObjection(const teep::QueryRequest& request) const;
  absl::Status AddAttestation(const teep::QueryRequest& request, teep::QueryResponse& response);
  absl::StatusOr<std::string> Attest(const teep::QueryRequest& request) const;
  void AddComponents(teep::QueryResponse& response) const;
  absl::Status AddReports(const teep::QueryRequest& request, teep::QueryResponse& response) const;
  Next AnswerUpdate(const teep::Update& update);
  Next ProcessUpdate(const teep::Update& update);
  absl::Status RemoveManifest(const suit::ComponentId& id, std::vector<std::string>& reports,
                              const std::optional<std::string>& token);
  absl::Status InstallManifest(std::string_view bytes, std::vector<std::string>& reports,
                               const std::optional<std::string>& token);
  absl::StatusOr<Outcome> ProcessEnvelope(suit::Envelope envelope);
  absl::Status AddReport(suit::Report report, const std::optional<std::string>& nonce,
                         std::vector<std::string>& reports) const;
  Next SendError(teep::Error error);
  Next RefuseMessage(const std::optional<std::string>& token, std::string_view reason);
  teep::CipherSuite OwnSuite() const;
  absl::StatusOr<std::string> Sign(const teep::Message& message) const;

  DeviceState& state_;
  TamTransport& tam_;
  PayloadSource& payloads_;
  Transcript& transcript_;
  SessionOptions options_;
  ProcessorIdentity identity_;
  SessionResult result_;
  // The answer that goes out as it is, instead of a message to be signed.
  std::optional<std::string> repeated_answer_;
  // What the answer under way belongs to.
  std::optional<LastAnswer> answering_;
  // Of this session: what the TAM was challenged with, and which of its keys it then spoke for.
  std::optional<std::string> tam_challenge_;
  std::optional<keys::Thumbprint> attested_tam_key_;
};

}  // namespace tam::teepsim

#endif  // TAMARACK_TOOLS_TEEPSIM_DEVICE_H_

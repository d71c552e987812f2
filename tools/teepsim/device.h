// A TEEP Agent (draft-ietf-teep-protocol-26) with its broker: answers a TAM's messages from the
// state of one device.
#ifndef TAMARACK_TOOLS_TEEPSIM_DEVICE_H_
#define TAMARACK_TOOLS_TEEPSIM_DEVICE_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "teep/message/message.h"
#include "tools/teepsim/device_state.h"
#include "tools/teepsim/evidence.h"
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

struct SessionOptions {
  EvidenceFaults evidence;
  WireOptions wire;
  // Ends the session when the Update came, and does not process it.
  bool stop_after_query_response = false;
  std::vector<teep::RequestedTcInfo> requested;  // requested-tc-list
  std::vector<suit::ComponentId> unneeded;       // unneeded-manifest-list
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

  // From the empty POST until the TAM has nothing more to say. Unauthenticated when a message's
  // signature is by none of the trusted TAM keys (it is dropped, as the draft says);
  // InvalidArgument when a signed message is malformed; errors of the transport and of the disk.
  absl::StatusOr<SessionResult> RunSession();

 private:
  // A verified message, or one that only a TAM key of another cipher suite signed.
  struct Incoming {
    std::optional<teep::VerifiedMessage> message;
    bool other_suite = false;
  };
  // What to send next; nullopt ends the session.
  using Next = absl::StatusOr<std::optional<teep::Message>>;

  absl::StatusOr<Incoming> Verify(std::string_view bytes) const;
  Next Answer(std::string_view bytes);
  Next AnswerQueryRequest(const teep::QueryRequest& request);
  std::optional<teep::Error> Objection(const teep::QueryRequest& request) const;
  absl::Status AddAttestation(const teep::QueryRequest& request, teep::QueryResponse& response);
  void AddComponents(teep::QueryResponse& response) const;
  absl::Status AddReports(const teep::QueryRequest& request, teep::QueryResponse& response) const;
  Next AnswerUpdate(const teep::Update& update);
  Next ProcessUpdate(const teep::Update& update);
  absl::Status RemoveManifest(const suit::ComponentId& id, std::vector<std::string>& reports,
                              const std::optional<std::string>& token);
  absl::Status InstallManifest(std::string_view bytes, std::vector<std::string>& reports,
                               const std::optional<std::string>& token);
  absl::StatusOr<Outcome> ProcessEnvelope(suit::Envelope envelope);
  static absl::Status AddReport(suit::Report report, const std::optional<std::string>& nonce,
                                std::vector<std::string>& reports);
  Next SendError(teep::Error error);
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
};

}  // namespace tam::teepsim

#endif  // TAMARACK_TOOLS_TEEPSIM_DEVICE_H_

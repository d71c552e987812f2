// The protocol engine: what the TAM answers to a device (DESIGN.md "A session", TEEP.md sections 4
// and 8). Knows nothing of HTTP; keeps no session; decides nothing that another replica could not.
#ifndef TAMARACK_SERVICES_GATEWAY_SESSION_H_
#define TAMARACK_SERVICES_GATEWAY_SESSION_H_

#include <atomic>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "crypto/cose/cose.h"
#include "crypto/secret/secret.h"
#include "services/gateway/challenge.h"
#include "services/gateway/endpoint_cache.h"
#include "services/gateway/epoch_keys.h"
#include "services/gateway/issued.h"
#include "services/gateway/limits.h"
#include "services/gateway/outcome.h"
#include "services/gateway/peers.h"
#include "services/gateway/protocol.h"
#include "services/gateway/session_suit_reports.h"
#include "services/runtime/identity.h"
#include "teep/message/message.h"

namespace tam::gateway {

struct SessionConfig {
  // For a message, from its arrival on.
  absl::Duration call_timeout = absl::Seconds(10);
  // QueryRequests of this replica; above it, try again later.
  Rate query_requests{2000, 4000};
  // Of one address, and what sources above that may use together.
  Rate query_requests_per_source{50, 500};
  Rate excess_query_requests{1000, 1000};
  // Failures of one address, and what messages of unproven keys from sources above that are heard.
  Rate failures_per_source{20, 200};
  // Messages that name a proven key and are not by it: above it, the key has no reserved capacity.
  Rate failures_per_key{1, 30};
  Rate excess_messages{100, 100};
  // Stateless replies (err-codes 1, 4, 7) to one key, and reads of keys and configuration in vain.
  Rate per_device{0.1, 20};
  // QueryRequests after Errors of one key, so that two who never agree do not go on for ever.
  Rate error_resends_per_device{2.0 / 60, 2};
  // Of these, under the TAM's other certificate: one, and no other until a session is long over.
  Rate certificate_resends_per_device{2.0 / 60, 1};
  // Encrypted evidence and reports that `signing` opens for one device.
  Rate decryptions_per_device{2, 64};
  // The open Update of one key again, for copies of the message that opened it: a network may
  // deliver many at once.
  Rate resends_per_device{1, 1024};
  size_t limit_slots = 1 << 16;
  // Messages of registered keys that wait at once for keys or configuration newer than held; others
  // that need them are told to come again.
  int max_waiting_for_reads = 8;
  // For how long a key that proved itself is let in although its source is above its limit.
  absl::Duration remember_keys = absl::Hours(24);
  // How long an Error holds off further updates, by its code: 1, 10, and others but 11.
  absl::Duration back_off_permanent = absl::Hours(1);
  absl::Duration back_off_temporary = absl::Minutes(1);
  absl::Duration back_off_other = absl::Minutes(5);
};

// Thread safe; calls services, so it blocks.
class SessionEngine : public TeepProtocol {
 public:
  struct Dependencies {
    runtime::Identity self;  // how services know this gateway
    Peers& peers;            // these must outlive the engine
    EpochKeyCache& keys;
    EndpointCache& endpoints;
    OutcomeSink& outcomes;
    secret::RandomSource& random;
    MonotonicClock clock;  // of the limits
    const IssuedValues& issued = IssuedValues::Ours();
    // Whose signature a protected SUIT report may have; empty: they are not known, as in a TAM.
    absl::Span<const keys::PublicKey> report_keys = {};
  };
  SessionEngine(const SessionConfig& config, Dependencies dependencies);

  // ResourceExhausted above the signing budget, Unavailable without fresh keys. Touches no database
  // while endpoint and keys are cached.
  absl::StatusOr<std::string> ProcessConnect(const std::string& path,
                                             const Arrival& arrival) override;
  absl::StatusOr<std::optional<std::string>> ProcessTeepMessage(const std::string& path,
                                                                std::string_view message,
                                                                const Arrival& arrival) override;

 private:
  using Answer = absl::StatusOr<std::optional<std::string>>;

  // A message on its way, as far as it is known.
  struct Session {
    Session(std::shared_ptr<const Endpoint> at, runtime::CallContext call, std::string from,
            absl::Duration when)
        : endpoint(std::move(at)),
          context(std::move(call)),
          source(std::move(from)),
          arrived(when) {}
    std::shared_ptr<const Endpoint> endpoint;
    runtime::CallContext context;
    std::string source;
    absl::Duration arrived;      // by the clock of the limits
    std::string message_digest;  // SHA-256 of the bytes as received
    std::string kid;             // thumbprint of the key that is said to have signed
    v1::LookupResponse device;
    v1::CipherSuite suite = v1::CIPHER_SUITE_UNSPECIFIED;
    std::optional<keys::PublicKey>
        agent;  // the key that signed; set once the signature is verified
    // Of a QueryResponse: what it brought as challenge or token, if anything, and what became of
    // checking that, or the timestamp that it brought instead.
    std::optional<std::string> challenge;
    absl::StatusOr<Challenge> opened = absl::NotFoundError("absent");
    std::optional<std::string> evidence;  // its attestation payload, where it was encrypted
    int decryptions = 0;
    // Of a QueryResponse, for the log: what its SUIT reports say, and what is kept against its
    // wish.
    std::string reports;
    std::string result;  // the Attestation Result that an Update hands back; empty: none
    v1::GetEnvelopesRequest envelopes;  // of a QueryResponse: what its Update is to bring
    bool charged = false;               // the key's account has paid for a stateless reply
  };

  // How a QueryRequest differs from the first one of an endpoint.
  struct QueryOptions {
    // Of the device, once it is known (draft -26 section 8.1). Unset: signed by every one of ours.
    v1::CipherSuite suite = v1::CIPHER_SUITE_UNSPECIFIED;
    uint64_t without_items = 0;         // bits of data-item-requested that are left out
    bool names_version = false;         // rather than leave it to the default
    bool attests_itself = false;        // with evidence of the TAM itself
    std::optional<std::string> nonce;   // for that evidence; unset: its time of issue is all it has
    std::optional<uint64_t> freshness;  // the one mechanism offered; unset: the endpoint's
    bool other_certificate = false;     // rather than the first of the key that signs
  };

  // Counts one that waits, while it lives.
  class Waiting {
   public:
    explicit Waiting(std::atomic<int>& all) : all_(all), count_(++all) {}
    ~Waiting() { --all_; }
    int count() const { return count_; }  // when it began, itself included

   private:
    std::atomic<int>& all_;
    const int count_;
  };

  // session.cc: who speaks, and whether it is a replay.
  runtime::CallContext NewContext(const Arrival& arrival) const;
  // Of the challenge or token of a QueryRequest that asks for `data_items`.
  static ChallengeKind KindFor(const Endpoint& endpoint, uint8_t data_items);
  absl::StatusOr<std::string> MakeQueryRequest(const Endpoint& endpoint,
                                               const runtime::CallContext& context,
                                               const QueryOptions& options);
  absl::Status CheckQueryBudget(const Session& session);
  absl::StatusOr<cose::Message> ParseSigned(std::string_view message,
                                            const Endpoint& endpoint) const;
  // Sets session.kid, or says why it cannot (NotFound).
  absl::Status FindKeyWithoutKid(Session& session, const cose::Message& cose);
  absl::StatusOr<v1::LookupResponse> Lookup(const Session& session);
  Answer Receive(Session& session, const cose::Message& cose);
  Answer Dispatch(Session& session, const teep::Message& message);
  // False when the source has failed too often and the key has not proved itself lately.
  bool MayBeHeard(const Session& session);
  // False when a reply without state may not be given to this key now.
  bool MayReplyStateless(Session& session);
  std::string KeyOf(const Session& session) const;  // in the limits' tables
  Answer Silent(const Session& session, Outcome outcome, absl::string_view detail = "");
  Answer Drop(const Session& session, Outcome outcome, absl::string_view detail = "");
  Answer Fail(const Session& session, const absl::Status& status);
  void Record(const Session& session, Outcome outcome, absl::string_view detail = "");

  // session_challenge.cc
  void FindChallenge(Session& session, const cose::Message& cose);
  void FindInEvidence(Session& session, std::string_view payload);
  absl::StatusOr<Challenge> Open(const Session& session, std::string_view challenge);
  // For verified signatures: decides by keys and configuration that were read after the message
  // came.
  void ReopenIfRefused(Session& session);
  // Unavailable: they could not be read, or too many wait.
  void Reopen(Session& session);
  // True when the guard shows this challenge, or a later one, as used.
  static bool IsUsed(const Session& session);

  // session_decrypt.cc. Unimplemented: this TAM cannot open it. InvalidArgument: malformed.
  absl::StatusOr<std::string> Decrypt(Session& session, v1::DecryptUse use,
                                      std::string_view sealed);
  // Fills `evidence`, and the challenge in it, where a QueryResponse brought it encrypted.
  absl::Status OpenEvidence(Session& session, const teep::Message& message);

  // session_response.cc: a verified QueryResponse.
  static bool ExpectsToken(const Session& session);
  Answer OnQueryResponse(Session& session, const teep::QueryResponse& response);
  Answer OnChallenged(Session& session, const teep::QueryResponse& response, uint64_t asked);
  // err-code 7 for a challenge that is not one of ours, now.
  Answer RefuseChallenge(Session& session);
  void NoteTurnedAway(const Session& session);
  Answer OnFuture(Session& session);
  Answer OnAppraised(Session& session, const teep::QueryResponse& response,
                     v1::AcceptRequest accept);
  Answer Refuse(Session& session, v1::AcceptRequest accept);
  Answer Accept(Session& session, const v1::AcceptRequest& request);
  v1::AcceptRequest NewAccept(const Session& session) const;

  // session_update.cc
  v1::NewUpdate NewUpdate(const Session& session);
  Answer AnswerError(Session& session, Outcome outcome, teep::ErrorCode code,
                     absl::string_view text);
  Answer SendUpdate(Session& session, const v1::UpdateRecord& update, bool again);
  // Adds to the log's words what the device does not need and a deployment keeps there.
  static void NoteKept(Session& session, const v1::ResolveResponse& plan);
  // The same words name the same binaries, which are left out again.
  static void NoteHeld(Session& session, const cose::Message& cose);
  // The answer to a QueryResponse that was accepted before.
  Answer Resend(Session& session);
  // The same where it was accepted by another replica since the device was looked up.
  Answer SendAgain(Session& session, const v1::UpdateRecord& update);

  // session_report.cc: a verified Success or Error.
  Answer OnSuccess(Session& session, const teep::Success& success);
  Answer OnError(Session& session, const teep::Error& error);
  // `query` is sent once the report is recorded.
  Answer Report(Session& session, v1::ReportRequest request,
                const std::optional<QueryOptions>& query);

  // session_errors.cc: what answers Errors of each code.
  Answer OnErrorWithoutToken(Session& session, const teep::Error& error);
  Answer OnErrorToQuery(Session& session, const teep::Error& error);
  // The QueryRequest that may do better than the one of `asked` that `error` answers; nullopt:
  // none, or not again so soon.
  std::optional<QueryOptions> BetterQuery(const Session& session, const teep::Error& error,
                                          uint64_t asked);
  // The QueryRequest of these options; nullopt: there are none, or no other certificate. Spends the
  // budget.
  Answer MakeQuery(const Session& session, const std::optional<QueryOptions>& options);
  // The same as the answer, which the log then has.
  Answer SendQuery(const Session& session, const std::optional<QueryOptions>& options);
  // What the log says of an Error besides its end.
  void Remark(const Session& session, const teep::Error& error);
  absl::Duration BackOffFor(teep::ErrorCode code) const;
  static uint32_t CodeOf(const teep::Error& error);

  // session_suit_reports.cc: errors as ReadSuitReports has them. Records what is flagged.
  absl::StatusOr<SuitReports> ReadReports(Session& session, const std::vector<std::string>& reports,
                                          const std::optional<std::string>& token);
  // What a Success or an Error of which the reports cannot be read leads to.
  Answer OnUnsoundReports(const Session& session, const absl::Status& status);

  const SessionConfig config_;
  const Dependencies dependencies_;
  std::atomic<int> waiting_for_reads_{0};
  TokenBucket query_budget_;
  TokenBucket excess_query_budget_;
  TokenBucket excess_messages_;
  BucketTable source_queries_;
  BucketTable source_failures_;
  BucketTable key_failures_;
  BucketTable devices_;
  BucketTable resends_;
  BucketTable error_resends_;
  BucketTable certificate_resends_;
  BucketTable decryptions_;
  RecentKeys recent_keys_;
};

}  // namespace tam::gateway

#endif  // TAMARACK_SERVICES_GATEWAY_SESSION_H_

#include "services/gateway/offline/check.h"

#include <utility>

#include "crypto/cbor/cbor.h"
#include "crypto/cose/cose.h"
#include "crypto/secret/secret.h"
#include "crypto/text/text.h"
#include "services/gateway/endpoint_cache.h"
#include "services/gateway/epoch_keys.h"
#include "services/gateway/issued.h"
#include "services/gateway/offline/contradictions.h"
#include "services/gateway/offline/played_services.h"
#include "services/gateway/outcome.h"
#include "services/gateway/peers.h"
#include "services/gateway/session.h"
#include "teep/message/message.h"

namespace tam::gateway {
namespace {

constexpr char kTrustDomain[] = "offline.invalid";
constexpr Rate kUnlimited{1e15, 1e15};
constexpr size_t kMaxKeysWithoutKid = 16;  // as the registry gives of an endpoint

// What was sent is known by equality.
class SentValues : public IssuedValues {
 public:
  explicit SentValues(const CheckInput& input) : input_(input) {}

  absl::StatusOr<Challenge> Open(const EpochKeys&, const ChallengeBinding& binding, absl::Time now,
                                 Bytes value) const override {
    const bool attested = (input_.requested & 1) != 0;
    Challenge challenge;
    if (input_.sent_challenge == cbor::AsView(value)) {
      challenge.kind = ChallengeKind::kChallenge;
    } else if (input_.sent_token == cbor::AsView(value)) {
      challenge.kind = attested ? ChallengeKind::kPassportToken : ChallengeKind::kToken;
    } else {
      return absl::InvalidArgumentError("not what was sent");
    }
    challenge.data_items = input_.requested;
    challenge.issue_ms = absl::ToUnixMillis(now);
    challenge.generation = binding.generation;
    return challenge;
  }
  // Whether the token was that of a QueryRequest or of an Update is not known: it is taken for the
  // latter, for an Update's answer may say more.
  bool MayBeQueryToken(std::string_view) const override { return false; }
  bool MayBeUpdateToken(std::string_view token) const override {
    return input_.sent_token == token;
  }

 private:
  const CheckInput& input_;
};

// What became of the message in the end, and what was wrong with it all the same.
class LastOutcome : public OutcomeSink {
 public:
  void Record(const OutcomeEvent& event) override {
    if (event.outcome == Outcome::kFlagged) {
      if (flag_.empty()) flag_ = std::string(StdView(event.detail));
      return;
    }
    outcome_ = event.outcome;
    text_ = std::string(StdView(OutcomeCode(event.outcome)));
    if (!event.detail.empty()) Append(&text_, " (", StdView(event.detail), ")");
  }
  Outcome outcome() const { return outcome_; }
  const std::string& text() const { return text_; }
  // The first that was flagged; empty: nothing.
  const std::string& flag() const { return flag_; }

 private:
  Outcome outcome_ = Outcome::kFailed;
  std::string text_ = "nothing happened";
  std::string flag_;
};

// Every other outcome drops the message, those that are not known here too.
bool IsAccepted(Outcome outcome) {
  switch (outcome) {
    case Outcome::kQueryRequestSent:
    case Outcome::kUpdateSent:
    case Outcome::kNothingToDo:
    case Outcome::kReportRecorded:
    case Outcome::kErrorWithoutToken:
    case Outcome::kErrorToQueryRecorded:
      return true;
    default:
      return false;
  }
}

SessionConfig Unlimited() {
  SessionConfig config;
  for (Rate* rate :
       {&config.query_requests, &config.query_requests_per_source, &config.excess_query_requests,
        &config.failures_per_source, &config.failures_per_key, &config.excess_messages,
        &config.per_device, &config.resends_per_device, &config.error_resends_per_device}) {
    *rate = kUnlimited;
  }
  config.limit_slots = 1;
  return config;
}

Endpoint EndpointOf(const CheckInput& input) {
  Endpoint endpoint;
  endpoint.path = kCheckPath;
  endpoint.tenant_uid = std::string(16, 't');
  endpoint.tenant_name = "check";
  endpoint.uid = std::string(16, 'e');
  endpoint.binding.data_items = input.requested;
  endpoint.profile = input.wire;
  if (input.wire == teep::WireProfile::kLegacy) {
    endpoint.legacy = {.older_algorithms = true,
                       .untagged = true,
                       .keys_without_kid = true,
                       .sign1 = std::nullopt,
                       .agent_keys = input.agent_keys,
                       .too_many_agent_keys = input.agent_keys.size() > kMaxKeysWithoutKid};
  }
  return endpoint;
}

// Of a message that the engine has verified and accepted.
std::string Contradiction(std::string_view message, teep::WireProfile wire,
                          const suit::ReportKeys& keys) {
  const auto cose = cose::Message::Parse(cbor::AsBytes(message), cose::TagRule::kOptional);
  if (!cose.ok() || !cose->unverified_payload().has_value()) return "";
  const auto decoded = teep::Decode(cbor::AsBytes(*cose->unverified_payload()), wire);
  return decoded.ok() ? ContradictionIn(*decoded, keys) : "";
}

// The engine with all that it needs, for one message.
class Bench {
 public:
  explicit Bench(const CheckInput& input)
      : wire_(input.wire),
        registry_(input),
        attestation_(input),
        signing_(input),
        sent_(input),
        peers_({registry_, attestation_, catalog_, signing_}),
        keys_([at = input.at] { return KeysAt(at); }, AtOnce(), Still()),
        endpoints_([&input](const std::string&) { return EndpointOf(input); }, AtOnce(), Still(),
                   EndpointCache::Limits()),
        engine_(Unlimited(),
                {*runtime::Identity::Parse(Concat("spiffe://", kTrustDomain, "/service/gateway"),
                                           kTrustDomain),
                 peers_, keys_, endpoints_, outcome_, secret::RandomSource::System(), Still(),
                 sent_, input.report_keys}) {}

  absl::StatusOr<CheckResult> Run(std::string_view message) {
    const auto answer = engine_.ProcessTeepMessage(kCheckPath, message, {"192.0.2.1"});
    if (absl::IsOutOfRange(answer.status())) {
      return CheckResult{CheckResult::Verdict::kDrop, 0,
                         std::string(StdView(answer.status().message()))};
    }
    if (!answer.ok()) return absl::InternalError(answer.status().message());
    if (signing_.err_code() != 0) {
      return CheckResult{CheckResult::Verdict::kAnswer, signing_.err_code(), signing_.err_msg()};
    }
    if (!IsAccepted(outcome_.outcome())) {
      return CheckResult{CheckResult::Verdict::kDrop, 0, outcome_.text()};
    }
    suit::ReportKeys keys;
    keys.decrypt = [this](suit::Bytes sealed) { return signing_.OpenReport(sealed); };
    std::string found =
        outcome_.flag().empty() ? Contradiction(message, wire_, keys) : outcome_.flag();
    if (!found.empty()) {
      return CheckResult{CheckResult::Verdict::kFlagged, 0, std::move(found)};
    }
    return CheckResult{attestation_.was_evidence() ? CheckResult::Verdict::kEvidence
                                                   : CheckResult::Verdict::kAccept,
                       0, ""};
  }

 private:
  static Background AtOnce() {
    return [](const std::function<void()>& task) {
      task();
      return true;
    };
  }
  static MonotonicClock Still() {
    return [] { return absl::ZeroDuration(); };
  }
  static absl::StatusOr<FetchedKeys> KeysAt(absl::Time at) {
    FetchedKeys fetched;
    fetched.keys.emplace(EpochOf(absl::ToUnixMillis(at)),
                         secret::SecretBytes::Random(32, secret::RandomSource::System()));
    fetched.database_time = at;
    return fetched;
  }

  const teep::WireProfile wire_;
  PlayedRegistry registry_;
  PlayedAttestation attestation_;
  PlayedCatalog catalog_;
  PlayedSigning signing_;
  SentValues sent_;
  LastOutcome outcome_;
  Peers peers_;
  EpochKeyCache keys_;
  EndpointCache endpoints_;
  SessionEngine engine_;
};

absl::Status CheckInputs(const CheckInput& input) {
  if (input.sent_token.has_value() && input.sent_challenge.has_value()) {
    return absl::InvalidArgumentError("sent: want a token or a challenge, got both");
  }
  if (input.requested > 15) {
    return absl::InvalidArgumentError(
        Concat("requested: want 0 to 15, got ", static_cast<int>(input.requested)));
  }
  if (input.sent_challenge.has_value() && (input.requested & 1) == 0) {
    return absl::InvalidArgumentError(
        "requested: want attestation (1) with a challenge, got a request without");
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<CheckResult> CheckMessage(std::string_view message, const CheckInput& input) {
  if (absl::Status status = CheckInputs(input); !status.ok()) return status;
  return Bench(input).Run(message);
}

std::string ToText(const CheckResult& result) {
  switch (result.verdict) {
    case CheckResult::Verdict::kAccept:
      return "accept";
    case CheckResult::Verdict::kEvidence:
      return "accept:evidence";
    case CheckResult::Verdict::kFlagged:
      return Concat("accept:flagged: ", result.reason);
    case CheckResult::Verdict::kDrop:
      return Concat("drop: ", result.reason);
    case CheckResult::Verdict::kAnswer:
      return Concat("answer: err-code ", result.err_code, ": ", result.reason);
  }
  return "";
}

}  // namespace tam::gateway

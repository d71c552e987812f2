// What a verified Error leads to besides its record: backing off, or another QueryRequest that may
// do better (draft -26 sections 4.6 and 7.1.2; TEEP.md section 8).
#include <algorithm>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "crypto/cbor/cbor.h"
#include "services/gateway/conversions.h"
#include "services/gateway/session.h"

namespace tam::gateway {
namespace {

using Answer = absl::StatusOr<std::optional<std::string>>;
using teep::Error;
using teep::ErrorCode;

// What eat_nonce can hold (RFC 9711 section 4.1).
constexpr size_t kMaxEatNonce = 64;

template <typename List, typename Value>
bool Contains(const List& list, const Value& value) {
  return std::find(list.begin(), list.end(), value) != list.end();
}

// Of the QueryRequest that an Error answers.
struct Asked {
  uint64_t items;
  bool timestamps;  // whether its endpoint takes them beside nonces
};

bool Never(const Error&, const Asked&) { return false; }
bool Always(const Error&, const Asked&) { return true; }
bool Complete(const Error&) { return true; }

v1::CipherSuite CommonSuite(const Error& error) {
  for (const teep::CipherSuite& suite : error.supported_cipher_suites) {
    if (Contains(teep::MandatoryCipherSuites(), suite)) return SuiteOf(suite.front().algorithm);
  }
  return v1::CIPHER_SUITE_UNSPECIFIED;
}

// Label 20 of an Error 7: absent, nonces are meant.
bool WantsNonce(const Error& error) {
  return error.supported_freshness_mechanisms.empty() ||
         Contains(error.supported_freshness_mechanisms, teep::kFreshnessNonce);
}

bool HasFittingNonce(const Error& error) {
  return error.challenge.has_value() && error.challenge->size() <= kMaxEatNonce;
}

// Of label 20 of an Error 3, what its endpoint has too.
std::optional<uint64_t> CommonFreshness(const Error& error, bool timestamps) {
  const auto& listed = error.supported_freshness_mechanisms;
  if (Contains(listed, teep::kFreshnessNonce)) return teep::kFreshnessNonce;
  if (timestamps && Contains(listed, teep::kFreshnessTimestamp)) return teep::kFreshnessTimestamp;
  return std::nullopt;
}

bool CanAttestItself(const Error& error, const Asked&) {
  if (Contains(error.supported_freshness_mechanisms, teep::kFreshnessTimestamp)) return true;
  return WantsNonce(error) && (!error.challenge.has_value() || HasFittingNonce(error));
}

struct Reaction {
  ErrorCode code;
  // Whether a QueryRequest of ours can be other than the one that was `asked`, so that the device
  // may take it.
  bool (*has_overlap)(const Error& error, const Asked& asked);
  // Whether the field is there that the draft demands beside this code.
  bool (*is_complete)(const Error& error);
  absl::Duration SessionConfig::*back_off;  // where no other QueryRequest is sent; nullptr: none
  // About our certificate: another may do, and the operator hears of it.
  std::optional<Outcome> certificate = std::nullopt;
};

constexpr Reaction kReactions[] = {
    {ErrorCode::kPermanentError, Never, Complete, &SessionConfig::back_off_permanent},
    {ErrorCode::kUnsupportedExtension,
     [](const Error&, const Asked& asked) { return (asked.items & teep::kRequestExtensions) != 0; },
     Complete, &SessionConfig::back_off_other},
    {ErrorCode::kUnsupportedFreshnessMechanisms,
     [](const Error& error, const Asked& asked) {
       return CommonFreshness(error, asked.timestamps).has_value();
     },
     [](const Error& error) { return !error.supported_freshness_mechanisms.empty(); },
     &SessionConfig::back_off_other},
    {ErrorCode::kUnsupportedMsgVersion,
     [](const Error& error, const Asked&) { return Contains(error.versions, uint64_t{0}); },
     [](const Error& error) { return !error.versions.empty(); }, &SessionConfig::back_off_other},
    {ErrorCode::kUnsupportedCipherSuites,
     [](const Error& error, const Asked&) {
       return CommonSuite(error) != v1::CIPHER_SUITE_UNSPECIFIED;
     },
     [](const Error& error) { return !error.supported_cipher_suites.empty(); },
     &SessionConfig::back_off_other},
    {ErrorCode::kBadCertificate, Always, Complete, &SessionConfig::back_off_other,
     Outcome::kTamCertificateRefused},
    {ErrorCode::kAttestationRequired, CanAttestItself, Complete, &SessionConfig::back_off_other},
    // Our QueryRequests bear no reports, so none are left out.
    {ErrorCode::kUnsupportedSuitReport, Always,
     [](const Error& error) { return !error.supported_suit_cose_profiles.empty(); },
     &SessionConfig::back_off_other},
    {ErrorCode::kCertificateExpired, Always, Complete, &SessionConfig::back_off_temporary,
     Outcome::kTamCertificateExpired},
    {ErrorCode::kTemporaryError, Never, Complete, &SessionConfig::back_off_temporary},
    // Other components may still be updated.
    {ErrorCode::kManifestProcessingFailed, Never, Complete, nullptr},
};

constexpr Reaction kToUnknownCodes = {ErrorCode::kPermanentError, Never, Complete,
                                      &SessionConfig::back_off_other};

const Reaction& ReactionTo(ErrorCode code) {
  const auto* found = std::find_if(std::begin(kReactions), std::end(kReactions),
                                   [&](const Reaction& row) { return row.code == code; });
  return found == std::end(kReactions) ? kToUnknownCodes : *found;
}

}  // namespace

// Few are given to one key: the two sides could go on for ever, and an Error without token
// may be anybody's recording (TEEP.md A24).
std::optional<SessionEngine::QueryOptions> SessionEngine::BetterQuery(const Session& session,
                                                                      const Error& error,
                                                                      uint64_t asked) {
  const bool timestamps = session.endpoint->timestamps;
  const Reaction& reaction = ReactionTo(error.err_code);
  if (!reaction.has_overlap(error, {asked, timestamps})) return std::nullopt;
  const bool certificate = reaction.certificate.has_value();
  if (certificate && !certificate_resends_.TryTake(KeyOf(session))) return std::nullopt;
  if (!error_resends_.TryTake(KeyOf(session))) return std::nullopt;
  QueryOptions options;
  options.suite = session.suite;
  options.other_certificate = certificate;
  switch (error.err_code) {
    case ErrorCode::kUnsupportedExtension:
      options.without_items = teep::kRequestExtensions;
      break;
    case ErrorCode::kUnsupportedFreshnessMechanisms:
      options.freshness = CommonFreshness(error, timestamps);
      break;
    case ErrorCode::kUnsupportedMsgVersion:
      options.names_version = true;
      break;
    case ErrorCode::kUnsupportedCipherSuites:
      options.suite = CommonSuite(error);
      break;
    case ErrorCode::kAttestationRequired:
      options.attests_itself = true;
      if (WantsNonce(error) && HasFittingNonce(error)) options.nonce = *error.challenge;
      break;
    default:
      break;
  }
  return options;
}

absl::Duration SessionEngine::BackOffFor(ErrorCode code) const {
  const Reaction& reaction = ReactionTo(code);
  return reaction.back_off == nullptr ? absl::ZeroDuration() : config_.*reaction.back_off;
}

void SessionEngine::Remark(const Session& session, const Error& error) {
  const Reaction& reaction = ReactionTo(error.err_code);
  if (reaction.certificate.has_value()) Record(session, *reaction.certificate);
  if (reaction.is_complete(error)) return;
  Record(session, Outcome::kFlagged,
         absl::StrCat("Error without the field that ", teep::ErrorCodeName(error.err_code),
                      " demands"));
}

Answer SessionEngine::MakeQuery(const Session& session,
                                const std::optional<QueryOptions>& options) {
  if (!options.has_value()) return std::optional<std::string>();
  if (absl::Status budget = CheckQueryBudget(session); !budget.ok()) return budget;
  auto query = MakeQueryRequest(*session.endpoint, session.context, *options);
  if (query.ok()) return *std::move(query);
  if (options->other_certificate && absl::IsNotFound(query.status())) {
    return std::optional<std::string>();
  }
  return Fail(session, query.status());
}

Answer SessionEngine::SendQuery(const Session& session,
                                const std::optional<QueryOptions>& options) {
  Answer query = MakeQuery(session, options);
  if (query.ok() && query->has_value()) Record(session, Outcome::kQueryRequestSent);
  return query;
}

// Anybody may have recorded this message and play it again: it changes nothing (TEEP.md A24).
Answer SessionEngine::OnErrorWithoutToken(Session& session, const Error& error) {
  Record(session, Outcome::kErrorWithoutToken, teep::ErrorCodeName(error.err_code));
  source_failures_.TryTake(session.source);
  return SendQuery(session, BetterQuery(session, error, session.endpoint->binding.data_items));
}

// An Error with the token of a QueryRequest of ours: uses the token up, so that it counts once.
Answer SessionEngine::OnErrorToQuery(Session& session, const Error& error) {
  session.challenge = error.token;
  session.opened = Open(session, *error.token);
  ReopenIfRefused(session);
  if (absl::IsUnavailable(session.opened.status())) return Fail(session, session.opened.status());
  if (!session.opened.ok() || session.opened->kind == ChallengeKind::kChallenge) {
    return Drop(session, Outcome::kDroppedToken, session.opened.status().message());
  }
  if (IsUsed(session)) return Drop(session, Outcome::kDroppedUsedChallenge);
  // Made before the token is used up: where it fails the device may come again, and where there is
  // none it is held off.
  Answer query = MakeQuery(session, BetterQuery(session, error, session.opened->data_items));
  if (!query.ok()) return query;
  v1::AcceptRequest accept = NewAccept(session);
  accept.set_err_code(CodeOf(error));
  if (!query->has_value()) {
    accept.set_back_off_seconds(absl::ToInt64Seconds(BackOffFor(error.err_code)));
  }
  auto result = dependencies_.peers.Accept(session.context, accept);
  if (!result.ok()) return Fail(session, result.status());
  if (result->outcome() != v1::ACCEPT_OUTCOME_ACCEPTED) {
    return Drop(session, Outcome::kDroppedUsedChallenge, v1::AcceptOutcome_Name(result->outcome()));
  }
  Record(session, Outcome::kErrorToQueryRecorded, teep::ErrorCodeName(error.err_code));
  if (query->has_value()) Record(session, Outcome::kQueryRequestSent);
  return query;
}

uint32_t SessionEngine::CodeOf(const Error& error) {
  return static_cast<uint32_t>(
      std::min<uint64_t>(static_cast<uint64_t>(error.err_code), UINT32_MAX));
}

}  // namespace tam::gateway

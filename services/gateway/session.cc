#include "services/gateway/session.h"

#include <utility>
#include <variant>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "crypto/cbor/cbor.h"
#include "services/gateway/conversions.h"
#include "services/runtime/request_id.h"
#include "teep/message/older.h"

namespace tam::gateway {
namespace {

constexpr size_t kThumbprintSize = 32;
constexpr uint8_t kAttestationBit = 1;

uint64_t RandomSeed(secret::RandomSource& random) {
  std::array<uint8_t, 8> bytes;
  random.Fill(absl::MakeSpan(bytes));
  uint64_t seed = 0;
  for (uint8_t byte : bytes) seed = seed << 8 | byte;
  return seed;
}

// The kid that the message names: of the first signature that has one.
std::string KidOf(const cose::Message& cose) {
  for (const cose::SignerHeader& signer : cose.signers()) {
    if (signer.kid.has_value()) return *signer.kid;
  }
  return "";
}

// Of the signature that KidOf names; what Verify found when this message was accepted.
int64_t AlgorithmOf(const cose::Message& cose, absl::string_view kid) {
  for (const cose::SignerHeader& signer : cose.signers()) {
    if (signer.kid == kid) return signer.algorithm.value_or(0);
  }
  return cose.signers().front().algorithm.value_or(0);
}

constexpr char kUntaggedRule[] = "A4: untagged COSE; this endpoint wants tag 18 or 98";

cose::AlgorithmPolicy PolicyOf(const Endpoint& endpoint) {
  return endpoint.legacy.older_algorithms ? cose::AlgorithmPolicy::WithOlderNumbers()
                                          : cose::AlgorithmPolicy::Strict();
}

// Of the first signature with -7 or -8.
std::optional<int64_t> OlderAlgorithm(const cose::Message& cose) {
  for (const cose::SignerHeader& signer : cose.signers()) {
    if (signer.algorithm == cose::kEs256 || signer.algorithm == cose::kEdDsa) {
      return signer.algorithm;
    }
  }
  return std::nullopt;
}

// What the log says of a message that did not verify or decode: the rule by which an older peer
// fails, where it is one (TEEP.md sections 0 and 12).
std::string RuleBroken(const Endpoint& endpoint, const cose::Message& cose,
                       const absl::Status& status) {
  const auto older = OlderAlgorithm(cose);
  if (absl::IsUnauthenticated(status) && older.has_value() && !endpoint.legacy.older_algorithms) {
    return absl::StrCat("A3: alg ", *older, *older == cose::kEs256 ? " (ES256)" : " (EdDSA)",
                        "; this endpoint takes -9 and -19");
  }
  if (absl::IsInvalidArgument(status) && endpoint.profile == teep::WireProfile::kDraft26) {
    const auto numbering = teep::DescribeOlder(cbor::AsBytes(*cose.unverified_payload()));
    if (numbering.has_value()) return absl::StrCat("section 0: ", *numbering);
  }
  return std::string(status.message());
}

}  // namespace

SessionEngine::SessionEngine(const SessionConfig& config, Dependencies dependencies)
    : config_(config),
      dependencies_(std::move(dependencies)),
      query_budget_(config.query_requests, dependencies_.clock),
      excess_query_budget_(config.excess_query_requests, dependencies_.clock),
      excess_messages_(config.excess_messages, dependencies_.clock),
      source_queries_(config.limit_slots, config.query_requests_per_source, dependencies_.clock,
                      RandomSeed(dependencies_.random)),
      source_failures_(config.limit_slots, config.failures_per_source, dependencies_.clock,
                       RandomSeed(dependencies_.random)),
      key_failures_(config.limit_slots, config.failures_per_key, dependencies_.clock,
                    RandomSeed(dependencies_.random)),
      devices_(config.limit_slots, config.per_device, dependencies_.clock,
               RandomSeed(dependencies_.random)),
      resends_(config.limit_slots, config.resends_per_device, dependencies_.clock,
               RandomSeed(dependencies_.random)),
      error_resends_(config.limit_slots, config.error_resends_per_device, dependencies_.clock,
                     RandomSeed(dependencies_.random)),
      certificate_resends_(config.limit_slots, config.certificate_resends_per_device,
                           dependencies_.clock, RandomSeed(dependencies_.random)),
      decryptions_(config.limit_slots, config.decryptions_per_device, dependencies_.clock,
                   RandomSeed(dependencies_.random)),
      recent_keys_(config.limit_slots, config.remember_keys, dependencies_.clock,
                   RandomSeed(dependencies_.random)) {}

runtime::CallContext SessionEngine::NewContext(const Arrival& arrival) const {
  return {dependencies_.self, absl::Now() - arrival.waited + config_.call_timeout,
          runtime::NewRequestId()};
}

absl::StatusOr<std::string> SessionEngine::ProcessConnect(const std::string& path,
                                                          const Arrival& arrival) {
  const absl::Duration arrived = dependencies_.clock() - arrival.waited;
  const runtime::CallContext context = NewContext(arrival);
  auto endpoint = dependencies_.endpoints.Get(path, context.deadline);
  if (!endpoint.ok()) return endpoint.status();
  Session session(*std::move(endpoint), context, arrival.source, arrived);
  if (absl::Status budget = CheckQueryBudget(session); !budget.ok()) return budget;
  auto query = MakeQueryRequest(*session.endpoint, session.context, QueryOptions());
  if (query.ok()) {
    Record(session, Outcome::kQueryRequestSent);
  } else {
    Record(session, Outcome::kFailed, query.status().ToString());
  }
  return query;
}

// A source above its limit competes for the excess alone, so that it cannot use up the whole.
absl::Status SessionEngine::CheckQueryBudget(const Session& session) {
  const bool within = source_queries_.TryTake(session.source);
  if ((within || excess_query_budget_.TryTake()) && query_budget_.TryTake()) {
    return absl::OkStatus();
  }
  Record(session, Outcome::kQueryBudgetExhausted);
  return absl::ResourceExhaustedError("signing budget of QueryRequests used up");
}

// Older agents know no challenge: evidence that they make is fresh by the token, as a result is in
// the Passport model.
ChallengeKind SessionEngine::KindFor(const Endpoint& endpoint, uint8_t data_items) {
  if ((data_items & kAttestationBit) == 0) return ChallengeKind::kToken;
  const bool by_token = endpoint.passport || endpoint.profile == teep::WireProfile::kLegacy;
  return by_token ? ChallengeKind::kPassportToken : ChallengeKind::kChallenge;
}

namespace {

// supported-freshness-mechanisms; where nonces alone are offered it is left out.
void SetFreshness(const Endpoint& endpoint, const std::optional<uint64_t>& chosen,
                  v1::SignQueryRequestRequest& request) {
  if ((request.data_items() & kAttestationBit) == 0 || !endpoint.timestamps) return;
  if (chosen == teep::kFreshnessNonce) return;
  if (!chosen.has_value()) request.add_freshness(teep::kFreshnessNonce);
  request.add_freshness(teep::kFreshnessTimestamp);
}

// Of the first QueryRequest; unspecified: signed by each.
v1::CipherSuite FirstSuite(const Endpoint& endpoint) {
  if (!endpoint.legacy.sign1.has_value()) return v1::CIPHER_SUITE_UNSPECIFIED;
  return endpoint.legacy.sign1 == keys::KeyType::kP256 ? v1::CIPHER_SUITE_ESP256
                                                       : v1::CIPHER_SUITE_ED25519;
}

}  // namespace

absl::StatusOr<std::string> SessionEngine::MakeQueryRequest(const Endpoint& endpoint,
                                                            const runtime::CallContext& context,
                                                            const QueryOptions& options) {
  auto keys = dependencies_.keys.Get(context.deadline);
  if (!keys.ok()) return keys.status();
  ChallengeBinding binding = endpoint.binding;
  binding.data_items &= static_cast<uint8_t>(~options.without_items);
  const ChallengeKind kind = KindFor(endpoint, binding.data_items);
  auto challenge = MakeChallenge(keys->keys(), binding, kind, keys->now(), dependencies_.random);
  if (!challenge.ok()) return challenge.status();
  v1::SignQueryRequestRequest request;
  request.set_tenant_uid(endpoint.tenant_uid);
  SetProfile(endpoint, request);
  request.set_data_items(binding.data_items);
  request.set_suite(options.suite != v1::CIPHER_SUITE_UNSPECIFIED ? options.suite
                                                                  : FirstSuite(endpoint));
  if (options.names_version) request.add_versions(0);
  SetFreshness(endpoint, options.freshness, request);
  if (options.attests_itself) {
    request.mutable_tam_attestation()->set_nonce(options.nonce.value_or(""));
  }
  request.set_certificate(options.other_certificate ? 1 : 0);
  kind == ChallengeKind::kChallenge ? request.set_challenge(*challenge)
                                    : request.set_token(*challenge);
  auto signed_message = dependencies_.peers.SignQueryRequest(context, request);
  if (!signed_message.ok()) return signed_message.status();
  if (options.other_certificate && signed_message->message().empty()) {
    return absl::NotFoundError("no other certificate");
  }
  return std::move(*signed_message->mutable_message());
}

absl::StatusOr<cose::Message> SessionEngine::ParseSigned(std::string_view message,
                                                         const Endpoint& endpoint) const {
  const cose::Bytes bytes = cbor::AsBytes(message);
  auto cose = cose::Message::Parse(
      bytes, endpoint.legacy.untagged ? cose::TagRule::kOptional : cose::TagRule::kRequired);
  if (!cose.ok()) {
    const bool tag_alone = cose::Message::Parse(bytes, cose::TagRule::kOptional).ok();
    return tag_alone ? absl::InvalidArgumentError(kUntaggedRule) : cose.status();
  }
  if (cose->structure() == cose::Structure::kMac0) {
    return absl::InvalidArgumentError("message: want COSE_Sign1 or COSE_Sign, got COSE_Mac0");
  }
  if (!cose->unverified_payload().has_value()) {
    return absl::InvalidArgumentError("message: want a payload, got a detached one");
  }
  return cose;
}

absl::StatusOr<std::optional<std::string>> SessionEngine::ProcessTeepMessage(
    const std::string& path, std::string_view message, const Arrival& arrival) {
  const absl::Duration arrived = dependencies_.clock() - arrival.waited;
  const runtime::CallContext context = NewContext(arrival);
  auto endpoint = dependencies_.endpoints.Get(path, context.deadline);
  if (!endpoint.ok()) return endpoint.status();
  Session session(*std::move(endpoint), context, arrival.source, arrived);
  if (message.size() > session.endpoint->max_message_bytes) {
    return absl::OutOfRangeError("message too large for this endpoint");
  }
  auto cose = ParseSigned(message, *session.endpoint);
  session.kid = cose.ok() ? KidOf(*cose) : "";
  if (!MayBeHeard(session)) {
    Record(session, Outcome::kLimited, "source");
    return absl::ResourceExhaustedError("too many failures from this source");
  }
  if (!cose.ok()) return Drop(session, Outcome::kDroppedMalformed, cose.status().message());
  if (session.kid.size() != kThumbprintSize) {
    if (absl::Status found = FindKeyWithoutKid(session, *cose); !found.ok()) {
      return Drop(session, Outcome::kDroppedUnknownKey, found.message());
    }
  }
  session.message_digest = cbor::AsString(secret::Sha256(cbor::AsBytes(message)));
  return Receive(session, *cose);
}

// A message that names no key, at an endpoint that takes such: each failed trial counts against its
// source. Afterwards all is as if it had named the key whose signature it bears.
absl::Status SessionEngine::FindKeyWithoutKid(Session& session, const cose::Message& cose) {
  const LegacyOptions& legacy = session.endpoint->legacy;
  if (!legacy.keys_without_kid) {
    return absl::NotFoundError(
        session.kid.empty() ? "4.1.2: no kid"
                            : absl::StrCat("4.1.2: a kid of ", session.kid.size(),
                                           " bytes, want a thumbprint of ", kThumbprintSize));
  }
  if (legacy.too_many_agent_keys) {
    return absl::NotFoundError("no kid, and this endpoint has too many keys to try");
  }
  if (cose.structure() != cose::Structure::kSign1) {
    return absl::NotFoundError("no kid: want COSE_Sign1");
  }
  for (const keys::PublicKey& key : legacy.agent_keys) {
    if (cose.Verify(key, PolicyOf(*session.endpoint)).ok()) {
      session.kid = cbor::AsString(key.thumbprint());
      return absl::OkStatus();
    }
    source_failures_.TryTake(session.source);
  }
  return absl::NotFoundError("no kid, and no key of this endpoint verifies it");
}

absl::StatusOr<v1::LookupResponse> SessionEngine::Lookup(const Session& session) {
  v1::LookupRequest lookup;
  lookup.set_tenant_uid(session.endpoint->tenant_uid);
  lookup.set_endpoint_uid(session.endpoint->uid);
  lookup.set_thumbprint(session.kid);
  return dependencies_.peers.Lookup(session.context, lookup);
}

absl::StatusOr<std::optional<std::string>> SessionEngine::Receive(Session& session,
                                                                  const cose::Message& cose) {
  FindChallenge(session, cose);
  auto found = Lookup(session);
  if (absl::IsNotFound(found.status())) return Drop(session, Outcome::kDroppedUnknownKey);
  if (!found.ok()) return Fail(session, found.status());
  session.device = *std::move(found);
  if (session.device.key_state() != v1::KEY_STATE_ACTIVE &&
      session.device.key_state() != v1::KEY_STATE_PENDING) {
    return Drop(session, Outcome::kDroppedKeyNotActive);
  }
  // These bytes were verified when they were accepted; nothing but their answer is at stake.
  if (session.device.guard().last_message_digest() == session.message_digest) {
    session.suite = SuiteOf(AlgorithmOf(cose, session.kid));
    NoteHeld(session, cose);
    return Resend(session);
  }
  if (IsUsed(session)) {
    key_failures_.TryTake(KeyOf(session));
    return Drop(session, Outcome::kDroppedUsedChallenge);
  }
  auto key = keys::PublicKey::FromCoseKey(cbor::AsBytes(session.device.agent_key()));
  if (!key.ok()) return Fail(session, absl::InternalError(key.status().message()));
  auto verified =
      teep::VerifyMessage(cose, *key, PolicyOf(*session.endpoint), session.endpoint->profile);
  if (!verified.ok()) {
    // The kid is anybody's to name: it loses its reserved capacity, not its place at the source.
    key_failures_.TryTake(KeyOf(session));
    return Drop(session,
                absl::IsUnauthenticated(verified.status()) ? Outcome::kDroppedBadSignature
                                                           : Outcome::kDroppedMalformed,
                RuleBroken(*session.endpoint, cose, verified.status()));
  }
  session.suite = SuiteOf(verified->algorithm());
  session.agent = *key;
  recent_keys_.Remember(KeyOf(session));
  if (absl::Status s = OpenEvidence(session, verified->message()); !s.ok()) return Fail(session, s);
  ReopenIfRefused(session);
  if (IsUsed(session)) return Drop(session, Outcome::kDroppedUsedChallenge);
  return Dispatch(session, verified->message());
}

absl::StatusOr<std::optional<std::string>> SessionEngine::Dispatch(Session& session,
                                                                   const teep::Message& message) {
  if (const auto* response = std::get_if<teep::QueryResponse>(&message)) {
    return OnQueryResponse(session, *response);
  }
  if (const auto* success = std::get_if<teep::Success>(&message)) {
    return OnSuccess(session, *success);
  }
  if (const auto* error = std::get_if<teep::Error>(&message)) return OnError(session, *error);
  return Drop(session, Outcome::kDroppedWrongType);
}

std::string SessionEngine::KeyOf(const Session& session) const {
  return absl::StrCat(session.endpoint->tenant_uid, session.kid);
}

// Known active keys are always heard, others compete for what is left.
bool SessionEngine::MayBeHeard(const Session& session) {
  const std::string key = KeyOf(session);
  return source_failures_.HasToken(session.source) ||
         (recent_keys_.Contains(key) && key_failures_.HasToken(key)) || excess_messages_.TryTake();
}

bool SessionEngine::MayReplyStateless(Session& session) {
  return std::exchange(session.charged, false) || devices_.TryTake(KeyOf(session));
}

void SessionEngine::Record(const Session& session, Outcome outcome, absl::string_view detail) {
  dependencies_.outcomes.Record(
      {outcome, session.endpoint->path, session.context.request_id, detail});
}

SessionEngine::Answer SessionEngine::Silent(const Session& session, Outcome outcome,
                                            absl::string_view detail) {
  Record(session, outcome, detail);
  return std::optional<std::string>();
}

SessionEngine::Answer SessionEngine::Drop(const Session& session, Outcome outcome,
                                          absl::string_view detail) {
  source_failures_.TryTake(session.source);
  return Silent(session, outcome, detail);
}

SessionEngine::Answer SessionEngine::Fail(const Session& session, const absl::Status& status) {
  Record(session, Outcome::kFailed, status.ToString());
  return status;
}

}  // namespace tam::gateway

#include "services/signing/session_handler.h"

#include <array>
#include <string>
#include <utility>

#include "crypto/cbor/cbor.h"
#include "crypto/cose/cose.h"
#include "crypto/cose/encrypt.h"
#include "crypto/text/text.h"
#include "services/signing/compose.h"
#include "services/signing/kek.h"
#include "services/signing/tam_evidence.h"
#include "teep/eat/eat.h"
#include "teep/message/message.h"

namespace tam::signing {
namespace {

constexpr size_t kRootSize = 32;
constexpr size_t kChallengeKeySize = 32;
constexpr int64_t kEpochSeconds = 3600;
constexpr int64_t kEpochsBack = 7;
constexpr int64_t kEpochsAhead = 1;
constexpr size_t kMaxCiphertext = 64 * 1024;

// The table of the dispatcher lets the right service in; the purpose of a key says it once more, so
// that no mistake there lets the gateway sign results or the verifier messages.
absl::Status RequireRole(const runtime::CallContext& context, runtime::Role role,
                         std::string_view purpose) {
  if (context.caller.role() == role) return absl::OkStatus();
  return absl::PermissionDeniedError(
      Concat("signing: ", context.caller.spiffe_id(), " may not have ", purpose, " signed"));
}

absl::StatusOr<storage::TenantId> ParseTenant(const std::string& uid) {
  return storage::TenantId::FromBytes(cbor::AsBytes(uid));
}

}  // namespace

secret::SecretBytes ChallengeKeyOf(secret::Bytes root, int64_t epoch) {
  std::string info = "tamarack challenge epoch";
  for (int shift = 56; shift >= 0; shift -= 8) {
    info += static_cast<char>(static_cast<uint64_t>(epoch) >> shift & 0xff);
  }
  return secret::HkdfSha256(root, {}, info, kChallengeKeySize);
}

SessionHandler::SessionHandler(Dependencies dependencies)
    : dependencies_(std::move(dependencies)),
      budget_(dependencies_.query_requests_per_second, dependencies_.monotonic),
      time_(dependencies_.clock, dependencies_.monotonic),
      chains_(dependencies_.monotonic, dependencies_.skipped) {}

absl::StatusOr<v1::SignQueryRequestResponse> SessionHandler::SignQueryRequest(
    const runtime::CallContext& context, const v1::SignQueryRequestRequest& request) {
  if (auto s = RequireRole(context, runtime::Role::kGatewayService, "messages"); !s.ok()) return s;
  auto tenant = ParseTenant(request.tenant_uid());
  if (!tenant.ok()) return tenant.status();
  auto message = ComposeQueryRequest(request);
  if (!message.ok()) return message.status();
  const bool one_suite = request.suite() != v1::CIPHER_SUITE_UNSPECIFIED;
  if (request.has_tam_attestation() && !one_suite) {
    return absl::InvalidArgumentError("suite: want one, which the TAM's evidence can name");
  }
  if (request.certificate() > (one_suite ? 1u : 0u)) {
    return absl::InvalidArgumentError(
        Concat("certificate: want 0, or 1 with a suite, got ", request.certificate()));
  }
  if (!budget_.Spend()) {
    return absl::ResourceExhaustedError("signing: the budget of QueryRequests is used up");
  }
  if (one_suite) return SignForOneSuite(context, request, *tenant, *std::move(message));
  auto payload = teep::Encode(*std::move(message), ProfileOf(request.wire_profile()));
  if (!payload.ok()) return payload.status();
  auto bytes = SignForBothSuites(context, request, *tenant, *payload);
  if (!bytes.ok()) return bytes.status();
  v1::SignQueryRequestResponse response;
  response.set_message(*std::move(bytes));
  return response;
}

absl::StatusOr<std::vector<std::string>> SessionHandler::ChainFor(
    const runtime::CallContext& context, const KeyRing::Signer& signer, size_t passed) {
  if (signer.certificates.empty()) return std::vector<std::string>();
  auto now = time_.Now({context.deadline});
  if (!now.ok()) return now.status();
  return chains_.Choose(signer.certificates, passed, *now);
}

absl::StatusOr<std::string> SessionHandler::SignForBothSuites(
    const runtime::CallContext& context, const v1::SignQueryRequestRequest& request,
    const storage::TenantId& tenant, const std::string& payload) {
  auto p256 = dependencies_.keys.ActiveSigner(context, tenant, cose::kEsp256);
  if (!p256.ok()) return p256.status();
  auto ed25519 = dependencies_.keys.ActiveSigner(context, tenant, cose::kEd25519);
  if (!ed25519.ok()) return ed25519.status();
  auto p256_chain = ChainFor(context, *p256, 0);
  if (!p256_chain.ok()) return p256_chain.status();
  auto ed25519_chain = ChainFor(context, *ed25519, 0);
  if (!ed25519_chain.ok()) return ed25519_chain.status();
  const std::array<cose::ChainedKey, 2> signers = {
      cose::ChainedKey{&p256->key, *std::move(p256_chain)},
      cose::ChainedKey{&ed25519->key, *std::move(ed25519_chain)}};
  return cose::SignWithChains(signers, cbor::AsBytes(payload),
                              {.older_numbers = request.older_algorithms()});
}

absl::StatusOr<v1::SignQueryRequestResponse> SessionHandler::SignForOneSuite(
    const runtime::CallContext& context, const v1::SignQueryRequestRequest& request,
    const storage::TenantId& tenant, teep::QueryRequest message) {
  auto algorithm = AlgorithmOf(request.suite());
  if (!algorithm.ok()) return algorithm.status();
  auto signer = dependencies_.keys.ActiveSigner(context, tenant, *algorithm);
  if (!signer.ok()) return signer.status();
  auto chain = ChainFor(context, *signer, request.certificate());
  if (!chain.ok()) return chain.status();
  v1::SignQueryRequestResponse response;
  if (request.certificate() > 0 && chain->empty()) return response;
  if (request.has_tam_attestation()) {
    auto evidence = MakeTamEvidence(context, request.tam_attestation(), tenant, *algorithm,
                                    signer->key.public_key().thumbprint());
    if (!evidence.ok()) return evidence.status();
    message.attestation_payload = *std::move(evidence);
    message.attestation_payload_format = TamEvidenceFormat();
  }
  auto payload = teep::Encode(std::move(message), ProfileOf(request.wire_profile()));
  if (!payload.ok()) return payload.status();
  auto bytes =
      cose::Sign1(signer->key, cbor::AsBytes(*payload),
                  {.older_numbers = request.older_algorithms(), .x5chain = *std::move(chain)});
  if (!bytes.ok()) return bytes.status();
  response.set_message(*std::move(bytes));
  return response;
}

absl::StatusOr<std::string> SessionHandler::MakeTamEvidence(const runtime::CallContext& context,
                                                            const v1::TamAttestation& asked,
                                                            const storage::TenantId& tenant,
                                                            int32_t algorithm,
                                                            const keys::Thumbprint& message_key) {
  auto program = ProgramDigest();
  if (!program.ok()) return program.status();
  auto now = time_.Now({context.deadline});
  if (!now.ok()) return now.status();
  auto claims = ComposeTamEvidence(asked, tenant, message_key, *now, *program);
  if (!claims.ok()) return claims.status();
  auto key = dependencies_.keys.ActiveKey(context, tenant, storage::SigningPurpose::kTamEvidence,
                                          algorithm);
  if (!key.ok()) return key.status();
  return cose::Sign1(*key, cbor::AsBytes(eat::EncodeClaims(*claims)));
}

absl::StatusOr<v1::DecryptResponse> SessionHandler::Decrypt(const runtime::CallContext& context,
                                                            const v1::DecryptRequest& request) {
  if (auto s = RequireRole(context, runtime::Role::kGatewayService, "messages"); !s.ok()) return s;
  auto tenant = ParseTenant(request.tenant_uid());
  if (!tenant.ok()) return tenant.status();
  if (request.use() != v1::DECRYPT_USE_EAT && request.use() != v1::DECRYPT_USE_SUIT_REPORT) {
    return absl::InvalidArgumentError("use: want EAT or SUIT_REPORT");
  }
  if (request.message().size() > kMaxCiphertext) {
    return absl::UnimplementedError(
        Concat("message: want at most ", kMaxCiphertext, " bytes, got ", request.message().size()));
  }
  auto sealed =
      cose::EncryptedMessage::Parse(cbor::AsBytes(request.message()), cose::TagRule::kRequired);
  if (!sealed.ok()) return sealed.status();
  auto keys = dependencies_.keys.DecryptionKeys(context, *tenant);
  if (!keys.ok()) return keys.status();
  const std::string_view other =
      request.use() == v1::DECRYPT_USE_EAT ? cose::kEatEncryption : cose::kSuitReportEncryption;
  for (const keys::AgreementKey& key : *keys) {
    auto opened = sealed->Decrypt(key, other);
    if (absl::IsInvalidArgument(opened.status())) return opened.status();
    if (!opened.ok()) continue;
    v1::DecryptResponse response;
    response.set_plaintext(cbor::AsString(opened->bytes()));
    response.set_key_thumbprint(cbor::AsString(key.public_key().thumbprint()));
    response.set_authenticated(opened->authenticated());
    return response;
  }
  return absl::UnauthenticatedError("message: the tenant has no key that opens it");
}

absl::StatusOr<v1::SignUpdateResponse> SessionHandler::SignUpdate(
    const runtime::CallContext& context, const v1::SignUpdateRequest& request) {
  if (auto s = RequireRole(context, runtime::Role::kGatewayService, "messages"); !s.ok()) return s;
  auto tenant = ParseTenant(request.tenant_uid());
  if (!tenant.ok()) return tenant.status();
  auto algorithm = AlgorithmOf(request.suite());
  if (!algorithm.ok()) return algorithm.status();
  auto message = ComposeUpdate(request);
  if (!message.ok()) return message.status();
  auto payload = teep::Encode(*std::move(message), ProfileOf(request.wire_profile()));
  if (!payload.ok()) return payload.status();
  auto key = dependencies_.keys.ActiveKey(context, *tenant, storage::SigningPurpose::kTeepMessage,
                                          *algorithm);
  if (!key.ok()) return key.status();
  cose::SignOptions options;
  options.older_numbers = request.older_algorithms();
  auto bytes = cose::Sign1(*key, cbor::AsBytes(*payload), options);
  if (!bytes.ok()) return bytes.status();
  v1::SignUpdateResponse response;
  response.set_message(*std::move(bytes));
  return response;
}

absl::StatusOr<v1::SignAttestationResultResponse> SessionHandler::SignAttestationResult(
    const runtime::CallContext& context, const v1::SignAttestationResultRequest& request) {
  if (auto s = RequireRole(context, runtime::Role::kAttestationService, "results"); !s.ok()) {
    return s;
  }
  auto tenant = ParseTenant(request.tenant_uid());
  if (!tenant.ok()) return tenant.status();
  const v1::CipherSuite suite =
      request.suite() == v1::CIPHER_SUITE_UNSPECIFIED ? v1::CIPHER_SUITE_ESP256 : request.suite();
  auto algorithm = AlgorithmOf(suite);
  if (!algorithm.ok()) return algorithm.status();
  auto now = time_.Now({context.deadline});
  if (!now.ok()) return now.status();
  auto claims = ComposeAttestationResult(request, *now);
  if (!claims.ok()) return claims.status();
  auto key = dependencies_.keys.ActiveKey(context, *tenant,
                                          storage::SigningPurpose::kAttestationResult, *algorithm);
  if (!key.ok()) return key.status();
  auto bytes = cose::Sign1(*key, cbor::AsBytes(eat::EncodeClaims(*claims)));
  if (!bytes.ok()) return bytes.status();
  v1::SignAttestationResultResponse response;
  response.set_message(*std::move(bytes));
  return response;
}

absl::Status SessionHandler::EnsureRoot(const runtime::CallContext& context) {
  {
    absl::MutexLock lock(&mutex_);
    if (root_.has_value()) return absl::OkStatus();
  }
  std::array<uint8_t, kRootSize> fresh;
  dependencies_.random.Fill(absl::MakeSpan(fresh));
  const secret::SecretBytes candidate(fresh);
  fresh.fill(0);
  storage::ChallengeRoot root;
  root.id = storage::NewId<storage::ChallengeRootId>(
      [this](absl::Span<uint8_t> out) { dependencies_.random.Fill(out); });
  const std::string wrapped =
      dependencies_.wrapper.Wrap(candidate.Reveal(), RootContext(root.id), dependencies_.random);
  root.wrapped_secret.assign(wrapped.begin(), wrapped.end());
  auto entry = dependencies_.audit.OfCaller(context, storage::TenantId(), "challenge-root.create",
                                            Concat("challengeRoots/", root.id.ToString()));
  if (!entry.ok()) return entry.status();
  auto kept = dependencies_.roots.GetOrCreate(root, *entry, {context.deadline});
  if (!kept.ok()) return kept.status();
  auto secret = dependencies_.wrapper.Unwrap(kept->wrapped_secret, RootContext(kept->id));
  if (!secret.ok()) {
    return absl::InternalError(
        "challenge root: does not unwrap; another key encryption key, or an altered row");
  }
  absl::MutexLock lock(&mutex_);
  root_ = *std::move(secret);
  return absl::OkStatus();
}

absl::StatusOr<v1::GetChallengeKeysResponse> SessionHandler::GetChallengeKeys(
    const runtime::CallContext& context, const v1::GetChallengeKeysRequest&) {
  if (auto s = RequireRole(context, runtime::Role::kGatewayService, "challenges"); !s.ok()) {
    return s;
  }
  if (auto s = EnsureRoot(context); !s.ok()) return s;
  // Not carried on from an earlier reading: gateways keep time by this answer.
  auto now = dependencies_.clock.Now({context.deadline});
  if (!now.ok()) return now.status();
  v1::GetChallengeKeysResponse response;
  response.set_now_ms(absl::ToUnixMillis(*now));
  const int64_t epoch = absl::ToUnixSeconds(*now) / kEpochSeconds;
  absl::MutexLock lock(&mutex_);
  for (int64_t e = epoch - kEpochsBack; e <= epoch + kEpochsAhead; ++e) {
    v1::ChallengeKey& key = *response.add_keys();
    key.set_epoch(e);
    key.set_key(cbor::AsString(ChallengeKeyOf(root_->Reveal(), e).Reveal()));
  }
  return response;
}

runtime::ServiceBinding SessionHandler::Binding() {
  runtime::ServiceBinding binding("tam.v1.SigningSessionService");
  binding.Add("SignQueryRequest", *this, &SessionHandler::SignQueryRequest)
      .Add("SignUpdate", *this, &SessionHandler::SignUpdate)
      .Add("SignAttestationResult", *this, &SessionHandler::SignAttestationResult)
      .Add("Decrypt", *this, &SessionHandler::Decrypt)
      .Add("GetChallengeKeys", *this, &SessionHandler::GetChallengeKeys);
  return binding;
}

}  // namespace tam::signing

// What the verification of CCA tokens costs beside the two signatures that it cannot avoid, in the
// same run: `bazel run -c opt //services/attestation/cca:benchmark`.
#include "benchmark/benchmark.h"

#include <string>

#include "crypto/cbor/cbor.h"
#include "services/attestation/cca/cca.h"
#include "services/attestation/cca/testing/builder.h"
#include "services/attestation/evidence/testing/token_signer.h"

namespace tam::attestation {
namespace {

using testing::PublicOf;
using testing::SignedBy;
using testing::SigningKey;
using verify::Kind;

// A platform with as many components as the samples have.
testing::CcaPlatformSpec Platform(const std::string& realm_key) {
  testing::CcaPlatformSpec spec;
  spec.challenge = verify::Digest(verify::Hash::kSha256, cbor::AsBytes(realm_key));
  spec.components.assign(13, testing::PsaComponent());
  return spec;
}

void RawVerification(benchmark::State& state, Kind kind) {
  const SigningKey key = SigningKey::Generate(kind);
  const std::string message =
      testing::EncodeClaims(testing::CcaPlatformClaims(Platform("key")), {});
  const std::string signature = key.SignEcdsa(testing::OwnHash(kind), message);
  const keys::PublicKey verifier = PublicOf(key);
  for (auto _ : state) {
    if (!verifier.Verify(cbor::AsBytes(message), cbor::AsBytes(signature)).ok()) {
      state.SkipWithError("refused");
    }
  }
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK_CAPTURE(RawVerification, p256, Kind::kP256);
BENCHMARK_CAPTURE(RawVerification, p384, Kind::kP384);

void ByRegisteredKey(benchmark::State& state, Kind platform_kind, Kind realm_kind) {
  const SigningKey platform_key = SigningKey::Generate(platform_kind);
  const SigningKey realm_key = SigningKey::Generate(realm_kind);
  testing::CcaRealmSpec realm;
  realm.public_key = PublicOf(realm_key).cose_key();
  const std::string evidence = testing::BuildCca(
      testing::BuildToken(
          testing::EncodeClaims(testing::CcaPlatformClaims(Platform(realm.public_key)), {}),
          SignedBy(platform_key)),
      testing::BuildToken(testing::EncodeClaims(testing::CcaRealmClaims(realm), {}),
                          SignedBy(realm_key)));
  TrustedInput trusted;
  trusted.keys = {PublicOf(platform_key)};
  EvidenceInput input;
  input.evidence = cbor::AsBytes(evidence);
  const Subject subject = {.at = absl::FromUnixSeconds(1'790'000'000), .nonce = realm.challenge};
  for (auto _ : state) {
    const EvidenceVerdict verdict = VerifyCca(input, trusted, subject);
    if (!verdict.authentic()) state.SkipWithError("refused");
  }
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK_CAPTURE(ByRegisteredKey, p384_p384, Kind::kP384, Kind::kP384);
BENCHMARK_CAPTURE(ByRegisteredKey, p256_p384, Kind::kP256, Kind::kP384);

}  // namespace
}  // namespace tam::attestation

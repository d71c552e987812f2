// What the verification of PSA tokens costs beside the signatures that it cannot avoid, in the same
// run: `bazel run -c opt //services/attestation/psa:benchmark`.
//
// By a registered key: 1 ECDSA verification. By a chain of two below an anchor: 3.
#include "benchmark/benchmark.h"

#include <string>

#include "crypto/cbor/cbor.h"
#include "services/attestation/evidence/testing/token_signer.h"
#include "services/attestation/psa/psa.h"
#include "services/attestation/psa/testing/builder.h"

namespace tam::attestation {
namespace {

using testing::PublicOf;
using testing::SignedBy;
using testing::SigningKey;
using verify::Kind;
using verify::testing::Issued;
using verify::testing::IssueSpec;

constexpr absl::Time kAt = absl::FromUnixSeconds(1'790'000'000);

std::string Payload() { return testing::EncodeClaims(testing::PsaClaims(testing::PsaSpec()), {}); }

void RawVerification(benchmark::State& state, Kind kind) {
  const SigningKey key = SigningKey::Generate(kind);
  const std::string message = Payload();
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

void Run(benchmark::State& state, const std::string& token, const TrustedInput& trusted) {
  EvidenceInput input;
  input.evidence = cbor::AsBytes(token);
  const Subject subject = {.at = kAt, .nonce = testing::PsaSpec().nonce};
  for (auto _ : state) {
    const EvidenceVerdict verdict = VerifyPsa(input, trusted, subject);
    if (!verdict.authentic()) state.SkipWithError("refused");
  }
  state.SetItemsProcessed(state.iterations());
}

void ByRegisteredKey(benchmark::State& state, Kind kind) {
  const SigningKey key = SigningKey::Generate(kind);
  TrustedInput trusted;
  trusted.keys = {PublicOf(key)};
  Run(state, testing::BuildToken(Payload(), SignedBy(key)), trusted);
}
BENCHMARK_CAPTURE(ByRegisteredKey, p256, Kind::kP256);
BENCHMARK_CAPTURE(ByRegisteredKey, p384, Kind::kP384);

void ByChain(benchmark::State& state) {
  const SigningKey key = SigningKey::Generate(Kind::kP256);
  IssueSpec authority;
  authority.common_name = "maker";
  authority.authority = true;
  const Issued root = Issued::Root(authority);
  authority.common_name = "plant";
  const Issued plant = root.Below(authority);
  IssueSpec device;
  device.common_name = "device";
  testing::TokenSpec spec = SignedBy(key);
  spec.x5chain = {plant.Certify(device, key).der, plant.der};
  TrustedInput trusted;
  trusted.anchors = {root.der};
  Run(state, testing::BuildToken(Payload(), spec), trusted);
}
BENCHMARK(ByChain);

}  // namespace
}  // namespace tam::attestation

// What the verification of SGX and TDX quotes costs, cold and warm, beside the primitive operations
// that it is made of, in the same run: `bazel run -c opt //services/attestation/dcap:benchmark`.
//
// Cold: 9 ECDSA P-256 verifications. Warm: 1.
#include "benchmark/benchmark.h"

#include <string>

#include "services/attestation/dcap/testing/test_platform.h"
#include "services/attestation/dcap/verifier.h"

namespace tam::attestation::dcap {
namespace {

using testing::kNow;
using testing::PlatformSpec;
using testing::TestPlatform;

keys::Bytes AsBytes(const std::string& text) {
  return {reinterpret_cast<const uint8_t*>(text.data()), text.size()};
}

PlatformSpec Spec(Tee tee) {
  PlatformSpec spec;
  spec.tee = tee;
  spec.version = tee == Tee::kTdx ? 4 : 3;
  return spec;
}

struct Sample {
  explicit Sample(Tee tee) : platform(Spec(tee)), trusted(platform.Trusted()) {
    quote = platform.Quote();
    input.evidence = AsBytes(quote);
  }
  const TestPlatform platform;
  const TrustedInput trusted;
  std::string quote;
  EvidenceInput input;
  const Subject subject = {.at = kNow, .nonce = std::nullopt};
};

// The signature that no verifier can avoid, over a message of the size of the signed part.
void RawP256(benchmark::State& state) {
  const auto key = keys::PrivateKey::Generate(keys::KeyType::kP256);
  const std::string message(static_cast<size_t>(state.range(0)), 'm');
  const std::string signature = *key->Sign(AsBytes(message));
  const keys::PublicKey& verifier = key->public_key();
  for (auto _ : state) {
    if (!verifier.Verify(AsBytes(message), AsBytes(signature)).ok()) state.SkipWithError("refused");
  }
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(RawP256)->Arg(432)->Arg(632);

void Cold(benchmark::State& state, Tee tee) {
  const Sample sample(tee);
  const Trust trust(sample.trusted);
  for (auto _ : state) {
    PlatformCache cache(1);
    const EvidenceVerdict verdict = tee == Tee::kTdx
                                        ? VerifyTdx(sample.input, trust, sample.subject, cache)
                                        : VerifySgx(sample.input, trust, sample.subject, cache);
    if (!verdict.authentic()) state.SkipWithError("refused");
  }
  state.SetItemsProcessed(state.iterations());
  state.counters["p256"] = 9;
}
BENCHMARK_CAPTURE(Cold, sgx, Tee::kSgx);
BENCHMARK_CAPTURE(Cold, tdx, Tee::kTdx);

void Warm(benchmark::State& state, Tee tee) {
  const Sample sample(tee);
  const Trust trust(sample.trusted);
  PlatformCache cache(1);
  for (auto _ : state) {
    const EvidenceVerdict verdict = tee == Tee::kTdx
                                        ? VerifyTdx(sample.input, trust, sample.subject, cache)
                                        : VerifySgx(sample.input, trust, sample.subject, cache);
    if (!verdict.authentic()) state.SkipWithError("refused");
  }
  if (cache.counts().misses != 1) state.SkipWithError("not warm");
  state.SetItemsProcessed(state.iterations());
  state.counters["p256"] = 1;
}
BENCHMARK_CAPTURE(Warm, sgx, Tee::kSgx);
BENCHMARK_CAPTURE(Warm, tdx, Tee::kTdx);

}  // namespace
}  // namespace tam::attestation::dcap

// Any bytes as a quote, as collateral, as PEM, and laid over a quote that is good. Nothing of it is
// ever authentic but that quote itself, every refusal says why, and what is parsed is all of the
// input.
#include <algorithm>
#include <cstdlib>
#include <iterator>
#include <string>

#include "crypto/x509/testing/issuer.h"
#include "services/attestation/dcap/json.h"
#include "services/attestation/dcap/pem.h"
#include "services/attestation/dcap/testing/test_platform.h"
#include "services/attestation/dcap/verifier.h"

namespace tam::attestation::dcap {
namespace {

void Require(bool condition) {
  if (!condition) std::abort();
}

void RequireReason(const absl::Status& status) {
  Require(status.ok() || !status.message().empty());
}

// Keys that change with every run: no corpus can hold a signature of theirs.
struct Good {
  explicit Good(Tee tee)
      : tee(tee), platform(Spec(tee)), trust(platform.Trusted()), quote(platform.Quote()) {}
  static testing::PlatformSpec Spec(Tee tee) {
    testing::PlatformSpec spec;
    spec.tee = tee;
    spec.version = 4;
    return spec;
  }
  const Tee tee;
  const testing::TestPlatform platform;
  const Trust trust;
  const std::string quote;
};

const Good& Platform(Tee tee) {
  static const Good& sgx = *new Good(Tee::kSgx);
  static const Good& tdx = *new Good(Tee::kTdx);
  return tee == Tee::kTdx ? tdx : sgx;
}

EvidenceVerdict Verify(const Good& good, const EvidenceInput& input, const Trust& trust) {
  static PlatformCache& cache = *new PlatformCache(8);
  const Subject subject = {.at = testing::kNow, .nonce = std::nullopt};
  return good.tee == Tee::kTdx ? VerifyTdx(input, trust, subject, cache)
                               : VerifySgx(input, trust, subject, cache);
}

void RequireRefused(const EvidenceVerdict& verdict) {
  Require(!verdict.authentic() && !verdict.claims.has_value());
  Require(verdict.unauthentic.size() == 1 && !verdict.unauthentic.front().claim.empty());
}

EvidenceInput InputOf(const std::string& evidence) {
  EvidenceInput input;
  input.evidence = Bytes(reinterpret_cast<const uint8_t*>(evidence.data()), evidence.size());
  return input;
}

void CheckParsers(const std::string& bytes) {
  const auto quote = ParseQuote(bytes);
  RequireReason(quote.status());
  if (quote.ok()) {
    Require(bytes.starts_with(quote->signed_bytes) && quote->signed_bytes.ends_with(quote->body));
    Require(quote->certification.data() + quote->certification.size() + quote->trailing_zeros ==
            bytes.data() + bytes.size());
  }
  const auto json = Json::Parse("json", bytes);
  RequireReason(json.status());
  if (json.ok()) {
    const auto again = Json::Parse("json", json->bytes());
    Require(again.ok() && again->members() == json->members());
  }
  RequireReason(ParseTcbInfo(bytes).status());
  RequireReason(ParseQeIdentity(bytes).status());
  const auto ders = ReadStrictPem("pem", bytes);
  RequireReason(ders.status());
  if (!ders.ok()) return;
  std::string pem;
  for (const std::string& der : *ders) pem += x509::testing::PemOf(der);
  Require(bytes == pem || bytes + "\n" == pem || bytes == pem + std::string(1, '\0') ||
          bytes == pem.substr(0, pem.size() - 1) + std::string(1, '\0'));
}

// The first two octets say where, the rest what.
void CheckOverlay(const Good& good, const std::string& bytes) {
  if (bytes.size() < 3) return;
  const size_t at =
      (static_cast<uint8_t>(bytes[0]) << 8 | static_cast<uint8_t>(bytes[1])) % good.quote.size();
  std::string quote = good.quote;
  const size_t size = std::min(bytes.size() - 2, quote.size() - at);
  quote.replace(at, size, bytes, 2, size);
  const EvidenceVerdict verdict = Verify(good, InputOf(quote), good.trust);
  if (quote == good.quote) {
    Require(verdict.authentic() && verdict.refused.empty());
  } else {
    RequireRefused(verdict);
  }
}

void CheckCollateral(const Good& good, const std::string& bytes) {
  constexpr const char* kNames[] = {"tcb_info", "qe_identity", "tcb_info_issuer_chain", "pck_crl"};
  TrustedInput trusted = good.trust.input();
  // Never empty, which would be missing.
  trusted.collateral[kNames[bytes.size() % std::size(kNames)]] = bytes + "x";
  RequireRefused(Verify(good, InputOf(good.quote), Trust(trusted)));
}

}  // namespace
}  // namespace tam::attestation::dcap

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace tam::attestation::dcap;  // NOLINT(google-build-using-namespace)
  const std::string bytes(reinterpret_cast<const char*>(data), size);
  CheckParsers(bytes);
  for (const Tee tee : {Tee::kSgx, Tee::kTdx}) {
    const Good& good = Platform(tee);
    RequireRefused(Verify(good, InputOf(bytes), good.trust));
    CheckOverlay(good, bytes);
    CheckCollateral(good, bytes);
  }
  return 0;
}

#include "services/attestation/dcap/verifier.h"

#include <utility>

#include "absl/strings/escaping.h"
#include "crypto/text/text.h"
#include "services/attestation/dcap/claims.h"
#include "services/attestation/dcap/fault.h"
#include "services/attestation/dcap/pem.h"
#include "services/attestation/dcap/quote.h"

namespace tam::attestation {
namespace dcap {
namespace {

std::string_view Text(Bytes bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

EvidenceVerdict Refused(const absl::Status& status) {
  return EvidenceVerdict::Unauthentic(FindingOf("", status));
}

absl::StatusOr<std::shared_ptr<const VerifiedPlatform>> PlatformOf(const Quote& quote,
                                                                   const EvidenceInput& evidence,
                                                                   const Trust& trust,
                                                                   absl::Time at,
                                                                   PlatformCache* cache) {
  if (cache == nullptr) return VerifyPlatform(quote, evidence, trust, at);
  const secret::Digest256 digest = PlatformDigest(quote, evidence, trust);
  if (auto known = cache->Find(digest, at); known != nullptr) return known;
  auto platform = VerifyPlatform(quote, evidence, trust, at);
  if (platform.ok()) cache->Add(digest, *platform);
  return platform;
}

absl::Status CheckNonce(const Quote& quote, const Subject& subject) {
  if (!subject.nonce.has_value()) return absl::OkStatus();
  const std::string_view data = quote.tee == Tee::kTdx ? ReadTdReport(quote.body).report_data
                                                       : ReadSgxReport(quote.body).report_data;
  if (data == *subject.nonce) return absl::OkStatus();
  return Fault("report_data", HexText(*subject.nonce), HexText(data));
}

EvidenceVerdict Verify(Tee tee, const EvidenceInput& evidence, const Trust& trust,
                       const Subject& subject, PlatformCache* cache) {
  const auto quote = ParseQuote(Text(evidence.evidence));
  if (!quote.ok()) return Refused(quote.status());
  if (quote->tee != tee) {
    return Refused(Fault("quote.tee_type", tee == Tee::kTdx ? "TDX" : "SGX",
                         tee == Tee::kTdx ? "SGX" : "TDX"));
  }
  const auto platform = PlatformOf(*quote, evidence, trust, subject.at, cache);
  if (!platform.ok()) return Refused(platform.status());
  const absl::Status good = (*platform)->attestation_key().Verify(
      keys::Bytes(reinterpret_cast<const uint8_t*>(quote->signed_bytes.data()),
                  quote->signed_bytes.size()),
      keys::Bytes(reinterpret_cast<const uint8_t*>(quote->signature.data()),
                  quote->signature.size()));
  if (!good.ok()) {
    return Refused(Fault("quote.signature", "one by the attestation key", "another"));
  }
  if (absl::Status s = CheckNonce(*quote, subject); !s.ok()) return Refused(s);
  return Judge(*quote, **platform);
}

}  // namespace

absl::StatusOr<CollateralKey> UnverifiedCollateralKey(const EvidenceInput& evidence) {
  const auto quote = ParseQuote(Text(evidence.evidence));
  if (!quote.ok()) return quote.status();
  std::vector<std::string> ders = evidence.certificates;
  if (quote->certification_type == kCertificationPckChain) {
    auto chain = ReadStrictPem("pck_chain", quote->certification);
    if (!chain.ok()) return chain.status();
    ders = *std::move(chain);
  }
  if (ders.empty()) return Fault("pck_chain", "certificates", "none");
  const auto leaf = x509::Certificate::Parse(ders.front());
  if (!leaf.ok()) return leaf.status();
  const auto pck = ReadPck(*leaf);
  if (!pck.ok()) return pck.status();
  return CollateralKey{absl::BytesToHexString(pck->fmspc),
                       pck->ca == PckCa::kPlatform ? "platform" : "processor", quote->tee};
}

}  // namespace dcap

EvidenceVerdict VerifySgx(const EvidenceInput& evidence, const TrustedInput& trusted,
                          const Subject& subject) {
  return dcap::Verify(dcap::Tee::kSgx, evidence, dcap::Trust(trusted), subject, nullptr);
}

EvidenceVerdict VerifyTdx(const EvidenceInput& evidence, const TrustedInput& trusted,
                          const Subject& subject) {
  return dcap::Verify(dcap::Tee::kTdx, evidence, dcap::Trust(trusted), subject, nullptr);
}

EvidenceVerdict VerifySgx(const EvidenceInput& evidence, const dcap::Trust& trust,
                          const Subject& subject, dcap::PlatformCache& cache) {
  return dcap::Verify(dcap::Tee::kSgx, evidence, trust, subject, &cache);
}

EvidenceVerdict VerifyTdx(const EvidenceInput& evidence, const dcap::Trust& trust,
                          const Subject& subject, dcap::PlatformCache& cache) {
  return dcap::Verify(dcap::Tee::kTdx, evidence, trust, subject, &cache);
}

}  // namespace tam::attestation

#include "services/attestation/dcap/platform.h"

#include <algorithm>

#include "absl/strings/escaping.h"
#include "crypto/text/text.h"
#include "crypto/x509/revocation.h"
#include "services/attestation/dcap/fault.h"
#include "services/attestation/dcap/pem.h"
#include "services/attestation/dcap/tcb_levels.h"

namespace tam::attestation::dcap {
namespace {

constexpr size_t kPckChainLength = 3;
constexpr uint16_t kClearPpid = 1;
constexpr std::string_view kTcbSigner = "Intel SGX TCB Signing";
// SubjectPublicKeyInfo of an uncompressed P-256 point, but for its coordinates.
constexpr std::string_view kP256Prefix(
    "\x30\x59\x30\x13\x06\x07\x2a\x86\x48\xce\x3d\x02\x01\x06\x08\x2a\x86\x48\xce\x3d\x03\x01\x07"
    "\x03\x42\x00\x04",
    27);

keys::Bytes AsBytes(std::string_view text) {
  return {reinterpret_cast<const uint8_t*>(text.data()), text.size()};
}

std::string TimeText(absl::Time time) {
  return absl::FormatTime("%Y-%m-%dT%H:%M:%SZ", time, absl::UTCTimeZone());
}

absl::Status Prefixed(std::string_view prefix, const absl::Status& status) {
  return absl::Status(status.code(), AbslView(Concat(prefix, StdView(status.message()))));
}

// A row of texts as one, so that no two rows give the same.
void AppendSized(std::string& to, std::string_view text) {
  for (int shift = 56; shift >= 0; shift -= 8) {
    to.push_back(static_cast<char>(static_cast<uint64_t>(text.size()) >> shift & 0xff));
  }
  to.append(text);
}

// "chain[1].signature: …" and "anchor.validity: …" as what `name` is called here.
absl::Status Named(std::string_view name, const absl::Status& status) {
  std::string_view text = StdView(status.message());
  const bool chain = text.starts_with("chain");
  if (chain) text.remove_prefix(std::string_view("chain").size());
  return absl::Status(status.code(), AbslView(Concat(name, chain ? "" : ".", text)));
}

constexpr const char* kCollateral[] = {"root_ca_crl", "pck_crl",
                                       "tcb_info",    "tcb_info_issuer_chain",
                                       "qe_identity", "qe_identity_issuer_chain",
                                       "pck_chain"};

}  // namespace

Trust::Trust(TrustedInput input) {
  auto state = std::make_shared<State>();
  std::string all;
  for (size_t i = 0; i < input.anchors.size(); ++i) {
    AppendSized(all, input.anchors[i]);
    auto anchor = x509::Certificate::Parse(input.anchors[i]);
    if (anchor.ok()) {
      state->anchors.push_back(*std::move(anchor));
    } else if (state->status.ok()) {
      state->status = Prefixed(Concat("anchors[", i, "]."), anchor.status());
    }
  }
  all.push_back('|');
  for (const auto& [name, content] : input.collateral) {
    AppendSized(all, name);
    AppendSized(all, content);
  }
  AppendSized(all, absl::FormatDuration(input.collateral_grace));
  state->digest = secret::Sha256(AsBytes(all));
  state->input = std::move(input);
  state_ = std::move(state);
}

void Window::Narrow(absl::Time later, absl::Time earlier) {
  from = std::max(from, later);
  until = std::min(until, earlier);
}

std::string_view PickCollateral(const EvidenceInput& evidence, const Trust& trust,
                                const std::string& name) {
  for (const auto* collateral : {&trust.input().collateral, &evidence.collateral}) {
    if (const auto found = collateral->find(name); found != collateral->end()) {
      return found->second;
    }
  }
  return "";
}

// One verification, its state, and what it found so far.
class PlatformVerifier {
 public:
  PlatformVerifier(const Quote& quote, const EvidenceInput& evidence, const Trust& trust,
                   absl::Time at)
      : quote_(quote), evidence_(evidence), trust_(trust), at_(at) {}

  absl::StatusOr<std::shared_ptr<const VerifiedPlatform>> Verify() {
    if (!trust_.status().ok()) return trust_.status();
    if (absl::Status s = CheckPckChain(); !s.ok()) return s;
    result_.reset(new VerifiedPlatform());
    result_->pck_ = pck_;
    result_->window_ = result_->pck_window_ = pck_window_;
    for (const auto step : {&PlatformVerifier::CheckRevocation, &PlatformVerifier::CheckQeReport,
                            &PlatformVerifier::CheckTcbInfo, &PlatformVerifier::CheckIdentity}) {
      if (absl::Status s = (this->*step)(); !s.ok()) return s;
    }
    return std::shared_ptr<const VerifiedPlatform>(std::move(result_));
  }

 private:
  std::string_view Pick(const std::string& name) const {
    return PickCollateral(evidence_, trust_, name);
  }

  // Nullopt, and a finding, when it is missing.
  std::optional<std::string_view> Need(const std::string& name) {
    const std::string_view content = Pick(name);
    if (!content.empty()) return content;
    result_->missing_.push_back(MakeFinding(Concat("collateral.", name), "what Intel says", ""));
    return std::nullopt;
  }

  // Leads to an anchor, and ends in one of its key. A root of that key which is not the very anchor
  // is verified as one: no byte of it is free.
  absl::StatusOr<x509::Anchored> CheckChain(std::string_view name,
                                            const std::vector<std::string>& ders,
                                            const std::vector<x509::Certificate>& chain) const {
    auto anchored = x509::VerifyToAnchor(chain, trust_.anchors(), {}, at_);
    if (!anchored.ok()) return Named(name, anchored.status());
    const x509::Certificate& anchor = trust_.anchors()[anchored->anchor];
    const x509::Certificate& last = chain.back();
    if (!(last.key() == anchor.key()) || ders.back() == trust_.input().anchors[anchored->anchor]) {
      return anchored;
    }
    if (absl::Status s = last.CheckSignedBy(last); !s.ok()) {
      return Prefixed(Concat(name, "[", chain.size() - 1, "]."), s);
    }
    if (at_ < last.not_before() || at_ > last.not_after()) {
      return Fault(Concat(name, "[", chain.size() - 1, "].validity"), TimeText(at_),
                   Concat(TimeText(last.not_before()), " to ", TimeText(last.not_after())));
    }
    anchored->not_before = std::max(anchored->not_before, last.not_before());
    anchored->not_after = std::min(anchored->not_after, last.not_after());
    return anchored;
  }

  absl::StatusOr<std::vector<std::string>> PckDers() const {
    if (quote_.certification_type == kCertificationPckChain) {
      return ReadStrictPem("pck_chain", quote_.certification);
    }
    // The others but this one hold a PPID that is encrypted: nothing here could tell whose it is.
    if (quote_.certification_type != kClearPpid) {
      return Fault("pck_chain.certification_type", "5, or 1 with a chain beside the quote",
                   Concat(quote_.certification_type));
    }
    if (!evidence_.certificates.empty()) return evidence_.certificates;
    return ReadStrictPem("pck_chain", Pick("pck_chain"));
  }

  absl::Status CheckPckChain() {
    const auto ders = PckDers();
    if (!ders.ok()) return ders.status();
    if (ders->size() != kPckChainLength) {
      return Fault("pck_chain.length", "3 certificates", Concat(ders->size()));
    }
    auto chain = x509::Certificate::ParseAll("pck_chain", *ders);
    if (!chain.ok()) return chain.status();
    chain_ = *std::move(chain);
    const auto anchored = CheckChain("pck_chain", *ders, chain_);
    if (!anchored.ok()) return anchored.status();
    if (!(chain_[2].key() == trust_.anchors()[anchored->anchor].key())) {
      return Fault("pck_chain.anchor", "the root's key among those configured",
                   chain_[2].subject());
    }
    pck_window_.Narrow(anchored->not_before, anchored->not_after);
    auto pck = ReadPck(chain_[0]);
    if (!pck.ok()) return pck.status();
    pck_ = *std::move(pck);
    return quote_.certification_type == kClearPpid ? CheckClearPpid() : absl::OkStatus();
  }

  // PPID, CPU SVN, PCE SVN, PCE id: what the certificate says too.
  absl::Status CheckClearPpid() const {
    const uint16_t svn = pck_.svns.pce_svn;
    const char pce_svn[] = {static_cast<char>(svn & 0xff), static_cast<char>(svn >> 8)};
    const std::string want = Concat(pck_.ppid, pck_.cpu_svn, std::string_view(pce_svn, 2));
    const std::string_view got = quote_.certification;
    if (got == want || got == Concat(want, pck_.pce_id)) return absl::OkStatus();
    return Fault("pck_chain.ppid", absl::BytesToHexString(want),
                 absl::BytesToHexString(AbslView(got.substr(0, 40))));
  }

  // Within its time, or past it by no more than the grace that the tenant gives.
  absl::Status CheckCurrent(std::string_view name, absl::Time from, absl::Time until) {
    if (at_ < from) return Fault(Concat(name, ".issue_date"), TimeText(at_), TimeText(from));
    result_->window_.Narrow(from, until);
    if (at_ <= until) return absl::OkStatus();
    const std::string claim = Concat(name, ".next_update");
    if (at_ > until + trust_.input().collateral_grace) {
      return Fault(claim, Concat("not before ", TimeText(at_)), TimeText(until));
    }
    result_->late_.push_back(
        MakeFinding(claim, Concat("not before ", TimeText(at_)), TimeText(until)));
    return absl::OkStatus();
  }

  // `issuer`'s list does not name `certificate`.
  absl::Status CheckList(const std::string& name, const x509::Certificate& issuer,
                         const x509::Certificate& certificate,
                         std::optional<x509::RevocationList>& list) {
    const auto der = Need(name);
    if (!der.has_value()) return absl::OkStatus();
    auto parsed = x509::RevocationList::Parse(*der);
    if (!parsed.ok()) return Prefixed(Concat(name, "."), parsed.status());
    list = *std::move(parsed);
    if (absl::Status s = list->CheckSignedBy(issuer); !s.ok()) {
      return Prefixed(Concat(name, "."), s);
    }
    if (list->Revokes(certificate)) {
      return Fault("pck_chain.revoked", "certificates that are not revoked",
                   Concat(certificate.serial(), " in ", name));
    }
    return CheckCurrent(name, list->this_update(), list->next_update());
  }

  absl::Status CheckRevocation() {
    std::optional<x509::RevocationList> pck_list;
    if (absl::Status s = CheckList("root_ca_crl", chain_[2], chain_[1], root_list_); !s.ok()) {
      return s;
    }
    return CheckList("pck_crl", chain_[1], chain_[0], pck_list);
  }

  absl::Status CheckQeReport() {
    const absl::Status good = chain_[0].key().VerifyEcdsa(
        verify::Hash::kSha256, AsBytes(quote_.qe_report), AsBytes(quote_.qe_signature));
    if (!good.ok()) return Fault("qe_report.signature", "one by the PCK", "another");
    const SgxReport report = ReadSgxReport(quote_.qe_report);
    const secret::Digest256 bound =
        secret::Sha256(AsBytes(Concat(quote_.attestation_key, quote_.qe_auth)));
    const std::string want =
        std::string(bound.begin(), bound.end()) + std::string(bound.size(), '\0');
    if (report.report_data != want) {
      return Fault("qe_report.key_binding", absl::BytesToHexString(want),
                   absl::BytesToHexString(AbslView(report.report_data)));
    }
    auto key = keys::PublicKey::FromSpkiDer(AsBytes(Concat(kP256Prefix, quote_.attestation_key)));
    if (!key.ok()) return Fault("quote.attestation_key", "a point of P-256", "another");
    result_->attestation_key_ = *std::move(key);
    result_->qe_isv_svn_ = report.isv_svn;
    return absl::OkStatus();
  }

  // The key of Intel's signer of collateral, whose chain is `name`_issuer_chain.
  absl::StatusOr<verify::Key> Signer(const std::string& name, std::string_view pem) {
    if (pem == signer_pem_ && signer_.has_value()) return *signer_;
    const auto ders = ReadStrictPem(name, pem);
    if (!ders.ok()) return ders.status();
    const auto chain = x509::Certificate::ParseAll(name, *ders);
    if (!chain.ok()) return chain.status();
    const auto anchored = CheckChain(name, *ders, *chain);
    if (!anchored.ok()) return anchored.status();
    const x509::Certificate& leaf = chain->front();
    if (leaf.common_name() != kTcbSigner || !leaf.MaySign()) {
      return Fault(Concat(name, "[0].subject"), kTcbSigner, leaf.subject());
    }
    if (root_list_.has_value() && root_list_->Revokes(leaf)) {
      return Fault(Concat(name, ".revoked"), "a certificate that is not revoked", leaf.serial());
    }
    result_->window_.Narrow(anchored->not_before, anchored->not_after);
    signer_pem_ = pem;
    signer_ = leaf.key();
    return *signer_;
  }

  // Its signature, by Intel's signer, and its dates.
  template <typename Content>
  absl::Status CheckSigned(const std::string& name, std::string_view issuers,
                           const Signed<Content>& document) {
    const auto signer = Signer(Concat(name, "_issuer_chain"), issuers);
    if (!signer.ok()) return signer.status();
    const absl::Status good = signer->VerifyEcdsa(
        verify::Hash::kSha256, AsBytes(document.signed_bytes), AsBytes(document.signature));
    if (!good.ok())
      return Fault(Concat(name, ".signature"), Concat("one by ", kTcbSigner), "another");
    return CheckCurrent(name, document.content.issue_date, document.content.next_update);
  }

  absl::Status CheckTcbInfo() {
    const auto text = Need("tcb_info");
    const auto issuers = Need("tcb_info_issuer_chain");
    if (!text.has_value() || !issuers.has_value()) return absl::OkStatus();
    const auto document = ParseTcbInfo(*text);
    if (!document.ok()) return document.status();
    if (absl::Status s = CheckSigned("tcb_info", *issuers, *document); !s.ok()) return s;
    const TcbInfo& info = document->content;
    if (info.tdx != (quote_.tee == Tee::kTdx)) {
      return Fault("tcb_info.id", info.tdx ? "SGX" : "TDX", info.tdx ? "TDX" : "SGX");
    }
    if (info.fmspc != pck_.fmspc) {
      return Fault("tcb_info.fmspc", absl::BytesToHexString(pck_.fmspc),
                   absl::BytesToHexString(info.fmspc));
    }
    if (info.pce_id != pck_.pce_id) {
      return Fault("tcb_info.pceid", absl::BytesToHexString(pck_.pce_id),
                   absl::BytesToHexString(info.pce_id));
    }
    result_->tcb_info_ = info;
    return absl::OkStatus();
  }

  absl::Status CheckIdentity() {
    const auto text = Need("qe_identity");
    const auto issuers = Need("qe_identity_issuer_chain");
    if (!text.has_value() || !issuers.has_value()) return absl::OkStatus();
    const auto document = ParseQeIdentity(*text);
    if (!document.ok()) return document.status();
    if (absl::Status s = CheckSigned("qe_identity", *issuers, *document); !s.ok()) return s;
    const std::string_view want = quote_.tee == Tee::kTdx ? "TD_QE" : "QE";
    if (document->content.id != want) {
      return Fault("qe_identity.id", want, document->content.id);
    }
    const SgxReport report = ReadSgxReport(quote_.qe_report);
    if (const auto finding = CheckQeIdentity(document->content, report); finding.has_value()) {
      return Fault(finding->claim, finding->expected, finding->found);
    }
    result_->qe_identity_ = document->content;
    return absl::OkStatus();
  }

  const Quote& quote_;
  const EvidenceInput& evidence_;
  const Trust& trust_;
  const absl::Time at_;
  std::vector<x509::Certificate> chain_;  // leaf, intermediate, root
  PckFacts pck_;
  Window pck_window_;
  std::optional<x509::RevocationList> root_list_;
  std::string_view signer_pem_;
  std::optional<verify::Key> signer_;
  std::unique_ptr<VerifiedPlatform> result_;
};

absl::StatusOr<std::shared_ptr<const VerifiedPlatform>> VerifyPlatform(
    const Quote& quote, const EvidenceInput& evidence, const Trust& trust, absl::Time at) {
  return PlatformVerifier(quote, evidence, trust, at).Verify();
}

secret::Digest256 PlatformDigest(const Quote& quote, const EvidenceInput& evidence,
                                 const Trust& trust) {
  std::string all;
  all.reserve(8 << 10);
  const secret::Digest256& trusted = trust.digest();
  all.append(trusted.begin(), trusted.end());
  all.push_back(quote.tee == Tee::kTdx ? 'T' : 'S');
  all.push_back(static_cast<char>(quote.certification_type));
  for (const std::string_view part : {quote.attestation_key, quote.qe_report, quote.qe_signature,
                                      quote.qe_auth, quote.certification}) {
    AppendSized(all, part);
  }
  if (quote.certification_type != kCertificationPckChain) {
    for (const std::string& der : evidence.certificates) AppendSized(all, der);
  }
  all.push_back('|');
  for (const char* name : kCollateral) {
    // The tenant's are in the digest of `trust`.
    const bool own = trust.input().collateral.contains(name);
    AppendSized(all, own ? "" : PickCollateral(evidence, trust, name));
  }
  return secret::Sha256(AsBytes(all));
}

}  // namespace tam::attestation::dcap

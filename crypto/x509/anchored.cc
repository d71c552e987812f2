#include "crypto/x509/anchored.h"

#include <algorithm>
#include <utility>

#include "absl/status/status.h"
#include "crypto/text/text.h"
#include "crypto/x509/anchored_internal.h"
#include "openssl/err.h"
#include "openssl/evp.h"
#include "openssl/nid.h"
#include "openssl/x509v3.h"

namespace tam::x509 {
namespace {

std::string TimeText(absl::Time time) {
  return absl::FormatTime("%Y-%m-%dT%H:%M:%SZ", time, absl::UTCTimeZone());
}

absl::Status Refuse(std::string_view where, std::string_view want, std::string_view got) {
  return absl::UnauthenticatedError(AbslView(Concat(where, ": want ", want, ", got ", got)));
}

}  // namespace

bool IsStrongSignature(int nid) {
  constexpr int kStrong[] = {NID_sha256WithRSAEncryption, NID_sha384WithRSAEncryption,
                             NID_sha512WithRSAEncryption, NID_rsassaPss,
                             NID_ecdsa_with_SHA256,       NID_ecdsa_with_SHA384,
                             NID_ecdsa_with_SHA512};
  return std::find(std::begin(kStrong), std::end(kStrong), nid) != std::end(kStrong);
}

// The state of one verification.
class AnchoredVerifier {
 public:
  AnchoredVerifier(absl::Span<const Certificate> anchors, absl::Span<const std::string> crls,
                   absl::Time at)
      : anchors_(anchors), crls_(crls), at_(at) {
    result_.not_before = absl::InfinitePast();
    result_.not_after = absl::InfiniteFuture();
    result_.revocation_checked = true;
  }

  absl::StatusOr<Anchored> Verify(absl::Span<const Certificate> chain) {
    const auto last_anchor = AnchorOfKey(chain.back());
    if (last_anchor.has_value()) chain.remove_suffix(1);
    if (chain.empty()) return Refuse("chain", "a certificate below the anchor", "the anchor alone");
    for (size_t i = 0; i < chain.size(); ++i) {
      if (absl::Status s = CheckOne(i, chain[i]); !s.ok()) return s;
      if (i + 1 == chain.size()) break;
      if (absl::Status s = CheckIssued(i, chain[i], chain[i + 1], Name(i + 1)); !s.ok()) return s;
    }
    return Anchor(chain, last_anchor);
  }

 private:
  static std::string Name(size_t i) { return Concat("chain[", i, "]"); }

  static X509* Raw(const Certificate& certificate) { return certificate.impl_->x509.get(); }

  std::optional<size_t> AnchorOfKey(const Certificate& certificate) const {
    for (size_t i = 0; i < anchors_.size(); ++i) {
      if (anchors_[i].key() == certificate.key()) return i;
    }
    return std::nullopt;
  }

  // The last of the chain is signed by an anchor.
  absl::StatusOr<Anchored> Anchor(absl::Span<const Certificate> chain,
                                  std::optional<size_t> known) {
    const size_t last = chain.size() - 1;
    absl::Status reason = Refuse(Name(last) + ".issuer", "an anchor's name",
                                 anchors_.empty() ? "no anchors" : chain[last].issuer());
    for (size_t i = 0; i < anchors_.size(); ++i) {
      if (known.has_value() && *known != i) continue;
      if (!known.has_value() && X509_NAME_cmp(X509_get_issuer_name(Raw(chain[last])),
                                              X509_get_subject_name(Raw(anchors_[i]))) != 0) {
        continue;
      }
      reason = CheckIssued(last, chain[last], anchors_[i], "anchor");
      if (reason.ok()) reason = CheckDates("anchor", anchors_[i]);
      if (!reason.ok()) continue;
      result_.anchor = i;
      return result_;
    }
    return reason;
  }

  absl::Status CheckDates(std::string_view name, const Certificate& certificate) {
    result_.not_before = std::max(result_.not_before, certificate.not_before());
    result_.not_after = std::min(result_.not_after, certificate.not_after());
    if (at_ >= certificate.not_before() && at_ <= certificate.not_after()) return absl::OkStatus();
    return absl::DeadlineExceededError(AbslView(
        Concat(name, ".validity: want ", TimeText(at_), " within it, got ",
               TimeText(certificate.not_before()), " to ", TimeText(certificate.not_after()))));
  }

  absl::Status CheckOne(size_t i, const Certificate& certificate) {
    const uint32_t flags = X509_get_extension_flags(Raw(certificate));
    if ((flags & (EXFLAG_CRITICAL | EXFLAG_INVALID | EXFLAG_INVALID_POLICY)) != 0 ||
        X509_get_ext_by_NID(Raw(certificate), NID_name_constraints, -1) >= 0) {
      return Refuse(Name(i) + ".extensions", "those that are understood", "another critical one");
    }
    return CheckDates(Name(i), certificate);
  }

  absl::Status CheckIssued(size_t i, const Certificate& certificate, const Certificate& issuer,
                           const std::string& issuer_name) {
    X509* const above = Raw(issuer);
    if (X509_check_ca(above) != 1 || (X509_get_key_usage(above) & KU_KEY_CERT_SIGN) == 0) {
      return Refuse(issuer_name + ".basicConstraints", "an authority that signs certificates",
                    issuer.subject());
    }
    const long path = X509_get_pathlen(above);
    if (path >= 0 && static_cast<size_t>(path) < i) {
      return Refuse(issuer_name + ".pathLenConstraint", Concat(i, " or more"), Concat(path));
    }
    if (X509_check_issued(above, Raw(certificate)) != X509_V_OK) {
      return Refuse(Name(i) + ".issuer", issuer.subject(), certificate.issuer());
    }
    if (!IsStrongSignature(X509_get_signature_nid(Raw(certificate)))) {
      return Refuse(Name(i) + ".signatureAlgorithm", "RSA or ECDSA with SHA-2", "another");
    }
    const bssl::UniquePtr<EVP_PKEY> key(X509_get_pubkey(above));
    const bool verified = key != nullptr && X509_verify(Raw(certificate), key.get()) == 1;
    ERR_clear_error();
    if (!verified) {
      return Refuse(Name(i) + ".signature", Concat("one by ", issuer.subject()), "another");
    }
    return CheckRevocation(i, certificate, issuer);
  }

  absl::Status CheckRevocation(size_t i, const Certificate& certificate,
                               const Certificate& issuer) {
    bool listed = false;
    bool current = false;
    for (const std::string& der : crls_) {
      const auto crl = ParseCrl(der);
      if (!crl.ok()) return crl.status();
      if (X509_NAME_cmp(X509_CRL_get_issuer(crl->get()), X509_get_subject_name(Raw(issuer))) != 0) {
        continue;
      }
      listed = true;
      if (!IsSignedBy(crl->get(), issuer)) continue;
      X509_REVOKED* entry = nullptr;
      if (X509_CRL_get0_by_cert(crl->get(), &entry, Raw(certificate)) != 0) {
        return absl::PermissionDeniedError(
            AbslView(Concat(Name(i),
                            ".revocation: want a certificate that is not revoked, got one "
                            "in the list of ",
                            issuer.subject())));
      }
      current = NoteIfCurrent(crl->get()) || current;
    }
    if (listed && !current) {
      return absl::DeadlineExceededError(
          AbslView(Concat("crl: want a list signed by ", issuer.subject(), " that holds at ",
                          TimeText(at_), ", got none")));
    }
    result_.revocation_checked = result_.revocation_checked && listed;
    return absl::OkStatus();
  }

  // Delta lists, lists for some reasons or for other issuers say so in a critical extension.
  static absl::StatusOr<bssl::UniquePtr<X509_CRL>> ParseCrl(const std::string& der) {
    const auto* at = reinterpret_cast<const uint8_t*>(der.data());
    const auto* const end = at + der.size();
    bssl::UniquePtr<X509_CRL> crl;
    if (der.size() <= kMaxCrlBytes) {
      crl.reset(d2i_X509_CRL(nullptr, &at, static_cast<long>(der.size())));
    }
    ERR_clear_error();
    if (crl == nullptr || at != end) {
      return absl::InvalidArgumentError("crl: want one list in DER, got other bytes");
    }
    if (X509_CRL_get_ext_by_critical(crl.get(), 1, -1) >= 0) {
      return absl::InvalidArgumentError(
          "crl: want a whole list, got one with a critical extension");
    }
    return crl;
  }

  static bool IsSignedBy(X509_CRL* crl, const Certificate& issuer) {
    const bssl::UniquePtr<EVP_PKEY> key(X509_get_pubkey(Raw(issuer)));
    const bool verified = key != nullptr && (X509_get_key_usage(Raw(issuer)) & KU_CRL_SIGN) != 0 &&
                          IsStrongSignature(X509_CRL_get_signature_nid(crl)) &&
                          X509_CRL_verify(crl, key.get()) == 1;
    ERR_clear_error();
    return verified;
  }

  bool NoteIfCurrent(const X509_CRL* crl) {
    const auto from = InstantOf(X509_CRL_get0_lastUpdate(crl));
    const auto to = InstantOf(X509_CRL_get0_nextUpdate(crl));
    if (!from.has_value() || !to.has_value() || at_ < *from || at_ > *to) return false;
    result_.not_before = std::max(result_.not_before, *from);
    result_.not_after = std::min(result_.not_after, *to);
    return true;
  }

  absl::Span<const Certificate> anchors_;
  absl::Span<const std::string> crls_;
  absl::Time at_;
  Anchored result_;
};

absl::StatusOr<Anchored> VerifyToAnchor(absl::Span<const Certificate> chain,
                                        absl::Span<const Certificate> anchors,
                                        absl::Span<const std::string> crls, absl::Time at) {
  if (chain.empty() || chain.size() > kMaxAnchoredLength) {
    return absl::InvalidArgumentError(AbslView(
        Concat("chain: want 1..", kMaxAnchoredLength, " certificates, got ", chain.size())));
  }
  return AnchoredVerifier(anchors, crls, at).Verify(chain);
}

}  // namespace tam::x509

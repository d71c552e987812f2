#include "services/signing/chains.h"

#include "crypto/cbor/cbor.h"
#include "crypto/text/text.h"
#include "services/runtime/log.h"

namespace tam::signing {

void LogSkipped(const storage::KeyCertificate& certificate, std::string_view reason) {
  runtime::Log(runtime::Severity::kWarning, "signing_certificate_skipped",
               {{"tenant", certificate.tenant.ToString()},
                {"key", certificate.key.ToString()},
                {"position", Concat(certificate.position)},
                {"reason", AbslView(reason)},
                {"not_before", absl::FormatTime(certificate.not_before, absl::UTCTimeZone())},
                {"not_after", absl::FormatTime(certificate.not_after, absl::UTCTimeZone())}});
}

std::vector<std::string> ChainChooser::Choose(
    const std::vector<storage::KeyCertificate>& certificates, size_t passed, absl::Time now) {
  for (const storage::KeyCertificate& certificate : certificates) {
    if (now < certificate.not_before || now > certificate.not_after) {
      NoteSkipped(certificate, now < certificate.not_before ? "not_yet_valid" : "expired");
      continue;
    }
    if (passed-- > 0) continue;
    std::vector<std::string> chain;
    for (const storage::Bytes& der : certificate.chain) chain.push_back(cbor::AsString(der));
    return chain;
  }
  return {};
}

void ChainChooser::NoteSkipped(const storage::KeyCertificate& certificate,
                               std::string_view reason) {
  const absl::Duration now = monotonic_();
  {
    absl::MutexLock lock(&mutex_);
    if (told_.size() >= kMaxRemembered) told_.clear();
    const auto [at, fresh] = told_.emplace(std::pair(certificate.key, certificate.position), now);
    if (!fresh && now - at->second < kQuiet) return;
    at->second = now;
  }
  skipped_(certificate, reason);
}

}  // namespace tam::signing

#include "services/runtime/peer_trust.h"

#include "absl/status/statusor.h"
#include "absl/time/clock.h"

namespace tam::runtime {
namespace {
constexpr size_t kMostRemembered = 4096;
}  // namespace

absl::Status PeerTrust::Check(absl::FunctionRef<std::string()> chain) {
  const TlsSource::Snapshot now = source_->Get();
  if (now.generation == 1) return absl::OkStatus();
  const std::string chain_pem = chain();
  std::lock_guard lock(mutex_);
  // Another thread may have asked later than this one: then its authorities count.
  if (now.generation > generation_) {
    absl::StatusOr<x509::Authorities> parsed = x509::Authorities::Parse(now.material->ca_pem);
    if (!parsed.ok()) return parsed.status();
    authorities_ = *std::move(parsed);
    generation_ = now.generation;
    good_.clear();
  }
  if (good_.contains(chain_pem)) return absl::OkStatus();
  absl::Status status = authorities_->VerifyClient(chain_pem, absl::Now());
  if (!status.ok()) return absl::UnauthenticatedError("client certificate: not trusted any more");
  if (good_.size() >= kMostRemembered) good_.clear();
  good_.emplace(chain_pem);
  return status;
}

}  // namespace tam::runtime

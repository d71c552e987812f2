#include "services/gateway/tls_certificate.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "crypto/cbor/cbor.h"
#include "crypto/secret/secret.h"
#include "services/runtime/files.h"
#include "services/runtime/log.h"
#include "services/runtime/secret_file.h"

namespace tam::gateway {
namespace {

struct Pair {
  std::string chain;
  std::string key;
};

absl::StatusOr<Pair> ReadPair(const TlsCertificate::Files& files) {
  auto chain = runtime::ReadFile(files.certificate);
  if (!chain.ok()) return chain.status();
  auto key = runtime::ReadSecretFile(files.key);
  if (!key.ok()) return key.status();
  return Pair{*std::move(chain), *std::move(key)};
}

std::string DigestOf(const Pair& pair) {
  return absl::StrCat(cbor::AsString(secret::Sha256(cbor::AsBytes(pair.chain))),
                      cbor::AsString(secret::Sha256(cbor::AsBytes(pair.key))));
}

}  // namespace

absl::StatusOr<std::unique_ptr<TlsCertificate>> TlsCertificate::Load(Files files) {
  auto pair = ReadPair(files);
  if (!pair.ok()) return pair.status();
  std::unique_ptr<TlsCertificate> certificate(new TlsCertificate(std::move(files)));
  if (absl::Status taken = certificate->Take(pair->chain, pair->key); !taken.ok()) return taken;
  certificate->seen_ = DigestOf(*pair);
  return certificate;
}

tls::Context TlsCertificate::Current() const {
  std::lock_guard lock(mutex_);
  return current_;
}

absl::Status TlsCertificate::Take(const std::string& chain, const std::string& key) {
  auto context = tls::NewServerContext(chain, key);
  if (!context.ok()) {
    return absl::Status(context.status().code(), absl::StrCat(files_.certificate, ", ", files_.key,
                                                              ": ", context.status().message()));
  }
  runtime::Log(runtime::Severity::kInfo, "tls.certificate",
               {{"file", files_.certificate},
                {"not_after",
                 absl::FormatTime(absl::RFC3339_sec, context->not_after, absl::UTCTimeZone())}});
  std::lock_guard lock(mutex_);
  current_ = std::move(context->context);
  return absl::OkStatus();
}

TlsCertificate::Change TlsCertificate::Poll() {
  std::lock_guard lock(polling_);
  const auto pair = ReadPair(files_);
  std::string read = pair.ok() ? DigestOf(*pair) : std::string(pair.status().message());
  if (read == seen_) return Change::kNone;
  seen_ = std::move(read);
  const absl::Status taken = pair.ok() ? Take(pair->chain, pair->key) : pair.status();
  if (taken.ok()) return Change::kReplaced;
  runtime::Log(runtime::Severity::kWarning, "tls.certificate.refused",
               {{"status", taken.ToString()}});
  return Change::kRefused;
}

}  // namespace tam::gateway

#include "services/runtime/tls_source.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "crypto/x509/credentials.h"
#include "services/runtime/files.h"
#include "services/runtime/log.h"
#include "services/runtime/secret_file.h"

namespace tam::runtime {
namespace {

class FixedSource : public TlsSource {
 public:
  explicit FixedSource(TlsMaterial material)
      : snapshot_{std::make_shared<const TlsMaterial>(std::move(material)), 1} {}
  Snapshot Get() override { return snapshot_; }

 private:
  const Snapshot snapshot_;
};

absl::StatusOr<TlsMaterial> ReadMaterial(const TlsFiles::Paths& paths) {
  absl::StatusOr<std::string> ca = ReadFile(paths.ca);
  if (!ca.ok()) return ca.status();
  absl::StatusOr<std::string> certificate = ReadFile(paths.certificate);
  if (!certificate.ok()) return certificate.status();
  absl::StatusOr<std::string> key = ReadSecretFile(paths.key);
  if (!key.ok()) return key.status();
  return TlsMaterial{*std::move(ca), *std::move(certificate), *std::move(key)};
}

absl::Status CheckMaterial(const TlsFiles::Paths& paths, const TlsMaterial& material) {
  if (auto authorities = x509::Authorities::Parse(material.ca_pem); !authorities.ok()) {
    return absl::InvalidArgumentError(absl::StrCat(paths.ca, ": ", authorities.status().message()));
  }
  absl::Status pair = x509::CheckKeyPair(material.certificate_pem, material.private_key_pem);
  if (pair.ok()) return pair;
  return absl::InvalidArgumentError(
      absl::StrCat(paths.certificate, ", ", paths.key, ": ", pair.message()));
}

}  // namespace

std::shared_ptr<TlsSource> FixedTls(TlsMaterial material) {
  return std::make_shared<FixedSource>(std::move(material));
}

absl::StatusOr<std::shared_ptr<TlsFiles>> TlsFiles::Open(const Paths& paths) {
  absl::StatusOr<TlsMaterial> material = ReadMaterial(paths);
  if (!material.ok()) return material.status();
  if (absl::Status checked = CheckMaterial(paths, *material); !checked.ok()) return checked;
  return std::shared_ptr<TlsFiles>(new TlsFiles(paths, *std::move(material)));
}

TlsFiles::TlsFiles(const Paths& paths, TlsMaterial material)
    : paths_(paths), current_{std::make_shared<const TlsMaterial>(std::move(material)), 1} {}

TlsSource::Snapshot TlsFiles::Get() {
  std::lock_guard lock(mutex_);
  return current_;
}

TlsFiles::Change TlsFiles::Poll() {
  std::lock_guard polling(polling_);
  const Snapshot held = Get();
  absl::StatusOr<TlsMaterial> read = ReadMaterial(paths_);
  const bool same = read.ok() && *read == *held.material;
  const absl::Status usable = !read.ok() ? read.status()
                              : same     ? absl::OkStatus()
                                         : CheckMaterial(paths_, *read);
  const std::string refused = usable.ok() ? "" : usable.ToString();
  if (refused != refused_ && !refused.empty()) {
    Log(Severity::kWarning, "tls.kept", {{"certificate", paths_.certificate}, {"status", refused}});
  }
  refused_ = refused;
  if (!usable.ok() || same) {
    unsettled_.reset();
    return same ? Change::kNone : Change::kRefused;
  }
  if (unsettled_ != *read) {
    unsettled_ = *std::move(read);
    return Change::kUnsettled;
  }
  unsettled_.reset();
  const uint64_t generation = held.generation + 1;
  {
    std::lock_guard lock(mutex_);
    current_ = {std::make_shared<const TlsMaterial>(*std::move(read)), generation};
  }
  Log(Severity::kInfo, "tls.reloaded",
      {{"certificate", paths_.certificate}, {"generation", absl::StrCat(generation)}});
  return Change::kReplaced;
}

}  // namespace tam::runtime

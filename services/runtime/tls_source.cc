#include "services/runtime/tls_source.h"

#include <array>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "crypto/x509/credentials.h"
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

absl::Status ReadPem(const std::string& path, std::string& text) {
  std::ifstream in(path, std::ios::binary);
  text.assign(x509::kMaxPemBytes + 1, '\0');
  in.read(text.data(), static_cast<std::streamsize>(text.size()));
  if (in.bad() || (in.gcount() == 0 && !in.eof())) {
    return absl::NotFoundError(absl::StrCat(path, ": cannot be read: ", std::strerror(errno)));
  }
  text.resize(static_cast<size_t>(in.gcount()));
  return absl::OkStatus();
}

absl::StatusOr<TlsMaterial> ReadMaterial(const TlsFiles::Paths& paths) {
  TlsMaterial material;
  if (absl::Status s = ReadPem(paths.ca, material.ca_pem); !s.ok()) return s;
  if (absl::Status s = ReadPem(paths.certificate, material.certificate_pem); !s.ok()) return s;
  absl::StatusOr<std::string> key = ReadSecretFile(paths.key);
  if (!key.ok()) return key.status();
  material.private_key_pem = *std::move(key);
  return material;
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

absl::StatusOr<std::shared_ptr<TlsSource>> TlsFiles::Open(const Paths& paths,
                                                          const Options& options) {
  absl::StatusOr<TlsMaterial> material = ReadMaterial(paths);
  if (!material.ok()) return material.status();
  if (absl::Status checked = CheckMaterial(paths, *material); !checked.ok()) return checked;
  return std::shared_ptr<TlsSource>(new TlsFiles(paths, options, *std::move(material)));
}

TlsFiles::TlsFiles(const Paths& paths, const Options& options, TlsMaterial material)
    : paths_(paths),
      check_every_(options.check_every),
      now_(options.now ? options.now : absl::Now),
      next_check_(now_() + check_every_),
      current_{std::make_shared<const TlsMaterial>(std::move(material)), 1} {}

TlsSource::Snapshot TlsFiles::Get() {
  std::lock_guard lock(mutex_);
  const absl::Time now = now_();
  // A clock that was set back must not put the next look off.
  if (now >= next_check_ || now < next_check_ - check_every_) {
    Check();
    next_check_ = now + check_every_;
  }
  return current_;
}

void TlsFiles::Check() {
  absl::StatusOr<TlsMaterial> read = ReadMaterial(paths_);
  if (read.ok() && *read == *current_.material) return;
  const absl::Status usable = read.ok() ? CheckMaterial(paths_, *read) : read.status();
  if (!usable.ok()) {
    Log(Severity::kWarning, "tls.kept",
        {{"certificate", paths_.certificate}, {"status", usable.ToString()}});
    return;
  }
  current_ = {std::make_shared<const TlsMaterial>(*std::move(read)), current_.generation + 1};
  Log(Severity::kInfo, "tls.reloaded",
      {{"certificate", paths_.certificate}, {"generation", absl::StrCat(current_.generation)}});
}

}  // namespace tam::runtime

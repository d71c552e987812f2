#ifndef TAMARACK_SERVICES_RUNTIME_TLS_SOURCE_H_
#define TAMARACK_SERVICES_RUNTIME_TLS_SOURCE_H_

// What a process presents and trusts in TLS, as it stands now: files may be replaced while it runs.

#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"

namespace tam::runtime {

// PEM texts.
struct TlsMaterial {
  // What the other side's chain must end in. Nothing else is trusted.
  std::string ca_pem;
  // Own chain, leaf first, and its private key. Both empty: a client that presents nothing.
  std::string certificate_pem;
  std::string private_key_pem;

  bool operator==(const TlsMaterial&) const = default;
};

// Thread safe.
class TlsSource {
 public:
  struct Snapshot {
    std::shared_ptr<const TlsMaterial> material;
    // 1 for the first material; one more whenever it changes.
    uint64_t generation = 0;
  };

  virtual ~TlsSource() = default;
  virtual Snapshot Get() = 0;
};

// Always the same.
std::shared_ptr<TlsSource> FixedTls(TlsMaterial material);

// Files, read again from time to time by whoever asks; there is no thread. What cannot be read or
// does not fit together (half written; a certificate whose key has not arrived yet) is logged, and
// the last good material stays.
class TlsFiles : public TlsSource {
 public:
  struct Paths {
    std::string ca;
    std::string certificate;
    std::string key;
  };
  struct Options {
    // How old an answer may be.
    absl::Duration check_every = absl::Seconds(10);
    // Unset: absl::Now.
    std::function<absl::Time()> now;
  };

  // NotFound, naming the file, if one cannot be read; FailedPrecondition if others can open the
  // key; InvalidArgument if they do not fit together.
  static absl::StatusOr<std::shared_ptr<TlsSource>> Open(const Paths& paths,
                                                         const Options& options);

  Snapshot Get() override;

 private:
  TlsFiles(const Paths& paths, const Options& options, TlsMaterial material);
  void Check();

  const Paths paths_;
  const absl::Duration check_every_;
  const std::function<absl::Time()> now_;
  std::mutex mutex_;  // guards what follows
  absl::Time next_check_;
  Snapshot current_;
};

}  // namespace tam::runtime

#endif  // TAMARACK_SERVICES_RUNTIME_TLS_SOURCE_H_

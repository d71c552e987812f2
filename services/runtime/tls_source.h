#ifndef TAMARACK_SERVICES_RUNTIME_TLS_SOURCE_H_
#define TAMARACK_SERVICES_RUNTIME_TLS_SOURCE_H_

// What a process presents and trusts in TLS, as it stands now: files may be replaced while it runs.

#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "absl/status/statusor.h"

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

// Files that may be replaced. Nobody who asks reads them: whoever opened this calls Poll from time
// to time.
class TlsFiles : public TlsSource {
 public:
  struct Paths {
    std::string ca;
    std::string certificate;
    std::string key;
  };

  // NotFound, naming the file, if one cannot be read; FailedPrecondition if others can open the
  // key; InvalidArgument if they do not fit together.
  static absl::StatusOr<std::shared_ptr<TlsFiles>> Open(const Paths& paths);

  // What was read last.
  Snapshot Get() override;

  enum class Change { kNone, kUnsettled, kReplaced, kRefused };
  // Reads the files. New ones are taken when two successive looks read the same (kUnsettled after
  // the first): a bundle that is cut between two certificates is valid by itself. What cannot be
  // read or does not fit together (half written; a certificate whose key has not arrived yet) is
  // logged, once, and the last good material stays.
  Change Poll();

 private:
  TlsFiles(const Paths& paths, TlsMaterial material);

  const Paths paths_;
  std::mutex polling_;   // guards the next two, and that one reads at a time
  std::string refused_;  // why the files as they were read last are not used; empty if they are
  std::optional<TlsMaterial> unsettled_;  // usable, and read for the first time at the last look
  std::mutex mutex_;                      // guards current_
  Snapshot current_;
};

}  // namespace tam::runtime

#endif  // TAMARACK_SERVICES_RUNTIME_TLS_SOURCE_H_

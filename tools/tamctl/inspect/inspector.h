// Internal to the inspection: the state that the checks share.
#ifndef TAMARACK_TOOLS_TAMCTL_INSPECT_INSPECTOR_H_
#define TAMARACK_TOOLS_TAMCTL_INSPECT_INSPECTOR_H_

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "crypto/cose/cose.h"
#include "teep/suit/envelope.h"
#include "tools/tamctl/inspect/annotate.h"
#include "tools/tamctl/inspect/fetches.h"
#include "tools/tamctl/inspect/inspect.h"

namespace tam::inspect {

// Where a check stands.
struct Site {
  std::string path;
  bool outer = false;  // the outermost structure of the file
};

class Inspector {
 public:
  Inspector(cbor::Bytes file, absl::Span<const NamedKey> keys, const Options& options)
      : file_(file),
        keys_(keys),
        options_(options),
        used_(keys.size(), false),
        opened_(keys.size(), false) {}

  Result Run() &&;

 private:
  // inspect.cc
  void Look();
  void Root(const cbor::Item& root);
  void Check(Kind kind, const cbor::Item& item, const Site& site);
  void KeyRule();
  cbor::Limits FileLimits() const;
  size_t OffsetOf(cbor::Bytes part) const { return part.data() - file_.data(); }
  void Refuse(const cbor::Item& item, std::string_view path, std::string_view reason);
  // Of a check over `part` of the file, whose own offsets count from the start of `part`.
  void Refuse(const absl::Status& status, cbor::Bytes part, std::string_view path);
  void Note(std::string note) { result_.notes.push_back(std::move(note)); }
  // Runs `check`; what it refuses becomes a note, because the format allows any bytes there.
  template <typename F>
  void Leniently(F check);

  // cose_checks.cc
  void CheckCose(const cbor::Item& item, const Site& site);
  void CheckCosePayload(const cbor::Item& payload, bool tagged, std::string_view container,
                        const cose::Message& message, const Site& site);
  void CheckTeepContainer(const cbor::Item& item, bool tagged, const cose::Message& message,
                          const Site& site);
  // Tries every key on every signature; `detached` is the payload of a container without one.
  void Signatures(const cose::Message& message, std::optional<cbor::Bytes> detached,
                  const Site& site);
  void CheckKey(const cbor::Item& item, const Site& site);
  void CheckClaims(const cbor::Item& item, const Site& site);

  // encrypted_checks.cc
  void CheckEncrypted(const cbor::Item& container, std::string_view name, const Site& site);
  void ShowInside(cbor::Bytes plaintext, size_t key, std::string_view purpose, const Site& site);
  void CheckBundle(const cbor::Item& item, const Site& site);

  // teep_checks.cc
  void CheckTeep(const cbor::Item& item, const Site& site);
  bool legacy() const { return options_.wire == teep::WireProfile::kLegacy; }
  bool RefuseOlderNumbering(const cbor::Item& item, const Site& site);
  void CheckTeepParts(const cbor::Item& item, const Site& site);
  void CheckReports(const cbor::Item& reports, std::optional<cbor::Bytes> token, const Site& site);

  // suit_checks.cc
  void CheckEnvelope(const cbor::Item& item, const Site& site);
  void CheckPayloads(const suit::Envelope& envelope, const cbor::Item& map, const Site& site);
  void CheckPayload(const Fetch& fetch, const cbor::Item& value, const Site& site);
  void CheckReport(const cbor::Item& item, const Site& site);

  const cbor::Bytes file_;
  const absl::Span<const NamedKey> keys_;
  const Options options_;
  Result result_;
  std::vector<Place> places_;
  std::vector<bool> used_;    // keys that verified or opened something
  std::vector<bool> opened_;  // keys that opened something
  bool outer_signed_ = false;
  bool outer_verified_ = false;
  int depth_ = 0;
};

template <typename F>
void Inspector::Leniently(F check) {
  const size_t before = result_.problems.size();
  check();
  for (size_t i = before; i < result_.problems.size(); ++i) {
    Note(result_.problems[i].ToString());
  }
  result_.problems.resize(before);
}

// The one item in a byte string of the file; its items lie in the file too.
absl::StatusOr<cbor::Document> ParseContent(const cbor::Item& byte_string, size_t max_bytes);

}  // namespace tam::inspect

#endif  // TAMARACK_TOOLS_TAMCTL_INSPECT_INSPECTOR_H_

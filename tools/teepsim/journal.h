// journal.cbor: a commit of several files that is under way (device_state.h).
//
//   journal = [state: bstr .cbor StateRecord, { * name: bstr / nil }]
//   name    = "components/" file / "manifests/" file
#ifndef TAMARACK_TOOLS_TEEPSIM_JOURNAL_H_
#define TAMARACK_TOOLS_TEEPSIM_JOURNAL_H_

#include <map>
#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "crypto/cbor/cbor.h"

namespace tam::teepsim {

struct Journal {
  std::string state;  // what becomes of state.cbor
  // Name below the device's folder -> bytes; nullopt: removed.
  std::map<std::string, std::optional<std::string>> files;
  bool operator==(const Journal&) const = default;
};

std::string EncodeJournal(const Journal& journal);

// InvalidArgument "journal.cbor…: want X, got Y": also for a state that DecodeState refuses, and
// for a name of another file than a component's or a manifest's, so that nothing is begun which
// could not be ended, and nothing outside the two folders is touched.
absl::StatusOr<Journal> DecodeJournal(cbor::Bytes encoded);

}  // namespace tam::teepsim

#endif  // TAMARACK_TOOLS_TEEPSIM_JOURNAL_H_

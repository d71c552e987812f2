#include "tools/teepsim/journal.h"

#include <string_view>

#include "crypto/text/text.h"
#include "tools/teepsim/device_state.h"
#include "tools/teepsim/status_macros.h"

namespace tam::teepsim {
namespace {

constexpr size_t kMaxJournalBytes = 256 << 20;

// One file of those two folders, and not its parent or itself.
bool IsOurs(std::string_view name) {
  for (const std::string_view folder : {"components/", "manifests/"}) {
    if (!name.starts_with(folder)) continue;
    const std::string_view file = name.substr(folder.size());
    return !file.empty() && file != "." && file != ".." &&
           file.find_first_of(std::string_view("/\0", 2)) == std::string_view::npos;
  }
  return false;
}

absl::Status ReadFiles(const cbor::Item& map, Journal& journal) {
  TEEPSIM_RETURN_IF_ERROR(map.CheckMap());
  for (const auto [key, value] : map.each_pair()) {
    TEEPSIM_ASSIGN_OR_RETURN(const std::string_view name, key.Text());
    if (!IsOurs(name)) return key.Error("want a file of components/ or manifests/, got another");
    std::optional<std::string>& content = journal.files[std::string(name)];
    if (value.is_null()) continue;
    TEEPSIM_ASSIGN_OR_RETURN(const cbor::Bytes bytes, value.ByteString());
    content = cbor::AsString(bytes);
  }
  return absl::OkStatus();
}

}  // namespace

std::string EncodeJournal(const Journal& journal) {
  cbor::MapBuilder names;
  for (const auto& [name, bytes] : journal.files) {
    cbor::Writer value;
    bytes.has_value() ? value.ByteString(*bytes) : value.Null();
    names.Set(name, std::move(value));
  }
  cbor::Writer writer;
  writer.Array(2).ByteString(journal.state).Raw(names.Encode());
  return std::move(writer).Take();
}

absl::StatusOr<Journal> DecodeJournal(cbor::Bytes encoded) {
  cbor::Limits limits;
  limits.max_bytes = kMaxJournalBytes;
  TEEPSIM_ASSIGN_OR_RETURN(const cbor::Document document,
                           cbor::Document::Parse(encoded, limits, "journal.cbor"));
  const cbor::Item root = document.root();
  TEEPSIM_RETURN_IF_ERROR(root.CheckArray(2, 2));
  Journal journal;
  TEEPSIM_ASSIGN_OR_RETURN(const cbor::Bytes state, root.at(0).ByteString());
  if (const auto record = DecodeState(state); !record.ok()) {
    return root.at(0).Error(StdView(record.status().message()));
  }
  journal.state = cbor::AsString(state);
  TEEPSIM_RETURN_IF_ERROR(ReadFiles(root.at(1), journal));
  return journal;
}

}  // namespace tam::teepsim

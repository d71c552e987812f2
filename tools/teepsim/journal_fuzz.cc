// Any bytes as a device's journal.cbor: decode(encode(decode(x))) == decode(x), a refusal says why,
// and what is read can be carried out: its state is one, its files lie in the device's two folders.
#include <cstdlib>
#include <filesystem>

#include "crypto/cbor/cbor.h"
#include "tools/teepsim/device_state.h"
#include "tools/teepsim/journal.h"

namespace {

void Require(bool condition) {
  if (!condition) std::abort();
}

// By the file system's own reading of a name, not by that of the reader.
void RequireInside(const std::string& name) {
  Require(name.find('\0') == std::string::npos);
  const std::filesystem::path path = std::filesystem::path(name).lexically_normal();
  Require(path == name && !path.has_root_path() && path.has_filename());
  const std::filesystem::path folder = path.parent_path();
  Require(folder == "components" || folder == "manifests");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto journal = tam::teepsim::DecodeJournal(tam::cbor::Bytes(data, size));
  if (!journal.ok()) {
    Require(!journal.status().message().empty());
    return 0;
  }
  const std::string encoded = tam::teepsim::EncodeJournal(*journal);
  const auto again = tam::teepsim::DecodeJournal(tam::cbor::AsBytes(encoded));
  Require(again.ok() && *again == *journal);
  Require(tam::teepsim::DecodeState(tam::cbor::AsBytes(journal->state)).ok());
  for (const auto& [name, content] : journal->files) RequireInside(name);
  return 0;
}

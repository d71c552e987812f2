// decode(encode(decode(x))) == decode(x) for TEEP messages, and every refusal says why.
#include <cstdlib>
#include <string>

#include "crypto/cbor/cbor.h"
#include "teep/message/message.h"

namespace {

void Require(bool condition) {
  if (!condition) std::abort();
}

// Empty lists are accepted and never written (TEEP.md A5).
void DropEmptyLists(tam::teep::Message& message) {
  auto* response = std::get_if<tam::teep::QueryResponse>(&message);
  if (response == nullptr) return;
  if (response->tc_list.has_value() && response->tc_list->empty()) response->tc_list.reset();
  if (response->ext_list.has_value() && response->ext_list->empty()) response->ext_list.reset();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  auto message = tam::teep::Decode(tam::teep::Bytes(data, size));
  if (!message.ok()) {
    Require(message.status().code() == absl::StatusCode::kInvalidArgument);
    Require(!message.status().message().empty());
    return 0;
  }
  auto encoded = tam::teep::Encode(*message);
  Require(encoded.ok());
  auto again = tam::teep::Decode(tam::cbor::AsBytes(*encoded));
  Require(again.ok());
  DropEmptyLists(*message);
  Require(*again == *message);
  return 0;
}

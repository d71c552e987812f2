// Looks at a file: what it is, whether it is well formed, which of its signatures verify.
//
// Reads TEEP messages (draft-ietf-teep-protocol-26; of drafts before it where it is told to), SUIT
// envelopes and reports, COSE containers, EATs, detached EAT bundles, EARs, COSE_Keys and plain
// CBOR, and what of these is encrypted for a key that it is given. Verifying here is for people:
// programs use teep/ and crypto/, whose types keep verified and unverified apart.
#ifndef TAMARACK_TOOLS_TAMCTL_INSPECT_INSPECT_H_
#define TAMARACK_TOOLS_TAMCTL_INSPECT_INSPECT_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "absl/types/span.h"
#include "crypto/cbor/cbor.h"
#include "crypto/keys/agreement.h"
#include "crypto/keys/key.h"
#include "teep/message/message.h"
#include "tools/tamctl/inspect/detect.h"

namespace tam::inspect {

struct NamedKey {
  std::string name;  // a file name
  // An AgreementKey verifies nothing.
  std::variant<keys::PublicKey, keys::MacKey, keys::AgreementKey> key;
  // The private key of which `key` is the public part, where it could open what is encrypted.
  std::optional<keys::AgreementKey> opens = std::nullopt;
};

// Why a file is refused, and where.
struct Problem {
  std::optional<size_t> offset;  // bytes from the start of the file
  std::string path;              // may be empty
  std::string reason;
  // "offset 12, query-response.token: want 8..64 bytes, got 7"
  std::string ToString() const;
};

struct SignatureResult {
  enum class State { kVerifies, kFails, kNotChecked };
  std::string path;       // of the container
  std::string container;  // "COSE_Sign1"
  std::optional<int64_t> algorithm;
  std::string kid;  // hex; empty when absent
  State state = State::kNotChecked;
  std::string key_name;  // of the key that verified it
  std::string reason;    // when it did not
};

// What a key opened.
struct Decrypted {
  std::string path;  // of the container
  std::string key_name;
  std::string purpose;     // "EAT Encryption"; empty: none was stated
  std::string title;       // of what was inside
  std::string diagnostic;  // empty when it is not CBOR
};

struct Result {
  std::string title;       // "TEEP QueryResponse in COSE_Sign1"
  std::string diagnostic;  // empty when the bytes are not CBOR
  std::vector<Decrypted> decrypted;
  std::vector<SignatureResult> signatures;  // those inside of what was decrypted too
  std::vector<std::string> notes;
  std::vector<Problem> problems;

  // Well formed, and where keys were given, every key verifies at least one signature or opens
  // something, and the outermost signature is verified by one of them, unless all only open.
  bool ok() const { return problems.empty(); }
};

struct Options {
  std::optional<Kind> as;  // unset: detected
  size_t max_bytes_shown = 1024;
  // kLegacy: TEEP messages of drafts up to -24, untagged COSE among them.
  teep::WireProfile wire = teep::WireProfile::kDraft26;
};

// Never fails: what is wrong stands in Result::problems. Reads up to 64 MiB.
Result Inspect(cbor::Bytes file, absl::Span<const NamedKey> keys,
               const Options& options = Options());

// Title, diagnostic notation, signatures, notes and the verdict, as text with a newline at its end.
std::string ToText(const Result& result);

}  // namespace tam::inspect

#endif  // TAMARACK_TOOLS_TAMCTL_INSPECT_INSPECT_H_

// SUIT_Command_Sequence = [+ (code, argument)], and the types of the arguments that are known.
#include <optional>

#include "crypto/cbor/cbor.h"
#include "crypto/text/text.h"
#include "teep/suit/commands.h"
#include "teep/suit/envelope.h"
#include "teep/suit/items.h"
#include "teep/suit/status_macros.h"

namespace tam::suit {
namespace {

constexpr uint64_t kPenTag = 112;
constexpr size_t kUuidBytes = 16;
constexpr size_t kMaxUriBytes = 2048;

absl::Status CheckVendorId(const cbor::Item& value) {
  if (value.is_tag() && value.tag() == kPenTag) return absl::OkStatus();
  return value.ByteString(kUuidBytes, kUuidBytes).status();
}

absl::Status CheckEmbeddedDigest(const cbor::Item& value) {
  SUIT_ASSIGN_OR_RETURN(Bytes bytes, value.ByteString());
  return ParseDigest(bytes, value.path()).status();
}

absl::Status CheckEncryptionInfo(const cbor::Item& value) {
  SUIT_ASSIGN_OR_RETURN(Bytes bytes, value.ByteString());
  return EncryptionAlgorithm(bytes, value.path()).status();
}

absl::Status CheckParameter(int64_t label, const cbor::Item& value) {
  switch (label) {
    case parameter::kVendorId:
      return CheckVendorId(value);
    case parameter::kClassId:
    case parameter::kDeviceId:
      return value.ByteString(kUuidBytes, kUuidBytes).status();
    case parameter::kImageDigest:
      return CheckEmbeddedDigest(value);
    case parameter::kComponentSlot:
    case parameter::kImageSize:
    case parameter::kSourceComponent:
      return value.Uint().status();
    case parameter::kStrictOrder:
    case parameter::kSoftFailure:
      return value.Bool().status();
    case parameter::kContent:
    case parameter::kInvokeArgs:
    case parameter::kFetchArguments:
      return value.ByteString().status();
    case parameter::kEncryptionInfo:
      return CheckEncryptionInfo(value);
    case parameter::kUri:
      return value.Text(1, kMaxUriBytes).status();
    default:
      return absl::OkStatus();
  }
}

absl::Status CheckParameters(const cbor::Item& argument) {
  SUIT_RETURN_IF_ERROR(argument.CheckMap(1));
  for (const auto [key, value] : argument.each_pair()) {
    SUIT_ASSIGN_OR_RETURN(const int64_t label, key.Int());
    SUIT_RETURN_IF_ERROR(CheckParameter(label, value));
  }
  return absl::OkStatus();
}

// Walks a sequence and those inside it; counts commands over all of them.
class Checker {
 public:
  explicit Checker(const std::set<uint64_t>* indexes) : indexes_(indexes) {}

  absl::StatusOr<CommandSequence> Check(Bytes encoded, std::string_view path, size_t depth) {
    SUIT_ASSIGN_OR_RETURN(cbor::Document document,
                          cbor::Document::Parse(encoded, cbor::Limits(), path));
    const cbor::Item root = document.root();
    SUIT_RETURN_IF_ERROR(root.CheckArray(2));
    if (root.size() % 2 != 0) return root.Error("want pairs of command and argument");
    CommandSequence sequence;
    std::optional<Command> command;
    for (const cbor::Item item : root.each()) {
      if (!command.has_value()) {
        SUIT_ASSIGN_OR_RETURN(const int64_t code, item.Int());
        command = Command{.code = code, .argument = "", .offset = item.offset()};
        if (++commands_ > kMaxCommands) {
          return item.Error(Concat("want at most ", kMaxCommands, " commands"));
        }
        continue;
      }
      SUIT_RETURN_IF_ERROR(CheckArgument(command->code, item, depth));
      command->argument = cbor::AsString(item.encoded());
      command->argument_offset = item.offset();
      sequence.push_back(*std::move(command));
      command.reset();
    }
    return sequence;
  }

 private:
  absl::Status CheckArgument(int64_t code, const cbor::Item& argument, size_t depth) {
    switch (code) {
      case command::kSetComponentIndex:
        return CheckComponentIndex(argument);
      case command::kTryEach:
        return CheckTryEach(argument, depth);
      case command::kRunSequence:
        return CheckNested(argument, depth);
      case command::kSetParameters:
      case command::kOverrideParameters:
        return CheckParameters(argument);
      case command::kProcessDependency:
      case command::kWrite:
      case command::kFetch:
      case command::kCopy:
      case command::kInvoke:
      case command::kSwap:
      case command::kUnlink:
        return argument.Uint().status();
      default:
        return IsCondition(code) ? argument.Uint().status() : absl::OkStatus();
    }
  }

  absl::Status CheckIndex(const cbor::Item& item) const {
    SUIT_ASSIGN_OR_RETURN(const uint64_t index, item.Uint());
    if (indexes_ != nullptr && !indexes_->contains(index)) {
      return item.Error(Concat("want the index of a component or dependency, got ", index));
    }
    return absl::OkStatus();
  }

  absl::Status CheckComponentIndex(const cbor::Item& argument) const {
    if (argument.is_bool()) {
      SUIT_ASSIGN_OR_RETURN(const bool all, argument.Bool());
      return all ? absl::OkStatus() : argument.Error("want an index, true or an array, got false");
    }
    if (!argument.is_array()) return CheckIndex(argument);
    SUIT_RETURN_IF_ERROR(argument.CheckArray(1, 2 * kMaxComponents));
    for (const cbor::Item element : argument.each()) SUIT_RETURN_IF_ERROR(CheckIndex(element));
    return absl::OkStatus();
  }

  absl::Status CheckTryEach(const cbor::Item& argument, size_t depth) {
    SUIT_RETURN_IF_ERROR(argument.CheckArray(2));
    size_t sequences = 0;
    for (const cbor::Item element : argument.each()) {
      if (element.is_null()) {
        if (sequences + 1 != argument.size()) return element.Error("want nil at the end alone");
        break;
      }
      SUIT_RETURN_IF_ERROR(CheckNested(element, depth));
      ++sequences;
    }
    return absl::OkStatus();
  }

  absl::Status CheckNested(const cbor::Item& item, size_t depth) {
    if (depth >= kMaxNesting) {
      return item.Error(Concat("want at most ", kMaxNesting, " levels of nested sequences"));
    }
    SUIT_ASSIGN_OR_RETURN(Bytes bytes, item.ByteString(1));
    return Check(bytes, item.path(), depth + 1).status();
  }

  const std::set<uint64_t>* indexes_;
  size_t commands_ = 0;
};

}  // namespace

absl::StatusOr<CommandSequence> ParseSequence(Bytes encoded, std::string_view path,
                                              const std::set<uint64_t>* indexes) {
  return Checker(indexes).Check(encoded, path, 0);
}

absl::StatusOr<CommandSequence> ParseCommandSequence(Bytes encoded, std::string_view path) {
  return ParseSequence(encoded, path, nullptr);
}

//   COSE_Encrypt_Tagged = 96([protected: bstr, unprotected: map, ciphertext: bstr / nil,
//                             recipients: [+ recipient]])
absl::StatusOr<int64_t> EncryptionAlgorithm(Bytes encryption_info, std::string_view path) {
  SUIT_ASSIGN_OR_RETURN(cbor::Document document,
                        cbor::Document::Parse(encryption_info, cbor::Limits(), path));
  const cbor::Item root = document.root();
  if (!root.is_tag() || root.tag() != 96) return root.Error("want COSE_Encrypt (tag 96)");
  const cbor::Item body = root.at(0);
  SUIT_RETURN_IF_ERROR(body.CheckArray(4, 4));
  SUIT_ASSIGN_OR_RETURN(Bytes protected_bytes, body.at(0).ByteString());
  SUIT_RETURN_IF_ERROR(body.at(1).CheckMap());
  if (!body.at(2).is_null()) SUIT_RETURN_IF_ERROR(body.at(2).ByteString().status());
  SUIT_RETURN_IF_ERROR(body.at(3).CheckArray(1, 16));
  if (protected_bytes.empty()) {
    // AES-CTR has no protected header (RFC 9459 section 4).
    SUIT_ASSIGN_OR_RETURN(cbor::Item algorithm, body.at(1).Get(1));
    return algorithm.Int();
  }
  SUIT_ASSIGN_OR_RETURN(cbor::Document headers,
                        cbor::Document::Parse(protected_bytes, cbor::Limits(), path));
  SUIT_ASSIGN_OR_RETURN(cbor::Item algorithm, headers.root().Get(1));
  return algorithm.Int();
}

}  // namespace tam::suit

#include "tools/tamctl/inspect/fetches.h"

#include <algorithm>
#include <map>
#include <utility>

#include "crypto/cbor/cbor.h"
#include "teep/suit/commands.h"

namespace tam::inspect {
namespace {

constexpr int kMaxNesting = 8;
constexpr uint64_t kMaxComponents = 64;

class Collector {
 public:
  explicit Collector(const suit::Manifest& manifest) : manifest_(manifest) {}

  absl::StatusOr<std::vector<Fetch>> Collect() {
    absl::Status status = Section(manifest_.shared_sequence);
    for (const auto& [section, commands] : manifest_.sequences) {
      if (status.ok()) status = Section(commands);
    }
    if (!status.ok()) return status;
    std::vector<Fetch> fetches;
    for (const auto& [component, uri] : fetched_) {
      const Known& known = known_[component];
      fetches.push_back({uri, known.digests, known.sizes, known.encrypted});
    }
    return fetches;
  }

 private:
  struct Known {
    std::string uri;
    std::vector<suit::Digest> digests;
    std::set<uint64_t> sizes;
    bool encrypted = false;
  };

  absl::Status Section(const suit::CommandSequence& commands) {
    current_ = {0};
    return Run(commands, 0);
  }

  absl::Status Run(const suit::CommandSequence& commands, int nesting) {
    if (nesting > kMaxNesting) return absl::InvalidArgumentError("sequences nest too deep");
    for (const suit::Command& command : commands) {
      const auto argument = cbor::Document::Parse(cbor::AsBytes(command.argument));
      if (!argument.ok()) return argument.status();
      const absl::Status status = Step(command.code, argument->root(), nesting);
      if (!status.ok()) return status;
    }
    return absl::OkStatus();
  }

  absl::Status Step(int64_t code, const cbor::Item& argument, int nesting) {
    switch (code) {
      case suit::command::kSetComponentIndex:
        SetIndex(argument);
        break;
      case suit::command::kSetParameters:
      case suit::command::kOverrideParameters:
        for (const uint64_t component : current_) Learn(argument, &known_[component]);
        break;
      case suit::command::kFetch:
        for (const uint64_t component : current_) {
          if (const std::string& uri = known_[component].uri; !uri.empty()) {
            fetched_.emplace(component, uri);
          }
        }
        break;
      case suit::command::kTryEach:
        for (const cbor::Item branch : argument.each()) {
          const std::vector<uint64_t> before = current_;
          if (const absl::Status status = Nested(branch, nesting); !status.ok()) return status;
          current_ = before;
        }
        break;
      case suit::command::kRunSequence:
        return Nested(argument, nesting);
      default:
        break;
    }
    return absl::OkStatus();
  }

  // nil, the branch that does nothing, is no byte string.
  absl::Status Nested(const cbor::Item& sequence, int nesting) {
    if (!sequence.is_bytes()) return absl::OkStatus();
    const auto commands = suit::ParseCommandSequence(*sequence.ByteString(), "sequence");
    if (!commands.ok()) return commands.status();
    return Run(*commands, nesting + 1);
  }

  void SetIndex(const cbor::Item& argument) {
    current_.clear();
    if (argument.is_bool()) {
      const uint64_t count = manifest_.components.size() + manifest_.dependencies.size();
      for (uint64_t i = 0; i < std::min(count, kMaxComponents); ++i) current_.push_back(i);
    } else if (argument.is_array()) {
      for (const cbor::Item index : argument.each()) current_.push_back(index.Uint().value_or(0));
    } else {
      current_.push_back(argument.Uint().value_or(0));
    }
  }

  static void Learn(const cbor::Item& parameters, Known* known) {
    if (const auto uri = parameters.Find(suit::parameter::kUri);
        uri.has_value() && uri->is_text()) {
      known->uri = std::string(*uri->Text());
    }
    if (const auto digest = parameters.Find(suit::parameter::kImageDigest);
        digest.has_value() && digest->is_bytes()) {
      auto parsed = suit::ParseDigest(*digest->ByteString(), "image-digest");
      if (parsed.ok()) known->digests.push_back(*std::move(parsed));
    }
    if (const auto size = parameters.Find(suit::parameter::kImageSize); size.has_value()) {
      if (const auto bytes = size->Uint(); bytes.ok()) known->sizes.insert(*bytes);
    }
    if (parameters.Find(suit::parameter::kEncryptionInfo).has_value()) known->encrypted = true;
  }

  const suit::Manifest& manifest_;
  std::vector<uint64_t> current_;
  std::map<uint64_t, Known> known_;
  std::set<std::pair<uint64_t, std::string>> fetched_;
};

}  // namespace

absl::StatusOr<std::vector<Fetch>> CollectFetches(const suit::Manifest& manifest) {
  return Collector(manifest).Collect();
}

}  // namespace tam::inspect

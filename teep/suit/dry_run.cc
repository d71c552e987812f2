#include "teep/suit/dry_run.h"

#include "crypto/text/text.h"
#include "teep/suit/commands.h"
#include "teep/suit/items.h"
#include "teep/suit/status_macros.h"

namespace tam::suit {
namespace {

class Runner {
 public:
  Runner(const Manifest& manifest, const StepCallback& on_step)
      : manifest_(manifest), on_step_(on_step) {
    for (uint64_t i = 0; i < manifest.components.size(); ++i) all_.push_back(i);
    for (const Dependency& dependency : manifest.dependencies) {
      all_.push_back(dependency.component_index);
    }
  }

  absl::StatusOr<std::vector<Way>> Run() {
    std::vector<Way> ways(1);
    for (const Section section :
         {Section::kDependencyResolution, Section::kPayloadFetch, Section::kCandidateVerification,
          Section::kInstall, Section::kValidate, Section::kLoad, Section::kInvoke}) {
      const auto sequence = manifest_.sequences.find(section);
      if (sequence == manifest_.sequences.end()) continue;
      for (Way& way : ways) way.current = {all_.front()};
      in_shared_sequence_ = true;
      SUIT_RETURN_IF_ERROR(RunTop(manifest_.shared_sequence, ways));
      in_shared_sequence_ = false;
      for (Way& way : ways) way.current = {all_.front()};
      SUIT_RETURN_IF_ERROR(RunTop(sequence->second, ways));
    }
    return ways;
  }

 private:
  absl::Status RunTop(const CommandSequence& sequence, std::vector<Way>& ways) {
    for (const Command& command : sequence) {
      SUIT_ASSIGN_OR_RETURN(cbor::Document argument,
                            cbor::Document::Parse(cbor::AsBytes(command.argument)));
      SUIT_RETURN_IF_ERROR(RunCommand(command.code, argument.root(), ways));
    }
    return absl::OkStatus();
  }

  absl::Status RunNested(const cbor::Item& bytes, std::vector<Way>& ways) {
    SUIT_ASSIGN_OR_RETURN(Bytes encoded, bytes.ByteString());
    SUIT_ASSIGN_OR_RETURN(cbor::Document document, cbor::Document::Parse(encoded));
    std::optional<cbor::Item> code;
    for (const cbor::Item item : document.root().each()) {
      if (!code.has_value()) {
        code = item;
        continue;
      }
      SUIT_ASSIGN_OR_RETURN(const int64_t number, code->Int());
      SUIT_RETURN_IF_ERROR(RunCommand(number, item, ways));
      code.reset();
    }
    return absl::OkStatus();
  }

  absl::Status RunCommand(int64_t code, const cbor::Item& argument, std::vector<Way>& ways) {
    const Step step{code, argument, in_shared_sequence_};
    for (Way& way : ways) SUIT_RETURN_IF_ERROR(on_step_(step, way));
    switch (code) {
      case command::kTryEach:
        return TryEach(argument, ways);
      case command::kRunSequence:
        return RunNested(argument, ways);
      case command::kSetComponentIndex:
        return SetIndex(argument, ways);
      case command::kSetParameters:
      case command::kOverrideParameters:
        return SetParameters(code == command::kOverrideParameters, argument, ways);
      case command::kAbort:
        ways.clear();
        return absl::OkStatus();
      case command::kVendorIdentifier:
        return Assume(parameter::kVendorId, ways);
      case command::kClassIdentifier:
        return Assume(parameter::kClassId, ways);
      case command::kComponentSlot:
        return Assume(parameter::kComponentSlot, ways);
      default:
        return absl::OkStatus();
    }
  }

  absl::Status TryEach(const cbor::Item& argument, std::vector<Way>& ways) {
    std::vector<Way> after;
    for (const cbor::Item branch : argument.each()) {
      std::vector<Way> taken = ways;
      if (!branch.is_null()) SUIT_RETURN_IF_ERROR(RunNested(branch, taken));
      if (after.size() + taken.size() > kMaxWays) {
        return absl::InvalidArgumentError(
            Concat("try-each: want at most ", kMaxWays, " ways through the manifest"));
      }
      after.insert(after.end(), taken.begin(), taken.end());
    }
    ways = std::move(after);
    return absl::OkStatus();
  }

  absl::Status SetIndex(const cbor::Item& argument, std::vector<Way>& ways) {
    std::vector<uint64_t> current;
    if (argument.is_bool()) {
      current = all_;
    } else if (argument.is_array()) {
      for (const cbor::Item element : argument.each()) {
        SUIT_ASSIGN_OR_RETURN(const uint64_t index, element.Uint());
        current.push_back(index);
      }
    } else {
      SUIT_ASSIGN_OR_RETURN(const uint64_t index, argument.Uint());
      current.push_back(index);
    }
    for (Way& way : ways) way.current = current;
    return absl::OkStatus();
  }

  absl::Status SetParameters(bool override_set, const cbor::Item& argument,
                             std::vector<Way>& ways) {
    for (const auto [key, value] : argument.each_pair()) {
      SUIT_ASSIGN_OR_RETURN(const int64_t label, key.Int());
      const Way::Value set{cbor::AsView(value.encoded()), override_set};
      for (Way& way : ways) {
        for (const uint64_t component : way.current) {
          const Way::ComponentLabel at{component, label};
          if (override_set) {
            way.parameters.insert_or_assign(at, set);
          } else {
            way.parameters.emplace(at, set);
          }
        }
      }
    }
    return absl::OkStatus();
  }

  absl::Status Assume(int64_t label, std::vector<Way>& ways) {
    std::erase_if(ways, [label](Way& way) {
      for (const uint64_t component : way.current) {
        const Way::Value* value = way.Find(component, label);
        if (value == nullptr) continue;
        const auto [it, inserted] =
            way.assumed.emplace(std::pair(component, label), value->encoded);
        if (!inserted && it->second != value->encoded) return true;
      }
      return false;
    });
    return absl::OkStatus();
  }

  const Manifest& manifest_;
  const StepCallback& on_step_;
  std::vector<uint64_t> all_;
  bool in_shared_sequence_ = false;
};

// Parameters were checked by type when the manifest was parsed.
template <typename T, typename Read>
std::optional<T> Decode(const Way& way, uint64_t component, int64_t label, Read read) {
  const Way::Value* value = way.Find(component, label);
  if (value == nullptr) return std::nullopt;
  const auto document = cbor::Document::Parse(cbor::AsBytes(value->encoded));
  if (!document.ok()) return std::nullopt;
  return read(document->root());
}

template <typename T>
std::optional<T> OrNull(absl::StatusOr<T> result) {
  if (!result.ok()) return std::nullopt;
  return *std::move(result);
}

}  // namespace

const Way::Value* Way::Find(uint64_t component, int64_t label) const {
  const auto it = parameters.find({component, label});
  return it == parameters.end() ? nullptr : &it->second;
}

absl::StatusOr<std::vector<Way>> DryRun(const Manifest& manifest, const StepCallback& on_step) {
  return Runner(manifest, on_step).Run();
}

std::optional<Digest> ImageDigestOf(const Way& way, uint64_t component) {
  return Decode<Digest>(way, component, parameter::kImageDigest,
                        [](const cbor::Item& item) -> std::optional<Digest> {
                          const auto bytes = item.ByteString();
                          if (!bytes.ok()) return std::nullopt;
                          return OrNull(ParseDigest(*bytes, "image-digest"));
                        });
}

std::optional<uint64_t> ImageSizeOf(const Way& way, uint64_t component) {
  return Decode<uint64_t>(way, component, parameter::kImageSize,
                          [](const cbor::Item& item) { return OrNull(item.Uint()); });
}

std::optional<std::string> UriOf(const Way& way, uint64_t component) {
  return Decode<std::string>(way, component, parameter::kUri,
                             [](const cbor::Item& item) -> std::optional<std::string> {
                               const auto text = item.Text();
                               if (!text.ok()) return std::nullopt;
                               return std::string(*text);
                             });
}

std::optional<std::string> UuidOf(const Way& way, uint64_t component, int64_t label) {
  return Decode<std::string>(way, component, label,
                             [](const cbor::Item& item) -> std::optional<std::string> {
                               const auto bytes = item.ByteString();
                               if (!bytes.ok()) return std::nullopt;
                               return cbor::AsString(*bytes);
                             });
}

}  // namespace tam::suit

#include "tools/teepsim/suit_processor/interpreter.h"

#include "crypto/secret/secret.h"
#include "crypto/text/text.h"
#include "teep/suit/commands.h"

namespace tam::teepsim {
namespace {

namespace command = suit::command;
namespace parameter = suit::parameter;
using suit::ReportReason;

constexpr int64_t kCommonKey = 3;  // The shared sequence stands in manifest.common.

cbor::Bytes ContentOf(const cbor::Item& item) { return item.ByteString().value_or(cbor::Bytes()); }

// Where a byte string's content begins in its document.
size_t ContentOffset(const cbor::Item& item) {
  return item.offset() + item.encoded().size() - ContentOf(item).size();
}

}  // namespace

suit::Parameters ImageParameters(std::string_view bytes) {
  const secret::Digest256 hash = secret::Sha256(cbor::AsBytes(bytes));
  cbor::Writer digest;
  digest.ByteString(suit::EncodeDigest({suit::kSha256, std::string(hash.begin(), hash.end())}));
  cbor::Writer size;
  size.Uint(bytes.size());
  return {{parameter::kImageDigest, digest.bytes()}, {parameter::kImageSize, size.bytes()}};
}

Interpreter::Interpreter(const suit::Envelope& envelope, const ProcessorIdentity& identity,
                         const Holdings& holdings, PayloadSource& payloads)
    : envelope_(envelope),
      manifest_(envelope.unverified_manifest()),
      identity_(identity),
      holdings_(holdings),
      payloads_(payloads),
      manifest_id_(ManifestIdOf(manifest_)) {
  for (uint64_t i = 0; i < manifest_.components.size(); ++i) all_.push_back(i);
  for (const suit::Dependency& dependency : manifest_.dependencies) {
    all_.push_back(dependency.component_index);
  }
}

MaybeFailure Interpreter::Run(suit::Section section) {
  const auto sequence = manifest_.sequences.find(section);
  if (sequence == manifest_.sequences.end()) return std::nullopt;
  if (MaybeFailure failure = RunSequence(manifest_.shared_sequence, kCommonKey)) return failure;
  return RunSequence(sequence->second, static_cast<int64_t>(section));
}

MaybeFailure Interpreter::RunSequence(const suit::CommandSequence& sequence, int64_t section) {
  section_ = section;
  state_.current = {all_.front()};
  state_.soft_failure = false;
  for (const suit::Command& command : sequence) {
    const Place place{command.code, command.offset};
    const auto argument = cbor::Document::Parse(cbor::AsBytes(command.argument));
    if (!argument.ok()) {
      return Fail(place, all_.front(),
                  {.reason = ReportReason::kCborParse,
                   .problem = std::string(StdView(argument.status().message()))});
    }
    MaybeFailure failure = RunCommand(place, argument->root(), command.argument_offset);
    if (failure.has_value()) return failure;
  }
  return std::nullopt;
}

MaybeFailure Interpreter::RunNested(const cbor::Item& bytes, size_t document_base, bool& soft) {
  const size_t base = document_base + ContentOffset(bytes);
  const auto document = cbor::Document::Parse(ContentOf(bytes));
  if (!document.ok()) {
    return Fail({command::kRunSequence, base}, all_.front(),
                {.reason = ReportReason::kCborParse,
                 .problem = std::string(StdView(document.status().message()))});
  }
  const bool outer_soft = std::exchange(state_.soft_failure, soft);
  std::optional<Place> place;
  for (const cbor::Item item : document->root().each()) {
    if (!place.has_value()) {
      place = Place{item.Int().value_or(0), base + item.offset()};
      continue;
    }
    MaybeFailure failure = RunCommand(*place, item, base);
    if (failure.has_value()) {
      soft = std::exchange(state_.soft_failure, outer_soft);
      return failure;
    }
    place.reset();
  }
  state_.soft_failure = outer_soft;
  return std::nullopt;
}

MaybeFailure Interpreter::RunCommand(const Place& place, const cbor::Item& argument,
                                     size_t document_base) {
  if (++commands_run_ > kMaxCommandsRun) {
    return Fail(place, all_.front(),
                {.reason = ReportReason::kOperationFailed,
                 .problem = Concat("more than ", kMaxCommandsRun, " commands")});
  }
  switch (place.code) {
    case command::kSetComponentIndex:
      SetIndex(argument);
      return std::nullopt;
    case command::kSetParameters:
    case command::kOverrideParameters:
      SetParameters(argument, place.code == command::kOverrideParameters);
      return std::nullopt;
    case command::kTryEach:
      return TryEach(place, argument, document_base);
    case command::kRunSequence:
      return RunSubsequence(argument, document_base);
    default:
      return RunOnComponents(place, argument);
  }
}

// The first branch that succeeds; a nil one does nothing and succeeds.
MaybeFailure Interpreter::TryEach(const Place& place, const cbor::Item& argument,
                                  size_t document_base) {
  const State before = state_;
  MaybeFailure last;
  for (const cbor::Item branch : argument.each()) {
    if (branch.is_null()) return std::nullopt;
    bool soft = true;
    last = RunNested(branch, document_base, soft);
    if (!last.has_value() || !soft || !last->soft) return last;
    state_ = before;
  }
  if (last.has_value()) return last;
  return Fail(place, all_.front(),
              {.reason = ReportReason::kConditionFailed, .problem = "no branch", .soft = true});
}

// With soft failure set inside, a failed condition ends the sequence alone, without its effects.
MaybeFailure Interpreter::RunSubsequence(const cbor::Item& argument, size_t document_base) {
  const State before = state_;
  bool soft = false;
  MaybeFailure failure = RunNested(argument, document_base, soft);
  if (!failure.has_value() || !soft || !failure->soft) return failure;
  state_ = before;
  return std::nullopt;
}

void Interpreter::SetIndex(const cbor::Item& argument) {
  if (argument.is_bool()) {
    state_.current = all_;
    return;
  }
  state_.current.clear();
  if (argument.is_uint()) state_.current.push_back(argument.Uint().value_or(0));
  for (const cbor::Item element : argument.each()) {
    state_.current.push_back(element.Uint().value_or(0));
  }
}

void Interpreter::SetParameters(const cbor::Item& argument, bool override_set) {
  for (const auto [key, value] : argument.each_pair()) {
    const int64_t label = key.Int().value_or(0);
    if (label == parameter::kSoftFailure) {
      state_.soft_failure = value.Bool().value_or(false);
      continue;
    }
    for (const uint64_t component : state_.current) {
      const std::pair at(component, label);
      if (override_set) {
        state_.parameters.insert_or_assign(at, cbor::AsString(value.encoded()));
      } else {
        state_.parameters.emplace(at, cbor::AsString(value.encoded()));
      }
    }
  }
}

MaybeFailure Interpreter::RunOnComponents(const Place& place, const cbor::Item& argument) {
  const uint64_t policy = argument.Uint().value_or(0);
  for (const uint64_t component : std::vector<uint64_t>(state_.current)) {
    Result result = suit::IsCondition(place.code) ? Condition(place.code, component)
                                                  : Directive(place.code, component);
    const bool failed = result.reason != ReportReason::kOk;
    const uint64_t wanted = failed ? suit::kRecordOnFailure : suit::kRecordOnSuccess;
    if ((policy & wanted) != 0 && records_.size() < kMaxRecords) {
      records_.push_back(RecordOf(place, component, result.observed));
    }
    if (failed) return Fail(place, component, std::move(result));
  }
  return std::nullopt;
}

bool Interpreter::IsComponent(uint64_t index) const { return index < manifest_.components.size(); }

std::shared_ptr<const std::string> Interpreter::Read(const suit::ComponentId& id) const {
  const auto changed = state_.changes.find(id);
  if (changed != state_.changes.end()) return changed->second;
  std::optional<std::string> stored = holdings_.ReadComponent(id);
  return stored.has_value() ? std::make_shared<const std::string>(*std::move(stored)) : nullptr;
}

const std::string* Interpreter::Parameter(uint64_t component, int64_t label) const {
  const auto it = state_.parameters.find({component, label});
  return it == state_.parameters.end() ? nullptr : &it->second;
}

std::optional<std::string> Interpreter::BytesParameter(uint64_t component, int64_t label) const {
  const std::string* encoded = Parameter(component, label);
  if (encoded == nullptr) return std::nullopt;
  const auto document = cbor::Document::Parse(cbor::AsBytes(*encoded));
  if (!document.ok()) return std::nullopt;
  if (const auto text = document->root().Text(); text.ok()) return std::string(*text);
  const auto bytes = document->root().ByteString();
  if (!bytes.ok()) return std::nullopt;
  return cbor::AsString(*bytes);
}

std::optional<uint64_t> Interpreter::UintParameter(uint64_t component, int64_t label) const {
  const std::string* encoded = Parameter(component, label);
  if (encoded == nullptr) return std::nullopt;
  const auto document = cbor::Document::Parse(cbor::AsBytes(*encoded));
  if (!document.ok()) return std::nullopt;
  const auto value = document->root().Uint();
  if (!value.ok()) return std::nullopt;
  return *value;
}

suit::Record Interpreter::RecordOf(const Place& place, uint64_t component,
                                   suit::Parameters observed) const {
  return suit::Record{.manifest_id = {},
                      .section = section_,
                      .offset = place.offset,
                      .component_index = component,
                      .parameters = std::move(observed)};
}

Failure Interpreter::Fail(const Place& place, uint64_t component, Result result) const {
  const std::string section =
      section_ == kCommonKey ? "shared-sequence" : suit::SectionName(section_);
  return Failure{.reason = result.reason,
                 .record = RecordOf(place, component, std::move(result.observed)),
                 .problem = Concat(section, ": ", suit::CommandName(place.code), " of component ",
                                   component, ": ", result.problem),
                 .soft = result.soft};
}

std::vector<suit::ReportedClaims> Interpreter::Claims() const {
  std::vector<suit::ReportedClaims> claims;
  for (const suit::ComponentId& id : manifest_.components) {
    if (const auto bytes = Read(id)) {
      claims.push_back({.component_id = id, .parameters = ImageParameters(*bytes)});
    }
  }
  return claims;
}

}  // namespace tam::teepsim

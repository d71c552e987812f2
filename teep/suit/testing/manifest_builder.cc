#include "teep/suit/testing/manifest_builder.h"

#include <utility>

#include "crypto/cbor/cbor.h"
#include "crypto/secret/secret.h"
#include "teep/suit/commands.h"

namespace tam::suit::testing {
namespace {

std::string EncodeParameters(const Parameters& parameters) {
  cbor::MapBuilder map;
  for (const auto& [label, value] : parameters) {
    cbor::Writer writer;
    writer.Raw(value);
    map.Set(label, std::move(writer));
  }
  return map.Encode();
}

cbor::Writer Raw(std::string_view encoded) {
  cbor::Writer writer;
  writer.Raw(encoded);
  return writer;
}

}  // namespace

std::string UintItem(uint64_t value) {
  cbor::Writer writer;
  writer.Uint(value);
  return std::move(writer).Take();
}

std::string BytesItem(std::string_view value) {
  cbor::Writer writer;
  writer.ByteString(value);
  return std::move(writer).Take();
}

std::string TextItem(std::string_view value) {
  cbor::Writer writer;
  writer.Text(value);
  return std::move(writer).Take();
}

std::string BoolItem(bool value) {
  cbor::Writer writer;
  writer.Bool(value);
  return std::move(writer).Take();
}

std::string DigestItem(std::string_view image) {
  const secret::Digest256 digest = secret::Sha256(cbor::AsBytes(image));
  return BytesItem(EncodeDigest({kSha256, std::string(digest.begin(), digest.end())}));
}

SequenceBuilder& SequenceBuilder::Command(int64_t code, uint64_t policy) {
  return CommandRaw(code, UintItem(policy));
}

SequenceBuilder& SequenceBuilder::CommandRaw(int64_t code, std::string argument) {
  cbor::Writer writer;
  writer.Int(code);
  items_.push_back(std::move(writer).Take());
  items_.push_back(std::move(argument));
  return *this;
}

SequenceBuilder& SequenceBuilder::Index(uint64_t index) {
  return CommandRaw(command::kSetComponentIndex, UintItem(index));
}

SequenceBuilder& SequenceBuilder::AllComponents() {
  return CommandRaw(command::kSetComponentIndex, BoolItem(true));
}

SequenceBuilder& SequenceBuilder::Override(const Parameters& parameters) {
  return CommandRaw(command::kOverrideParameters, EncodeParameters(parameters));
}

SequenceBuilder& SequenceBuilder::SetParameters(const Parameters& parameters) {
  return CommandRaw(command::kSetParameters, EncodeParameters(parameters));
}

SequenceBuilder& SequenceBuilder::TryEach(const std::vector<SequenceBuilder>& branches,
                                          bool or_nothing) {
  cbor::Writer writer;
  writer.Array(branches.size() + (or_nothing ? 1 : 0));
  for (const SequenceBuilder& branch : branches) writer.ByteString(branch.Encode());
  if (or_nothing) writer.Null();
  return CommandRaw(command::kTryEach, std::move(writer).Take());
}

SequenceBuilder& SequenceBuilder::Run(const SequenceBuilder& sequence) {
  return CommandRaw(command::kRunSequence, BytesItem(sequence.Encode()));
}

std::string SequenceBuilder::Encode() const {
  cbor::Writer writer;
  writer.Array(items_.size());
  for (const std::string& item : items_) writer.Raw(item);
  return std::move(writer).Take();
}

std::string ManifestBuilder::Encode() const {
  cbor::Writer list;
  list.Array(components.size());
  for (const ComponentId& id : components) list.Raw(EncodeComponentId(id));
  cbor::MapBuilder common;
  if (!components.empty()) common.Set(2, std::move(list));
  cbor::MapBuilder dependency_map;
  for (const auto& [index, prefix] : dependencies) {
    cbor::MapBuilder metadata;
    metadata.Set(1, Raw(EncodeComponentId(prefix)));
    dependency_map.Set(static_cast<int64_t>(index), Raw(metadata.Encode()));
  }
  if (!dependencies.empty()) common.Set(1, Raw(dependency_map.Encode()));
  if (shared.has_value()) common.Set(4, Raw(BytesItem(shared->Encode())));
  cbor::MapBuilder manifest;
  manifest.Set(1, Raw(UintItem(version)));
  manifest.Set(2, Raw(UintItem(sequence_number)));
  manifest.Set(3, Raw(BytesItem(common.Encode())));
  if (manifest_component_id.has_value()) {
    manifest.Set(5, Raw(EncodeComponentId(*manifest_component_id)));
  }
  for (const auto& [key, sequence] : sections) {
    manifest.Set(key, Raw(BytesItem(sequence.Encode())));
  }
  for (const auto& [key, value] : raw_members) manifest.Set(key, Raw(value));
  return manifest.Encode();
}

ManifestBuilder ManifestBuilder::InstallOf(std::string_view payload, uint64_t sequence_number) {
  ManifestBuilder manifest;
  manifest.sequence_number = sequence_number;
  manifest.shared = SequenceBuilder()
                        .Override({{parameter::kVendorId, BytesItem(kVendor)},
                                   {parameter::kClassId, BytesItem(kClass)},
                                   {parameter::kImageDigest, DigestItem(payload)},
                                   {parameter::kImageSize, UintItem(payload.size())}})
                        .Command(command::kVendorIdentifier)
                        .Command(command::kClassIdentifier);
  manifest.sections[7] = SequenceBuilder().Command(command::kImageMatch);
  manifest.sections[20] = SequenceBuilder()
                              .Override({{parameter::kUri, TextItem("#tc")}})
                              .Command(command::kFetch)
                              .Command(command::kImageMatch);
  manifest.sections[24] = SequenceBuilder().Command(command::kUnlink);
  return manifest;
}

}  // namespace tam::suit::testing

#include "teep/suit/author.h"

#include "absl/strings/match.h"
#include "crypto/cbor/cbor.h"
#include "crypto/cose/cose.h"
#include "crypto/text/text.h"
#include "teep/suit/commands.h"
#include "teep/suit/items.h"
#include "teep/suit/status_macros.h"

namespace tam::suit {
namespace {

constexpr char kPayloadName[] = "#tc";
constexpr uint64_t kReportAlways = 15;
constexpr size_t kUuidBytes = 16;

absl::Status Invalid(std::string_view field, std::string_view reason) {
  return absl::InvalidArgumentError(Concat("manifest-spec.", field, ": ", reason));
}

absl::Status CheckId(const ComponentId& id, std::string_view field) {
  if (id.empty()) return Invalid(field, "want at least one element, got none");
  for (const std::string& element : id) {
    if (element.empty()) return Invalid(field, "want no empty element");
  }
  return absl::OkStatus();
}

absl::Status CheckUuid(const std::string& id, std::string_view field) {
  if (id.size() == kUuidBytes) return absl::OkStatus();
  return Invalid(field, Concat("want 16 bytes, got ", id.size()));
}

absl::Status CheckRemote(const ManifestSpec::Remote& remote) {
  if (!absl::StartsWith(remote.uri, "https://") && !absl::StartsWith(remote.uri, "http://")) {
    return Invalid("remote.uri", Concat("want an https or http URI, got ", remote.uri));
  }
  if (remote.digest.algorithm != kSha256 || remote.digest.bytes.size() != 32) {
    return Invalid("remote.digest", "want a SHA-256 digest of 32 bytes");
  }
  return absl::OkStatus();
}

absl::Status CheckSpec(const ManifestSpec& spec) {
  SUIT_RETURN_IF_ERROR(CheckId(spec.component_id, "component-id"));
  SUIT_RETURN_IF_ERROR(CheckId(spec.manifest_component_id, "manifest-component-id"));
  if (spec.component_id == spec.manifest_component_id) {
    return Invalid("manifest-component-id", "want another identifier than the component's");
  }
  SUIT_RETURN_IF_ERROR(CheckUuid(spec.vendor_id, "vendor-id"));
  SUIT_RETURN_IF_ERROR(CheckUuid(spec.class_id, "class-id"));
  if (spec.payload.has_value() == spec.remote.has_value()) {
    return Invalid("payload", "want exactly one of payload and remote");
  }
  if (spec.reference_uri.has_value() && spec.reference_uri->empty()) {
    return Invalid("reference-uri", "want at least one byte, got none");
  }
  return spec.remote.has_value() ? CheckRemote(*spec.remote) : absl::OkStatus();
}

cbor::Writer BytesItem(std::string_view bytes) {
  cbor::Writer writer;
  writer.ByteString(bytes);
  return writer;
}

cbor::Writer Number(uint64_t value) {
  cbor::Writer writer;
  writer.Uint(value);
  return writer;
}

std::string SharedSequence(const ManifestSpec& spec, const Digest& digest, uint64_t size) {
  cbor::MapBuilder parameters;
  parameters.Set(parameter::kVendorId, BytesItem(spec.vendor_id));
  parameters.Set(parameter::kClassId, BytesItem(spec.class_id));
  parameters.Set(parameter::kImageDigest, BytesItem(EncodeDigest(digest)));
  parameters.Set(parameter::kImageSize, Number(size));
  cbor::Writer sequence;
  sequence.Array(6).Int(command::kOverrideParameters).Raw(parameters.Encode());
  sequence.Int(command::kVendorIdentifier).Uint(kReportAlways);
  sequence.Int(command::kClassIdentifier).Uint(kReportAlways);
  return std::move(sequence).Take();
}

std::string InstallSequence(std::string_view uri) {
  cbor::Writer text;
  text.Text(uri);
  cbor::MapBuilder parameters;
  parameters.Set(parameter::kUri, std::move(text));
  cbor::Writer sequence;
  sequence.Array(6).Int(command::kOverrideParameters).Raw(parameters.Encode());
  sequence.Int(command::kFetch).Uint(kReportAlways);
  sequence.Int(command::kImageMatch).Uint(kReportAlways);
  return std::move(sequence).Take();
}

std::string OneCommand(int64_t code) {
  cbor::Writer sequence;
  sequence.Array(2).Int(code).Uint(kReportAlways);
  return std::move(sequence).Take();
}

std::string Common(const ManifestSpec& spec, const Digest& digest, uint64_t size) {
  cbor::Writer components;
  components.Array(1).Raw(EncodeComponentId(spec.component_id));
  cbor::MapBuilder common;
  common.Set(2, std::move(components));
  common.Set(4, BytesItem(SharedSequence(spec, digest, size)));
  return common.Encode();
}

std::string EncodeManifest(const ManifestSpec& spec) {
  const Digest digest =
      spec.payload.has_value() ? Sha256Of(cbor::AsBytes(*spec.payload)) : spec.remote->digest;
  const uint64_t size = spec.payload.has_value() ? spec.payload->size() : spec.remote->size;
  cbor::MapBuilder manifest;
  manifest.Set(1, Number(1));
  manifest.Set(2, Number(spec.sequence_number));
  manifest.Set(3, BytesItem(Common(spec, digest, size)));
  if (spec.reference_uri.has_value()) {
    cbor::Writer uri;
    uri.Text(*spec.reference_uri);
    manifest.Set(4, std::move(uri));
  }
  cbor::Writer id;
  id.Raw(EncodeComponentId(spec.manifest_component_id));
  manifest.Set(5, std::move(id));
  manifest.Set(static_cast<int64_t>(Section::kValidate),
               BytesItem(OneCommand(command::kImageMatch)));
  manifest.Set(
      static_cast<int64_t>(Section::kInstall),
      BytesItem(InstallSequence(spec.remote.has_value() ? spec.remote->uri : kPayloadName)));
  manifest.Set(static_cast<int64_t>(Section::kUninstall), BytesItem(OneCommand(command::kUnlink)));
  return manifest.Encode();
}

}  // namespace

absl::StatusOr<std::string> CreateSignedEnvelope(const ManifestSpec& spec,
                                                 const keys::PrivateKey& signer) {
  SUIT_RETURN_IF_ERROR(CheckSpec(spec));
  return SignManifest(EncodeManifest(spec),
                      spec.payload.has_value()
                          ? std::map<std::string, std::string>{{kPayloadName, *spec.payload}}
                          : std::map<std::string, std::string>{},
                      signer);
}

absl::StatusOr<std::string> SignManifest(std::string_view manifest,
                                         const std::map<std::string, std::string>& payloads,
                                         const keys::PrivateKey& signer) {
  const cbor::Writer member = BytesItem(manifest);
  const std::string digest = EncodeDigest(Sha256Of(cbor::AsBytes(member.bytes())));
  cose::SignOptions options;
  options.detached = true;
  SUIT_ASSIGN_OR_RETURN(std::string block, cose::Sign1(signer, cbor::AsBytes(digest), options));
  cbor::Writer authentication;
  authentication.Array(2).ByteString(digest).ByteString(block);
  cbor::MapBuilder envelope;
  envelope.Set(2, BytesItem(authentication.bytes()));
  envelope.Set(3, member);
  for (const auto& [name, bytes] : payloads) envelope.Set(name, BytesItem(bytes));
  return envelope.Encode();
}

}  // namespace tam::suit

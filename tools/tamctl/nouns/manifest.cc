#include "absl/strings/escaping.h"
#include "crypto/text/text.h"
#include "proto/tam/v1/catalog.pb.h"
#include "teep/suit/author.h"
#include "teep/suit/envelope.h"
#include "tools/tamctl/call.h"
#include "tools/tamctl/component_text.h"
#include "tools/tamctl/inspect/inspect.h"
#include "tools/tamctl/key_files.h"
#include "tools/tamctl/nouns/manifest_columns.h"
#include "tools/tamctl/nouns/nouns.h"

namespace tam::tamctl {
namespace {

// A flag parsed by `parse`; a usage error that names the flag.
template <typename F>
auto Parsed(Context& context, const std::string& flag, F parse) -> decltype(parse("")) {
  const auto text = context.Required(flag);
  if (!text.ok()) return text.status();
  auto value = parse(*text);
  if (!value.ok()) return UsageError(Concat("--", flag, ": ", StdView(value.status().message())));
  return value;
}

absl::Status ReadPayload(Context& context, suit::ManifestSpec* spec) {
  const bool remote = context.Has("uri");
  if (context.Has("payload") == remote) {
    return UsageError("want --payload FILE, or --uri URI with --digest and --size");
  }
  if (!remote) {
    auto payload = context.ReadFile(*context.Flag("payload"));
    if (!payload.ok()) return payload.status();
    spec->payload = *std::move(payload);
    return absl::OkStatus();
  }
  auto digest = Parsed(context, "digest", ParseHex);
  if (!digest.ok()) return digest.status();
  if (digest->size() != 32) return UsageError("--digest: want a SHA-256 of 64 hex digits");
  if (!context.Has("size")) return UsageError("--size is needed with --uri");
  const auto size = context.Number("size", 0);
  if (!size.ok()) return size.status();
  spec->remote = {*context.Flag("uri"), {suit::kSha256, *std::move(digest)}, *size};
  return absl::OkStatus();
}

absl::StatusOr<suit::ManifestSpec> ReadSpec(Context& context) {
  suit::ManifestSpec spec;
  auto component = Parsed(context, "component", ParseComponentText);
  if (!component.ok()) return component.status();
  spec.component_id = *std::move(component);
  if (context.Has("manifest-component")) {
    auto id = Parsed(context, "manifest-component", ParseComponentText);
    if (!id.ok()) return id.status();
    spec.manifest_component_id = *std::move(id);
  } else {
    spec.manifest_component_id = spec.component_id;
    spec.manifest_component_id.push_back("manifest");
  }
  if (!context.Has("sequence")) return UsageError("--sequence is needed");
  const auto sequence = context.Number("sequence", 0);
  if (!sequence.ok()) return sequence.status();
  spec.sequence_number = *sequence;
  auto vendor = Parsed(context, "vendor", ParseUuid);
  if (!vendor.ok()) return vendor.status();
  spec.vendor_id = *std::move(vendor);
  auto device_class = Parsed(context, "class", ParseUuid);
  if (!device_class.ok()) return device_class.status();
  spec.class_id = *std::move(device_class);
  spec.reference_uri = context.Flag("reference-uri");
  const absl::Status payload = ReadPayload(context, &spec);
  if (!payload.ok()) return payload;
  return spec;
}

absl::Status Create(Context& context) {
  const auto output = context.Required("output");
  if (!output.ok()) return output.status();
  const auto key_file = context.Required("key");
  if (!key_file.ok()) return key_file.status();
  const auto spec = ReadSpec(context);
  if (!spec.ok()) return spec.status();
  const auto key = ReadPrivateKey(context, *key_file);
  if (!key.ok()) return key.status();
  const auto envelope = suit::CreateSignedEnvelope(*spec, *key);
  if (!envelope.ok()) return envelope.status();
  const absl::Status written = context.WriteFile(*output, *envelope);
  if (!written.ok()) return written;
  const auto parsed = suit::Envelope::Parse(cbor::AsBytes(*envelope));
  if (!parsed.ok()) return parsed.status();
  if (*output != "-") {
    context.out() << *output << ": manifest "
                  << absl::BytesToHexString(parsed->computed_digest().bytes) << ", "
                  << envelope->size() << " bytes\n";
  }
  return absl::OkStatus();
}

absl::Status Verify(Context& context) {
  const auto bytes = context.ReadFile(context.arguments()[0]);
  if (!bytes.ok()) return bytes.status();
  if (!context.Has("anchor")) return UsageError("--anchor is needed, once or more");
  std::vector<keys::PublicKey> anchors;
  for (const std::string& file : context.Flags("anchor")) {
    auto key = ReadPublicKey(context, file);
    if (!key.ok()) return key.status();
    anchors.push_back(*std::move(key));
  }
  // Says more than the verifier does about what is malformed.
  const inspect::Result looked =
      inspect::Inspect(cbor::AsBytes(*bytes), {}, {.as = inspect::Kind::kEnvelope});
  if (!looked.ok()) return absl::InvalidArgumentError(looked.problems[0].ToString());
  auto envelope = suit::Envelope::Parse(cbor::AsBytes(*bytes));
  if (!envelope.ok()) return envelope.status();
  const auto verified = suit::VerifiedEnvelope::Verify(*std::move(envelope), anchors);
  if (!verified.ok()) return verified.status();
  const suit::Manifest& manifest = verified->manifest();
  context.out() << "verifies with " << keys::ThumbprintHex(verified->signer()->thumbprint())
                << "\nmanifest " << absl::BytesToHexString(verified->manifest_digest().bytes)
                << "\nsequence number " << manifest.sequence_number << "\n";
  if (manifest.manifest_component_id.has_value()) {
    context.out() << "manifest component " << suit::ComponentIdText(*manifest.manifest_component_id)
                  << "\n";
  }
  const absl::Status publishable = suit::CheckPublishable(*verified);
  if (!publishable.ok())
    context.out() << "a catalog would refuse it: " << publishable.message() << "\n";
  for (const std::string& warning : suit::PublishWarnings(*verified)) {
    context.out() << "warning: " << warning << "\n";
  }
  return absl::OkStatus();
}

absl::Status List(Context& context) {
  const auto domain = context.Required("domain");
  if (!domain.ok()) return domain.status();
  v1::ListManifestsRequest request;
  request.set_parent(context.ResourceName("domains", *domain));
  const auto answer = CallPages<v1::ListManifestsResponse>(
      context, "CatalogService/ListManifests", request,
      [](const v1::ListManifestsResponse& all) { return all.manifests_size(); });
  if (!answer.ok()) return answer.status();
  return PrintList(context, *answer, "manifests",
                   {{"COMPONENT", "component"},
                    {"SEQUENCE", "sequence"},
                    {"WITHDRAWN", "withdrawn"},
                    {"BYTES", "envelope_size"},
                    {"DIGEST", "digest"}});
}

absl::Status ShowOne(Context& context) {
  const std::string& argument = context.arguments()[0];
  v1::GetManifestRequest request;
  request.set_name(argument);
  if (argument.rfind("tenants/", 0) != 0) {
    const auto domain = context.Required("domain");
    if (!domain.ok()) return domain.status();
    request.set_name(Concat(context.ResourceName("domains", *domain), "/manifests/", argument));
  }
  const auto answer = Call<v1::GetManifestResponse>(context, "CatalogService/GetManifest", request);
  return answer.ok() ? PrintOne(context, answer->manifest(), ManifestColumns()) : answer.status();
}

constexpr Flag kDomainFlag{"domain", "NAME", "the security domain"};

std::vector<Flag> CreateFlags() {
  return {{"component", "COMPONENT", "what it installs: TEEP-Device/SecureFS/UUID/ta"},
          {"manifest-component", "COMPONENT",
           "where the manifest itself lives; default: COMPONENT/manifest"},
          {"sequence", "N", "sequence number; devices refuse a lower one"},
          {"vendor", "UUID", "vendor identifier"},
          {"class", "UUID", "class identifier"},
          {"payload", "FILE", "the component, integrated into the envelope"},
          {"uri", "URI", "or where it lies, with --digest and --size"},
          {"digest", "HEX", "SHA-256 of what lies at --uri"},
          {"size", "BYTES", "size of what lies at --uri"},
          {"reference-uri", "URI", "where the manifest lies; reports repeat it"},
          {"key", "FILE", "private key that signs, PEM or COSE_Key"},
          {"output", "FILE", "-o: the envelope to write; - for standard output"}};
}

}  // namespace

std::vector<Command> ManifestCommands() {
  return {{.noun = "manifest",
           .verb = "create",
           .summary = "make and sign a SUIT envelope for one component",
           .details = "Needs no server. A segment of a COMPONENT that is a UUID (or its 32 hex "
                      "digits) stands for "
                      "its 16 bytes.",
           .flags = CreateFlags(),
           .example = "tamctl manifest create --component "
                      "TEEP-Device/SecureFS/8d82573a-926d-4754-9353-32dc29997f74/ta --sequence 1 "
                      "--vendor c0ddd5f1-5243-566a-87cb-b7e0d0c2b5ac --class "
                      "db42f707-9385-5b66-89f0-bb0ea8f5a4a1 --payload app.ta --key developer.pem "
                      "-o app.suit",
           .run = Create},
          {.noun = "manifest",
           .verb = "verify",
           .arguments = "FILE",
           .min_arguments = 1,
           .max_arguments = 1,
           .summary = "check an envelope's digests and signature, and whether it can be published",
           .flags = {{"anchor", "FILE", "key that may have signed it; repeat for more"}},
           .example = "tamctl manifest verify app.suit --anchor developer.pem",
           .run = Verify},
          {.noun = "manifest",
           .verb = "list",
           .summary = "list a domain's published manifests",
           .flags = {kDomainFlag, kLimitFlag},
           .example = "tamctl manifest list --domain apps",
           .run = List},
          {.noun = "manifest",
           .verb = "show",
           .arguments = "DIGEST",
           .min_arguments = 1,
           .max_arguments = 1,
           .summary = "show a published manifest by its digest in hex, or its full name",
           .flags = {kDomainFlag},
           .example = "tamctl manifest show "
                      "8cf71ac86af31be184ec7a05a411a8c3a14fd9b77a30d046397481469468ece8 "
                      "--domain apps",
           .run = ShowOne}};
}

}  // namespace tam::tamctl

// The rows of a developer upload's checks that need no database.
#include <set>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "crypto/cbor/cbor.h"
#include "crypto/cose/encrypt.h"
#include "crypto/text/text.h"
#include "teep/suit/commands.h"
#include "teep/suit/dry_run.h"
#include "teep/suit/envelope.h"
#include "teep/suit/items.h"
#include "teep/suit/status_macros.h"

namespace tam::suit {
namespace {

absl::Status Refuse(std::string_view row, std::string_view reason) {
  return absl::InvalidArgumentError(Concat(row, ": ", reason));
}

bool IsAllowedInShared(int64_t code) {
  return IsCondition(code) || code == command::kSetComponentIndex ||
         code == command::kRunSequence || code == command::kTryEach ||
         code == command::kOverrideParameters;
}

// http or https with a host and no user information.
bool IsAbsoluteHttp(std::string_view uri) {
  const std::string lower = absl::AsciiStrToLower(AbslView(uri.substr(0, 8)));
  size_t begin = 0;
  if (absl::StartsWith(lower, "https://")) {
    begin = 8;
  } else if (absl::StartsWith(lower, "http://")) {
    begin = 7;
  } else {
    return false;
  }
  const std::string_view host = uri.substr(begin, uri.find_first_of("/?#", begin) - begin);
  for (const char c : uri) {
    if (c <= ' ' || c >= 0x7f) return false;
  }
  return !host.empty() && host.find('@') == std::string_view::npos;
}

class PublishChecks {
 public:
  explicit PublishChecks(const Envelope& envelope)
      : manifest_(envelope.unverified_manifest()), payloads_(envelope.integrated_payloads()) {
    for (const Dependency& dependency : manifest_.dependencies) {
      dependencies_.insert(dependency.component_index);
    }
  }

  absl::Status Check() {
    SUIT_RETURN_IF_ERROR(CheckRemovable());
    SUIT_RETURN_IF_ERROR(CheckFirstCommands());
    const auto ways =
        DryRun(manifest_, [this](const Step& step, Way& way) { return OnStep(step, way); });
    if (!ways.ok()) {
      const std::string_view reason = StdView(ways.status().message());
      return reason.starts_with("S-") ? ways.status() : Refuse("S-12", reason);
    }
    for (const Way& way : *ways) SUIT_RETURN_IF_ERROR(CheckNothingUnmatched(way));
    for (const auto& [name, bytes] : payloads_) {
      if (!referenced_.contains(name)) {
        return Refuse("S-15", Concat("envelope.", name, ": no URI of the manifest names it"));
      }
    }
    return absl::OkStatus();
  }

 private:
  absl::Status CheckRemovable() const {
    if (!manifest_.manifest_component_id.has_value()) {
      return Refuse("S-10", "manifest.manifest-component-id (5): missing");
    }
    for (const ComponentId& id : manifest_.components) {
      if (id == *manifest_.manifest_component_id) {
        return Refuse("S-10",
                      "manifest.manifest-component-id (5): want an identifier that is no "
                      "component's");
      }
    }
    if (!manifest_.sequences.contains(Section::kUninstall)) {
      return Refuse("S-10", "manifest.uninstall (24): missing");
    }
    return absl::OkStatus();
  }

  absl::Status CheckFirstCommands() const {
    if (manifest_.components.size() + manifest_.dependencies.size() < 2) return absl::OkStatus();
    SUIT_RETURN_IF_ERROR(CheckFirst(manifest_.shared_sequence, "shared-sequence"));
    for (const auto& [section, sequence] : manifest_.sequences) {
      SUIT_RETURN_IF_ERROR(CheckFirst(sequence, SectionName(static_cast<int64_t>(section))));
    }
    return absl::OkStatus();
  }

  static absl::Status CheckFirst(const CommandSequence& sequence, std::string_view name) {
    if (sequence.empty() || sequence.front().code == command::kSetComponentIndex) {
      return absl::OkStatus();
    }
    return Refuse("S-20", Concat("manifest.", name, ": want set-component-index first, got ",
                                 CommandName(sequence.front().code)));
  }

  absl::Status OnStep(const Step& step, Way& way) {
    if (step.in_shared_sequence) SUIT_RETURN_IF_ERROR(CheckShared(step));
    switch (step.code) {
      case command::kSetParameters:
      case command::kOverrideParameters:
        SUIT_RETURN_IF_ERROR(CheckEncryption(step.argument));
        return CheckUris(step.argument);
      case command::kFetch:
        return OnFetch(way);
      case command::kWrite:
        return OnWrite(way);
      case command::kCopy:
        for (const uint64_t component : way.current) way.unmatched[component] = {};
        return absl::OkStatus();
      case command::kImageMatch:
        return OnImageMatch(way);
      case command::kDependencyIntegrity:
      case command::kProcessDependency:
        // The dependency's own signature and digest are checked there.
        for (const uint64_t component : way.current) {
          if (dependencies_.contains(component)) way.unmatched.erase(component);
        }
        return absl::OkStatus();
      default:
        return absl::OkStatus();
    }
  }

  static absl::Status CheckShared(const Step& step) {
    if (!IsAllowedInShared(step.code)) {
      return Refuse("S-19", Concat("manifest.shared-sequence: ", CommandName(step.code),
                                   " may not stand there"));
    }
    if (step.code != command::kOverrideParameters) return absl::OkStatus();
    for (const auto [key, value] : step.argument.each_pair()) {
      if (key.type() == cbor::Type::kNint) {
        return Refuse("S-19",
                      "manifest.shared-sequence: a custom (negative) parameter may not "
                      "stand there");
      }
    }
    return absl::OkStatus();
  }

  // A profile that devices have to know (SUIT.md section 9): content of one of the ciphers that
  // COSE_Encrypt of ours reads, its key wrapped under a shared or an agreed one.
  static absl::Status CheckEncryption(const cbor::Item& parameters) {
    const auto item = parameters.Find(parameter::kEncryptionInfo);
    if (!item.has_value()) return absl::OkStatus();
    SUIT_ASSIGN_OR_RETURN(const Bytes bytes, item->ByteString());
    const auto info = cose::EncryptedMessage::Parse(bytes, cose::TagRule::kRequired);
    if (!info.ok()) {
      return Refuse("S-18", Concat("encryption-info: ", StdView(info.status().message())));
    }
    for (const cose::RecipientHeader& recipient : info->recipients()) {
      if (recipient.algorithm == cose::kA128Kw || recipient.algorithm == cose::kEcdhEsA128Kw) {
        continue;
      }
      return Refuse("S-18", Concat("encryption-info: want recipients of algorithm -3 or -29, got ",
                                   recipient.algorithm));
    }
    return absl::OkStatus();
  }

  absl::Status CheckUris(const cbor::Item& parameters) {
    const auto item = parameters.Find(parameter::kUri);
    if (!item.has_value()) return absl::OkStatus();
    SUIT_ASSIGN_OR_RETURN(std::string_view uri, item->Text());
    if (payloads_.contains(std::string(uri))) {
      referenced_.insert(std::string(uri));
      return absl::OkStatus();
    }
    if (uri.starts_with('#')) {
      return Refuse("S-13", Concat("manifest: uri ", uri, " names no member of the envelope"));
    }
    if (!IsAbsoluteHttp(uri)) {
      return Refuse("S-13", Concat("manifest: want an https or http URI or a fragment, got ", uri));
    }
    return absl::OkStatus();
  }

  absl::Status OnFetch(Way& way) const {
    for (const uint64_t component : way.current) {
      const Way::Value* uri = way.Find(component, parameter::kUri);
      if (uri == nullptr) {
        return Refuse("S-13", Concat("manifest: fetch of component ", component, " without a URI"));
      }
      way.unmatched[component] = uri->encoded;
    }
    return absl::OkStatus();
  }

  // Content stands in the signed manifest. Encrypted, it needs a digest unless its cipher
  // authenticates it.
  absl::Status OnWrite(Way& way) const {
    for (const uint64_t component : way.current) {
      if (way.Find(component, parameter::kContent) == nullptr) {
        return Refuse("S-12",
                      Concat("manifest: write of component ", component, " without content"));
      }
      const Way::Value* info = way.Find(component, parameter::kEncryptionInfo);
      if (info == nullptr) continue;
      SUIT_ASSIGN_OR_RETURN(cbor::Document document,
                            cbor::Document::Parse(cbor::AsBytes(info->encoded)));
      SUIT_ASSIGN_OR_RETURN(Bytes bytes, document.root().ByteString());
      SUIT_ASSIGN_OR_RETURN(const int64_t algorithm, EncryptionAlgorithm(bytes, "encryption-info"));
      const bool authenticated = (algorithm >= 1 && algorithm <= 3) || algorithm == 24;
      if (!authenticated) way.unmatched[component] = {};
    }
    return absl::OkStatus();
  }

  absl::Status OnImageMatch(Way& way) const {
    for (const uint64_t component : way.current) {
      const Way::Value* value = way.Find(component, parameter::kImageDigest);
      const auto digest = ImageDigestOf(way, component);
      if (value == nullptr || !digest.has_value()) {
        return Refuse("S-12", Concat("manifest: image-match of component ", component,
                                     " without an image-digest"));
      }
      if (!value->by_override) {
        return Refuse("S-12", Concat("manifest: want the image-digest of component ", component,
                                     " set by override-parameters"));
      }
      const auto unmatched = way.unmatched.find(component);
      if (unmatched == way.unmatched.end()) continue;
      if (!unmatched->second.empty()) {
        SUIT_RETURN_IF_ERROR(MatchPayload(way, component, unmatched->second, *digest));
      }
      way.unmatched.erase(unmatched);
    }
    return absl::OkStatus();
  }

  absl::Status MatchPayload(const Way& way, uint64_t component, std::string_view encoded_uri,
                            const Digest& digest) const {
    SUIT_ASSIGN_OR_RETURN(cbor::Document document,
                          cbor::Document::Parse(cbor::AsBytes(encoded_uri)));
    SUIT_ASSIGN_OR_RETURN(const std::string_view uri, document.root().Text());
    const auto payload = payloads_.find(std::string(uri));
    if (payload == payloads_.end()) return absl::OkStatus();
    if (digest.algorithm != kSha256) {
      return Refuse("S-14", Concat("manifest: want image-digest algorithm -16 (SHA-256), got ",
                                   digest.algorithm));
    }
    if (dependencies_.contains(component)) return MatchDependency(payload->second, uri, digest);
    if (Sha256Of(cbor::AsBytes(payload->second)) != digest) {
      return Refuse("S-14", Concat("envelope.", uri,
                                   ": the payload does not have the image-digest of the manifest"));
    }
    const auto size = ImageSizeOf(way, component);
    if (size.has_value() && *size != payload->second.size()) {
      return Refuse("S-14", Concat("envelope.", uri, ": want image-size ", *size, ", got ",
                                   payload->second.size()));
    }
    return absl::OkStatus();
  }

  // A dependency's digest is that of its manifest.
  static absl::Status MatchDependency(const std::string& bytes, std::string_view name,
                                      const Digest& digest) {
    const auto inner = Envelope::Parse(cbor::AsBytes(bytes));
    if (!inner.ok()) {
      return Refuse("S-17", Concat("envelope.", name, ": ", StdView(inner.status().message())));
    }
    if (inner->computed_digest() != digest) {
      return Refuse("S-14", Concat("envelope.", name,
                                   ": the dependency does not have the image-digest of the "
                                   "manifest"));
    }
    return absl::OkStatus();
  }

  static absl::Status CheckNothingUnmatched(const Way& way) {
    if (way.unmatched.empty()) return absl::OkStatus();
    return Refuse("S-12", Concat("manifest: component ", way.unmatched.begin()->first,
                                 " is fetched, copied or decrypted and no image-match follows"));
  }

  const Manifest& manifest_;
  const std::map<std::string, std::string>& payloads_;
  std::set<uint64_t> dependencies_;
  std::set<std::string> referenced_;
};

}  // namespace

absl::Status CheckPublishable(const VerifiedEnvelope& envelope) {
  return PublishChecks(envelope.envelope()).Check();
}

}  // namespace tam::suit

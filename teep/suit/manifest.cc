// SUIT_Manifest (draft-ietf-suit-manifest-37 section 8.4).
#include "crypto/cbor/cbor.h"
#include "crypto/secret/secret.h"
#include "crypto/text/text.h"
#include "teep/suit/commands.h"
#include "teep/suit/envelope.h"
#include "teep/suit/items.h"
#include "teep/suit/status_macros.h"

namespace tam::suit {
namespace {

constexpr int64_t kVersionKey = 1;
constexpr int64_t kSequenceNumberKey = 2;
constexpr int64_t kCommonKey = 3;
constexpr int64_t kReferenceUriKey = 4;
constexpr int64_t kComponentIdKey = 5;
constexpr int64_t kCoswidKey = 14;
constexpr int64_t kTextKey = 23;

constexpr int64_t kDependenciesKey = 1;
constexpr int64_t kComponentsKey = 2;
constexpr int64_t kSharedSequenceKey = 4;
constexpr int64_t kPrefixKey = 1;

constexpr uint64_t kMaxComponentIndex = 255;
constexpr size_t kMaxUriBytes = 2048;

//   SUIT_Common = { ? 1: { + index => { ? 1: prefix } }, 2: [+ component-id], ? 4: bstr }
class ManifestParser {
 public:
  explicit ManifestParser(const std::map<int64_t, cbor::Item>& severed) : severed_(severed) {}

  absl::StatusOr<Manifest> Parse(const cbor::Item& root) {
    SUIT_RETURN_IF_ERROR(root.CheckMap(1));
    SUIT_RETURN_IF_ERROR(ParseHead(root));
    SUIT_ASSIGN_OR_RETURN(const cbor::Item common, root.Get(kCommonKey));
    SUIT_RETURN_IF_ERROR(ParseCommon(common));
    SUIT_RETURN_IF_ERROR(CheckSeveredAreNamed(root));
    for (const auto [key, value] : root.each_pair()) {
      SUIT_ASSIGN_OR_RETURN(const int64_t label, key.Int());
      SUIT_RETURN_IF_ERROR(ParseMember(label, value));
    }
    return std::move(manifest_);
  }

 private:
  absl::Status ParseHead(const cbor::Item& root) {
    SUIT_ASSIGN_OR_RETURN(const cbor::Item version, root.Get(kVersionKey));
    SUIT_ASSIGN_OR_RETURN(const uint64_t number, version.Uint());
    if (number != 1) return version.Error(Concat("want manifest version 1, got ", number));
    SUIT_ASSIGN_OR_RETURN(const cbor::Item sequence, root.Get(kSequenceNumberKey));
    SUIT_ASSIGN_OR_RETURN(manifest_.sequence_number, sequence.Uint());
    if (const auto uri = root.Find(kReferenceUriKey)) {
      SUIT_ASSIGN_OR_RETURN(std::string_view text, uri->Text(1, kMaxUriBytes));
      manifest_.reference_uri = std::string(text);
    }
    if (const auto id = root.Find(kComponentIdKey)) {
      SUIT_ASSIGN_OR_RETURN(manifest_.manifest_component_id, ComponentIdFrom(*id));
    }
    return absl::OkStatus();
  }

  absl::Status ParseCommon(const cbor::Item& item) {
    SUIT_ASSIGN_OR_RETURN(Bytes bytes, item.ByteString());
    SUIT_ASSIGN_OR_RETURN(cbor::Document document,
                          cbor::Document::Parse(bytes, cbor::Limits(), "manifest.common"));
    const cbor::Item common = document.root();
    SUIT_RETURN_IF_ERROR(common.CheckMap(1));
    if (const auto components = common.Find(kComponentsKey)) {
      SUIT_RETURN_IF_ERROR(ParseComponents(*components));
    }
    if (const auto dependencies = common.Find(kDependenciesKey)) {
      SUIT_RETURN_IF_ERROR(ParseDependencies(*dependencies));
    }
    if (indexes_.empty()) return common.Error("want at least one component or dependency");
    if (const auto shared = common.Find(kSharedSequenceKey)) {
      SUIT_ASSIGN_OR_RETURN(Bytes sequence, shared->ByteString());
      SUIT_ASSIGN_OR_RETURN(manifest_.shared_sequence,
                            ParseSequence(sequence, "manifest.shared-sequence", &indexes_));
    }
    return absl::OkStatus();
  }

  absl::Status ParseComponents(const cbor::Item& item) {
    SUIT_RETURN_IF_ERROR(item.CheckArray(1, kMaxComponents));
    for (const cbor::Item element : item.each()) {
      SUIT_ASSIGN_OR_RETURN(ComponentId id, ComponentIdFrom(element));
      for (const ComponentId& other : manifest_.components) {
        if (other == id) return element.Error("want each component once");
      }
      indexes_.insert(manifest_.components.size());
      manifest_.components.push_back(std::move(id));
    }
    return absl::OkStatus();
  }

  absl::Status ParseDependencies(const cbor::Item& item) {
    SUIT_RETURN_IF_ERROR(item.CheckMap(1, kMaxComponents));
    for (const auto [key, value] : item.each_pair()) {
      Dependency dependency;
      SUIT_ASSIGN_OR_RETURN(dependency.component_index, key.Uint(kMaxComponentIndex));
      if (!indexes_.insert(dependency.component_index).second) {
        return key.Error("want an index that no component has");
      }
      SUIT_RETURN_IF_ERROR(value.CheckMap());
      if (const auto prefix = value.Find(kPrefixKey)) {
        SUIT_ASSIGN_OR_RETURN(dependency.prefix, ComponentIdFrom(*prefix));
      }
      manifest_.dependencies.push_back(std::move(dependency));
    }
    return absl::OkStatus();
  }

  // A severed member that the manifest does not name would be bytes that nobody signed.
  absl::Status CheckSeveredAreNamed(const cbor::Item& root) const {
    for (const auto& [key, member] : severed_) {
      if (!root.Find(key).has_value()) {
        return member.Error(Concat("the manifest has no member ", SectionName(key)));
      }
    }
    return absl::OkStatus();
  }

  absl::Status ParseMember(int64_t key, const cbor::Item& value) {
    switch (key) {
      case static_cast<int64_t>(Section::kValidate):
      case static_cast<int64_t>(Section::kLoad):
      case static_cast<int64_t>(Section::kInvoke):
      case static_cast<int64_t>(Section::kUninstall):
        return Store(key, value);
      default:
        return IsSeverable(key) ? ParseSeverable(key, value) : absl::OkStatus();
    }
  }

  // Either the member itself, or the digest of the bstr that was severed from it.
  absl::Status ParseSeverable(int64_t key, const cbor::Item& value) {
    const auto severed = severed_.find(key);
    if (!value.is_array()) {
      if (severed != severed_.end()) {
        return severed->second.Error(
            Concat(SectionName(key), " stands in the manifest as well; want it once"));
      }
      return Store(key, value);
    }
    SUIT_ASSIGN_OR_RETURN(const Digest digest, DigestFrom(value));
    if (severed == severed_.end()) {
      manifest_.absent_severed.emplace(key, digest);
      return absl::OkStatus();
    }
    if (digest.algorithm != kSha256) {
      return value.Error(Concat("want digest algorithm -16 (SHA-256), got ", digest.algorithm));
    }
    if (Sha256Of(severed->second.encoded()) != digest) {
      return severed->second.Error(
          Concat("the severed ", SectionName(key), " does not have the digest in the manifest"));
    }
    return Store(key, severed->second);
  }

  absl::Status Store(int64_t key, const cbor::Item& value) {
    SUIT_ASSIGN_OR_RETURN(Bytes bytes, value.ByteString());
    if (key == kCoswidKey) return absl::OkStatus();
    const std::string path = Concat("manifest.", SectionName(key));
    if (key == kTextKey) {
      SUIT_ASSIGN_OR_RETURN(cbor::Document document,
                            cbor::Document::Parse(bytes, cbor::Limits(), path));
      SUIT_RETURN_IF_ERROR(document.root().CheckMap(1));
      manifest_.text = cbor::AsString(bytes);
      return absl::OkStatus();
    }
    SUIT_ASSIGN_OR_RETURN(CommandSequence sequence, ParseSequence(bytes, path, &indexes_));
    manifest_.sequences.emplace(static_cast<Section>(key), std::move(sequence));
    return absl::OkStatus();
  }

  const std::map<int64_t, cbor::Item>& severed_;
  Manifest manifest_;
  std::set<uint64_t> indexes_;
};

}  // namespace

bool IsSeverable(int64_t key) {
  return key == kCoswidKey || key == 15 || key == 16 || key == 18 || key == 20 || key == kTextKey;
}

Digest Sha256Of(Bytes bytes) {
  const secret::Digest256 digest = secret::Sha256(bytes);
  return Digest{.algorithm = kSha256, .bytes = std::string(digest.begin(), digest.end())};
}

absl::StatusOr<Manifest> ParseManifest(Bytes encoded,
                                       const std::map<int64_t, cbor::Item>& severed) {
  SUIT_ASSIGN_OR_RETURN(cbor::Document document,
                        cbor::Document::Parse(encoded, cbor::Limits(), "manifest"));
  return ManifestParser(severed).Parse(document.root());
}

}  // namespace tam::suit

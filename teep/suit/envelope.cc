#include "teep/suit/envelope.h"

#include <utility>

#include "crypto/cbor/cbor.h"
#include "crypto/text/text.h"
#include "teep/suit/items.h"
#include "teep/suit/status_macros.h"

namespace tam::suit {
namespace {

constexpr uint64_t kEnvelopeTag = 107;
constexpr int64_t kAuthenticationKey = 2;
constexpr int64_t kManifestKey = 3;
constexpr size_t kMaxBlocks = 16;
constexpr size_t kMaxPayloads = 64;

// Members of the outer map, as views.
struct Members {
  std::optional<cbor::Item> authentication;
  std::optional<cbor::Item> manifest;
  std::map<int64_t, cbor::Item> severed;
  std::map<std::string, std::string> payloads;
};

absl::Status ReadTextMember(const cbor::Item& key, const cbor::Item& value, Members& members) {
  SUIT_ASSIGN_OR_RETURN(std::string_view name, key.Text(1, 2048));
  SUIT_ASSIGN_OR_RETURN(Bytes bytes, value.ByteString());
  if (members.payloads.size() >= kMaxPayloads) {
    return key.Error(Concat("want at most ", kMaxPayloads, " integrated payloads"));
  }
  members.payloads.emplace(std::string(name), cbor::AsString(bytes));
  return absl::OkStatus();
}

absl::StatusOr<Members> ReadMembers(const cbor::Item& root) {
  SUIT_RETURN_IF_ERROR(root.CheckMap(2));
  Members members;
  for (const auto [key, value] : root.each_pair()) {
    if (key.is_text()) {
      SUIT_RETURN_IF_ERROR(ReadTextMember(key, value, members));
      continue;
    }
    SUIT_ASSIGN_OR_RETURN(const int64_t label, key.Int());
    if (label == kAuthenticationKey) {
      if (members.manifest.has_value()) return key.Error("want key 2 before key 3");
      members.authentication = value;
    } else if (label == kManifestKey) {
      members.manifest = value;
    } else if (IsSeverable(label)) {
      SUIT_RETURN_IF_ERROR(value.ByteString().status());
      members.severed.emplace(label, value);
    }
  }
  if (!members.authentication.has_value()) return root.Error("key 2 (authentication): missing");
  if (!members.manifest.has_value()) return root.Error("key 3 (manifest): missing");
  return members;
}

struct Authentication {
  Digest digest;
  std::string encoded_digest;
  std::vector<cose::Message> blocks;
};

//   SUIT_Authentication = [ bstr .cbor SUIT_Digest, * bstr .cbor COSE block ]
absl::StatusOr<Authentication> ReadAuthentication(const cbor::Item& item) {
  SUIT_ASSIGN_OR_RETURN(Bytes bytes, item.ByteString());
  SUIT_ASSIGN_OR_RETURN(cbor::Document document,
                        cbor::Document::Parse(bytes, cbor::Limits(), "envelope.authentication"));
  const cbor::Item root = document.root();
  SUIT_RETURN_IF_ERROR(root.CheckArray(1, 1 + kMaxBlocks));
  Authentication authentication;
  SUIT_ASSIGN_OR_RETURN(Bytes digest, root.at(0).ByteString());
  SUIT_ASSIGN_OR_RETURN(authentication.digest,
                        ParseDigest(digest, "envelope.authentication.digest"));
  authentication.encoded_digest = cbor::AsString(digest);
  for (size_t i = 1; i < root.size(); ++i) {
    SUIT_ASSIGN_OR_RETURN(Bytes block, root.at(i).ByteString());
    absl::StatusOr<cose::Message> message = cose::Message::Parse(block, cose::TagRule::kRequired);
    if (!message.ok()) {
      return absl::Status(
          message.status().code(),
          Concat("envelope.authentication[", i, "]: ", StdView(message.status().message())));
    }
    if (message->unverified_payload().has_value()) {
      return absl::InvalidArgumentError(
          Concat("envelope.authentication[", i, "]: want a detached payload, got an attached one"));
    }
    authentication.blocks.push_back(*std::move(message));
  }
  return authentication;
}

absl::Status CheckDigest(const Envelope& envelope) {
  if (envelope.claimed_digest().algorithm != kSha256) {
    return absl::UnauthenticatedError(
        Concat("envelope.authentication.digest: want algorithm -16 (SHA-256), got ",
               envelope.claimed_digest().algorithm));
  }
  if (envelope.claimed_digest() != envelope.computed_digest()) {
    return absl::UnauthenticatedError(
        "envelope.authentication.digest: is not the digest of the manifest");
  }
  if (envelope.authentication_blocks().empty()) {
    return absl::UnauthenticatedError("envelope.authentication: no authentication block");
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<Envelope> Envelope::Parse(Bytes bytes) {
  Envelope envelope;
  envelope.bytes_ = cbor::AsString(bytes);
  SUIT_ASSIGN_OR_RETURN(
      cbor::Document document,
      cbor::Document::Parse(cbor::AsBytes(envelope.bytes_), cbor::Limits(), "envelope"));
  cbor::Item root = document.root();
  if (root.is_tag()) {
    if (root.tag() != kEnvelopeTag) {
      return root.Error(Concat("want tag 107 or none, got tag ", root.tag()));
    }
    root = root.at(0);
    envelope.tag_bytes_ = root.offset();
  }
  SUIT_ASSIGN_OR_RETURN(Members members, ReadMembers(root));
  SUIT_ASSIGN_OR_RETURN(Authentication authentication, ReadAuthentication(*members.authentication));
  envelope.claimed_digest_ = std::move(authentication.digest);
  envelope.encoded_digest_ = std::move(authentication.encoded_digest);
  envelope.blocks_ = std::move(authentication.blocks);
  SUIT_ASSIGN_OR_RETURN(Bytes manifest, members.manifest->ByteString());
  envelope.computed_digest_ = Sha256Of(members.manifest->encoded());
  SUIT_ASSIGN_OR_RETURN(envelope.manifest_, ParseManifest(manifest, members.severed));
  envelope.payloads_ = std::move(members.payloads);
  return envelope;
}

std::string_view Envelope::without_tag() const {
  return std::string_view(bytes_).substr(tag_bytes_);
}

VerifiedEnvelope::VerifiedEnvelope(Envelope envelope, std::optional<keys::PublicKey> signer)
    : envelope_(std::move(envelope)), signer_(std::move(signer)) {}

absl::StatusOr<VerifiedEnvelope> VerifiedEnvelope::Verify(
    Envelope envelope, absl::Span<const keys::PublicKey> anchors) {
  SUIT_RETURN_IF_ERROR(CheckDigest(envelope));
  absl::Status last = absl::UnauthenticatedError("no trust anchor");
  for (const cose::Message& block : envelope.blocks_) {
    for (const keys::PublicKey& anchor : anchors) {
      const auto payload = block.VerifyDetached(anchor, cbor::AsBytes(envelope.encoded_digest_),
                                                cose::AlgorithmPolicy::WithOlderNumbers());
      if (payload.ok()) return VerifiedEnvelope(std::move(envelope), anchor);
      last = payload.status();
    }
  }
  return absl::UnauthenticatedError(Concat("envelope.authentication: no block verifies under the ",
                                           anchors.size(),
                                           " trust anchors; last: ", StdView(last.message())));
}

absl::StatusOr<VerifiedEnvelope> VerifiedEnvelope::VerifyMac(Envelope envelope,
                                                             const keys::MacKey& key) {
  SUIT_RETURN_IF_ERROR(CheckDigest(envelope));
  for (const cose::Message& block : envelope.blocks_) {
    if (block.structure() != cose::Structure::kMac0) continue;
    if (block.VerifyMacDetached(key, cbor::AsBytes(envelope.encoded_digest_)).ok()) {
      return VerifiedEnvelope(std::move(envelope), std::nullopt);
    }
  }
  return absl::UnauthenticatedError("envelope.authentication: no MAC verifies under the key");
}

}  // namespace tam::suit

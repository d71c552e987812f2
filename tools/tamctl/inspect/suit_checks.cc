#include <algorithm>

#include "absl/strings/escaping.h"
#include "crypto/secret/secret.h"
#include "crypto/text/text.h"
#include "teep/suit/report.h"
#include "tools/tamctl/inspect/inspector.h"

namespace tam::inspect {
namespace {

std::string Hex(std::string_view bytes) { return absl::BytesToHexString(AbslView(bytes)); }

std::string HexOf(const std::vector<suit::Digest>& digests) {
  std::string text;
  for (const suit::Digest& digest : digests) {
    Append(&text, text.empty() ? "" : " or ", Hex(digest.bytes));
  }
  return text;
}

// What an image digest over `payload` covers: an envelope is known by its manifest (SUIT.md 1).
suit::Digest DigestOfPayload(cbor::Bytes payload, bool is_envelope) {
  if (is_envelope) {
    const auto envelope = suit::Envelope::Parse(payload);
    if (envelope.ok()) return envelope->computed_digest();
  }
  const secret::Digest256 digest = secret::Sha256(payload);
  return {suit::kSha256, cbor::AsString(cbor::Bytes(digest.data(), digest.size()))};
}

// A payload's name comes from the file, and goes to a terminal.
std::string PrintableName(std::string_view name) {
  return absl::Utf8SafeCHexEscape(AbslView(name));
}

bool HoldsEnvelope(const cbor::Item& payload, size_t max_bytes) {
  const auto content = ParseContent(payload, max_bytes);
  return content.ok() && Detect(content->root()) == Kind::kEnvelope;
}

}  // namespace

void Inspector::CheckEnvelope(const cbor::Item& item, const Site& site) {
  const auto envelope = suit::Envelope::Parse(item.encoded());
  if (!envelope.ok()) return Refuse(envelope.status(), item.encoded(), site.path);
  const cbor::Item map = StripTags(item);
  const cbor::Item wrapper = *map.Find(2);
  const auto authentication = ParseContent(wrapper, file_.size());
  if (!authentication.ok())
    return Refuse(authentication.status(), *wrapper.ByteString(), site.path);
  const std::string path = Concat(site.path, ".authentication-wrapper");
  if (envelope->claimed_digest() != envelope->computed_digest()) {
    Refuse(wrapper, Concat(path, ".digest"),
           Concat("want the manifest's SHA-256 ", Hex(envelope->computed_digest().bytes), ", got ",
                  Hex(envelope->claimed_digest().bytes)));
  }
  if (envelope->authentication_blocks().empty()) {
    Refuse(wrapper, path, "no authentication block: an unsigned envelope is refused");
  }
  const cbor::Bytes digest = *authentication->root().at(0).ByteString();
  size_t i = 0;
  for (const cose::Message& block : envelope->authentication_blocks()) {
    Signatures(block, digest, {Concat(path, ".authentication-block[", i++, "]"), site.outer});
  }
  outer_signed_ = outer_signed_ || site.outer;
  CheckPayloads(*envelope, map, site);
}

// Integrated payloads against the digests that the manifest gives for their URIs; integrated
// envelopes by the rules for envelopes.
void Inspector::CheckPayloads(const suit::Envelope& envelope, const cbor::Item& map,
                              const Site& site) {
  const auto fetches = CollectFetches(envelope.unverified_manifest());
  if (!fetches.ok()) return Refuse(fetches.status(), map.encoded(), site.path);
  for (auto [key, value] : map.each_pair()) {
    if (!key.is_text() || !value.is_bytes()) continue;
    const std::string name(*key.Text());
    const Site inner{Concat(site.path, ".", PrintableName(name)), false};
    bool named = false;
    for (const Fetch& fetch : *fetches) {
      if (fetch.uri != name) continue;
      named = true;
      CheckPayload(fetch, value, inner);
    }
    if (!named) Note(Concat(inner.path, ": no command fetches it, so nothing vouches for it"));
    if (!HoldsEnvelope(value, file_.size())) continue;
    const auto content = ParseContent(value, file_.size());
    Check(Kind::kEnvelope, content->root(), inner);
  }
}

void Inspector::CheckPayload(const Fetch& fetch, const cbor::Item& value, const Site& site) {
  const cbor::Bytes payload = *value.ByteString();
  if (fetch.digests.empty()) {
    return Note(Concat(site.path, ": the manifest has no image digest for it"));
  }
  const bool is_envelope = HoldsEnvelope(value, file_.size());
  const suit::Digest got = DigestOfPayload(payload, is_envelope);
  if (std::find(fetch.digests.begin(), fetch.digests.end(), got) != fetch.digests.end()) {
    if (is_envelope || fetch.sizes.empty() || fetch.sizes.count(payload.size()) > 0) return;
    return Refuse(value, site.path,
                  Concat("want image size ", *fetch.sizes.begin(), " bytes, got ", payload.size()));
  }
  if (fetch.encrypted) {
    return Note(Concat(site.path, ": encrypted, and the image digest is not of the ciphertext"));
  }
  const bool computed =
      std::any_of(fetch.digests.begin(), fetch.digests.end(),
                  [](const suit::Digest& digest) { return digest.algorithm == suit::kSha256; });
  if (!computed) {
    return Note(Concat(site.path, ": digest algorithm ", fetch.digests[0].algorithm,
                       " is not computed here"));
  }
  Refuse(value, site.path,
         Concat("want image digest ", HexOf(fetch.digests), ", got ", Hex(got.bytes)));
}

void Inspector::CheckReport(const cbor::Item& item, const Site& site) {
  const auto report = suit::ParseReport(item.encoded());
  if (!report.ok()) Refuse(report.status(), item.encoded(), site.path);
}

}  // namespace tam::inspect

// What is encrypted for a key that is given, and what a detached EAT bundle holds.
#include <algorithm>

#include "crypto/cose/encrypt.h"
#include "crypto/text/text.h"
#include "teep/eat/bundle.h"
#include "tools/tamctl/inspect/inspector.h"

namespace tam::inspect {
namespace {

const keys::AgreementKey* Opener(const NamedKey& named) {
  if (const auto* key = std::get_if<keys::AgreementKey>(&named.key)) return key;
  return named.opens.has_value() ? &*named.opens : nullptr;
}

// What SuppPubInfo.other may say; the last stands for RFC 9053 alone.
constexpr std::string_view kPurposes[] = {cose::kEatEncryption, cose::kSuitReportEncryption,
                                          cose::kSuitPayloadEncryption, ""};

// The claims of a token, its signature unchecked; nullopt where it has none that parse.
std::optional<eat::Claims> ClaimsOf(const cbor::Item& token) {
  const auto parts = FindCoseParts(token);
  const bool inside = parts.has_value() && parts->payload.has_value();
  auto claims =
      eat::ParseClaims(inside ? *parts->payload->ByteString() : StripTags(token).encoded());
  if (!claims.ok()) return std::nullopt;
  return *std::move(claims);
}

}  // namespace

void Inspector::CheckEncrypted(const cbor::Item& container, std::string_view name,
                               const Site& site) {
  const auto message = cose::EncryptedMessage::Parse(container.encoded(), cose::TagRule::kOptional);
  if (!message.ok()) {
    return Note(Concat(site.path, ": ", name,
                       " is shown, not decrypted: ", StdView(message.status().message())));
  }
  if (message->detached()) {
    return Note(Concat(site.path, ": the ciphertext is detached, and not decrypted"));
  }
  for (size_t k = 0; k < keys_.size(); ++k) {
    const keys::AgreementKey* key = Opener(keys_[k]);
    if (key == nullptr) continue;
    for (const std::string_view purpose : kPurposes) {
      const auto opened = message->Decrypt(*key, purpose);
      if (!opened.ok()) continue;
      if (!opened->authenticated()) {
        Note(Concat(site.path, ": A128CTR hides and proves nothing; a signature inside does"));
      }
      return ShowInside(opened->bytes(), k, purpose, site);
    }
  }
  const bool tried = std::any_of(keys_.begin(), keys_.end(),
                                 [](const NamedKey& named) { return Opener(named) != nullptr; });
  Note(Concat(site.path, ": ", name, " is shown, not decrypted",
              tried ? ": it opens with none of the keys given"
                    : "; --key with the recipient's private key opens it"));
}

// An inspection of its own, whose offsets count in nothing that the reader has: they are left out.
void Inspector::ShowInside(cbor::Bytes plaintext, size_t key, std::string_view purpose,
                           const Site& site) {
  used_[key] = true;
  opened_[key] = true;
  Options options = options_;
  options.as.reset();
  Inspector inside(plaintext, keys_, options);
  inside.depth_ = depth_;
  inside.Look();
  Result& found = inside.result_;
  const std::string within = Concat(site.path, ".plaintext");
  result_.decrypted.push_back({site.path, keys_[key].name, std::string(purpose),
                               std::move(found.title), std::move(found.diagnostic)});
  for (Decrypted& deeper : found.decrypted) {
    deeper.path = Concat(within, ".", deeper.path);
    result_.decrypted.push_back(std::move(deeper));
  }
  for (SignatureResult& signature : found.signatures) {
    signature.path = Concat(within, ".", signature.path);
    result_.signatures.push_back(std::move(signature));
  }
  for (const std::string& note : found.notes) Note(Concat(within, ": ", note));
  for (Problem& problem : found.problems) {
    result_.problems.push_back(
        {std::nullopt, Concat(within, ".", problem.path), std::move(problem.reason)});
  }
  for (size_t k = 0; k < keys_.size(); ++k) {
    used_[k] = used_[k] || inside.used_[k];
    opened_[k] = opened_[k] || inside.opened_[k];
  }
}

void Inspector::CheckBundle(const cbor::Item& item, const Site& site) {
  const auto bundle = eat::ParseBundle(item.encoded());
  if (!bundle.ok()) return Refuse(bundle.status(), item.encoded(), site.path);
  const cbor::Item token = StripTags(item).at(0);
  const auto content = ParseContent(token, file_.size());
  if (!content.ok()) {
    return Refuse(content.status(), *token.ByteString(), Concat(site.path, ".token"));
  }
  Check(Detect(content->root()), content->root(), {Concat(site.path, ".token"), site.outer});
  const auto claims = ClaimsOf(content->root());
  if (!claims.has_value()) {
    return Note(Concat(site.path, ": the token's claims are not read here, nor its digests"));
  }
  const auto detached = eat::OpenDetached(*bundle, *claims);
  if (detached.ok()) {
    return Note(Concat(site.path, ": the token has the digest of each claims set"));
  }
  Refuse(item, site.path, std::string(StdView(detached.status().message())));
}

}  // namespace tam::inspect

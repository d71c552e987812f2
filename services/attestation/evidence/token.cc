#include "services/attestation/evidence/token.h"

#include <algorithm>

#include "crypto/cbor/cbor.h"
#include "crypto/text/text.h"
#include "crypto/x509/anchored.h"
#include "services/attestation/evidence/hardware_chain.h"

namespace tam::attestation {
namespace {

using cbor::Item;
using keys::KeyType;

constexpr uint64_t kTagSign1 = 18;
constexpr uint64_t kTagMac0 = 17;
constexpr int64_t kLabelAlg = 1;
constexpr int64_t kLabelKid = 4;
constexpr int64_t kLabelX5Chain = 33;
// A tag, an array, a map and an array of certificates; of which there are few.
constexpr size_t kMaxDepth = 4;
constexpr size_t kMaxItems = 32;

struct Fit {
  int64_t algorithm;
  KeyType type;
};
constexpr Fit kFits[] = {{cose::kEs256, KeyType::kP256}, {cose::kEsp256, KeyType::kP256},
                         {cose::kEs384, KeyType::kP384}, {cose::kEsp384, KeyType::kP384},
                         {cose::kEs512, KeyType::kP521}, {cose::kEsp512, KeyType::kP521}};

std::string_view CurveName(KeyType type) {
  switch (type) {
    case KeyType::kP256:
      return "P-256";
    case KeyType::kP384:
      return "P-384";
    case KeyType::kP521:
      return "P-521";
    case KeyType::kEd25519:
      return "Ed25519";
  }
  return "unknown";
}

bool HasAlgorithm(Item protected_bytes) {
  const auto bytes = protected_bytes.ByteString();
  if (!bytes.ok() || bytes->empty()) return false;
  const auto map = cbor::Document::Parse(*bytes, {.max_bytes = bytes->size()});
  // One that cannot be read is left to the parser of the message.
  return !map.ok() || map->root().Find(kLabelAlg).has_value();
}

std::optional<Finding> CheckBuckets(Item protected_bytes, Item unprotected, std::string_view path) {
  if (unprotected.Find(kLabelAlg).has_value()) {
    return MakeFinding(Concat(path, "alg"), "in the protected header", "in the unprotected header");
  }
  if (!HasAlgorithm(protected_bytes)) {
    return MakeFinding(Concat(path, "alg"), "in the protected header", "none");
  }
  for (auto [label, value] : unprotected.each_pair()) {
    const auto number = label.Int();
    if (number.ok() && (*number == kLabelKid || *number == kLabelX5Chain)) continue;
    return MakeFinding(Concat(path, "header"), "kid and x5chain alone outside the signature",
                       label.is_text() ? "a text label" : Concat(number.value_or(0)));
  }
  return std::nullopt;
}

std::optional<Finding> CheckShape(Item root, std::string_view path) {
  if (!root.is_tag() || (root.tag() != kTagSign1 && root.tag() != kTagMac0)) {
    return MakeFinding(Concat(path, "tag"), "18 (COSE_Sign1)",
                       root.is_tag() ? Concat(root.tag()) : std::string("none"));
  }
  const Item array = root.at(0);
  if (const absl::Status status = array.CheckArray(4, 4); !status.ok()) {
    return FindingFrom(Concat(path, "token"), status);
  }
  return CheckBuckets(array.at(0), array.at(1), path);
}

std::optional<Finding> CheckAlgorithm(int64_t algorithm, bool is_mac, std::string_view path) {
  const bool signs = std::any_of(std::begin(kFits), std::end(kFits), [algorithm](const Fit& fit) {
    return fit.algorithm == algorithm;
  });
  if (is_mac && signs) {
    return MakeFinding(Concat(path, "tag"), Concat("18 (COSE_Sign1) for algorithm ", algorithm),
                       "17 (COSE_Mac0)");
  }
  if (is_mac && algorithm != cose::kHmac256) {
    return MakeFinding(Concat(path, "alg"), "5 (HMAC 256/256)", Concat(algorithm));
  }
  if (is_mac || signs) return std::nullopt;
  return MakeFinding(Concat(path, "alg"), "ES256 (-7), ES384 (-35) or ES512 (-36)",
                     Concat(algorithm));
}

OrFinding<TokenSigner> FindSharedKey(const Token& token, const TrustedInput& trusted,
                                     std::string_view path) {
  if (trusted.mac_keys.empty()) {
    return MakeFinding(Concat(path, "tag"), "18 (COSE_Sign1); no shared key is registered",
                       "17 (COSE_Mac0)");
  }
  Finding last;
  const size_t tried = std::min(trusted.mac_keys.size(), kMaxTriedKeys);
  for (size_t i = 0; i < tried; ++i) {
    std::optional<Finding> wrong = token.VerifyMac(trusted.mac_keys[i]);
    if (!wrong.has_value()) return TokenSigner();
    last = *std::move(wrong);
  }
  return last;
}

OrFinding<TokenSigner> FindByChain(const Token& token, absl::Span<const std::string> ders,
                                   const TrustedInput& trusted, const Subject& subject,
                                   std::string_view path) {
  auto chain = VerifyHardwareChain(ders, trusted, subject.at);
  if (auto* wrong = std::get_if<Finding>(&chain)) {
    wrong->claim = Concat(path, wrong->claim);
    return *std::move(wrong);
  }
  const HardwareChain& verified = std::get<HardwareChain>(chain);
  const std::optional<keys::PublicKey>& key = verified.leaf.key().elliptic();
  if (!key.has_value()) {
    return MakeFinding(Concat(path, "alg"), "one of an elliptic curve's key", "a key of RSA");
  }
  if (std::optional<Finding> wrong = token.Verify(*key); wrong.has_value()) return *wrong;
  return TokenSigner{*key, false, verified.anchored.not_after,
                     verified.anchored.revocation_checked};
}

}  // namespace

Finding FindingFrom(std::string_view claim, const absl::Status& status) {
  std::string_view message = StdView(status.message());
  if (message.starts_with("offset ")) message.remove_prefix(message.find(", ") + 2);
  const size_t want = message.find("want ");
  const size_t got = message.rfind(", got ");
  if (want == std::string_view::npos || got == std::string_view::npos || got < want + 5) {
    return MakeFinding(claim, "strict CBOR and DER", message);
  }
  const std::string_view where = message.substr(0, want);
  return MakeFinding(claim, Concat(where, message.substr(want + 5, got - want - 5)),
                     message.substr(got + 6));
}

void AddChain(const TokenSigner& signer, std::string_view path, EvidenceClaims& claims) {
  if (!signer.key.has_value() || signer.registered) return;
  claims.tcb.until = signer.until;
  claims.numbers[Concat(path, "revocation_checked")] = signer.revocation_checked ? 1 : 0;
}

OrFinding<Token> Token::Parse(Bytes bytes, std::string_view path) {
  const cbor::Limits limits = {
      .max_bytes = kMaxEvidenceBytes, .max_depth = kMaxDepth, .max_items = kMaxItems};
  const auto document = cbor::Document::Parse(bytes, limits, "token");
  if (!document.ok()) return FindingFrom(Concat(path, "token"), document.status());
  if (auto wrong = CheckShape(document->root(), path); wrong.has_value()) return *wrong;
  auto message = cose::Message::Parse(bytes, cose::TagRule::kRequired);
  if (!message.ok()) return FindingFrom(Concat(path, "token"), message.status());
  if (!message->unverified_payload().has_value()) {
    return MakeFinding(Concat(path, "payload"), "attached", "nil");
  }
  Token token(*std::move(message), path);
  if (auto wrong = CheckAlgorithm(token.algorithm(), token.is_mac(), path); wrong.has_value()) {
    return *wrong;
  }
  return token;
}

std::optional<Finding> Token::Verify(const keys::PublicKey& key) const {
  const bool fits = std::any_of(std::begin(kFits), std::end(kFits), [&](const Fit& fit) {
    return fit.algorithm == algorithm() && fit.type == key.type();
  });
  if (!fits) {
    return MakeFinding(Concat(path_, "alg"), Concat("one of a ", CurveName(key.type()), " key"),
                       Concat(algorithm()));
  }
  const auto payload = message_.Verify(key, cose::AlgorithmPolicy::All());
  if (payload.ok()) return std::nullopt;
  return MakeFinding(Concat(path_, "signature"), "one by the attestation key",
                     StdView(payload.status().message()));
}

std::optional<Finding> Token::VerifyMac(const keys::MacKey& key) const {
  const absl::Status status = message_.VerifyMac(key);
  if (status.ok()) return std::nullopt;
  return MakeFinding(Concat(path_, "mac"), "one by the shared key", StdView(status.message()));
}

OrFinding<TokenSigner> FindSigner(const Token& token, const EvidenceInput& input,
                                  const TrustedInput& trusted, const Subject& subject,
                                  std::string_view path) {
  if (token.is_mac()) return FindSharedKey(token, trusted, path);
  std::optional<Finding> last;
  const size_t tried = std::min(trusted.keys.size(), kMaxTriedKeys);
  for (size_t i = 0; i < tried; ++i) {
    std::optional<Finding> wrong = token.Verify(trusted.keys[i]);
    if (!wrong.has_value()) return TokenSigner{.key = trusted.keys[i], .registered = true};
    last = std::move(wrong);
  }
  const auto& chain = token.x5chain().empty() ? input.certificates : token.x5chain();
  if (!chain.empty() && !trusted.anchors.empty()) {
    return FindByChain(token, chain, trusted, subject, path);
  }
  if (last.has_value()) return *last;
  return MakeFinding(Concat(path, "anchor"), "a registered key, or a chain to an anchor", "none");
}

}  // namespace tam::attestation

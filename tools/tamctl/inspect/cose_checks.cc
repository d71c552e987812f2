#include <algorithm>

#include "absl/strings/escaping.h"
#include "crypto/text/text.h"
#include "teep/eat/ear.h"
#include "teep/eat/eat.h"
#include "tools/tamctl/inspect/inspector.h"
#include "tools/tamctl/inspect/shapes.h"

namespace tam::inspect {
namespace {

std::string Hex(std::string_view bytes) { return absl::BytesToHexString(AbslView(bytes)); }

std::string_view ContainerName(cose::Structure structure) {
  switch (structure) {
    case cose::Structure::kSign1:
      return "COSE_Sign1";
    case cose::Structure::kSign:
      return "COSE_Sign";
    case cose::Structure::kMac0:
      return "COSE_Mac0";
  }
  return "COSE";
}

constexpr int64_t kEarVerifierId = 1004;
constexpr uint8_t kFirstArrayHead = 0x80;  // RFC 8949 section 3.1: major types 4 to 6 follow

bool KidIs(const cose::SignerHeader& signer, const keys::PublicKey& key) {
  return signer.kid.has_value() &&
         *signer.kid == cbor::AsView(cbor::Bytes(key.thumbprint().data(), 32));
}

// The signature that Message::Verify tried: the one with the key's kid, else the first open one
// with the algorithm.
SignatureResult* FindVerified(absl::Span<SignatureResult> results, const cose::Message& message,
                              const keys::PublicKey& key, int64_t algorithm) {
  for (size_t i = 0; i < results.size(); ++i) {
    if (KidIs(message.signers()[i], key)) return &results[i];
  }
  for (SignatureResult& result : results) {
    if (result.algorithm == algorithm && result.state != SignatureResult::State::kVerifies) {
      return &result;
    }
  }
  return nullptr;
}

bool FitsKey(const keys::PublicKey& key, int64_t algorithm) {
  return key.type() == keys::KeyType::kP256
             ? algorithm == cose::kEsp256 || algorithm == cose::kEs256
             : algorithm == cose::kEd25519 || algorithm == cose::kEdDsa;
}

// Says why `key` did not verify, at the signatures that it could have made.
void MarkFailed(absl::Span<SignatureResult> results, const cose::Message& message,
                const NamedKey& named, const absl::Status& why) {
  const auto* key = std::get_if<keys::PublicKey>(&named.key);
  for (size_t i = 0; i < results.size(); ++i) {
    if (results[i].state == SignatureResult::State::kVerifies) continue;
    const bool meant = key == nullptr || KidIs(message.signers()[i], *key) ||
                       (!message.signers()[i].kid.has_value() && results[i].algorithm.has_value() &&
                        FitsKey(*key, *results[i].algorithm));
    if (!meant && (results.size() > 1 || named.opens.has_value())) continue;
    results[i].state = SignatureResult::State::kFails;
    results[i].reason = Concat(named.name, ": ", std::string(StdView(why.message())));
  }
}

bool Reads(std::optional<int64_t> algorithm) {
  return algorithm == cose::kEsp256 || algorithm == cose::kEd25519 || algorithm == cose::kEs256 ||
         algorithm == cose::kEdDsa;
}

absl::StatusOr<int64_t> TryKey(const cose::Message& message, const NamedKey& named,
                               std::optional<cbor::Bytes> detached) {
  if (const auto* mac = std::get_if<keys::MacKey>(&named.key)) {
    if (message.structure() != cose::Structure::kMac0) {
      return absl::UnauthenticatedError("a symmetric key verifies COSE_Mac0 alone");
    }
    if (!detached.has_value()) {
      return absl::UnauthenticatedError("a COSE_Mac0 with its payload attached is not verified");
    }
    const absl::Status status = message.VerifyMacDetached(*mac, *detached);
    if (!status.ok()) return status;
    return cose::kHmac256;
  }
  const auto& key = std::get<keys::PublicKey>(named.key);
  if (message.structure() == cose::Structure::kMac0) {
    return absl::UnauthenticatedError("COSE_Mac0 needs a symmetric key");
  }
  const auto policy = cose::AlgorithmPolicy::WithOlderNumbers();
  const auto verified = detached.has_value() ? message.VerifyDetached(key, *detached, policy)
                                             : message.Verify(key, policy);
  if (!verified.ok()) return verified.status();
  return verified->algorithm();
}

}  // namespace

void Inspector::CheckCose(const cbor::Item& item, const Site& site) {
  const std::optional<CoseParts> parts = FindCoseParts(item);
  if (!parts.has_value()) {
    return Refuse(item, site.path,
                  "want COSE: [protected bstr, unprotected map, payload bstr or nil, ...] of the "
                  "length that its tag asks for");
  }
  cbor::Item container = item;
  if (parts->cwt) container = container.at(0);
  if (parts->name == "COSE_Encrypt" || parts->name == "COSE_Encrypt0") {
    return CheckEncrypted(container, parts->name, site);
  }
  if (parts->name == "COSE_Mac") {
    return Note(Concat(site.path, ": COSE_Mac is shown, not verified"));
  }
  const auto message = cose::Message::Parse(container.encoded(), cose::TagRule::kOptional);
  if (!message.ok()) return Refuse(message.status(), container.encoded(), site.path);
  if (!parts->payload.has_value()) {
    Note(Concat(site.path, ": the payload is detached"));
    return Signatures(*message, std::nullopt, site);
  }
  Signatures(*message, std::nullopt, site);
  CheckCosePayload(*parts->payload, parts->tagged, parts->name, *message, site);
}

void Inspector::CheckCosePayload(const cbor::Item& payload, bool tagged, std::string_view container,
                                 const cose::Message& message, const Site& site) {
  const std::optional<Kind> as = site.outer ? options_.as : std::nullopt;
  if (as == Kind::kCose) return;
  const auto content = ParseContent(payload, file_.size());
  if (!content.ok()) {
    // COSE alone allows any payload. One that begins as an array, map or tag is meant as CBOR.
    const cbor::Bytes bytes = *payload.ByteString();
    if (as.has_value() || (!bytes.empty() && bytes[0] >= kFirstArrayHead)) {
      return Refuse(content.status(), bytes, Concat(site.path, ".payload"));
    }
    return Note(Concat(site.path, ": the payload is not CBOR"));
  }
  const Kind kind = as.value_or(Detect(content->root()));
  const Site inner{Concat(site.path, ".payload"), false};
  if (kind == Kind::kTeep) CheckTeepContainer(payload, tagged, message, site);
  if (kind == Kind::kEat && container == "COSE_Mac0") {
    Note(Concat(site.path, ": TEEP wants EATs in COSE_Sign1 or COSE_Sign"));
  }
  Check(kind, content->root(), inner);
}

// TEEP.md T-05, A4: tagged COSE_Sign1 or COSE_Sign, under one of the algorithms that are read.
void Inspector::CheckTeepContainer(const cbor::Item& item, bool tagged,
                                   const cose::Message& message, const Site& site) {
  if (message.structure() == cose::Structure::kMac0) {
    Refuse(item, site.path, "a TEEP message stands in COSE_Sign1 or COSE_Sign, not in COSE_Mac0");
  }
  if (!tagged && !legacy()) {
    Refuse(item, site.path,
           "a TEEP message needs the COSE tag 18 or 98 (--as cose looks at the container alone)");
  }
  bool readable = false;
  bool older = false;
  for (const cose::SignerHeader& signer : message.signers()) {
    readable = readable || Reads(signer.algorithm);
    older = older || signer.algorithm == cose::kEs256 || signer.algorithm == cose::kEdDsa;
  }
  if (!readable) {
    Refuse(item, site.path,
           "no signature has alg -9 or -19 (or, from older peers, -7 or -8) in its protected "
           "header");
  }
  if (older && !legacy())
    Note("alg -7 and -8 are read here; a TAM takes them only where it is told to");
}

void Inspector::Signatures(const cose::Message& message, std::optional<cbor::Bytes> detached,
                           const Site& site) {
  const size_t first = result_.signatures.size();
  const bool several = message.signers().size() > 1;
  for (size_t i = 0; i < message.signers().size(); ++i) {
    const cose::SignerHeader& signer = message.signers()[i];
    result_.signatures.push_back({several ? Concat(site.path, ".signatures[", i, "]") : site.path,
                                  std::string(ContainerName(message.structure())), signer.algorithm,
                                  Hex(signer.kid.value_or("")), SignatureResult::State::kNotChecked,
                                  "", keys_.empty() ? "no key given" : "no key given fits"});
  }
  const auto results = absl::MakeSpan(result_.signatures).subspan(first);
  outer_signed_ = outer_signed_ || site.outer;
  if (!detached.has_value() && !message.unverified_payload().has_value()) {
    for (SignatureResult& result : results) result.reason = "its payload is detached";
    return;
  }
  for (size_t k = 0; k < keys_.size(); ++k) {
    if (std::holds_alternative<keys::AgreementKey>(keys_[k].key)) continue;
    const absl::StatusOr<int64_t> algorithm = TryKey(message, keys_[k], detached);
    if (!algorithm.ok()) {
      MarkFailed(results, message, keys_[k], algorithm.status());
      continue;
    }
    used_[k] = true;
    outer_verified_ = outer_verified_ || site.outer;
    const auto* key = std::get_if<keys::PublicKey>(&keys_[k].key);
    SignatureResult* verified =
        key == nullptr ? &results[0] : FindVerified(results, message, *key, *algorithm);
    if (verified == nullptr) continue;
    verified->state = SignatureResult::State::kVerifies;
    verified->key_name = keys_[k].name;
    verified->reason.clear();
  }
}

void Inspector::CheckKey(const cbor::Item& item, const Site& site) {
  const cbor::Item map = StripTags(item);
  const auto kty = map.Find(1);
  const auto curve = map.Find(-1);
  if (!map.is_map() || !kty.has_value()) {
    return Refuse(item, site.path, "want a COSE_Key: a map with kty (1)");
  }
  const int64_t type = kty->Int().value_or(0);
  const int64_t number = curve.has_value() ? curve->Int().value_or(0) : 0;
  if (!(type == 2 && number == 1) && !(type == 1 && number == 6)) {
    return Note("not a P-256 or Ed25519 key: shown, not checked");
  }
  const bool is_private = map.Find(-4).has_value();
  absl::StatusOr<keys::PublicKey> key = absl::UnknownError("");
  if (is_private) {
    const auto private_key = keys::PrivateKey::FromCoseKey(map.encoded());
    key = private_key.ok() ? absl::StatusOr<keys::PublicKey>(private_key->public_key())
                           : absl::StatusOr<keys::PublicKey>(private_key.status());
  } else {
    key = keys::PublicKey::FromCoseKey(map.encoded());
  }
  if (!key.ok()) return Refuse(key.status(), map.encoded(), site.path);
  if (is_private) Note("this key holds private material");
  Note(Concat("RFC 9679 SHA-256 thumbprint ", keys::ThumbprintHex(key->thumbprint())));
}

void Inspector::CheckClaims(const cbor::Item& item, const Site& site) {
  const auto claims = eat::ParseClaims(item.encoded());
  if (!claims.ok()) return Refuse(claims.status(), item.encoded(), site.path);
  if (!item.Find(kEarVerifierId).has_value()) return;
  const auto ear = eat::ParseEar(item.encoded());
  if (!ear.ok()) Refuse(ear.status(), item.encoded(), site.path);
}

}  // namespace tam::inspect

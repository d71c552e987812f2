#include <algorithm>

#include "crypto/cbor/cbor.h"
#include "teep/eat/ear.h"
#include "tools/tamctl/inspect/detect.h"
#include "tools/tamctl/inspect/shapes.h"

namespace tam::inspect::shapes {
namespace {

struct NamedNumber {
  int64_t number;
  std::string_view name;
};

constexpr NamedNumber kAlgorithms[] = {{-7, "ES256"},           {-8, "EdDSA"},
                                       {-9, "ESP256"},          {-19, "Ed25519"},
                                       {-35, "ES384"},          {-36, "ES512"},
                                       {-51, "ESP384"},         {-52, "ESP512"},
                                       {-53, "Ed448"},          {-46, "HSS-LMS"},
                                       {-37, "PS256"},          {-48, "ML-DSA-44"},
                                       {-49, "ML-DSA-65"},      {-50, "ML-DSA-87"},
                                       {4, "HMAC 256 64"},      {5, "HMAC 256 256"},
                                       {6, "HMAC 384"},         {7, "HMAC 512"},
                                       {1, "A128GCM"},          {2, "A192GCM"},
                                       {3, "A256GCM"},          {24, "ChaCha20 Poly1305"},
                                       {-65534, "A128CTR"},     {-65532, "A256CTR"},
                                       {-3, "A128KW"},          {-4, "A192KW"},
                                       {-5, "A256KW"},          {-6, "direct"},
                                       {-29, "ECDH-ES+A128KW"}, {-31, "ECDH-ES+A256KW"},
                                       {-16, "SHA-256"},        {-43, "SHA-384"},
                                       {-44, "SHA-512"},        {-18, "SHAKE128"},
                                       {-45, "SHAKE256"}};

std::string KeyTypeName(int64_t kty) {
  static constexpr std::string_view kNames[] = {"", "OKP", "EC2", "RSA", "Symmetric"};
  return kty >= 1 && kty <= 4 ? std::string(kNames[kty]) : kty == 7 ? "AKP" : "";
}

std::string DebugStatusName(int64_t status) {
  static constexpr std::string_view kNames[] = {"enabled", "disabled", "disabled since boot",
                                                "disabled permanently",
                                                "disabled fully and permanently"};
  return status >= 0 && status <= 4 ? std::string(kNames[status]) : "";
}

// Of an EAR: a status, or an entry of a trustworthiness vector.
std::string TierName(int64_t value) {
  switch (eat::EarTierOf(static_cast<int8_t>(std::clamp<int64_t>(value, INT8_MIN, INT8_MAX)))) {
    case eat::EarTier::kNone:
      return "none";
    case eat::EarTier::kAffirming:
      return "affirming";
    case eat::EarTier::kWarning:
      return "warning";
    case eat::EarTier::kContraindicated:
      return "contraindicated";
  }
  return "";
}

std::string CurveName(int64_t curve) {
  static constexpr std::string_view kNames[] = {"",       "P-256", "P-384",   "P-521",
                                                "X25519", "X448",  "Ed25519", "Ed448"};
  return curve >= 1 && curve <= 7 ? std::string(kNames[curve]) : "";
}

const Shape& Algorithm(const cbor::Item&) {
  static const auto& shape = *new Shape{.number_name = AlgorithmName};
  return shape;
}

const Shape& KeyType(const cbor::Item&) {
  static const auto& shape = *new Shape{.number_name = KeyTypeName};
  return shape;
}

const Shape& Curve(const cbor::Item&) {
  static const auto& shape = *new Shape{.number_name = CurveName};
  return shape;
}

const Shape& Secret(const cbor::Item&) {
  static const auto& shape = *new Shape{.style = Shape::Style::kSecret};
  return shape;
}

const Shape& Time(const cbor::Item&) {
  static const auto& shape = *new Shape{.style = Shape::Style::kTime};
  return shape;
}

const Shape& DebugStatus(const cbor::Item&) {
  static const auto& shape = *new Shape{.number_name = DebugStatusName};
  return shape;
}

const Shape& Certificate(const cbor::Item&) {
  static const auto& shape = *new Shape{.style = Shape::Style::kCertificate};
  return shape;
}

// One certificate, or an array of several (RFC 9360 section 2).
const Shape& Chain(const cbor::Item& item) {
  static const auto& several = *new Shape{.rest = {"", Certificate}};
  return item.is_array() ? several : Certificate(item);
}

const Shape& Headers(const cbor::Item&) {
  static const auto& shape = *new Shape{.members = {{1, "alg", Algorithm},
                                                    {2, "crit", Plain},
                                                    {3, "content type", Plain},
                                                    {4, "kid", Plain},
                                                    {5, "IV", Plain},
                                                    {6, "Partial IV", Plain},
                                                    {33, "x5chain", Chain},
                                                    {34, "x5t", Plain},
                                                    {-1, "ephemeral key", CoseKey},
                                                    {-2, "static key", CoseKey},
                                                    {-20, "salt", Plain}}};
  return shape;
}

const Shape& Protected(const cbor::Item&) {
  static const auto& shape = *new Shape{.content = Headers};
  return shape;
}

const Shape& Layer(const cbor::Item&) {
  static const auto& shape = *new Shape{
      .elements = {{"protected", Protected}, {"unprotected", Headers}, {"signature", Plain}}};
  return shape;
}

const Shape& Layers(const cbor::Item&) {
  static const auto& shape = *new Shape{.rest = {"", Layer}};
  return shape;
}

const Shape& Recipient(const cbor::Item&) {
  static const auto& shape = *new Shape{
      .elements = {{"protected", Protected}, {"unprotected", Headers}, {"ciphertext", Plain}}};
  return shape;
}

const Shape& Recipients(const cbor::Item&) {
  static const auto& shape = *new Shape{.rest = {"", Recipient}};
  return shape;
}

const Shape& Confirmation(const cbor::Item&) {
  static const auto& shape =
      *new Shape{.members = {{1, "COSE_Key", CoseKey}, {3, "kid", Plain}, {5, "ckt", Plain}}};
  return shape;
}

const Shape& ContentEntry(const cbor::Item&) {
  static const auto& shape =
      *new Shape{.elements = {{"content-format", Plain}, {"content", OpaqueCbor}}};
  return shape;
}

const Shape& ContentEntries(const cbor::Item&) {
  static const auto& shape = *new Shape{.rest = {"", ContentEntry}};
  return shape;
}

const Shape& Tier(const cbor::Item&) {
  static const auto& shape = *new Shape{.number_name = TierName};
  return shape;
}

// draft-ietf-rats-ar4si
const Shape& TrustVector(const cbor::Item&) {
  static const auto& shape = *new Shape{.members = {{0, "instance-identity", Tier},
                                                    {1, "configuration", Tier},
                                                    {2, "executables", Tier},
                                                    {3, "file-system", Tier},
                                                    {4, "hardware", Tier},
                                                    {5, "runtime-opaque", Tier},
                                                    {6, "storage-opaque", Tier},
                                                    {7, "sourced-data", Tier}}};
  return shape;
}

const Shape& Appraisal(const cbor::Item&) {
  static const auto& shape =
      *new Shape{.members = {{10, "eat_nonce", Plain},
                             {1000, "ear_status", Tier},
                             {1001, "ear_trustworthiness_vector", TrustVector},
                             {1003, "ear_appraisal_policy_ids", Plain},
                             {65000, "ear_teep_claims", EatClaims}}};
  return shape;
}

const Shape& VerifierId(const cbor::Item&) {
  static const auto& shape = *new Shape{.members = {{0, "developer", Plain}, {1, "build", Plain}}};
  return shape;
}

const Shape& DetachedDigest(const cbor::Item&) {
  static const auto& shape =
      *new Shape{.elements = {{"hash algorithm", Algorithm}, {"digest", Plain}}};
  return shape;
}

// An appraisal of an EAR, claims, a digest of detached claims, or a token.
const Shape& Submodule(const cbor::Item& item) {
  if (item.is_map()) return item.Find(1000).has_value() ? Appraisal(item) : EatClaims(item);
  if (item.is_array()) return DetachedDigest(item);
  return Opaque(item);
}

const Shape& Submodules(const cbor::Item&) {
  static const auto& shape = *new Shape{.text_members = Submodule};
  return shape;
}

const Shape& ClaimsContent(const cbor::Item&) {
  static const auto& shape = *new Shape{.content = EatClaims};
  return shape;
}

const Shape& DetachedSets(const cbor::Item&) {
  static const auto& shape = *new Shape{.text_members = ClaimsContent};
  return shape;
}

// The kind of the one item in a byte string; kCbor for any other item, nullopt for none.
std::optional<Kind> KindOfContent(const cbor::Item& item) {
  if (!item.is_bytes()) return std::nullopt;
  const auto document = cbor::Document::Parse(*item.ByteString());
  if (!document.ok()) return std::nullopt;
  return Detect(document->root());
}

template <ShapeOf inner>
const Shape& Content() {
  static const auto& shape = *new Shape{.content = inner};
  return shape;
}

const Shape& ContentOf(Kind kind) {
  switch (kind) {
    case Kind::kTeep:
      return Content<TeepMessage>();
    case Kind::kEnvelope:
      return Content<Envelope>();
    case Kind::kManifest:
      return Content<Manifest>();
    case Kind::kReport:
      return Content<SuitReport>();
    case Kind::kEat:
      return Content<EatClaims>();
    case Kind::kBundle:
      return Content<Bundle>();
    case Kind::kCoseKey:
      return Content<CoseKey>();
    case Kind::kCose:
      return Content<Cose>();
    case Kind::kCbor:
      break;
  }
  return Content<Plain>();
}

const Shape& LegacyTeepContent(const cbor::Item&) { return Content<LegacyTeepMessage>(); }

}  // namespace

std::string AlgorithmName(int64_t algorithm) {
  for (const NamedNumber& entry : kAlgorithms) {
    if (entry.number == algorithm) return std::string(entry.name);
  }
  return "";
}

const Shape& Opaque(const cbor::Item& item) {
  const std::optional<Kind> kind = KindOfContent(item);
  if (!kind.has_value() || *kind == Kind::kCbor) return Plain(item);
  return ContentOf(*kind);
}

const Shape& OpaqueCbor(const cbor::Item& item) {
  const std::optional<Kind> kind = KindOfContent(item);
  return kind.has_value() ? ContentOf(*kind) : Plain(item);
}

const Shape& Cose(const cbor::Item& item) {
  static const auto& sign1 = *new Shape{.elements = {{"protected", Protected},
                                                     {"unprotected", Headers},
                                                     {"payload", OpaqueCbor},
                                                     {"signature", Plain}}};
  static const auto& sign = *new Shape{.elements = {{"protected", Protected},
                                                    {"unprotected", Headers},
                                                    {"payload", OpaqueCbor},
                                                    {"signatures", Layers}}};
  static const auto& mac = *new Shape{.elements = {{"protected", Protected},
                                                   {"unprotected", Headers},
                                                   {"payload", OpaqueCbor},
                                                   {"tag", Plain},
                                                   {"recipients", Recipients}}};
  static const auto& encrypt = *new Shape{.elements = {{"protected", Protected},
                                                       {"unprotected", Headers},
                                                       {"ciphertext", Plain},
                                                       {"recipients", Recipients}}};
  const auto parts = FindCoseParts(item);
  if (!parts.has_value()) return Plain(item);
  if (parts->name == "COSE_Sign1") return sign1;
  if (parts->name == "COSE_Sign") return sign;
  return parts->name == "COSE_Mac0" || parts->name == "COSE_Mac" ? mac : encrypt;
}

const Shape& LegacyCose(const cbor::Item& item) {
  static const auto& sign1 = *new Shape{.elements = {{"protected", Protected},
                                                     {"unprotected", Headers},
                                                     {"payload", LegacyTeepContent},
                                                     {"signature", Plain}}};
  static const auto& sign = *new Shape{.elements = {{"protected", Protected},
                                                    {"unprotected", Headers},
                                                    {"payload", LegacyTeepContent},
                                                    {"signatures", Layers}}};
  const auto parts = FindCoseParts(item);
  if (!parts.has_value() || !parts->payload.has_value()) return Cose(item);
  if (KindOfContent(*parts->payload) != Kind::kTeep) return Cose(item);
  if (parts->name == "COSE_Sign1") return sign1;
  return parts->name == "COSE_Sign" ? sign : Cose(item);
}

const Shape& Bundle(const cbor::Item&) {
  static const auto& shape =
      *new Shape{.elements = {{"token", OpaqueCbor}, {"detached claims-sets", DetachedSets}}};
  return shape;
}

const Shape& CoseKey(const cbor::Item& item) {
  static const auto& symmetric = *new Shape{.members = {{1, "kty", KeyType},
                                                        {2, "kid", Plain},
                                                        {3, "alg", Algorithm},
                                                        {4, "key_ops", Plain},
                                                        {-1, "k", Secret}}};
  static const auto& asymmetric = *new Shape{.members = {{1, "kty", KeyType},
                                                         {2, "kid", Plain},
                                                         {3, "alg", Algorithm},
                                                         {4, "key_ops", Plain},
                                                         {5, "Base IV", Plain},
                                                         {-1, "crv", Curve},
                                                         {-2, "x", Plain},
                                                         {-3, "y", Plain},
                                                         {-4, "d", Secret}}};
  const auto kty = StripTags(item).Find(1);
  return kty.has_value() && kty->Int().value_or(0) == 4 ? symmetric : asymmetric;
}

const Shape& EatClaims(const cbor::Item&) {
  static const auto& shape = *new Shape{.members = {{1, "iss", Plain},
                                                    {2, "sub", Plain},
                                                    {3, "aud", Plain},
                                                    {4, "exp", Time},
                                                    {5, "nbf", Time},
                                                    {6, "iat", Time},
                                                    {7, "cti", Plain},
                                                    {8, "cnf", Confirmation},
                                                    {10, "eat_nonce", Plain},
                                                    {256, "ueid", Plain},
                                                    {257, "sueids", Plain},
                                                    {258, "oemid", Plain},
                                                    {259, "hwmodel", Plain},
                                                    {260, "hwversion", Plain},
                                                    {261, "uptime", Plain},
                                                    {262, "oemboot", Plain},
                                                    {263, "dbgstat", DebugStatus},
                                                    {264, "location", Plain},
                                                    {265, "eat_profile", Plain},
                                                    {266, "submods", Submodules},
                                                    {267, "bootcount", Plain},
                                                    {268, "bootseed", Plain},
                                                    {269, "dloas", Plain},
                                                    {270, "swname", Plain},
                                                    {271, "swversion", Plain},
                                                    {272, "manifests", ContentEntries},
                                                    {273, "measurements", ContentEntries},
                                                    {274, "measres", Plain},
                                                    {275, "intuse", Plain},
                                                    {1000, "ear_status", Tier},
                                                    {1002, "ear_raw_evidence", Plain},
                                                    {1004, "ear_verifier_id", VerifierId}}};
  return shape;
}

}  // namespace tam::inspect::shapes

#include "tools/tamctl/inspect/inspect.h"

#include <algorithm>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "crypto/text/text.h"
#include "tools/tamctl/inspect/inspector.h"
#include "tools/tamctl/inspect/shapes.h"

namespace tam::inspect {
namespace {

constexpr size_t kMaxFile = 64 << 20;
constexpr int kMaxDepth = 8;
constexpr char kEmptyTitle[] = "empty file";
constexpr char kNoCborTitle[] = "not CBOR";

// Splits "offset 12, a.b: reason" and "a.b: reason".
Problem ParseMessage(std::string message) {
  Problem problem;
  if (absl::StartsWith(message, "offset ")) {
    const size_t comma = message.find(", ");
    size_t offset = 0;
    if (comma != std::string::npos && absl::SimpleAtoi(message.substr(7, comma - 7), &offset)) {
      problem.offset = offset;
      message = message.substr(comma + 2);
    }
  }
  const size_t colon = message.find(": ");
  if (colon != std::string::npos && message.find(' ') > colon) {
    problem.path = message.substr(0, colon);
    message = message.substr(colon + 2);
  }
  problem.reason = std::move(message);
  return problem;
}

std::string KindTitle(Kind kind, const cbor::Item& item, teep::WireProfile wire) {
  switch (kind) {
    case Kind::kTeep: {
      const int64_t type = item.is_array() && item.size() > 0 ? item.at(0).Int().value_or(0) : 0;
      if (wire == teep::WireProfile::kLegacy) {
        return Concat("TEEP ", shapes::LegacyMessageTypeText(type), " of an older draft");
      }
      const std::string name = type <= 5 ? shapes::MessageTypeText(type) : "";
      return name.empty() ? "TEEP message" : Concat("TEEP ", name);
    }
    case Kind::kEnvelope:
      return "SUIT_Envelope";
    case Kind::kManifest:
      return "SUIT_Manifest";
    case Kind::kReport:
      return "SUIT_Report";
    case Kind::kEat:
      return item.Find(1004).has_value() ? "EAR" : "EAT";
    case Kind::kBundle:
      return "detached EAT bundle";
    case Kind::kCoseKey:
      return "COSE_Key";
    default:
      return "CBOR";
  }
}

std::string ContainerTitle(const CoseParts& parts) {
  return Concat(parts.tagged ? "" : "untagged ", parts.cwt ? "CWT " : "", parts.name);
}

// What the payload of a container is; `as` decides where it is given.
Kind PayloadKind(const cbor::Item& payload, std::optional<Kind> as) {
  if (as.has_value()) return *as == Kind::kCose ? Kind::kCbor : *as;
  return Detect(payload);
}

std::string Title(Kind kind, const cbor::Item& root, const Options& options, size_t limit) {
  const std::optional<CoseParts> parts =
      kind == Kind::kCbor || kind == Kind::kEnvelope || kind == Kind::kBundle ? std::nullopt
                                                                              : FindCoseParts(root);
  if (!parts.has_value()) {
    if (kind == Kind::kCose) return "COSE";
    const std::string bare = KindTitle(kind, StripTags(root), options.wire);
    if (kind == Kind::kTeep) return Concat(bare, " without COSE");
    return kind == Kind::kEat ? Concat(bare, " claims") : bare;
  }
  if (!parts->payload.has_value()) return ContainerTitle(*parts);
  const auto content = ParseContent(*parts->payload, limit);
  if (!content.ok()) return ContainerTitle(*parts);
  const Kind inner = PayloadKind(content->root(), options.as);
  if (inner == Kind::kCbor || inner == Kind::kCose) return ContainerTitle(*parts);
  return Concat(KindTitle(inner, content->root(), options.wire), " in ", ContainerTitle(*parts));
}

// Of the root's kind under that profile.
ShapeOf RootShape(Kind kind, teep::WireProfile wire) {
  if (wire == teep::WireProfile::kLegacy && kind == Kind::kTeep) {
    return shapes::LegacyTeepMessage;
  }
  if (wire == teep::WireProfile::kLegacy && kind == Kind::kCose) return shapes::LegacyCose;
  return ShapeForKind(kind);
}

std::string RootPath(Kind kind) {
  switch (kind) {
    case Kind::kTeep:
      return "teep";
    case Kind::kEnvelope:
      return "envelope";
    case Kind::kManifest:
      return "manifest";
    case Kind::kReport:
      return "report";
    case Kind::kEat:
      return "eat";
    case Kind::kBundle:
      return "bundle";
    case Kind::kCoseKey:
      return "key";
    case Kind::kCose:
      return "cose";
    case Kind::kCbor:
      break;
  }
  return "$";
}

std::string StateText(const SignatureResult& signature) {
  switch (signature.state) {
    case SignatureResult::State::kVerifies:
      return Concat("verifies with ", signature.key_name);
    case SignatureResult::State::kFails:
      return Concat("DOES NOT VERIFY: ", signature.reason);
    case SignatureResult::State::kNotChecked:
      break;
  }
  return Concat("not checked: ", signature.reason);
}

}  // namespace

std::string Problem::ToString() const {
  std::string text;
  if (offset.has_value()) Append(&text, "offset ", *offset, ", ");
  if (!path.empty()) Append(&text, path, ": ");
  return text + reason;
}

absl::StatusOr<cbor::Document> ParseContent(const cbor::Item& byte_string, size_t max_bytes) {
  const absl::StatusOr<cbor::Bytes> bytes = byte_string.ByteString();
  if (!bytes.ok()) return bytes.status();
  cbor::Limits limits;
  limits.max_bytes = std::max(limits.max_bytes, max_bytes);
  return cbor::Document::Parse(*bytes, limits);
}

cbor::Limits Inspector::FileLimits() const {
  cbor::Limits limits;
  limits.max_bytes = kMaxFile;
  limits.max_items = 1 << 20;
  return limits;
}

void Inspector::Refuse(const cbor::Item& item, std::string_view path, std::string_view reason) {
  result_.problems.push_back({OffsetOf(item.encoded()), std::string(path), std::string(reason)});
}

void Inspector::Refuse(const absl::Status& status, cbor::Bytes part, std::string_view path) {
  Problem problem = ParseMessage(std::string(StdView(status.message())));
  if (problem.offset.has_value()) {
    *problem.offset += OffsetOf(part);
  } else {
    const size_t found = FindOffset(places_, problem.path);
    problem.offset = found != SIZE_MAX ? found : OffsetOf(part);
  }
  if (problem.path.empty()) problem.path = std::string(path);
  result_.problems.push_back(std::move(problem));
}

Result Inspector::Run() && {
  Look();
  if (result_.title != kEmptyTitle && result_.title != kNoCborTitle) KeyRule();
  return std::move(result_);
}

void Inspector::Look() {
  if (file_.empty()) {
    result_.title = kEmptyTitle;
    result_.problems.push_back({0, "$", "want one CBOR item, got 0 bytes"});
    return;
  }
  const auto document = cbor::Document::Parse(file_, FileLimits());
  if (!document.ok()) {
    result_.title = kNoCborTitle;
    if (cbor::AsView(file_).substr(0, 10) == "-----BEGIN") {
      Note("this is PEM text; a key or certificate, not a message (--key takes keys)");
    }
    return Refuse(document.status(), file_, "$");
  }
  Root(document->root());
}

void Inspector::Root(const cbor::Item& root) {
  const Kind detected = Detect(root);
  const Kind kind = options_.as.value_or(detected);
  result_.title = Title(kind, root, options_, file_.size());
  const bool in_cose = detected == Kind::kCose && kind != Kind::kCbor && kind != Kind::kEnvelope;
  const Kind shown = in_cose ? Kind::kCose : kind;
  Annotated annotated = Annotate(root, RootShape(shown, options_.wire), RootPath(shown), file_,
                                 {.max_bytes_shown = options_.max_bytes_shown});
  result_.diagnostic = std::move(annotated.text);
  places_ = std::move(annotated.places);
  Check(shown, root, {RootPath(shown), true});
}

void Inspector::Check(Kind kind, const cbor::Item& item, const Site& site) {
  if (depth_ >= kMaxDepth) {
    return Refuse(item, site.path, Concat("more than ", kMaxDepth, " structures in each other"));
  }
  ++depth_;
  switch (kind) {
    case Kind::kTeep:
      CheckTeep(item, site);
      break;
    case Kind::kEnvelope:
      CheckEnvelope(item, site);
      break;
    case Kind::kReport:
      CheckReport(item, site);
      break;
    case Kind::kEat:
      CheckClaims(item, site);
      break;
    case Kind::kBundle:
      CheckBundle(item, site);
      break;
    case Kind::kCoseKey:
      CheckKey(item, site);
      break;
    case Kind::kCose:
      CheckCose(item, site);
      break;
    case Kind::kManifest:
      Note("a manifest without its envelope carries no signature");
      break;
    case Kind::kCbor:
      break;
  }
  --depth_;
}

// The exit code of `tamctl inspect` when keys are given.
void Inspector::KeyRule() {
  if (keys_.empty()) return;
  if (result_.signatures.empty() && result_.decrypted.empty()) {
    result_.problems.push_back(
        {std::nullopt, "", "a key was given, and nothing here is signed, nor opens with it"});
    return;
  }
  const std::string& path =
      result_.signatures.empty() ? result_.decrypted[0].path : result_.signatures[0].path;
  size_t found = FindOffset(places_, Concat(path, ".signature"));
  if (found == SIZE_MAX) found = FindOffset(places_, path);
  const std::optional<size_t> offset = found == SIZE_MAX ? std::nullopt : std::optional(found);
  for (size_t i = 0; i < keys_.size(); ++i) {
    if (used_[i]) continue;
    result_.problems.push_back(
        {offset, path, Concat("no signature verifies with ", keys_[i].name)});
  }
  const bool all_open = std::find(opened_.begin(), opened_.end(), false) == opened_.end();
  if (outer_signed_ && !outer_verified_ && !all_open) {
    result_.problems.push_back(
        {offset, path, "the outermost signature verifies with none of the keys given"});
  }
}

Result Inspect(cbor::Bytes file, absl::Span<const NamedKey> keys, const Options& options) {
  return Inspector(file, keys, options).Run();
}

std::string ToText(const Result& result) {
  std::string text = Concat(result.title, "\n");
  if (!result.diagnostic.empty()) Append(&text, result.diagnostic, "\n");
  for (const Decrypted& inside : result.decrypted) {
    Append(&text, "decrypted ", inside.path, " with ", inside.key_name);
    if (!inside.purpose.empty()) Append(&text, " (", inside.purpose, ")");
    Append(&text, ": ", inside.title, "\n");
    if (!inside.diagnostic.empty()) Append(&text, inside.diagnostic, "\n");
  }
  if (!result.signatures.empty()) text += "signatures:\n";
  for (const SignatureResult& signature : result.signatures) {
    Append(&text, "  ", signature.path, " (", signature.container);
    if (signature.algorithm.has_value()) {
      Append(&text, ", alg ", *signature.algorithm);
      const std::string name = shapes::AlgorithmName(*signature.algorithm);
      if (!name.empty()) Append(&text, " ", name);
    }
    if (!signature.kid.empty()) Append(&text, ", kid ", signature.kid);
    Append(&text, "): ", StateText(signature), "\n");
  }
  for (const std::string& note : result.notes) Append(&text, "note: ", note, "\n");
  for (const Problem& problem : result.problems) {
    Append(&text, "refused: ", problem.ToString(), "\n");
  }
  if (result.ok()) text += "well formed\n";
  return text;
}

}  // namespace tam::inspect

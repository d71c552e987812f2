#include "crypto/cose/headers.h"

#include <algorithm>
#include <iterator>

#include "crypto/text/text.h"

namespace tam::cose {
namespace {

using cbor::Item;

// What verification minds by itself. An x5chain is read and minded by its reader alone, so it
// cannot be critical here.
constexpr int64_t kUnderstood[] = {kLabelAlg, kLabelCrit, kLabelContentType, kLabelKid};
constexpr int64_t kUnderstoodInEncryption[] = {kLabelIv, kLabelEphemeralKey, kLabelSalt};
constexpr int64_t kFirstParty = -26;
constexpr int64_t kLastParty = -21;

bool IsUnderstood(int64_t label, HeaderSet set) {
  const auto holds = [label](const auto& labels) {
    return std::find(std::begin(labels), std::end(labels), label) != std::end(labels);
  };
  return holds(kUnderstood) || (set == HeaderSet::kEncryption && holds(kUnderstoodInEncryption));
}

std::optional<Item> FindLabel(Item map, Item label) {
  if (label.is_text()) return map.Find(*label.Text());
  return map.Find(*label.Int());
}

absl::Status CheckLabels(Item map) {
  if (absl::Status status = map.CheckMap(); !status.ok()) return status;
  for (auto [label, value] : map.each_pair()) {
    if (label.is_text()) continue;
    if (absl::StatusOr<int64_t> number = label.Int(); !number.ok()) return number.status();
  }
  return absl::OkStatus();
}

// crit = [+ label]: each must be in the protected bucket and understood.
absl::Status CheckCritical(Item protected_map, HeaderSet set) {
  const std::optional<Item> crit = protected_map.Find(kLabelCrit);
  if (!crit.has_value()) return absl::OkStatus();
  if (absl::Status status = crit->CheckArray(1); !status.ok()) return status;
  for (Item label : crit->each()) {
    const absl::StatusOr<int64_t> number = label.Int();
    if (!number.ok() || !IsUnderstood(*number, set)) {
      return label.Error("want a label that is understood, got another");
    }
    if (!protected_map.Find(*number).has_value()) {
      return label.Error("want a label of the protected bucket, got another");
    }
  }
  return absl::OkStatus();
}

// x5chain = bstr / [2* bstr]
absl::Status ReadX5Chain(Item item, std::vector<std::string>& out) {
  if (item.is_array()) {
    if (absl::Status status = item.CheckArray(2); !status.ok()) return status;
    for (Item element : item.each()) {
      const absl::StatusOr<Bytes> certificate = element.ByteString(1);
      if (!certificate.ok()) return certificate.status();
      out.push_back(cbor::AsString(*certificate));
    }
    return absl::OkStatus();
  }
  const absl::StatusOr<Bytes> certificate = item.ByteString(1);
  if (!certificate.ok()) return certificate.status();
  out.push_back(cbor::AsString(*certificate));
  return absl::OkStatus();
}

absl::Status ReadContentType(Item item, std::optional<std::string>& out) {
  if (item.is_uint()) {
    const absl::StatusOr<uint64_t> number = item.Uint(UINT16_MAX);
    if (!number.ok()) return number.status();
    out = Concat(*number);
    return absl::OkStatus();
  }
  const absl::StatusOr<std::string_view> text = item.Text(1);
  if (!text.ok()) return text.status();
  out = std::string(*text);
  return absl::OkStatus();
}

// Parameters that either bucket may hold.
absl::Status ReadParameters(Item map, Headers& out) {
  if (const std::optional<Item> kid = map.Find(kLabelKid); kid.has_value()) {
    const absl::StatusOr<Bytes> bytes = kid->ByteString();
    if (!bytes.ok()) return bytes.status();
    out.header.kid = cbor::AsString(*bytes);
  }
  if (const std::optional<Item> iv = map.Find(kLabelIv); iv.has_value()) {
    const absl::StatusOr<Bytes> bytes = iv->ByteString();
    if (!bytes.ok()) return bytes.status();
    out.iv = cbor::AsString(*bytes);
  }
  if (const std::optional<Item> partial = map.Find(kLabelPartialIv); partial.has_value()) {
    if (absl::StatusOr<Bytes> bytes = partial->ByteString(); !bytes.ok()) return bytes.status();
    out.has_partial_iv = true;
  }
  if (const std::optional<Item> type = map.Find(kLabelContentType); type.has_value()) {
    if (absl::Status status = ReadContentType(*type, out.content_type); !status.ok()) return status;
  }
  if (const std::optional<Item> chain = map.Find(kLabelX5Chain); chain.has_value()) {
    return ReadX5Chain(*chain, out.header.x5chain);
  }
  return absl::OkStatus();
}

// Parameters of a recipient, in either bucket.
absl::Status ReadRecipientParameters(Item map, Headers& out) {
  if (const std::optional<Item> key = map.Find(kLabelEphemeralKey); key.has_value()) {
    if (absl::Status status = key->CheckMap(); !status.ok()) return status;
    out.ephemeral_key = cbor::AsString(key->encoded());
  }
  if (const std::optional<Item> salt = map.Find(kLabelSalt); salt.has_value()) {
    const absl::StatusOr<Bytes> bytes = salt->ByteString();
    if (!bytes.ok()) return bytes.status();
    out.salt = cbor::AsString(*bytes);
  }
  for (int64_t label = kFirstParty; label <= kLastParty; ++label) {
    out.has_party_info = out.has_party_info || map.Find(label).has_value();
  }
  return absl::OkStatus();
}

absl::Status ReadBucket(Item map, HeaderSet set, Headers& out) {
  if (absl::Status status = ReadParameters(map, out); !status.ok()) return status;
  if (set == HeaderSet::kSignature) return absl::OkStatus();
  return ReadRecipientParameters(map, out);
}

absl::Status ReadAlgorithm(Item map, Headers& out) {
  const std::optional<Item> alg = map.Find(kLabelAlg);
  if (!alg.has_value()) return absl::OkStatus();
  const absl::StatusOr<int64_t> number = alg->Int();
  if (!number.ok()) return number.status();
  out.header.algorithm = *number;
  return absl::OkStatus();
}

absl::Status ReadProtected(Item map, HeaderSet set, Headers& out) {
  if (absl::Status status = CheckLabels(map); !status.ok()) return status;
  if (absl::Status status = ReadAlgorithm(map, out); !status.ok()) return status;
  out.alg_is_protected = out.header.algorithm.has_value();
  if (absl::Status status = CheckCritical(map, set); !status.ok()) return status;
  return ReadBucket(map, set, out);
}

absl::Status CheckUnprotected(Item map, bool alg_is_allowed) {
  if (absl::Status status = CheckLabels(map); !status.ok()) return status;
  for (int64_t label : {kLabelAlg, kLabelCrit}) {
    if (label == kLabelAlg && alg_is_allowed) continue;
    if (const std::optional<Item> found = map.Find(label); found.has_value()) {
      return found->Error("want it in the protected bucket, got it in the unprotected one");
    }
  }
  return absl::OkStatus();
}

absl::Status CheckDisjoint(Item protected_map, Item unprotected_map) {
  for (auto [label, value] : unprotected_map.each_pair()) {
    if (FindLabel(protected_map, label).has_value()) {
      return value.Error("want the label in one bucket, got it in both");
    }
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<Headers> ReadHeaders(Item protected_item, Item unprotected_item, AlgRule rule,
                                    HeaderSet set) {
  const absl::StatusOr<Bytes> protected_bytes = protected_item.ByteString();
  if (!protected_bytes.ok()) return protected_bytes.status();
  const bool alg_is_allowed = rule == AlgRule::kUnprotectedWhenEmpty && protected_bytes->empty();
  if (absl::Status status = CheckUnprotected(unprotected_item, alg_is_allowed); !status.ok()) {
    return status;
  }
  Headers out;
  if (!protected_bytes->empty()) {
    const auto document =
        cbor::Document::Parse(*protected_bytes, cbor::Limits{.max_bytes = protected_bytes->size()},
                              protected_item.path());
    if (!document.ok()) return document.status();
    const Item map = document->root();
    if (absl::Status status = ReadProtected(map, set, out); !status.ok()) return status;
    if (absl::Status status = CheckDisjoint(map, unprotected_item); !status.ok()) return status;
    if (map.size() > 0) out.protected_bytes = cbor::AsString(*protected_bytes);
  }
  if (alg_is_allowed) {
    if (absl::Status status = ReadAlgorithm(unprotected_item, out); !status.ok()) return status;
  }
  if (absl::Status status = ReadBucket(unprotected_item, set, out); !status.ok()) return status;
  return out;
}

std::string ToBeSigned(std::string_view context, Bytes body_protected,
                       std::optional<Bytes> sign_protected, Bytes external_aad, Bytes payload) {
  cbor::Writer writer;
  writer.Array(sign_protected.has_value() ? 5 : 4).Text(context).ByteString(body_protected);
  if (sign_protected.has_value()) writer.ByteString(*sign_protected);
  writer.ByteString(external_aad).ByteString(payload);
  return std::move(writer).Take();
}

std::string Sign1ToBeSigned(Bytes body_protected, Bytes payload, Bytes external_aad) {
  const bool empty_map = body_protected.size() == 1 && body_protected[0] == 0xa0;
  return ToBeSigned("Signature1", empty_map ? Bytes() : body_protected, std::nullopt, external_aad,
                    payload);
}

}  // namespace tam::cose

#include "services/attestation/nitro/document.h"

#include <utility>

#include "absl/status/statusor.h"
#include "crypto/cbor/cbor.h"
#include "crypto/text/text.h"

namespace tam::attestation::nitro {
namespace {

using cbor::Bytes;
using cbor::Item;

// {1: -35}: ES384 and no other parameter.
constexpr std::string_view kProtected("\xa1\x01\x38\x22", 4);
constexpr uint32_t kMaxPcr = 31;
constexpr size_t kMaxAuthorities = 5;
constexpr size_t kMaxModuleId = 256;
constexpr size_t kMaxCertificate = 2048;

Finding Malformed(const absl::Status& status) {
  return MakeFinding("document.form", "a Nitro document", StdView(status.message()));
}

absl::Status CheckHeaders(Item root) {
  const Item array = root.is_tag() ? root.at(0) : root;
  if (absl::Status s = array.CheckArray(4, 4); !s.ok()) return s;
  return array.at(1).CheckMap(0, 0);
}

absl::StatusOr<std::optional<std::string>> Optional(Item payload, std::string_view name,
                                                    size_t max) {
  const auto member = payload.Find(name);
  if (!member.has_value() || member->is_null()) return std::optional<std::string>();
  const auto bytes = member->ByteString(0, max);
  if (!bytes.ok()) return bytes.status();
  return std::optional<std::string>(cbor::AsString(*bytes));
}

absl::Status ReadPcrs(Item payload, Document& document) {
  const auto pcrs = payload.Get("pcrs");
  if (!pcrs.ok()) return pcrs.status();
  if (absl::Status s = pcrs->CheckMap(1, kMaxPcr + 1); !s.ok()) return s;
  for (const auto& [index, value] : pcrs->each_pair()) {
    const auto pcr = index.Uint(kMaxPcr);
    if (!pcr.ok()) return pcr.status();
    const auto bytes = value.ByteString();
    if (!bytes.ok()) return bytes.status();
    if (bytes->size() != 32 && bytes->size() != 48 && bytes->size() != 64) {
      return value.Error(Concat("want 32, 48 or 64 bytes, got ", bytes->size()));
    }
    document.pcrs[static_cast<uint32_t>(*pcr)] = cbor::AsString(*bytes);
  }
  return absl::OkStatus();
}

// The bundle begins with the root, and our chains end with it.
absl::Status ReadChain(Item payload, Document& document) {
  const auto leaf = payload.Get("certificate");
  const auto bundle = payload.Get("cabundle");
  if (!leaf.ok()) return leaf.status();
  if (!bundle.ok()) return bundle.status();
  const auto bytes = leaf->ByteString(1, kMaxCertificate);
  if (!bytes.ok()) return bytes.status();
  if (absl::Status s = bundle->CheckArray(1, kMaxAuthorities); !s.ok()) return s;
  document.chain.push_back(cbor::AsString(*bytes));
  for (const Item& authority : bundle->each()) {
    const auto der = authority.ByteString(1, kMaxCertificate);
    if (!der.ok()) return der.status();
    document.chain.insert(document.chain.begin() + 1, cbor::AsString(*der));
  }
  return absl::OkStatus();
}

absl::Status ReadNames(Item payload, Document& document) {
  const auto module = payload.Get("module_id");
  if (!module.ok()) return module.status();
  const auto id = module->Text(1, kMaxModuleId);
  if (!id.ok()) return id.status();
  document.module_id = std::string(*id);
  const auto digest = payload.Get("digest");
  if (!digest.ok()) return digest.status();
  const auto name = digest->Text();
  if (!name.ok()) return name.status();
  if (*name != "SHA384") return digest->Error(Concat("want SHA384, got ", *name));
  const auto timestamp = payload.Get("timestamp");
  if (!timestamp.ok()) return timestamp.status();
  const auto milliseconds = timestamp->Uint(INT64_MAX);
  if (!milliseconds.ok()) return milliseconds.status();
  document.timestamp = absl::FromUnixMillis(static_cast<int64_t>(*milliseconds));
  return absl::OkStatus();
}

absl::Status ReadOptional(Item payload, Document& document) {
  for (const auto& [name, max, to] :
       {std::tuple("public_key", kMaxPublicKeyBytes, &document.public_key),
        std::tuple("user_data", kMaxUserDataBytes, &document.user_data),
        std::tuple("nonce", kMaxNonceBytes, &document.nonce)}) {
    auto value = Optional(payload, name, max);
    if (!value.ok()) return value.status();
    *to = *std::move(value);
  }
  return absl::OkStatus();
}

absl::Status ReadPayload(Bytes bytes, Document& document) {
  const auto payload = cbor::Document::Parse(bytes, cbor::Limits(), "payload");
  if (!payload.ok()) return payload.status();
  const Item root = payload->root();
  if (absl::Status s = root.CheckMap(); !s.ok()) return s;
  if (absl::Status s = ReadNames(root, document); !s.ok()) return s;
  if (absl::Status s = ReadPcrs(root, document); !s.ok()) return s;
  if (absl::Status s = ReadChain(root, document); !s.ok()) return s;
  return ReadOptional(root, document);
}

}  // namespace

std::variant<Document, Finding> ParseDocument(Bytes bytes) {
  if (bytes.size() > kMaxDocumentBytes) {
    return MakeFinding("document.size", Concat("at most ", kMaxDocumentBytes),
                       Concat(bytes.size()));
  }
  const auto whole = cbor::Document::Parse(bytes, cbor::Limits(), "document");
  if (!whole.ok()) return Malformed(whole.status());
  auto message = cose::Message::Parse(bytes, cose::TagRule::kOptional);
  if (!message.ok()) return Malformed(message.status());
  if (message->structure() != cose::Structure::kSign1 || !message->unverified_payload()) {
    return MakeFinding("document.form", "a COSE_Sign1 with its payload", "another structure");
  }
  if (absl::Status s = CheckHeaders(whole->root()); !s.ok()) return Malformed(s);
  const Item root = whole->root();
  const auto headers = (root.is_tag() ? root.at(0) : root).at(0).ByteString();
  if (!headers.ok()) return Malformed(headers.status());
  if (cbor::AsView(*headers) != kProtected) {
    return MakeFinding("alg", "-35 (ES384) alone", HexText(cbor::AsView(*headers)));
  }
  const std::string payload = *message->unverified_payload();
  Document document{*std::move(message), "", {}, {}, {}, {}, {}, {}};
  if (absl::Status s = ReadPayload(cbor::AsBytes(payload), document); !s.ok()) return Malformed(s);
  return document;
}

}  // namespace tam::attestation::nitro

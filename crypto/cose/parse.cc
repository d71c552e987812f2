#include <string>
#include <utility>

#include "absl/status/status.h"
#include "crypto/cbor/cbor.h"
#include "crypto/cose/cose.h"
#include "crypto/cose/headers.h"
#include "crypto/text/text.h"

namespace tam::cose {

using cbor::Item;

// Fills a Message from a parsed document.
class MessageParser {
 public:
  absl::StatusOr<Message> Parse(Item root, TagRule tag_rule);

 private:
  absl::Status ReadTag(Item root, TagRule tag_rule);
  absl::Status ReadBody(Item array);
  absl::Status ReadSignatures(Item array);
  absl::Status AddSignature(Item signature, std::string protected_bytes, SignerHeader header);

  Message message_;
  std::optional<Structure> tagged_;
};

absl::StatusOr<Message> MessageParser::Parse(Item root, TagRule tag_rule) {
  if (absl::Status status = ReadTag(root, tag_rule); !status.ok()) return status;
  const Item array = root.is_tag() ? root.at(0) : root;
  if (absl::Status status = array.CheckArray(4, 4); !status.ok()) return status;
  if (absl::Status status = ReadBody(array); !status.ok()) return status;
  return std::move(message_);
}

absl::Status MessageParser::ReadTag(Item root, TagRule tag_rule) {
  if (!root.is_tag()) {
    if (tag_rule == TagRule::kOptional) return absl::OkStatus();
    return root.Error(Concat("want tag 18 or 98, got ", cbor::TypeName(root.type())));
  }
  switch (root.tag()) {
    case kTagSign1:
      tagged_ = Structure::kSign1;
      return absl::OkStatus();
    case kTagSign:
      tagged_ = Structure::kSign;
      return absl::OkStatus();
    case kTagMac0:
      tagged_ = Structure::kMac0;
      return absl::OkStatus();
    default:
      return root.Error(Concat("want tag 17, 18 or 98, got ", root.tag()));
  }
}

absl::Status MessageParser::ReadBody(Item array) {
  absl::StatusOr<Headers> headers = ReadHeaders(array.at(0), array.at(1));
  if (!headers.ok()) return headers.status();
  if (tagged_.has_value()) {
    message_.structure_ = *tagged_;
  } else if (array.at(3).is_array()) {
    message_.structure_ = Structure::kSign;
  } else {
    message_.structure_ =
        headers->header.algorithm == kHmac256 ? Structure::kMac0 : Structure::kSign1;
  }
  message_.body_protected_ = std::move(headers->protected_bytes);
  message_.content_type_ = std::move(headers->content_type);
  const Item payload = array.at(2);
  if (!payload.is_null()) {
    const absl::StatusOr<Bytes> bytes = payload.ByteString();
    if (!bytes.ok()) return bytes.status();
    message_.payload_ = cbor::AsString(*bytes);
  }
  if (message_.structure_ == Structure::kSign) return ReadSignatures(array.at(3));
  return AddSignature(array.at(3), std::string(), std::move(headers->header));
}

absl::Status MessageParser::ReadSignatures(Item array) {
  if (absl::Status status = array.CheckArray(1, kMaxSigners); !status.ok()) return status;
  for (Item element : array.each()) {
    if (absl::Status status = element.CheckArray(3, 3); !status.ok()) return status;
    absl::StatusOr<Headers> headers = ReadHeaders(element.at(0), element.at(1));
    if (!headers.ok()) return headers.status();
    if (absl::Status status = AddSignature(element.at(2), std::move(headers->protected_bytes),
                                           std::move(headers->header));
        !status.ok()) {
      return status;
    }
  }
  return absl::OkStatus();
}

absl::Status MessageParser::AddSignature(Item signature, std::string protected_bytes,
                                         SignerHeader header) {
  const absl::StatusOr<Bytes> bytes = signature.ByteString();
  if (!bytes.ok()) return bytes.status();
  message_.signers_.push_back(std::move(header));
  message_.signatures_.push_back({std::move(protected_bytes), cbor::AsString(*bytes)});
  return absl::OkStatus();
}

absl::StatusOr<Message> Message::Parse(Bytes bytes, TagRule tag_rule) {
  // The caller has bounded the size; the number of items stays bounded here.
  const auto document =
      cbor::Document::Parse(bytes, cbor::Limits{.max_bytes = bytes.size()}, "cose");
  if (!document.ok()) return document.status();
  return MessageParser().Parse(document->root(), tag_rule);
}

}  // namespace tam::cose

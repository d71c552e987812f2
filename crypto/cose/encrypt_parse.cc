#include <algorithm>
#include <iterator>
#include <utility>

#include "absl/status/status.h"
#include "crypto/cbor/cbor.h"
#include "crypto/cose/encrypt.h"
#include "crypto/cose/encrypt_internal.h"
#include "crypto/cose/headers.h"
#include "crypto/text/text.h"

namespace tam::cose {
namespace {

using cbor::Item;

// COSE_Key of an ephemeral key that an AgreementKey of ours could ever meet.
bool IsOfKnownCurve(Item key) {
  constexpr int64_t kKty = 1, kCrv = -1, kOkp = 1, kEc2 = 2, kP256 = 1, kX25519 = 4;
  const auto number = [&](int64_t label) -> int64_t {
    const std::optional<Item> member = key.Find(label);
    if (!member.has_value()) return 0;
    const absl::StatusOr<int64_t> value = member->Int();
    return value.ok() ? *value : 0;
  };
  const int64_t kty = number(kKty), crv = number(kCrv);
  return (kty == kEc2 && crv == kP256) || (kty == kOkp && crv == kX25519);
}

constexpr ContentAlgorithm kContentAlgorithms[] = {
    ContentAlgorithm::kA128Gcm,          ContentAlgorithm::kA192Gcm, ContentAlgorithm::kA256Gcm,
    ContentAlgorithm::kChaCha20Poly1305, ContentAlgorithm::kA128Ctr,
};

}  // namespace

// Fills an EncryptedMessage from a parsed document.
class EncryptParser {
 public:
  absl::StatusOr<EncryptedMessage> Parse(Item root, TagRule tag_rule);

 private:
  absl::Status ReadTag(Item root, TagRule tag_rule);
  absl::Status ReadBody(Item array);
  absl::Status ReadAlgorithm(Item array, const Headers& headers);
  absl::Status ReadRecipients(Item array);
  absl::Status AddRecipient(Item array);
  absl::Status ReadEphemeral(Item recipient, const Headers& headers,
                             EncryptedMessage::Recipient& out);

  EncryptedMessage message_;
};

absl::StatusOr<EncryptedMessage> EncryptParser::Parse(Item root, TagRule tag_rule) {
  if (absl::Status status = ReadTag(root, tag_rule); !status.ok()) return status;
  const Item array = root.is_tag() ? root.at(0) : root;
  const size_t size = message_.has_recipients_ ? 4 : 3;
  if (absl::Status status = array.CheckArray(size, size); !status.ok()) return status;
  if (absl::Status status = ReadBody(array); !status.ok()) return status;
  if (message_.has_recipients_) {
    if (absl::Status status = ReadRecipients(array.at(3)); !status.ok()) return status;
  }
  return std::move(message_);
}

absl::Status EncryptParser::ReadTag(Item root, TagRule tag_rule) {
  if (root.is_tag()) {
    message_.has_recipients_ = root.tag() == kTagEncrypt;
    if (root.tag() == kTagEncrypt || root.tag() == kTagEncrypt0) return absl::OkStatus();
    return root.Error(Concat("want tag 16 or 96, got ", root.tag()));
  }
  if (tag_rule == TagRule::kRequired) {
    return root.Error(Concat("want tag 16 or 96, got ", cbor::TypeName(root.type())));
  }
  message_.has_recipients_ = root.is_array() && root.size() != 3;
  return absl::OkStatus();
}

absl::Status EncryptParser::ReadBody(Item array) {
  const absl::StatusOr<Headers> headers =
      ReadHeaders(array.at(0), array.at(1), AlgRule::kUnprotectedWhenEmpty, HeaderSet::kEncryption);
  if (!headers.ok()) return headers.status();
  if (absl::Status status = ReadAlgorithm(array, *headers); !status.ok()) return status;
  if (headers->has_partial_iv) return array.Error("want a whole IV (5), got a partial one (6)");
  const size_t want = secret::IvBytes(CipherOf(message_.algorithm_));
  if (!headers->iv.has_value() || headers->iv->size() != want) {
    return array.Error(Concat("want an IV (5) of ", want, " bytes, got ",
                              headers->iv.has_value() ? Concat(headers->iv->size()) : "none"));
  }
  message_.iv_ = *headers->iv;
  message_.protected_bytes_ = headers->protected_bytes;
  if (array.at(2).is_null()) return absl::OkStatus();
  const absl::StatusOr<Bytes> ciphertext = array.at(2).ByteString();
  if (!ciphertext.ok()) return ciphertext.status();
  message_.ciphertext_ = cbor::AsString(*ciphertext);
  return absl::OkStatus();
}

absl::Status EncryptParser::ReadAlgorithm(Item array, const Headers& headers) {
  if (!headers.header.algorithm.has_value()) {
    return array.Error("want a content algorithm (1), got none");
  }
  const auto number = static_cast<ContentAlgorithm>(*headers.header.algorithm);
  if (std::find(std::begin(kContentAlgorithms), std::end(kContentAlgorithms), number) ==
      std::end(kContentAlgorithms)) {
    return absl::UnimplementedError(
        array
            .Error(Concat("want content algorithm 1, 2, 3, 24 or -65534, got ",
                          *headers.header.algorithm))
            .message());
  }
  // RFC 9459: what has no associated data protects no header.
  const bool ctr = number == ContentAlgorithm::kA128Ctr;
  if (ctr == headers.alg_is_protected) {
    return array.Error(Concat("want algorithm ", *headers.header.algorithm, " in the ",
                              ctr ? "unprotected" : "protected", " bucket, got it in the other"));
  }
  message_.algorithm_ = number;
  return absl::OkStatus();
}

absl::Status EncryptParser::ReadRecipients(Item array) {
  if (absl::Status status = array.CheckArray(1, kMaxRecipients); !status.ok()) return status;
  for (Item element : array.each()) {
    if (absl::Status status = AddRecipient(element); !status.ok()) return status;
  }
  const auto is_direct = [](const RecipientHeader& header) { return header.algorithm == kDirect; };
  const auto& headers = message_.recipient_headers_;
  if (headers.size() > 1 && std::any_of(headers.begin(), headers.end(), is_direct)) {
    return array.Error("want direct (-6) as the only recipient, got more");
  }
  return absl::OkStatus();
}

absl::Status EncryptParser::AddRecipient(Item array) {
  if (absl::Status status = array.CheckArray(3, 3); !status.ok()) return status;
  const absl::StatusOr<Headers> headers =
      ReadHeaders(array.at(0), array.at(1), AlgRule::kUnprotectedWhenEmpty, HeaderSet::kEncryption);
  if (!headers.ok()) return headers.status();
  if (!headers->header.algorithm.has_value()) {
    return array.Error("want a recipient algorithm (1), got none");
  }
  const int64_t algorithm = *headers->header.algorithm;
  const absl::StatusOr<Bytes> wrapped = array.at(2).ByteString();
  if (!wrapped.ok()) return wrapped.status();
  EncryptedMessage::Recipient recipient;
  if (algorithm == kEcdhEsA128Kw) {
    if (absl::Status s = ReadEphemeral(array, *headers, recipient); !s.ok()) return s;
  } else if ((algorithm == kA128Kw || algorithm == kDirect) && headers->alg_is_protected) {
    return array.Error(Concat("want algorithm ", algorithm, " in the unprotected bucket"));
  }
  if (algorithm == kDirect && !wrapped->empty()) {
    return array.Error(Concat("want no key under direct (-6), got ", wrapped->size(), " bytes"));
  }
  recipient.protected_bytes = headers->protected_bytes;
  recipient.salt = headers->salt.value_or("");
  recipient.wrapped = cbor::AsString(*wrapped);
  message_.recipient_headers_.push_back({algorithm, headers->header.kid});
  message_.recipients_.push_back(std::move(recipient));
  return absl::OkStatus();
}

absl::Status EncryptParser::ReadEphemeral(Item recipient, const Headers& headers,
                                          EncryptedMessage::Recipient& out) {
  if (!headers.alg_is_protected)
    return recipient.Error("want algorithm -29 in the protected bucket");
  if (headers.has_party_info) return recipient.Error("want no party information, got some");
  if (!headers.ephemeral_key.has_value()) return recipient.Error("want an ephemeral key (-1)");
  const Bytes encoded = cbor::AsBytes(*headers.ephemeral_key);
  const auto document = cbor::Document::Parse(encoded, cbor::Limits(), "ephemeral-key");
  if (!document.ok()) return document.status();
  if (!IsOfKnownCurve(document->root())) return absl::OkStatus();
  absl::StatusOr<keys::AgreementPublicKey> key = keys::AgreementPublicKey::FromCoseKey(encoded);
  if (!key.ok()) {
    return recipient.Error(Concat("ephemeral key (-1): ", StdView(key.status().message())));
  }
  out.ephemeral = *std::move(key);
  return absl::OkStatus();
}

absl::StatusOr<EncryptedMessage> EncryptedMessage::Parse(Bytes bytes, TagRule tag_rule) {
  // The caller has bounded the size; the number of items stays bounded here.
  const auto document =
      cbor::Document::Parse(bytes, cbor::Limits{.max_bytes = bytes.size()}, "cose-encrypt");
  if (!document.ok()) return document.status();
  return EncryptParser().Parse(document->root(), tag_rule);
}

}  // namespace tam::cose

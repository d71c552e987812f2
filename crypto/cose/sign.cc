#include <string>
#include <utility>

#include "absl/status/status.h"
#include "crypto/cbor/cbor.h"
#include "crypto/cose/cose.h"
#include "crypto/cose/headers.h"
#include "crypto/text/text.h"

namespace tam::cose {
namespace {

using cbor::AsBytes;
using cbor::AsView;
using cbor::Writer;

std::string ProtectedFor(const keys::PrivateKey& key, const SignOptions& options) {
  const bool p256 = key.type() == keys::KeyType::kP256;
  const int64_t number =
      options.older_numbers ? (p256 ? kEs256 : kEdDsa) : (p256 ? kEsp256 : kEd25519);
  Writer writer;
  writer.MapHead(1).Int(kLabelAlg).Int(number);
  return std::move(writer).Take();
}

void WriteUnprotected(const keys::PrivateKey& key, const SignOptions& options,
                      const std::vector<std::string>& x5chain, Writer& writer) {
  cbor::MapBuilder map;
  if (options.with_kid) {
    map.Set(kLabelKid, Writer().ByteString(Bytes(key.public_key().thumbprint())));
  }
  if (x5chain.size() == 1) {
    map.Set(kLabelX5Chain, Writer().ByteString(x5chain[0]));
  } else if (!x5chain.empty()) {
    Writer chain;
    chain.Array(x5chain.size());
    for (const std::string& certificate : x5chain) chain.ByteString(certificate);
    map.Set(kLabelX5Chain, std::move(chain));
  }
  map.WriteTo(writer);
}

void WritePayload(Bytes payload, const SignOptions& options, Writer& writer) {
  if (options.detached) {
    writer.Null();
  } else {
    writer.ByteString(payload);
  }
}

}  // namespace

absl::StatusOr<std::string> Sign1(const keys::PrivateKey& key, Bytes payload,
                                  const SignOptions& options) {
  const std::string body_protected = ProtectedFor(key, options);
  const std::string to_be_signed =
      Sign1ToBeSigned(AsBytes(body_protected), payload, AsBytes(options.external_aad));
  const absl::StatusOr<std::string> signature = key.Sign(AsBytes(to_be_signed));
  if (!signature.ok()) return signature.status();
  Writer writer;
  if (options.tagged) writer.Tag(kTagSign1);
  writer.Array(4).ByteString(body_protected);
  WriteUnprotected(key, options, options.x5chain, writer);
  WritePayload(payload, options, writer);
  writer.ByteString(*signature);
  return std::move(writer).Take();
}

absl::StatusOr<std::string> Sign(absl::Span<const keys::PrivateKey* const> keys, Bytes payload,
                                 const SignOptions& options) {
  if (keys.size() > 1 && !options.x5chain.empty()) {
    return absl::InvalidArgumentError("cose: want one signing key beside an x5chain, got more");
  }
  std::vector<ChainedKey> chained;
  for (const keys::PrivateKey* key : keys) chained.push_back({key, options.x5chain});
  SignOptions rest = options;
  rest.x5chain.clear();
  return SignWithChains(chained, payload, rest);
}

absl::StatusOr<std::string> SignWithChains(absl::Span<const ChainedKey> keys, Bytes payload,
                                           const SignOptions& options) {
  if (keys.empty() || keys.size() > kMaxSigners) {
    return absl::InvalidArgumentError(
        Concat("cose: want 1..", kMaxSigners, " signing keys, got ", keys.size()));
  }
  if (!options.x5chain.empty()) {
    return absl::InvalidArgumentError("cose: want x5chain beside each key alone");
  }
  Writer writer;
  if (options.tagged) writer.Tag(kTagSign);
  writer.Array(4).ByteString(Bytes()).MapHead(0);
  WritePayload(payload, options, writer);
  writer.Array(keys.size());
  for (const auto& [key, x5chain] : keys) {
    const std::string sign_protected = ProtectedFor(*key, options);
    const std::string to_be_signed = ToBeSigned("Signature", Bytes(), AsBytes(sign_protected),
                                                AsBytes(options.external_aad), payload);
    const absl::StatusOr<std::string> signature = key->Sign(AsBytes(to_be_signed));
    if (!signature.ok()) return signature.status();
    writer.Array(3).ByteString(sign_protected);
    WriteUnprotected(*key, options, x5chain, writer);
    writer.ByteString(*signature);
  }
  return std::move(writer).Take();
}

}  // namespace tam::cose

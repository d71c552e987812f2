#include "services/attestation/evidence/testing/token_builder.h"

#include <utility>

namespace tam::attestation::testing {
namespace {

using cbor::Writer;

constexpr int64_t kLabelAlg = 1;
constexpr int64_t kLabelX5Chain = 33;
constexpr uint64_t kTagMac0 = 17;

std::string ProtectedBucket(const TokenSpec& spec) {
  if (!spec.algorithm.has_value()) return "";
  cbor::MapBuilder map;
  map.Set(kLabelAlg, Writer().Int(*spec.algorithm));
  return map.Encode();
}

std::string UnprotectedBucket(const TokenSpec& spec) {
  cbor::MapBuilder map;
  if (spec.x5chain.size() == 1) {
    map.Set(kLabelX5Chain, Writer().ByteString(spec.x5chain[0]));
  } else if (!spec.x5chain.empty()) {
    Writer chain;
    chain.Array(spec.x5chain.size());
    for (const std::string& der : spec.x5chain) chain.ByteString(der);
    map.Set(kLabelX5Chain, std::move(chain));
  }
  for (const auto& [label, value] : spec.unprotected) map.Set(label, Writer().Raw(value));
  return map.Encode();
}

}  // namespace

std::string BuildToken(std::string_view payload, const TokenSpec& spec) {
  const std::string body = ProtectedBucket(spec);
  Writer covered;
  covered.Array(4).Text(spec.tag == kTagMac0 ? "MAC0" : "Signature1");
  covered.ByteString(body).ByteString("").ByteString(payload);
  Writer token;
  if (spec.tag.has_value()) token.Tag(*spec.tag);
  token.Array(4).ByteString(body).Raw(UnprotectedBucket(spec)).ByteString(payload);
  token.ByteString(spec.sign(covered.bytes()));
  return std::move(token).Take();
}

std::string EncodeClaims(EncodedClaims claims, const ClaimChanges& changes) {
  for (const auto& [label, value] : changes) {
    if (value.has_value()) {
      claims[label] = *value;
    } else {
      claims.erase(label);
    }
  }
  cbor::MapBuilder map;
  for (const auto& [label, value] : claims) map.Set(label, Writer().Raw(value));
  return map.Encode();
}

std::string Octets(std::string_view value) { return std::move(Writer().ByteString(value)).Take(); }
std::string Text(std::string_view value) { return std::move(Writer().Text(value)).Take(); }
std::string Number(int64_t value) { return std::move(Writer().Int(value)).Take(); }

}  // namespace tam::attestation::testing

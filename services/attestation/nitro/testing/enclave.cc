#include "services/attestation/nitro/testing/enclave.h"

#include <utility>
#include <vector>

#include "crypto/cbor/cbor.h"
#include "crypto/cose/cose.h"

namespace tam::attestation::nitro::testing {
namespace {

using cbor::AsBytes;
using cbor::Writer;
using verify::testing::Issued;
using verify::testing::IssueSpec;

IssueSpec Authority(const std::string& name) {
  IssueSpec spec;
  spec.common_name = name;
  spec.kind = verify::Kind::kP384;
  spec.authority = true;
  return spec;
}

Writer BytesOrNull(const std::optional<std::string>& bytes) {
  Writer writer;
  if (bytes.has_value()) {
    writer.ByteString(*bytes);
  } else {
    writer.Null();
  }
  return writer;
}

}  // namespace

Enclave::Enclave(const IssueSpec& leaf)
    : root_(Issued::Root(Authority("aws.nitro-enclaves"))),
      issuer_(root_.Below(Authority("i-1"))),
      leaf_(issuer_.Below(leaf)) {}

std::string Enclave::Document(const DocumentSpec& spec) const {
  Writer pcrs;
  pcrs.MapHead(spec.pcrs.size());
  for (const auto& [pcr, value] : spec.pcrs) pcrs.Uint(pcr).ByteString(value);
  std::vector<std::string> chain;
  if (spec.with_root) chain.push_back(root_.der);
  chain.push_back(issuer_.der);
  if (spec.reversed) std::swap(chain.front(), chain.back());
  Writer bundle;
  bundle.Array(chain.size());
  for (const std::string& der : chain) bundle.ByteString(der);
  cbor::MapBuilder payload;
  payload.Set("module_id", Writer().Text("i-1-enc1"));
  payload.Set("digest", Writer().Text(spec.digest));
  payload.Set("timestamp", Writer().Uint(static_cast<uint64_t>(spec.timestamp)));
  payload.Set("pcrs", std::move(pcrs));
  payload.Set("certificate", Writer().ByteString(leaf_.der));
  payload.Set("cabundle", std::move(bundle));
  payload.Set("public_key", Writer().ByteString(spec.public_key));
  payload.Set("user_data", Writer().Null());
  payload.Set("nonce", BytesOrNull(spec.nonce));
  return Sign(payload.Encode(), spec);
}

std::string Enclave::Sign(const std::string& payload, const DocumentSpec& spec) const {
  const std::string headers = std::move(Writer().MapHead(1).Uint(1).Int(spec.alg)).Take();
  const std::string signature = leaf_.key.SignEcdsa(
      verify::Hash::kSha384, cose::Sign1ToBeSigned(AsBytes(headers), AsBytes(payload)));
  Writer writer;
  if (spec.tagged) writer.Tag(18);
  writer.Array(4).ByteString(headers);
  if (spec.unprotected_kid) {
    writer.MapHead(1).Uint(4).ByteString("kid");
  } else {
    writer.MapHead(0);
  }
  writer.ByteString(payload).ByteString(signature);
  return std::move(writer).Take();
}

}  // namespace tam::attestation::nitro::testing

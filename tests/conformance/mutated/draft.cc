#include "tests/conformance/mutated/draft.h"

#include <utility>

#include "crypto/cbor/cbor.h"
#include "crypto/cose/cose.h"
#include "tests/conformance/mutated/must.h"

namespace tam::conformance {
namespace {

constexpr int64_t kAlgLabel = 1;
constexpr int64_t kCritLabel = 2;
constexpr int64_t kKidLabel = 4;
constexpr uint64_t kSign1Tag = 18;

cbor::Writer Integer(int64_t value) {
  cbor::Writer writer;
  writer.Int(value);
  return writer;
}

cbor::Writer ByteString(const std::string& value) {
  cbor::Writer writer;
  writer.ByteString(value);
  return writer;
}

void ChangeAlgorithm(Header& header, Random& random) {
  constexpr int64_t kOthers[] = {cose::kEs256, cose::kEdDsa,   cose::kEsp256, cose::kEd25519,
                                 cose::kEs384, cose::kHmac256, -37,           0};
  if (Below(random, 4) == 0) {
    header.algorithm_protected = false;
    return;
  }
  const int64_t right = header.algorithm;
  while (header.algorithm == right) {
    header.algorithm = kOthers[Below(random, std::size(kOthers))];
  }
}

void ChangeKid(Header& header, Random& random) {
  switch (Below(random, 4)) {
    case 0:
      header.kid.reset();
      return;
    case 1:
      header.kid->resize(Below(random, 2) == 0 ? 31 : 33, 'k');
      return;
    case 2:
      FlipBit(*header.kid, random);
      return;
    default:
      header.kid_twice = true;
  }
}

void ChangeCrit(Header& header, Random& random) {
  Node crit;
  crit.type = cbor::Type::kArray;
  // alg, a private label that stands nowhere, one that stands in no protected bucket, or none.
  constexpr uint64_t kNamed[] = {0x7fff, kKidLabel, 5};
  const size_t choice = Below(random, std::size(kNamed) + 2);
  if (choice < std::size(kNamed)) crit.children.push_back(UintNode(kNamed[choice]));
  if (choice == std::size(kNamed)) crit = UintNode(kAlgLabel);
  header.crit = std::move(crit);
}

}  // namespace

std::string_view MutationName(Mutation mutation) {
  static constexpr std::array<std::string_view, kMutationCount> kNames = {"none",
                                                                          "field",
                                                                          "foreign token",
                                                                          "foreign challenge",
                                                                          "foreign evidence",
                                                                          "foreign report",
                                                                          "header alg",
                                                                          "header kid",
                                                                          "header crit",
                                                                          "bit flip",
                                                                          "other device's key",
                                                                          "other tenant's key",
                                                                          "rogue key",
                                                                          "replay",
                                                                          "misdirected"};
  return kNames[static_cast<size_t>(mutation)];
}

Draft NewDraft(const teep::Message& message, const keys::PrivateKey& key, std::string path) {
  Draft draft;
  draft.payload = Must(ParseTree(Must(teep::Encode(message))));
  draft.header.algorithm = key.type() == keys::KeyType::kP256 ? cose::kEsp256 : cose::kEd25519;
  draft.header.kid = cbor::AsString(key.public_key().thumbprint());
  draft.key = &key;
  draft.path = std::move(path);
  return draft;
}

void ChangeHeader(Draft& draft, Mutation mutation, Random& random) {
  if (mutation == Mutation::kHeaderAlg) ChangeAlgorithm(draft.header, random);
  if (mutation == Mutation::kHeaderKid) ChangeKid(draft.header, random);
  if (mutation == Mutation::kHeaderCrit) ChangeCrit(draft.header, random);
}

std::string Assemble(const Draft& draft) {
  const Header& header = draft.header;
  cbor::MapBuilder covered;
  cbor::MapBuilder open;
  (header.algorithm_protected ? covered : open).Set(kAlgLabel, Integer(header.algorithm));
  if (header.crit.has_value()) {
    cbor::Writer crit;
    crit.Raw(EncodeTree(*header.crit));
    covered.Set(kCritLabel, std::move(crit));
  }
  if (header.kid.has_value()) open.Set(kKidLabel, ByteString(*header.kid));
  if (header.kid_twice) covered.Set(kKidLabel, ByteString(*header.kid));
  const std::string covered_bytes = covered.empty() ? "" : covered.Encode();
  const std::string payload = draft.Payload();
  const std::string to_be_signed =
      cose::Sign1ToBeSigned(cbor::AsBytes(covered_bytes), cbor::AsBytes(payload));
  cbor::Writer out;
  out.Tag(kSign1Tag).Array(4).ByteString(covered_bytes);
  open.WriteTo(out);
  out.ByteString(payload).ByteString(Must(draft.key->Sign(cbor::AsBytes(to_be_signed))));
  return std::move(out).Take();
}

std::optional<teep::Message> MessageIn(std::string_view bytes) {
  const auto cose = cose::Message::Parse(cbor::AsBytes(bytes), cose::TagRule::kRequired);
  if (!cose.ok() || !cose->unverified_payload().has_value()) return std::nullopt;
  auto message = teep::Decode(cbor::AsBytes(*cose->unverified_payload()));
  if (!message.ok()) return std::nullopt;
  return *std::move(message);
}

bool IsReportOf(std::string_view bytes, const keys::PublicKey& key, const std::string& token) {
  const auto cose = cose::Message::Parse(cbor::AsBytes(bytes), cose::TagRule::kRequired);
  if (!cose.ok()) return false;
  const auto verified = teep::VerifyMessage(*cose, key, cose::AlgorithmPolicy::Strict());
  if (!verified.ok()) return false;
  const teep::Message& message = verified->message();
  const auto* success = std::get_if<teep::Success>(&message);
  const auto* error = std::get_if<teep::Error>(&message);
  return (success != nullptr && success->token == token) ||
         (error != nullptr && error->token == token);
}

}  // namespace tam::conformance

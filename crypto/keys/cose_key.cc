#include "crypto/keys/cose_key.h"

#include <algorithm>
#include <iterator>
#include <utility>
#include <vector>

#include "crypto/text/text.h"
#include "openssl/mem.h"

namespace tam::keys {
namespace {

using cbor::Item;

absl::Status CheckMember(Item map, int64_t label, const std::vector<int64_t>& allowed) {
  const absl::StatusOr<Item> member = map.Get(label);
  if (!member.ok()) return member.status();
  const absl::StatusOr<int64_t> value = member->Int();
  if (!value.ok()) return value.status();
  if (std::find(allowed.begin(), allowed.end(), *value) != allowed.end()) return absl::OkStatus();
  std::string want;
  for (int64_t option : allowed) Append(&want, want.empty() ? "" : " or ", option);
  return member->Error(Concat("want ", want, ", got ", *value));
}

absl::Status CheckOptional(Item map, int64_t label, const std::vector<int64_t>& allowed) {
  return map.Find(label).has_value() ? CheckMember(map, label, allowed) : absl::OkStatus();
}

absl::Status CheckKeyOps(Item map, const std::vector<int64_t>& wanted, size_t min = 1) {
  const std::optional<Item> operations = map.Find(kLabelKeyOps);
  if (!operations.has_value()) return absl::OkStatus();
  if (absl::Status status = operations->CheckArray(min); !status.ok()) return status;
  bool found = operations->size() == 0;
  for (Item element : operations->each()) {
    const absl::StatusOr<int64_t> value = element.Int();
    if (!value.ok()) return value.status();
    found = found || std::find(wanted.begin(), wanted.end(), *value) != wanted.end();
  }
  if (found) return absl::OkStatus();
  return operations->Error(
      Concat("want key operation ", *wanted.begin(), " among them, got others"));
}

absl::Status CheckKid(Item map) {
  const std::optional<Item> kid = map.Find(kLabelKid);
  return kid.has_value() ? kid->ByteString().status() : absl::OkStatus();
}

struct CurveFacts {
  CurveName name;
  int64_t kty;
  int64_t crv;
  size_t coordinate_bytes;
  std::vector<int64_t> algorithms;  // of signatures
};

const std::vector<CurveFacts>& AllCurves() {
  static const auto& curves = *new std::vector<CurveFacts>{
      {CurveName::kP256, kKtyEc2, kCrvP256, 32, {-9, -7}},
      {CurveName::kP384, kKtyEc2, kCrvP384, 48, {-51, -35}},
      {CurveName::kP521, kKtyEc2, kCrvP521, 66, {-52, -36}},
      {CurveName::kEd25519, kKtyOkp, kCrvEd25519, 32, {-19, -8}},
      {CurveName::kX25519, kKtyOkp, kCrvX25519, 32, {}},
  };
  return curves;
}

bool Agrees(KeyUse use) { return use == KeyUse::kAgree || use == KeyUse::kAgreePublic; }

bool Fits(CurveName curve, KeyUse use) {
  switch (curve) {
    case CurveName::kP256:
      return true;
    case CurveName::kEd25519:
      return !Agrees(use);
    case CurveName::kX25519:
      return Agrees(use);
    case CurveName::kP384:
    case CurveName::kP521:
      return use == KeyUse::kVerifyAny;
  }
  return false;
}

absl::Status ReadCoordinate(Item map, int64_t label, size_t size, std::optional<cbor::Bytes>& out) {
  const std::optional<Item> member = map.Find(label);
  if (!member.has_value()) return absl::OkStatus();
  const absl::StatusOr<cbor::Bytes> bytes = member->ByteString(size, size);
  if (!bytes.ok()) return bytes.status();
  out = *bytes;
  return absl::OkStatus();
}

absl::Status ReadCoordinates(Item map, const CurveFacts& facts, CurveKey& key) {
  const size_t size = facts.coordinate_bytes;
  if (absl::Status status = ReadCoordinate(map, kLabelX, size, key.x); !status.ok()) return status;
  if (absl::Status status = ReadCoordinate(map, kLabelD, size, key.d); !status.ok()) return status;
  if (facts.kty == kKtyOkp) return absl::OkStatus();
  const std::optional<Item> y = map.Find(kLabelY);
  if (y.has_value() && y->is_bool()) {
    key.y_sign = *y->Bool();
    return absl::OkStatus();
  }
  return ReadCoordinate(map, kLabelY, size, key.y);
}

absl::Status CheckUse(Item map, const CurveFacts& facts, KeyUse use) {
  static const auto& wrap = *new std::vector<int64_t>{-29};
  const bool agrees = Agrees(use);
  const auto& algorithms = agrees ? wrap : facts.algorithms;
  if (absl::Status status = CheckOptional(map, kLabelAlg, algorithms); !status.ok()) return status;
  if (agrees) {
    return CheckKeyOps(map, {kOpDeriveKey, kOpDeriveBits}, use == KeyUse::kAgreePublic ? 0 : 1);
  }
  return CheckKeyOps(map, {use == KeyUse::kSign ? kOpSign : kOpVerify});
}

// The curve that kty and crv name, if it fits `use`.
absl::StatusOr<const CurveFacts*> ReadCurve(Item map, KeyUse use) {
  if (absl::Status status = CheckMember(map, kLabelKty, {kKtyEc2, kKtyOkp}); !status.ok()) {
    return status;
  }
  const int64_t kty = *map.Find(kLabelKty)->Int();
  std::vector<int64_t> allowed;
  for (const CurveFacts& facts : AllCurves()) {
    if (facts.kty == kty && Fits(facts.name, use)) allowed.push_back(facts.crv);
  }
  if (absl::Status status = CheckMember(map, kLabelCrv, allowed); !status.ok()) return status;
  const int64_t crv = *map.Find(kLabelCrv)->Int();
  return &*std::find_if(AllCurves().begin(), AllCurves().end(),
                        [crv](const CurveFacts& facts) { return facts.crv == crv; });
}

}  // namespace

absl::StatusOr<CurveKey> ReadCurveKey(Item map, KeyUse use) {
  if (absl::Status status = map.CheckMap(); !status.ok()) return status;
  const absl::StatusOr<const CurveFacts*> facts = ReadCurve(map, use);
  if (!facts.ok()) return facts.status();
  CurveKey key;
  key.curve = (*facts)->name;
  for (const absl::Status& status :
       {CheckKid(map), CheckUse(map, **facts, use), ReadCoordinates(map, **facts, key)}) {
    if (!status.ok()) return status;
  }
  return key;
}

absl::StatusOr<std::string> EncodedPoint(Item map, const CurveKey& key) {
  for (int64_t label : {kLabelX, kLabelY}) {
    if (absl::StatusOr<Item> member = map.Get(label); !member.ok()) return member.status();
  }
  const char form = key.y.has_value() ? '\x04' : (*key.y_sign ? '\x03' : '\x02');
  std::string point = std::string(1, form) + cbor::AsString(*key.x);
  if (key.y.has_value()) point += cbor::AsView(*key.y);
  return point;
}

std::string EncodePublicKey(CurveName curve, cbor::Bytes x, cbor::Bytes y) {
  const auto facts = std::find_if(AllCurves().begin(), AllCurves().end(),
                                  [curve](const CurveFacts& f) { return f.name == curve; });
  cbor::Writer writer;
  writer.MapHead(y.empty() ? 3 : 4).Int(kLabelKty).Int(facts->kty);
  writer.Int(kLabelCrv).Int(facts->crv).Int(kLabelX).ByteString(x);
  if (!y.empty()) writer.Int(kLabelY).ByteString(y);
  return std::move(writer).Take();
}

std::string PublicPart(Item map) {
  cbor::MapBuilder part;
  for (int64_t label : {kLabelKty, kLabelCrv, kLabelX, kLabelY}) {
    if (const std::optional<Item> member = map.Find(label); member.has_value()) {
      part.Set(label, cbor::Writer().Raw(cbor::AsView(member->encoded())));
    }
  }
  return part.Encode();
}

secret::SecretBytes EncodePrivateKey(const std::string& public_key,
                                     const std::array<uint8_t, 32>& d) {
  // The public key's map with one pair more, whose label (-4, 0x23) sorts last. Room for all: no
  // reallocation leaves a copy behind.
  constexpr uint8_t kHead[] = {0x23, 0x58, 32};
  std::vector<uint8_t> whole(public_key.size() + sizeof(kHead) + d.size());
  auto at = std::copy(public_key.begin(), public_key.end(), whole.begin());
  at = std::copy(std::begin(kHead), std::end(kHead), at);
  std::copy(d.begin(), d.end(), at);
  whole[0] += 1;
  secret::SecretBytes result(whole);
  OPENSSL_cleanse(whole.data(), whole.size());
  return result;
}

absl::StatusOr<cbor::Bytes> ReadSymmetricKey(Item map) {
  if (absl::Status status = map.CheckMap(); !status.ok()) return status;
  for (const absl::Status& status :
       {CheckMember(map, kLabelKty, {kKtySymmetric}), CheckKid(map),
        CheckOptional(map, kLabelAlg, {5}), CheckKeyOps(map, {kOpMacCreate, kOpMacVerify})}) {
    if (!status.ok()) return status;
  }
  const absl::StatusOr<Item> k = map.Get(kLabelK);
  if (!k.ok()) return k.status();
  return k->ByteString();
}

}  // namespace tam::keys

#include "crypto/keys/cose_key.h"

#include <algorithm>

#include "crypto/text/text.h"

namespace tam::keys {
namespace {

using cbor::Item;

absl::Status CheckMember(Item map, int64_t label, std::initializer_list<int64_t> allowed) {
  const absl::StatusOr<Item> member = map.Get(label);
  if (!member.ok()) return member.status();
  const absl::StatusOr<int64_t> value = member->Int();
  if (!value.ok()) return value.status();
  if (std::find(allowed.begin(), allowed.end(), *value) != allowed.end()) return absl::OkStatus();
  std::string want;
  for (int64_t option : allowed) Append(&want, want.empty() ? "" : " or ", option);
  return member->Error(Concat("want ", want, ", got ", *value));
}

absl::Status CheckOptional(Item map, int64_t label, std::initializer_list<int64_t> allowed) {
  return map.Find(label).has_value() ? CheckMember(map, label, allowed) : absl::OkStatus();
}

absl::Status CheckKeyOps(Item map, std::initializer_list<int64_t> wanted) {
  const std::optional<Item> operations = map.Find(kLabelKeyOps);
  if (!operations.has_value()) return absl::OkStatus();
  if (absl::Status status = operations->CheckArray(1); !status.ok()) return status;
  bool found = false;
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

absl::Status ReadCoordinate(Item map, int64_t label, std::optional<cbor::Bytes>& out) {
  const std::optional<Item> member = map.Find(label);
  if (!member.has_value()) return absl::OkStatus();
  const absl::StatusOr<cbor::Bytes> bytes = member->ByteString(kCoordinateBytes, kCoordinateBytes);
  if (!bytes.ok()) return bytes.status();
  out = *bytes;
  return absl::OkStatus();
}

absl::Status ReadCoordinates(Item map, CurveKey& key) {
  if (absl::Status status = ReadCoordinate(map, kLabelX, key.x); !status.ok()) return status;
  if (absl::Status status = ReadCoordinate(map, kLabelD, key.d); !status.ok()) return status;
  if (key.curve == CurveName::kEd25519) return absl::OkStatus();
  const std::optional<Item> y = map.Find(kLabelY);
  if (y.has_value() && y->is_bool()) {
    key.y_sign = *y->Bool();
    return absl::OkStatus();
  }
  return ReadCoordinate(map, kLabelY, key.y);
}

}  // namespace

absl::StatusOr<CurveKey> ReadCurveKey(Item map, int64_t operation) {
  if (absl::Status status = map.CheckMap(); !status.ok()) return status;
  if (absl::Status status = CheckMember(map, kLabelKty, {kKtyEc2, kKtyOkp}); !status.ok()) {
    return status;
  }
  CurveKey key;
  const bool ec2 = *map.Find(kLabelKty)->Int() == kKtyEc2;
  key.curve = ec2 ? CurveName::kP256 : CurveName::kEd25519;
  for (const absl::Status& status :
       {CheckMember(map, kLabelCrv, {ec2 ? kCrvP256 : kCrvEd25519}), CheckKid(map),
        ec2 ? CheckOptional(map, kLabelAlg, {-9, -7}) : CheckOptional(map, kLabelAlg, {-19, -8}),
        CheckKeyOps(map, {operation}), ReadCoordinates(map, key)}) {
    if (!status.ok()) return status;
  }
  return key;
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

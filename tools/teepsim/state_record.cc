// state.cbor: {1: version, 2: profile, 3: [TAM keys], 4: [manifest anchors],
//              5: [[manifest id, sequence number, digest]], 6: [[component id, manifest id]],
//              ? 7: [token, digest, answer], ? 8: the last QueryRequest had token or challenge}
#include "crypto/cbor/cbor.h"
#include "crypto/text/text.h"
#include "tools/teepsim/device_state.h"
#include "tools/teepsim/status_macros.h"

namespace tam::teepsim {
namespace {

constexpr uint64_t kVersion = 1;
constexpr char kP256Name[] = "esp256";
constexpr char kEd25519Name[] = "ed25519";

cbor::Writer BytesItem(std::string_view bytes) {
  cbor::Writer writer;
  writer.ByteString(bytes);
  return writer;
}

cbor::Writer TextItem(std::string_view text) {
  cbor::Writer writer;
  writer.Text(text);
  return writer;
}

cbor::Writer Raw(std::string_view encoded) {
  cbor::Writer writer;
  writer.Raw(encoded);
  return writer;
}

std::string EncodeProfile(const DeviceProfile& profile) {
  cbor::MapBuilder measurements;
  for (const auto& [name, digest] : profile.measurements) {
    measurements.Set(name, BytesItem(digest));
  }
  cbor::MapBuilder map;
  map.Set(1, TextItem(profile.suite == keys::KeyType::kP256 ? kP256Name : kEd25519Name));
  map.Set(2, BytesItem(profile.ueid));
  map.Set(3, BytesItem(profile.oemid));
  map.Set(4, BytesItem(profile.hwmodel));
  map.Set(5, TextItem(profile.hwversion));
  map.Set(6, BytesItem(profile.vendor_id));
  map.Set(7, BytesItem(profile.class_id));
  map.Set(8, Raw(measurements.Encode()));
  return map.Encode();
}

absl::StatusOr<std::string> BytesAt(const cbor::Item& map, int64_t key) {
  TEEPSIM_ASSIGN_OR_RETURN(const cbor::Item item, map.Get(key));
  TEEPSIM_ASSIGN_OR_RETURN(const cbor::Bytes bytes, item.ByteString());
  return cbor::AsString(bytes);
}

absl::StatusOr<std::string> TextAt(const cbor::Item& map, int64_t key) {
  TEEPSIM_ASSIGN_OR_RETURN(const cbor::Item item, map.Get(key));
  TEEPSIM_ASSIGN_OR_RETURN(const std::string_view text, item.Text());
  return std::string(text);
}

absl::StatusOr<DeviceProfile> ReadProfile(const cbor::Item& map) {
  DeviceProfile profile;
  TEEPSIM_ASSIGN_OR_RETURN(const std::string suite, TextAt(map, 1));
  if (suite != kP256Name && suite != kEd25519Name) {
    return map.Error(Concat("want suite esp256 or ed25519, got '", suite, "'"));
  }
  profile.suite = suite == kEd25519Name ? keys::KeyType::kEd25519 : keys::KeyType::kP256;
  TEEPSIM_ASSIGN_OR_RETURN(profile.ueid, BytesAt(map, 2));
  TEEPSIM_ASSIGN_OR_RETURN(profile.oemid, BytesAt(map, 3));
  TEEPSIM_ASSIGN_OR_RETURN(profile.hwmodel, BytesAt(map, 4));
  TEEPSIM_ASSIGN_OR_RETURN(profile.hwversion, TextAt(map, 5));
  TEEPSIM_ASSIGN_OR_RETURN(profile.vendor_id, BytesAt(map, 6));
  TEEPSIM_ASSIGN_OR_RETURN(profile.class_id, BytesAt(map, 7));
  TEEPSIM_ASSIGN_OR_RETURN(const cbor::Item measurements, map.Get(8));
  for (const auto [key, value] : measurements.each_pair()) {
    TEEPSIM_ASSIGN_OR_RETURN(const std::string_view name, key.Text());
    TEEPSIM_ASSIGN_OR_RETURN(const cbor::Bytes digest, value.ByteString());
    profile.measurements.emplace(std::string(name), cbor::AsString(digest));
  }
  return profile;
}

cbor::Writer KeysItem(const std::vector<keys::PublicKey>& keys) {
  cbor::Writer writer;
  writer.Array(keys.size());
  for (const keys::PublicKey& key : keys) writer.ByteString(key.cose_key());
  return writer;
}

absl::StatusOr<std::vector<keys::PublicKey>> ReadKeys(const cbor::Item& map, int64_t key) {
  TEEPSIM_ASSIGN_OR_RETURN(const cbor::Item array, map.Get(key));
  std::vector<keys::PublicKey> keys;
  for (const cbor::Item item : array.each()) {
    TEEPSIM_ASSIGN_OR_RETURN(const cbor::Bytes bytes, item.ByteString());
    TEEPSIM_ASSIGN_OR_RETURN(keys::PublicKey public_key, keys::PublicKey::FromCoseKey(bytes));
    keys.push_back(std::move(public_key));
  }
  return keys;
}

absl::StatusOr<suit::ComponentId> ReadId(const cbor::Item& item) {
  return suit::ParseComponentId(item.encoded(), item.path());
}

absl::Status ReadManifests(const cbor::Item& array, StateRecord& record) {
  for (const cbor::Item item : array.each()) {
    TEEPSIM_RETURN_IF_ERROR(item.CheckArray(3, 3));
    InstalledManifest manifest;
    TEEPSIM_ASSIGN_OR_RETURN(manifest.id, ReadId(item.at(0)));
    TEEPSIM_ASSIGN_OR_RETURN(manifest.sequence_number, item.at(1).Uint());
    TEEPSIM_ASSIGN_OR_RETURN(manifest.digest,
                             suit::ParseDigest(item.at(2).encoded(), item.at(2).path()));
    record.manifests.push_back(std::move(manifest));
  }
  return absl::OkStatus();
}

absl::Status ReadOwners(const cbor::Item& array, StateRecord& record) {
  for (const cbor::Item item : array.each()) {
    TEEPSIM_RETURN_IF_ERROR(item.CheckArray(2, 2));
    TEEPSIM_ASSIGN_OR_RETURN(suit::ComponentId component, ReadId(item.at(0)));
    TEEPSIM_ASSIGN_OR_RETURN(suit::ComponentId manifest, ReadId(item.at(1)));
    record.owners.emplace(std::move(component), std::move(manifest));
  }
  return absl::OkStatus();
}

absl::StatusOr<LastAnswer> ReadLastAnswer(const cbor::Item& item) {
  TEEPSIM_RETURN_IF_ERROR(item.CheckArray(3, 3));
  std::string parts[3];
  for (size_t i = 0; i < 3; ++i) {
    TEEPSIM_ASSIGN_OR_RETURN(const cbor::Bytes bytes, item.at(i).ByteString());
    parts[i] = cbor::AsString(bytes);
  }
  return LastAnswer{parts[0], parts[1], parts[2]};
}

}  // namespace

std::string EncodeState(const StateRecord& record) {
  cbor::MapBuilder map;
  cbor::Writer version;
  version.Uint(kVersion);
  map.Set(1, std::move(version));
  map.Set(2, Raw(EncodeProfile(record.profile)));
  map.Set(3, KeysItem(record.tam_keys));
  map.Set(4, KeysItem(record.manifest_anchors));
  cbor::Writer manifests;
  manifests.Array(record.manifests.size());
  for (const InstalledManifest& manifest : record.manifests) {
    manifests.Array(3).Raw(suit::EncodeComponentId(manifest.id)).Uint(manifest.sequence_number);
    manifests.Raw(suit::EncodeDigest(manifest.digest));
  }
  map.Set(5, std::move(manifests));
  cbor::Writer owners;
  owners.Array(record.owners.size());
  for (const auto& [component, manifest] : record.owners) {
    owners.Array(2).Raw(suit::EncodeComponentId(component)).Raw(suit::EncodeComponentId(manifest));
  }
  map.Set(6, std::move(owners));
  if (record.last_answer.has_value()) {
    cbor::Writer last;
    last.Array(3).ByteString(record.last_answer->token);
    last.ByteString(record.last_answer->update_digest).ByteString(record.last_answer->answer);
    map.Set(7, std::move(last));
  }
  if (record.last_request_bound.has_value()) {
    cbor::Writer bound;
    bound.Bool(*record.last_request_bound);
    map.Set(8, std::move(bound));
  }
  return map.Encode();
}

absl::StatusOr<StateRecord> DecodeState(suit::Bytes encoded) {
  cbor::Limits limits;
  limits.max_bytes = 16 << 20;
  TEEPSIM_ASSIGN_OR_RETURN(const cbor::Document document,
                           cbor::Document::Parse(encoded, limits, "state.cbor"));
  const cbor::Item root = document.root();
  TEEPSIM_ASSIGN_OR_RETURN(const cbor::Item version, root.Get(1));
  TEEPSIM_ASSIGN_OR_RETURN(const uint64_t number, version.Uint());
  if (number != kVersion) return version.Error(Concat("want version 1, got ", number));
  StateRecord record;
  TEEPSIM_ASSIGN_OR_RETURN(const cbor::Item profile, root.Get(2));
  TEEPSIM_ASSIGN_OR_RETURN(record.profile, ReadProfile(profile));
  TEEPSIM_ASSIGN_OR_RETURN(record.tam_keys, ReadKeys(root, 3));
  TEEPSIM_ASSIGN_OR_RETURN(record.manifest_anchors, ReadKeys(root, 4));
  TEEPSIM_ASSIGN_OR_RETURN(const cbor::Item manifests, root.Get(5));
  TEEPSIM_RETURN_IF_ERROR(ReadManifests(manifests, record));
  TEEPSIM_ASSIGN_OR_RETURN(const cbor::Item owners, root.Get(6));
  TEEPSIM_RETURN_IF_ERROR(ReadOwners(owners, record));
  if (const auto last = root.Find(7)) {
    TEEPSIM_ASSIGN_OR_RETURN(record.last_answer, ReadLastAnswer(*last));
  }
  if (const auto bound = root.Find(8)) {
    TEEPSIM_ASSIGN_OR_RETURN(record.last_request_bound, bound->Bool());
  }
  return record;
}

}  // namespace tam::teepsim

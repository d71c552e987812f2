#include "teep/eat/ear.h"

#include <algorithm>
#include <utility>

#include "crypto/cbor/cbor.h"
#include "crypto/text/text.h"
#include "teep/eat/labels.h"

namespace tam::eat {
namespace {

using cbor::Item;

constexpr int64_t kStatus = 1000;
constexpr int64_t kVector = 1001;
constexpr int64_t kRawEvidence = 1002;
constexpr int64_t kPolicies = 1003;
constexpr int64_t kVerifierId = 1004;
constexpr int64_t kTeepClaims = 65000;
constexpr size_t kMaxBytes = size_t{64} * 1024;
constexpr size_t kMaxAppraisals = 32;
constexpr uint64_t kMaxSeconds = 253402300799;  // the end of the year 9999

absl::StatusOr<EarTier> ReadTier(Item item) {
  const auto number = item.Uint();
  if (!number.ok()) return number.status();
  for (const EarTier tier :
       {EarTier::kNone, EarTier::kAffirming, EarTier::kWarning, EarTier::kContraindicated}) {
    if (*number == static_cast<uint64_t>(tier)) return tier;
  }
  return item.Error(Concat("want 0, 2, 32 or 96, got ", *number));
}

absl::StatusOr<absl::Time> ReadSeconds(Item item) {
  const auto seconds = item.Uint(kMaxSeconds);
  if (!seconds.ok()) return seconds.status();
  return absl::FromUnixSeconds(static_cast<int64_t>(*seconds));
}

absl::Status ReadText(Item map, int64_t label, std::string& out) {
  const auto item = map.Get(label);
  if (!item.ok()) return item.status();
  const auto text = item->Text();
  if (!text.ok()) return text.status();
  out = std::string(*text);
  return absl::OkStatus();
}

absl::Status ReadNonce(Item map, std::optional<std::string>& out) {
  const auto nonce = map.Find(kNonce);
  if (!nonce.has_value()) return absl::OkStatus();
  const auto bytes = nonce->ByteString(8, 64);
  if (!bytes.ok()) return bytes.status();
  out = cbor::AsString(*bytes);
  return absl::OkStatus();
}

absl::Status ReadVector(Item item, std::map<uint64_t, int8_t>& out) {
  if (auto s = item.CheckMap(); !s.ok()) return s;
  for (const auto [key, value] : item.each_pair()) {
    const auto entry = key.Uint(7);
    if (!entry.ok()) return entry.status();
    const auto number = value.Int();
    if (!number.ok()) return number.status();
    if (*number < INT8_MIN || *number > INT8_MAX) return value.Error("want -128..127");
    out.emplace(*entry, static_cast<int8_t>(*number));
  }
  return absl::OkStatus();
}

absl::Status ReadPolicies(Item item, std::vector<std::string>& out) {
  if (auto s = item.CheckArray(1); !s.ok()) return s;
  for (const Item element : item.each()) {
    const auto text = element.Text();
    if (!text.ok()) return text.status();
    out.emplace_back(*text);
  }
  return absl::OkStatus();
}

absl::StatusOr<EarAppraisal> ReadAppraisal(Item map) {
  if (auto s = map.CheckMap(); !s.ok()) return s;
  EarAppraisal out;
  const auto status = map.Get(kStatus);
  if (!status.ok()) return status.status();
  const auto tier = ReadTier(*status);
  if (!tier.ok()) return tier.status();
  out.status = *tier;
  if (const auto vector = map.Find(kVector)) {
    if (auto s = ReadVector(*vector, out.vector); !s.ok()) return s;
  }
  if (const auto policies = map.Find(kPolicies)) {
    if (auto s = ReadPolicies(*policies, out.policies); !s.ok()) return s;
  }
  if (auto s = ReadNonce(map, out.nonce); !s.ok()) return s;
  if (const auto teep = map.Find(kTeepClaims)) {
    auto claims = ParseClaims(teep->encoded());
    if (!claims.ok()) return teep->Error(StdView(claims.status().message()));
    out.teep_claims = *std::move(claims);
  }
  return out;
}

absl::Status ReadHead(Item root, Ear& out) {
  if (auto s = ReadText(root, kProfile, out.profile); !s.ok()) return s;
  const auto iat = root.Get(kIat);
  if (!iat.ok()) return iat.status();
  const auto issued_at = ReadSeconds(*iat);
  if (!issued_at.ok()) return issued_at.status();
  out.issued_at = *issued_at;
  if (const auto exp = root.Find(kExp)) {
    const auto expires = ReadSeconds(*exp);
    if (!expires.ok()) return expires.status();
    out.expires = *expires;
  }
  const auto verifier = root.Get(kVerifierId);
  if (!verifier.ok()) return verifier.status();
  if (auto s = ReadText(*verifier, 0, out.developer); !s.ok()) return s;
  if (auto s = ReadText(*verifier, 1, out.build); !s.ok()) return s;
  if (const auto status = root.Find(kStatus)) {
    const auto tier = ReadTier(*status);
    if (!tier.ok()) return tier.status();
    out.status = *tier;
  }
  if (const auto raw = root.Find(kRawEvidence)) {
    if (const auto bytes = raw->ByteString(); !bytes.ok()) return bytes.status();
    out.has_raw_evidence = true;
  }
  return ReadNonce(root, out.nonce);
}

absl::Status Denied(const std::string& name, std::string_view want, std::string_view got) {
  return absl::PermissionDeniedError(
      Concat("ear.", name.substr(0, 64), ": want ", want, ", got ", got));
}

absl::Status CheckAppraisal(const std::string& name, const EarAppraisal& appraisal,
                            const std::vector<uint64_t>& required) {
  if (appraisal.status != EarTier::kAffirming) {
    return Denied(name, "status 2", Concat(static_cast<int64_t>(appraisal.status)));
  }
  for (const auto& [entry, value] : appraisal.vector) {
    const EarTier tier = EarTierOf(value);
    if (tier != EarTier::kAffirming && tier != EarTier::kNone) {
      return Denied(name, Concat("an affirming entry ", entry), Concat(static_cast<int>(value)));
    }
  }
  for (const uint64_t entry : required) {
    const auto at = appraisal.vector.find(entry);
    if (at == appraisal.vector.end() || EarTierOf(at->second) != EarTier::kAffirming) {
      return Denied(name, Concat("an affirming entry ", entry), "none");
    }
  }
  return absl::OkStatus();
}

}  // namespace

EarTier EarTierOf(int8_t value) {
  const int magnitude = value < 0 ? -value : value;
  if (value >= -1 && value <= 1) return EarTier::kNone;
  const int last_affirming = value < 0 ? 32 : 31;
  if (magnitude <= last_affirming) return EarTier::kAffirming;
  return magnitude <= last_affirming + 64 ? EarTier::kWarning : EarTier::kContraindicated;
}

absl::StatusOr<Ear> ParseEar(Bytes payload) {
  const auto document = cbor::Document::Parse(payload, {.max_bytes = kMaxBytes}, "ear");
  if (!document.ok()) return document.status();
  const Item root = document->root();
  if (auto s = root.CheckMap(); !s.ok()) return s;
  Ear out;
  if (auto s = ReadHead(root, out); !s.ok()) return s;
  const auto submods = root.Get(kSubmods);
  if (!submods.ok()) return submods.status();
  if (auto s = submods->CheckMap(1, kMaxAppraisals); !s.ok()) return s;
  for (const auto [key, value] : submods->each_pair()) {
    const auto name = key.Text();
    if (!name.ok()) return name.status();
    auto appraisal = ReadAppraisal(value);
    if (!appraisal.ok()) return appraisal.status();
    out.submods.emplace(std::string(*name), *std::move(appraisal));
  }
  return out;
}

absl::Status CheckAffirming(const Ear& ear, const std::vector<std::string>& profiles,
                            const std::vector<uint64_t>& required) {
  if (std::find(profiles.begin(), profiles.end(), ear.profile) == profiles.end()) {
    return Denied("265", "an accepted profile", "another");
  }
  if (ear.status.has_value() && *ear.status != EarTier::kAffirming) {
    return Denied("1000", "status 2", Concat(static_cast<int64_t>(*ear.status)));
  }
  for (const auto& [name, appraisal] : ear.submods) {
    if (auto s = CheckAppraisal(name, appraisal, required); !s.ok()) return s;
  }
  return ear.submods.empty() ? Denied("266", "an appraisal", "none") : absl::OkStatus();
}

}  // namespace tam::eat

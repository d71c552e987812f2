#include "services/attestation/eat/claim_checks.h"

#include <utility>

#include "absl/time/time.h"
#include "crypto/cbor/cbor.h"
#include "crypto/text/text.h"

namespace tam::attestation {
namespace {

// AR4SI values (ATTESTATION.md section 12).
constexpr int8_t kAffirmed = 2;
constexpr int8_t kUnrecognised = 33;  // executables
constexpr int8_t kBad = 96;
constexpr int8_t kUnknownInstance = 97;  // instance-identity
constexpr int8_t kUnknownElements = 1;   // tier none

std::string TimeText(absl::Time time) {
  return absl::FormatTime(absl::RFC3339_sec, time, absl::UTCTimeZone());
}

std::string DigestsText(const std::set<std::string>& digests) {
  if (digests.empty()) return "no digest is accepted";
  std::string text;
  size_t shown = 0;
  for (const std::string& digest : digests) {
    if (shown == 3) {
      Append(&text, " or ", digests.size() - shown, " more");
      break;
    }
    Append(&text, shown == 0 ? "" : " or ", HexText(digest));
    ++shown;
  }
  return text;
}

std::string DebugText(uint64_t dbgstat) {
  static constexpr std::string_view kNames[] = {
      "0 (enabled)", "1 (disabled)", "2 (disabled since boot)", "3 (disabled permanently)",
      "4 (disabled fully and permanently)"};
  return dbgstat < std::size(kNames) ? std::string(kNames[dbgstat]) : Concat(dbgstat);
}

// How bad a value is: not set yet, affirming, not affirmed, warning, contraindicated.
int Rank(int8_t value) {
  if (value == 0) return -1;
  const Tier tier = TierOf(value);
  if (tier == Tier::kAffirming) return 0;
  return tier == Tier::kNone ? 1 : static_cast<int>(tier);
}

}  // namespace

void ClaimChecker::Add(std::string_view claim, std::string_view expected, std::string_view found) {
  appraisal_.findings.push_back(MakeFinding(claim, expected, found));
}

void ClaimChecker::Worsen(int8_t& claim, int8_t value) {
  if (Rank(value) > Rank(claim)) claim = value;
}

void ClaimChecker::Profile(const std::string& profile, Presence presence) {
  if (!claims_.profile.has_value() && presence == Presence::kOptional) return;
  if (claims_.profile == profile) return;
  Add("eat_profile", profile, claims_.profile.value_or(""));
}

void ClaimChecker::Times() {
  if (claims_.expires.has_value() && expected_.at >= *claims_.expires + kClockSkew) {
    Add("exp", Concat("after ", TimeText(expected_.at)), TimeText(*claims_.expires));
  }
  if (claims_.not_before.has_value() && expected_.at < *claims_.not_before - kClockSkew) {
    Add("nbf", Concat("not after ", TimeText(expected_.at)), TimeText(*claims_.not_before));
  }
  if (claims_.issued_at.has_value() && expected_.at < *claims_.issued_at - kClockSkew) {
    Add("iat", Concat("not after ", TimeText(expected_.at)), TimeText(*claims_.issued_at));
  }
}

void ClaimChecker::Timestamp() {
  const size_t before = appraisal_.findings.size();
  if (!claims_.nonces.empty()) {
    Add("eat_nonce", "none where freshness is by timestamp", HexText(claims_.nonces[0]));
  }
  if (claims_.audience != expected_.audience) {
    Add("aud", expected_.audience, claims_.audience.value_or(""));
  }
  const absl::Time oldest = expected_.at - eat::kMaxTimestampAge;
  if (!claims_.issued_at.has_value()) {
    Add("iat", Concat("not before ", TimeText(oldest)), "");
  } else if (*claims_.issued_at < oldest) {
    Add("iat", Concat("not before ", TimeText(oldest)), TimeText(*claims_.issued_at));
  }
  if (appraisal_.findings.size() > before) {
    Worsen(appraisal_.trust.instance_identity, kUnknownInstance);
  }
}

void ClaimChecker::Freshness() {
  if (!expected_.audience.empty()) return Timestamp();
  if (claims_.nonce_is_array) {
    Add("eat_nonce", HexText(expected_.challenge),
        Concat("an array of ", claims_.nonces.size(), " nonces"));
  } else if (claims_.nonces.empty()) {
    Add("eat_nonce", HexText(expected_.challenge), "");
  } else if (claims_.nonces[0] != expected_.challenge) {
    Add("eat_nonce", HexText(expected_.challenge), HexText(claims_.nonces[0]));
  } else {
    return;
  }
  Worsen(appraisal_.trust.instance_identity, kUnknownInstance);
}

void ClaimChecker::Binding(Presence presence) {
  if (!claims_.cnf.has_value() && presence == Presence::kOptional) return;
  if (claims_.cnf.has_value() && claims_.cnf->Names(expected_.agent)) return;
  std::string found;
  if (claims_.cnf.has_value()) {
    const eat::Confirmation& cnf = *claims_.cnf;
    found = cnf.key.has_value()   ? keys::ThumbprintHex(cnf.key->thumbprint())
            : cnf.kid.has_value() ? HexText(*cnf.kid)
                                  : HexText(*cnf.ckt);
  }
  Add("cnf", keys::ThumbprintHex(expected_.agent), found);
  Worsen(appraisal_.trust.instance_identity, kUnknownInstance);
}

void ClaimChecker::ClassPart(std::string_view claim, const std::string& known,
                             const std::string& found) {
  if (found.empty()) {
    Add(claim, known.empty() ? "present" : HexText(known), "");
    Worsen(appraisal_.trust.hardware, kUnknownElements);
  } else if (!known.empty() && known != found) {
    Add(claim, HexText(known), HexText(found));
    Worsen(appraisal_.trust.hardware, kUnknownInstance);
  }
}

void ClaimChecker::Identity() {
  const ClassId found = ClassOf(claims_);
  ClassPart("oemid", expected_.device_class.oemid, found.oemid);
  ClassPart("hwmodel", expected_.device_class.hwmodel, found.hwmodel);
  if (!claims_.hwversion.has_value()) Add("hwversion", "present", "");
  Worsen(appraisal_.trust.hardware, kAffirmed);
  const std::string ueid = claims_.ueid.value_or("");
  const absl::Status form = eat::CheckUeid(cbor::AsBytes(ueid));
  if (!claims_.ueid.has_value()) {
    Add("ueid", expected_.ueid.empty() ? "present" : HexText(expected_.ueid), "");
  } else if (!form.ok()) {
    Add("ueid", "RAND, EUI or IMEI of its length",
        Concat(HexText(ueid), " (", ueid.size(), " bytes)"));
  } else if (!expected_.ueid.empty() && expected_.ueid != ueid) {
    Add("ueid", HexText(expected_.ueid), HexText(ueid));
  } else {
    Worsen(appraisal_.trust.instance_identity, kAffirmed);
    return;
  }
  Worsen(appraisal_.trust.instance_identity, kUnknownInstance);
}

void ClaimChecker::DebugState() {
  constexpr uint64_t kDisabledSinceBoot = 2;
  int8_t& configuration = appraisal_.trust.configuration;
  if (!claims_.dbgstat.has_value()) {
    Add("dbgstat", "2, 3 or 4", "");
  } else if (*claims_.dbgstat < kDisabledSinceBoot) {
    Add("dbgstat", "2, 3 or 4", DebugText(*claims_.dbgstat));
    Worsen(configuration, kBad);
  }
  if (!claims_.oemboot.has_value()) {
    Add("oemboot", "true", "");
  } else if (!*claims_.oemboot) {
    Add("oemboot", "true", "false");
    Worsen(configuration, kBad);
  }
  Worsen(configuration, kAffirmed);
}

std::optional<std::map<std::string, std::string>> ClaimChecker::ReadMeasurements() {
  auto measured = eat::ParseMeasurements(claims_.measurements);
  if (measured.ok()) return *std::move(measured);
  Add("measurements", "maps of names to SHA-256 digests", StdView(measured.status().message()));
  Worsen(appraisal_.trust.executables, kUnrecognised);
  return std::nullopt;
}

void ClaimChecker::MeasurementsForm() {
  const auto measured = ReadMeasurements();
  if (!measured.has_value() || !measured->empty()) return;
  Add("measurements", "present", "");
  Worsen(appraisal_.trust.executables, kUnrecognised);
}

void ClaimChecker::Measurements(
    const std::map<std::string, std::set<std::string>>& reference_values) {
  int8_t& executables = appraisal_.trust.executables;
  if (reference_values.empty()) {
    const ClassId found = ClassOf(claims_);
    Add("measurements", "reference values for the device's class",
        Concat("none for oemid ", HexText(found.oemid), ", hwmodel ", HexText(found.hwmodel)));
    Worsen(executables, kUnrecognised);
  }
  const auto measured = ReadMeasurements();
  if (!measured.has_value()) return;
  for (const auto& [name, digests] : reference_values) {
    const auto it = measured->find(name);
    if (it != measured->end() && digests.contains(it->second)) continue;
    Add(Concat("measurements.", name), DigestsText(digests),
        it == measured->end() ? "" : HexText(it->second));
    Worsen(executables, kUnrecognised);
  }
  for (const auto& [name, digest] : *measured) {
    if (reference_values.contains(name)) continue;
    Add(Concat("measurements.", name), "no measurement of this name", HexText(digest));
    Worsen(executables, kUnrecognised);
  }
  Worsen(executables, kAffirmed);
}

void ClaimChecker::Manifests() {
  if (claims_.manifests.empty()) Add("manifests", "present", "");
}

void ClaimChecker::ResultTrust() {
  Worsen(appraisal_.trust.configuration, kAffirmed);
  Worsen(appraisal_.trust.executables, kAffirmed);
}

Appraisal ClaimChecker::Finish() && { return std::move(appraisal_); }

}  // namespace tam::attestation

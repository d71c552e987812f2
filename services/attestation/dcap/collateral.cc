#include "services/attestation/dcap/collateral.h"

#include <algorithm>
#include <utility>

#include "crypto/text/text.h"
#include "services/attestation/dcap/json.h"

namespace tam::attestation::dcap {
namespace {

constexpr uint64_t kByte = 0xff;
constexpr uint64_t kWord = 0xffff;
constexpr uint64_t kLong = 0xffff'ffff;
constexpr size_t kMaxLevels = 256;
constexpr size_t kSignatureBytes = 64;

struct NamedStatus {
  std::string_view name;
  TcbStatus status;
  bool in_level;  // Intel gives it to a level; the others come of several
};

constexpr NamedStatus kStatuses[] = {
    {"UpToDate", TcbStatus::kUpToDate, true},
    {"SWHardeningNeeded", TcbStatus::kSwHardeningNeeded, true},
    {"ConfigurationNeeded", TcbStatus::kConfigurationNeeded, true},
    {"ConfigurationAndSWHardeningNeeded", TcbStatus::kConfigurationAndSwHardeningNeeded, true},
    {"OutOfDate", TcbStatus::kOutOfDate, true},
    {"OutOfDateConfigurationNeeded", TcbStatus::kOutOfDateConfigurationNeeded, true},
    {"Revoked", TcbStatus::kRevoked, true},
    {"TDRelaunchAdvised", TcbStatus::kTdRelaunchAdvised, false},
    {"TDRelaunchAdvisedConfigurationNeeded", TcbStatus::kTdRelaunchAdvisedConfigurationNeeded,
     false},
    {"NotSupported", TcbStatus::kNotSupported, false},
    {"Unknown", TcbStatus::kUnknown, false},
};

TcbStatus StatusOfLevel(std::string_view text) {
  for (const NamedStatus& known : kStatuses) {
    if (known.in_level && known.name == text) return known.status;
  }
  return TcbStatus::kNotSupported;
}

// Reads members one after another; after the first failure nothing more is read.
class Reader {
 public:
  explicit Reader(const Json& object) : object_(object) {}

  template <typename Number>
  Reader& TakeNumber(std::string_view member, uint64_t max, Number& to) {
    return Take(object_.GetNumber(member, max), [&](uint64_t n) { to = static_cast<Number>(n); });
  }
  Reader& Text(std::string_view member, std::string& to) {
    return Take(object_.GetString(member), [&](std::string s) { to = std::move(s); });
  }
  Reader& Hex(std::string_view member, size_t size, std::string& to) {
    return Take(object_.GetHex(member, size), [&](std::string s) { to = std::move(s); });
  }
  Reader& Time(std::string_view member, absl::Time& to) {
    std::string text;
    Text(member, text);
    if (!status_.ok()) return *this;
    std::string error;
    // Whole seconds in UTC, as Intel writes them: one text for each instant, and no
    // "infinite-past".
    const bool digit = !text.empty() && text[0] >= '0' && text[0] <= '9';
    if (!digit || !absl::ParseTime("%Y-%m-%dT%H:%M:%SZ", text, absl::UTCTimeZone(), &to, &error) ||
        absl::FormatTime("%Y-%m-%dT%H:%M:%SZ", to, absl::UTCTimeZone()) != text) {
      status_ = object_.Find(member)->Error("YYYY-MM-DDThh:mm:ssZ", text.substr(0, 40));
    }
    return *this;
  }
  template <typename Read>
  Reader& Object(std::string_view member, Read read) {
    return Take(object_.Get(member, Json::Kind::kObject),
                [&](const Json* value) { status_ = read(*value); });
  }
  // 1..kMaxLevels.
  template <typename Element>
  Reader& List(std::string_view member, absl::StatusOr<Element> (*read)(const Json&),
               std::vector<Element>& to) {
    return Take(object_.Get(member, Json::Kind::kArray), [&](const Json* list) {
      if (list->elements().empty() || list->elements().size() > kMaxLevels) {
        status_ = list->Error("1..256 elements", Concat(list->elements().size()));
        return;
      }
      for (const Json& json : list->elements()) {
        auto element = read(json);
        status_ = element.status();
        if (!status_.ok()) return;
        to.push_back(*std::move(element));
      }
    });
  }
  bool Has(std::string_view member) const { return object_.Find(member) != nullptr; }
  const absl::Status& status() const { return status_; }

 private:
  template <typename T, typename Use>
  Reader& Take(absl::StatusOr<T> value, Use use) {
    if (!status_.ok()) return *this;
    status_ = value.status();
    if (status_.ok()) use(*std::move(value));
    return *this;
  }

  const Json& object_;
  absl::Status status_;
};

absl::StatusOr<std::string> ReadAdvisory(const Json& json) {
  if (json.kind() != Json::Kind::kString) return json.Error("a text", "another");
  return json.text();
}

absl::Status ReadFacts(const Json& level, LevelFacts& facts) {
  Reader reader(level);
  reader.Text("tcbStatus", facts.status_text).Time("tcbDate", facts.date);
  const Json* const advisories = level.Find("advisoryIDs");
  if (advisories != nullptr && !advisories->elements().empty()) {
    reader.List("advisoryIDs", ReadAdvisory, facts.advisories);
  }
  facts.status = StatusOfLevel(facts.status_text);
  return reader.status();
}

absl::Status ReadComponents(const Json& tcb, std::string_view member, Components& to) {
  const auto list = tcb.Get(member, Json::Kind::kArray);
  if (!list.ok()) return list.status();
  if ((*list)->elements().size() != to.size()) {
    return (*list)->Error("16 components", Concat((*list)->elements().size()));
  }
  for (size_t i = 0; i < to.size(); ++i) {
    Reader reader((*list)->elements()[i]);
    if (!reader.TakeNumber("svn", kByte, to[i]).status().ok()) return reader.status();
  }
  return absl::OkStatus();
}

absl::StatusOr<PlatformLevel> ReadSgxLevelV2(const Json& json) {
  PlatformLevel level;
  Reader reader(json);
  reader.Object("tcb", [&](const Json& tcb) {
    Reader svns(tcb);
    svns.TakeNumber("pcesvn", kWord, level.pce_svn);
    for (size_t i = 0; i < level.sgx.size(); ++i) {
      const std::string name = Concat("sgxtcbcomp", i + 1 < 10 ? "0" : "", i + 1, "svn");
      svns.TakeNumber(name, kByte, level.sgx[i]);
    }
    return svns.status();
  });
  if (!reader.status().ok()) return reader.status();
  if (absl::Status s = ReadFacts(json, level.facts); !s.ok()) return s;
  return level;
}

absl::StatusOr<PlatformLevel> ReadSgxLevel(const Json& json) {
  PlatformLevel level;
  Reader reader(json);
  reader.Object("tcb", [&](const Json& tcb) {
    const absl::Status s = ReadComponents(tcb, "sgxtcbcomponents", level.sgx);
    return s.ok() ? Reader(tcb).TakeNumber("pcesvn", kWord, level.pce_svn).status() : s;
  });
  if (!reader.status().ok()) return reader.status();
  if (absl::Status s = ReadFacts(json, level.facts); !s.ok()) return s;
  return level;
}

absl::StatusOr<PlatformLevel> ReadTdxLevel(const Json& json) {
  auto level = ReadSgxLevel(json);
  if (!level.ok()) return level;
  const absl::Status s = ReadComponents(*json.Find("tcb"), "tdxtcbcomponents", level->tdx);
  if (!s.ok()) return s;
  return level;
}

absl::StatusOr<SvnLevel> ReadSvnLevel(const Json& json) {
  SvnLevel level;
  Reader reader(json);
  reader.Object("tcb", [&](const Json& tcb) {
    return Reader(tcb).TakeNumber("isvsvn", kWord, level.isv_svn).status();
  });
  if (!reader.status().ok()) return reader.status();
  if (absl::Status s = ReadFacts(json, level.facts); !s.ok()) return s;
  return level;
}

absl::Status ReadModuleFacts(const Json& json, TdxModule& module) {
  return Reader(json)
      .Hex("mrsigner", 48, module.mrsigner)
      .Hex("attributes", 8, module.attributes)
      .Hex("attributesMask", 8, module.attributes_mask)
      .status();
}

absl::StatusOr<TdxModule> ReadModule(const Json& json) {
  TdxModule module;
  if (absl::Status s = ReadModuleFacts(json, module); !s.ok()) return s;
  Reader reader(json);
  reader.Text("id", module.id).List("tcbLevels", ReadSvnLevel, module.levels);
  if (!reader.status().ok()) return reader.status();
  return module;
}

// "SGX" or "TDX", which version 2 does not say.
absl::Status ReadKind(const Json& json, TcbInfo& info, uint32_t& version) {
  Reader reader(json);
  std::string id = "SGX";
  reader.TakeNumber("version", kLong, version);
  if (version != 2) reader.Text("id", id);
  if (!reader.status().ok()) return reader.status();
  if (version != 2 && version != 3) return json.Find("version")->Error("2 or 3", Concat(version));
  if (id != "SGX" && id != "TDX") return json.Find("id")->Error("SGX or TDX", id.substr(0, 40));
  info.tdx = id == "TDX";
  return absl::OkStatus();
}

absl::Status ReadContent(const Json& json, TcbInfo& info) {
  uint32_t version = 0;
  if (absl::Status s = ReadKind(json, info, version); !s.ok()) return s;
  uint8_t type = 0;
  Reader reader(json);
  reader.Time("issueDate", info.issue_date)
      .Time("nextUpdate", info.next_update)
      .Hex("fmspc", 6, info.fmspc)
      .Hex("pceId", 2, info.pce_id)
      .TakeNumber("tcbType", 0, type)
      .TakeNumber("tcbEvaluationDataNumber", kLong, info.evaluation_number);
  if (info.tdx) {
    reader.Object("tdxModule", [&](const Json& m) { return ReadModuleFacts(m, info.module); });
    if (reader.Has("tdxModuleIdentities")) {
      reader.List("tdxModuleIdentities", ReadModule, info.modules);
    }
  }
  reader.List("tcbLevels",
              version == 2 ? ReadSgxLevelV2
              : info.tdx   ? ReadTdxLevel
                           : ReadSgxLevel,
              info.levels);
  return reader.status();
}

absl::Status ReadContent(const Json& json, QeIdentity& identity) {
  uint32_t version = 0;
  Reader reader(json);
  reader.TakeNumber("version", kLong, version)
      .Text("id", identity.id)
      .Time("issueDate", identity.issue_date)
      .Time("nextUpdate", identity.next_update)
      .TakeNumber("tcbEvaluationDataNumber", kLong, identity.evaluation_number)
      .Hex("miscselect", 4, identity.misc_select)
      .Hex("miscselectMask", 4, identity.misc_select_mask)
      .Hex("attributes", 16, identity.attributes)
      .Hex("attributesMask", 16, identity.attributes_mask)
      .Hex("mrsigner", 32, identity.mrsigner)
      .TakeNumber("isvprodid", kWord, identity.isv_prod_id)
      .List("tcbLevels", ReadSvnLevel, identity.levels);
  if (!reader.status().ok()) return reader.status();
  if (version != 2) return json.Find("version")->Error("2", Concat(version));
  return absl::OkStatus();
}

template <typename Content>
absl::StatusOr<Signed<Content>> ParseSigned(std::string_view name, std::string_view inner,
                                            std::string_view text) {
  const auto json = Json::Parse(name, text);
  if (!json.ok()) return json.status();
  const auto content = json->Get(inner, Json::Kind::kObject);
  if (!content.ok()) return content.status();
  if (json->members() != 2) return json->Error("two members", Concat(json->members()));
  auto signature = json->GetHex("signature", kSignatureBytes);
  if (!signature.ok()) return signature.status();
  // The digits are not signed: one case alone, or bytes could be changed without being seen.
  const std::string& digits = json->Find("signature")->text();
  if (std::any_of(digits.begin(), digits.end(), [](char c) { return c >= 'A' && c <= 'F'; })) {
    return json->Find("signature")->Error("digits in lower case", "another");
  }
  Signed<Content> parsed{{}, (*content)->bytes(), *std::move(signature)};
  if (absl::Status s = ReadContent(**content, parsed.content); !s.ok()) return s;
  return parsed;
}

}  // namespace

absl::StatusOr<Signed<TcbInfo>> ParseTcbInfo(std::string_view text) {
  return ParseSigned<TcbInfo>("tcb_info", "tcbInfo", text);
}

absl::StatusOr<Signed<QeIdentity>> ParseQeIdentity(std::string_view text) {
  return ParseSigned<QeIdentity>("qe_identity", "enclaveIdentity", text);
}

std::string_view StatusName(TcbStatus status) {
  for (const NamedStatus& known : kStatuses) {
    if (known.status == status) return known.name;
  }
  return "";
}

}  // namespace tam::attestation::dcap

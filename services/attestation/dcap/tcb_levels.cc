#include "services/attestation/dcap/tcb_levels.h"

#include <algorithm>
#include <string>

#include "absl/strings/ascii.h"
#include "absl/strings/str_format.h"
#include "crypto/text/text.h"

namespace tam::attestation::dcap {
namespace {

std::string Masked(std::string_view bytes, std::string_view mask) {
  std::string masked(bytes);
  for (size_t i = 0; i < masked.size(); ++i) masked[i] = static_cast<char>(masked[i] & mask[i]);
  return masked;
}

uint8_t Octet(std::string_view bytes, size_t i) { return static_cast<uint8_t>(bytes[i]); }

bool Reaches(const Components& have, const Components& want) {
  for (size_t i = 0; i < have.size(); ++i) {
    if (have[i] < want[i]) return false;
  }
  return true;
}

// A module of version 1 or later is judged by its identity, so the level's first two do not count.
bool ReachesTdx(std::string_view tee_tcb_svn, const Components& want) {
  for (size_t i = Octet(tee_tcb_svn, 1) > 0 ? 2 : 0; i < want.size(); ++i) {
    if (Octet(tee_tcb_svn, i) < want[i]) return false;
  }
  return true;
}

struct PlatformLevels {
  const PlatformLevel* sgx = nullptr;    // by the PCK certificate alone
  const PlatformLevel* whole = nullptr;  // and by the TD
};

PlatformLevels FindLevels(const TcbInfo& info, const PlatformSvns& svns, const TdReport* td) {
  PlatformLevels found;
  for (const PlatformLevel& level : info.levels) {
    if (!Reaches(svns.components, level.sgx) || svns.pce_svn < level.pce_svn) continue;
    if (found.sgx == nullptr) found.sgx = &level;
    if (td != nullptr && !ReachesTdx(td->tee_tcb_svn, level.tdx)) continue;
    found.whole = &level;
    break;
  }
  return found;
}

const TdxModule* FindModule(const TcbInfo& info, uint8_t version) {
  if (version == 0) return &info.module;
  const std::string id = absl::StrFormat("TDX_%02X", version);
  const auto found =
      std::find_if(info.modules.begin(), info.modules.end(),
                   [&id](const TdxModule& m) { return absl::AsciiStrToUpper(m.id) == id; });
  return found == info.modules.end() ? nullptr : &*found;
}

// The module's identity in the TD's report is the one that Intel names.
bool IsModule(const TdxModule& module, const TdReport& td, std::vector<Finding>& findings) {
  const size_t before = findings.size();
  if (td.mrsignerseam != module.mrsigner) {
    findings.push_back(
        MakeFinding("tdx_module.mrsignerseam", HexText(module.mrsigner), HexText(td.mrsignerseam)));
  }
  const std::string want = Masked(module.attributes, module.attributes_mask);
  const std::string got = Masked(td.seam_attributes, module.attributes_mask);
  if (want != got) {
    findings.push_back(MakeFinding("tdx_module.seamattributes", HexText(want), HexText(got)));
  }
  return findings.size() == before;
}

void AddAdvisories(const LevelFacts& facts, Tcb& tcb) {
  for (const std::string& advisory : facts.advisories) {
    if (std::find(tcb.advisories.begin(), tcb.advisories.end(), advisory) == tcb.advisories.end()) {
      tcb.advisories.push_back(advisory);
    }
  }
}

bool IsOutOfDate(TcbStatus status) {
  return status == TcbStatus::kOutOfDate || status == TcbStatus::kOutOfDateConfigurationNeeded;
}

bool NeedsConfiguration(TcbStatus status) {
  return status == TcbStatus::kConfigurationNeeded ||
         status == TcbStatus::kConfigurationAndSwHardeningNeeded ||
         status == TcbStatus::kOutOfDateConfigurationNeeded;
}

bool IsWorseThanOutOfDate(TcbStatus status) {
  return status == TcbStatus::kRevoked || status == TcbStatus::kNotSupported;
}

// One evaluation, part by part.
class Evaluator {
 public:
  Evaluator(const TcbInfo& info, const TdReport* td) : info_(info), td_(td) {}

  Evaluation Run(const QeIdentity& identity, const PlatformSvns& svns, uint16_t qe_isv_svn) {
    Tcb& tcb = result_.tcb;
    tcb.evaluation_number = info_.evaluation_number;
    const PlatformLevels levels = FindLevels(info_, svns, td_);
    tcb.platform = Platform(levels);
    tcb.qe = Part("qe.isvsvn", FindLevel(identity.levels, qe_isv_svn), qe_isv_svn);
    if (td_ != nullptr) tcb.module = Module();
    tcb.status = Converge(tcb.platform, tcb.module);
    if (td_ != nullptr && levels.sgx != nullptr) Relaunch(levels.sgx->facts.status);
    tcb.status = Converge(tcb.status, tcb.qe);
    if (!module_is_intels_) tcb.status = TcbStatus::kNotSupported;
    return std::move(result_);
  }

 private:
  void Find(std::string_view claim, std::string_view want, std::string_view got) {
    result_.findings.push_back(MakeFinding(claim, want, got));
  }

  TcbStatus StatusOf(std::string_view claim, const LevelFacts& facts) {
    if (facts.status == TcbStatus::kNotSupported) {
      Find(Concat(claim, ".tcbStatus"), "a known text", facts.status_text);
    }
    return facts.status;
  }

  TcbStatus Platform(const PlatformLevels& levels) {
    if (levels.whole == nullptr) {
      Find("tcb_info.tcbLevels", "a TCB level that the platform reaches",
           levels.sgx == nullptr ? "none for its components and PCE SVN" : "none for its TDX SVNs");
      return TcbStatus::kNotSupported;
    }
    result_.tcb.date = levels.whole->facts.date;
    AddAdvisories(levels.whole->facts, result_.tcb);
    return StatusOf("tcb_info", levels.whole->facts);
  }

  // The time of grace that a policy may give counts from the oldest part that is out of date.
  TcbStatus Part(std::string_view claim, const SvnLevel* level, uint16_t isv_svn) {
    if (level == nullptr) {
      Find(Concat(claim, ".tcbLevels"), "a TCB level that it reaches", Concat("SVN ", isv_svn));
      return TcbStatus::kNotSupported;
    }
    AddAdvisories(level->facts, result_.tcb);
    if (IsOutOfDate(level->facts.status)) {
      result_.tcb.date = std::min(result_.tcb.date, level->facts.date);
    }
    return StatusOf(claim, level->facts);
  }

  TcbStatus Module() {
    const uint8_t version = Octet(td_->tee_tcb_svn, 1);
    const TdxModule* const module = FindModule(info_, version);
    module_is_intels_ = module != nullptr && IsModule(*module, *td_, result_.findings);
    if (module == nullptr) {
      Find("tdx_module.tcbLevels", "an identity of its version", Concat("version ", version));
    }
    if (!module_is_intels_) return TcbStatus::kNotSupported;
    if (version == 0) return TcbStatus::kNone;
    const uint8_t isv_svn = Octet(td_->tee_tcb_svn, 0);
    return Part("tdx_module", FindLevel(module->levels, isv_svn), isv_svn);
  }

  // Step 11: the host has a new module loaded, but this TD started under an older one.
  void Relaunch(TcbStatus sgx) {
    TcbStatus& status = result_.tcb.status;
    const TcbStatus qe = result_.tcb.qe;
    if (td_->tee_tcb_svn2.empty() || IsOutOfDate(sgx) || IsWorseThanOutOfDate(sgx) ||
        IsOutOfDate(qe) || IsWorseThanOutOfDate(qe) || !IsOutOfDate(status) ||
        result_.tcb.module != TcbStatus::kOutOfDate || !NewestModuleIsLoaded()) {
      return;
    }
    status = NeedsConfiguration(sgx) || NeedsConfiguration(status)
                 ? TcbStatus::kTdRelaunchAdvisedConfigurationNeeded
                 : TcbStatus::kTdRelaunchAdvised;
  }

  bool NewestModuleIsLoaded() const {
    const std::string_view loaded = td_->tee_tcb_svn2;
    const Components& newest = info_.levels.front().tdx;
    if (Octet(loaded, 2) < newest[2]) return false;
    if (Octet(loaded, 1) == 0) return Octet(loaded, 0) >= newest[0];
    const TdxModule* const module = FindModule(info_, Octet(loaded, 1));
    return module != nullptr && !module->levels.empty() &&
           Octet(loaded, 0) >= module->levels.front().isv_svn;
  }

  const TcbInfo& info_;
  const TdReport* td_;
  bool module_is_intels_ = true;
  Evaluation result_;
};

}  // namespace

std::optional<Finding> CheckQeIdentity(const QeIdentity& identity, const SgxReport& report) {
  if (report.mrsigner != identity.mrsigner) {
    return MakeFinding("qe_identity.mrsigner", HexText(identity.mrsigner),
                       HexText(report.mrsigner));
  }
  if (report.isv_prod_id != identity.isv_prod_id) {
    return MakeFinding("qe_identity.isvprodid", Concat(identity.isv_prod_id),
                       Concat(report.isv_prod_id));
  }
  const std::string misc = Masked(report.misc_select, identity.misc_select_mask);
  if (misc != Masked(identity.misc_select, identity.misc_select_mask)) {
    return MakeFinding("qe_identity.miscselect", HexText(identity.misc_select), HexText(misc));
  }
  const std::string attributes = Masked(report.attributes, identity.attributes_mask);
  if (attributes != Masked(identity.attributes, identity.attributes_mask)) {
    return MakeFinding("qe_identity.attributes", HexText(identity.attributes), HexText(attributes));
  }
  return std::nullopt;
}

const SvnLevel* FindLevel(const std::vector<SvnLevel>& levels, uint16_t isv_svn) {
  const auto found = std::find_if(levels.begin(), levels.end(), [isv_svn](const SvnLevel& level) {
    return isv_svn >= level.isv_svn;
  });
  return found == levels.end() ? nullptr : &*found;
}

TcbStatus Converge(TcbStatus platform, TcbStatus part) {
  if (part == TcbStatus::kRevoked) return TcbStatus::kRevoked;
  if (platform == TcbStatus::kRevoked) return platform;
  if (part == TcbStatus::kNotSupported) return part;
  if (!IsOutOfDate(part)) return platform;
  switch (platform) {
    case TcbStatus::kUpToDate:
    case TcbStatus::kSwHardeningNeeded:
      return TcbStatus::kOutOfDate;
    case TcbStatus::kConfigurationNeeded:
    case TcbStatus::kConfigurationAndSwHardeningNeeded:
      return TcbStatus::kOutOfDateConfigurationNeeded;
    default:
      return platform;
  }
}

Evaluation EvaluateTcb(const TcbInfo& info, const QeIdentity& identity, const PlatformSvns& svns,
                       uint16_t qe_isv_svn, const TdReport* td) {
  return Evaluator(info, td).Run(identity, svns, qe_isv_svn);
}

}  // namespace tam::attestation::dcap

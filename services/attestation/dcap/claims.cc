#include "services/attestation/dcap/claims.h"

#include <algorithm>
#include <utility>

#include "absl/strings/escaping.h"
#include "crypto/text/text.h"
#include "services/attestation/dcap/tcb_levels.h"

namespace tam::attestation::dcap {
namespace {

// Of SGX attributes and TD attributes, by bit.
constexpr int kInit = 0;
constexpr int kSgxDebug = 1;
constexpr int kTdDebug = 0;
constexpr int kSeptVeDisable = 28;
// TD attributes that the TDX module defines outside of the debug group.
constexpr uint64_t kKnownTdAttributes = uint64_t{1} << 28 |  // SEPT_VE_DISABLE
                                        uint64_t{1} << 29 |  // MIGRATABLE
                                        uint64_t{1} << 30 |  // PKS
                                        uint64_t{1} << 31 |  // KL
                                        uint64_t{1} << 62 |  // TPA
                                        uint64_t{1} << 63;   // PERFMON
constexpr uint64_t kTdDebugGroup = 0xff;

// AR4SI values of the claims hardware and configuration.
constexpr int8_t kAffirmed = 2;
constexpr int8_t kHardwareWarning = 32;
constexpr int8_t kConfigurationUnknown = 36;
constexpr int8_t kContraindicated = 96;
constexpr int8_t kUnrecognised = 97;

std::string Hex(std::string_view bytes) { return absl::BytesToHexString(AbslView(bytes)); }

uint64_t Little(std::string_view bytes) {
  uint64_t value = 0;
  for (size_t i = bytes.size(); i > 0; --i) value = value << 8 | static_cast<uint8_t>(bytes[i - 1]);
  return value;
}

bool Bit(uint64_t bits, int index) { return (bits >> index & 1) != 0; }

bool IsZero(std::string_view bytes) {
  return bytes.find_first_not_of('\0') == std::string_view::npos;
}

enum class Grade { kAccept, kWarn, kRefuse };

struct StatusMeaning {
  Grade grade;
  int8_t hardware;
  int8_t configuration;
};

// ATTESTATION.md section 6.1.
StatusMeaning MeaningOf(TcbStatus status) {
  switch (status) {
    case TcbStatus::kUpToDate:
      return {Grade::kAccept, kAffirmed, 0};
    case TcbStatus::kSwHardeningNeeded:
    case TcbStatus::kTdRelaunchAdvised:
      return {Grade::kWarn, kHardwareWarning, 0};
    case TcbStatus::kConfigurationNeeded:
    case TcbStatus::kConfigurationAndSwHardeningNeeded:
    case TcbStatus::kTdRelaunchAdvisedConfigurationNeeded:
      return {Grade::kWarn, kHardwareWarning, kConfigurationUnknown};
    case TcbStatus::kOutOfDate:
      return {Grade::kRefuse, kHardwareWarning, 0};
    case TcbStatus::kOutOfDateConfigurationNeeded:
      return {Grade::kRefuse, kHardwareWarning, kConfigurationUnknown};
    case TcbStatus::kRevoked:
      return {Grade::kRefuse, kContraindicated, 0};
    case TcbStatus::kNotSupported:
      return {Grade::kRefuse, kUnrecognised, 0};
    case TcbStatus::kUnknown:
    case TcbStatus::kNone:
      return {Grade::kRefuse, 0, 0};
  }
  return {Grade::kRefuse, 0, 0};
}

class Judgement {
 public:
  Judgement(const Quote& quote, const VerifiedPlatform& platform)
      : quote_(quote), platform_(platform) {
    verdict_.claims.emplace();
  }

  EvidenceVerdict Run() {
    AddPlatform();
    if (quote_.tee == Tee::kTdx) {
      const TdReport report = ReadTdReport(quote_.body);
      AddTd(report);
      AddTcb(&report);
    } else {
      AddSgx(ReadSgxReport(quote_.body));
      AddTcb(nullptr);
    }
    return std::move(verdict_);
  }

 private:
  EvidenceClaims& claims() { return *verdict_.claims; }

  void Refuse(std::string_view claim, std::string_view want, std::string_view got) {
    verdict_.refused.push_back(MakeFinding(claim, want, got));
  }

  void AddPlatform() {
    const PckFacts& pck = platform_.pck();
    // One package's, for its life. Whoever keeps it keeps a keyed hash of it.
    if (!IsZero(pck.ppid)) claims().instance = Hex(pck.ppid);
    claims().platform_class = Hex(pck.fmspc);
    claims().numbers["quote.version"] = quote_.version;
    claims().numbers["quote.trailing_zero_bytes"] = quote_.trailing_zeros;
    claims().numbers["pce_svn"] = pck.svns.pce_svn;
    claims().numbers["qe.isvsvn"] = platform_.qe_isv_svn();
    auto& details = claims().details;
    details["report_data"] =
        Hex(quote_.body.substr(quote_.tee == Tee::kTdx ? 520 : 320, kReportDataBytes));
    details["pck.serial"] = pck.serial;
    details["pck.ca"] = pck.ca == PckCa::kPlatform ? "platform" : "processor";
    details["pck.not_before"] = absl::FormatTime(platform_.pck_window().from, absl::UTCTimeZone());
    details["pck.not_after"] = absl::FormatTime(platform_.pck_window().until, absl::UTCTimeZone());
    details["pceid"] = Hex(pck.pce_id);
    details["cpusvn"] = Hex(pck.cpu_svn);
    if (!pck.platform_instance_id.empty()) {
      details["platform_instance_id"] = Hex(pck.platform_instance_id);
    }
  }

  void AddDebug(bool debug) {
    claims().debug = debug;
    if (!debug) return;
    verdict_.trust.configuration = kContraindicated;
    Refuse("attributes.debug", "0", "1");
  }

  void AddSgx(const SgxReport& report) {
    auto& measurements = claims().measurements;
    measurements["mrenclave"] = std::string(report.mrenclave);
    measurements["mrsigner"] = std::string(report.mrsigner);
    measurements["configid"] = std::string(report.config_id);
    measurements["isvextprodid"] = std::string(report.isv_ext_prod_id);
    measurements["isvfamilyid"] = std::string(report.isv_family_id);
    const uint64_t flags = Little(report.attributes.substr(0, 8));
    auto& numbers = claims().numbers;
    numbers["isvprodid"] = report.isv_prod_id;
    numbers["isvsvn"] = report.isv_svn;
    numbers["configsvn"] = report.config_svn;
    numbers["attributes.flags"] = flags;
    // Hardware reports of initialised enclaves alone, so a policy may bound it and none must.
    numbers["attributes.init"] = Bit(flags, kInit) ? 1 : 0;
    claims().details["attributes"] = Hex(report.attributes);
    claims().details["miscselect"] = Hex(report.misc_select);
    AddDebug(Bit(flags, kSgxDebug));
  }

  void AddTdMeasurements(const TdReport& report) {
    auto& measurements = claims().measurements;
    measurements["mrtd"] = std::string(report.mrtd);
    measurements["mrseam"] = std::string(report.mrseam);
    measurements["mrsignerseam"] = std::string(report.mrsignerseam);
    measurements["mrconfigid"] = std::string(report.mrconfigid);
    measurements["mrowner"] = std::string(report.mrowner);
    measurements["mrownerconfig"] = std::string(report.mrownerconfig);
    for (size_t i = 0; i < 4; ++i) {
      measurements[Concat("rtmr", i)] = std::string(report.rtmr[i]);
    }
    if (!report.mrservicetd.empty()) {
      measurements["mrservicetd"] = std::string(report.mrservicetd);
    }
    measurements["xfam"] = std::string(report.xfam);
    measurements["tdattributes"] = std::string(report.td_attributes);
    for (size_t i = 0; i < report.tee_tcb_svn.size(); ++i) {
      claims().numbers[Concat("tee_tcb_svn.", i)] = static_cast<uint8_t>(report.tee_tcb_svn[i]);
    }
    claims().details["tee_tcb_svn"] = Hex(report.tee_tcb_svn);
    claims().details["tdattributes"] = Hex(report.td_attributes);
    claims().details["xfam"] = Hex(report.xfam);
    if (!report.tee_tcb_svn2.empty()) {
      claims().details["tee_tcb_svn2"] = Hex(report.tee_tcb_svn2);
    }
  }

  void AddTd(const TdReport& report) {
    AddTdMeasurements(report);
    const uint64_t bits = Little(report.td_attributes);
    claims().numbers["tdattributes"] = bits;
    AddDebug(Bit(bits, kTdDebug));
    const uint64_t reserved = bits & ~kKnownTdAttributes & ~uint64_t{1};
    if ((reserved & kTdDebugGroup) != 0) {
      claims().debug = true;
      verdict_.trust.configuration = kContraindicated;
      Refuse("tdattributes.debug_group", "0", Hex(report.td_attributes.substr(0, 1)));
    }
    if ((reserved & ~kTdDebugGroup) != 0) {
      Refuse("tdattributes.reserved", "0", Hex(report.td_attributes));
    }
    if (!Bit(bits, kSeptVeDisable)) Refuse("tdattributes.sept_ve_disable", "1", "0");
    if (!IsZero(report.seam_attributes)) {
      Refuse("seamattributes", "0", Hex(report.seam_attributes));
    }
    // A service TD may move this one elsewhere.
    if (!IsZero(report.mrservicetd)) {
      Refuse("mrservicetd", "none", Hex(report.mrservicetd));
    }
  }

  void AddTcb(const TdReport* td) {
    Tcb& tcb = claims().tcb;
    for (const Finding& finding : platform_.missing()) verdict_.refused.push_back(finding);
    for (const Finding& finding : platform_.late()) verdict_.warned.push_back(finding);
    const TcbInfo* const info = platform_.tcb_info();
    const QeIdentity* const identity = platform_.qe_identity();
    if (info == nullptr || identity == nullptr) {
      tcb.status = tcb.platform = tcb.qe = TcbStatus::kUnknown;
      tcb.until = platform_.window().until;
      return;
    }
    Evaluation evaluation =
        EvaluateTcb(*info, *identity, platform_.pck().svns, platform_.qe_isv_svn(), td);
    tcb = std::move(evaluation.tcb);
    tcb.until = platform_.window().until;
    claims().numbers["qe_identity.tcb_evaluation_number"] = identity->evaluation_number;
    for (Finding& finding : evaluation.findings) verdict_.refused.push_back(std::move(finding));
    AddGrade(MeaningOf(tcb.status));
  }

  void AddGrade(const StatusMeaning& meaning) {
    const Tcb& tcb = claims().tcb;
    // Hardware of which Intel said something lately, and nothing that is missing: else no claim.
    const bool current = platform_.missing().empty() && platform_.late().empty();
    if (current || meaning.hardware != kAffirmed) verdict_.trust.hardware = meaning.hardware;
    verdict_.trust.configuration = std::max(verdict_.trust.configuration, meaning.configuration);
    if (meaning.grade == Grade::kAccept) return;
    const Finding finding =
        MakeFinding("tcb.status", StatusName(TcbStatus::kUpToDate), StatusName(tcb.status));
    (meaning.grade == Grade::kWarn ? verdict_.warned : verdict_.refused).push_back(finding);
  }

  const Quote& quote_;
  const VerifiedPlatform& platform_;
  EvidenceVerdict verdict_;
};

}  // namespace

EvidenceVerdict Judge(const Quote& quote, const VerifiedPlatform& platform) {
  return Judgement(quote, platform).Run();
}

}  // namespace tam::attestation::dcap

// Intel's statements about what platforms and quoting enclaves are worth: TCB info (version 3, and
// version 2 for SGX) and enclave identity (version 2), as JSON whose signature is over the exact
// bytes of the inner object. Parsed here, verified in platform.h.
//
//   {"tcbInfo":{...},"signature":"<128 hexadecimal digits in lower case>"}
//   {"enclaveIdentity":{...},"signature":"..."}
//
// Members that are not known are passed over, for Intel adds some; of known ones the type and range
// must be right, and none may be there twice.
#ifndef TAMARACK_SERVICES_ATTESTATION_DCAP_COLLATERAL_H_
#define TAMARACK_SERVICES_ATTESTATION_DCAP_COLLATERAL_H_

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "services/attestation/evidence/evidence.h"

namespace tam::attestation::dcap {

// Component security version numbers.
using Components = std::array<uint8_t, 16>;

// What all levels say.
struct LevelFacts {
  TcbStatus status = TcbStatus::kNotSupported;  // that also for a text that is not known
  std::string status_text;
  absl::Time date;
  std::vector<std::string> advisories;
};

struct PlatformLevel {
  Components sgx{};
  Components tdx{};  // zeros in TCB info of SGX
  uint16_t pce_svn = 0;
  LevelFacts facts;
};

struct SvnLevel {  // of a quoting enclave or a TDX module
  uint16_t isv_svn = 0;
  LevelFacts facts;
};

struct TdxModule {
  std::string id;          // "TDX_03"; empty: of module version 0
  std::string mrsigner;    // 48
  std::string attributes;  // 8, as is the mask
  std::string attributes_mask;
  std::vector<SvnLevel> levels;  // the newest first; none of module version 0
};

struct TcbInfo {
  bool tdx = false;
  absl::Time issue_date;
  absl::Time next_update;
  std::string fmspc;   // 6
  std::string pce_id;  // 2
  uint32_t evaluation_number = 0;
  TdxModule module;                   // of TDX
  std::vector<TdxModule> modules;     // of TDX, by version
  std::vector<PlatformLevel> levels;  // the newest first
};

struct QeIdentity {
  std::string id;  // "QE", "TD_QE"
  absl::Time issue_date;
  absl::Time next_update;
  uint32_t evaluation_number = 0;
  std::string misc_select;  // 4, as is the mask
  std::string misc_select_mask;
  std::string attributes;  // 16, as is the mask
  std::string attributes_mask;
  std::string mrsigner;  // 32
  uint16_t isv_prod_id = 0;
  std::vector<SvnLevel> levels;  // the newest first
};

// What is signed, and by what: nothing in it may be believed before.
template <typename Content>
struct Signed {
  Content content;
  std::string_view signed_bytes;  // borrow from the text
  std::string signature;          // r||s
};

// InvalidArgument "tcb_info.tcbLevels[2].tcb.pcesvn: want …, got …".
absl::StatusOr<Signed<TcbInfo>> ParseTcbInfo(std::string_view text);
// "qe_identity.…".
absl::StatusOr<Signed<QeIdentity>> ParseQeIdentity(std::string_view text);

// In Intel's words: "UpToDate", "OutOfDate", …; "NotSupported", "Unknown", "" for the others.
std::string_view StatusName(TcbStatus status);

}  // namespace tam::attestation::dcap

#endif  // TAMARACK_SERVICES_ATTESTATION_DCAP_COLLATERAL_H_

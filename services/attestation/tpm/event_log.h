// Event logs in the crypto-agile form (TCG PC Client Platform Firmware Profile, section 10), played
// again: what the PCRs must hold if the log is what happened. A log is hostile input, and proves
// nothing until its PCRs equal those of a quote. Little endian.
//
//   first   = pcr 4, type 4 (EV_NO_ACTION), 20 bytes, size 4, "Spec ID Event03" 0, class 4,
//             version 3, uintn 1, count 4, count * (hash 2, digest size 2), vendor size 1, vendor
//   event   = pcr 4, type 4, count 4, count * (hash 2, digest), size 4, data
#ifndef TAMARACK_SERVICES_ATTESTATION_TPM_EVENT_LOG_H_
#define TAMARACK_SERVICES_ATTESTATION_TPM_EVENT_LOG_H_

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "services/attestation/eat/appraisal.h"

namespace tam::attestation::tpm {

inline constexpr size_t kMaxEventLogBytes = size_t{256} << 10;
inline constexpr size_t kMaxEvents = 4096;
inline constexpr size_t kMaxLogBanks = 8;

struct EventLog {
  // Hash algorithm (SHA-2 alone), PCR, value.
  std::map<uint16_t, std::map<uint32_t, std::string>> pcrs;
  size_t events = 0;
  // What the UEFI variable SecureBoot held, by an event of PCR 7 whose digest is that of its data.
  std::optional<bool> secure_boot;
};

// Findings "event_log.length", "event_log.size", "event_log.form" for what cannot be read within
// the bounds; "event_log.digest" where the digest of an event is not that of its data, though its
// type (separators, actions, versions, UEFI variables of the firmware's configuration, partition
// tables) hashes them: what that data says would not be what was measured.
std::variant<EventLog, Finding> ReplayEventLog(std::string_view log);

}  // namespace tam::attestation::tpm

#endif  // TAMARACK_SERVICES_ATTESTATION_TPM_EVENT_LOG_H_

#include "services/attestation/tpm/event_log.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "crypto/cbor/cbor.h"
#include "crypto/text/text.h"
#include "services/attestation/tpm/reader.h"
#include "services/attestation/tpm/structures.h"

namespace tam::attestation::tpm {
namespace {

using cbor::AsBytes;

constexpr uint32_t kNoAction = 3;
constexpr uint32_t kEfiVariable = 0x80000001;
// Separator, action, version of the first code, a variable of the firmware's configuration, a
// partition table, an action of UEFI. Others hash something else, or what the data only names.
constexpr uint32_t kDataIsHashed[] = {4, 5, 8, kEfiVariable, 0x80000006, 0x80000007};
constexpr uint32_t kMaxPcr = 23;
constexpr uint32_t kSecureBootPcr = 7;
constexpr size_t kSha1Bytes = 20;
constexpr std::string_view kSpecId("Spec ID Event03\0", 16);
constexpr std::string_view kStartupLocality("StartupLocality\0", 16);
// "SecureBoot" in UTF-16.
constexpr std::string_view kSecureBoot("S\0e\0c\0u\0r\0e\0B\0o\0o\0t\0", 20);

Finding Cut() { return MakeFinding("event_log.length", "whole events", "the end within one"); }

struct Event {
  uint32_t pcr = 0;
  uint32_t type = 0;
  std::map<uint16_t, std::string_view> digests;
  std::string_view data;
};

class Replayer {
 public:
  explicit Replayer(std::string_view log) : reader_(log, Order::kLittleEndian) {}

  std::variant<EventLog, Finding> Replay() {
    if (auto wrong = ReadHead(); wrong.has_value()) return *wrong;
    while (!reader_.rest().empty()) {
      if (++log_.events > kMaxEvents) {
        return MakeFinding("event_log.size", Concat("at most ", kMaxEvents, " events"), "more");
      }
      Event event;
      if (auto wrong = ReadEvent(event); wrong.has_value()) return *wrong;
      if (auto wrong = CheckData(event); wrong.has_value()) return *wrong;
      Extend(event);
      NoteSecureBoot(event);
    }
    return std::move(log_);
  }

 private:
  std::optional<Finding> ReadHead() {
    const uint32_t pcr = reader_.U32();
    const uint32_t type = reader_.U32();
    reader_.Bytes(kSha1Bytes);
    Reader head(reader_.Bytes(reader_.U32()), Order::kLittleEndian);
    const std::string_view name = head.Bytes(kSpecId.size());
    head.U64();  // platform class, version, size of a word
    const uint32_t banks = head.U32();
    if (!reader_.ok() || !head.ok() || pcr != 0 || type != kNoAction || name != kSpecId) {
      return MakeFinding("event_log.form", "a crypto-agile log, Spec ID Event03", "another");
    }
    if (banks == 0 || banks > kMaxLogBanks) {
      return MakeFinding("event_log.size", Concat("1..", kMaxLogBanks, " banks"), Concat(banks));
    }
    for (uint32_t i = 0; i < banks; ++i) {
      const uint16_t hash = head.U16();
      const uint16_t size = head.U16();
      const size_t known = BankBytes(hash);
      if (size == 0 || (known != 0 && size != known) || !digest_bytes_.emplace(hash, size).second) {
        return MakeFinding("event_log.form", "each bank once, with its size", Concat(hash));
      }
    }
    head.Bytes(head.U8());
    if (!head.AtEnd()) return MakeFinding("event_log.form", "a header of its size", "another");
    return std::nullopt;
  }

  std::optional<Finding> ReadEvent(Event& event) {
    event.pcr = reader_.U32();
    event.type = reader_.U32();
    const uint32_t count = reader_.U32();
    if (reader_.ok() && (event.pcr > kMaxPcr || count != digest_bytes_.size())) {
      return MakeFinding("event_log.form", Concat("PCR 0..", kMaxPcr, " and a digest a bank"),
                         Concat("PCR ", event.pcr, " and ", count));
    }
    for (uint32_t i = 0; i < count && reader_.ok(); ++i) {
      const uint16_t hash = reader_.U16();
      const auto known = digest_bytes_.find(hash);
      if (reader_.ok() && known == digest_bytes_.end()) {
        return MakeFinding("event_log.form", "a bank of the header", Concat(hash));
      }
      if (reader_.ok() && !event.digests.emplace(hash, reader_.Bytes(known->second)).second) {
        return MakeFinding("event_log.form", "each bank once", Concat(hash));
      }
    }
    event.data = reader_.Bytes(reader_.U32());
    if (!reader_.ok()) return Cut();
    return std::nullopt;
  }

  static std::optional<Finding> CheckData(const Event& event) {
    if (std::find(std::begin(kDataIsHashed), std::end(kDataIsHashed), event.type) ==
        std::end(kDataIsHashed)) {
      return std::nullopt;
    }
    for (const auto& [bank, digest] : event.digests) {
      const auto hash = HashOf(bank);
      if (!hash.has_value()) continue;
      const std::string own = verify::Digest(*hash, AsBytes(event.data));
      if (own == digest) continue;
      return MakeFinding("event_log.digest", HexText(digest),
                         Concat(HexText(own), " of the data of an event of PCR ", event.pcr));
    }
    return std::nullopt;
  }

  void Extend(const Event& event) {
    for (const auto& [bank, digest] : event.digests) {
      const auto hash = HashOf(bank);
      if (!hash.has_value()) continue;
      std::string& pcr = log_.pcrs[bank].try_emplace(event.pcr, digest.size(), '\0').first->second;
      if (event.type != kNoAction) {
        pcr = verify::Digest(*hash, AsBytes(Concat(pcr, digest)));
      } else if (event.pcr == 0 && event.data.size() == kStartupLocality.size() + 1 &&
                 event.data.substr(0, kStartupLocality.size()) == kStartupLocality) {
        pcr.back() = event.data.back();
      }
    }
  }

  // UEFI_VARIABLE_DATA: GUID 16, name length 8 (characters), data length 8, name, data.
  void NoteSecureBoot(const Event& event) {
    // The firmware's comes first; whoever runs later may extend the PCR with another.
    if (log_.secure_boot.has_value()) return;
    if (event.type != kEfiVariable || event.pcr != kSecureBootPcr) return;
    constexpr size_t kGuid = 16;
    Reader data(event.data, Order::kLittleEndian);
    data.Bytes(kGuid);
    const uint64_t characters = data.U64();
    const uint64_t size = data.U64();
    if (characters != kSecureBoot.size() / 2 || data.Bytes(kSecureBoot.size()) != kSecureBoot) {
      return;
    }
    const std::string_view value = data.Bytes(size);
    log_.secure_boot = data.AtEnd() && value == "\x01";
  }

  Reader reader_;
  std::map<uint16_t, size_t> digest_bytes_;
  EventLog log_;
};

}  // namespace

std::variant<EventLog, Finding> ReplayEventLog(std::string_view log) {
  if (log.size() > kMaxEventLogBytes) {
    return MakeFinding("event_log.size", Concat("at most ", kMaxEventLogBytes, " bytes"),
                       Concat(log.size()));
  }
  return Replayer(log).Replay();
}

}  // namespace tam::attestation::tpm

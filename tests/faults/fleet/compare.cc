#include "tests/faults/fleet/compare.h"

#include <algorithm>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"

namespace tam::testing {
namespace {

std::string Hex(const std::string& bytes) {
  return absl::BytesToHexString(absl::string_view(bytes).substr(0, 8));
}

std::string Text(const ManifestVersion& version) {
  return absl::StrCat("manifest ", Hex(version.digest), " seq ", version.sequence);
}

// One device's comparison, and the list that it adds to.
class DeviceComparison {
 public:
  DeviceComparison(const std::string& name, const DeviceLedger& ledger, const DeviceRecord& tam,
                   const CompareOptions& options, std::vector<Difference>& out)
      : name_(name), ledger_(ledger), tam_(tam), options_(options), out_(out) {}

  void Run() {
    Installed();
    InstalledOnce();
    Present();
    Reports();
    OpenUpdates();
    Challenges();
    Audit();
  }

 private:
  void Add(std::string reason) { out_.push_back({name_, std::move(reason)}); }

  void Installed() {
    const bool settled = ledger_.Outstanding() == 0;
    for (const auto& [component, version] : tam_.installed) {
      if (settled && !ledger_.present.contains(version)) {
        Add(absl::StrCat(Text(version), ": recorded as installed, is not on the device"));
      } else if (!ledger_.installs.contains(version)) {
        Add(absl::StrCat(Text(version), ": recorded as installed, never was on the device"));
      }
    }
    for (const ManifestVersion& version : ledger_.present) {
      const auto recorded = tam_.installed.find(version.component);
      if (settled && (recorded == tam_.installed.end() || recorded->second != version)) {
        Add(absl::StrCat(Text(version), ": on the device and acknowledged, is not recorded"));
      }
    }
  }

  void InstalledOnce() {
    for (const ManifestVersion& wanted : options_.installed_once) {
      const auto installs = ledger_.installs.find(wanted);
      const int times = installs == ledger_.installs.end() ? 0 : installs->second;
      if (times != 1) Add(absl::StrCat(Text(wanted), ": want installed once, got ", times));
    }
  }

  void Present() {
    for (const ManifestVersion& wanted : options_.present) {
      if (!ledger_.present.contains(wanted)) {
        Add(absl::StrCat(Text(wanted), ": is not on the device"));
      }
    }
  }

  void Reports() {
    std::map<std::string, int> closed;
    for (const ClosedUpdate& update : tam_.closed) {
      const std::string token = absl::StrCat("update ", Hex(update.token));
      if (++closed[update.token] > 1) Add(absl::StrCat(token, ": closed more than once"));
      const auto seen = ledger_.updates.find(update.token);
      if (seen == ledger_.updates.end() || !seen->second.reported) {
        Add(absl::StrCat(token, ": closed, but the device never reported on it"));
      } else if (seen->second.success != update.success) {
        Add(absl::StrCat(token, ": recorded as ", update.success ? "succeeded" : "failed",
                         ", the device said otherwise"));
      }
    }
    for (const auto& [token, update] : ledger_.updates) {
      if (update.acknowledged && !closed.contains(token)) {
        Add(absl::StrCat("update ", Hex(token), ": acknowledged, but is not closed"));
      }
      const bool open = std::find(tam_.open.begin(), tam_.open.end(), token) != tam_.open.end();
      if (!open && !closed.contains(token)) {
        Add(absl::StrCat("update ", Hex(token), ": the device has it, the TAM does not"));
      }
      if (open && closed.contains(token)) {
        Add(absl::StrCat("update ", Hex(token), ": open and closed"));
      }
    }
  }

  // An update that no device saw must be due to a QueryResponse whose answer was lost.
  void OpenUpdates() {
    int64_t unseen = 0;
    for (const std::string& token : tam_.open) {
      const auto seen = ledger_.updates.find(token);
      if (seen == ledger_.updates.end()) {
        ++unseen;
      } else if (seen->second.acknowledged) {
        Add(absl::StrCat("update ", Hex(token), ": open, although its report was acknowledged"));
      }
    }
    const int64_t lost =
        std::count_if(ledger_.responses.begin(), ledger_.responses.end(), [&](const auto& entry) {
          const Answer answer = entry.second.answer;
          return answer == Answer::kNone || (options_.may_withhold && answer == Answer::kNothing);
        });
    if (unseen > lost) {
      Add(absl::StrCat(unseen, " open updates that the device never saw, but only ", lost,
                       " answers were lost"));
    }
  }

  void Challenges() {
    std::map<std::string, int> accepted;
    for (const std::string& challenge : tam_.accepted) {
      if (++accepted[challenge] == 2) {
        Add(absl::StrCat("challenge ", Hex(challenge), ": accepted more than once"));
      }
      const auto sent = ledger_.responses.find(challenge);
      if (sent == ledger_.responses.end()) {
        Add(absl::StrCat("challenge ", Hex(challenge), ": accepted, the device never answered it"));
      } else if (sent->second.answer == Answer::kRefused) {
        Add(absl::StrCat("challenge ", Hex(challenge), ": accepted, the device was refused"));
      }
    }
    for (const auto& [challenge, sent] : ledger_.responses) {
      const bool acknowledged =
          sent.answer == Answer::kUpdate || (sent.answer == Answer::kNothing && !options_.may_drop);
      if (acknowledged && !accepted.contains(challenge)) {
        Add(absl::StrCat("challenge ", Hex(challenge), ": answered with ",
                         sent.answer == Answer::kUpdate ? "an Update" : "204",
                         ", but its QueryResponse is not recorded"));
      }
    }
  }

  int64_t AuditRows(const std::vector<std::string>& kinds) const {
    int64_t rows = 0;
    for (const std::string& kind : kinds) {
      const auto found = tam_.audit.find(kind);
      if (found != tam_.audit.end()) rows += found->second;
    }
    return rows;
  }

  void Audit() {
    const auto accepts = AuditRows({"session.accepted", "session.refused"});
    if (accepts != static_cast<int64_t>(tam_.accepted.size())) {
      Add(absl::StrCat(tam_.accepted.size(), " QueryResponses accepted, ", accepts,
                       " audit rows of them"));
    }
    const auto reports = AuditRows({"update.succeeded", "update.failed"});
    if (reports != static_cast<int64_t>(tam_.closed.size())) {
      Add(absl::StrCat(tam_.closed.size(), " updates closed, ", reports, " audit rows of them"));
    }
  }

  const std::string& name_;
  const DeviceLedger& ledger_;
  const DeviceRecord& tam_;
  const CompareOptions& options_;
  std::vector<Difference>& out_;
};

}  // namespace

std::ostream& operator<<(std::ostream& out, const Difference& difference) {
  return out << (difference.device.empty() ? "all" : difference.device) << ": "
             << difference.reason;
}

std::vector<Difference> Compare(const Ledger& ledger, const TamRecord& tam,
                                const CompareOptions& options) {
  std::vector<Difference> out;
  for (const auto& [name, device] : ledger) {
    const auto recorded = tam.devices.find(name);
    if (recorded == tam.devices.end()) {
      out.push_back({name, "the TAM does not know this device"});
      continue;
    }
    DeviceComparison(name, device, recorded->second, options, out).Run();
  }
  for (const auto& [name, device] : tam.devices) {
    if (!ledger.contains(name)) out.push_back({name, "the ledger does not know this device"});
  }
  if (tam.audit_entries != tam.audit_pending) {
    out.push_back({"", absl::StrCat(tam.audit_entries, " audit rows, ", tam.audit_pending,
                                    " queued for the log")});
  }
  return out;
}

}  // namespace tam::testing

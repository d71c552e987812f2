// What the TAM's database says about devices, as a person with full access reads it.
#ifndef TAMARACK_TESTS_FAULTS_FLEET_TAM_RECORD_H_
#define TAMARACK_TESTS_FAULTS_FLEET_TAM_RECORD_H_

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "tests/faults/fleet/ledger.h"

namespace tam::testing {

struct ClosedUpdate {
  std::string token;
  bool success = false;
};

struct DeviceRecord {
  std::map<std::string, ManifestVersion> installed;  // by component
  std::vector<std::string> accepted;                 // the challenge of each accepted QueryResponse
  std::vector<std::string> open;                     // tokens of updates without an answer
  std::vector<ClosedUpdate> closed;
  std::map<std::string, int64_t> audit;  // rows by kind
};

struct TamRecord {
  std::map<std::string, DeviceRecord> devices;  // by display name
  int64_t audit_entries = 0;
  int64_t audit_pending = 0;  // queued for the log, which nobody empties yet
};

// Runs one query: rows by lines, columns by '|'.
using Sql = std::function<std::string(const std::string&)>;

// All devices whose names start with `prefix`. Internal when the database says what cannot be.
absl::StatusOr<TamRecord> ReadTamRecord(const Sql& sql, const std::string& prefix);

}  // namespace tam::testing

#endif  // TAMARACK_TESTS_FAULTS_FLEET_TAM_RECORD_H_

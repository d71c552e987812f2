// What simulated devices know about their own sessions: the other half of what the TAM's record is
// held against (compare.h). It is written from the messages that a device sent and received, never
// from anything that the TAM stores.
#ifndef TAMARACK_TESTS_FAULTS_FLEET_LEDGER_H_
#define TAMARACK_TESTS_FAULTS_FLEET_LEDGER_H_

#include <compare>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace tam::testing {

// A component identifier as the database has it: two bytes of length, big endian, and the segment,
// for each segment.
std::string ComponentKey(const std::vector<std::string>& segments);

struct ManifestVersion {
  std::string component;  // ComponentKey of the manifest's own identifier
  std::string digest;     // SHA-256 of the manifest
  uint64_t sequence = 0;
  friend auto operator<=>(const ManifestVersion&, const ManifestVersion&) = default;
};

// What came back for a QueryResponse, after all repetitions.
enum class Answer {
  kNone,     // no answer reached the device: accepted or not, it cannot know
  kUpdate,   // an Update with a token
  kNothing,  // 204
  kRefused,  // an err-code without a token, or another message: it was not accepted
};

struct SentResponse {
  Answer answer = Answer::kNone;
  std::string token;  // of the Update
};

// An Update that reached the device.
struct SeenUpdate {
  bool reported = false;  // a Success or Error was sent, perhaps several times
  bool success = false;
  bool acknowledged = false;  // and answered: the TAM must know
};

// One device. A value; not thread safe.
struct DeviceLedger {
  std::map<std::string, SentResponse> responses;  // QueryResponses, by challenge
  std::map<std::string, SeenUpdate> updates;      // by token
  std::map<ManifestVersion, int> installs;        // how often each was put on the device
  std::set<ManifestVersion> present;              // what is on the device now
  std::map<std::string, int> placed;              // how often each digest was put on its disk

  int64_t begun = 0;                      // sessions
  int64_t completed = 0;                  // ended as the protocol has it, and without an error
  int64_t given_up = 0;                   // ended by an error; the device starts again
  std::map<std::string, int64_t> errors;  // by kind, such as "receive" or "503"

  // Updates that reached the device and whose report was not acknowledged.
  int64_t Outstanding() const;
};

// By display name.
using Ledger = std::map<std::string, DeviceLedger>;

// Reads one device's messages as they pass, unverified: what the device believes of them shows in
// the messages that it sends next. Borrows the ledger; not thread safe.
class MessageLog {
 public:
  explicit MessageLog(DeviceLedger& ledger) : ledger_(ledger) {}

  // Before each attempt to send. Empty: the start of a session.
  void Sending(std::string_view message);
  // The answer to the last message, once it came: nullopt is 204.
  void Answered(const std::optional<std::string>& answer);
  // The next QueryResponse answers this challenge, not that of the last QueryRequest.
  void WillAnswer(const std::string& challenge) { challenge_ = challenge; }

 private:
  void QueryResponseAnswered(const std::optional<std::string>& answer);

  DeviceLedger& ledger_;
  std::string challenge_;       // of the last QueryRequest, or as WillAnswer says
  std::string response_;        // challenge of the QueryResponse under way
  std::string reported_token_;  // of the Success or Error under way
};

}  // namespace tam::testing

#endif  // TAMARACK_TESTS_FAULTS_FLEET_LEDGER_H_

// Runs the command sequences of one manifest over an overlay of the device's components; internal
// to the processor.
#ifndef TAMARACK_TOOLS_TEEPSIM_SUIT_PROCESSOR_INTERPRETER_H_
#define TAMARACK_TOOLS_TEEPSIM_SUIT_PROCESSOR_INTERPRETER_H_

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "crypto/cbor/cbor.h"
#include "teep/suit/envelope.h"
#include "teep/suit/report.h"
#include "tools/teepsim/suit_processor/processor.h"

namespace tam::teepsim {

inline constexpr size_t kMaxCommandsRun = 4096;
inline constexpr size_t kMaxImageBytes = 32 << 20;
inline constexpr size_t kMaxRecords = 256;

// Why a sequence ended early. A soft one may be overlooked where soft failure is set.
struct Failure {
  suit::ReportReason reason = suit::ReportReason::kOk;
  suit::Record record;
  std::string problem;
  bool soft = false;
};
using MaybeFailure = std::optional<Failure>;

class Interpreter {
 public:
  Interpreter(const suit::Envelope& envelope, const ProcessorIdentity& identity,
              const Holdings& holdings, PayloadSource& payloads);

  // The shared sequence, then the section; nothing when the manifest has no such section.
  MaybeFailure Run(suit::Section section);

  const ComponentChanges& changes() const { return state_.changes; }
  const std::vector<suit::Record>& records() const { return records_; }
  const std::vector<suit::ComponentId>& invoked() const { return invoked_; }
  // Digest and size of every component of the manifest that is there now.
  std::vector<suit::ReportedClaims> Claims() const;

 private:
  // What a soft failure takes back.
  struct State {
    std::vector<uint64_t> current;
    std::map<std::pair<uint64_t, int64_t>, std::string> parameters;
    ComponentChanges changes;
    bool soft_failure = false;
  };
  // Where a command stands.
  struct Place {
    int64_t code;
    uint64_t offset;  // from the start of the section
  };
  // What came of one command on one component: failed when `problem` is set.
  struct Result {
    suit::ReportReason reason = suit::ReportReason::kOk;
    std::string problem = {};
    suit::Parameters observed = {};
    bool soft = false;
  };

  MaybeFailure RunSequence(const suit::CommandSequence& sequence, int64_t section);
  // `soft` goes in as the sequence's default for soft failure and comes out as what it set.
  MaybeFailure RunNested(const cbor::Item& bytes, size_t document_base, bool& soft);
  MaybeFailure RunCommand(const Place& place, const cbor::Item& argument, size_t document_base);
  MaybeFailure TryEach(const Place& place, const cbor::Item& argument, size_t document_base);
  MaybeFailure RunSubsequence(const cbor::Item& argument, size_t document_base);
  void SetIndex(const cbor::Item& argument);
  void SetParameters(const cbor::Item& argument, bool override_set);
  MaybeFailure RunOnComponents(const Place& place, const cbor::Item& argument);

  // conditions.cc
  Result Condition(int64_t code, uint64_t component);
  Result CompareId(uint64_t component, int64_t label, std::string_view own) const;
  Result MatchImage(uint64_t component) const;
  Result MatchSlot(uint64_t component) const;
  Result CheckContent(uint64_t component) const;

  // directives.cc
  Result Directive(int64_t code, uint64_t component);
  Result Write(uint64_t component);
  Result Fetch(uint64_t component);
  Result Copy(uint64_t component);
  Result Swap(uint64_t component);
  Result Unlink(uint64_t component);
  Result Store(uint64_t component, std::shared_ptr<const std::string> bytes);
  Result CheckWritable(uint64_t component) const;
  std::optional<Result> RefuseEncryption(uint64_t component) const;
  absl::StatusOr<uint64_t> SourceOf(uint64_t component) const;

  bool IsComponent(uint64_t index) const;
  // Null when there is no such component.
  std::shared_ptr<const std::string> Read(const suit::ComponentId& id) const;
  // Encoded; null when unset.
  const std::string* Parameter(uint64_t component, int64_t label) const;
  std::optional<std::string> BytesParameter(uint64_t component, int64_t label) const;
  std::optional<uint64_t> UintParameter(uint64_t component, int64_t label) const;
  suit::Record RecordOf(const Place& place, uint64_t component, suit::Parameters observed) const;
  Failure Fail(const Place& place, uint64_t component, Result result) const;

  const suit::Envelope& envelope_;
  const suit::Manifest& manifest_;
  const ProcessorIdentity& identity_;
  const Holdings& holdings_;
  PayloadSource& payloads_;
  const suit::ComponentId manifest_id_;
  std::vector<uint64_t> all_;
  int64_t section_ = 0;
  State state_;
  size_t commands_run_ = 0;
  size_t fetched_bytes_ = 0;
  std::vector<suit::Record> records_;
  std::vector<suit::ComponentId> invoked_;
};

}  // namespace tam::teepsim

#endif  // TAMARACK_TOOLS_TEEPSIM_SUIT_PROCESSOR_INTERPRETER_H_

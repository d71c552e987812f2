// A SUIT manifest processor (draft-ietf-suit-manifest-37 section 6): decides what a device would
// hold after a manifest, and reports on it. It changes nothing itself: the caller commits the
// changes of an outcome in one step, so that a manifest that fails leaves nothing.
//
// Processed: dependency-resolution, payload-fetch, candidate-verification, install and validate on
// installing, uninstall on removing; each after the shared sequence. Commands: the conditions of
// manifest-37, set-component-index, override- and set-parameters, try-each, run-sequence, write,
// fetch, copy, swap, unlink, and invoke, which is recorded only. Dependencies and encrypted
// payloads are refused by their report reason.
#ifndef TAMARACK_TOOLS_TEEPSIM_SUIT_PROCESSOR_PROCESSOR_H_
#define TAMARACK_TOOLS_TEEPSIM_SUIT_PROCESSOR_PROCESSOR_H_

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "teep/suit/envelope.h"
#include "teep/suit/report.h"

namespace tam::teepsim {

// What conditions compare with.
struct ProcessorIdentity {
  std::string vendor_id;  // 16 bytes
  std::string class_id;   // 16 bytes
  std::string device_id;  // 16 bytes
  uint64_t slot = 0;
  // Components that no manifest may write.
  std::vector<suit::ComponentId> reserved;
  // The device's own copies, for integrated payloads that an envelope comes without.
  std::map<suit::ComponentId, std::string> binaries;
};

// Where payloads come from that are not part of the envelope.
class PayloadSource {
 public:
  virtual ~PayloadSource() = default;
  // At most `max_bytes`; any error fails the fetch.
  virtual absl::StatusOr<std::string> Fetch(std::string_view uri, size_t max_bytes) = 0;
};

// What the device holds before a manifest is processed.
class Holdings {
 public:
  struct InstalledManifest {
    uint64_t sequence_number = 0;
    suit::Digest digest;
  };
  virtual ~Holdings() = default;
  virtual std::optional<std::string> ReadComponent(const suit::ComponentId& id) const = 0;
  // The manifest that put the component there; nullopt when there is no such component.
  virtual std::optional<suit::ComponentId> OwnerOf(const suit::ComponentId& id) const = 0;
  virtual std::optional<InstalledManifest> FindManifest(const suit::ComponentId& id) const = 0;
};

// Component -> its new bytes; null: removed.
using ComponentChanges = std::map<suit::ComponentId, std::shared_ptr<const std::string>>;

struct Outcome {
  // Without nonce. `report.failure` says whether it failed.
  suit::Report report;
  // For people, set when it failed: "install: image-match of component 0: ...".
  std::string problem;
  // The same manifest was installed already and its components still validate.
  bool unchanged = false;
  // Empty when it failed.
  ComponentChanges changes;
  // Components that a sequence invoked, in order.
  std::vector<suit::ComponentId> invoked;

  bool ok() const { return !report.failure.has_value(); }
};

// The identifier by which a device knows an installed manifest: key 5, else its first component.
suit::ComponentId ManifestIdOf(const suit::Manifest& manifest);

// Digest (parameter 3) and size (14) of some bytes, for reports.
suit::Parameters ImageParameters(std::string_view bytes);

// A report that a manifest was refused before any of its commands ran. `section` is the manifest or
// envelope key that was the reason.
suit::Report RefusalReport(const suit::Envelope& envelope, int64_t section,
                           suit::ReportReason reason);

// Borrows everything; one thread at a time.
class SuitProcessor {
 public:
  SuitProcessor(const ProcessorIdentity& identity, const Holdings& holdings,
                PayloadSource& payloads)
      : identity_(identity), holdings_(holdings), payloads_(payloads) {}

  // Refuses a lower sequence number than the installed one's (rollback).
  Outcome Install(const suit::VerifiedEnvelope& envelope);
  // Runs the uninstall sequence of an installed manifest; a component that it does not unlink
  // stays.
  Outcome Uninstall(const suit::VerifiedEnvelope& envelope);

 private:
  const ProcessorIdentity& identity_;
  const Holdings& holdings_;
  PayloadSource& payloads_;
};

}  // namespace tam::teepsim

#endif  // TAMARACK_TOOLS_TEEPSIM_SUIT_PROCESSOR_PROCESSOR_H_

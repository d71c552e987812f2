#ifndef TAMARACK_SERVICES_CLIENTS_TESTING_FAKE_SERVICES_H_
#define TAMARACK_SERVICES_CLIENTS_TESTING_FAKE_SERVICES_H_

// Every service that another one calls, without insides: what each was told is kept, and what it
// answers is set by the test.

#include <atomic>
#include <functional>
#include <mutex>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "google/protobuf/message.h"
#include "services/runtime/call_context.h"
#include "services/runtime/dispatcher.h"

namespace tam::clients::testing {

// Thread safe.
class FakeServices : public runtime::AuditSink {
 public:
  // What a handler does instead of answering OK at once. Empty: that.
  using Act = std::function<absl::Status(const runtime::CallContext& context)>;

  // Adds every session service to a dispatcher, which this must outlive.
  absl::Status AddTo(runtime::Dispatcher& dispatcher);

  void SetAct(Act act);
  // Bytes that each answer has more than it needs.
  void SetPadding(size_t bytes) { padding_ = bytes; }
  // Put into each answer.
  void SetName(const std::string& name) { name_ = name; }

  // Handlers that began.
  int calls() const { return calls_; }
  int denials() const { return denials_; }
  // Context of the last of them.
  std::optional<runtime::CallContext> last() const;

  absl::Status RecordDenial(const runtime::Denial& denial) override;

  // What every handler does: answers with the request's bytes and this one's name as unknown
  // fields.
  absl::Status Serve(const runtime::CallContext& context, const google::protobuf::Message& request,
                     google::protobuf::Message& response);

 private:
  mutable std::mutex mutex_;  // guards act_ and last_
  Act act_;
  std::optional<runtime::CallContext> last_;
  std::string name_;
  std::atomic<size_t> padding_ = 0;
  std::atomic<int> calls_ = 0;
  std::atomic<int> denials_ = 0;
};

// The request as the handler saw it, serialised; and the name of who answered.
std::string EchoOf(const google::protobuf::Message& response);
std::string NameIn(const google::protobuf::Message& response);

}  // namespace tam::clients::testing

#endif  // TAMARACK_SERVICES_CLIENTS_TESTING_FAKE_SERVICES_H_

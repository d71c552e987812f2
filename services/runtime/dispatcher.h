#ifndef TAMARACK_SERVICES_RUNTIME_DISPATCHER_H_
#define TAMARACK_SERVICES_RUNTIME_DISPATCHER_H_

// What happens to every call, however it came: authorise, refuse with an audit entry and a limit,
// or call the handler. Knows nothing of gRPC.

#include <functional>
#include <memory>
#include <string>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "google/protobuf/message.h"
#include "services/runtime/call_context.h"
#include "services/runtime/identity.h"
#include "services/runtime/refusal_limiter.h"
#include "services/runtime/rpc.h"

namespace tam::runtime {

// A call that was refused.
struct Denial {
  const CallContext& context;
  absl::string_view method;
  // The request's `name` or `parent`; empty if it has none.
  std::string resource;
  // The refusal's text.
  std::string reason;
};

// Keeps refusals. Thread safe.
class AuditSink {
 public:
  virtual ~AuditSink() = default;
  // Unavailable if it could not be kept; the call stays refused.
  virtual absl::Status RecordDenial(const Denial& denial) = 0;
};

// Thread safe once the bindings are added.
class Dispatcher {
 public:
  struct Options {
    RefusalLimiter::Options refusals;
    // By this process's wall clock. Unset: absl::Now.
    std::function<absl::Time()> now;
  };

  // `audit` must outlive this.
  explicit Dispatcher(AuditSink& audit) : Dispatcher(audit, Options()) {}
  Dispatcher(AuditSink& audit, const Options& options);

  // Before the first call. InvalidArgument if the binding leaves out a method that the service's
  // descriptor has, or has one that it lacks; AlreadyExists if the service is there already.
  absl::Status Add(const ServiceBinding& binding);

  // Whether some binding has the method.
  bool Has(absl::string_view method) const { return methods_.contains(method); }

  // Runs one call from typed messages. PermissionDenied: refused by the table or the handler, and
  // audited. ResourceExhausted: refused, and this caller was refused too often to be told more.
  // Unimplemented: no such method. DeadlineExceeded: it had passed. Otherwise the handler's answer,
  // except that Internal and Unknown are logged and lose their text.
  absl::Status Run(const CallContext& context, absl::string_view method,
                   const google::protobuf::Message& request, google::protobuf::Message& response);

  // The same from and to bytes. InvalidArgument: not the request's type. Nothing is parsed before
  // the caller's role is known to be in the table.
  absl::StatusOr<std::string> RunBytes(const CallContext& context, absl::string_view method,
                                       absl::string_view request);

 private:
  absl::Status RunMethod(const CallContext& context, const RpcMethod& method,
                         const google::protobuf::Message& request,
                         google::protobuf::Message& response);
  absl::Status Refuse(const CallContext& context, absl::string_view method,
                      const google::protobuf::Message& request, const absl::Status& reason);

  AuditSink& audit_;
  RefusalLimiter refusals_;
  const std::function<absl::Time()> now_;
  absl::flat_hash_map<std::string, RpcMethod> methods_;
};

// Calls a dispatcher in this process as one fixed identity: the table holds here as it does over
// the network.
class LocalChannel : public RpcChannel {
 public:
  // `dispatcher` must outlive this.
  LocalChannel(Dispatcher& dispatcher, Identity self)
      : dispatcher_(dispatcher), self_(std::move(self)) {}
  absl::Status Call(const CallContext& context, absl::string_view method,
                    const google::protobuf::Message& request,
                    google::protobuf::Message* response) override;

 private:
  Dispatcher& dispatcher_;
  const Identity self_;
};

}  // namespace tam::runtime

#endif  // TAMARACK_SERVICES_RUNTIME_DISPATCHER_H_

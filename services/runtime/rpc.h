#ifndef TAMARACK_SERVICES_RUNTIME_RPC_H_
#define TAMARACK_SERVICES_RUNTIME_RPC_H_

// Handlers as tables of methods, and the channel through which clients reach them. A handler is
// plain C++: for each RPC
//
//   absl::StatusOr<FooResponse> Foo(const CallContext&, const FooRequest&);
//
// and one line binds it, whatever carries the call.

#include <functional>
#include <memory>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "google/protobuf/message.h"
#include "services/runtime/call_context.h"

namespace tam::runtime {

// Larger requests and responses are refused with ResourceExhausted, however a call is carried: an
// envelope of 1 MiB and what goes around it fits.
inline constexpr int kMaxRpcMessageBytes = 2 * 1024 * 1024;

// One RPC of one handler.
struct RpcMethod {
  // "/tam.v1.Service/Method".
  std::string name;
  // An empty request of the right type.
  std::function<std::unique_ptr<google::protobuf::Message>()> new_request;
  // An empty response of the right type.
  std::function<std::unique_ptr<google::protobuf::Message>()> new_response;
  // Calls the handler; `response` is filled only if OK. Both messages are of the types above.
  std::function<absl::Status(const CallContext&, const google::protobuf::Message& request,
                             google::protobuf::Message& response)>
      call;
};

// The methods of one proto service, bound to a handler that must outlive them.
class ServiceBinding {
 public:
  // `service` is the full name, such as "tam.v1.RegistryService".
  explicit ServiceBinding(absl::string_view service) : service_(service) {}

  template <typename Handler, typename Request, typename Response>
  ServiceBinding& Add(absl::string_view method, Handler& handler,
                      absl::StatusOr<Response> (Handler::*member)(const CallContext&,
                                                                  const Request&)) {
    methods_.push_back(RpcMethod{
        absl::StrCat("/", service_, "/", method), [] { return std::make_unique<Request>(); },
        [] { return std::make_unique<Response>(); },
        [&handler, member](const CallContext& context, const google::protobuf::Message& request,
                           google::protobuf::Message& response) {
          absl::StatusOr<Response> result =
              (handler.*member)(context, static_cast<const Request&>(request));
          if (!result.ok()) return result.status();
          static_cast<Response&>(response) = *std::move(result);
          return absl::OkStatus();
        }});
    return *this;
  }

  // One that is bound already; its name begins with "/SERVICE/".
  ServiceBinding& Add(RpcMethod method) {
    methods_.push_back(std::move(method));
    return *this;
  }

  const std::string& service() const { return service_; }
  const std::vector<RpcMethod>& methods() const { return methods_; }

 private:
  std::string service_;
  std::vector<RpcMethod> methods_;
};

// Carries calls to a service, in this process or another. Thread safe.
class RpcChannel {
 public:
  virtual ~RpcChannel() = default;
  // `method` as in RpcMethod::name. Of the context, deadline and request_id reach the handler; the
  // caller that it sees is the channel's own identity. Returns the handler's status;
  // DeadlineExceeded or Unavailable where none was got. Unimplemented: nobody serves the method.
  virtual absl::Status Call(const CallContext& context, absl::string_view method,
                            const google::protobuf::Message& request,
                            google::protobuf::Message* response) = 0;
};

}  // namespace tam::runtime

#endif  // TAMARACK_SERVICES_RUNTIME_RPC_H_

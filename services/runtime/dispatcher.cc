#include "services/runtime/dispatcher.h"

#include <exception>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "absl/time/clock.h"
#include "google/protobuf/descriptor.h"
#include "services/runtime/authorization.h"
#include "services/runtime/fault_point.h"
#include "services/runtime/log.h"
#include "services/runtime/page_token.h"

namespace tam::runtime {
namespace {

// Catches what a handler must not throw, so that one fault never takes the process down.
absl::Status Guarded(const RpcMethod& method, const CallContext& context,
                     const google::protobuf::Message& request,
                     google::protobuf::Message& response) {
  const FaultScope scope(MethodOfPath(method.name));
  PassFaultPoint(FaultPlace::kServe, FaultScope::Method(), FaultMoment::kBefore);
  try {
    absl::Status status = method.call(context, request, response);
    PassFaultPoint(FaultPlace::kServe, FaultScope::Method(), FaultMoment::kAfter);
    return status;
  } catch (const std::exception& e) {
    return absl::InternalError(absl::StrCat("exception: ", e.what()));
  }
}

// With page tokens opened and sealed around the handler.
absl::Status RunPage(const RpcMethod& method, const CallContext& context,
                     const google::protobuf::Message& request,
                     google::protobuf::Message& response) {
  auto opened = OpenPageToken(context, method.name, request);
  if (!opened.ok()) return opened.status();
  absl::Status status = Guarded(method, context, *opened == nullptr ? request : **opened, response);
  if (status.ok()) SealPageToken(context, method.name, request, response);
  return status;
}

// What went wrong inside is for the log, not for the caller.
absl::Status Conceal(const CallContext& context, absl::string_view method,
                     const absl::Status& status) {
  Log(Severity::kError, "rpc.internal",
      {{"method", method}, {"request_id", context.request_id}, {"status", status.ToString()}});
  return absl::InternalError(absl::StrCat("internal error, request ", context.request_id));
}

absl::Status CheckSize(absl::string_view what, const google::protobuf::Message& message) {
  const size_t size = message.ByteSizeLong();
  if (size <= static_cast<size_t>(kMaxRpcMessageBytes)) return absl::OkStatus();
  return absl::ResourceExhaustedError(
      absl::StrCat(what, ": want at most ", kMaxRpcMessageBytes, " bytes, got ", size));
}

}  // namespace

Dispatcher::Dispatcher(AuditSink& audit, const Options& options)
    : audit_(audit), refusals_(options.refusals), now_(options.now ? options.now : absl::Now) {}

absl::Status Dispatcher::Add(const ServiceBinding& binding) {
  const google::protobuf::ServiceDescriptor* service =
      google::protobuf::DescriptorPool::generated_pool()->FindServiceByName(binding.service());
  if (service == nullptr) {
    return absl::InvalidArgumentError(absl::StrCat("binding: no service ", binding.service()));
  }
  for (const RpcMethod& method : binding.methods()) {
    absl::string_view name = method.name;
    absl::ConsumePrefix(&name, absl::StrCat("/", binding.service(), "/"));
    const google::protobuf::MethodDescriptor* described =
        service->FindMethodByName(std::string(name));
    if (described == nullptr || described->input_type() != method.new_request()->GetDescriptor() ||
        described->output_type() != method.new_response()->GetDescriptor()) {
      return absl::InvalidArgumentError(absl::StrCat("binding: no method ", method.name));
    }
    if (!methods_.emplace(method.name, method).second) {
      return absl::AlreadyExistsError(absl::StrCat("binding: twice ", method.name));
    }
  }
  if (static_cast<int>(binding.methods().size()) != service->method_count()) {
    return absl::InvalidArgumentError(absl::StrCat("binding: ", binding.service(), ": want ",
                                                   service->method_count(), " methods, got ",
                                                   binding.methods().size()));
  }
  return absl::OkStatus();
}

absl::Status Dispatcher::Run(const CallContext& context, absl::string_view method,
                             const google::protobuf::Message& request,
                             google::protobuf::Message& response) {
  const auto found = methods_.find(method);
  if (found == methods_.end()) return absl::UnimplementedError(absl::StrCat("no ", method));
  return RunMethod(context, found->second, request, response);
}

absl::StatusOr<std::string> Dispatcher::RunBytes(const CallContext& context,
                                                 absl::string_view method,
                                                 absl::string_view request) {
  const auto found = methods_.find(method);
  if (found == methods_.end()) return absl::UnimplementedError(absl::StrCat("no ", method));
  std::unique_ptr<google::protobuf::Message> message = found->second.new_request();
  if (!RoleMayCall(context.caller, method)) {
    return Refuse(context, method, *message, Authorize(context.caller, method, *message));
  }
  if (!message->ParseFromArray(request.data(), static_cast<int>(request.size()))) {
    return absl::InvalidArgumentError(
        absl::StrCat("request: want a ", message->GetTypeName(), ", got other bytes"));
  }
  std::unique_ptr<google::protobuf::Message> response = found->second.new_response();
  absl::Status status = RunMethod(context, found->second, *message, *response);
  if (!status.ok()) return status;
  return response->SerializeAsString();
}

absl::Status Dispatcher::RunMethod(const CallContext& context, const RpcMethod& method,
                                   const google::protobuf::Message& request,
                                   google::protobuf::Message& response) {
  absl::Status status = Authorize(context.caller, method.name, request);
  if (status.ok() && now_() >= context.deadline) {
    return absl::DeadlineExceededError("deadline: passed before the call began");
  }
  if (status.ok()) status = RunPage(method, context, request, response);
  if (absl::IsPermissionDenied(status)) return Refuse(context, method.name, request, status);
  if (absl::IsInternal(status) || absl::IsUnknown(status)) {
    return Conceal(context, method.name, status);
  }
  return status;
}

absl::Status Dispatcher::Refuse(const CallContext& context, absl::string_view method,
                                const google::protobuf::Message& request,
                                const absl::Status& reason) {
  if (!refusals_.Take(context.caller.spiffe_id(), now_())) {
    return absl::ResourceExhaustedError("caller: too many refused calls, try again later");
  }
  const absl::Status kept = audit_.RecordDenial(
      Denial{context, method, ResourceOf(request), std::string(reason.message())});
  if (!kept.ok()) {
    Log(Severity::kError, "audit.denial_not_kept",
        {{"method", method},
         {"role", RoleName(context.caller.role())},
         {"tenant", context.caller.tenant()},
         {"request_id", context.request_id},
         {"status", kept.ToString()}});
  }
  return reason;
}

absl::Status LocalChannel::Call(const CallContext& context, absl::string_view method,
                                const google::protobuf::Message& request,
                                google::protobuf::Message* response) {
  PassFaultPoint(FaultPlace::kCall, MethodOfPath(method), FaultMoment::kBefore);
  absl::Status status = CheckSize("request", request);
  if (status.ok()) {
    status = dispatcher_.Run(CallContext{self_, context.deadline, context.request_id}, method,
                             request, *response);
  }
  if (status.ok()) status = CheckSize("response", *response);
  PassFaultPoint(FaultPlace::kCall, MethodOfPath(method), FaultMoment::kAfter);
  return status;
}

}  // namespace tam::runtime

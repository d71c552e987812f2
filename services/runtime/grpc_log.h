#ifndef TAMARACK_SERVICES_RUNTIME_GRPC_LOG_H_
#define TAMARACK_SERVICES_RUNTIME_GRPC_LOG_H_

namespace tam::runtime {

// From now on what gRPC has to say stands in our log, as events "grpc". Thread safe; the first call
// counts.
void TakeOverGrpcLog();

}  // namespace tam::runtime

#endif  // TAMARACK_SERVICES_RUNTIME_GRPC_LOG_H_

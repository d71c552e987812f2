// All generated services in one translation unit: gRPC's headers, the greater part of each, are
// then read once.
#include "proto/tam/v1/attestation.grpc.pb.cc"
#include "proto/tam/v1/attestation_session.grpc.pb.cc"
#include "proto/tam/v1/audit.grpc.pb.cc"
#include "proto/tam/v1/catalog.grpc.pb.cc"
#include "proto/tam/v1/catalog_session.grpc.pb.cc"
#include "proto/tam/v1/registry.grpc.pb.cc"
#include "proto/tam/v1/registry_session.grpc.pb.cc"
#include "proto/tam/v1/signing.grpc.pb.cc"
#include "proto/tam/v1/signing_session.grpc.pb.cc"

// A replica of service/registry in a process of its own, to be killed and stopped.
//
//   replica PORT CA CERTIFICATE KEY READY_FILE NAME
//
// Writes "host:port" to READY_FILE when it listens, puts NAME into every answer, and runs until it
// is ended. PORT 0: any.

#include <pthread.h>

#include <csignal>
#include <cstdio>
#include <fstream>
#include <iostream>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "services/clients/testing/fake_services.h"
#include "services/runtime/rpc_server.h"

namespace tam::clients::testing {
namespace {

int Run(char** argv) {
  FakeServices services;
  services.SetName(argv[6]);
  runtime::Dispatcher dispatcher(services);
  if (absl::Status added = services.AddTo(dispatcher); !added.ok()) return 1;
  runtime::RpcServer::Options options;
  options.listen = absl::StrCat("127.0.0.1:", argv[1]);
  options.trust_domain = "tamarack.example";
  auto tls = runtime::TlsFiles::Open({argv[2], argv[3], argv[4]});
  if (!tls.ok()) return 1;
  options.tls = *std::move(tls);
  auto server = runtime::RpcServer::Start(options, dispatcher);
  if (!server.ok()) {
    std::cerr << server.status() << std::endl;
    return 1;
  }
  const std::string ready = argv[5];
  std::ofstream(ready + ".new") << "127.0.0.1:" << (*server)->port();
  std::rename((ready + ".new").c_str(), ready.c_str());
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  int signal = 0;
  sigwait(&signals, &signal);
  (*server)->Drain(absl::Now() + absl::Seconds(5));
  return 0;
}

}  // namespace
}  // namespace tam::clients::testing

int main(int argc, char** argv) {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  return argc == 7 ? tam::clients::testing::Run(argv) : 2;
}

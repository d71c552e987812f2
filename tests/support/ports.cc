#include "tests/support/ports.h"

#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstddef>
#include <cstring>
#include <random>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"

namespace tam::testing {
namespace {

constexpr int kFirst = 15000;
constexpr int kLast = 32000;  // net.ipv4.ip_local_port_range begins at 32768.

// A socket with an abstract name: the kernel frees it with its last descriptor. -1 if it is taken.
int Hold(int port) {
  const std::string name = absl::StrCat("tamarack-test-port-", port);
  sockaddr_un address = {};
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path + 1, name.data(), name.size());
  const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + 1 + name.size());
  const int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (fd >= 0 && bind(fd, reinterpret_cast<const sockaddr*>(&address), size) == 0) return fd;
  if (fd >= 0) close(fd);
  return -1;
}

bool IsFree(int port) {
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(static_cast<uint16_t>(port));
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return false;
  const int on = 1;
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
  const bool free = bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0;
  close(fd);
  return free;
}

}  // namespace

PortReservations::~PortReservations() {
  for (const int fd : held_) close(fd);
}

absl::StatusOr<int> PortReservations::Take() {
  std::random_device seed;
  std::uniform_int_distribution<int> any(kFirst, kLast);
  for (int attempt = 0; attempt < 1000; ++attempt) {
    const int port = any(seed);
    const int fd = Hold(port);
    if (fd < 0) continue;
    if (IsFree(port)) {
      held_.push_back(fd);
      return port;
    }
    close(fd);
  }
  return absl::ResourceExhaustedError("ports: want a free one of 127.0.0.1, found none");
}

}  // namespace tam::testing

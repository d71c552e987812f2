#include "tests/conformance/raw_http.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <optional>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_split.h"

namespace tam::conformance {
namespace {

constexpr int kTimeoutSeconds = 20;

class Socket {
 public:
  Socket() : fd_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {}
  ~Socket() { close(fd_); }
  Socket(const Socket&) = delete;
  Socket& operator=(const Socket&) = delete;
  int fd() const { return fd_; }

 private:
  const int fd_;
};

absl::Status Connect(int fd, int port) {
  const timeval timeout{kTimeoutSeconds, 0};
  setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof timeout);
  setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof timeout);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0) {
    return absl::OkStatus();
  }
  return absl::UnavailableError("cannot connect");
}

// A server that refuses need not read it all: what it says is read all the same.
void Send(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t n = send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (n <= 0) return;
    bytes.remove_prefix(static_cast<size_t>(n));
  }
}

// Takes a whole reply off the front; nullopt when more has to come.
absl::StatusOr<std::optional<RawReply>> TakeReply(std::string& bytes) {
  const size_t end = bytes.find("\r\n\r\n");
  if (end == std::string::npos) return std::nullopt;
  const std::vector<std::string> lines = absl::StrSplit(bytes.substr(0, end), "\r\n");
  RawReply reply;
  reply.version = lines[0].substr(0, lines[0].find(' '));
  if ((reply.version != "HTTP/1.1" && reply.version != "HTTP/1.0") || lines[0].size() < 12 ||
      !absl::SimpleAtoi(lines[0].substr(9, 3), &reply.status)) {
    return absl::InvalidArgumentError("no status line: " + lines[0]);
  }
  for (size_t i = 1; i < lines.size(); ++i) {
    const std::vector<std::string> field = absl::StrSplit(lines[i], absl::MaxSplits(": ", 1));
    if (field.size() != 2) return absl::InvalidArgumentError("no header field: " + lines[i]);
    reply.headers[absl::AsciiStrToLower(field[0])] = field[1];
  }
  size_t length = 0;
  const auto stated = reply.headers.find("content-length");
  if (stated != reply.headers.end() && !absl::SimpleAtoi(stated->second, &length)) {
    return absl::InvalidArgumentError("no length: " + stated->second);
  }
  if (bytes.size() < end + 4 + length) return std::nullopt;
  reply.body = bytes.substr(end + 4, length);
  bytes.erase(0, end + 4 + length);
  return reply;
}

}  // namespace

absl::StatusOr<std::vector<RawReply>> Exchange(int port, std::string_view bytes, size_t replies) {
  const Socket socket;
  if (absl::Status status = Connect(socket.fd(), port); !status.ok()) return status;
  Send(socket.fd(), bytes);
  std::vector<RawReply> all;
  std::string read;
  char buffer[1 << 16];
  while (all.size() < replies) {
    absl::StatusOr<std::optional<RawReply>> reply = TakeReply(read);
    if (!reply.ok()) return reply.status();
    if (reply->has_value()) {
      all.push_back(**std::move(reply));
      continue;
    }
    const ssize_t n = recv(socket.fd(), buffer, sizeof buffer, 0);
    if (n == 0) break;
    if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
      return absl::DeadlineExceededError("no reply");
    }
    if (n < 0) return absl::UnavailableError("the connection failed");
    read.append(buffer, static_cast<size_t>(n));
  }
  return all;
}

}  // namespace tam::conformance

#include "tests/faults/fleet/flood.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <mutex>
#include <string>
#include <thread>

#include "absl/status/status.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"

namespace tam::testing {
namespace {

// A connection serves so many POSTs before its source opens another.
constexpr int64_t kPostsOfAConnection = 512;

// One connection. Not thread safe.
class FloodConnection {
 public:
  ~FloodConnection() {
    if (fd_ >= 0) close(fd_);
  }

  absl::Status Open(const teepsim::Url& url, int source) {
    fd_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in from{};
    from.sin_family = AF_INET;
    from.sin_addr.s_addr = htonl(0x7f4d0001u + static_cast<uint32_t>(source));  // 127.77.0.1 on
    sockaddr_in to{};
    to.sin_family = AF_INET;
    int port = 0;
    if (!absl::SimpleAtoi(url.port, &port) ||
        inet_pton(AF_INET, url.host.c_str(), &to.sin_addr) != 1) {
      return absl::InvalidArgumentError("flood: want an IPv4 address and a port");
    }
    to.sin_port = htons(static_cast<uint16_t>(port));
    const timeval timeout{.tv_sec = 30, .tv_usec = 0};
    setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout));
    if (bind(fd_, reinterpret_cast<sockaddr*>(&from), sizeof(from)) != 0 ||
        connect(fd_, reinterpret_cast<sockaddr*>(&to), sizeof(to)) != 0) {
      return absl::UnavailableError("flood: connect");
    }
    request_ = absl::StrCat("POST ", url.target, " HTTP/1.1\r\nHost: ", url.host, ":", url.port,
                            "\r\nAccept: application/teep+cbor\r\nContent-Length: 0\r\n\r\n");
    return absl::OkStatus();
  }

  absl::Status Send(int64_t posts) {
    std::string bytes;
    for (int64_t i = 0; i < posts; ++i) bytes += request_;
    for (size_t sent = 0; sent < bytes.size();) {
      const ssize_t n = send(fd_, bytes.data() + sent, bytes.size() - sent, MSG_NOSIGNAL);
      if (n <= 0) return absl::UnavailableError("flood: send");
      sent += static_cast<size_t>(n);
    }
    return absl::OkStatus();
  }

  // The status of the next answer.
  absl::StatusOr<int> Receive() {
    size_t end;
    while ((end = buffer_.find("\r\n\r\n")) == std::string::npos) {
      if (!Fill()) return absl::UnavailableError("flood: the connection ended");
    }
    const std::string head = buffer_.substr(0, end);
    int status = 0;
    size_t length = 0;
    const size_t field = head.find("Content-Length: ");
    if (head.size() < 12 || !absl::SimpleAtoi(head.substr(9, 3), &status) ||
        (field != std::string::npos &&
         !absl::SimpleAtoi(head.substr(field + 16, head.find("\r\n", field) - field - 16),
                           &length))) {
      return absl::UnavailableError(absl::StrCat("flood: no HTTP answer: ", head));
    }
    while (buffer_.size() < end + 4 + length) {
      if (!Fill()) return absl::UnavailableError("flood: the connection ended");
    }
    buffer_.erase(0, end + 4 + length);
    return status;
  }

 private:
  bool Fill() {
    char bytes[1 << 14];
    const ssize_t n = recv(fd_, bytes, sizeof(bytes), 0);
    if (n > 0) buffer_.append(bytes, static_cast<size_t>(n));
    return n > 0;
  }

  int fd_ = -1;
  std::string request_;
  std::string buffer_;
};

using Statuses = std::map<int, int64_t>;

absl::Status FloodOnce(const FloodOptions& options, int64_t connection_number, int64_t posts,
                       Statuses& statuses) {
  FloodConnection connection;
  const size_t number = static_cast<size_t>(connection_number);
  auto status = connection.Open(options.urls[number % options.urls.size()],
                                static_cast<int>(connection_number % options.sources));
  while (status.ok() && posts > 0) {
    const int64_t together = std::min<int64_t>(posts, options.pipeline);
    status = connection.Send(together);
    for (int64_t i = 0; status.ok() && i < together; ++i) {
      const auto answer = connection.Receive();
      if (!answer.ok()) return answer.status();
      ++statuses[*answer];
    }
    posts -= together;
  }
  return status;
}

}  // namespace

absl::StatusOr<std::map<int, int64_t>> Flood(const FloodOptions& options) {
  std::atomic<int64_t> next{0};
  std::mutex mutex;
  Statuses all;
  absl::Status failure;
  std::vector<std::thread> threads;
  for (int i = 0; i < options.threads; ++i) {
    threads.emplace_back([&] {
      Statuses statuses;
      absl::Status status;
      for (int64_t n; status.ok() && (n = next++) * kPostsOfAConnection < options.posts;) {
        const int64_t left = options.posts - n * kPostsOfAConnection;
        status = FloodOnce(options, n, std::min(left, kPostsOfAConnection), statuses);
      }
      std::lock_guard lock(mutex);
      for (const auto& [code, count] : statuses) all[code] += count;
      if (!status.ok()) failure = status;
    });
  }
  for (std::thread& thread : threads) thread.join();
  if (!failure.ok()) return failure;
  return all;
}

}  // namespace tam::testing

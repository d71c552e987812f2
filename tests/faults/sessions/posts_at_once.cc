#include "tests/faults/sessions/posts_at_once.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/time/clock.h"

namespace tam::testing {
namespace {

absl::Status SystemError(absl::string_view what) {
  return absl::UnavailableError(absl::StrCat(what, ": ", strerror(errno)));
}

absl::StatusOr<sockaddr_in> ParseAddress(const std::string& address) {
  const std::pair<std::string, std::string> parts = absl::StrSplit(address, ':');
  sockaddr_in out = {};
  out.sin_family = AF_INET;
  uint32_t port = 0;
  if (inet_pton(AF_INET, parts.first.c_str(), &out.sin_addr) != 1 ||
      !absl::SimpleAtoi(parts.second, &port) || port == 0 || port > 65535) {
    return absl::InvalidArgumentError(
        absl::StrCat("address: want IPv4:port, got \"", address, "\""));
  }
  out.sin_port = htons(static_cast<uint16_t>(port));
  return out;
}

// One connection and what has passed over it. Moves only; closes its socket.
class Exchange {
 public:
  Exchange() = default;
  Exchange(Exchange&& other) noexcept
      : socket_(std::exchange(other.socket_, -1)),
        request_(std::move(other.request_)),
        received_(std::move(other.received_)) {}
  ~Exchange() {
    if (socket_ >= 0) close(socket_);
  }

  absl::Status Connect(const std::string& address, std::string request) {
    const absl::StatusOr<sockaddr_in> at = ParseAddress(address);
    if (!at.ok()) return at.status();
    request_ = std::move(request);
    socket_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (socket_ < 0) return SystemError("socket");
    if (connect(socket_, reinterpret_cast<const sockaddr*>(&*at), sizeof(*at)) != 0) {
      return SystemError(absl::StrCat("connect ", address));
    }
    const int on = 1;
    setsockopt(socket_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    return absl::OkStatus();
  }

  // A request is far smaller than a socket's buffer, so this does not wait for the server.
  absl::Status SendAll() {
    std::string_view rest = request_;
    while (!rest.empty()) {
      const ssize_t n = send(socket_, rest.data(), rest.size(), MSG_NOSIGNAL);
      if (n <= 0) return SystemError("send");
      rest.remove_prefix(static_cast<size_t>(n));
    }
    return absl::OkStatus();
  }
  void EndSending() { shutdown(socket_, SHUT_WR); }

  pollfd WaitForReading() const { return {socket_, POLLIN, 0}; }

  // After poll said so. False when nothing more will come.
  bool Receive() {
    char buffer[16384];
    const ssize_t n = recv(socket_, buffer, sizeof(buffer), 0);
    if (n <= 0) return false;
    received_.append(buffer, static_cast<size_t>(n));
    return true;
  }

  RawReply ToReply() const {
    RawReply reply;
    const size_t end = received_.find("\r\n\r\n");
    const std::vector<std::string> words =
        absl::StrSplit(received_.substr(0, received_.find("\r\n")), ' ');
    if (end == std::string::npos || words.size() < 2 ||
        !absl::SimpleAtoi(words[1], &reply.status)) {
      reply.status = 0;
      return reply;
    }
    reply.body = received_.substr(end + 4);
    return reply;
  }

 private:
  int socket_ = -1;
  std::string request_;
  std::string received_;
};

// Reads until every server has closed.
absl::StatusOr<std::vector<RawReply>> ReceiveAll(std::vector<Exchange>& exchanges, absl::Time start,
                                                 absl::Duration timeout) {
  std::vector<RawReply> replies(exchanges.size());
  std::vector<pollfd> waiting;
  for (const Exchange& exchange : exchanges) waiting.push_back(exchange.WaitForReading());
  size_t open = waiting.size();
  while (open > 0) {
    const absl::Duration left = start + timeout - absl::Now();
    const int ready = poll(waiting.data(), waiting.size(),
                           static_cast<int>(std::max<int64_t>(absl::ToInt64Milliseconds(left), 0)));
    if (ready < 0 && errno != EINTR) return SystemError("poll");
    if (ready == 0) {
      return absl::DeadlineExceededError(
          absl::StrCat("replies: want ", waiting.size(), ", ", open, " are missing"));
    }
    for (size_t i = 0; i < waiting.size(); ++i) {
      if (waiting[i].fd < 0 || waiting[i].revents == 0 || exchanges[i].Receive()) continue;
      replies[i] = exchanges[i].ToReply();
      replies[i].after = absl::Now() - start;
      waiting[i].fd = -1;
      --open;
    }
  }
  return replies;
}

}  // namespace

std::string RequestBytes(const Post& post) {
  return absl::StrCat("POST ", post.path, " HTTP/1.1\r\nHost: ", post.address,
                      "\r\nAccept: application/teep+cbor\r\n"
                      "Content-Type: application/teep+cbor\r\nConnection: close\r\n"
                      "Content-Length: ",
                      post.body.size(), "\r\n\r\n", post.body);
}

absl::StatusOr<std::vector<RawReply>> PostAtOnce(const std::vector<Post>& posts,
                                                 absl::Duration timeout) {
  std::vector<Exchange> exchanges(posts.size());
  for (size_t i = 0; i < posts.size(); ++i) {
    const absl::Status connected = exchanges[i].Connect(posts[i].address, RequestBytes(posts[i]));
    if (!connected.ok()) return connected;
  }
  const absl::Time start = absl::Now();
  for (Exchange& exchange : exchanges) {
    if (absl::Status sent = exchange.SendAll(); !sent.ok()) return sent;
  }
  return ReceiveAll(exchanges, start, timeout);
}

absl::StatusOr<RawReply> PostCutShort(const Post& post, size_t length, absl::Duration timeout) {
  std::vector<Exchange> exchanges(1);
  const absl::Time start = absl::Now();
  absl::Status sent = exchanges[0].Connect(post.address, RequestBytes(post).substr(0, length));
  if (sent.ok()) sent = exchanges[0].SendAll();
  if (!sent.ok()) return sent;
  exchanges[0].EndSending();
  absl::StatusOr<std::vector<RawReply>> replies = ReceiveAll(exchanges, start, timeout);
  if (!replies.ok()) return replies.status();
  return replies->front();
}

}  // namespace tam::testing

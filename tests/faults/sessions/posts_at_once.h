// Many HTTP requests at the same moment: every connection stands before the first byte is sent.
#ifndef TAMARACK_TESTS_FAULTS_SESSIONS_POSTS_AT_ONCE_H_
#define TAMARACK_TESTS_FAULTS_SESSIONS_POSTS_AT_ONCE_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"

namespace tam::testing {

// One request: POST of `body` to `path` of the server at `address` (127.0.0.1:port).
struct Post {
  std::string address;
  std::string path;
  std::string body;
};

struct RawReply {
  // 0: the connection ended without a whole reply.
  int status = 0;
  std::string body;
  // When its last byte came, since the requests were sent.
  absl::Duration after;
};

// Sends each over a connection of its own; replies in the order of `posts`. Opens all connections,
// then sends all requests, then reads. Unavailable when a connection cannot be made,
// DeadlineExceeded when replies are missing after `timeout`.
absl::StatusOr<std::vector<RawReply>> PostAtOnce(const std::vector<Post>& posts,
                                                 absl::Duration timeout = absl::Seconds(60));

// Sends the first `length` bytes of one request, then ends the sending side, and reads what comes
// until the server closes.
absl::StatusOr<RawReply> PostCutShort(const Post& post, size_t length,
                                      absl::Duration timeout = absl::Seconds(10));

// The whole request as PostAtOnce and PostCutShort send it; the connection is not kept.
std::string RequestBytes(const Post& post);

}  // namespace tam::testing

#endif  // TAMARACK_TESTS_FAULTS_SESSIONS_POSTS_AT_ONCE_H_

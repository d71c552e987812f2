// One connection of the HTTP server, plain or TLS. Only for http_server.cc.
#ifndef TAMARACK_SERVICES_GATEWAY_HTTP_CONNECTION_H_
#define TAMARACK_SERVICES_GATEWAY_HTTP_CONNECTION_H_

#include <array>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "absl/strings/string_view.h"
#include "boost/beast/core/flat_buffer.hpp"
#include "boost/beast/http.hpp"
#include "crypto/tls/stream.h"
#include "services/gateway/admission.h"
#include "services/gateway/dropped.h"
#include "services/gateway/http_binding.h"
#include "services/gateway/http_head.h"
#include "services/gateway/http_server.h"

namespace tam::gateway {

// Lives as long as an operation of its own is under way. All functions run on the strand of its
// stream, except where said otherwise.
class HttpConnection : public std::enable_shared_from_this<HttpConnection> {
 public:
  // `waits` is told when a reply begins to be under way (false), and when it is no longer (true);
  // `closed` when nothing is left of the connection.
  //
  // Answers a whole request later, by calling `done` from any thread, and returns true; or returns
  // false and drops it.
  using Dispatch = std::function<bool(HttpRequest, std::function<void(HttpReply)> done)>;

  HttpConnection(tls::Stream stream, std::string source, Admission::Ticket ticket,
                 const HttpServerConfig& config, Dispatch dispatch,
                 std::function<void(HttpConnection*, bool)> waits,
                 std::function<void(HttpConnection*)> closed);

  void Serve();          // from any thread, once
  void Refuse();         // instead of Serve, where it is plain: 503 and close
  void CloseWhenIdle();  // from any thread
  // Ends, unless a reply is under way by now. From any thread.
  void MakeRoom();

 private:
  using Parser = boost::beast::http::request_parser<boost::beast::http::dynamic_body>;
  using Error = boost::beast::error_code;

  // http_connection.cc: in comes a request.
  void Handshake();
  void AwaitRequest();
  void ReadHead();
  void ReadSome(size_t most, std::function<void()> next, Dropped slow);
  void ParseHead();
  void OnHead();
  void AwaitBody();
  void ReadBody();
  void OnRequest();
  HttpRequest TakeHead() const;
  void RefuseMalformed(Error error);

  // http_connection_reply.cc: out goes a reply, and the end.
  void Reply(HttpReply reply, bool close);
  void Compose(HttpReply reply, bool keep_alive);
  void OnWritten(Error error);
  void Close();
  void CloseTcp();
  void Linger();

  void SetWaits(bool waits);
  void ExpireAfter(absl::Duration time);
  void Count(Dropped reason) const;

  struct Farewell {
    ~Farewell() { tell(who); }
    const std::function<void(HttpConnection*)> tell;
    HttpConnection* const who;
  };
  // First, so that it goes last: when it tells, socket and ticket have been given back.
  const Farewell farewell_;
  tls::Stream stream_;
  const std::string source_;
  Admission::Ticket ticket_;
  const HttpServerConfig& config_;
  const Dispatch dispatch_;
  const std::function<void(HttpConnection*, bool)> tell_waits_;
  boost::beast::flat_buffer buffer_;
  HeadScanner scanner_;
  std::optional<Parser> parser_;
  HttpRequest head_;
  boost::beast::http::response<boost::beast::http::string_body> response_;
  std::array<char, 4096> discard_;
  size_t requests_ = 0;
  // Of the request whose reply is under way, for fault points; empty: the engine is not asked.
  absl::string_view answering_;
  bool waits_ = true;         // for its peer, and not its peer for a reply
  bool gives_way_ = false;    // closed to make room
  bool idle_ = false;         // nothing of a request has come yet
  bool close_after_ = false;  // after the reply under way
  bool stopping_ = false;
};

}  // namespace tam::gateway

#endif  // TAMARACK_SERVICES_GATEWAY_HTTP_CONNECTION_H_

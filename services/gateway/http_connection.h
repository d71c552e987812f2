// One connection of the HTTP server. Only for http_server.cc.
#ifndef TAMARACK_SERVICES_GATEWAY_HTTP_CONNECTION_H_
#define TAMARACK_SERVICES_GATEWAY_HTTP_CONNECTION_H_

#include <array>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "boost/asio/ip/tcp.hpp"
#include "boost/beast/core/flat_buffer.hpp"
#include "boost/beast/core/tcp_stream.hpp"
#include "boost/beast/http.hpp"
#include "services/gateway/http_binding.h"
#include "services/gateway/http_server.h"

namespace tam::gateway {

// Lives as long as an operation of its own is under way. All functions run on the strand of its
// stream, except where said otherwise.
class HttpConnection : public std::enable_shared_from_this<HttpConnection> {
 public:
  // Answers a whole request later, by calling `done` from any thread, and returns true; or returns
  // false and drops it.
  using Dispatch = std::function<bool(HttpRequest, std::function<void(HttpReply)> done)>;

  HttpConnection(boost::asio::ip::tcp::socket socket, const HttpServerConfig& config,
                 Dispatch dispatch, std::function<void(HttpConnection*)> closed);
  ~HttpConnection();

  void Serve();          // from any thread, once
  void Refuse();         // instead of Serve: 503 and close
  void CloseWhenIdle();  // from any thread

 private:
  using Request = boost::beast::http::request_parser<boost::beast::http::string_body>;
  using Error = boost::beast::error_code;

  void ReadHeader();
  void OnHeader(Error error);
  void ReadBody();
  void OnBody(Error error);
  void RefuseMalformed(Error error);
  void Reply(HttpReply reply, bool close);
  void OnWritten(Error error);
  void Linger();
  HttpRequest TakeRequest();

  boost::beast::tcp_stream stream_;
  const HttpServerConfig& config_;
  const Dispatch dispatch_;
  const std::function<void(HttpConnection*)> closed_;
  std::string source_;
  boost::beast::flat_buffer buffer_;
  std::optional<Request> parser_;
  boost::beast::http::response<boost::beast::http::string_body> response_;
  std::array<char, 4096> discard_;
  bool idle_ = false;         // waiting for the first byte of a request
  bool close_after_ = false;  // after the reply under way
  bool stopping_ = false;
};

}  // namespace tam::gateway

#endif  // TAMARACK_SERVICES_GATEWAY_HTTP_CONNECTION_H_

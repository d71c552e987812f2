// HttpClient on Boost.Beast. Beast's timers work on asynchronous operations alone, so each step is
// started and its io_context run until it is done.
#include <utility>

#include "absl/strings/ascii.h"
#include "boost/asio/connect.hpp"
#include "boost/asio/io_context.hpp"
#include "boost/asio/ip/tcp.hpp"
#include "boost/beast/core.hpp"
#include "boost/beast/http.hpp"
#include "boost/beast/version.hpp"
#include "crypto/text/text.h"
#include "tools/teepsim/status_macros.h"
#include "tools/teepsim/transport.h"

namespace tam::teepsim {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;

namespace {

constexpr char kMediaType[] = "application/teep+cbor";

absl::Status Unavailable(const Url& url, std::string_view step, const beast::error_code& error) {
  return absl::UnavailableError(Concat(url.host, ":", url.port, ": ", step, ": ", error.message()));
}

http::request<http::string_body> MakeRequest(bool post, const Url& url, std::string_view body) {
  http::request<http::string_body> request(post ? http::verb::post : http::verb::get, url.target,
                                           11);
  const bool ipv6 = url.host.find(':') != std::string::npos;
  request.set(http::field::host, Concat(ipv6 ? "[" : "", url.host, ipv6 ? "]:" : ":", url.port));
  request.set(http::field::user_agent, "teepsim");
  if (post) {
    request.set(http::field::accept, kMediaType);
    if (!body.empty()) request.set(http::field::content_type, kMediaType);
    request.body() = std::string(body);
    request.prepare_payload();
  }
  return request;
}

HttpReply ToReply(http::response<http::string_body> response) {
  HttpReply reply;
  reply.status = response.result_int();
  for (const auto& field : response) {
    const auto name = field.name_string();
    const auto value = field.value();
    reply.headers[absl::AsciiStrToLower(absl::string_view(name.data(), name.size()))] =
        std::string(value.data(), value.size());
  }
  reply.body = std::move(response.body());
  return reply;
}

}  // namespace

struct HttpClient::Connection {
  asio::io_context context;
  beast::tcp_stream stream{context};
  beast::flat_buffer buffer;
  std::string peer;
  bool used = false;

  // Runs what was started, until it is done.
  void Finish() {
    context.restart();
    context.run();
  }
};

HttpClient::HttpClient(Options options) : options_(options) {}
HttpClient::~HttpClient() = default;

absl::StatusOr<HttpReply> HttpClient::Post(const Url& url, std::string_view body) {
  return Send(true, url, body);
}

absl::StatusOr<HttpReply> HttpClient::Get(const Url& url) { return Send(false, url, ""); }

// A connection that the server closed since its last use is opened anew, once.
absl::StatusOr<HttpReply> HttpClient::Send(bool post, const Url& url, std::string_view body) {
  const std::string peer = Concat(url.host, " ", url.port);
  if (connection_ != nullptr && connection_->peer != peer) connection_.reset();
  const bool reused = connection_ != nullptr && connection_->used;
  absl::StatusOr<HttpReply> reply = TryOnce(post, url, body);
  if (!reply.ok()) connection_.reset();
  if (!reply.ok() && reused) {
    reply = TryOnce(post, url, body);
    if (!reply.ok()) connection_.reset();
  }
  return reply;
}

absl::StatusOr<HttpReply> HttpClient::TryOnce(bool post, const Url& url, std::string_view body) {
  beast::error_code error;
  const auto timeout = absl::ToChronoMilliseconds(options_.timeout);
  if (connection_ == nullptr) {
    auto connection = std::make_unique<Connection>();
    connection->peer = Concat(url.host, " ", url.port);
    asio::ip::tcp::resolver resolver(connection->context);
    const auto endpoints = resolver.resolve(url.host, url.port, error);
    if (error) return Unavailable(url, "resolve", error);
    connection->stream.expires_after(timeout);
    connection->stream.async_connect(
        endpoints, [&error](beast::error_code e, const asio::ip::tcp::endpoint&) { error = e; });
    connection->Finish();
    if (error) return Unavailable(url, "connect", error);
    connection->stream.socket().set_option(asio::ip::tcp::no_delay(true), error);
    connection_ = std::move(connection);
  }
  Connection& connection = *connection_;
  const auto request = MakeRequest(post, url, body);
  const auto done = [&error](beast::error_code e, size_t) { error = e; };
  connection.stream.expires_after(timeout);
  http::async_write(connection.stream, request, done);
  connection.Finish();
  if (error) return Unavailable(url, "send", error);
  http::response_parser<http::string_body> parser;
  parser.body_limit(options_.max_body_bytes);
  http::async_read_header(connection.stream, connection.buffer, parser, done);
  connection.Finish();
  if (error) return Unavailable(url, "receive", error);
  // The parser of Boost 1.74 does not hold a response's Content-Length against its limit.
  if (parser.content_length().value_or(0) > options_.max_body_bytes) {
    return Unavailable(url, "receive", http::make_error_code(http::error::body_limit));
  }
  http::async_read(connection.stream, connection.buffer, parser, done);
  connection.Finish();
  if (error) return Unavailable(url, "receive", error);
  connection.used = true;
  const bool keep_alive = parser.get().keep_alive();
  HttpReply reply = ToReply(parser.release());
  if (!keep_alive) connection_.reset();
  return reply;
}

}  // namespace tam::teepsim

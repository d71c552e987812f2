// HttpClient on Boost.Beast. Beast's timers work on asynchronous operations alone, so each step is
// started and its io_context run until it is done.
#include <fstream>
#include <iterator>
#include <utility>

#include "absl/strings/ascii.h"
#include "boost/asio/connect.hpp"
#include "boost/asio/io_context.hpp"
#include "boost/asio/ip/tcp.hpp"
#include "boost/beast/core.hpp"
#include "boost/beast/http.hpp"
#include "boost/beast/version.hpp"
#include "crypto/text/text.h"
#include "crypto/tls/stream.h"
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

std::string PeerOf(const Url& url) { return Concat(url.scheme, " ", url.host, " ", url.port); }

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
  std::optional<tls::Stream> stream;
  beast::flat_buffer buffer;
  std::string peer;
  bool used = false;

  // Runs what was started, until it is done.
  void Finish() {
    context.restart();
    context.run();
  }
};

absl::StatusOr<tls::Context> ReadTlsRoots(const std::string& path) {
  std::ifstream stream(path, std::ios::binary);
  if (!stream) return absl::NotFoundError(Concat(path, ": cannot be read"));
  const std::string pem(std::istreambuf_iterator<char>(stream), {});
  auto context = tls::NewClientContext(pem);
  if (context.ok()) return context;
  return absl::Status(context.status().code(),
                      Concat(path, ": ", StdView(context.status().message())));
}

HttpClient::HttpClient(Options options) : options_(std::move(options)) {}
HttpClient::~HttpClient() = default;

absl::StatusOr<HttpReply> HttpClient::Post(const Url& url, std::string_view body) {
  return Send(true, url, body);
}

absl::StatusOr<HttpReply> HttpClient::Get(const Url& url) { return Send(false, url, ""); }

// A connection that the server closed since its last use is opened anew, once.
absl::StatusOr<HttpReply> HttpClient::Send(bool post, const Url& url, std::string_view body) {
  const std::string peer = PeerOf(url);
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

absl::Status HttpClient::Connect(const Url& url) {
  beast::error_code error;
  auto connection = std::make_unique<Connection>();
  connection->peer = PeerOf(url);
  asio::ip::tcp::resolver resolver(connection->context);
  const auto endpoints = resolver.resolve(url.host, url.port, error);
  if (error) return Unavailable(url, "resolve", error);
  tls::Stream::Tcp tcp(connection->context);
  tcp.expires_after(absl::ToChronoMilliseconds(options_.timeout));
  tcp.async_connect(endpoints,
                    [&error](beast::error_code e, const asio::ip::tcp::endpoint&) { error = e; });
  connection->Finish();
  if (error) return Unavailable(url, "connect", error);
  asio::ip::tcp::socket socket = tcp.release_socket();
  socket.set_option(asio::ip::tcp::no_delay(true), error);
  if (url.scheme == "https") {
    if (options_.tls == nullptr) {
      TEEPSIM_ASSIGN_OR_RETURN(options_.tls, ReadTlsRoots(kSystemTlsRoots));
    }
    connection->stream.emplace(std::move(socket), *options_.tls);
    TEEPSIM_RETURN_IF_ERROR(Secure(*connection, url));
  } else {
    connection->stream.emplace(std::move(socket));
  }
  connection_ = std::move(connection);
  return absl::OkStatus();
}

absl::Status HttpClient::Secure(Connection& connection, const Url& url) {
  tls::Stream& stream = *connection.stream;
  TEEPSIM_RETURN_IF_ERROR(tls::ExpectHost(stream.ssl(), url.host));
  beast::error_code error;
  stream.tcp().expires_after(absl::ToChronoMilliseconds(options_.timeout));
  stream.async_handshake(asio::ssl::stream_base::client,
                         [&error](beast::error_code e) { error = e; });
  connection.Finish();
  if (!error) return absl::OkStatus();
  const std::string problem = tls::CertificateProblem(stream.ssl());
  if (problem.empty()) return Unavailable(url, "TLS", error);
  return absl::UnauthenticatedError(Concat(url.host, ":", url.port, ": TLS: ", problem));
}

absl::StatusOr<HttpReply> HttpClient::TryOnce(bool post, const Url& url, std::string_view body) {
  if (connection_ == nullptr) TEEPSIM_RETURN_IF_ERROR(Connect(url));
  Connection& connection = *connection_;
  tls::Stream& stream = *connection.stream;
  const auto timeout = absl::ToChronoMilliseconds(options_.timeout);
  beast::error_code error;
  const auto request = MakeRequest(post, url, body);
  const auto done = [&error](beast::error_code e, size_t) { error = e; };
  stream.tcp().expires_after(timeout);
  http::async_write(stream, request, done);
  connection.Finish();
  if (error) return Unavailable(url, "send", error);
  http::response_parser<http::string_body> parser;
  parser.body_limit(options_.max_body_bytes);
  http::async_read_header(stream, connection.buffer, parser, done);
  connection.Finish();
  if (error) return Unavailable(url, "receive", error);
  // The parser of Boost 1.74 does not hold a response's Content-Length against its limit.
  if (parser.content_length().value_or(0) > options_.max_body_bytes) {
    return Unavailable(url, "receive", http::make_error_code(http::error::body_limit));
  }
  http::async_read(stream, connection.buffer, parser, done);
  connection.Finish();
  if (error) return Unavailable(url, "receive", error);
  connection.used = true;
  const bool keep_alive = parser.get().keep_alive();
  HttpReply reply = ToReply(parser.release());
  if (!keep_alive) connection_.reset();
  return reply;
}

}  // namespace tam::teepsim

#include "services/gateway/http_connection.h"

#include <algorithm>
#include <chrono>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "boost/asio/buffer.hpp"
#include "boost/asio/dispatch.hpp"
#include "boost/asio/post.hpp"
#include "boost/asio/write.hpp"

namespace tam::gateway {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;

constexpr absl::Duration kLingerTime = absl::Seconds(2);
constexpr char kContinue[] = "HTTP/1.1 100 Continue\r\n\r\n";

// What failures are counted against: an IPv4 address, or the /64 of an IPv6 address.
std::string SourceOf(const asio::ip::tcp::socket& socket) {
  boost::system::error_code error;
  const asio::ip::tcp::endpoint remote = socket.remote_endpoint(error);
  if (error) return "unknown";
  asio::ip::address address = remote.address();
  if (address.is_v6() && address.to_v6().is_v4_mapped()) {
    address = asio::ip::make_address_v4(asio::ip::v4_mapped, address.to_v6());
  }
  if (address.is_v4()) return address.to_string();
  asio::ip::address_v6::bytes_type bytes = address.to_v6().to_bytes();
  std::fill(bytes.begin() + 8, bytes.end(), 0);
  return absl::StrCat(asio::ip::address_v6(bytes).to_string(), "/64");
}

std::optional<std::string> AllFields(const http::fields& fields, http::field name) {
  std::optional<std::string> joined;
  const auto range = fields.equal_range(name);
  for (auto it = range.first; it != range.second; ++it) {
    const std::string value(it->value());
    joined = joined.has_value() ? absl::StrCat(*joined, ", ", value) : value;
  }
  return joined;
}

std::string HttpDate() {
  return absl::FormatTime("%a, %d %b %Y %H:%M:%S GMT", absl::Now(), absl::UTCTimeZone());
}

}  // namespace

HttpConnection::HttpConnection(asio::ip::tcp::socket socket, const HttpServerConfig& config,
                               Dispatch dispatch, std::function<void(HttpConnection*)> closed)
    : stream_(std::move(socket)),
      config_(config),
      dispatch_(std::move(dispatch)),
      closed_(std::move(closed)),
      source_(SourceOf(stream_.socket())),
      buffer_(config.max_header_bytes + config.max_body_bytes) {
  boost::system::error_code ignored;
  stream_.socket().set_option(asio::ip::tcp::no_delay(true), ignored);
}

HttpConnection::~HttpConnection() { closed_(this); }

void HttpConnection::Serve() {
  asio::dispatch(stream_.get_executor(), [self = shared_from_this()] { self->ReadHeader(); });
}

void HttpConnection::Refuse() {
  asio::dispatch(stream_.get_executor(),
                 [self = shared_from_this()] { self->Reply(EmptyReply(503), /*close=*/true); });
}

void HttpConnection::CloseWhenIdle() {
  asio::dispatch(stream_.get_executor(), [self = shared_from_this()] {
    self->stopping_ = true;
    if (self->idle_ && self->buffer_.size() == 0) {
      self->stream_.close();
    }
  });
}

void HttpConnection::ReadHeader() {
  if (stopping_ && buffer_.size() == 0) return;
  parser_.emplace();
  parser_->header_limit(static_cast<uint32_t>(config_.max_header_bytes));
  parser_->body_limit(config_.max_body_bytes);
  idle_ = true;
  stream_.expires_after(absl::ToChronoNanoseconds(config_.header_timeout));
  http::async_read_header(stream_, buffer_, *parser_,
                          [self = shared_from_this()](Error error, size_t) {
                            self->idle_ = false;
                            self->OnHeader(error);
                          });
}

void HttpConnection::OnHeader(Error error) {
  if (error) return RefuseMalformed(error);
  const auto length = parser_->content_length();
  const bool has_body = length.has_value() && *length > 0;
  HttpRequest head = TakeRequest();
  if (auto reply = AnswerFromHead(head, has_body)) {
    return Reply(*std::move(reply), /*close=*/has_body || parser_->chunked());
  }
  const auto expect = parser_->get()[http::field::expect];
  if (!has_body && !parser_->chunked()) return ReadBody();
  if (!absl::EqualsIgnoreCase(absl::string_view(expect.data(), expect.size()), "100-continue")) {
    return ReadBody();
  }
  stream_.expires_after(absl::ToChronoNanoseconds(config_.write_timeout));
  asio::async_write(stream_, asio::buffer(kContinue, sizeof(kContinue) - 1),
                    [self = shared_from_this()](Error write_error, size_t) {
                      if (!write_error) self->ReadBody();
                    });
}

void HttpConnection::ReadBody() {
  stream_.expires_after(absl::ToChronoNanoseconds(config_.body_timeout));
  http::async_read(stream_, buffer_, *parser_,
                   [self = shared_from_this()](Error error, size_t) { self->OnBody(error); });
}

void HttpConnection::OnBody(Error error) {
  if (error) return RefuseMalformed(error);
  stream_.expires_never();
  HttpRequest request = TakeRequest();
  request.body = std::move(parser_->get().body());
  auto done = [self = shared_from_this()](HttpReply reply) {
    asio::post(self->stream_.get_executor(), [self, reply = std::move(reply)]() mutable {
      self->Reply(std::move(reply), /*close=*/false);
    });
  };
  if (!dispatch_(std::move(request), std::move(done))) Reply(EmptyReply(503), /*close=*/false);
}

// A peer that is gone or slow gets nothing; one that speaks badly gets a code and is let go.
void HttpConnection::RefuseMalformed(Error error) {
  if (error == http::error::end_of_stream || error == http::error::partial_message) return;
  if (error == http::error::body_limit) return Reply(EmptyReply(413), /*close=*/true);
  if (error == http::error::header_limit) return Reply(EmptyReply(431), /*close=*/true);
  if (error.category() == http::make_error_code(http::error::bad_method).category()) {
    return Reply(EmptyReply(400), /*close=*/true);
  }
}

void HttpConnection::Reply(HttpReply reply, bool close) {
  if (config_.count_reply) config_.count_reply(reply.status);
  const bool keep_alive = !close && !stopping_ && parser_.has_value() && parser_->keep_alive();
  response_ = {};
  response_.version(parser_.has_value() && parser_->get().version() == 10 ? 10 : 11);
  response_.result(static_cast<unsigned>(reply.status));
  for (const auto& [name, value] : reply.headers) response_.insert(name, value);
  response_.set(http::field::date, HttpDate());
  response_.body() = std::move(reply.body);
  response_.prepare_payload();
  if (reply.status == 204) response_.erase(http::field::content_length);  // RFC 9110 8.6
  response_.keep_alive(keep_alive);
  close_after_ = !keep_alive;
  stream_.expires_after(absl::ToChronoNanoseconds(config_.write_timeout));
  http::async_write(stream_, response_,
                    [self = shared_from_this()](Error error, size_t) { self->OnWritten(error); });
}

void HttpConnection::OnWritten(Error error) {
  if (error) return;
  if (!close_after_) return ReadHeader();
  stream_.socket().shutdown(asio::ip::tcp::socket::shutdown_send, error);
  stream_.expires_after(absl::ToChronoNanoseconds(kLingerTime));
  Linger();
}

// Reads on for a moment: closing with unread bytes would reset the connection, and the peer might
// lose the reply.
void HttpConnection::Linger() {
  stream_.async_read_some(asio::buffer(discard_), [self = shared_from_this()](Error error, size_t) {
    if (!error) self->Linger();
  });
}

HttpRequest HttpConnection::TakeRequest() {
  const auto& fields = parser_->get();
  HttpRequest request;
  request.method = std::string(fields.method_string());
  request.target = std::string(fields.target());
  request.accept = AllFields(fields, http::field::accept);
  if (const auto it = fields.find(http::field::content_type); it != fields.end()) {
    request.content_type = std::string(it->value());
  }
  request.source = source_;
  return request;
}

}  // namespace tam::gateway

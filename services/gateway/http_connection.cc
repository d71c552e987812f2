#include "services/gateway/http_connection.h"

#include <algorithm>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "boost/asio/buffer.hpp"
#include "boost/asio/dispatch.hpp"
#include "boost/asio/post.hpp"
#include "boost/asio/write.hpp"
#include "boost/beast/core/buffers_to_string.hpp"

namespace tam::gateway {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;

constexpr size_t kReadSize = 4096;
constexpr char kContinue[] = "HTTP/1.1 100 Continue\r\n\r\n";

std::string_view Octets(const beast::flat_buffer& buffer) {
  return {static_cast<const char*>(buffer.data().data()), buffer.size()};
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

}  // namespace

HttpConnection::HttpConnection(tls::Stream stream, std::string source, Admission::Ticket ticket,
                               const HttpServerConfig& config, Dispatch dispatch,
                               std::function<void(HttpConnection*, bool)> waits,
                               std::function<void(HttpConnection*)> closed)
    : farewell_{std::move(closed), this},
      stream_(std::move(stream)),
      source_(std::move(source)),
      ticket_(std::move(ticket)),
      config_(config),
      dispatch_(std::move(dispatch)),
      tell_waits_(std::move(waits)),
      buffer_(config.max_header_bytes + config.max_body_bytes) {
  boost::system::error_code ignored;
  stream_.tcp().socket().set_option(asio::ip::tcp::no_delay(true), ignored);
}

void HttpConnection::Serve() {
  asio::dispatch(stream_.get_executor(), [self = shared_from_this()] {
    self->stream_.secure() ? self->Handshake() : self->AwaitRequest();
  });
}

void HttpConnection::Refuse() {
  asio::dispatch(stream_.get_executor(),
                 [self = shared_from_this()] { self->Reply(EmptyReply(503), /*close=*/true); });
}

void HttpConnection::CloseWhenIdle() {
  asio::dispatch(stream_.get_executor(), [self = shared_from_this()] {
    self->stopping_ = true;
    if (self->idle_) self->stream_.tcp().close();
  });
}

void HttpConnection::MakeRoom() {
  asio::dispatch(stream_.get_executor(), [self = shared_from_this()] {
    if (!self->waits_) return;
    self->gives_way_ = true;
    self->Count(Dropped::kRoomMade);
    self->stream_.tcp().close();
  });
}

void HttpConnection::SetWaits(bool waits) {
  if (std::exchange(waits_, waits) != waits) tell_waits_(this, waits);
}

void HttpConnection::ExpireAfter(absl::Duration time) {
  stream_.tcp().expires_after(absl::ToChronoNanoseconds(time));
}

void HttpConnection::Count(Dropped reason) const {
  if (config_.count_dropped) config_.count_dropped(reason);
}

void HttpConnection::Handshake() {
  idle_ = true;
  ExpireAfter(config_.handshake_timeout);
  stream_.async_handshake(asio::ssl::stream_base::server, [self = shared_from_this()](Error error) {
    self->idle_ = false;
    if (self->gives_way_) return;
    if (!error) return self->AwaitRequest();
    const Dropped reason = ReasonOfHandshake(error);
    self->Count(reason);
    // An alert is on its way where there was something to object to.
    if (reason != Dropped::kTlsSlow && reason != Dropped::kTlsGone) self->CloseTcp();
  });
}

// The time for a head runs from its first octet, or from the start of the connection, to its end,
// and no octet on the way prolongs it.
void HttpConnection::AwaitRequest() {
  SetWaits(true);
  scanner_ = HeadScanner();
  if (buffer_.size() > 0) {
    ExpireAfter(config_.header_timeout);
    return ReadHead();
  }
  if (stopping_) return;
  buffer_.shrink_to_fit();
  idle_ = true;
  const bool first = requests_ == 0;
  ExpireAfter(first ? config_.header_timeout : config_.idle_timeout);
  ReadSome(
      kReadSize,
      [this, first] {
        idle_ = false;
        if (!first) ExpireAfter(config_.header_timeout);
        ReadHead();
      },
      first ? Dropped::kHeadSlow : Dropped::kIdle);
}

// `next` holds nothing: the connection lives for it.
void HttpConnection::ReadSome(size_t most, std::function<void()> next, Dropped slow) {
  stream_.async_read_some(buffer_.prepare(most), [self = shared_from_this(), next = std::move(next),
                                                  slow](Error error, size_t size) {
    if (error == beast::error::timeout) self->Count(slow);
    if (error) return;
    self->buffer_.commit(size);
    next();
  });
}

void HttpConnection::ReadHead() {
  switch (scanner_.Scan(Octets(buffer_))) {
    case HeadScanner::State::kMalformed:
      return RefuseMalformed(http::make_error_code(http::error::bad_field));
    case HeadScanner::State::kWhole:
      if (scanner_.size() > config_.max_header_bytes) break;
      return ParseHead();
    case HeadScanner::State::kPartial:
      if (buffer_.size() >= config_.max_header_bytes) break;
      return ReadSome(
          std::min(kReadSize, config_.max_header_bytes - buffer_.size()), [this] { ReadHead(); },
          Dropped::kHeadSlow);
  }
  RefuseMalformed(http::make_error_code(http::error::header_limit));
}

void HttpConnection::ParseHead() {
  ++requests_;
  parser_.emplace();
  parser_->header_limit(static_cast<uint32_t>(config_.max_header_bytes));
  parser_->body_limit(config_.max_body_bytes);
  buffer_.consume(scanner_.skip());
  Error error;
  buffer_.consume(parser_->put(
      asio::const_buffer(buffer_.data().data(), scanner_.size() - scanner_.skip()), error));
  if (error) return RefuseMalformed(error);
  if (!parser_->is_header_done()) {
    return RefuseMalformed(http::make_error_code(http::error::bad_line_ending));
  }
  if (const int code = RefusalOfHead(parser_->get(), parser_->get().version()); code != 0) {
    return Reply(EmptyReply(code), /*close=*/true);
  }
  OnHead();
}

void HttpConnection::OnHead() {
  const bool has_body = !parser_->is_done();
  head_ = TakeHead();
  if (auto reply = AnswerFromHead(head_, has_body && !parser_->chunked())) {
    return Reply(*std::move(reply), /*close=*/has_body);
  }
  const auto expect = parser_->get()[http::field::expect];
  if (!has_body ||
      !absl::EqualsIgnoreCase(absl::string_view(expect.data(), expect.size()), "100-continue")) {
    return AwaitBody();
  }
  ExpireAfter(config_.write_timeout);
  asio::async_write(stream_, asio::buffer(kContinue, sizeof(kContinue) - 1),
                    [self = shared_from_this()](Error error, size_t) {
                      if (!error) self->AwaitBody();
                    });
}

void HttpConnection::AwaitBody() {
  ExpireAfter(config_.body_timeout);
  ReadBody();
}

// What was received counts against the limits, not what is announced.
void HttpConnection::ReadBody() {
  if (!ticket_.HoldBytes(parser_->get().body().size() + buffer_.size())) {
    return Reply(EmptyReply(503), /*close=*/true);
  }
  if (parser_->is_done()) return OnRequest();
  http::async_read_some(stream_, buffer_, *parser_,
                        [self = shared_from_this()](Error error, size_t) {
                          if (error == beast::error::timeout) self->Count(Dropped::kBodySlow);
                          if (error) return self->RefuseMalformed(error);
                          self->ReadBody();
                        });
}

void HttpConnection::OnRequest() {
  SetWaits(false);
  stream_.tcp().expires_never();
  HttpRequest request = std::move(head_);
  request.body = beast::buffers_to_string(parser_->get().body().data());
  parser_->get().body().clear();
  answering_ = request.body.empty() ? "ProcessConnect" : "ProcessTeepMessage";
  auto done = [self = shared_from_this()](HttpReply reply) {
    asio::post(self->stream_.get_executor(), [self, reply = std::move(reply)]() mutable {
      self->Reply(std::move(reply), /*close=*/false);
    });
  };
  if (dispatch_(std::move(request), std::move(done))) return;
  answering_ = "";
  Reply(EmptyReply(503), /*close=*/false);
}

HttpRequest HttpConnection::TakeHead() const {
  const auto& fields = parser_->get();
  HttpRequest request;
  request.method = std::string(fields.method_string());
  const auto target = fields.target();
  request.target = std::string(OriginForm({target.data(), target.size()}));
  request.accept = AllFields(fields, http::field::accept);
  if (const auto it = fields.find(http::field::content_type); it != fields.end()) {
    request.content_type = std::string(it->value());
  }
  request.arrival.source = source_;
  return request;
}

// A peer that is gone or slow gets nothing; one that speaks badly gets a code and is let go.
void HttpConnection::RefuseMalformed(Error error) {
  if (error == http::error::end_of_stream || error == http::error::partial_message) return;
  if (error.category() != http::make_error_code(http::error::bad_method).category()) return;
  int code = 400;
  if (error == http::error::body_limit) code = 413;
  if (error == http::error::header_limit) code = 431;
  if (error == http::error::bad_version) code = 505;
  Reply(EmptyReply(code), /*close=*/true);
}

}  // namespace tam::gateway

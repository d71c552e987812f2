// How a connection answers, and how it ends.
#include <utility>

#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "boost/asio/buffer.hpp"
#include "services/gateway/http_connection.h"
#include "services/runtime/fault_point.h"

namespace tam::gateway {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;

constexpr absl::Duration kLingerTime = absl::Seconds(2);

std::string HttpDate() {
  return absl::FormatTime("%a, %d %b %Y %H:%M:%S GMT", absl::Now(), absl::UTCTimeZone());
}

void PassSendPoint(absl::string_view method, runtime::FaultMoment moment) {
  if (!method.empty()) runtime::PassFaultPoint(runtime::FaultPlace::kSend, method, moment);
}

}  // namespace

void HttpConnection::Reply(HttpReply reply, bool close) {
  SetWaits(false);
  // The request is done with; from here on the reply is what is held.
  if (!ticket_.HoldBytes(reply.body.size())) reply = EmptyReply(503);
  if (config_.count_reply) config_.count_reply(reply.status);
  const absl::Duration patience =
      config_.write_timeout +
      absl::Seconds(reply.body.size()) / static_cast<int64_t>(config_.min_write_bytes_per_second);
  Compose(std::move(reply), !close && !stopping_ && parser_.has_value() && parser_->keep_alive() &&
                                requests_ < config_.max_requests_per_connection);
  PassSendPoint(answering_, runtime::FaultMoment::kBefore);
  ExpireAfter(patience);
  http::async_write(stream_, response_,
                    [self = shared_from_this()](Error error, size_t) { self->OnWritten(error); });
}

void HttpConnection::Compose(HttpReply reply, bool keep_alive) {
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
}

void HttpConnection::OnWritten(Error error) {
  PassSendPoint(std::exchange(answering_, ""), runtime::FaultMoment::kAfter);
  if (error == beast::error::timeout) Count(Dropped::kReplySlow);
  if (error) return;
  response_ = {};
  ticket_.HoldBytes(0);
  close_after_ ? Close() : AwaitRequest();
}

void HttpConnection::Close() {
  if (!stream_.secure()) return CloseTcp();
  ExpireAfter(kLingerTime);
  stream_.async_shutdown([self = shared_from_this()](Error) { self->CloseTcp(); });
}

// Reads on for a moment: closing with unread octets would reset the connection, and the peer might
// lose the reply.
void HttpConnection::CloseTcp() {
  Error ignored;
  stream_.tcp().socket().shutdown(asio::ip::tcp::socket::shutdown_send, ignored);
  ExpireAfter(kLingerTime);
  Linger();
}

void HttpConnection::Linger() {
  stream_.tcp().async_read_some(asio::buffer(discard_),
                                [self = shared_from_this()](Error error, size_t) {
                                  if (!error) self->Linger();
                                });
}

}  // namespace tam::gateway

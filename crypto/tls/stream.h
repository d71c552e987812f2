// One TCP connection, plain or TLS, behind one type: code that reads and writes is compiled once
// for both, and Beast's algorithms take it (AsyncReadStream and AsyncWriteStream of Asio).
#ifndef TAMARACK_CRYPTO_TLS_STREAM_H_
#define TAMARACK_CRYPTO_TLS_STREAM_H_

#include <utility>
#include <variant>

#include "boost/asio/ip/tcp.hpp"
#include "boost/asio/ssl/context.hpp"
#include "boost/asio/ssl/stream.hpp"
#include "boost/beast/core/tcp_stream.hpp"

namespace tam::tls {

// One thread at a time, as its layers: all functions on its executor. Deadlines are those of tcp():
// expires_after there holds for whatever is done here, the handshake too.
class Stream {
 public:
  using Tcp = boost::beast::tcp_stream;
  using executor_type = Tcp::executor_type;

  explicit Stream(Tcp::socket_type socket) : layers_(std::in_place_type<Tcp>, std::move(socket)) {}
  // Keeps what it needs of `context`. Throws boost::system::system_error without memory.
  Stream(Tcp::socket_type socket, boost::asio::ssl::context& context)
      : layers_(std::in_place_type<Tls>, std::move(socket), context) {}

  bool secure() const { return std::holds_alternative<Tls>(layers_); }
  Tcp& tcp() {
    Tls* const tls = std::get_if<Tls>(&layers_);
    return tls == nullptr ? std::get<Tcp>(layers_) : tls->next_layer();
  }
  // Of a secure stream alone.
  SSL* ssl() { return std::get<Tls>(layers_).native_handle(); }

  executor_type get_executor() { return tcp().get_executor(); }

  template <typename Buffers, typename Handler>
  auto async_read_some(const Buffers& buffers, Handler&& handler) {
    Tls* const tls = std::get_if<Tls>(&layers_);
    return tls == nullptr
               ? std::get<Tcp>(layers_).async_read_some(buffers, std::forward<Handler>(handler))
               : tls->async_read_some(buffers, std::forward<Handler>(handler));
  }
  template <typename Buffers, typename Handler>
  auto async_write_some(const Buffers& buffers, Handler&& handler) {
    Tls* const tls = std::get_if<Tls>(&layers_);
    return tls == nullptr
               ? std::get<Tcp>(layers_).async_write_some(buffers, std::forward<Handler>(handler))
               : tls->async_write_some(buffers, std::forward<Handler>(handler));
  }

  // Of a secure stream alone; `handler(error)`.
  template <typename Handler>
  void async_handshake(boost::asio::ssl::stream_base::handshake_type side, Handler&& handler) {
    std::get<Tls>(layers_).async_handshake(side, std::forward<Handler>(handler));
  }
  // Sends close_notify and waits for the peer's.
  template <typename Handler>
  void async_shutdown(Handler&& handler) {
    std::get<Tls>(layers_).async_shutdown(std::forward<Handler>(handler));
  }

 private:
  using Tls = boost::asio::ssl::stream<Tcp>;
  std::variant<Tcp, Tls> layers_;
};

}  // namespace tam::tls

#endif  // TAMARACK_CRYPTO_TLS_STREAM_H_

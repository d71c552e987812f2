// A server on a real socket of the loopback interface, a protocol behind it that does what the
// message says, and clients that speak octet by octet.
#ifndef TAMARACK_SERVICES_GATEWAY_HTTP_FIXTURE_H_
#define TAMARACK_SERVICES_GATEWAY_HTTP_FIXTURE_H_

#include <atomic>
#include <functional>
#include <future>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <variant>

#include "absl/time/time.h"
#include "boost/asio/io_context.hpp"
#include "boost/asio/ip/tcp.hpp"
#include "boost/asio/ssl/context.hpp"
#include "boost/asio/ssl/stream.hpp"
#include "boost/beast/core/flat_buffer.hpp"
#include "boost/beast/http.hpp"
#include "gtest/gtest.h"
#include "services/gateway/http_binding.h"
#include "services/gateway/http_server.h"
#include "tests/support/certificates.h"

namespace tam::gateway {

inline constexpr char kQuery[] = "a query request";
inline constexpr char kAcceptField[] = "Accept: application/teep+cbor\r\n";
inline constexpr char kTypeField[] = "Content-Type: application/teep+cbor\r\n";

// Answers a message that begins with "update" by itself; throws at "throw"; "wait..." when told;
// "big" with 8 MiB; and an empty POST to /tam/acme/held when the gate opens.
class FakeProtocol : public TeepProtocol {
 public:
  absl::StatusOr<std::string> ProcessConnect(const std::string& path,
                                             const Arrival& arrival) override;
  absl::StatusOr<std::optional<std::string>> ProcessTeepMessage(const std::string&,
                                                                std::string_view message,
                                                                const Arrival& arrival) override;
  std::set<std::string> sources();
  // What requests are said to have waited, the longest.
  absl::Duration longest_wait();

  std::promise<void> entered, go_on, gate;
  std::atomic<int> held = 0;  // so many have come to the gate

 private:
  const std::shared_future<void> opened_ = gate.get_future().share();
  void Note(const Arrival& arrival);

  std::mutex mutex_;  // guards the rest
  std::set<std::string> sources_;
  absl::Duration longest_wait_;
};

using Response = boost::beast::http::response<boost::beast::http::string_body>;

// One connection. Every wait ends with the server's next act.
class Client {
 public:
  using Tcp = boost::asio::ip::tcp;

  // Plain; from another loopback address, as another source, where `from` says so.
  explicit Client(uint16_t port, const std::string& from = "127.0.0.1");
  // Over TLS, after a handshake that may have failed.
  Client(uint16_t port, boost::asio::ssl::context& context);

  const boost::system::error_code& handshake() const { return handshake_; }
  // The server may have closed early: that is no failure.
  void Send(const std::string& octets);
  Response Read();
  // True when the server closes without another octet.
  bool ReadsEnd();
  // Sends an octet of `octets` whenever the server has been silent for a little, until it answers
  // or closes or all is sent; how many were sent.
  size_t Trickle(const std::string& octets);
  Tcp::socket& socket();
  SSL* ssl() { return std::get<Tls>(stream_).native_handle(); }

 private:
  using Tls = boost::asio::ssl::stream<Tcp::socket>;

  boost::asio::io_context io_;
  std::variant<Tcp::socket, Tls> stream_;
  boost::system::error_code handshake_;
  boost::beast::flat_buffer buffer_;
};

std::string Post(const std::string& body, const std::string& path = "/tam/acme/main");
// Start line, Host, the fields, Content-Length.
std::string Raw(const std::string& start, const std::string& fields, const std::string& body = "");

// Waits until `holds`, 20 s at most; whether it did.
bool Eventually(const std::function<bool()>& holds);

enum class Transport { kPlain, kTls };

class HttpFixture : public ::testing::Test {
 protected:
  HttpFixture();
  ~HttpFixture() override;

  // With the files of certificate() where it is TLS.
  void Start(Transport transport, HttpServerConfig config = {});
  // Trusts the authority.
  static boost::asio::ssl::context& ClientContext();
  std::unique_ptr<Client> Connect();
  Response Exchange(const std::string& request);
  int dropped(Dropped reason);
  int replies(int status);
  // Called in the I/O threads, of the connection, with each status; set before Start.
  std::function<void(int status)> on_reply_;
  static const testing::CertificateAuthority& authority();
  // Writes the listener's files.
  void Install(const testing::CertificatePair& pair);
  TlsCertificate::Files files() const { return {folder_ + "/cert.pem", folder_ + "/key.pem"}; }

  std::string folder_;
  FakeProtocol protocol_;
  std::unique_ptr<HttpServer> server_;
  Transport transport_ = Transport::kPlain;

 private:
  std::mutex mutex_;  // guards the rest
  std::map<Dropped, int> dropped_;
  std::map<int, int> replies_;
};

// The same over both transports.
class HttpTransportTest : public HttpFixture, public ::testing::WithParamInterface<Transport> {
 protected:
  void Start(HttpServerConfig config = {}) { HttpFixture::Start(GetParam(), std::move(config)); }
};

std::string TransportName(const ::testing::TestParamInfo<Transport>& info);

}  // namespace tam::gateway

#endif  // TAMARACK_SERVICES_GATEWAY_HTTP_FIXTURE_H_

#include "services/gateway/http_fixture.h"

#include <poll.h>
#include <stdlib.h>
#include <sys/stat.h>

#include <algorithm>
#include <fstream>
#include <new>
#include <type_traits>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "boost/asio/write.hpp"
#include "crypto/tls/context.h"

namespace tam::gateway {

namespace asio = boost::asio;
namespace http = boost::beast::http;

absl::StatusOr<std::string> FakeProtocol::ProcessConnect(const std::string& path,
                                                         const Arrival& arrival) {
  Note(arrival);
  if (path == "/tam/acme/unknown") return absl::NotFoundError("no such endpoint");
  if (path == "/tam/acme/busy") return absl::ResourceExhaustedError("budget");
  if (path == "/tam/acme/held") {
    ++held;
    opened_.wait();
  }
  return std::string(kQuery);
}

absl::StatusOr<std::optional<std::string>> FakeProtocol::ProcessTeepMessage(
    const std::string&, std::string_view message, const Arrival& arrival) {
  Note(arrival);
  if (message.starts_with("wait")) {
    entered.set_value();
    go_on.get_future().wait();
    return std::optional<std::string>("waited");
  }
  if (message == "big") return std::optional<std::string>(std::string(8 << 20, 'b'));
  if (message == "throw") throw std::bad_alloc();
  if (message == "internal") return absl::InternalError("bug");
  if (message == "down") return absl::UnavailableError("database is down");
  if (message == "ending") return absl::CancelledError("the service ends");
  if (message == "too large here") return absl::OutOfRangeError("message too large");
  if (message.starts_with("update")) return std::optional<std::string>(message);
  return std::optional<std::string>();
}

void FakeProtocol::Note(const Arrival& arrival) {
  std::lock_guard lock(mutex_);
  sources_.insert(arrival.source);
  longest_wait_ = std::max(longest_wait_, arrival.waited);
}

absl::Duration FakeProtocol::longest_wait() {
  std::lock_guard lock(mutex_);
  return longest_wait_;
}

std::set<std::string> FakeProtocol::sources() {
  std::lock_guard lock(mutex_);
  return sources_;
}

Client::Client(uint16_t port, const std::string& from)
    : stream_(std::in_place_type<Tcp::socket>, io_) {
  socket().open(Tcp::v4());
  socket().bind({asio::ip::make_address(from), 0});
  socket().connect({asio::ip::address_v4::loopback(), port});
  socket().set_option(Tcp::no_delay(true));
}

Client::Client(uint16_t port, asio::ssl::context& context)
    : stream_(std::in_place_type<Tls>, io_, context) {
  socket().connect({asio::ip::address_v4::loopback(), port});
  socket().set_option(Tcp::no_delay(true));
  EXPECT_TRUE(tls::ExpectHost(ssl(), "localhost").ok());
  std::get<Tls>(stream_).handshake(asio::ssl::stream_base::client, handshake_);
}

Client::Tcp::socket& Client::socket() {
  if (auto* tls = std::get_if<Tls>(&stream_)) return tls->next_layer();
  return std::get<Tcp::socket>(stream_);
}

void Client::Send(const std::string& octets) {
  boost::system::error_code ignored;
  std::visit([&](auto& stream) { asio::write(stream, asio::buffer(octets), ignored); }, stream_);
}

Response Client::Read() {
  http::response_parser<http::string_body> parser;
  parser.body_limit(64 << 20);
  boost::system::error_code error;
  std::visit([&](auto& stream) { http::read(stream, buffer_, parser, error); }, stream_);
  if (error) ADD_FAILURE() << error.message();
  return parser.release();
}

bool Client::ReadsEnd() {
  char octet;
  boost::system::error_code error;
  std::visit([&](auto& stream) { stream.read_some(asio::buffer(&octet, 1), error); }, stream_);
  return error.failed();
}

size_t Client::Trickle(const std::string& octets) {
  for (size_t sent = 0; sent < octets.size(); ++sent) {
    pollfd readable{socket().native_handle(), POLLIN, 0};
    if (poll(&readable, 1, /*ms=*/10) != 0) return sent;
    Send(octets.substr(sent, 1));
  }
  return octets.size();
}

std::string Post(const std::string& body, const std::string& path) {
  return Raw(absl::StrCat("POST ", path),
             absl::StrCat(kAcceptField, body.empty() ? "" : kTypeField), body);
}

std::string Raw(const std::string& start, const std::string& fields, const std::string& body) {
  return absl::StrCat(start, " HTTP/1.1\r\nHost: t\r\n", fields, "Content-Length: ", body.size(),
                      "\r\n\r\n", body);
}

bool Eventually(const std::function<bool()>& holds) {
  const absl::Time deadline = absl::Now() + absl::Seconds(20);
  while (!holds()) {
    if (absl::Now() > deadline) return false;
    poll(nullptr, 0, 1);
  }
  return true;
}

HttpFixture::HttpFixture() {
  std::string pattern = absl::StrCat(::testing::TempDir(), "/http-XXXXXX");
  if (mkdtemp(pattern.data()) == nullptr) ADD_FAILURE() << "mkdtemp";
  folder_ = pattern;
}

HttpFixture::~HttpFixture() {
  if (server_ != nullptr) server_->Stop(absl::ZeroDuration());
}

const testing::CertificateAuthority& HttpFixture::authority() {
  static const auto& authority = *new testing::CertificateAuthority();
  return authority;
}

asio::ssl::context& HttpFixture::ClientContext() {
  static const tls::Context context = *tls::NewClientContext(authority().pem());
  return *context;
}

void HttpFixture::Install(const testing::CertificatePair& pair) {
  std::ofstream(files().certificate, std::ios::binary) << pair.certificate_pem;
  std::ofstream(files().key, std::ios::binary) << pair.key_pem;
  chmod(files().key.c_str(), 0600);
}

void HttpFixture::Start(Transport transport, HttpServerConfig config) {
  transport_ = transport;
  if (transport == Transport::kTls) {
    static const auto& pair =
        *new testing::CertificatePair(authority().Issue("DNS:localhost,IP:127.0.0.1"));
    Install(pair);
    config.tls = files();
  }
  config.workers = 4;
  config.count_dropped = [this](Dropped reason) {
    std::lock_guard lock(mutex_);
    ++dropped_[reason];
  };
  config.count_reply = [this](int status) {
    if (on_reply_) on_reply_(status);
    std::lock_guard lock(mutex_);
    ++replies_[status];
  };
  auto server = HttpServer::Start(config, protocol_);
  ASSERT_TRUE(server.ok()) << server.status();
  server_ = *std::move(server);
}

std::unique_ptr<Client> HttpFixture::Connect() {
  if (transport_ == Transport::kPlain) return std::make_unique<Client>(server_->port());
  return std::make_unique<Client>(server_->port(), ClientContext());
}

Response HttpFixture::Exchange(const std::string& request) {
  const std::unique_ptr<Client> client = Connect();
  client->Send(request);
  return client->Read();
}

int HttpFixture::dropped(Dropped reason) {
  std::lock_guard lock(mutex_);
  return dropped_[reason];
}

int HttpFixture::replies(int status) {
  std::lock_guard lock(mutex_);
  return replies_[status];
}

std::string TransportName(const ::testing::TestParamInfo<Transport>& info) {
  return info.param == Transport::kPlain ? "Plain" : "Tls";
}

}  // namespace tam::gateway

#include "services/gateway/http_server.h"

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <exception>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "boost/asio/executor_work_guard.hpp"
#include "boost/asio/io_context.hpp"
#include "boost/asio/ip/tcp.hpp"
#include "boost/asio/post.hpp"
#include "boost/asio/steady_timer.hpp"
#include "boost/asio/strand.hpp"
#include "services/gateway/http_connection.h"
#include "services/gateway/open_connections.h"
#include "services/runtime/log.h"
#include "services/runtime/worker_pool.h"

namespace tam::gateway {

namespace asio = boost::asio;
using asio::ip::tcp;

namespace {

constexpr std::chrono::milliseconds kPause{50};  // where one more try at once would be in vain

// What limits are counted against: an IPv4 address, or the /64 of an IPv6 address.
std::string SourceOf(const tcp::socket& socket) {
  boost::system::error_code error;
  const tcp::endpoint remote = socket.remote_endpoint(error);
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

// The process goes on, whatever one request or connection ran into. Without memory for a line, says
// nothing.
void LogThrown(absl::string_view where, const std::exception& thrown) noexcept try {
  runtime::Log(runtime::Severity::kError, where, {{"error", thrown.what()}});
} catch (const std::exception&) {
}

}  // namespace

class HttpServer::Core {
 public:
  Core(const HttpServerConfig& config, TeepProtocol& protocol)
      : config_(config),
        protocol_(protocol),
        pool_(config.workers, config.queue_limit),
        admission_(config.admission),
        refusals_({config.admission.connections / 8 + 1, SIZE_MAX, 0, 0}),
        io_(std::max(config.io_threads, 1)),
        work_(io_.get_executor()),
        acceptor_(asio::make_strand(io_)),
        pause_(acceptor_.get_executor()),
        poll_(acceptor_.get_executor()) {}

  ~Core() { Stop(absl::ZeroDuration()); }

  absl::Status Listen() {
    boost::system::error_code error;
    const auto address = asio::ip::make_address(config_.address, error);
    if (error) {
      return absl::InvalidArgumentError(
          absl::StrCat("http.address: want an IP address, got ", config_.address));
    }
    const tcp::endpoint at(address, config_.port);
    acceptor_.open(at.protocol(), error);
    if (!error) acceptor_.set_option(asio::socket_base::reuse_address(true), error);
    if (!error) acceptor_.bind(at, error);
    if (!error) acceptor_.listen(asio::socket_base::max_listen_connections, error);
    if (error) {
      return absl::UnavailableError(absl::StrCat("cannot listen on ", config_.address, ":",
                                                 config_.port, ": ", error.message()));
    }
    port_ = acceptor_.local_endpoint(error).port();
    return absl::OkStatus();
  }

  absl::Status LoadCertificate() {
    if (config_.tls.certificate.empty()) return absl::OkStatus();
    auto loaded = TlsCertificate::Load(config_.tls);
    if (!loaded.ok()) return loaded.status();
    certificate_ = *std::move(loaded);
    return absl::OkStatus();
  }

  void Run() {
    asio::post(acceptor_.get_executor(), [this] {
      Accept();
      if (certificate_ != nullptr) PollCertificate();
    });
    for (int i = 0; i < std::max(config_.io_threads, 1); ++i) {
      threads_.emplace_back([this] { RunIo(); });
    }
  }

  void Stop(absl::Duration grace);
  uint16_t port() const { return port_; }
  size_t held_bytes() const { return admission_.bytes(); }
  size_t connections() const {
    std::lock_guard lock(mutex_);
    return connections_.size();
  }

 private:
  void RunIo();
  // Starts an operation without which the server would serve no more; tried until it can be.
  void Persist(const std::function<void()>& start);
  void Accept();
  void AcceptAfterPause();
  void PollCertificate();
  void ReadCertificate();
  void Begin(tcp::socket socket);
  std::optional<Admission::Ticket> TicketFor(const std::string& source, bool& serve);
  std::optional<Admission::Ticket> TicketOfAnother(const std::string& source);
  tls::Stream StreamOn(tcp::socket socket) const;
  bool Dispatch(HttpRequest request, std::function<void(HttpReply)> done);
  HttpReply Answer(const HttpRequest& request);
  void Finish(const HttpRequest& request, const std::function<void(HttpReply)>& done);
  void Forget(HttpConnection* connection);

  const HttpServerConfig config_;
  TeepProtocol& protocol_;
  uint16_t port_ = 0;
  std::unique_ptr<TlsCertificate> certificate_;  // null: plain
  mutable std::mutex mutex_;                     // guards the next three
  std::condition_variable gone_;
  OpenConnections connections_;
  bool stopping_ = false;
  runtime::WorkerPool pool_;
  std::vector<std::thread> threads_;
  Admission admission_;
  Admission refusals_;  // short ones, beyond what is admitted
  // Last, so that it goes first: handlers that it still holds own connections.
  asio::io_context io_;
  // A connection whose request is with a worker is no work of io_'s.
  asio::executor_work_guard<asio::io_context::executor_type> work_;
  tcp::acceptor acceptor_;
  asio::steady_timer pause_;
  asio::steady_timer poll_;
};

// A handler that throws loses its connection, which ends; the others go on.
void HttpServer::Core::RunIo() {
  while (!io_.stopped()) {
    try {
      io_.run();
    } catch (const std::exception& thrown) {
      LogThrown("http.io", thrown);
    }
  }
}

void HttpServer::Core::Persist(const std::function<void()>& start) {
  while (!io_.stopped()) {
    try {
      return start();
    } catch (const std::exception& thrown) {
      LogThrown("http.accept", thrown);
      std::this_thread::sleep_for(kPause);
    }
  }
}

void HttpServer::Core::Accept() {
  acceptor_.async_accept(asio::make_strand(io_),
                         [this](boost::system::error_code error, tcp::socket socket) {
                           if (error == asio::error::operation_aborted || !acceptor_.is_open())
                             return;
                           if (!error) {
                             Begin(std::move(socket));
                             return Persist([this] { Accept(); });
                           }
                           // Out of descriptors, most likely: waits a little instead of spinning.
                           Persist([this] { AcceptAfterPause(); });
                         });
}

void HttpServer::Core::AcceptAfterPause() {
  pause_.expires_after(kPause);
  pause_.async_wait([this](boost::system::error_code stopped) {
    if (!stopped && acceptor_.is_open()) Persist([this] { Accept(); });
  });
}

// Files may be slow: a worker reads them.
void HttpServer::Core::PollCertificate() {
  poll_.expires_after(absl::ToChronoNanoseconds(config_.certificate_poll));
  poll_.async_wait([this](boost::system::error_code stopped) {
    if (stopped || !acceptor_.is_open()) return;
    try {
      pool_.TrySubmit([this] { ReadCertificate(); }, runtime::WorkerPool::Priority::kContinuing);
    } catch (const std::exception& thrown) {
      LogThrown("http.certificate", thrown);
    }
    Persist([this] { PollCertificate(); });
  });
}

void HttpServer::Core::ReadCertificate() try {
  certificate_->Poll();
} catch (const std::exception& thrown) {
  LogThrown("http.certificate", thrown);
}

// A refusal costs little where it needs no handshake, so some pass the limits.
std::optional<Admission::Ticket> HttpServer::Core::TicketFor(const std::string& source,
                                                             bool& serve) {
  std::optional<Admission::Ticket> ticket = admission_.Admit(source);
  if (!ticket.has_value()) {
    if (auto instead = TicketOfAnother(source)) ticket.emplace(*std::move(instead));
  }
  serve = ticket.has_value();
  if (serve) return ticket;
  if (config_.count_dropped) config_.count_dropped(Dropped::kTooMany);
  if (certificate_ != nullptr) return std::nullopt;
  return refusals_.Admit(source);
}

// Above the limit of all, whoever has the most connections loses one on which nothing is under way.
std::optional<Admission::Ticket> HttpServer::Core::TicketOfAnother(const std::string& source) {
  std::optional<Admission::Ticket> ticket = admission_.AdmitInstead(source);
  if (!ticket.has_value()) return ticket;
  std::shared_ptr<HttpConnection> leaving;
  {
    std::lock_guard lock(mutex_);
    HttpConnection* const longest = connections_.TakeLongestWaiting();
    if (longest == nullptr) return std::nullopt;
    leaving = longest->weak_from_this().lock();
  }
  if (leaving != nullptr) leaving->MakeRoom();
  return ticket;
}

tls::Stream HttpServer::Core::StreamOn(tcp::socket socket) const {
  if (certificate_ == nullptr) return tls::Stream(std::move(socket));
  return tls::Stream(std::move(socket), *certificate_->Current());
}

void HttpServer::Core::Begin(tcp::socket socket) try {
  const std::string source = SourceOf(socket);
  bool serve = false;
  std::optional<Admission::Ticket> ticket = TicketFor(source, serve);
  if (!ticket.has_value()) return;
  auto connection = std::make_shared<HttpConnection>(
      StreamOn(std::move(socket)), source, *std::move(ticket), config_,
      [this](HttpRequest request, std::function<void(HttpReply)> done) {
        return Dispatch(std::move(request), std::move(done));
      },
      [this](HttpConnection* connection, bool waits) {
        std::lock_guard lock(mutex_);
        connections_.SetWaits(connection, waits);
      },
      [this](HttpConnection* closed) { Forget(closed); });
  {
    std::lock_guard lock(mutex_);
    if (stopping_) return;
    connections_.Add(connection.get(), source, serve);
  }
  serve ? connection->Serve() : connection->Refuse();
} catch (const std::exception& thrown) {
  // Without memory for one connection more; those that are open go on.
  LogThrown("http.connection", thrown);
}

bool HttpServer::Core::Dispatch(HttpRequest request, std::function<void(HttpReply)> done) {
  const auto priority = request.body.empty() ? runtime::WorkerPool::Priority::kNew
                                             : runtime::WorkerPool::Priority::kContinuing;
  return pool_.TrySubmit(
      [this, arrived = config_.clock(), request = std::move(request),
       done = std::move(done)]() mutable {
        request.arrival.waited = config_.clock() - arrived;
        Finish(request, done);
      },
      priority);
}

// Whoever waited too long has left, or is better told to come again than to wait on.
HttpReply HttpServer::Core::Answer(const HttpRequest& request) try {
  const absl::Duration patience =
      request.body.empty() ? config_.query_patience : config_.message_patience;
  if (request.arrival.waited > patience) return EmptyReply(503);
  return Respond(protocol_, request);
} catch (const std::exception& thrown) {
  LogThrown("http.request", thrown);
  return EmptyReply(500);
}

// Where not even an answer can be passed on, the connection ends without one.
void HttpServer::Core::Finish(const HttpRequest& request,
                              const std::function<void(HttpReply)>& done) try {
  done(Answer(request));
} catch (const std::exception& thrown) {
  LogThrown("http.request", thrown);
}

void HttpServer::Core::Forget(HttpConnection* connection) {
  std::lock_guard lock(mutex_);
  connections_.Remove(connection);
  gone_.notify_all();
}

void HttpServer::Core::Stop(absl::Duration grace) {
  {
    std::lock_guard lock(mutex_);
    if (stopping_) return;
    stopping_ = true;
  }
  asio::post(acceptor_.get_executor(), [this] {
    boost::system::error_code ignored;
    acceptor_.close(ignored);
    pause_.cancel();
    poll_.cancel();
  });
  std::vector<std::shared_ptr<HttpConnection>> alive;
  {
    // What is in the set is not yet destroyed: its destructor waits for this lock.
    std::lock_guard lock(mutex_);
    for (HttpConnection* connection : connections_.All()) {
      if (auto held = connection->weak_from_this().lock()) alive.push_back(std::move(held));
    }
  }
  for (const auto& connection : alive) connection->CloseWhenIdle();
  alive.clear();
  {
    std::unique_lock lock(mutex_);
    gone_.wait_for(lock, absl::ToChronoNanoseconds(grace),
                   [this] { return connections_.size() == 0; });
  }
  pool_.Stop();
  io_.stop();
  for (std::thread& thread : threads_) thread.join();
}

HttpServer::HttpServer(std::unique_ptr<Core> core) : core_(std::move(core)) {}
HttpServer::~HttpServer() = default;

absl::StatusOr<std::unique_ptr<HttpServer>> HttpServer::Start(const HttpServerConfig& config,
                                                              TeepProtocol& protocol) {
  auto core = std::make_unique<Core>(config, protocol);
  if (absl::Status loaded = core->LoadCertificate(); !loaded.ok()) return loaded;
  if (absl::Status listening = core->Listen(); !listening.ok()) return listening;
  core->Run();
  return std::unique_ptr<HttpServer>(new HttpServer(std::move(core)));
}

uint16_t HttpServer::port() const { return core_->port(); }
size_t HttpServer::connections() const { return core_->connections(); }
size_t HttpServer::held_bytes() const { return core_->held_bytes(); }
void HttpServer::Stop(absl::Duration grace) { core_->Stop(grace); }

}  // namespace tam::gateway

#include "services/gateway/http_server.h"

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <thread>
#include <unordered_set>
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
#include "services/runtime/worker_pool.h"

namespace tam::gateway {

namespace asio = boost::asio;
using asio::ip::tcp;

class HttpServer::Core {
 public:
  Core(const HttpServerConfig& config, TeepProtocol& protocol)
      : config_(config),
        protocol_(protocol),
        pool_(config.workers, config.queue_limit),
        io_(std::max(config.io_threads, 1)),
        work_(io_.get_executor()),
        acceptor_(asio::make_strand(io_)),
        pause_(acceptor_.get_executor()) {}

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

  void Run() {
    asio::post(acceptor_.get_executor(), [this] { Accept(); });
    for (int i = 0; i < std::max(config_.io_threads, 1); ++i) {
      threads_.emplace_back([this] { io_.run(); });
    }
  }

  void Stop(absl::Duration grace);
  uint16_t port() const { return port_; }
  size_t connections() const {
    std::lock_guard lock(mutex_);
    return connections_.size();
  }

 private:
  void Accept();
  void Begin(tcp::socket socket);
  bool Dispatch(HttpRequest request, std::function<void(HttpReply)> done);
  void Forget(HttpConnection* connection);

  const HttpServerConfig config_;
  TeepProtocol& protocol_;
  uint16_t port_ = 0;
  mutable std::mutex mutex_;  // guards the next three
  std::condition_variable gone_;
  std::unordered_set<HttpConnection*> connections_;
  bool stopping_ = false;
  runtime::WorkerPool pool_;
  std::vector<std::thread> threads_;
  // Last, so that it goes first: handlers that it still holds own connections.
  asio::io_context io_;
  // A connection whose request is with a worker is no work of io_'s.
  asio::executor_work_guard<asio::io_context::executor_type> work_;
  tcp::acceptor acceptor_;
  asio::steady_timer pause_;
};

void HttpServer::Core::Accept() {
  acceptor_.async_accept(asio::make_strand(io_),
                         [this](boost::system::error_code error, tcp::socket socket) {
                           if (error == asio::error::operation_aborted || !acceptor_.is_open())
                             return;
                           if (!error) {
                             Begin(std::move(socket));
                             return Accept();
                           }
                           // Out of descriptors, most likely: waits a little instead of spinning.
                           pause_.expires_after(std::chrono::milliseconds(50));
                           pause_.async_wait([this](boost::system::error_code stopped) {
                             if (!stopped && acceptor_.is_open()) Accept();
                           });
                         });
}

void HttpServer::Core::Begin(tcp::socket socket) {
  auto connection = std::make_shared<HttpConnection>(
      std::move(socket), config_,
      [this](HttpRequest request, std::function<void(HttpReply)> done) {
        return Dispatch(std::move(request), std::move(done));
      },
      [this](HttpConnection* closed) { Forget(closed); });
  bool serve = false;
  {
    std::lock_guard lock(mutex_);
    if (stopping_) return;
    serve = connections_.size() < config_.max_connections;
    // Refusals are short; they may pass the cap by an eighth, then sockets are closed unanswered.
    if (!serve &&
        connections_.size() >= config_.max_connections + config_.max_connections / 8 + 1) {
      return;
    }
    connections_.insert(connection.get());
  }
  serve ? connection->Serve() : connection->Refuse();
}

bool HttpServer::Core::Dispatch(HttpRequest request, std::function<void(HttpReply)> done) {
  const auto priority = request.body.empty() ? runtime::WorkerPool::Priority::kNew
                                             : runtime::WorkerPool::Priority::kContinuing;
  return pool_.TrySubmit([this, request = std::move(request),
                          done = std::move(done)] { done(Respond(protocol_, request)); },
                         priority);
}

void HttpServer::Core::Forget(HttpConnection* connection) {
  std::lock_guard lock(mutex_);
  connections_.erase(connection);
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
  });
  std::vector<std::shared_ptr<HttpConnection>> alive;
  {
    // What is in the set is not yet destroyed: its destructor waits for this lock.
    std::lock_guard lock(mutex_);
    for (HttpConnection* connection : connections_) {
      if (auto held = connection->weak_from_this().lock()) alive.push_back(std::move(held));
    }
  }
  for (const auto& connection : alive) connection->CloseWhenIdle();
  alive.clear();
  {
    std::unique_lock lock(mutex_);
    gone_.wait_for(lock, absl::ToChronoNanoseconds(grace), [this] { return connections_.empty(); });
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
  if (absl::Status listening = core->Listen(); !listening.ok()) return listening;
  core->Run();
  return std::unique_ptr<HttpServer>(new HttpServer(std::move(core)));
}

uint16_t HttpServer::port() const { return core_->port(); }
size_t HttpServer::connections() const { return core_->connections(); }
void HttpServer::Stop(absl::Duration grace) { core_->Stop(grace); }

}  // namespace tam::gateway

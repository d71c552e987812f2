// TEEP over HTTP and HTTPS (draft-ietf-teep-otrp-over-http-15), the client's side.
#ifndef TAMARACK_TOOLS_TEEPSIM_TRANSPORT_H_
#define TAMARACK_TOOLS_TEEPSIM_TRANSPORT_H_

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "crypto/tls/context.h"
#include "tools/teepsim/suit_processor/processor.h"

namespace tam::teepsim {

// One exchange with a TAM.
class TamTransport {
 public:
  virtual ~TamTransport() = default;
  // `message` is empty to start a session. nullopt: the TAM has nothing to say. Unavailable when
  // it cannot be reached or says 503; FailedPrecondition when its answer breaks the HTTP binding.
  virtual absl::StatusOr<std::optional<std::string>> Exchange(std::string_view message) = 0;
  // How the last answer came, for the transcript; empty where there is nothing to say.
  virtual std::string LastAnswer() const { return ""; }
};

struct Url {
  std::string scheme;  // "http" or "https"
  std::string host;    // without the brackets of an IPv6 address
  std::string port;
  std::string target;  // path and query, at least "/"
};
// InvalidArgument when it is no absolute http or https URL.
absl::StatusOr<Url> ParseUrl(std::string_view text);

struct HttpReply {
  unsigned status = 0;
  std::map<std::string, std::string> headers;  // names in lower case
  std::string body;
};

// The roots that an https URL is believed by: of a PEM file, or of this machine's bundle. To be
// read once and shared by any number of clients. NotFound, InvalidArgument.
absl::StatusOr<tls::Context> ReadTlsRoots(const std::string& path);
inline constexpr char kSystemTlsRoots[] = "/etc/ssl/certs/ca-certificates.crt";

// HTTP/1.1 with keep-alive, one connection; TLS 1.2 or 1.3 where the URL says https. Never follows
// a redirect. One thread at a time; any number of clients in as many threads. An open connection
// takes four descriptors.
class HttpClient {
 public:
  struct Options {
    absl::Duration timeout = absl::Seconds(30);  // of each step: connect, send, receive
    size_t max_body_bytes = 2 << 20;
    tls::Context tls = nullptr;  // null: the machine's roots, read when they are first needed
  };
  HttpClient() : HttpClient(Options()) {}
  explicit HttpClient(Options options);
  ~HttpClient();

  // Unavailable when the server cannot be reached or times out; Unauthenticated when its
  // certificate is not of the roots, or not for the URL's host; any status code is a reply.
  absl::StatusOr<HttpReply> Post(const Url& url, std::string_view body);
  absl::StatusOr<HttpReply> Get(const Url& url);

 private:
  struct Connection;
  absl::StatusOr<HttpReply> Send(bool post, const Url& url, std::string_view body);
  absl::StatusOr<HttpReply> TryOnce(bool post, const Url& url, std::string_view body);
  absl::Status Connect(const Url& url);
  absl::Status Secure(Connection& connection, const Url& url);

  Options options_;
  std::unique_ptr<Connection> connection_;
};

// What the binding asks of an answer: 200 with the media type and the security headers, or 2xx
// without content; never Cache-Control, never 3xx.
absl::StatusOr<std::optional<std::string>> CheckTamReply(const HttpReply& reply);

// The TAM at a URL.
class HttpTamTransport : public TamTransport {
 public:
  HttpTamTransport(Url url, HttpClient& client) : url_(std::move(url)), client_(client) {}
  absl::StatusOr<std::optional<std::string>> Exchange(std::string_view message) override;
  std::string LastAnswer() const override;

 private:
  Url url_;
  HttpClient& client_;
  unsigned last_status_ = 0;
};

// Payloads from http servers on this machine; other hosts are refused.
class LoopbackPayloadSource : public PayloadSource {
 public:
  absl::StatusOr<std::string> Fetch(std::string_view uri, size_t max_bytes) override;
};

}  // namespace tam::teepsim

#endif  // TAMARACK_TOOLS_TEEPSIM_TRANSPORT_H_

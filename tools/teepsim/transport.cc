#include "tools/teepsim/transport.h"

#include "absl/strings/ascii.h"
#include "crypto/text/text.h"
#include "tools/teepsim/status_macros.h"

namespace tam::teepsim {
namespace {

constexpr char kMediaType[] = "application/teep+cbor";

absl::Status Broken(std::string_view reason) {
  return absl::FailedPreconditionError(Concat("TAM's HTTP answer: ", reason));
}

std::string HeaderOf(const HttpReply& reply, const std::string& name) {
  const auto it = reply.headers.find(name);
  return it == reply.headers.end() ? "" : it->second;
}

absl::Status WantHeader(const HttpReply& reply, const std::string& name, std::string_view want) {
  const std::string got = HeaderOf(reply, name);
  if (got == want) return absl::OkStatus();
  return Broken(Concat("want ", name, ": ", want, ", got ", got.empty() ? "none" : got));
}

}  // namespace

absl::StatusOr<Url> ParseUrl(std::string_view text) {
  const auto refuse = [&](std::string_view reason) {
    return absl::InvalidArgumentError(Concat("url ", text, ": ", reason));
  };
  const bool secure = text.starts_with("https://");
  if (!secure && !text.starts_with("http://")) {
    return refuse("want http:// or https://<host>[:<port>]/<path>");
  }
  const std::string_view rest = text.substr(text.find("//") + 2);
  const size_t path = rest.find_first_of("/?#");
  std::string_view authority = rest.substr(0, path);
  Url url{.scheme = secure ? "https" : "http",
          .host = "",
          .port = secure ? "443" : "80",
          .target = "/"};
  if (path != std::string_view::npos) {
    const std::string_view target = rest.substr(path, rest.find('#') - path);
    url.target = target.starts_with('/') ? std::string(target) : Concat("/", target);
  }
  if (authority.find('@') != std::string_view::npos) return refuse("want no user information");
  const size_t colon = authority.rfind(':');
  const size_t bracket = authority.rfind(']');
  if (colon != std::string_view::npos && (bracket == std::string_view::npos || colon > bracket)) {
    url.port = std::string(authority.substr(colon + 1));
    authority = authority.substr(0, colon);
  }
  if (authority.starts_with('[') && authority.ends_with(']')) {
    authority = authority.substr(1, authority.size() - 2);
  }
  url.host = std::string(authority);
  if (url.host.empty() || url.port.empty()) return refuse("want a host");
  for (const char c : text) {
    if (c <= ' ' || c >= 0x7f) return refuse("want no space or control character");
  }
  return url;
}

absl::StatusOr<std::optional<std::string>> CheckTamReply(const HttpReply& reply) {
  if (reply.status == 503) {
    const std::string after = HeaderOf(reply, "retry-after");
    return absl::UnavailableError(
        Concat("TAM: 503", after.empty() ? "" : Concat(", retry after ", after, " s")));
  }
  if (reply.status >= 300 && reply.status < 400) {
    return Broken(Concat("a redirect (", reply.status, "), which is never followed"));
  }
  if (reply.status < 200 || reply.status >= 300) {
    return absl::UnavailableError(Concat("TAM: HTTP status ", reply.status));
  }
  if (reply.headers.contains("cache-control")) return Broken("want no cache-control");
  if (reply.body.empty()) return std::nullopt;
  TEEPSIM_RETURN_IF_ERROR(WantHeader(reply, "content-type", kMediaType));
  TEEPSIM_RETURN_IF_ERROR(WantHeader(reply, "x-content-type-options", "nosniff"));
  TEEPSIM_RETURN_IF_ERROR(WantHeader(reply, "content-security-policy", "default-src 'none'"));
  TEEPSIM_RETURN_IF_ERROR(WantHeader(reply, "referrer-policy", "no-referrer"));
  return reply.body;
}

absl::StatusOr<std::optional<std::string>> HttpTamTransport::Exchange(std::string_view message) {
  TEEPSIM_ASSIGN_OR_RETURN(const HttpReply reply, client_.Post(url_, message));
  last_status_ = reply.status;
  return CheckTamReply(reply);
}

std::string HttpTamTransport::LastAnswer() const { return Concat(" (HTTP ", last_status_, ")"); }

absl::StatusOr<std::string> LoopbackPayloadSource::Fetch(std::string_view uri, size_t max_bytes) {
  TEEPSIM_ASSIGN_OR_RETURN(const Url url, ParseUrl(uri));
  if (url.scheme != "http") return absl::PermissionDeniedError("payload: want an http URI");
  if (url.host != "127.0.0.1" && url.host != "::1" && url.host != "localhost") {
    return absl::PermissionDeniedError(Concat(url.host, ": want a host on this machine"));
  }
  HttpClient client(HttpClient::Options{.max_body_bytes = max_bytes});
  TEEPSIM_ASSIGN_OR_RETURN(HttpReply reply, client.Get(url));
  if (reply.status != 200) return absl::UnavailableError(Concat("HTTP status ", reply.status));
  return std::move(reply.body);
}

}  // namespace tam::teepsim

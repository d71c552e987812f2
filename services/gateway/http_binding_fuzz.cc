// Header fields of requests: three lines are Accept, Content-Type and the target. What they say
// does not depend on case or on what has no meaning, and every reply is one that the binding knows.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <optional>
#include <set>
#include <string>
#include <string_view>

#include "absl/strings/ascii.h"
#include "services/gateway/http_binding.h"

namespace {

using tam::gateway::HttpReply;
using tam::gateway::HttpRequest;

void Check(bool holds) {
  if (!holds) std::abort();
}

std::string TakeLine(std::string_view& bytes) {
  const size_t end = bytes.find('\n');
  const std::string line(bytes.substr(0, end));
  bytes = end == std::string_view::npos ? "" : bytes.substr(end + 1);
  return line;
}

class FixedProtocol : public tam::gateway::TeepProtocol {
 public:
  absl::StatusOr<std::string> ProcessConnect(const std::string&,
                                             const tam::gateway::Arrival&) override {
    return std::string("query");
  }
  absl::StatusOr<std::optional<std::string>> ProcessTeepMessage(
      const std::string&, std::string_view message, const tam::gateway::Arrival&) override {
    if (message.size() % 2 == 0) return std::optional<std::string>();
    return std::optional<std::string>("update");
  }
};

void CheckAccept(const std::string& accept) {
  const bool accepts = tam::gateway::AcceptsTeep(accept);
  Check(accepts == tam::gateway::AcceptsTeep(absl::AsciiStrToUpper(accept)));
  Check(accepts == tam::gateway::AcceptsTeep(accept + ", text/html"));
  Check(tam::gateway::AcceptsTeep(accept + ", application/teep+cbor"));
}

void CheckType(const std::string& type) {
  const bool is_teep = tam::gateway::IsTeepMediaType(type);
  Check(is_teep == tam::gateway::IsTeepMediaType(absl::AsciiStrToLower(type)));
  Check(is_teep == tam::gateway::IsTeepMediaType(type + "; charset=x"));
}

void CheckReply(const HttpReply& reply) {
  static const auto& kKnown = *new std::set<int>{200, 204, 404, 405, 406, 415};
  Check(kKnown.contains(reply.status));
  Check(reply.body.empty() || reply.status == 200);
  for (const auto& [name, value] : reply.headers) {
    Check(name != "Cache-Control" && name != "Set-Cookie" && name != "Location");
    Check(!value.empty());
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::string_view bytes(reinterpret_cast<const char*>(data), size);
  HttpRequest request;
  request.method = size % 8 == 0 ? "GET" : "POST";
  const std::string accept = TakeLine(bytes);
  const std::string type = TakeLine(bytes);
  const std::string target = TakeLine(bytes);
  if (!accept.empty()) request.accept = accept;
  if (!type.empty()) request.content_type = type;
  request.target = target.empty() ? "/tam/demo/main" : target;
  request.body = std::string(bytes);
  CheckAccept(accept);
  CheckType(type);
  FixedProtocol protocol;
  const HttpReply reply = tam::gateway::Respond(protocol, request);
  CheckReply(reply);
  // What the head alone refuses is refused alike with the body.
  const std::optional<HttpReply> early =
      tam::gateway::AnswerFromHead(request, !request.body.empty());
  Check(!early.has_value() || early->status == reply.status);
  Check(reply.body.empty() || early.has_value() || tam::gateway::AcceptsTeep(request.accept));
  return 0;
}

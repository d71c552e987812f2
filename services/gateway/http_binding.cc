#include "services/gateway/http_binding.h"

#include <algorithm>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_split.h"
#include "services/gateway/endpoint_cache.h"

namespace tam::gateway {
namespace {

constexpr char kRetryAfterSeconds[] = "2";

std::string_view Trim(std::string_view text) {
  const absl::string_view trimmed = absl::StripAsciiWhitespace({text.data(), text.size()});
  return std::string_view(trimmed.data(), trimmed.size());
}

std::string_view BeforeSemicolon(std::string_view text) {
  return Trim(text.substr(0, text.find(';')));
}

bool EqualsIgnoreCase(std::string_view a, std::string_view b) {
  return absl::EqualsIgnoreCase({a.data(), a.size()}, {b.data(), b.size()});
}

// 3 for the type itself, 2 for application/*, 1 for */*, 0 for any other range.
int Specificity(std::string_view range) {
  if (EqualsIgnoreCase(range, kTeepMediaType)) return 3;
  if (EqualsIgnoreCase(range, "application/*")) return 2;
  return range == "*/*" ? 1 : 0;
}

// Weight of a media range, 1 where none stands; 0 when it is malformed.
double Weight(std::string_view range) {
  for (absl::string_view part :
       absl::StrSplit(absl::string_view(range.data(), range.size()), ';')) {
    part = absl::StripAsciiWhitespace(part);
    if (part.size() < 2 || absl::ascii_tolower(part[0]) != 'q' || part[1] != '=') continue;
    double weight = 0;
    if (!absl::SimpleAtod(part.substr(2), &weight) || !(weight >= 0 && weight <= 1)) return 0;
    return weight;
  }
  return 1;
}

std::string PathOf(const std::string& target) { return target.substr(0, target.find('?')); }

HttpReply MessageReply(std::string message) {
  HttpReply reply;
  reply.status = 200;
  reply.headers = {{"Content-Type", kTeepMediaType},
                   {"X-Content-Type-Options", "nosniff"},
                   {"Content-Security-Policy", "default-src 'none'"},
                   {"Referrer-Policy", "no-referrer"}};
  reply.body = std::move(message);
  return reply;
}

}  // namespace

bool AcceptsTeep(const std::optional<std::string>& accept) {
  if (!accept.has_value()) return false;
  int best = 0;
  double weight = 0;
  for (absl::string_view part : absl::StrSplit(*accept, ',')) {
    const std::string_view range(part.data(), part.size());
    const int specificity = Specificity(BeforeSemicolon(range));
    if (specificity == 0 || specificity < best) continue;
    weight = specificity > best ? Weight(range) : std::max(weight, Weight(range));
    best = specificity;
  }
  return best > 0 && weight > 0;
}

bool IsTeepMediaType(std::string_view content_type) {
  return EqualsIgnoreCase(BeforeSemicolon(content_type), kTeepMediaType);
}

HttpReply EmptyReply(int status) {
  HttpReply reply;
  reply.status = status;
  if (status == 405) reply.headers.emplace_back("Allow", "POST");
  if (status == 503) reply.headers.emplace_back("Retry-After", kRetryAfterSeconds);
  return reply;
}

HttpReply ReplyTo(const absl::Status& failure) {
  switch (failure.code()) {
    case absl::StatusCode::kNotFound:
      return EmptyReply(404);
    case absl::StatusCode::kOutOfRange:
      return EmptyReply(413);
    case absl::StatusCode::kUnavailable:
    case absl::StatusCode::kResourceExhausted:
    case absl::StatusCode::kDeadlineExceeded:
    case absl::StatusCode::kAborted:
    // A service that ends cancels what it does not finish; the device may say it again.
    case absl::StatusCode::kCancelled:
      return EmptyReply(503);
    default:
      return EmptyReply(500);
  }
}

std::optional<HttpReply> AnswerFromHead(const HttpRequest& head, bool has_body) {
  const std::string path = PathOf(head.target);
  if (path == "/livez" && head.method == "GET") return EmptyReply(200);
  if (!HasEndpointShape(path)) return EmptyReply(404);
  if (head.method != "POST") return EmptyReply(405);
  if (!AcceptsTeep(head.accept)) return EmptyReply(406);
  if (has_body && !IsTeepMediaType(head.content_type.value_or(""))) return EmptyReply(415);
  return std::nullopt;
}

HttpReply Respond(TeepProtocol& protocol, const HttpRequest& request) {
  if (auto refusal = AnswerFromHead(request, !request.body.empty())) return *std::move(refusal);
  const std::string path = PathOf(request.target);
  if (request.body.empty()) {
    absl::StatusOr<std::string> query = protocol.ProcessConnect(path, request.arrival);
    return query.ok() ? MessageReply(*std::move(query)) : ReplyTo(query.status());
  }
  absl::StatusOr<std::optional<std::string>> answer =
      protocol.ProcessTeepMessage(path, request.body, request.arrival);
  if (!answer.ok()) return ReplyTo(answer.status());
  return answer->has_value() ? MessageReply(**std::move(answer)) : EmptyReply(204);
}

}  // namespace tam::gateway

#include "services/gateway/http_head.h"

#include <algorithm>
#include <iterator>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/string_view.h"

namespace tam::gateway {
namespace {

namespace http = boost::beast::http;

bool EqualsIgnoreCase(std::string_view a, std::string_view b) {
  return absl::EqualsIgnoreCase({a.data(), a.size()}, {b.data(), b.size()});
}

//   Host = uri-host [ ":" port ]    ; RFC 3986 section 3.2.2; empty where the URI has none
bool IsHost(std::string_view value) {
  constexpr std::string_view kMarks = "-._~%!$&'()*+;=:[]";
  return std::ranges::all_of(value, [&](char c) {
    return absl::ascii_isalnum(static_cast<unsigned char>(c)) ||
           kMarks.find(c) != std::string_view::npos;
  });
}

std::string_view View(boost::beast::string_view text) { return {text.data(), text.size()}; }

bool EndsWithChunked(std::string_view codings) {
  const absl::string_view last =
      absl::StripAsciiWhitespace(absl::string_view(codings.data(), codings.size())
                                     .substr(std::min(codings.rfind(',') + 1, codings.size())));
  return absl::EqualsIgnoreCase(last, "chunked");
}

// Beast takes the same length said twice.
bool HasManyLengths(const http::fields& fields) {
  const auto lengths = fields.equal_range(http::field::content_length);
  if (lengths.first == lengths.second) return false;
  return std::distance(lengths.first, lengths.second) > 1 ||
         View(lengths.first->value()).find(',') != std::string_view::npos;
}

}  // namespace

HeadScanner::State HeadScanner::EndLine() {
  after_cr_ = false;
  if (!at_line_start_) {
    at_line_start_ = true;
    return State::kPartial;
  }
  if (begun_) return State::kWhole;
  // One empty line before the request line is let pass (section 2.2).
  if (skip_ != 0) return State::kMalformed;
  skip_ = next_;
  return State::kPartial;
}

bool HeadScanner::Takes(char octet) {
  const bool blank = octet == ' ' || octet == '\t';
  if (at_line_start_ && blank) return false;
  if (!blank && absl::ascii_iscntrl(static_cast<unsigned char>(octet))) return false;
  at_line_start_ = false;
  begun_ = true;
  return true;
}

HeadScanner::State HeadScanner::Scan(std::string_view bytes) {
  while (next_ < bytes.size()) {
    const char octet = bytes[next_++];
    if (after_cr_) {
      if (octet != '\n') return State::kMalformed;
      if (const State state = EndLine(); state != State::kPartial) return state;
    } else if (octet == '\r') {
      after_cr_ = true;
    } else if (!Takes(octet)) {
      return State::kMalformed;
    }
  }
  return State::kPartial;
}

int RefusalOfHead(const http::fields& fields, unsigned version) {
  const auto hosts = fields.equal_range(http::field::host);
  const auto count = std::distance(hosts.first, hosts.second);
  if (count > 1 || (count == 0 && version > 10)) return 400;
  if (count == 1 && !IsHost(View(hosts.first->value()))) return 400;
  if (HasManyLengths(fields)) return 400;
  if (fields.count(http::field::content_type) > 1) return 400;
  const auto codings = fields.equal_range(http::field::transfer_encoding);
  if (codings.first == codings.second) return 0;
  if (version < 11) return 400;
  const std::string_view first = View(codings.first->value());
  if (std::distance(codings.first, codings.second) == 1 && EqualsIgnoreCase(first, "chunked")) {
    return 0;
  }
  const auto last = std::prev(codings.second);
  return EndsWithChunked(View(last->value())) ? 501 : 400;
}

std::string_view OriginForm(std::string_view target) {
  for (const std::string_view scheme : {"http://", "https://"}) {
    if (!EqualsIgnoreCase(target.substr(0, scheme.size()), scheme)) continue;
    const std::string_view rest = target.substr(scheme.size());
    const size_t path = rest.find_first_of("/?");
    if (path == 0 || rest.empty()) return target;  // no authority
    return path == std::string_view::npos ? std::string_view("/") : rest.substr(path);
  }
  return target;
}

}  // namespace tam::gateway

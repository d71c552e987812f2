// Heads of requests: found alike whole and in pieces, and what is found is for Beast's parser alone
// to refuse.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "boost/beast/http.hpp"
#include "services/gateway/http_head.h"

namespace {

namespace http = boost::beast::http;
using tam::gateway::HeadScanner;

void Check(bool holds) {
  if (!holds) std::abort();
}

void Parse(std::string_view head) {
  http::request_parser<http::string_body> parser;
  boost::system::error_code error;
  parser.put(boost::asio::const_buffer(head.data(), head.size()), error);
  // Also where Beast would like more of a line that ended (a version of one octet): a whole head
  // gets no more, and is refused.
  if (error) return;
  Check(parser.is_header_done());
  const int code = tam::gateway::RefusalOfHead(parser.get(), parser.get().version());
  Check(code == 0 || code == 400 || code == 501);
  const auto target = parser.get().target();
  const std::string_view form = tam::gateway::OriginForm({target.data(), target.size()});
  Check(form.size() <= target.size() || form == "/");
  Check(tam::gateway::OriginForm(form) == form || form.empty());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  HeadScanner whole;
  const HeadScanner::State state = whole.Scan(bytes);
  HeadScanner pieces;
  HeadScanner::State last = HeadScanner::State::kPartial;
  for (size_t i = 1; i <= size && last == HeadScanner::State::kPartial; ++i) {
    last = pieces.Scan(bytes.substr(0, i));
  }
  Check(last == state);
  Check(pieces.size() == whole.size());
  Check(whole.size() <= size && whole.skip() <= whole.size());
  if (state != HeadScanner::State::kWhole) return 0;
  Check(bytes.substr(0, whole.size()).ends_with("\r\n\r\n"));
  Parse(bytes.substr(whole.skip(), whole.size() - whole.skip()));
  return 0;
}

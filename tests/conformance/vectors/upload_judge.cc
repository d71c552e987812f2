#include "tests/conformance/vectors/upload_judge.h"

#include <algorithm>
#include <cctype>
#include <string>
#include <string_view>

#include "crypto/cbor/cbor.h"
#include "crypto/text/text.h"
#include "storage/model/catalog_rules.h"
#include "teep/suit/envelope.h"
#include "teep/suit/testing/vector_judges.h"

namespace tam::conformance {
namespace {

// The greatest number of "after seq 3/4"; 0 where there is no such text.
uint64_t HighestBefore(const std::string& text) {
  constexpr std::string_view kAfter = "after seq";
  const size_t at = text.find(kAfter);
  if (at == std::string::npos) return 0;
  uint64_t highest = 0, number = 0;
  for (const char c : text.substr(at + kAfter.size())) {
    const bool digit = std::isdigit(static_cast<unsigned char>(c)) != 0;
    number = digit ? number * 10 + static_cast<uint64_t>(c - '0') : 0;
    highest = std::max(highest, number);
    if (!digit && c != '/' && c != ' ') break;
  }
  return highest;
}

}  // namespace

testing::Judgement JudgeUpload(const testing::VectorCase& row, const std::string& folder) {
  const std::string kind = testing::Value(row, "kind");
  const testing::Judgement judgement = suit::testing::VectorJudges().at(kind)(row, folder);
  const uint64_t highest = std::max(HighestBefore(testing::Value(row, "what")),
                                    HighestBefore(testing::Value(row, "expect")));
  if (judgement.verdict != "accept" || highest == 0) return judgement;
  const std::string bytes = testing::ReadFile(folder + testing::Value(row, "file"));
  const auto envelope = suit::Envelope::Parse(cbor::AsBytes(bytes));
  const absl::Status status =
      storage::CheckSequence(envelope->unverified_manifest().sequence_number, highest);
  if (status.ok()) return judgement;
  return {"refused", std::string(StdView(status.message()))};
}

}  // namespace tam::conformance

// Every row of the index of published vectors gets its verdict. The vectors are not part of this
// repository: TAM_VECTORS names the folder that holds protocol/vectors/index.json.
#include "tests/support/vectors.h"

#include <cctype>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "crypto/cose/testing/vector_judges.h"
#include "gtest/gtest.h"
#include "teep/eat/testing/vector_judges.h"
#include "teep/suit/testing/vector_judges.h"
#include "tests/conformance/vectors/exceptions.h"
#include "tests/conformance/vectors/upload_judge.h"

namespace tam::conformance {
namespace {

using testing::Judgement;
using testing::Judges;
using testing::Value;
using testing::VectorCase;

const Judges& AllJudges() {
  static const auto& judges = *[] {
    auto* const all = new Judges(cose::testing::VectorJudges());
    all->insert(suit::testing::VectorJudges().begin(), suit::testing::VectorJudges().end());
    all->insert(eat::testing::VectorJudges().begin(), eat::testing::VectorJudges().end());
    for (const char* kind : {"developer upload", "NEGATIVE developer upload"}) {
      all->insert_or_assign(kind, JudgeUpload);
    }
    return all;
  }();
  return judges;
}

// Messages are judged in teep/message and against a gateway.
const std::set<std::string>& KindsOfOtherTests() {
  static const auto& kinds = *new std::set<std::string>{
      "signed TEEP message", "NEGATIVE TEEP input", "teep-payload (no COSE wrapper)", "HTTP cases"};
  return kinds;
}

std::string Folder() { return *testing::VectorRoot() + "/protocol/vectors/"; }

// Without vectors an empty one, for a test that skips.
std::vector<VectorCase> Rows() {
  if (!testing::VectorRoot().has_value()) return {VectorCase()};
  std::vector<VectorCase> rows;
  for (VectorCase& row : testing::ReadCases(Folder() + "index.json")) {
    if (!KindsOfOtherTests().contains(Value(row, "kind"))) rows.push_back(std::move(row));
  }
  return rows;
}

std::string NameOf(const ::testing::TestParamInfo<VectorCase>& info) {
  std::string name;
  for (const char c : Value(info.param, "file")) {
    name += std::isalnum(static_cast<unsigned char>(c)) != 0 ? c : '_';
  }
  return name.empty() ? "without_vectors" : name + "_" + std::to_string(info.index);
}

const Exception* ExceptionFor(const std::string& file) {
  for (const Exception& exception : kExceptions) {
    if (file == exception.file) return &exception;
  }
  return nullptr;
}

class VectorsTest : public ::testing::TestWithParam<VectorCase> {};

INSTANTIATE_TEST_SUITE_P(Index, VectorsTest, ::testing::ValuesIn(Rows()), NameOf);

TEST_P(VectorsTest, GetsItsVerdict) {
  const VectorCase& row = GetParam();
  if (row.empty()) GTEST_SKIP() << "TAM_VECTORS is unset: no published vectors to compare with";
  const auto judge = AllJudges().find(Value(row, "kind"));
  ASSERT_NE(judge, AllJudges().end()) << "nobody judges the kind " << Value(row, "kind");
  const Judgement judgement = judge->second(row, Folder());
  const Exception* const exception = ExceptionFor(Value(row, "file"));
  if (exception == nullptr) {
    EXPECT_EQ(judgement.verdict, Value(row, "verdict")) << judgement.reason;
    return;
  }
  EXPECT_EQ(judgement.verdict, exception->verdict) << exception->argument;
  EXPECT_FALSE(judgement.reason.empty());
  EXPECT_NE(exception->verdict, Value(row, "verdict")) << "an exception that agrees: take it out";
}

}  // namespace
}  // namespace tam::conformance

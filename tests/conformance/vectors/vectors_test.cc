// Every row of the index of published vectors gets its verdict. The vectors are not part of this
// repository: TAM_VECTORS names the folder that holds protocol/vectors/index.json, and
// TAM_VECTOR_FOLDERS more folders with an index.json of that form, separated by colons.
#include "tests/support/vectors.h"

#include <cctype>
#include <cstdlib>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_split.h"
#include "crypto/cose/testing/vector_judges.h"
#include "gtest/gtest.h"
#include "teep/eat/testing/vector_judges.h"
#include "teep/suit/testing/vector_judges.h"
#include "tests/conformance/vectors/exceptions.h"
#include "tests/conformance/vectors/teep_judge.h"
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
    for (const char* kind : {"signed TEEP message", "NEGATIVE TEEP input"}) {
      all->insert_or_assign(kind, JudgeMessage);
    }
    all->insert_or_assign("teep-payload (no COSE wrapper)", JudgePayload);
    return all;
  }();
  return judges;
}

// Judged against a running gateway: tests/conformance/http_cases_test.cc.
constexpr char kHttpCases[] = "HTTP cases";

// Each ends in "/".
std::vector<std::string> Folders() {
  std::vector<std::string> folders;
  if (testing::VectorRoot().has_value()) {
    folders.push_back(*testing::VectorRoot() + "/protocol/vectors/");
  }
  const char* const more = std::getenv("TAM_VECTOR_FOLDERS");
  for (absl::string_view folder : absl::StrSplit(more == nullptr ? "" : more, ':')) {
    if (!folder.empty()) folders.push_back(std::string(folder) + "/");
  }
  return folders;
}

struct Row {
  std::string folder;
  VectorCase row;  // empty: there are no vectors, and the test skips
};
void PrintTo(const Row& row, std::ostream* out) { *out << row.folder << Value(row.row, "file"); }

std::vector<Row> Rows() {
  std::vector<Row> rows;
  for (const std::string& folder : Folders()) {
    for (VectorCase& row : testing::ReadCases(folder + "index.json")) {
      if (Value(row, "kind") != kHttpCases) rows.push_back({folder, std::move(row)});
    }
  }
  return rows.empty() ? std::vector<Row>{Row()} : rows;
}

std::string NameOf(const ::testing::TestParamInfo<Row>& info) {
  std::string name;
  for (const char c : Value(info.param.row, "file")) {
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

class VectorsTest : public ::testing::TestWithParam<Row> {};

INSTANTIATE_TEST_SUITE_P(Index, VectorsTest, ::testing::ValuesIn(Rows()), NameOf);

TEST_P(VectorsTest, GetsItsVerdict) {
  const auto& [folder, row] = GetParam();
  if (row.empty()) GTEST_SKIP() << "TAM_VECTORS is unset: no published vectors to compare with";
  const auto judge = AllJudges().find(Value(row, "kind"));
  ASSERT_NE(judge, AllJudges().end()) << "nobody judges the kind " << Value(row, "kind");
  const Judgement judgement = judge->second(row, folder);
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

// The set of test vectors named by the environment variable TAM_VECTORS: protocol/vectors and
// vectors/attestation below it. Tests skip with the reason where it is unset.
#ifndef TAMARACK_TESTS_SUPPORT_VECTORS_H_
#define TAMARACK_TESTS_SUPPORT_VECTORS_H_

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tam::testing {

// The folder, or nullopt when TAM_VECTORS is unset or empty.
std::optional<std::string> VectorRoot();

// The bytes of a file; aborts when it cannot be read, for a vector that is listed must be there.
std::string ReadFile(const std::string& path);

// One object of a JSON list, flattened: "expect.crypto" -> "valid", "anchors.0" -> "a.pem".
// Numbers are written as integers where they are, null as absent.
using VectorCase = std::map<std::string, std::string>;
std::vector<VectorCase> ReadCases(const std::string& json_path);

// The value, or "" when absent.
std::string Value(const VectorCase& vector_case, const std::string& key);

std::string FromHex(std::string_view hex);

// What a library says of a row of an index.json, for whoever runs the vectors to compare with the
// row's own verdict.
struct Judgement {
  std::string verdict;  // a word of the index: "valid", "refused", "decrypts", ...
  std::string reason;   // why the verdict is not a better one; else empty
};

// `folder` holds the index and ends in "/". Aborts when a file that the row needs cannot be read.
using Judge = Judgement (*)(const VectorCase& row, const std::string& folder);
using Judges = std::map<std::string, Judge>;  // by the row's kind

}  // namespace tam::testing

#endif  // TAMARACK_TESTS_SUPPORT_VECTORS_H_

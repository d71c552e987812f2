#include "tests/support/vectors.h"

#include <google/protobuf/struct.pb.h>
#include <google/protobuf/util/json_util.h>

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <sstream>

namespace tam::testing {
namespace {

using JsonValue = google::protobuf::Value;

std::string FormatNumber(double number) {
  char text[32];
  std::snprintf(text, sizeof text, "%.15g", number);
  return text;
}

void Flatten(const std::string& path, const JsonValue& value, VectorCase& out) {
  const std::string prefix = path.empty() ? "" : path + ".";
  switch (value.kind_case()) {
    case JsonValue::kStructValue:
      for (const auto& [key, field] : value.struct_value().fields()) {
        Flatten(prefix + key, field, out);
      }
      return;
    case JsonValue::kListValue:
      for (int i = 0; i < value.list_value().values_size(); ++i) {
        Flatten(prefix + std::to_string(i), value.list_value().values(i), out);
      }
      return;
    case JsonValue::kStringValue:
      out[path] = value.string_value();
      return;
    case JsonValue::kNumberValue:
      out[path] = FormatNumber(value.number_value());
      return;
    case JsonValue::kBoolValue:
      out[path] = value.bool_value() ? "true" : "false";
      return;
    default:
      return;
  }
}

[[noreturn]] void Die(const std::string& reason) {
  std::fprintf(stderr, "vectors: %s\n", reason.c_str());
  std::abort();
}

}  // namespace

std::optional<std::string> VectorRoot() {
  const char* root = std::getenv("TAM_VECTORS");
  if (root == nullptr || *root == '\0') return std::nullopt;
  return std::string(root);
}

std::string ReadFile(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) Die(path + ": cannot be read");
  std::ostringstream out;
  out << file.rdbuf();
  return out.str();
}

std::vector<VectorCase> ReadCases(const std::string& json_path) {
  google::protobuf::ListValue list;
  const auto status = google::protobuf::util::JsonStringToMessage(ReadFile(json_path), &list);
  if (!status.ok()) Die(json_path + ": " + std::string(status.message()));
  std::vector<VectorCase> cases;
  for (const auto& value : list.values()) Flatten("", value, cases.emplace_back());
  return cases;
}

std::string Value(const VectorCase& vector_case, const std::string& key) {
  auto it = vector_case.find(key);
  return it == vector_case.end() ? "" : it->second;
}

std::string FromHex(std::string_view hex) {
  std::string out;
  for (size_t i = 0; i + 1 < hex.size(); i += 2) {
    out += static_cast<char>(std::stoi(std::string(hex.substr(i, 2)), nullptr, 16));
  }
  return out;
}

}  // namespace tam::testing

#include "tools/tamctl/inspect/inspect.h"

#include <algorithm>
#include <cctype>

#include "absl/strings/escaping.h"
#include "crypto/text/text.h"
#include "tools/tamctl/inspect/shapes.h"
#include "tools/tamctl/key_files.h"
#include "tools/tamctl/nouns/nouns.h"
#include "tools/tamctl/output.h"
#include "tools/tamctl/yaml.h"

namespace tam::tamctl {
namespace {

// The bytes of a file of hex digits and white space; nullopt when it is anything else.
std::optional<std::string> FromHex(const std::string& text) {
  std::string digits;
  for (const char c : text) {
    if (std::isxdigit(static_cast<unsigned char>(c))) {
      digits += c;
    } else if (!std::isspace(static_cast<unsigned char>(c))) {
      return std::nullopt;
    }
  }
  if (digits.empty() || digits.size() % 2 != 0) return std::nullopt;
  return absl::HexStringToBytes(digits);
}

absl::StatusOr<std::string> ReadInput(Context& context, bool* was_hex) {
  const std::string form = context.FlagOr("input", "auto");
  if (form != "auto" && form != "binary" && form != "hex") {
    return UsageError(Concat("--input: want auto, binary or hex, got '", form, "'"));
  }
  auto bytes = context.ReadFile(context.arguments()[0]);
  if (!bytes.ok() || form == "binary") return bytes;
  auto decoded = FromHex(*bytes);
  *was_hex = decoded.has_value();
  if (*was_hex) return *std::move(decoded);
  if (form == "hex") {
    return absl::InvalidArgumentError(
        Concat(context.arguments()[0], ": want an even number of hex digits"));
  }
  return bytes;
}

std::string SignatureJson(const inspect::SignatureResult& signature) {
  const char* state = signature.state == inspect::SignatureResult::State::kVerifies ? "verifies"
                      : signature.state == inspect::SignatureResult::State::kFails  ? "fails"
                                                                                    : "not checked";
  std::string json = Concat("{\"path\": ", JsonString(signature.path),
                            ", \"container\": ", JsonString(signature.container));
  if (signature.algorithm.has_value()) Append(&json, ", \"alg\": ", *signature.algorithm);
  Append(&json, ", \"kid\": ", JsonString(signature.kid), ", \"state\": ", JsonString(state),
         ", \"key\": ", JsonString(signature.key_name),
         ", \"reason\": ", JsonString(signature.reason), "}");
  return json;
}

std::string DecryptedJson(const inspect::Decrypted& inside) {
  return Concat("{\"path\": ", JsonString(inside.path), ", \"key\": ", JsonString(inside.key_name),
                ", \"purpose\": ", JsonString(inside.purpose),
                ", \"kind\": ", JsonString(inside.title),
                ", \"diagnostic\": ", JsonString(inside.diagnostic), "}");
}

std::string ProblemJson(const inspect::Problem& problem) {
  std::string json = "{";
  if (problem.offset.has_value()) Append(&json, "\"offset\": ", *problem.offset, ", ");
  return Concat(json, "\"path\": ", JsonString(problem.path),
                ", \"reason\": ", JsonString(problem.reason), "}");
}

template <typename T, typename F>
std::string ListJson(const std::vector<T>& values, F to_json) {
  std::string json;
  for (const T& value : values) Append(&json, json.empty() ? "\n    " : ",\n    ", to_json(value));
  return json.empty() ? "[]" : Concat("[", json, "\n  ]");
}

std::string ToJsonText(const inspect::Result& result) {
  const auto text = [](const std::string& s) { return JsonString(s); };
  return Concat("{\n  \"kind\": ", JsonString(result.title),
                ",\n  \"ok\": ", result.ok() ? "true" : "false",
                ",\n  \"decrypted\": ", ListJson(result.decrypted, DecryptedJson),
                ",\n  \"signatures\": ", ListJson(result.signatures, SignatureJson),
                ",\n  \"notes\": ", ListJson(result.notes, text),
                ",\n  \"problems\": ", ListJson(result.problems, ProblemJson),
                ",\n  \"diagnostic\": ", JsonString(result.diagnostic), "\n}\n");
}

absl::StatusOr<std::vector<inspect::NamedKey>> ReadKeys(Context& context) {
  std::vector<inspect::NamedKey> keys;
  for (const std::string& file : context.Flags("key")) {
    auto key = ReadInspectionKey(context, file);
    if (!key.ok()) return key.status();
    keys.push_back(*std::move(key));
  }
  return keys;
}

absl::Status Inspect(Context& context) {
  inspect::Options options;
  if (context.Has("as")) {
    const auto kind = inspect::ParseKind(*context.Flag("as"));
    if (!kind.ok()) return UsageError(Concat("--as: ", StdView(kind.status().message())));
    options.as = *kind;
  }
  const std::string wire = context.FlagOr("wire", "draft-26");
  if (wire != "draft-26" && wire != "legacy") {
    return UsageError(Concat("--wire: want draft-26 or legacy, got '", wire, "'"));
  }
  if (wire == "legacy") options.wire = teep::WireProfile::kLegacy;
  if (context.Has("full")) options.max_bytes_shown = SIZE_MAX;
  const auto keys = ReadKeys(context);
  if (!keys.ok()) return keys.status();
  bool was_hex = false;
  const auto bytes = ReadInput(context, &was_hex);
  if (!bytes.ok()) return bytes.status();
  inspect::Result result = inspect::Inspect(cbor::AsBytes(*bytes), *keys, options);
  if (was_hex) result.notes.push_back("read as hex; offsets count bytes");
  if (context.format() == OutputFormat::kTable) {
    context.out() << inspect::ToText(result);
  } else {
    const absl::Status printed = PrintJsonText(context, ToJsonText(result));
    if (!printed.ok()) return printed;
  }
  if (result.ok()) return absl::OkStatus();
  return absl::InvalidArgumentError(
      Concat(context.arguments()[0], ": ", result.problems[0].ToString()));
}

}  // namespace

std::vector<Command> InspectCommands() {
  return {{.noun = "inspect",
           .arguments = "FILE",
           .min_arguments = 1,
           .max_arguments = 1,
           .summary = "decode a TEEP, SUIT, COSE, EAT or CBOR file; say whether it verifies",
           .details =
               "Prints what the file is, its diagnostic notation with the names of the "
               "fields, what a --key opens, and each signature. FILE may hold hex; - is standard "
               "input.\n"
               "Exit code 0: well formed, and every --key verifies a signature in it, the "
               "outermost one included, or opens something. A private key opens what is "
               "encrypted for it; its public part verifies.",
           .flags = {{"key", "FILE", "PEM, COSE_Key or JWK, or a symmetric key; repeat for more"},
                     {"as", "KIND", "teep, suit, manifest, report, eat, deb, key, cose or cbor"},
                     {"wire", "PROFILE", "draft-26 (default), or legacy: TEEP messages before it"},
                     {"input", "FORM", "auto (default), binary or hex"},
                     {"full", "", "show long byte strings whole"}},
           .example = "tamctl inspect update.cbor --key tam.pem --key developer.pem",
           .run = Inspect}};
}

}  // namespace tam::tamctl

#include "teep/suit/commands.h"

#include <map>

#include "crypto/text/text.h"

namespace tam::suit {
namespace {

std::string NameIn(const std::map<int64_t, const char*>& names, const char* kind, int64_t key) {
  const auto it = names.find(key);
  return it != names.end() ? it->second : Concat(kind, " ", key);
}

}  // namespace

std::string CommandName(int64_t code) {
  static const auto& kNames = *new std::map<int64_t, const char*>{
      {command::kVendorIdentifier, "vendor-identifier"},
      {command::kClassIdentifier, "class-identifier"},
      {command::kImageMatch, "image-match"},
      {command::kUseBefore, "use-before"},
      {command::kComponentSlot, "component-slot"},
      {command::kCheckContent, "check-content"},
      {command::kDependencyIntegrity, "dependency-integrity"},
      {command::kIsDependency, "is-dependency"},
      {command::kProcessDependency, "process-dependency"},
      {command::kSetComponentIndex, "set-component-index"},
      {command::kAbort, "abort"},
      {command::kTryEach, "try-each"},
      {command::kWrite, "write"},
      {command::kSetParameters, "set-parameters"},
      {command::kOverrideParameters, "override-parameters"},
      {command::kFetch, "fetch"},
      {command::kCopy, "copy"},
      {command::kInvoke, "invoke"},
      {command::kDeviceIdentifier, "device-identifier"},
      {command::kSwap, "swap"},
      {command::kRunSequence, "run-sequence"},
      {command::kUnlink, "unlink"},
  };
  return NameIn(kNames, "command", code);
}

std::string ParameterName(int64_t label) {
  static const auto& kNames = *new std::map<int64_t, const char*>{
      {parameter::kVendorId, "vendor-identifier"},
      {parameter::kClassId, "class-identifier"},
      {parameter::kImageDigest, "image-digest"},
      {parameter::kComponentSlot, "component-slot"},
      {parameter::kStrictOrder, "strict-order"},
      {parameter::kSoftFailure, "soft-failure"},
      {parameter::kImageSize, "image-size"},
      {parameter::kContent, "content"},
      {parameter::kEncryptionInfo, "encryption-info"},
      {parameter::kUri, "uri"},
      {parameter::kSourceComponent, "source-component"},
      {parameter::kInvokeArgs, "invoke-args"},
      {parameter::kDeviceId, "device-identifier"},
      {parameter::kFetchArguments, "fetch-arguments"},
  };
  return NameIn(kNames, "parameter", label);
}

std::string SectionName(int64_t key) {
  static const auto& kNames = *new std::map<int64_t, const char*>{
      {7, "validate"},
      {8, "load"},
      {9, "invoke"},
      {14, "coswid"},
      {15, "dependency-resolution"},
      {16, "payload-fetch"},
      {18, "candidate-verification"},
      {20, "install"},
      {23, "text"},
      {24, "uninstall"},
  };
  return NameIn(kNames, "section", key);
}

bool IsCondition(int64_t code) {
  return (code >= command::kVendorIdentifier && code <= command::kIsDependency) ||
         code == command::kAbort || code == command::kDeviceIdentifier;
}

}  // namespace tam::suit

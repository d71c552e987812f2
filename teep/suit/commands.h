// Code points of command sequences (draft-ietf-suit-manifest-37 section 8.4.10 on, with
// trust-domains, firmware-encryption and update-management).
#ifndef TAMARACK_TEEP_SUIT_COMMANDS_H_
#define TAMARACK_TEEP_SUIT_COMMANDS_H_

#include <cstdint>
#include <string>

namespace tam::suit {

namespace command {
inline constexpr int64_t kVendorIdentifier = 1;
inline constexpr int64_t kClassIdentifier = 2;
inline constexpr int64_t kImageMatch = 3;
inline constexpr int64_t kUseBefore = 4;
inline constexpr int64_t kComponentSlot = 5;
inline constexpr int64_t kCheckContent = 6;
inline constexpr int64_t kDependencyIntegrity = 7;
inline constexpr int64_t kIsDependency = 8;
inline constexpr int64_t kProcessDependency = 11;
inline constexpr int64_t kSetComponentIndex = 12;
inline constexpr int64_t kAbort = 14;
inline constexpr int64_t kTryEach = 15;
inline constexpr int64_t kWrite = 18;
inline constexpr int64_t kSetParameters = 19;
inline constexpr int64_t kOverrideParameters = 20;
inline constexpr int64_t kFetch = 21;
inline constexpr int64_t kCopy = 22;
inline constexpr int64_t kInvoke = 23;
inline constexpr int64_t kDeviceIdentifier = 24;
inline constexpr int64_t kSwap = 31;
inline constexpr int64_t kRunSequence = 32;
inline constexpr int64_t kUnlink = 33;
}  // namespace command

namespace parameter {
inline constexpr int64_t kVendorId = 1;
inline constexpr int64_t kClassId = 2;
inline constexpr int64_t kImageDigest = 3;
inline constexpr int64_t kComponentSlot = 5;
inline constexpr int64_t kStrictOrder = 12;
inline constexpr int64_t kSoftFailure = 13;
inline constexpr int64_t kImageSize = 14;
inline constexpr int64_t kContent = 18;
inline constexpr int64_t kEncryptionInfo = 19;
inline constexpr int64_t kUri = 21;
inline constexpr int64_t kSourceComponent = 22;
inline constexpr int64_t kInvokeArgs = 23;
inline constexpr int64_t kDeviceId = 24;
inline constexpr int64_t kFetchArguments = 25;
}  // namespace parameter

// "image-match", "override-parameters"; "command 99" for the rest.
std::string CommandName(int64_t code);
// "image-digest"; "parameter 99" for the rest.
std::string ParameterName(int64_t label);
// "install"; "section 99" for the rest. Manifest keys of command sequences and of text (23).
std::string SectionName(int64_t key);

// Whether the code is a condition that manifest-37 or trust-domains define; its argument is a
// reporting policy.
bool IsCondition(int64_t code);

// Reporting policy bits, the argument of conditions and of most directives.
inline constexpr uint64_t kRecordOnSuccess = 1;
inline constexpr uint64_t kRecordOnFailure = 2;
inline constexpr uint64_t kSysinfoOnSuccess = 4;
inline constexpr uint64_t kSysinfoOnFailure = 8;

}  // namespace tam::suit

#endif  // TAMARACK_TEEP_SUIT_COMMANDS_H_

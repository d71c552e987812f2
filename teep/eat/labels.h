// Claim labels (RFC 8392, RFC 8747, RFC 9711). Internal to teep/eat.
#ifndef TAMARACK_TEEP_EAT_LABELS_H_
#define TAMARACK_TEEP_EAT_LABELS_H_

#include <cstdint>

namespace tam::eat {

inline constexpr int64_t kIss = 1;
inline constexpr int64_t kAud = 3;
inline constexpr int64_t kExp = 4;
inline constexpr int64_t kNbf = 5;
inline constexpr int64_t kIat = 6;
inline constexpr int64_t kCnf = 8;
inline constexpr int64_t kNonce = 10;
inline constexpr int64_t kUeid = 256;
inline constexpr int64_t kOemid = 258;
inline constexpr int64_t kHwmodel = 259;
inline constexpr int64_t kHwversion = 260;
inline constexpr int64_t kOemboot = 262;
inline constexpr int64_t kDbgstat = 263;
inline constexpr int64_t kProfile = 265;
inline constexpr int64_t kSubmods = 266;
inline constexpr int64_t kManifests = 272;
inline constexpr int64_t kMeasurements = 273;

inline constexpr int64_t kCnfCoseKey = 1;
inline constexpr int64_t kCnfKid = 3;
inline constexpr int64_t kCnfCkt = 5;

}  // namespace tam::eat

#endif  // TAMARACK_TEEP_EAT_LABELS_H_

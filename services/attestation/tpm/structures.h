// Structures of TPM 2.0 (TCG TPM 2.0 Library part 2), as far as a quote needs them: ATTESTATION.md
// section 8. Layout alone: nothing here is verified. Big endian.
//
//   TPMS_ATTEST    = magic 4, type 2, qualifiedSigner TPM2B, extraData TPM2B,
//                    clock 8, resetCount 4, restartCount 4, safe 1, firmwareVersion 8,
//                    count 4, count * (hash 2, sizeofSelect 1, bitmap), pcrDigest TPM2B
//   TPMT_SIGNATURE = algorithm 2, hash 2, TPM2B signature / TPM2B r, TPM2B s
//   TPMT_PUBLIC    = type 2, nameAlg 2, attributes 4, authPolicy TPM2B, symmetric 2, scheme 2
//                    [hash 2], (keyBits 2, exponent 4, TPM2B n) / (curve 2, kdf 2 [hash 2], TPM2B
//                    x, TPM2B y)
#ifndef TAMARACK_SERVICES_ATTESTATION_TPM_STRUCTURES_H_
#define TAMARACK_SERVICES_ATTESTATION_TPM_STRUCTURES_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "crypto/verify/verify.h"
#include "services/attestation/eat/appraisal.h"

namespace tam::attestation::tpm {

// Hash algorithms, by which banks of PCRs are named.
inline constexpr uint16_t kSha1 = 0x0004;
inline constexpr uint16_t kSha256 = 0x000b;
inline constexpr uint16_t kSha384 = 0x000c;
inline constexpr uint16_t kSha512 = 0x000d;
// "sha256"; empty for one that is unknown.
std::string_view BankName(uint16_t hash);
// Of its values; 0 for one that is unknown.
size_t BankBytes(uint16_t hash);
// Nullopt for SHA-1 and for what is unknown.
std::optional<verify::Hash> HashOf(uint16_t hash);

struct PcrSelection {
  uint16_t hash = 0;
  std::vector<uint32_t> pcrs;  // ascending
};

struct Quote {
  std::string qualified_signer;
  std::string extra_data;
  uint64_t clock = 0;  // milliseconds
  uint32_t reset_count = 0;
  uint32_t restart_count = 0;
  bool safe = false;
  uint64_t firmware_version = 0;
  std::vector<PcrSelection> selection;  // each bank once
  std::string pcr_digest;
};

// Claims "attest.magic", "attest.type" (a certification is no quote), "attest.length" and others.
std::variant<Quote, Finding> ParseQuote(std::string_view attest);

enum class Scheme { kRsassa, kRsapss, kEcdsa };

struct Signature {
  Scheme scheme = Scheme::kRsassa;
  verify::Hash hash = verify::Hash::kSha256;
  std::string value;  // r||s in the width of the curve, or RSA's
};

// What the key's own public area says, where it is known.
struct KeyScheme {
  Scheme scheme = Scheme::kRsassa;
  uint16_t hash = 0;
};

// TPMT_SIGNATURE of a key of this kind and size, or the bare value of an RSA key, whose scheme is
// then `own`, or RSASSA with SHA-256 (Azure). SHA-1 is refused, and so is another scheme than
// `own`.
std::variant<Signature, Finding> ParseSignature(std::string_view bytes, const verify::Key& key,
                                                const std::optional<KeyScheme>& own);

struct PublicArea {
  verify::Key key;
  // Of TPMT_PUBLIC: SubjectPublicKeyInfo has none of these.
  std::optional<uint32_t> attributes;
  std::optional<KeyScheme> scheme;  // nullopt too where the key may choose
  std::string name;                 // nameAlg and hash; empty where nameAlg is no SHA-2
};

// TPMT_PUBLIC or SubjectPublicKeyInfo (DER). A TPMT_PUBLIC must be of a restricted signing key that
// the TPM made and that cannot leave it (claim "ak.attributes"): another would sign what it is
// given.
std::variant<PublicArea, Finding> ParsePublicArea(std::string_view bytes);

}  // namespace tam::attestation::tpm

#endif  // TAMARACK_SERVICES_ATTESTATION_TPM_STRUCTURES_H_

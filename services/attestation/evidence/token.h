// Claims in a COSE_Sign1 (tag 18) or COSE_Mac0 (tag 17): a PSA token, each part of a CCA token.
// What RFC 9711 and RFC 9783 demand of the container, and who may have signed it.
//
// Strict: one tag; alg in the protected bucket, and fitting the key; in the unprotected bucket a
// kid or an x5chain alone; an attached payload. Pure functions and immutable values; thread safe.
#ifndef TAMARACK_SERVICES_ATTESTATION_EVIDENCE_TOKEN_H_
#define TAMARACK_SERVICES_ATTESTATION_EVIDENCE_TOKEN_H_

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "absl/status/status.h"
#include "crypto/cose/cose.h"
#include "services/attestation/evidence/evidence.h"

namespace tam::attestation {

// At most so many registered keys are tried: each costs a verification. The caller finds the key by
// what the token names (for look-up alone), and gives that.
inline constexpr size_t kMaxTriedKeys = 8;

// Either, or why not.
template <typename T>
using OrFinding = std::variant<T, Finding>;

// Well formed, and nothing more.
class Token {
 public:
  // `path` stands before the claims of findings: "", "platform.". Those are "token" (CBOR, shape),
  // "tag", "alg", "header", "payload".
  static OrFinding<Token> Parse(Bytes bytes, std::string_view path);

  bool is_mac() const { return message_.structure() == cose::Structure::kMac0; }
  int64_t algorithm() const { return *message_.signers().front().algorithm; }
  // DER, the leaf first; empty: none.
  const std::vector<std::string>& x5chain() const { return message_.signers().front().x5chain; }
  const std::string& unverified_payload() const { return *message_.unverified_payload(); }

  // Findings "alg" and "signature"; nullopt: the key signed it. ES256 and ESP256 want a P-256 key,
  // ES384 and ESP384 P-384, ES512 and ESP512 P-521; no other fits.
  std::optional<Finding> Verify(const keys::PublicKey& key) const;
  // Finding "mac". HMAC 256/256.
  std::optional<Finding> VerifyMac(const keys::MacKey& key) const;

 private:
  Token(cose::Message message, std::string_view path) : message_(std::move(message)), path_(path) {}
  cose::Message message_;
  std::string path_;
};

// Whose the token is. Without a key: a MAC by a shared one.
struct TokenSigner {
  std::optional<keys::PublicKey> key;
  bool registered = false;                    // the key itself, not by a chain
  absl::Time until = absl::InfiniteFuture();  // when its chain ends
  bool revocation_checked = false;            // of a chain: by a current list for each issuer
};

// By a registered key, else by a chain (the token's, else the input's) to one of the anchors, valid
// at the instant of `subject` and not revoked. Findings "signature", "alg", "mac", "anchor" and
// "chain..." (hardware_chain.h); all with `path` before them.
OrFinding<TokenSigner> FindSigner(const Token& token, const EvidenceInput& input,
                                  const TrustedInput& trusted, const Subject& subject,
                                  std::string_view path);

// Until when a chain holds (Tcb::until), and as number "revocation_checked" after `path` whether
// its makers' lists were there; nothing where no chain was used.
void AddChain(const TokenSigner& signer, std::string_view path, EvidenceClaims& claims);

// "offset N, where: want X, got Y" as a finding about `claim`, what stands before "want" included.
Finding FindingFrom(std::string_view claim, const absl::Status& status);

}  // namespace tam::attestation

#endif  // TAMARACK_SERVICES_ATTESTATION_EVIDENCE_TOKEN_H_

#ifndef TAMARACK_CRYPTO_X509_CHAIN_H_
#define TAMARACK_CRYPTO_X509_CHAIN_H_

// Certificate chains of keys that sign messages, as an x5chain has them (RFC 9360 section 2): DER,
// the leaf first, each certificate signed by the next. Pure functions; thread safe.

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "crypto/keys/key.h"

namespace tam::x509 {

inline constexpr size_t kMaxChainLength = 4;
inline constexpr size_t kMaxChainBytes = 8 << 10;  // of all its certificates

// The certificates of a PEM file, in their order, as DER. InvalidArgument unless it holds
// certificates alone, at least one.
absl::StatusOr<std::vector<std::string>> ChainFromPem(std::string_view pem);

struct ChainFacts {
  keys::PublicKey leaf;
  // When all of its certificates are valid, both ends included.
  absl::Time not_before;
  absl::Time not_after;
};

// InvalidArgument "chain[1]: want …, got …" unless there are 1..kMaxChainLength certificates of at
// most kMaxChainBytes, each but the leaf an authority's that signed the one before, and the leaf's
// key is one that signs TEEP messages. Whether they are valid now, and who trusts the last of them,
// is not looked at.
absl::StatusOr<ChainFacts> CheckChain(absl::Span<const std::string> chain);

// A certificate for a person to read: "CN=tam, of CN=authority, valid 2026-01-02T03:04:05Z to …".
// InvalidArgument: not one DER certificate.
absl::StatusOr<std::string> DescribeCertificate(std::string_view der);

}  // namespace tam::x509

#endif  // TAMARACK_CRYPTO_X509_CHAIN_H_

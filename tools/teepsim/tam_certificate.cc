#include "tools/teepsim/tam_certificate.h"

#include "absl/status/status.h"
#include "crypto/cbor/cbor.h"
#include "crypto/text/text.h"
#include "crypto/x509/chain.h"

namespace tam::teepsim {
namespace {

absl::Status Check(const std::vector<std::string>& chain, const keys::PublicKey& signer,
                   const x509::Authorities& trusted, absl::Time now) {
  if (chain.empty()) return absl::UnauthenticatedError("x5chain: want one, got none");
  const auto facts = x509::CheckChain(chain);
  if (!facts.ok()) return facts.status();
  if (!(facts->leaf == signer)) {
    return absl::UnauthenticatedError("x5chain: want the key that signed, got another");
  }
  return trusted.VerifyChain(chain, now);
}

}  // namespace

std::vector<std::string> ChainOf(const cose::Message& message, const keys::PublicKey& key) {
  const std::string thumbprint = cbor::AsString(cbor::Bytes(key.thumbprint()));
  for (const cose::SignerHeader& signer : message.signers()) {
    if (signer.kid == thumbprint) return signer.x5chain;
  }
  return message.signers().size() == 1 ? message.signers()[0].x5chain : std::vector<std::string>();
}

std::optional<teep::Error> CertificateObjection(const teep::QueryRequest& request,
                                                const std::vector<std::string>& chain,
                                                const keys::PublicKey& signer,
                                                const x509::Authorities& trusted, absl::Time now) {
  const absl::Status status = Check(chain, signer, trusted, now);
  if (status.ok()) return std::nullopt;
  teep::Error error;
  error.token = request.token;
  error.err_code = absl::IsDeadlineExceeded(status) ? teep::ErrorCode::kCertificateExpired
                                                    : teep::ErrorCode::kBadCertificate;
  error.err_msg = teep::FitErrMsg(StdView(status.message()));
  return error;
}

}  // namespace tam::teepsim

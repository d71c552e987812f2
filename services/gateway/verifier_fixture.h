// The engine's fixture with a verifier that judges: the checks of the attestation service itself,
// over one attestation key, one reference value and one verifier that the tenant accepts.
#ifndef TAMARACK_SERVICES_GATEWAY_VERIFIER_FIXTURE_H_
#define TAMARACK_SERVICES_GATEWAY_VERIFIER_FIXTURE_H_

#include <string>

#include "services/attestation/eat/verifier.h"
#include "services/gateway/session_fixture.h"
#include "teep/eat/eat.h"

namespace tam::gateway {

class VerifierFixture : public SessionFixture {
 protected:
  VerifierFixture();

  // An endpoint that asks for attestation with these settings, and a device that knows it, whose
  // key is key_ from now on.
  void UseEndpoint(const std::string& name, v1::Endpoint settings);
  // A QueryRequest of that endpoint.
  teep::QueryRequest Query();
  // Claims of the device that hold for Results and Evidence, but for the profile and `nonce`,
  // which empty is left out.
  eat::Claims Claims(const std::string& nonce) const;
  std::string Result(eat::Claims claims, const keys::PrivateKey& signer) const;
  std::string Result(const eat::Claims& claims) const { return Result(claims, verifier_); }
  std::string Evidence(eat::Claims claims) const;
  // QueryResponses with these as payload.
  static teep::QueryResponse WithResult(const std::string& result);
  static teep::QueryResponse WithEvidence(const std::string& evidence);
  absl::StatusOr<std::optional<std::string>> SendHere(const teep::Message& message);
  absl::Time Now() const { return absl::FromUnixMillis(now_ms_); }

  const keys::PrivateKey verifier_ = *keys::PrivateKey::Generate(keys::KeyType::kP256);
  const keys::PrivateKey attester_ = *keys::PrivateKey::Generate(keys::KeyType::kEd25519);
  std::string endpoint_ = "main";
  // The name of the TEEP profile that results made here bear, and its media type.
  std::string result_profile_ = eat::kTeepProfile;

 private:
  attestation::Appraisal Judge(const v1::AppraiseRequest& request, bool is_result) const;
  v1::AppraiseResponse Appraise(const v1::AppraiseRequest& request) const;
};

}  // namespace tam::gateway

#endif  // TAMARACK_SERVICES_GATEWAY_VERIFIER_FIXTURE_H_

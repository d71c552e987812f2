// Rules between fields that Decode leaves to who sends or obeys a message.
#include <string>

#include "crypto/cbor/cbor.h"
#include "crypto/cose/cose.h"
#include "teep/eat/eat.h"
#include "teep/message/message.h"
#include "tests/support/row.h"
#include "tests/support/status_matchers.h"

namespace tam::teep {
namespace {

using ::tam::testing::StatusIs;
using ::testing::HasSubstr;

// A CWT of this profile; nullopt: it names none.
std::string Token(const std::optional<std::string>& profile) {
  eat::Claims claims;
  claims.ueid = "\x01" + std::string(16, 'u');
  claims.profile = profile;
  return *cose::Sign1(*keys::PrivateKey::Generate(keys::KeyType::kEd25519),
                      cbor::AsBytes(eat::EncodeClaims(claims)));
}

template <typename M, typename Check>
void ExpectFormatUnlessTeepProfile(M message, Check check) {
  const auto wants_format =
      StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr(".attestation-payload-format: want"));
  using Profile = std::optional<std::string>;
  for (const Profile& profile : {Profile(eat::kTeepProfile), Profile()}) {
    message.attestation_payload = Token(profile);
    EXPECT_OK(check(message));
  }
  message.attestation_payload = "\xd8\x3d" + Token(eat::kTeepProfile);
  EXPECT_OK(check(message));
  for (const std::string& other :
       {Token(eat::kEvidenceProfile), Token(eat::kTeepProfile).substr(1), std::string("quote")}) {
    message.attestation_payload = other;
    message.attestation_payload_format.reset();
    EXPECT_THAT(check(message), wants_format);
    message.attestation_payload_format = "application/octet-stream";
    EXPECT_OK(check(message));
  }
}

TEST(PayloadFormat, IsDemandedForWhatIsNoCwtOfTheTeepProfile) {
  TAM_ROW("T-14");
  ExpectFormatUnlessTeepProfile(Update(), CheckUpdate);
  QueryRequest request;
  request.token = std::string(16, 't');
  ExpectFormatUnlessTeepProfile(request,
                                [](const QueryRequest& r) { return CheckQueryRequest(r); });
}

}  // namespace
}  // namespace tam::teep

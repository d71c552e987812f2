// What is put together before anything signs it.
#include "services/signing/compose.h"

#include <vector>

#include "tests/support/row.h"
#include "tests/support/status_matchers.h"

namespace tam::signing {
namespace {

using ::tam::testing::StatusIs;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr auto kInvalid = absl::StatusCode::kInvalidArgument;

v1::SignQueryRequestRequest Attested(const std::vector<uint32_t>& freshness) {
  v1::SignQueryRequestRequest request;
  request.set_data_items(11);
  request.set_challenge(std::string(32, 'c'));
  for (const uint32_t mechanism : freshness) request.add_freshness(mechanism);
  return request;
}

TEST(ComposeQueryRequest, OffersTheFreshnessMechanismsThatAreNamed) {
  TAM_ROW("T-12");
  const auto mechanisms = [](const v1::SignQueryRequestRequest& request) {
    const auto query = ComposeQueryRequest(request);
    EXPECT_OK(query);
    return query.ok() ? query->supported_freshness_mechanisms : std::vector<uint64_t>{99};
  };
  EXPECT_THAT(mechanisms(Attested({})), IsEmpty());
  EXPECT_THAT(mechanisms(Attested({0, 1})), ElementsAre(0, 1));
  EXPECT_THAT(mechanisms(Attested({1})), ElementsAre(1));
  EXPECT_THAT(ComposeQueryRequest(Attested({2})), StatusIs(kInvalid, HasSubstr("freshness")));
  EXPECT_THAT(ComposeQueryRequest(Attested({1, 1})), StatusIs(kInvalid, HasSubstr("freshness")));
  v1::SignQueryRequestRequest plain = Attested({0, 1});
  plain.set_data_items(10);
  plain.clear_challenge();
  plain.set_token(std::string(32, 't'));
  EXPECT_THAT(ComposeQueryRequest(plain), StatusIs(kInvalid, HasSubstr("freshness")));
}

TEST(ComposeUpdate, APayloadThatIsNoEatNeedsAFormat) {
  TAM_ROW("T-14");
  v1::SignUpdateRequest request;
  request.set_token(std::string(16, 't'));
  request.set_attestation_payload("quote");
  EXPECT_THAT(ComposeUpdate(request), StatusIs(kInvalid, HasSubstr("attestation-payload-format")));
  request.set_attestation_payload_format("application/octet-stream");
  EXPECT_OK(ComposeUpdate(request));
}

TEST(ComposeAttestationResult, HasNonceAndManifestsWhereTheEvidenceHad) {
  v1::SignAttestationResultRequest request;
  request.set_agent_thumbprint(std::string(32, 'a'));
  request.set_ueid("\x01" + std::string(16, 'u'));
  request.mutable_device_class()->set_oemid("oem");
  request.mutable_device_class()->set_hwmodel("model");
  request.set_profile(eat::kTeepProfile);
  request.set_lifetime_seconds(60);
  const auto claims = ComposeAttestationResult(request, absl::FromUnixSeconds(1'790'000'000));
  ASSERT_THAT(claims, testing::IsOk());
  EXPECT_THAT(claims->nonces, IsEmpty());  // it had a timestamp
  EXPECT_EQ(claims->issued_at, absl::FromUnixSeconds(1'790'000'000));
  EXPECT_THAT(claims->manifests, IsEmpty());
  request.set_manifests("\x81\x82\x18\x3c\x41m");  // as the evidence had them
  const auto more = ComposeAttestationResult(request, absl::FromUnixSeconds(1'790'000'000));
  ASSERT_THAT(more, testing::IsOk());
  EXPECT_THAT(more->manifests, ElementsAre(eat::ContentEntry{60, "m"}));
  request.set_manifests("junk");
  EXPECT_THAT(ComposeAttestationResult(request, absl::UnixEpoch()), StatusIs(kInvalid));
}

}  // namespace
}  // namespace tam::signing

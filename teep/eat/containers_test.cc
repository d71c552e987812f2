// Detached EAT bundles and EARs.
#include <string>
#include <utility>
#include <vector>

#include "crypto/cbor/cbor.h"
#include "crypto/secret/secret.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "teep/eat/bundle.h"
#include "teep/eat/ear.h"
#include "tests/support/status_matchers.h"

namespace tam::eat {
namespace {

using cbor::AsBytes;
using cbor::Writer;
using ::tam::testing::IsOk;
using ::tam::testing::IsOkAndHolds;
using ::tam::testing::StatusIs;
using ::testing::HasSubstr;

constexpr absl::StatusCode kInvalid = absl::StatusCode::kInvalidArgument;
constexpr absl::StatusCode kUnauthenticated = absl::StatusCode::kUnauthenticated;
constexpr absl::StatusCode kDenied = absl::StatusCode::kPermissionDenied;

std::string TeeClaims() {
  Claims claims;
  claims.oemboot = true;
  claims.audience = "https://tam.example/teep";
  return EncodeClaims(claims);
}

// A token's claims whose submods name the digest of `set` under "TEE".
Claims MainClaims(const std::string& set, int64_t algorithm = -16) {
  const secret::Digest256 digest = secret::Sha256(AsBytes(set));
  Writer submods;
  submods.MapHead(1).Text("TEE").Array(2).Int(algorithm).ByteString(Bytes(digest));
  Claims claims;
  claims.other.emplace(std::string("\x19\x01\x0a", 3), submods.bytes());
  return claims;
}

TEST(BundleTest, GivesTheClaimsThatTheTokenNames) {
  const Bundle bundle{.token = "token", .claims_sets = {{"TEE", TeeClaims()}}};
  const std::string bytes = EncodeBundle(bundle);
  EXPECT_TRUE(IsBundle(AsBytes(bytes)));
  EXPECT_THAT(ParseBundle(AsBytes(bytes)), IsOkAndHolds(bundle));
  TAM_ASSERT_OK_AND_ASSIGN(const auto sets, OpenDetached(bundle, MainClaims(TeeClaims())));
  EXPECT_EQ(sets.at("TEE").audience, "https://tam.example/teep");
}

TEST(BundleTest, RefusesSetsThatTheTokenDoesNotName) {
  Bundle bundle{.token = "token", .claims_sets = {{"TEE", TeeClaims()}}};
  const Claims main = MainClaims(TeeClaims());
  EXPECT_THAT(OpenDetached(bundle, Claims()), StatusIs(kUnauthenticated, HasSubstr("submods")));
  EXPECT_THAT(OpenDetached(bundle, MainClaims(TeeClaims(), -43)), StatusIs(kUnauthenticated));
  EXPECT_THAT(OpenDetached(bundle, MainClaims("other")),
              StatusIs(kUnauthenticated, HasSubstr("digest")));
  bundle.claims_sets.emplace("more", TeeClaims());
  EXPECT_THAT(OpenDetached(bundle, main), StatusIs(kUnauthenticated));
  bundle.claims_sets = {{"TEE", "\x01"}};
  EXPECT_THAT(OpenDetached(bundle, MainClaims("\x01")), StatusIs(kInvalid));
}

TEST(BundleTest, RefusesMalformedBundles) {
  Writer text_token, untagged, no_sets;
  text_token.Tag(602).Array(2).Text("jwt").MapHead(1).Text("a").ByteString("b");
  untagged.Array(2).ByteString("t").MapHead(1).Text("a").ByteString("b");
  no_sets.Tag(602).Array(2).ByteString("t").MapHead(0);
  for (const Writer& writer : {text_token, untagged, no_sets, Writer().Tag(602).Array(0)}) {
    EXPECT_THAT(ParseBundle(AsBytes(writer.bytes())), StatusIs(kInvalid, HasSubstr("eat-bundle")));
  }
}

struct EarParts {
  std::string profile = kEarProfile;
  std::optional<uint64_t> overall = std::nullopt;
  uint64_t status = 2;
  std::vector<std::pair<uint64_t, int64_t>> vector = {{0, 2}, {2, 2}, {4, 2}};
  bool with_vector = true;
};

std::string EncodeEar(const EarParts& parts) {
  cbor::MapBuilder vector, appraisal, submods, root;
  for (const auto& [key, value] : parts.vector) {
    vector.Set(static_cast<int64_t>(key), Writer().Int(value));
  }
  Writer policies, verifier;
  policies.Array(1).Text("https://policy.example/1");
  verifier.MapHead(2).Int(0).Text("https://verifier.example").Int(1).Text("1.0");
  appraisal.Set(1000, Writer().Uint(parts.status)).Set(1003, policies);
  if (parts.with_vector) appraisal.Set(1001, Writer().Raw(vector.Encode()));
  appraisal.Set(65000, Writer().Raw(TeeClaims()));
  submods.Set("TEE", Writer().Raw(appraisal.Encode()));
  root.Set(265, Writer().Text(parts.profile)).Set(6, Writer().Uint(1700000000));
  root.Set(1004, verifier).Set(266, Writer().Raw(submods.Encode()));
  if (parts.overall.has_value()) root.Set(1000, Writer().Uint(*parts.overall));
  return root.Encode();
}

absl::Status Judge(const EarParts& parts) {
  const auto ear = ParseEar(AsBytes(EncodeEar(parts)));
  return ear.ok() ? CheckAffirming(*ear, {kEarProfile}, {0, 2, 4}) : ear.status();
}

TEST(EarTest, AffirmingResultsPass) {
  EXPECT_THAT(Judge({}), IsOk());
  EXPECT_THAT(Judge({.overall = 2}), IsOk());
  TAM_ASSERT_OK_AND_ASSIGN(const Ear ear, ParseEar(AsBytes(EncodeEar({}))));
  EXPECT_EQ(ear.developer, "https://verifier.example");
  EXPECT_EQ(ear.submods.at("TEE").teep_claims->oemboot, true);
  EXPECT_EQ(ear.submods.at("TEE").policies.size(), 1u);
}

TEST(EarTest, AnythingElseIsRefusedByName) {
  EXPECT_THAT(Judge({.profile = "tag:other"}), StatusIs(kDenied, HasSubstr("ear.265")));
  EXPECT_THAT(Judge({.overall = 0}), StatusIs(kDenied, HasSubstr("ear.1000")));
  for (const uint64_t status : {0, 32, 96}) {
    EXPECT_THAT(Judge({.status = status}), StatusIs(kDenied, HasSubstr("ear.TEE: want status 2")));
  }
  // A status better than its vector.
  EXPECT_THAT(Judge({.vector = {{0, 2}, {2, 33}, {4, 2}}}), StatusIs(kDenied, HasSubstr("got 33")));
  EXPECT_THAT(Judge({.vector = {{0, 2}, {1, -100}, {2, 2}, {4, 2}}}), StatusIs(kDenied));
  EXPECT_THAT(Judge({.vector = {{0, 2}, {4, 2}}}),
              StatusIs(kDenied, HasSubstr("an affirming entry 2, got none")));
  EXPECT_THAT(Judge({.with_vector = false}), StatusIs(kDenied));
  EXPECT_THAT(Judge({.status = 3}), StatusIs(kInvalid, HasSubstr("want 0, 2, 32 or 96")));
  EXPECT_THAT(Judge({.vector = {{8, 2}}}), StatusIs(kInvalid));
  EXPECT_THAT(Judge({.vector = {{0, 128}}}), StatusIs(kInvalid, HasSubstr("-128..127")));
  EXPECT_THAT(ParseEar(AsBytes("\xa0")), StatusIs(kInvalid, HasSubstr("ear.265: missing")));
}

TEST(EarTest, TiersHaveTheirBounds) {
  const std::vector<std::pair<int, EarTier>> cases = {{-1, EarTier::kNone},
                                                      {0, EarTier::kNone},
                                                      {1, EarTier::kNone},
                                                      {2, EarTier::kAffirming},
                                                      {31, EarTier::kAffirming},
                                                      {32, EarTier::kWarning},
                                                      {95, EarTier::kWarning},
                                                      {96, EarTier::kContraindicated},
                                                      {127, EarTier::kContraindicated},
                                                      {-2, EarTier::kAffirming},
                                                      {-32, EarTier::kAffirming},
                                                      {-33, EarTier::kWarning},
                                                      {-96, EarTier::kWarning},
                                                      {-97, EarTier::kContraindicated},
                                                      {-128, EarTier::kContraindicated}};
  for (const auto& [value, tier] : cases) {
    EXPECT_EQ(EarTierOf(static_cast<int8_t>(value)), tier) << value;
  }
}

}  // namespace
}  // namespace tam::eat

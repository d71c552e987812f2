// What is malformed: bytes, claims and profiles.
#include <cstdio>

#include "services/attestation/psa/psa_fixture.h"

namespace tam::attestation {
namespace {

using testing::EncodeComponents;
using testing::Number;
using testing::Octets;
using testing::Text;

// The signature covers the protected bucket and the payload; the head, the tag and the unprotected
// bucket, which is empty, are checked: no byte is left.
TEST_F(PsaTest, EachFlippedBitIsRefused) {
  for (const char* profile :
       {"tag:psacertified.org,2023:psa#tfm", "http://arm.com/psa/2.0.0", "PSA_IOT_PROFILE_1"}) {
    spec_.profile = profile;
    const std::string good = Build();
    std::string spoilt = good;
    for (size_t i = 0; i < good.size(); ++i) {
      for (int bit = 0; bit < 8; ++bit) {
        spoilt[i] ^= static_cast<char>(1 << bit);
        EXPECT_FALSE(VerifyBytes(spoilt).authentic()) << profile << ", byte " << i;
        spoilt[i] = good[i];
      }
    }
    std::printf("psa: %zu bytes of a token of ours\n", good.size());
  }
}

TEST_F(PsaTest, EachTruncationAndWhatFollowsIsRefused) {
  const std::string good = Build();
  for (size_t size = 0; size < good.size(); ++size) {
    EXPECT_EQ(Why(VerifyBytes(good.substr(0, size))), "token") << size;
  }
  for (const char* after : {"x", "\xf6", "\xd2"}) {
    EXPECT_EQ(Why(VerifyBytes(good + after)), "token");
  }
  EXPECT_EQ(Why(VerifyBytes(good + std::string(1, '\0'))), "token");
}

TEST_F(PsaTest, WhatIsTooLargeIsRefusedUnread) {
  const std::string good = Build();
  EXPECT_EQ(Why(VerifyBytes(good + std::string(kMaxEvidenceBytes + 1 - good.size(), 'x'))),
            "token");
  // Lengths of 4 GiB and more, with nothing behind them.
  for (const std::string& head :
       {std::string("\xd2\x9a\xff\xff\xff\xff"), std::string("\xd2\x84\x5a\xff\xff\xff\xff"),
        std::string("\xd2\x84\x43\xa1\x01\x26\xa0\x5b\xff\xff\xff\xff\xff\xff\xff\xff"),
        std::string("\xd2\x84\x43\xa1\x01\x26\xba\xff\xff\xff\xff")}) {
    EXPECT_EQ(Why(VerifyBytes(head)), "token");
  }
}

TEST_F(PsaTest, PayloadsThatAreNoStrictMapAreRefused) {
  const std::string map = testing::EncodeClaims(testing::PsaClaims(spec_), {});
  const std::string doubled =
      std::string("\xa2\x0a\x58\x20", 4) + spec_.nonce + "\x0a\x58\x20" + spec_.nonce;
  for (const std::string& payload :
       {std::string(), map + "x", map.substr(1), std::string("\x80"), std::string("\xbf\xff"),
        doubled, "\xa1\x0a" + std::string(20, '\x81') + "\x01"}) {
    EXPECT_EQ(Why(VerifyBytes(testing::BuildToken(payload, token_))), "payload");
  }
}

TEST_F(PsaTest, APayloadThatIsNotThereIsRefused) {
  std::string token = Build();
  const std::string payload = testing::EncodeClaims(testing::PsaClaims(spec_), {});
  token.replace(token.find(payload) - 3, payload.size() + 3, "\xf6");
  EXPECT_EQ(Why(VerifyBytes(token)), "payload");
}

TEST_F(PsaTest, SignaturesOfAnotherFormAreRefused) {
  const auto sign = token_.sign;
  token_.sign = [&](std::string_view covered) { return "\x30\x44" + sign(covered); };
  EXPECT_EQ(Why(), "signature");
  token_.sign = [&](std::string_view covered) { return sign(covered).substr(1); };
  EXPECT_EQ(Why(), "signature");
  token_.sign = [](std::string_view) { return std::string(64, '\0'); };
  EXPECT_EQ(Why(), "signature");
  token_.sign = [](std::string_view) { return std::string(64, '\xff'); };
  EXPECT_EQ(Why(), "signature");
  token_.sign = [](std::string_view) { return std::string(); };
  EXPECT_EQ(Why(), "signature");
}

TEST_F(PsaTest, ProfilesMustAgree) {
  profile_ = "http://arm.com/psa/2.0.0";
  EXPECT_EQ(Why(), "profile");
  profile_ = "tag:psacertified.org,2019:psa#legacy";
  EXPECT_EQ(Why(), "profile");
  spec_.profile = "PSA_IOT_PROFILE_1";
  EXPECT_EQ(Why(), "");
  changes_[-75000] = std::nullopt;  // the older ones may leave it out
  EXPECT_EQ(Why(), "");
  profile_ = "tag:psacertified.org,2023:psa#tfm";
  EXPECT_EQ(Why(), "profile");
  profile_ = "";
  changes_[-75000] = Text("PSA_IOT_PROFILE_2");
  EXPECT_EQ(Why(), "profile");
  changes_[-75000] = Number(1);
  EXPECT_EQ(Why(), "profile");
}

TEST_F(PsaTest, TheRfcsClaimsWantTheirProfile) {
  for (const auto& value :
       {std::optional<std::string>(), std::optional(Text("PSA_IOT_PROFILE_1")),
        std::optional(Text("tag:psacertified.org,2019:psa#legacy")),
        std::optional(Text("tag:psacertified.org,2023:psa#tfm ")), std::optional(Number(265))}) {
    changes_[265] = value;
    EXPECT_EQ(Why(), "profile");
  }
}

TEST_F(PsaTest, ClaimsOfTwoGenerationsAreRefused) {
  for (const int64_t label : {-75000, -75008, -75002, -75006, -75010}) {
    changes_ = {{label, Number(1)}};
    const EvidenceVerdict verdict = Verify();
    EXPECT_EQ(Why(verdict), "profile") << label;
    EXPECT_EQ(verdict.unauthentic[0].found, "claims of two");
  }
  spec_.profile = "PSA_IOT_PROFILE_1";
  for (const int64_t label : {10, 256, 268, 2395, 2397, 2399}) {
    changes_ = {{label, Number(1)}};
    EXPECT_EQ(Why(), "profile") << label;
  }
}

TEST_F(PsaTest, ClaimsOfNoGenerationAreIgnored) {
  changes_ = {{77777, Octets("x")}, {-1, Text("y")}};
  EXPECT_EQ(Why(), "");
}

struct FormRow {
  int64_t label;
  std::optional<std::string> value;
  const char* claim;
};

TEST_F(PsaTest, EachClaimHasItsForm) {
  const std::string id = "\x01" + std::string(32, 'i');
  for (const FormRow& row : std::vector<FormRow>{
           {10, std::nullopt, "nonce"},
           {10, Octets(std::string(31, 'n')), "nonce"},
           {10, Octets(std::string(33, 'n')), "nonce"},
           {10, Octets(std::string(65, 'n')), "nonce"},
           {10, "\x82" + Octets(std::string(32, 'n')) + Octets(std::string(32, 'm')), "nonce"},
           {256, std::nullopt, "instance_id"},
           {256, Octets(id.substr(0, 32)), "instance_id"},
           {256, Octets(id + "i"), "instance_id"},
           {256, Octets("\x02" + id.substr(1)), "instance_id"},
           {2394, std::nullopt, "client_id"},
           {2394, Number(int64_t{INT32_MAX} + 1), "client_id"},
           {2394, Number(int64_t{INT32_MIN} - 1), "client_id"},
           {2394, Octets("1"), "client_id"},
           {2395, std::nullopt, "lifecycle"},
           {2395, Number(-1), "lifecycle"},
           {2395, Number(0x10000), "lifecycle"},
           {2395, "\xf9\x7b\xff", "lifecycle"},
           {2396, std::nullopt, "implementation_id"},
           {2396, Octets(std::string(33, 'm')), "implementation_id"},
           {268, Octets(std::string(7, 'b')), "boot_seed"},
           {268, Octets(std::string(33, 'b')), "boot_seed"},
           {2397, Octets(std::string(32, 'b')), "boot_seed"},
           {2398, Text("0604565272829"), "certification_reference"},
           {2398, Text("0604565272829-1001x"), "certification_reference"},
           {2398, Text("0604565272829-100100"), "certification_reference"},
           {2398, Text(""), "certification_reference"},
           {2399, std::nullopt, "software_components"},
           {2399, "\x80", "software_components"},
           {2399, "\xa0", "software_components"},
           {2399, "\x81\x01", "software_components[0]"},
           {2400, Text(std::string(257, 'v')), "verification_service"},
           {2400, Text("\x1b[2Jverifier"), "verification_service"},
           {2400, Text("verifier\x7f"), "verification_service"},
           {2400, Number(1), "verification_service"}}) {
    changes_ = {{row.label, row.value}};
    EXPECT_EQ(Why(), row.claim) << row.label;
  }
}

TEST_F(PsaTest, WhatMayBeAbsentMay) {
  for (const int64_t label : {268, 2398, 2400}) changes_[label] = std::nullopt;
  EXPECT_EQ(Why(), "");
  spec_.boot_seed = std::string(8, 'b');
  changes_.erase(268);
  EXPECT_EQ(Why(), "");
}

TEST_F(PsaTest, TheOlderProfilesHaveTheirForms) {
  spec_.profile = "http://arm.com/psa/2.0.0";
  changes_ = {{268, Octets(spec_.boot_seed)}};
  EXPECT_EQ(Why(), "boot_seed");  // beside that at 2397
  changes_ = {{2397, std::nullopt}, {268, Octets(spec_.boot_seed)}};
  EXPECT_EQ(Why(), "");
  spec_.profile = "PSA_IOT_PROFILE_1";
  changes_ = {{-75004, std::nullopt}};
  EXPECT_EQ(Why(), "boot_seed");
  changes_ = {{-75004, Octets(std::string(31, 'b'))}};
  EXPECT_EQ(Why(), "boot_seed");
  changes_ = {{-75005, Text("0604565272829")}};
  EXPECT_EQ(Why(), "");
  changes_ = {{-75007, Number(1)}};
  EXPECT_EQ(Why(), "software_components");  // both
  changes_ = {{-75006, std::nullopt}};
  EXPECT_EQ(Why(), "software_components");  // neither
}

TEST_F(PsaTest, WithoutMeasurementsATokenIsRefusedByDefault) {
  spec_.profile = "PSA_IOT_PROFILE_1";
  changes_ = {{-75006, std::nullopt}, {-75007, Number(2)}};
  EXPECT_EQ(Why(), "no_software_measurements");
  changes_[-75007] = Number(1);
  const EvidenceVerdict verdict = Verify();
  EXPECT_EQ(Why(verdict), "");
  ASSERT_EQ(verdict.refused.size(), 1u);
  EXPECT_EQ(verdict.refused[0].claim, "software_components");
  EXPECT_EQ(verdict.trust.executables, 33);
}

TEST_F(PsaTest, ComponentsHaveTheirForms) {
  testing::PsaComponent second;
  for (const auto& [member, claim] :
       {std::pair{&testing::PsaComponent::value, "software_components[1].value"},
        std::pair{&testing::PsaComponent::signer_id, "software_components[1].signer_id"}}) {
    for (const size_t size : {0, 20, 31, 33, 65}) {
      second = testing::PsaComponent();
      second.*member = std::string(size, 'x');
      spec_.components = {testing::PsaComponent(), second};
      EXPECT_EQ(Why(), claim) << size;
    }
  }
  second = testing::PsaComponent();
  second.type = std::string(257, 't');
  spec_.components = {testing::PsaComponent(), second};
  EXPECT_EQ(Why(), "software_components[1].type");
  spec_.components.assign(65, testing::PsaComponent());
  EXPECT_EQ(Why(), "software_components");
}

// A second component of a name hides no first.
TEST_F(PsaTest, ComponentsOfOneNameStayApart) {
  testing::PsaComponent other;
  other.value = std::string(48, 'w');
  testing::PsaComponent posing = other;
  posing.type = "BL#2";
  posing.value = std::string(64, 'p');
  testing::PsaComponent nameless = other;
  nameless.type = "";
  spec_.components = {testing::PsaComponent(), posing, other, nameless};
  const EvidenceVerdict verdict = Verify();
  ASSERT_EQ(Why(verdict), "");
  const std::map<std::string, std::string> want = {{"BL", std::string(32, 'v')},
                                                   {"BL#2", std::string(64, 'p')},
                                                   {"BL#3", std::string(48, 'w')},
                                                   {"component.3", std::string(48, 'w')}};
  EXPECT_EQ(verdict.claims->measurements, want);
}

}  // namespace
}  // namespace tam::attestation

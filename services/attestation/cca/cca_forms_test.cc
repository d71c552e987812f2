// What is malformed: bytes, wrappers, claims.
#include <cstdio>

#include "services/attestation/cca/cca_fixture.h"

namespace tam::attestation {
namespace {

using testing::Number;
using testing::Octets;
using testing::Text;

// The signatures cover the protected buckets and the payloads; wrapper, heads, tags and the empty
// unprotected buckets are checked: no byte is left.
TEST_F(CcaTest, EachFlippedByteIsRefused) {
  for (const uint64_t tag : {399, 907}) {
    const std::string good = Build(tag);
    std::string spoilt = good;
    for (size_t i = 0; i < good.size(); ++i) {
      // Each bit of the heads and tags; elsewhere one of each byte, for P-384 is slow.
      for (int bit = 0; bit < (i < 24 ? 8 : 1); ++bit) {
        spoilt[i] ^= static_cast<char>(1 << bit);
        EXPECT_FALSE(VerifyBytes(spoilt).authentic()) << tag << ", byte " << i;
        spoilt[i] = good[i];
      }
    }
    std::printf("cca: %zu bytes of a token of ours\n", good.size());
  }
}

TEST_F(CcaTest, EachTruncationAndWhatFollowsIsRefused) {
  const std::string good = Build();
  for (size_t size = 0; size < good.size(); ++size) {
    EXPECT_EQ(Why(VerifyBytes(good.substr(0, size))), "token") << size;
  }
  EXPECT_EQ(Why(VerifyBytes(good + "x")), "token");
  EXPECT_EQ(Why(VerifyBytes(good + std::string(1, '\0'))), "token");
}

TEST_F(CcaTest, InnerTokensAreWhole) {
  const std::string platform = PlatformToken();
  const std::string realm = RealmToken();
  for (const std::string& spoilt : {platform + "x", platform.substr(0, platform.size() - 1)}) {
    EXPECT_EQ(Why(VerifyBytes(testing::BuildCca(spoilt, realm))), "platform.token");
  }
  for (const std::string& spoilt : {realm + "x", realm.substr(0, realm.size() - 1)}) {
    EXPECT_EQ(Why(VerifyBytes(testing::BuildCca(platform, spoilt))), "realm.token");
  }
  EXPECT_EQ(Why(VerifyBytes(testing::BuildCca("", realm))), "platform.token");
  EXPECT_EQ(Why(VerifyBytes(testing::BuildCca(realm, platform))), "platform.signature");
}

TEST_F(CcaTest, LengthsThatLieAreRefused) {
  for (const std::string& head :
       {std::string("\xd9\x01\x8f\xba\xff\xff\xff\xff"),
        std::string("\xd9\x01\x8f\xa2\x19\xac\xca\x5a\xff\xff\xff\xff"),
        std::string("\xd9\x01\x8f\xa2\x19\xac\xca\x5b\xff\xff\xff\xff\xff\xff\xff\xff"),
        std::string(kMaxEvidenceBytes + 1, '\xd9')}) {
    EXPECT_EQ(Why(VerifyBytes(head)), "token");
  }
}

TEST_F(CcaTest, TheWrapperHoldsTheTwoAlone) {
  const cbor::Writer platform = cbor::Writer().ByteString(PlatformToken());
  const cbor::Writer realm = cbor::Writer().ByteString(RealmToken());
  const auto wrapped = [](uint64_t tag, const cbor::MapBuilder& map) {
    cbor::Writer writer;
    writer.Tag(tag);
    map.WriteTo(writer);
    return std::move(writer).Take();
  };
  cbor::MapBuilder map;
  map.Set(44234, platform);
  EXPECT_EQ(Why(VerifyBytes(wrapped(399, map))), "token");
  map.Set(44242, realm);
  EXPECT_EQ(Why(VerifyBytes(wrapped(399, map))), "realm.token");
  map.Set(44241, realm);
  EXPECT_EQ(Why(VerifyBytes(wrapped(399, map))), "token");  // three
  cbor::MapBuilder two;
  two.Set(44234, platform).Set(44241, realm);
  EXPECT_EQ(Why(VerifyBytes(wrapped(399, two))), "");
  EXPECT_EQ(Why(VerifyBytes(wrapped(398, two))), "tag");
  EXPECT_EQ(Why(VerifyBytes(wrapped(907, two))), "platform.type");  // no records
  EXPECT_EQ(Why(VerifyBytes(two.Encode())), "tag");
  two.Set(44241, cbor::Writer().Array(2).Uint(263).ByteString(RealmToken()));
  EXPECT_EQ(Why(VerifyBytes(wrapped(399, two))), "realm.token");
  two.Set(44234, cbor::Writer().Array(2).Uint(264).ByteString(PlatformToken()));
  EXPECT_EQ(Why(VerifyBytes(wrapped(907, two))), "platform.type");
  two.Set(44234, cbor::Writer().Array(3).Uint(263).ByteString(PlatformToken()).Uint(1));
  EXPECT_EQ(Why(VerifyBytes(wrapped(907, two))), "platform.type");
  two.Set(44234, cbor::Writer().Raw(PlatformToken()));
  EXPECT_EQ(Why(VerifyBytes(wrapped(399, two))), "platform.token");
}

TEST_F(CcaTest, InnerContainersAreStrict) {
  platform_token_.tag = 17;
  EXPECT_EQ(Why(), "platform.tag");
  platform_token_.algorithm = 5;
  EXPECT_EQ(Why(), "platform.tag");
  platform_token_ = testing::SignedBy(keys_.platform);
  realm_token_.tag = std::nullopt;
  EXPECT_EQ(Why(), "realm.tag");
  realm_token_ = testing::SignedBy(keys_.realm);
  realm_token_.algorithm = -7;
  EXPECT_EQ(Why(), "realm.alg");
  realm_token_.algorithm = std::nullopt;
  EXPECT_EQ(Why(), "realm.alg");
  realm_token_.algorithm = -35;
  realm_token_.x5chain = {"certificate"};
  EXPECT_EQ(Why(), "realm.header");
}

struct FormRow {
  int64_t label;
  std::optional<std::string> value;
  const char* claim;
};

TEST_F(CcaTest, EachPlatformClaimHasItsForm) {
  const std::string component =
      "\x81\xa2\x02" + Octets(std::string(48, 'v')) + "\x05" + Octets(std::string(32, 's'));
  for (const FormRow& row :
       std::vector<FormRow>{{10, std::nullopt, "challenge"},
                            {10, Octets(std::string(31, 'n')), "challenge"},
                            {256, std::nullopt, "instance_id"},
                            {256, Octets("\x02" + std::string(32, 'i')), "instance_id"},
                            {265, std::nullopt, "profile"},
                            {265, Text("tag:arm.com,2023:realm#1.0.0"), "profile"},
                            {2395, std::nullopt, "lifecycle"},
                            {2395, Number(0x10000), "lifecycle"},
                            {2396, Octets(std::string(31, 'm')), "implementation_id"},
                            {2399, std::nullopt, "software_components"},
                            {2399, "\x80", "software_components"},
                            {2399, component, "software_components[0].value"},
                            {2400, Number(1), "verification_service"},
                            {2401, std::nullopt, "config"},
                            {2401, Octets(""), "config"},
                            {2401, Octets(std::string(1025, 'c')), "config"},
                            {2402, std::nullopt, "hash_algorithm"},
                            {2402, Text("md5"), "hash_algorithm"}}) {
    platform_changes_ = {{row.label, row.value}};
    EXPECT_EQ(Why(), std::string("platform.") + row.claim) << row.label;
  }
}

TEST_F(CcaTest, EachRealmClaimHasItsForm) {
  const std::string three = "\x83" + Octets(std::string(32, 'e')) + Octets(std::string(32, 'e')) +
                            Octets(std::string(32, 'e'));
  for (const FormRow& row : std::vector<FormRow>{
           {10, std::nullopt, "challenge"},
           {10, Octets(std::string(32, 'n')), "challenge"},
           {265, Text("tag:arm.com,2023:cca_platform#1.0.0"), "profile"},
           {44235, std::nullopt, "personalization"},
           {44235, Octets(std::string(63, 'p')), "personalization"},
           {44236, std::nullopt, "hash_algorithm"},
           {44236, Text("sha-1"), "hash_algorithm"},
           {44237, std::nullopt, "public_key"},
           {44237, Octets("\xa0"), "public_key"},
           {44237, Octets("\x04" + keys_.realm.X() + keys_.realm.Y()), "public_key"},
           {44238, std::nullopt, "rim"},
           {44238, Octets(std::string(64, 'r')), "rim"},
           {44239, std::nullopt, "rem"},
           {44239, three, "rem"},
           {44239, three.substr(1).insert(0, "\x84") + Octets(std::string(31, 'e')), "rem[3]"},
           {44240, std::nullopt, "public_key_hash_algorithm"}}) {
    realm_changes_ = {{row.label, row.value}};
    EXPECT_EQ(Why(), std::string("realm.") + row.claim) << row.label;
  }
}

TEST_F(CcaTest, ALegacyRealmsKeyIsAPointOfP384) {
  realm_.profile = "";
  UseRealmKey(keys_.realm);
  const std::string good = realm_.public_key;
  EXPECT_EQ(Why(), "");
  std::string off = good;
  off.back() ^= 1;
  for (const std::string& key :
       {off, good.substr(1), good + "x", "\x02" + good.substr(1), "\x05" + good.substr(1),
        testing::PublicOf(keys_.realm).cose_key()}) {
    realm_.public_key = key;
    EXPECT_EQ(Why(), "realm.public_key");
  }
}

TEST_F(CcaTest, MeasurementsHaveTheSizeOfTheirHash) {
  realm_.hash_algorithm = "sha-512";
  EXPECT_EQ(Why(), "realm.rim");
  realm_.initial = std::string(64, 'r');
  EXPECT_EQ(Why(), "realm.rem[0]");
  realm_.extensible.assign(4, std::string(64, 'e'));
  EXPECT_EQ(Why(), "");
}

TEST_F(CcaTest, UnknownClaimsAreIgnored) {
  platform_changes_ = {{77777, Octets("x")}};
  realm_changes_ = {{44243, Number(1)}};
  EXPECT_EQ(Why(), "");
}

}  // namespace
}  // namespace tam::attestation

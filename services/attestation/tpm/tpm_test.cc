#include <string>
#include <vector>

#include "crypto/cbor/cbor.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "services/attestation/tpm/tpm_fixture.h"

namespace tam::attestation {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using tpm::Scheme;
using tpm::testing::Device;
using tpm::testing::DeviceSpec;

TEST_F(TpmTest, AcceptsAQuoteOfACertifiedKey) {
  Take(device());
  const EvidenceVerdict verdict = Verify();
  ASSERT_EQ(Why(verdict), "");
  EXPECT_THAT(verdict.refused, IsEmpty());
  EXPECT_THAT(verdict.warned, IsEmpty());
  EXPECT_EQ(verdict.claims->measurements.at("pcr.sha256.7"), std::string(32, '7'));
  EXPECT_EQ(verdict.claims->numbers.at("reset_count"), 10u);
  EXPECT_EQ(verdict.claims->details.at("ak_trust"), "certificate");
  EXPECT_TRUE(verdict.claims->key_is_the_devices);
  EXPECT_EQ(verdict.claims->key, keys::Thumbprint{});
  EXPECT_EQ(verdict.claims->instance,
            keys::ThumbprintHex(device().ak().key.PublicKey().thumbprint()));
  EXPECT_EQ(verdict.claims->tcb.until, absl::FromUnixSeconds(1'900'000'000));
}

TEST_F(TpmTest, TakesEachKindOfKeyAndScheme) {
  const std::vector<DeviceSpec> specs = {
      {.scheme = Scheme::kRsapss},
      {.hash = tpm::kSha384},
      {.hash = tpm::kSha512, .key_chooses = true},
      {.kind = verify::Kind::kP256, .scheme = Scheme::kEcdsa},
      {.kind = verify::Kind::kP384, .scheme = Scheme::kEcdsa, .hash = tpm::kSha384},
      {.kind = verify::Kind::kP521, .scheme = Scheme::kEcdsa, .hash = tpm::kSha512}};
  for (const DeviceSpec& spec : specs) {
    const Device device(spec);
    Take(device);
    EXPECT_EQ(Why(Verify()), "") << static_cast<int>(spec.kind);
    input_.public_area = device.ak().key.Spki();
    EXPECT_EQ(Why(Verify()), "") << static_cast<int>(spec.kind);
    input_.public_area.clear();  // the certificate's
    EXPECT_EQ(Why(Verify()), "") << static_cast<int>(spec.kind);
  }
}

TEST_F(TpmTest, RefusesEachFlippedByte) {
  for (const DeviceSpec& spec :
       {DeviceSpec(), DeviceSpec{.kind = verify::Kind::kP256, .scheme = Scheme::kEcdsa}}) {
    const Device device(spec);
    Take(device);
    ASSERT_EQ(Why(Verify()), "");
    for (std::string* bytes :
         {&attest_, &input_.signature, &input_.certificates[0], &input_.pcrs[tpm::kSha256][4]}) {
      for (size_t i = 0; i < bytes->size(); ++i) {
        const char kept = (*bytes)[i];
        (*bytes)[i] = static_cast<char>(kept ^ 1 << i % 8);
        EXPECT_FALSE(Verify().authentic()) << i;
        (*bytes)[i] = kept;
      }
    }
  }
}

// The signature does not cover the public area, which only says what the key is: a flip must not
// make another key of it. What stands after the comparison is the attributes and the policy that
// the maker of the certificate vouched for, and the algorithm of the name.
TEST_F(TpmTest, OfThePublicAreaOnlyWhatIsNotTheKeysMayFlip) {
  Take(device());
  std::vector<size_t> taken;
  for (size_t i = 0; i < input_.public_area.size(); ++i) {
    const char kept = input_.public_area[i];
    input_.public_area[i] = static_cast<char>(kept ^ 0x80);
    if (Verify().authentic()) taken.push_back(i);
    input_.public_area[i] = kept;
  }
  // nameAlg (2, 3); attributes of which none is asked for (4 .. 7).
  EXPECT_THAT(taken, ElementsAre(2, 3, 4, 5, 6, 7));
}

TEST_F(TpmTest, RefusesEachOtherLength) {
  Take(device());
  const std::string attest = attest_;
  for (size_t size = 0; size < attest.size(); ++size) {
    attest_ = attest.substr(0, size);
    EXPECT_FALSE(Verify().authentic()) << size;
  }
  attest_ = attest + '\0';
  EXPECT_EQ(Why(Verify()), "attest.trailing");
  attest_ = attest + std::string(kMaxEvidenceBytes, '\0');
  EXPECT_EQ(Why(Verify()), "attest.size");
  attest_ = attest;
  for (std::string* bytes : {&input_.signature, &input_.public_area}) {
    const std::string whole = *bytes;
    for (size_t size = 1; size < whole.size(); ++size) {
      *bytes = whole.substr(0, size);
      EXPECT_FALSE(Verify().authentic()) << size;
    }
    *bytes = whole + '\0';
    EXPECT_FALSE(Verify().authentic());
    *bytes = whole;
  }
}

TEST_F(TpmTest, RefusesWhatIsNoQuote) {
  Take(device(), {.magic = 0xff544348});
  EXPECT_EQ(Why(Verify()), "attest.magic");
  Take(device(), {.type = 0x8017});
  EXPECT_EQ(Why(Verify()), "attest.type");
  Take(device(), {.safe = 2});
  EXPECT_EQ(Why(Verify()), "attest.clock.form");
  Take(device());
  attest_ = device().Quote();
  const size_t count = attest_.size() - 34 - 6 - 4;
  attest_.replace(count, 4, "\xff\xff\xff\xff");
  EXPECT_EQ(Why(Verify()), "attest.selection.size");
}

TEST_F(TpmTest, RefusesAnotherNonceAndItsBeginning) {
  Take(device());
  for (const size_t size : {0, 1, 31, 33}) {
    subject_.nonce = std::string(size, 'n');
    EXPECT_EQ(Why(Verify()), "qualifying_data");
  }
  Take(device(), {.extra_data = ""});
  subject_.nonce.reset();
  EXPECT_THAT(Claims(Verify().refused), ElementsAre("qualifying_data.size"));
  Take(device(), {.extra_data = "1234567"});
  EXPECT_THAT(Claims(Verify().refused), ElementsAre("qualifying_data.size"));
}

TEST_F(TpmTest, ThePcrsAreThoseThatWereQuoted) {
  Take(device());
  input_.pcrs[tpm::kSha256][4][0] = 'x';
  EXPECT_EQ(Why(Verify()), "pcr_digest");
  input_.pcrs[tpm::kSha256].erase(4);
  EXPECT_EQ(Why(Verify()), "pcr.sha256.4");
  input_.pcrs = {{tpm::kSha384, {}}};
  EXPECT_EQ(Why(Verify()), "pcr.sha256.0");
  // What is not selected is no claim.
  Take(device());
  input_.pcrs[tpm::kSha256][5] = std::string(32, '5');
  EXPECT_EQ(Verify().claims->measurements.count("pcr.sha256.5"), 0u);
}

TEST_F(TpmTest, AQuoteOfNoPcrsOrOfSha1AloneIsRefused) {
  Take(device(), {.pcrs = {}});
  ASSERT_EQ(Why(Verify()), "");
  EXPECT_THAT(Claims(Verify().refused), ElementsAre("pcr_selection"));
  Take(device(), {.pcrs = {{tpm::kSha256, {}}}});
  EXPECT_THAT(Claims(Verify().refused), ElementsAre("pcr_selection"));
  Take(device(), {.pcrs = {{tpm::kSha1, {{0, std::string(20, '0')}}}}});
  EXPECT_THAT(Claims(Verify().refused), ElementsAre("pcr_selection"));
  Take(device(), {.pcrs = {{tpm::kSha384, {{0, std::string(48, '0')}}}}});
  EXPECT_THAT(Claims(Verify().refused), IsEmpty());
}

TEST_F(TpmTest, AKeyThatSignsAnythingIsRefused) {
  for (const uint32_t bit : {0x2u, 0x10u, 0x20u, 0x10000u, 0x20000u, 0x40000u}) {
    const Device other({.attributes = 0x00050072 ^ bit});
    Take(other);
    EXPECT_EQ(Why(Verify()), "ak.attributes") << bit;
  }
}

TEST_F(TpmTest, Sha1AndOtherSchemesAreRefused) {
  const Device old({.hash = tpm::kSha1, .key_chooses = true});
  Take(old);
  EXPECT_EQ(Why(Verify()), "signature.alg");
  const Device pss({.scheme = Scheme::kRsapss});
  Take(pss);
  input_.signature = "\x14" + input_.signature.substr(1);
  EXPECT_EQ(Why(Verify()), "signature.alg");
  Take(device());
  input_.signature[1] = 0x16;  // the key's area says RSASSA
  EXPECT_EQ(Why(Verify()), "signature.alg");
  input_.signature[1] = 0x18;
  EXPECT_EQ(Why(Verify()), "signature.alg");
  input_.signature.clear();
  EXPECT_EQ(Why(Verify()), "signature.alg");
}

TEST_F(TpmTest, TheBareValueOfAnRsaSignatureIsTaken) {
  Take(device());
  input_.signature = device().SignBare(attest_);
  EXPECT_EQ(Why(Verify()), "");
  input_.public_area = device().ak().key.Spki();
  EXPECT_EQ(Why(Verify()), "");
  input_.signature[100] = static_cast<char>(input_.signature[100] ^ 1);
  EXPECT_EQ(Why(Verify()), "signature");
}

TEST_F(TpmTest, TheKeyIsCertifiedOrRegistered) {
  const Device other;
  Take(device());
  trusted_.anchors = {other.root().der};
  EXPECT_EQ(Why(Verify()), "chain[1].signature");
  trusted_.anchors.clear();
  EXPECT_EQ(Why(Verify()), "chain[1].issuer");
  input_.certificates.clear();
  EXPECT_EQ(Why(Verify()), "chain");
  trusted_.key_infos = {"x", other.ak().key.Spki()};
  EXPECT_EQ(Why(Verify()), "chain");
  trusted_.key_infos.push_back(device().ak().key.Spki());
  const EvidenceVerdict verdict = Verify();
  ASSERT_EQ(Why(verdict), "");
  EXPECT_EQ(verdict.claims->key, device().ak().key.PublicKey().thumbprint());
  EXPECT_EQ(verdict.claims->details.at("ak_trust"), "registered");
  // A certificate of another device's key, by the right maker.
  Take(device());
  input_.certificates[0] =
      device().issuer().Below({.common_name = "AK", .purposes = "2.23.133.8.3"}).der;
  EXPECT_EQ(Why(Verify()), "chain[0].key");
  // One for another use.
  input_.certificates[0] = device().issuer().Certify({.common_name = "AK"}, device().ak().key).der;
  EXPECT_EQ(Why(Verify()), "chain[0].extendedKeyUsage");
  input_.certificates[0] =
      device()
          .issuer()
          .Certify({.common_name = "EK", .purposes = "2.23.133.8.1"}, device().ak().key)
          .der;
  EXPECT_EQ(Why(Verify()), "");
  input_.certificates[0] =
      device()
          .issuer()
          .Certify({.common_name = "AK", .purposes = "2.23.133.8.3", .sha1 = true},
                   device().ak().key)
          .der;
  EXPECT_EQ(Why(Verify()), "chain[0].signatureAlgorithm");
}

TEST_F(TpmTest, ARegisteredEllipticKeyIsTaken) {
  const Device p256({.kind = verify::Kind::kP256, .scheme = Scheme::kEcdsa});
  Take(p256);
  input_.certificates.clear();
  trusted_.keys = {*p256.ak().key.PublicKey().elliptic()};
  EXPECT_EQ(Why(Verify()), "");
}

TEST_F(TpmTest, HoldsFromTheFirstSecondToTheLastUnlessRevoked) {
  DeviceSpec spec;
  spec.leaf.not_before = kAt;
  spec.leaf.not_after = kAt + absl::Hours(1);
  spec.leaf.serial = 77;
  const Device dated(spec);
  Take(dated);
  EXPECT_EQ(Why(Verify()), "");
  subject_.at = kAt - absl::Seconds(1);
  EXPECT_EQ(Why(Verify()), "chain[0].validity");
  subject_.at = kAt + absl::Hours(1);
  EXPECT_EQ(Why(Verify()), "");
  subject_.at += absl::Seconds(1);
  EXPECT_EQ(Why(Verify()), "chain[0].validity");
  subject_.at = kAt;
  trusted_.crls = {dated.issuer().RevocationList({76})};
  EXPECT_EQ(Why(Verify()), "");
  trusted_.crls = {dated.issuer().RevocationList({77})};
  EXPECT_EQ(Why(Verify()), "chain[0].revocation");
}

TEST_F(TpmTest, AnUnsafeClockIsWarnedOf) {
  Take(device(), {.safe = 0});
  EXPECT_THAT(Claims(Verify().warned), ElementsAre("clock.safe"));
}

}  // namespace
}  // namespace tam::attestation

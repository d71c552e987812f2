#include "services/attestation/nitro/nitro.h"

#include <string>
#include <vector>

#include "crypto/cbor/cbor.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "services/attestation/nitro/document.h"
#include "services/attestation/nitro/testing/enclave.h"

namespace tam::attestation {
namespace {

using nitro::testing::DocumentSpec;
using nitro::testing::Enclave;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

const absl::Time kAt = absl::FromUnixSeconds(1'800'000'000);

std::vector<std::string> Claims(const std::vector<Finding>& findings) {
  std::vector<std::string> claims;
  for (const Finding& finding : findings) claims.push_back(finding.claim);
  return claims;
}

std::string Why(const EvidenceVerdict& verdict) {
  return verdict.authentic() ? "" : verdict.unauthentic.front().claim;
}

class NitroTest : public ::testing::Test {
 protected:
  const Enclave& enclave() {
    static const Enclave& enclave = *new Enclave();
    return enclave;
  }

  EvidenceVerdict Verify(const std::string& document) {
    EvidenceInput input;
    input.evidence = cbor::AsBytes(document);
    return VerifyNitro(input, trusted_, subject_);
  }

  NitroTest() { trusted_.anchors = {enclave().root().der}; }

  TrustedInput trusted_;
  Subject subject_{kAt, std::string(32, 'n')};
};

TEST_F(NitroTest, AcceptsADocumentWithAndWithoutItsTag) {
  for (const bool tagged : {false, true}) {
    DocumentSpec spec;
    spec.tagged = tagged;
    const EvidenceVerdict verdict = Verify(enclave().Document(spec));
    ASSERT_EQ(Why(verdict), "");
    EXPECT_THAT(verdict.refused, IsEmpty());
    EXPECT_EQ(verdict.claims->instance, "i-1-enc1");
    EXPECT_EQ(verdict.claims->measurements.at("pcr1"), std::string(48, 'b'));
    EXPECT_EQ(verdict.claims->details.at("public_key"), "6b6579");
    EXPECT_EQ(verdict.claims->numbers.at("timestamp"), 1'800'000'000'000u);
  }
}

TEST_F(NitroTest, RefusesEachFlippedByte) {
  const std::string document = enclave().Document();
  for (size_t i = 0; i < document.size(); ++i) {
    std::string flipped = document;
    flipped[i] = static_cast<char>(flipped[i] ^ 1 << i % 8);
    EXPECT_FALSE(Verify(flipped).authentic()) << i;
  }
}

TEST_F(NitroTest, RefusesEachOtherLength) {
  const std::string document = enclave().Document();
  for (size_t size = 0; size < document.size(); ++size) {
    EXPECT_EQ(Why(Verify(document.substr(0, size))), "document.form") << size;
  }
  EXPECT_EQ(Why(Verify(document + '\0')), "document.form");
  EXPECT_EQ(Why(Verify(std::string(nitro::kMaxDocumentBytes + 1, '\0'))), "document.size");
}

TEST_F(NitroTest, RefusesOtherAlgorithmsAndHeaders) {
  DocumentSpec spec;
  for (const int64_t alg : {-7, -36, -9, -51, 5, 0}) {
    spec.alg = alg;
    EXPECT_FALSE(Verify(enclave().Document(spec)).authentic()) << alg;
  }
  spec.alg = -7;
  EXPECT_EQ(Why(Verify(enclave().Document(spec))), "alg");
  spec = DocumentSpec();
  spec.unprotected_kid = true;
  EXPECT_EQ(Why(Verify(enclave().Document(spec))), "document.form");
  const Enclave p256({.common_name = "leaf", .kind = verify::Kind::kP256});
  trusted_.anchors = {p256.root().der};
  EXPECT_EQ(Why(Verify(p256.Document())), "chain[0].key");
}

TEST_F(NitroTest, RefusesAnotherNonceItsBeginningAndNone) {
  for (const size_t size : {0, 1, 31, 33}) {
    subject_.nonce = std::string(size, 'n');
    EXPECT_EQ(Why(Verify(enclave().Document())), "nonce") << size;
  }
  DocumentSpec spec;
  spec.nonce.reset();
  subject_.nonce = "";
  EXPECT_EQ(Why(Verify(enclave().Document(spec))), "nonce");
  subject_.nonce.reset();
  EXPECT_EQ(Why(Verify(enclave().Document(spec))), "");
  spec.nonce = std::string(nitro::kMaxNonceBytes + 1, 'n');
  EXPECT_EQ(Why(Verify(enclave().Document(spec))), "document.form");
}

TEST_F(NitroTest, TheRootIsTheAnchor) {
  const std::string document = enclave().Document();
  trusted_.anchors = {Enclave().root().der};
  EXPECT_EQ(Why(Verify(document)), "chain[2].signature");
  trusted_.anchors.clear();
  EXPECT_EQ(Why(Verify(document)), "chain[2].issuer");
  trusted_.anchors = {enclave().root().der};
  DocumentSpec spec;
  spec.reversed = true;
  EXPECT_EQ(Why(Verify(enclave().Document(spec))), "chain[0].issuer");
}

TEST_F(NitroTest, HoldsFromTheFirstSecondToTheLastUnlessRevoked) {
  const Enclave dated({.common_name = "leaf",
                       .kind = verify::Kind::kP384,
                       .serial = 77,
                       .not_before = kAt,
                       .not_after = kAt + absl::Hours(3)});
  trusted_.anchors = {dated.root().der};
  const std::string document = dated.Document();
  EXPECT_EQ(Why(Verify(document)), "");
  subject_.at = kAt + absl::Hours(3);
  EXPECT_EQ(Why(Verify(document)), "");
  subject_.at += absl::Seconds(1);
  EXPECT_EQ(Why(Verify(document)), "chain[0].validity");
  subject_.at = kAt - absl::Seconds(1);
  EXPECT_EQ(Why(Verify(document)), "chain[0].validity");
  subject_.at = kAt;
  trusted_.crls = {dated.issuer().RevocationList({77})};
  EXPECT_EQ(Why(Verify(document)), "chain[0].revocation");
  trusted_.crls = {dated.issuer().RevocationList({78})};
  EXPECT_EQ(Why(Verify(document)), "");
}

TEST_F(NitroTest, ADebugEnclaveIsRefused) {
  DocumentSpec spec;
  for (auto& [pcr, value] : spec.pcrs) value = std::string(48, '\0');
  const EvidenceVerdict verdict = Verify(enclave().Document(spec));
  EXPECT_THAT(Claims(verdict.refused), ElementsAre("debug"));
  EXPECT_TRUE(verdict.claims->debug);
  spec.pcrs.erase(1);
  EXPECT_THAT(Claims(Verify(enclave().Document(spec)).refused), ElementsAre("pcr1"));
  spec.pcrs = {{0, std::string(48, 'a')}, {1, std::string(48, '\0')}, {2, std::string(48, '\0')}};
  EXPECT_THAT(Claims(Verify(enclave().Document(spec)).refused), IsEmpty());
}

TEST_F(NitroTest, ADocumentFromTheFutureIsRefused) {
  DocumentSpec spec;
  spec.timestamp = absl::ToUnixMillis(kAt + nitro::kClockAhead);
  EXPECT_THAT(Claims(Verify(enclave().Document(spec)).refused), IsEmpty());
  spec.timestamp += 1;
  EXPECT_THAT(Claims(Verify(enclave().Document(spec)).refused), ElementsAre("timestamp"));
}

TEST_F(NitroTest, MembersOfOtherSizesAreRefused) {
  DocumentSpec spec;
  spec.pcrs[3] = std::string(47, 'x');
  EXPECT_EQ(Why(Verify(enclave().Document(spec))), "document.form");
  spec = DocumentSpec();
  spec.pcrs[32] = std::string(48, 'x');
  EXPECT_EQ(Why(Verify(enclave().Document(spec))), "document.form");
  spec = DocumentSpec();
  spec.digest = "SHA256";
  EXPECT_EQ(Why(Verify(enclave().Document(spec))), "document.form");
  spec = DocumentSpec();
  spec.public_key = std::string(nitro::kMaxPublicKeyBytes + 1, 'k');
  EXPECT_EQ(Why(Verify(enclave().Document(spec))), "document.form");
  for (const char* payload : {"", "\xa0", "\x80", "\xf6"}) {
    EXPECT_EQ(Why(Verify(enclave().Sign(payload))), "document.form");
  }
}

}  // namespace
}  // namespace tam::attestation

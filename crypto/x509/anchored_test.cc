#include "crypto/x509/anchored.h"

#include <string>
#include <vector>

#include "crypto/verify/testing/issued.h"
#include "tests/support/status_matchers.h"

namespace tam::x509 {
namespace {

using ::tam::testing::StatusIs;
using ::testing::HasSubstr;
using ::testing::StartsWith;
using verify::Kind;
using verify::testing::Issued;
using verify::testing::IssueSpec;

const absl::Time kAt = absl::FromUnixSeconds(1'800'000'000);

IssueSpec Authority(const std::string& name) {
  IssueSpec spec;
  spec.common_name = name;
  spec.authority = true;
  return spec;
}

IssueSpec Leaf() {
  IssueSpec spec;
  spec.common_name = "leaf";
  return spec;
}

// Of DER certificates.
absl::StatusOr<Anchored> Verify(const std::vector<std::string>& chain,
                                const std::vector<std::string>& anchors,
                                const std::vector<std::string>& crls = {}, absl::Time at = kAt) {
  const auto parsed = Certificate::ParseAll("chain", chain);
  if (!parsed.ok()) return parsed.status();
  const auto trusted = Certificate::ParseAll("anchors", anchors);
  if (!trusted.ok()) return trusted.status();
  return VerifyToAnchor(*parsed, *trusted, crls, at);
}

TEST(AnchoredTest, LeadsToAnAnchorOfEachKind) {
  for (const Kind kind : {Kind::kP256, Kind::kP384, Kind::kP521, Kind::kRsa}) {
    IssueSpec spec = Authority("root");
    spec.kind = kind;
    const Issued root = Issued::Root(spec);
    const Issued below = root.Below(Authority("below"));
    const Issued leaf = below.Below(Leaf());
    const auto anchored = Verify({leaf.der, below.der}, {root.der});
    ASSERT_OK(anchored);
    EXPECT_EQ(anchored->anchor, 0u);
    EXPECT_FALSE(anchored->revocation_checked);
    EXPECT_OK(Verify({leaf.der, below.der, root.der}, {root.der}));
    EXPECT_OK(Verify({leaf.der}, {Issued::Root(spec).der, below.der}));
  }
}

TEST(AnchoredTest, PssWithSha384IsTaken) {
  IssueSpec spec = Authority("ark");
  spec.kind = Kind::kRsa;
  spec.pss = true;
  const Issued root = Issued::Root(spec);
  IssueSpec leaf = Leaf();
  leaf.pss = true;
  leaf.serial = 0;
  EXPECT_OK(Verify({root.Below(leaf).der}, {root.der}));
}

TEST(AnchoredTest, ARootOfTheNameAndAnotherKeyIsNone) {
  const Issued root = Issued::Root(Authority("root"));
  const Issued other = Issued::Root(Authority("root"));
  const Issued leaf = root.Below(Leaf());
  EXPECT_THAT(Verify({leaf.der}, {other.der}),
              StatusIs(absl::StatusCode::kUnauthenticated, StartsWith("chain[0].signature")));
  EXPECT_THAT(Verify({leaf.der, root.der}, {other.der}),
              StatusIs(absl::StatusCode::kUnauthenticated, StartsWith("chain[1].signature")));
  EXPECT_THAT(Verify({leaf.der}, {}),
              StatusIs(absl::StatusCode::kUnauthenticated, HasSubstr("no anchors")));
}

TEST(AnchoredTest, OnlyAuthoritiesIssueAndWithinTheirPath) {
  IssueSpec spec = Authority("root");
  spec.path_length = 0;
  const Issued root = Issued::Root(spec);
  const Issued below = root.Below(Authority("below"));
  EXPECT_OK(Verify({root.Below(Leaf()).der}, {root.der}));
  EXPECT_THAT(Verify({below.Below(Leaf()).der, below.der}, {root.der}),
              StatusIs(absl::StatusCode::kUnauthenticated, StartsWith("anchor.pathLenConstraint")));
  const Issued leaf = root.Below(Leaf());
  EXPECT_THAT(
      Verify({leaf.Below(Leaf()).der, leaf.der}, {root.der}),
      StatusIs(absl::StatusCode::kUnauthenticated, StartsWith("chain[1].basicConstraints")));
}

TEST(AnchoredTest, Sha1IsRefused) {
  const Issued root = Issued::Root(Authority("root"));
  IssueSpec old = Leaf();
  old.sha1 = true;
  EXPECT_THAT(
      Verify({root.Below(old).der}, {root.der}),
      StatusIs(absl::StatusCode::kUnauthenticated, StartsWith("chain[0].signatureAlgorithm")));
}

TEST(AnchoredTest, DatesOfEachHaveBothTheirEnds) {
  IssueSpec spec = Authority("root");
  spec.not_before = kAt;
  const Issued root = Issued::Root(spec);
  IssueSpec leaf = Leaf();
  leaf.not_after = kAt + absl::Seconds(10);
  const std::string der = root.Below(leaf).der;
  EXPECT_OK(Verify({der}, {root.der}, {}, kAt));
  EXPECT_OK(Verify({der}, {root.der}, {}, kAt + absl::Seconds(10)));
  EXPECT_EQ(Verify({der}, {root.der})->not_after, kAt + absl::Seconds(10));
  EXPECT_THAT(Verify({der}, {root.der}, {}, kAt - absl::Seconds(1)),
              StatusIs(absl::StatusCode::kDeadlineExceeded, StartsWith("anchor.validity")));
  EXPECT_THAT(Verify({der}, {root.der}, {}, kAt + absl::Seconds(11)),
              StatusIs(absl::StatusCode::kDeadlineExceeded, StartsWith("chain[0].validity")));
}

TEST(AnchoredTest, ListsOfAnIssuerRevokeAndMustBeCurrent) {
  const Issued root = Issued::Root(Authority("root"));
  IssueSpec spec = Leaf();
  spec.serial = 9;
  const std::string der = root.Below(spec).der;
  const absl::Time until = kAt + absl::Hours(1);
  const auto checked = Verify({der}, {root.der}, {root.RevocationList({8}, kAt, until)});
  ASSERT_OK(checked);
  EXPECT_TRUE(checked->revocation_checked);
  EXPECT_EQ(checked->not_after, until);
  EXPECT_EQ(checked->not_before, kAt);
  EXPECT_THAT(Verify({der}, {root.der}, {root.RevocationList({9}, kAt, until)}),
              StatusIs(absl::StatusCode::kPermissionDenied, StartsWith("chain[0].revocation")));
  EXPECT_THAT(
      Verify({der}, {root.der}, {root.RevocationList({8}, kAt, until)}, until + absl::Seconds(1)),
      StatusIs(absl::StatusCode::kDeadlineExceeded, StartsWith("crl")));
  EXPECT_THAT(
      Verify({der}, {root.der}, {root.RevocationList({9}, kAt, until)}, until + absl::Seconds(1)),
      StatusIs(absl::StatusCode::kPermissionDenied));
  // By another key of that name, and of another issuer.
  EXPECT_THAT(Verify({der}, {root.der}, {Issued::Root(Authority("root")).RevocationList({})}),
              StatusIs(absl::StatusCode::kDeadlineExceeded, StartsWith("crl")));
  EXPECT_FALSE(Verify({der}, {root.der}, {Issued::Root(Authority("x")).RevocationList({9})})
                   ->revocation_checked);
  EXPECT_THAT(Verify({der}, {root.der}, {"x"}), StatusIs(absl::StatusCode::kInvalidArgument));
}

TEST(AnchoredTest, LengthsAreBounded) {
  const Issued root = Issued::Root(Authority("root"));
  EXPECT_THAT(Verify({}, {root.der}), StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(Verify(std::vector<std::string>(kMaxAnchoredLength + 1, root.der), {root.der}),
              StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(Certificate::Parse(std::string(kMaxCertificateBytes + 1, '\x30')),
              StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(Certificate::Parse(root.der + '\0'), StatusIs(absl::StatusCode::kInvalidArgument));
}

}  // namespace
}  // namespace tam::x509

// Every published and generated SUIT vector gets its verdict. The vectors are not part of this
// repository: TAM_VECTORS names the folder that holds protocol/vectors/index.json.
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <sstream>
#include <string>
#include <vector>

#define BOOST_BIND_GLOBAL_PLACEHOLDERS  // What property_tree of this Boost still includes.
#include "boost/property_tree/json_parser.hpp"
#include "boost/property_tree/ptree.hpp"
#include "crypto/cbor/cbor.h"
#include "crypto/keys/key.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "teep/suit/envelope.h"
#include "teep/suit/report.h"
#include "tests/support/status_matchers.h"

namespace tam::suit {
namespace {

using ::tam::testing::IsOk;
using ::testing::Not;

struct Vector {
  std::string file;
  std::string kind;
  std::string expect;
  std::string verdict;
};

class VectorsTest : public ::testing::Test {
 protected:
  void SetUp() override {
    const char* root = std::getenv("TAM_VECTORS");
    if (root == nullptr || *root == '\0') {
      GTEST_SKIP() << "TAM_VECTORS is unset: no published vectors to compare with";
    }
    folder_ = std::string(root) + "/protocol/vectors/";
    std::istringstream index(Read("index.json"));
    boost::property_tree::ptree tree;
    boost::property_tree::read_json(index, tree);
    for (const auto& [key, entry] : tree) {
      all_.push_back({.file = entry.get<std::string>("file"),
                      .kind = entry.get<std::string>("kind"),
                      .expect = entry.get<std::string>("expect", ""),
                      .verdict = entry.get<std::string>("verdict", "")});
    }
  }

  std::string Read(const std::string& file) const {
    std::ifstream stream(folder_ + file, std::ios::binary);
    EXPECT_TRUE(stream.good()) << file;
    return std::string(std::istreambuf_iterator<char>(stream), {});
  }

  std::vector<Vector> OfKind(const std::string& kind) const {
    std::vector<Vector> found;
    for (const Vector& vector : all_) {
      if (vector.kind == kind) found.push_back(vector);
    }
    EXPECT_FALSE(found.empty()) << kind;
    return found;
  }

  keys::PublicKey Key(const std::string& name) const {
    return *keys::PublicKey::FromPem(Read("keys/" + name + ".pub.pem"));
  }

  // With the key that the entry's `expect` text names; the developer's where it names none.
  absl::StatusOr<VerifiedEnvelope> Verify(const std::string& bytes,
                                          const std::string& expect) const {
    auto envelope = Envelope::Parse(cbor::AsBytes(bytes));
    if (!envelope.ok()) return envelope.status();
    if (expect.find("suit-symmetric") != std::string::npos) {
      std::istringstream json(Read("keys/suit-symmetric.json"));
      boost::property_tree::ptree tree;
      boost::property_tree::read_json(json, tree);
      const std::string secret = tree.get<std::string>("hmac256_key_ascii");
      const auto key = keys::MacKey::FromBytes(cbor::AsBytes(secret));
      return VerifiedEnvelope::VerifyMac(*std::move(envelope), *key);
    }
    const bool outer = expect.find("suit-fwenc-dependent") != std::string::npos;
    const keys::PublicKey anchors[] = {Key(outer ? "suit-fwenc-dependent" : "suit-example")};
    return VerifiedEnvelope::Verify(*std::move(envelope), anchors);
  }

  std::string folder_;
  std::vector<Vector> all_;
};

TEST_F(VectorsTest, EnvelopesGetTheirVerdict) {
  for (const Vector& vector : OfKind("suit-envelope")) {
    SCOPED_TRACE(vector.file);
    const auto verified = Verify(Read(vector.file), vector.expect);
    if (vector.verdict == "refused") {
      EXPECT_THAT(verified, Not(IsOk()));
      continue;
    }
    ASSERT_EQ(vector.verdict, "valid");
    ASSERT_OK(verified);
    EXPECT_OK(CollectComponentFacts(verified->manifest()));
    for (const auto& [name, bytes] : verified->envelope().integrated_payloads()) {
      if (name == "#dependent.suit" || name == "#dependency-manifest") {
        EXPECT_OK(Verify(bytes, "suit-example")) << name;
      }
    }
  }
}

TEST_F(VectorsTest, UploadsGetTheirVerdict) {
  for (const char* kind : {"developer upload", "NEGATIVE developer upload"}) {
    for (const Vector& vector : OfKind(kind)) {
      SCOPED_TRACE(vector.file);
      const auto verified = Verify(Read(vector.file), "");
      const absl::Status status = verified.ok() ? CheckPublishable(*verified) : verified.status();
      // Which sequence number is the next one is the catalogue's to judge.
      const bool rollback = vector.file.find("rollback") != std::string::npos;
      if (vector.verdict == "accept" || rollback) {
        EXPECT_OK(status);
      } else {
        EXPECT_THAT(status, Not(IsOk()));
        EXPECT_FALSE(status.message().empty());
      }
    }
  }
}

TEST_F(VectorsTest, ReportsGetTheirVerdict) {
  for (const Vector& vector : OfKind("SUIT_Report")) {
    SCOPED_TRACE(vector.file);
    const std::string bytes = Read(vector.file);
    const auto report = ParseReport(cbor::AsBytes(bytes));
    if (vector.verdict == "refused") {
      EXPECT_THAT(report, Not(IsOk()));
      continue;
    }
    ASSERT_OK(report);
    EXPECT_EQ(*EncodeReport(*report), bytes);
  }
}

}  // namespace
}  // namespace tam::suit

// Published COSE vectors, judged by their own expectation. They lie outside of the repository:
// TAM_VECTORS names the folder.
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/escaping.h"
#include "crypto/cbor/cbor.h"
#include "crypto/cose/cose.h"
#include "crypto/keys/key_file.h"
#include "crypto/text/text.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/status_matchers.h"

namespace tam::cose {
namespace {

using cbor::AsBytes;
using Json = nlohmann::json;
using ::tam::testing::IsOk;

class VectorsTest : public ::testing::Test {
 protected:
  void SetUp() override {
    const char* const folder = std::getenv("TAM_VECTORS");
    if (folder == nullptr) GTEST_SKIP() << "TAM_VECTORS names no folder of test vectors";
    folder_ = std::string(folder) + "/protocol/vectors/";
    index_ = Json::parse(Read("index.json"));
  }

  std::string Read(const std::string& file) const {
    std::ifstream in(folder_ + file, std::ios::binary);
    EXPECT_TRUE(in.good()) << folder_ + file;
    return std::string(std::istreambuf_iterator<char>(in), {});
  }

  std::vector<Json> OfKind(const std::string& kind) const {
    std::vector<Json> out;
    for (const Json& row : index_) {
      if (row["kind"] == kind) out.push_back(row);
    }
    return out;
  }

  std::string folder_;
  Json index_;
};

// A JWK of the vectors: some give coordinates in hex.
std::string Jwk(Json key) {
  for (const char* name : {"x", "y", "d"}) {
    const std::string hex = std::string(name) + "_hex";
    if (!key.contains(hex)) continue;
    std::string encoded;
    absl::WebSafeBase64Escape(absl::HexStringToBytes(key[hex].get<std::string>()), &encoded);
    key[name] = encoded;
  }
  for (const char* name : {"kid", "alg"}) key.erase(name);
  return key.dump();
}

// Why a vector is not for us; empty when it is.
std::string NotApplicable(const Json& signer, const Json& outer) {
  if (outer.contains("external")) return "external_aad, which is empty in all our uses";
  const std::string curve = signer["key"].value("crv", "");
  const Json headers = signer.value("protected", Json::object());
  const std::string alg = headers.value("alg", signer.value("alg", ""));
  if (curve != "P-256" && curve != "Ed25519") return "curve " + curve;
  const std::set<std::string> known = {"ES256", "EdDSA", "unknown", ""};
  return known.contains(alg) ? "" : "algorithm " + alg;
}

absl::Status Judge(const std::string& bytes, const std::vector<Json>& signers) {
  const auto message = Message::Parse(AsBytes(bytes), TagRule::kOptional);
  if (!message.ok()) return message.status();
  for (const Json& signer : signers) {
    const auto key = keys::ParsePublicKeyFile(AsBytes(Jwk(signer["key"])));
    if (!key.ok()) return key.status();
    const auto payload = message->Verify(*key, AlgorithmPolicy::WithOlderNumbers());
    if (!payload.ok()) return payload.status();
  }
  return absl::OkStatus();
}

TEST_F(VectorsTest, SignaturesOfTheCoseWorkingGroup) {
  // RFC 9052 allows what we refuse: alg in the unprotected bucket.
  const std::set<std::string> stricter = {"cose/sign1-tests/sign-pass-01.json"};
  int judged = 0;
  for (const Json& row : OfKind("COSE JSON vector")) {
    const std::string file = row["file"];
    const Json vector = Json::parse(Read(file));
    const Json& input = vector["input"];
    const bool sign1 = input.contains("sign0");
    if (!sign1 && !input.contains("sign")) continue;
    const Json& outer = input[sign1 ? "sign0" : "sign"];
    const std::vector<Json> signers =
        sign1 ? std::vector<Json>{outer} : outer["signers"].get<std::vector<Json>>();
    const std::string reason = NotApplicable(signers[0], outer);
    if (!reason.empty()) {
      std::cout << "not applicable: " << file << ": " << reason << "\n";
      continue;
    }
    ++judged;
    const absl::Status status =
        Judge(absl::HexStringToBytes(vector["output"]["cbor"].get<std::string>()), signers);
    const bool valid = row["verdict"] == "valid" && !stricter.contains(file);
    EXPECT_EQ(status.ok(), valid) << file << ": " << status;
    EXPECT_TRUE(status.ok() || !status.message().empty()) << file;
  }
  std::cout << "judged: " << judged << "\n";
  EXPECT_GE(judged, 14);
}

TEST_F(VectorsTest, MacsOfTheCoseWorkingGroup) {
  const std::set<std::string> stricter = {"cose/mac0-tests/mac-pass-02.json",
                                          "cose/mac0-tests/mac-pass-03.json"};
  int judged = 0;
  for (const Json& row : OfKind("COSE JSON vector")) {
    const std::string file = row["file"];
    const Json vector = Json::parse(Read(file));
    if (!vector["input"].contains("mac0")) continue;
    ++judged;
    const Json& jwk = vector["input"]["mac0"]["recipients"][0]["key"];
    TAM_ASSERT_OK_AND_ASSIGN(const keys::AnyKey key, keys::ParseKeyFile(AsBytes(Jwk(jwk))));
    const std::string bytes = absl::HexStringToBytes(vector["output"]["cbor"].get<std::string>());
    const auto message = Message::Parse(AsBytes(bytes), TagRule::kOptional);
    const absl::Status status =
        message.ok() ? message->VerifyMac(std::get<keys::MacKey>(key)) : message.status();
    EXPECT_EQ(status.ok(), row["verdict"] == "valid" && !stricter.contains(file))
        << file << ": " << status;
  }
  EXPECT_GE(judged, 7);
}

TEST_F(VectorsTest, Thumbprints) {
  int judged = 0;
  for (const Json& row : index_) {
    if (row["verdict"] != "thumbprint") continue;
    const std::string content = Read(row["file"]);
    TAM_ASSERT_OK_AND_ASSIGN(const keys::PublicKey key,
                             keys::PublicKey::FromCoseKey(AsBytes(content)));
    // The RFC's own example states its thumbprint in words.
    const std::string hex = keys::ThumbprintHex(key.thumbprint());
    const std::string stated = row.value("thumbprint", row["what"].get<std::string>());
    const std::string verified = row.value("verified", "");
    EXPECT_TRUE(stated.find(hex) != std::string::npos || verified.find(hex) != std::string::npos ||
                row["expect"].get<std::string>().find(hex) != std::string::npos)
        << row << " " << hex;
    ++judged;
  }
  EXPECT_GE(judged, 10);
}

TEST_F(VectorsTest, MessagesOfAnIndependentStack) {
  std::vector<keys::PublicKey> keys;
  for (const char* name : {"libteep-tamP", "libteep-tamE", "libteep-agent", "libteep-verifier"}) {
    TAM_ASSERT_OK_AND_ASSIGN(
        keys::PublicKey key,
        keys::ParsePublicKeyFile(AsBytes(Read(Concat("keys/", name, ".pub.pem")))));
    keys.push_back(key);
  }
  for (const Json& row : OfKind("COSE_Sign1/COSE_Sign")) {
    const std::string file = row["file"];
    const auto message = Message::Parse(AsBytes(Read(file)), TagRule::kRequired);
    ASSERT_THAT(message, IsOk()) << file;
    bool verified = false;
    for (const keys::PublicKey& key : keys) {
      const auto payload = message->Verify(key, AlgorithmPolicy::WithOlderNumbers());
      verified = verified || payload.ok();
    }
    EXPECT_EQ(verified, row["verdict"] == "cose-valid") << file;
  }
}

}  // namespace
}  // namespace tam::cose

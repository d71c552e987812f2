// Who proves what to whom, between the programs: a TAM that a device wants to attest itself.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <string>
#include <vector>

#include "crypto/cbor/cbor.h"
#include "crypto/cose/cose.h"
#include "teep/eat/eat.h"
#include "teep/message/message.h"
#include "tests/e2e/layouts.h"
#include "tests/e2e/scenario.h"
#include "tests/e2e/stack.h"
#include "tests/support/row.h"
#include "tests/support/status_matchers.h"

namespace tam::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

class AttestationModelsTest : public SharedTamTest {
 protected:
  void SetUpTam() override {
    scenario().AddDevice("one");
    scenario().AddReferenceValues("one");
    scenario().Publish(1, "payload");
    scenario().Deploy("sample");
    for (const char* suite : {"esp256", "ed25519"}) {
      scenario().Do("operator", {"key", "create", "--purpose", "tam-evidence", "--suite", suite});
    }
    scenario().Do("operator", {"key", "export", "--purpose", "tam-evidence", "-o", EvidenceKeys()});
    scenario().Session("one");  // makes what the first of all sessions makes
  }

  static std::string EvidenceKeys() { return stack().Path("tam-evidence.pem"); }

  // What a session saved under that name, in order.
  static std::vector<std::string> Saved(const std::string& folder, const std::string& type) {
    std::vector<std::string> names;
    for (const auto& entry : std::filesystem::directory_iterator(folder)) {
      const std::string name = entry.path().filename();
      if (name.find(type + ".cbor") != std::string::npos) names.push_back(name);
    }
    std::sort(names.begin(), names.end());
    std::vector<std::string> found;
    for (const std::string& name : names) found.push_back(ContentOf(folder + "/" + name));
    return found;
  }

  // The claims that the TAM made of itself in a saved QueryRequest; unverified: the device did.
  static std::string TamClaims(const std::string& request) {
    const auto payload = [](const std::string& bytes) {
      auto cose = cose::Message::Parse(cbor::AsBytes(bytes), cose::TagRule::kRequired);
      return cose.ok() ? cose->unverified_payload().value_or("") : "";
    };
    const auto message = teep::Decode(cbor::AsBytes(payload(request)));
    EXPECT_THAT(message, IsOk());
    if (!message.ok()) return "";
    return payload(std::get<teep::QueryRequest>(*message).attestation_payload.value_or(""));
  }
};

INSTANTIATE_TEST_SUITE_P(Together, AttestationModelsTest,
                         ::testing::ValuesIn(OnlyIn(Layout::kTogether)), LayoutName);

TEST_P(AttestationModelsTest, ADeviceGoesOnWithATamThatAttestsItself) {
  TAM_ROW("T-45", "T-46", "T-71");
  for (const char* suite : {"esp256", "ed25519"}) {
    const std::string device = std::string("careful-") + suite;
    scenario().AddDevice(device, {"--suite", suite});
    const std::string folder = stack().Path("messages-" + device);
    const Finished done = scenario().Session(
        device, {"--require-tam-attestation", EvidenceKeys(), "--save-messages", folder});
    EXPECT_EQ(done.exit_code, 0) << done.out << done.err << stack().TamdLog();
    EXPECT_EQ(scenario().OnDisk(device), "payload");
    EXPECT_THAT(done.out, HasSubstr("evidence of the TAM: verified"));
    const auto requests = Saved(folder, "received-QueryRequest");
    ASSERT_EQ(requests.size(), 2u);

    // T-71: it goes unencrypted, since none of it is confidential: when it was made, for which
    // challenge, by which key, and the name and digest of a program that anybody may have.
    const std::string encoded = TamClaims(requests[1]);
    const auto document = cbor::Document::Parse(cbor::AsBytes(encoded));
    ASSERT_THAT(document, IsOk());
    std::vector<int64_t> labels;
    for (const auto [key, value] : document->root().each_pair()) labels.push_back(*key.Int());
    EXPECT_THAT(labels, ElementsAre(6, 8, 10, 256, 258, 259, 260, 265, 273));
    const auto claims = eat::ParseClaims(cbor::AsBytes(encoded));
    ASSERT_THAT(claims, IsOk());
    const auto measured = eat::ParseMeasurements(claims->measurements);
    ASSERT_THAT(measured, IsOk());
    EXPECT_EQ(measured->size(), 1u);
    EXPECT_TRUE(measured->contains("tamd"));
  }
}

TEST_P(AttestationModelsTest, ADeviceTellsNothingToATamThatAttestsByAnotherKey) {
  scenario().AddDevice("wary");
  const std::string before = stack().DatabaseDigest();
  const std::string folder = stack().Path("messages-wary");
  const Finished done = scenario().Session(
      "wary",
      {"--require-tam-attestation", stack().Path("signer.pub.pem"), "--save-messages", folder});
  EXPECT_EQ(done.exit_code, 1);
  EXPECT_THAT(done.out, HasSubstr("evidence of the TAM: "));
  EXPECT_THAT(done.out, Not(HasSubstr("evidence of the TAM: verified")));
  EXPECT_TRUE(Saved(folder, "sent-QueryResponse").empty());
  EXPECT_EQ(scenario().OnDisk("wary"), "");
  EXPECT_EQ(stack().DatabaseDigest(), before);
}

}  // namespace
}  // namespace tam::testing

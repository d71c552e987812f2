// device.json, as a device writes it and as it must not be taken.
#include "tools/tamctl/nouns/device_file.h"

#include <string>

#include "crypto/keys/key.h"
#include "gtest/gtest.h"
#include "tests/support/status_matchers.h"

namespace tam::tamctl {
namespace {

using ::tam::testing::StatusIs;
using ::testing::HasSubstr;

constexpr auto kInvalid = absl::StatusCode::kInvalidArgument;

TEST(DeviceFileTest, WhatIsAbsentIsNotKnownAndOtherMembersAreLeftAlone) {
  TAM_ASSERT_OK_AND_ASSIGN(const DeviceFile device,
                           ParseDeviceFile(R"({"oemid":"6f656d","ueid":7})"));
  EXPECT_EQ(device.device_class.oemid(), "oem");
  EXPECT_EQ(device.device_class.hwmodel(), "");
  EXPECT_EQ(device.agent_key, std::nullopt);
  EXPECT_EQ(device.attestation_key, std::nullopt);
}

// Not for absent: the device would be registered without it.
TEST(DeviceFileTest, AMemberThatIsNoStringIsRefused) {
  for (const std::string member : {"oemid", "hwmodel"}) {
    for (const std::string value : {"7", "null", "true", "[\"6f\"]", "{\"hex\":\"6f\"}"}) {
      EXPECT_THAT(ParseDeviceFile("{\"" + member + "\":" + value + "}"),
                  StatusIs(kInvalid, member + ": want hex digits in a string"))
          << value;
    }
  }
}

TEST(DeviceFileTest, TextsThatAreNoHexAndFilesThatAreNoObjectAreRefused) {
  EXPECT_THAT(ParseDeviceFile(R"({"hwmodel":"model"})"),
              StatusIs(kInvalid, HasSubstr("hwmodel: ")));
  EXPECT_THAT(ParseDeviceFile(R"({"agent_key":"00"})"),
              StatusIs(kInvalid, HasSubstr("agent_key: ")));
  EXPECT_THAT(ParseDeviceFile(R"(["oemid"])"), StatusIs(kInvalid, "want a JSON object"));
}

}  // namespace
}  // namespace tam::tamctl

#include "services/attestation/dcap/collateral.h"

#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "services/attestation/dcap/json.h"
#include "services/attestation/dcap/testing/test_platform.h"
#include "tests/support/status_matchers.h"

namespace tam::attestation::dcap {
namespace {

using ::tam::testing::IsOk;
using ::tam::testing::StatusIs;
using ::testing::HasSubstr;

constexpr auto kInvalid = absl::StatusCode::kInvalidArgument;

absl::Status ParseJson(std::string_view text) { return Json::Parse("j", text).status(); }

TEST(JsonTest, KeepsTheExactBytesOfWhatIsWithin) {
  const auto json = Json::Parse("j", " {\"a\" :\t{ \"b\":[1, 2] , \"c\":\"x\\/y\"} }\n");
  ASSERT_THAT(json, IsOk());
  const auto inner = json->Get("a", Json::Kind::kObject);
  ASSERT_THAT(inner, IsOk());
  EXPECT_EQ((*inner)->bytes(), "{ \"b\":[1, 2] , \"c\":\"x\\/y\"}");
  EXPECT_EQ(*(*inner)->GetString("c"), "x/y");
  EXPECT_EQ((*(*inner)->Get("b", Json::Kind::kArray))->elements().size(), 2U);
}

TEST(JsonTest, RefusesWhatCouldBeReadInTwoWays) {
  EXPECT_THAT(ParseJson("{\"a\":1,\"a\":1}"), StatusIs(kInvalid, HasSubstr("one member \"a\"")));
  EXPECT_THAT(ParseJson("{\"a\":{\"b\":1,\"b\":2}}"), StatusIs(kInvalid, HasSubstr("j.a: want")));
  EXPECT_THAT(ParseJson("{\"a\":1,\"\\u0061\":1}"), StatusIs(kInvalid, HasSubstr("escape")));
  for (const char* number : {"1.0", "1e2", "-1", "01", "+1", "9007199254740993",
                             "99999999999999999999999", "0x1", ".5"}) {
    EXPECT_THAT(ParseJson(std::string("{\"a\":") + number + "}"), StatusIs(kInvalid)) << number;
  }
  EXPECT_THAT(ParseJson("{\"a\":9007199254740992}"), IsOk());
}

TEST(JsonTest, RefusesOtherForms) {
  for (const char* text : {"",
                           "1",
                           "[]",
                           "{",
                           "}",
                           "{\"a\"}",
                           "{\"a\":}",
                           "{\"a\":1,}",
                           "{,}",
                           "{\"a\":1}x",
                           "{\"a\":1}{}",
                           "{\"a\":[1,]}",
                           "{\"a\":[1}",
                           "{\"a\":tru}",
                           "{a:1}",
                           "{'a':1}",
                           "{\"a\":\"\x01\"}",
                           "{\"a\":\"\xc3\xa9\"}",
                           "{\"a\":\"x}",
                           "{\"a\":\"\\q\"}",
                           "{\"a\":NaN}",
                           "{\"a\":1 2}"}) {
    EXPECT_THAT(ParseJson(text), StatusIs(kInvalid)) << text;
  }
  for (const char* text : {"{}", "{\"a\":null}", "{\"a\":[true,false,[]]}", "{\"a\":{}}"}) {
    EXPECT_THAT(ParseJson(text), IsOk()) << text;
  }
}

TEST(JsonTest, IsBounded) {
  std::string deep = "{\"a\":";
  deep += std::string(5000, '[') + std::string(5000, ']') + "}";
  EXPECT_THAT(ParseJson(deep), StatusIs(kInvalid, HasSubstr("levels")));
  std::string wide = "{\"a\":[0";
  for (int i = 0; i < 20'000; ++i) wide += ",0";
  EXPECT_THAT(ParseJson(wide + "]}"), StatusIs(kInvalid, HasSubstr("values")));
  EXPECT_THAT(ParseJson("{\"" + std::string(65, 'x') + "\":1}"), StatusIs(kInvalid));
  EXPECT_THAT(ParseJson(std::string(kMaxJsonBytes + 1, ' ')),
              StatusIs(kInvalid, HasSubstr("size")));
  std::string members = "{\"m\":0";
  for (int i = 0; i < 64; ++i) members += ",\"m" + std::to_string(i) + "\":0";
  EXPECT_THAT(ParseJson(members + "}"), StatusIs(kInvalid, HasSubstr("members")));
}

class CollateralTest : public ::testing::Test {
 protected:
  absl::Status With(std::string_view from, std::string_view to) const {
    std::string inner = platform_.TcbInfo();
    testing::Replace(inner, from, to);
    return ParseTcbInfo(platform_.Sign("tcbInfo", inner)).status();
  }

  const testing::TestPlatform platform_;
  const std::string tcb_info_ = platform_.Sign("tcbInfo", platform_.TcbInfo());
};

TEST_F(CollateralTest, NumbersAreWhatTheyMayBe) {
  EXPECT_THAT(With("{\"svn\":5}", "{\"svn\":255}"), IsOk());
  for (const char* bad : {"256", "-1", "5.0", "\"5\"", "null", "5e0", "[5]"}) {
    EXPECT_THAT(With("{\"svn\":5}", std::string("{\"svn\":") + bad + "}"), StatusIs(kInvalid))
        << bad;
  }
  EXPECT_THAT(With("\"pcesvn\":10", "\"pcesvn\":65536"),
              StatusIs(kInvalid, HasSubstr("tcb_info.tcbInfo.tcbLevels[0].tcb.pcesvn")));
  EXPECT_THAT(With("{\"svn\":5},", ""), StatusIs(kInvalid, HasSubstr("want 16 components")));
  EXPECT_THAT(With("{\"svn\":5},", "{\"svn\":5},{\"svn\":5},"), StatusIs(kInvalid));
  EXPECT_THAT(With("{\"svn\":5},", "{\"svn\":5,\"svn\":4},"), StatusIs(kInvalid));
}

TEST_F(CollateralTest, TimesAndDigitsHaveOneForm) {
  EXPECT_THAT(With("2027-01-05T08:00:00Z", "2027-01-05T08:00:00+00:00"), StatusIs(kInvalid));
  EXPECT_THAT(With("2027-01-05T08:00:00Z", "2027-02-30T08:00:00Z"), StatusIs(kInvalid));
  EXPECT_THAT(With("2027-01-05T08:00:00Z", "infinite-future"), StatusIs(kInvalid));
  EXPECT_THAT(With("00a067110001", "00a06711000"), StatusIs(kInvalid));
  EXPECT_THAT(With("00a067110001", "00a0671100zz"), StatusIs(kInvalid));
  EXPECT_THAT(With("\"id\":\"SGX\"", "\"id\":\"sgx\""), StatusIs(kInvalid));
  EXPECT_THAT(With("\"id\":\"SGX\",", ""), StatusIs(kInvalid));
  std::string upper = tcb_info_;
  for (char& c : upper)
    c = c >= 'a' && c <= 'f' && &c > &upper[upper.size() - 130] ? static_cast<char>(c - 'a' + 'A')
                                                                : c;
  EXPECT_THAT(ParseTcbInfo(upper), StatusIs(kInvalid, HasSubstr("lower case")));
}

TEST_F(CollateralTest, UnknownMembersArePassedOverWithinAndNotAround) {
  EXPECT_THAT(With("\"tcbType\":0", "\"tcbType\":0,\"new\":{\"x\":[1]}"), IsOk());
  std::string more = tcb_info_;
  more.insert(1, "\"more\":1,");
  EXPECT_THAT(ParseTcbInfo(more), StatusIs(kInvalid, HasSubstr("two members")));
  EXPECT_THAT(ParseTcbInfo(platform_.Sign("enclaveIdentity", platform_.TcbInfo())),
              StatusIs(kInvalid));
  EXPECT_THAT(ParseQeIdentity(tcb_info_), StatusIs(kInvalid));
}

TEST_F(CollateralTest, VersionTwoIsOfSgx) {
  std::string levels = "\"tcbLevels\":[{\"tcb\":{\"pcesvn\":3";
  for (int i = 1; i <= 16; ++i) {
    levels += std::string(",\"sgxtcbcomp") + (i < 10 ? "0" : "") + std::to_string(i) +
              "svn\":" + std::to_string(i);
  }
  const std::string old =
      "{\"version\":2,\"issueDate\":\"2019-09-05T07:47:07Z\",\"nextUpdate\":\"2029-09-05T07:47:07Z"
      "\",\"fmspc\":\"00707F000000\",\"pceId\":\"0000\",\"tcbType\":0,\"tcbEvaluationDataNumber\":"
      "3," +
      levels + "},\"tcbDate\":\"2019-09-01T00:00:00Z\",\"tcbStatus\":\"UpToDate\"}]}";
  const std::string text = platform_.Sign("tcbInfo", old);
  const auto info = ParseTcbInfo(text);
  ASSERT_THAT(info, IsOk());
  EXPECT_FALSE(info->content.tdx);
  EXPECT_EQ(info->content.levels[0].sgx[15], 16);
  EXPECT_EQ(info->content.levels[0].pce_svn, 3);
  EXPECT_EQ(info->signed_bytes, old);
}

TEST(StatusNameTest, IsIntels) {
  EXPECT_EQ(StatusName(TcbStatus::kSwHardeningNeeded), "SWHardeningNeeded");
  EXPECT_EQ(StatusName(TcbStatus::kTdRelaunchAdvisedConfigurationNeeded),
            "TDRelaunchAdvisedConfigurationNeeded");
  EXPECT_EQ(StatusName(TcbStatus::kNone), "");
}

}  // namespace
}  // namespace tam::attestation::dcap

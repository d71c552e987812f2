#include "services/audit/handler.h"

#include <memory>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "services/runtime/audit_entry.h"
#include "services/runtime/dispatcher.h"
#include "storage/memory/memory_storage.h"
#include "tests/support/status_matchers.h"

namespace tam::audit {
namespace {

using ::tam::runtime::CallContext;
using ::tam::runtime::Identity;
using ::tam::testing::IsOk;
using ::tam::testing::StatusIs;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::SizeIs;

const absl::Time kNow = absl::FromUnixSeconds(1'800'000'000);
constexpr char kAnn[] = "spiffe://tamarack.example/tenant/acme/operator/ann";

template <typename IdType>
IdType IdOf(uint8_t byte) {
  std::array<uint8_t, 16> bytes{};
  bytes.fill(byte);
  return IdType(bytes);
}

class AuditHandlerTest : public ::testing::Test {
 protected:
  void SetUp() override {
    for (const auto& [byte, name] : {std::pair<uint8_t, const char*>{1, "acme"}, {2, "other"}}) {
      storage::Tenant tenant;
      tenant.id = IdOf<storage::TenantId>(byte);
      tenant.name = name;
      storage::AuditEntry entry = Entry(tenant.id, "tenant.create");
      ASSERT_THAT(storage_->tenants().Create(tenant, entry, {}), IsOk());
    }
  }

  CallContext Context(absl::string_view spiffe_id = kAnn) {
    return {*Identity::Parse(spiffe_id, "tamarack.example"), absl::Now() + absl::Seconds(20), "r1"};
  }
  storage::AuditEntry Entry(const storage::TenantId& tenant, std::string_view kind,
                            const runtime::AuditDetails& details = {}) {
    return *composer_.OfCaller(Context(), tenant, kind, "tenants/acme/x", details);
  }
  absl::StatusOr<v1::ListEntriesResponse> List(const v1::ListEntriesRequest& request) {
    return handler_.ListEntries(Context(), request);
  }
  static v1::ListEntriesRequest Of(const std::string& parent) {
    v1::ListEntriesRequest request;
    request.set_parent(parent);
    return request;
  }

  absl::Time now_ = kNow;
  std::unique_ptr<storage::Storage> storage_ = storage::NewMemoryStorage([this] { return now_; });
  uint8_t next_random_ = 0;
  runtime::AuditComposer composer_{storage_->pseudonyms(), [this](absl::Span<uint8_t> out) {
                                     for (uint8_t& byte : out) byte = ++next_random_;
                                   }};
  AuditHandler handler_{storage_->tenants(), storage_->audit(), storage_->pseudonyms()};
};

TEST_F(AuditHandlerTest, ShowsWhoDidWhatToWhat) {
  now_ += absl::Seconds(1);
  ASSERT_THAT(storage_->audit_writer().Record(
                  Entry(IdOf<storage::TenantId>(1), "domain.create", {{"why", "new"}}), {}),
              IsOk());
  TAM_ASSERT_OK_AND_ASSIGN(v1::ListEntriesResponse response, List(Of("tenants/acme")));
  ASSERT_THAT(response.entries(), SizeIs(2));
  const v1::AuditEntry& newest = response.entries(0);
  EXPECT_EQ(newest.action(), "domain.create");
  EXPECT_EQ(newest.actor(), kAnn);
  EXPECT_EQ(newest.resource(), "tenants/acme/x");
  EXPECT_EQ(newest.detail(), "why: new");
  EXPECT_EQ(newest.time().seconds(), 1'800'000'001);
  // The name itself is not in the bytes that a log will hash.
  EXPECT_THAT(newest.entry(), ::testing::Not(HasSubstr("ann")));
}

TEST_F(AuditHandlerTest, ShowsADeviceAndFiltersByIt) {
  const auto device = IdOf<storage::DeviceId>(7);
  TAM_ASSERT_OK_AND_ASSIGN(
      const auto entry,
      composer_.OfDevice(Context(), IdOf<storage::TenantId>(1), device, "session.accept"));
  ASSERT_THAT(storage_->audit_writer().Record(entry, {}), IsOk());
  v1::ListEntriesRequest request = Of("tenants/acme");
  request.set_device(absl::StrCat("tenants/acme/devices/", device.ToString()));
  TAM_ASSERT_OK_AND_ASSIGN(v1::ListEntriesResponse response, List(request));
  ASSERT_THAT(response.entries(), SizeIs(1));
  EXPECT_EQ(response.entries(0).actor(), "device");
  EXPECT_EQ(response.entries(0).device_uid(), std::string(16, '\7'));
  EXPECT_THAT(response.entries(0).entry(), ::testing::Not(HasSubstr(std::string(16, '\7'))));
}

TEST_F(AuditHandlerTest, DevicesAndKeysStandAsPseudonymsAndAreShownByName) {
  const storage::TenantId tenant = IdOf<storage::TenantId>(1);
  const std::string device = IdOf<storage::DeviceId>(7).ToString();
  const std::string key(64, 'e');
  const std::string target = absl::StrCat("tenants/acme/devices/", device, "/keys/", key);
  now_ += absl::Seconds(1);
  TAM_ASSERT_OK_AND_ASSIGN(const auto entry,
                           composer_.OfCaller(Context(), tenant, "device.key.import", target));
  ASSERT_THAT(storage_->audit_writer().Record(entry, {}), IsOk());
  TAM_ASSERT_OK_AND_ASSIGN(const v1::ListEntriesResponse response, List(Of("tenants/acme")));
  EXPECT_EQ(response.entries(0).resource(), target);
  EXPECT_THAT(response.entries(0).entry(), AllOf(Not(HasSubstr(device)), Not(HasSubstr(key)),
                                                 HasSubstr("tenants/acme/devices/~")));

  // Of what was erased, the record keeps the pseudonyms: the same one for the same device.
  TAM_ASSERT_OK_AND_ASSIGN(const auto parts, runtime::ParseAuditEntry(entry.entry));
  EXPECT_EQ(runtime::Resolve(parts.target, {}), parts.target);
  const auto pseudonyms = runtime::PseudonymsIn(parts.target);
  ASSERT_THAT(pseudonyms, SizeIs(2));
  TAM_ASSERT_OK_AND_ASSIGN(const auto later,
                           composer_.OfDevice(Context(), tenant, IdOf<storage::DeviceId>(7), "x"));
  EXPECT_EQ(runtime::ParseAuditEntry(later.entry)->actor, pseudonyms[0]);
}

TEST_F(AuditHandlerTest, RefusedCallersPutNoNamesIntoTheRecord) {
  runtime::DenialRecorder recorder(composer_, storage_->tenants(), storage_->audit_writer());
  const auto denied = [&](const std::string& resource) {
    now_ += absl::Seconds(1);
    EXPECT_THAT(recorder.RecordDenial({Context(), "/tam.v1.X/Y", resource, "role: no"}), IsOk());
    auto page = List(Of("tenants/acme"));
    EXPECT_THAT(page, IsOk());
    return page.ok() ? page->entries(0) : v1::AuditEntry();
  };
  const v1::AuditEntry named = denied("tenants/acme/devices/anns-watch");
  EXPECT_EQ(named.resource(), "tenants/acme/devices/anns-watch");
  EXPECT_THAT(named.entry(), Not(HasSubstr("anns-watch")));
  for (const std::string& junk :
       {std::string("Ann Smith, 1 Main Street"), std::string("tenants/acme/devices/~00"),
        std::string("tenants/acme//x"), std::string(1000, 'a'), std::string("devices/ann")}) {
    EXPECT_EQ(denied(junk).resource(), "(malformed)") << junk;
  }
}

TEST_F(AuditHandlerTest, FiltersByTimeAndPages) {
  for (int i = 0; i < 3; ++i) {
    now_ += absl::Seconds(1);
    ASSERT_THAT(storage_->audit_writer().Record(
                    Entry(IdOf<storage::TenantId>(1), absl::StrCat("act", i)), {}),
                IsOk());
  }
  v1::ListEntriesRequest request = Of("tenants/acme");
  request.mutable_start_time()->set_seconds(1'800'000'002);
  request.set_page_size(1);
  TAM_ASSERT_OK_AND_ASSIGN(v1::ListEntriesResponse first, List(request));
  ASSERT_THAT(first.entries(), SizeIs(1));
  EXPECT_EQ(first.entries(0).action(), "act2");
  request.set_page_token(first.next_page_token());
  TAM_ASSERT_OK_AND_ASSIGN(v1::ListEntriesResponse second, List(request));
  ASSERT_THAT(second.entries(), SizeIs(1));
  EXPECT_EQ(second.entries(0).action(), "act1");
  EXPECT_EQ(second.next_page_token(), "");
}

TEST_F(AuditHandlerTest, RefusesMalformedFilters) {
  EXPECT_THAT(List(Of("acme")), StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(List(Of("tenants/nobody")), StatusIs(absl::StatusCode::kNotFound));
  v1::ListEntriesRequest foreign = Of("tenants/acme");
  foreign.set_device("tenants/other/devices/07070707-0707-0707-0707-070707070707");
  EXPECT_THAT(List(foreign), StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("device")));
  v1::ListEntriesRequest negative = Of("tenants/acme");
  negative.set_page_size(-1);
  EXPECT_THAT(List(negative), StatusIs(absl::StatusCode::kInvalidArgument));
  v1::ListEntriesRequest token = Of("tenants/acme");
  token.set_page_token("not hex");
  EXPECT_THAT(List(token), StatusIs(absl::StatusCode::kInvalidArgument));
  v1::ListEntriesRequest time = Of("tenants/acme");
  time.mutable_end_time()->set_nanos(-1);
  EXPECT_THAT(List(time), StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("end_time")));
}

TEST_F(AuditHandlerTest, KeepsRefusalsWhereTheCallerBelongs) {
  runtime::DenialRecorder recorder(composer_, storage_->tenants(), storage_->audit_writer());
  const CallContext ann = Context();
  ASSERT_THAT(recorder.RecordDenial({ann, "/tam.v1.X/Y", "tenants/other", "tenant: no"}), IsOk());
  const CallContext gone = Context("spiffe://tamarack.example/tenant/gone/operator/bob");
  ASSERT_THAT(recorder.RecordDenial({gone, "/tam.v1.X/Y", "", "role: no"}), IsOk());

  TAM_ASSERT_OK_AND_ASSIGN(v1::ListEntriesResponse acme, List(Of("tenants/acme")));
  ASSERT_THAT(acme.entries(), SizeIs(2));
  TAM_ASSERT_OK_AND_ASSIGN(v1::ListEntriesResponse platform, List(Of("tenants/-")));
  ASSERT_THAT(platform.entries(), SizeIs(1));
  EXPECT_EQ(platform.entries(0).action(), "rpc.denied");
  EXPECT_EQ(platform.entries(0).detail(), "method: /tam.v1.X/Y; reason: role: no");
  EXPECT_EQ(platform.entries(0).actor(), "spiffe://tamarack.example/tenant/gone/operator/bob");
}

TEST_F(AuditHandlerTest, ShowsAnUnreadableEntryByItsBytes) {
  storage::AuditEntry entry;
  entry.tenant = IdOf<storage::TenantId>(1);
  entry.kind = "odd";
  entry.entry = {0xff};
  now_ += absl::Seconds(1);
  ASSERT_THAT(storage_->audit_writer().Record(entry, {}), IsOk());
  TAM_ASSERT_OK_AND_ASSIGN(v1::ListEntriesResponse response, List(Of("tenants/acme")));
  EXPECT_EQ(response.entries(0).entry(), "\xff");
  EXPECT_THAT(response.entries(0).detail(), HasSubstr("unreadable"));
}

}  // namespace
}  // namespace tam::audit

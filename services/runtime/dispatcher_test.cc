#include "services/runtime/dispatcher.h"

#include <set>
#include <stdexcept>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "google/protobuf/descriptor.h"
#include "gtest/gtest.h"
#include "proto/tam/v1/attestation.pb.h"
#include "proto/tam/v1/attestation_session.pb.h"
#include "proto/tam/v1/audit.pb.h"
#include "proto/tam/v1/catalog.pb.h"
#include "proto/tam/v1/catalog_session.pb.h"
#include "proto/tam/v1/registry.pb.h"
#include "proto/tam/v1/registry_session.pb.h"
#include "proto/tam/v1/signing.pb.h"
#include "proto/tam/v1/signing_session.pb.h"
#include "services/runtime/authorization.h"
#include "services/runtime/log.h"
#include "tests/support/status_matchers.h"

namespace tam::runtime {
namespace {

using ::tam::testing::IsOk;
using ::tam::testing::StatusIs;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;

constexpr char kListEntries[] = "/tam.v1.AuditService/ListEntries";
const absl::Time kNow = absl::FromUnixSeconds(1'800'000'000);

Identity Caller(absl::string_view path) {
  return *Identity::Parse(absl::StrCat("spiffe://tamarack.example/", path), "tamarack.example");
}

class RecordingSink : public AuditSink {
 public:
  absl::Status RecordDenial(const Denial& denial) override {
    lines.push_back(absl::StrCat(denial.context.caller.spiffe_id(), " ", denial.method, " ",
                                 denial.resource, " ", denial.reason));
    return status;
  }
  std::vector<std::string> lines;
  absl::Status status;
};

class FakeAudit {
 public:
  absl::StatusOr<v1::ListEntriesResponse> ListEntries(const CallContext& context,
                                                      const v1::ListEntriesRequest& request) {
    ++calls;
    seen_position = request.page_token();
    seen_deadline = context.deadline;
    if (throws) throw std::runtime_error("secret detail");
    if (!status.ok()) return status;
    v1::ListEntriesResponse response;
    response.set_next_page_token("more");
    return response;
  }
  int calls = 0;
  bool throws = false;
  absl::Status status;
  absl::Time seen_deadline;
  std::string seen_position;
};

class DispatcherTest : public ::testing::Test {
 protected:
  DispatcherTest() : dispatcher_(sink_, {{16, 3, 1}, [this] { return now_; }}) {
    ServiceBinding binding("tam.v1.AuditService");
    binding.Add("ListEntries", handler_, &FakeAudit::ListEntries);
    EXPECT_THAT(dispatcher_.Add(binding), IsOk());
  }
  absl::StatusOr<std::string> List(absl::string_view caller, absl::string_view parent) {
    v1::ListEntriesRequest request;
    request.set_parent(std::string(parent));
    return dispatcher_.RunBytes({Caller(caller), kNow + absl::Seconds(5), "r1"}, kListEntries,
                                request.SerializeAsString());
  }

  absl::Time now_ = kNow;
  RecordingSink sink_;
  FakeAudit handler_;
  Dispatcher dispatcher_;
};

TEST_F(DispatcherTest, CallsTheHandlerForAPermittedRole) {
  TAM_ASSERT_OK_AND_ASSIGN(std::string bytes, List("tenant/acme/auditor/ann", "tenants/acme"));
  v1::ListEntriesResponse response;
  ASSERT_TRUE(response.ParseFromString(bytes));
  EXPECT_EQ(handler_.seen_deadline, kNow + absl::Seconds(5));
  EXPECT_THAT(sink_.lines, IsEmpty());
}

TEST_F(DispatcherTest, APageTokenIsGoodForItsListAndCallerAlone) {
  v1::ListEntriesRequest request;
  request.set_parent("tenants/acme");
  const auto run = [&](absl::string_view caller) {
    return dispatcher_.RunBytes({Caller(caller), kNow + absl::Seconds(5), "r1"}, kListEntries,
                                request.SerializeAsString());
  };
  TAM_ASSERT_OK_AND_ASSIGN(std::string bytes, run("tenant/acme/auditor/ann"));
  EXPECT_EQ(handler_.seen_position, "");
  v1::ListEntriesResponse response;
  ASSERT_TRUE(response.ParseFromString(bytes));
  const std::string token = response.next_page_token();
  EXPECT_THAT(token, Not(HasSubstr("more")));

  request.set_page_token(token);
  request.set_page_size(7);
  EXPECT_THAT(run("tenant/acme/auditor/ann"), IsOk());
  EXPECT_EQ(handler_.seen_position, "more");
  EXPECT_THAT(run("tenant/acme/auditor/bob"),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("page_token")));
  request.set_device("tenants/acme/devices/d");
  EXPECT_THAT(run("tenant/acme/auditor/ann"), StatusIs(absl::StatusCode::kInvalidArgument));
  request.clear_device();
  for (const std::string& forged : {std::string("more"), token.substr(1), token + "AA",
                                    std::string("!"), std::string(token.rbegin(), token.rend())}) {
    request.set_page_token(forged);
    EXPECT_THAT(run("tenant/acme/auditor/ann"), StatusIs(absl::StatusCode::kInvalidArgument))
        << forged;
  }
  EXPECT_EQ(handler_.calls, 2);
}

TEST_F(DispatcherTest, RefusesAndAuditsAnotherRole) {
  EXPECT_THAT(List("tenant/acme/developer/jo", "tenants/acme"),
              StatusIs(absl::StatusCode::kPermissionDenied, HasSubstr("role")));
  ASSERT_THAT(sink_.lines, SizeIs(1));
  EXPECT_THAT(sink_.lines[0], HasSubstr("tenant/acme/developer/jo /tam.v1.AuditService/List"));
  EXPECT_EQ(handler_.calls, 0);
}

TEST_F(DispatcherTest, RefusesAndAuditsAnotherTenant) {
  EXPECT_THAT(List("tenant/acme/operator/op", "tenants/other"),
              StatusIs(absl::StatusCode::kPermissionDenied, HasSubstr("want acme, got other")));
  EXPECT_THAT(List("tenant/acme/operator/op", "tenants/-"),
              StatusIs(absl::StatusCode::kPermissionDenied));
  EXPECT_THAT(sink_.lines, SizeIs(2));
  EXPECT_THAT(List("admin/root", "tenants/other"), IsOk());
}

TEST_F(DispatcherTest, RefusesAResourceNameWithoutATenant) {
  for (const char* parent : {"", "acme", "tenants/", "tenants/ACME", "tenants/../acme"}) {
    EXPECT_THAT(List("tenant/acme/operator/op", parent),
                StatusIs(absl::StatusCode::kInvalidArgument))
        << parent;
  }
  EXPECT_EQ(handler_.calls, 0);
}

TEST_F(DispatcherTest, LimitsRefusalsPerIdentity) {
  for (int i = 0; i < 3; ++i) {
    EXPECT_THAT(List("tenant/acme/developer/jo", "tenants/acme"),
                StatusIs(absl::StatusCode::kPermissionDenied));
  }
  EXPECT_THAT(List("tenant/acme/developer/jo", "tenants/acme"),
              StatusIs(absl::StatusCode::kResourceExhausted));
  EXPECT_THAT(sink_.lines, SizeIs(3));
  // Permitted calls are not limited, and time gives tokens back.
  EXPECT_THAT(List("tenant/acme/auditor/ann", "tenants/acme"), IsOk());
  now_ += absl::Seconds(1);
  EXPECT_THAT(List("tenant/acme/developer/jo", "tenants/acme"),
              StatusIs(absl::StatusCode::kPermissionDenied));
  EXPECT_THAT(sink_.lines, SizeIs(4));
}

TEST_F(DispatcherTest, AuditsARefusalByTheHandler) {
  handler_.status = absl::PermissionDeniedError("domain: the caller is not among its owners");
  EXPECT_THAT(List("admin/root", "tenants/acme"), StatusIs(absl::StatusCode::kPermissionDenied));
  EXPECT_THAT(sink_.lines, SizeIs(1));
}

TEST_F(DispatcherTest, StaysRefusedWhenTheAuditFails) {
  sink_.status = absl::UnavailableError("database");
  EXPECT_THAT(List("tenant/acme/developer/jo", "tenants/acme"),
              StatusIs(absl::StatusCode::kPermissionDenied));
}

// The log names no person: codes, tenants and request ids.
TEST_F(DispatcherTest, LogsARefusalThatWasNotKeptWithoutThePerson) {
  sink_.status = absl::UnavailableError("database");
  ::testing::internal::CaptureStderr();
  EXPECT_THAT(List("tenant/acme/developer/jo", "tenants/acme"),
              StatusIs(absl::StatusCode::kPermissionDenied));
  const std::string log = ::testing::internal::GetCapturedStderr();
  EXPECT_THAT(log, HasSubstr("audit.denial_not_kept"));
  EXPECT_THAT(log, HasSubstr(R"("role":"developer","tenant":"acme","request_id":"r1")"));
  EXPECT_THAT(log, Not(HasSubstr("/jo")));
  EXPECT_THAT(log, Not(HasSubstr("spiffe")));
}

TEST_F(DispatcherTest, ConcealsWhatWentWrongInside) {
  handler_.throws = true;
  EXPECT_THAT(List("admin/root", "tenants/acme"),
              StatusIs(absl::StatusCode::kInternal, "internal error, request r1"));
  handler_.throws = false;
  handler_.status = absl::UnknownError("SELECT secret");
  EXPECT_THAT(List("admin/root", "tenants/acme"),
              StatusIs(absl::StatusCode::kInternal, Not(HasSubstr("secret"))));
}

TEST_F(DispatcherTest, DoesNotBeginAfterTheDeadline) {
  now_ = kNow + absl::Seconds(5);
  EXPECT_THAT(List("admin/root", "tenants/acme"), StatusIs(absl::StatusCode::kDeadlineExceeded));
  EXPECT_EQ(handler_.calls, 0);
}

TEST_F(DispatcherTest, RefusesUnknownMethodsAndOtherBytes) {
  const CallContext context{Caller("admin/root"), kNow + absl::Seconds(5), "r1"};
  EXPECT_THAT(dispatcher_.RunBytes(context, "/tam.v1.AuditService/Erase", ""),
              StatusIs(absl::StatusCode::kUnimplemented));
  EXPECT_THAT(dispatcher_.RunBytes(context, kListEntries, "\xff\xff"),
              StatusIs(absl::StatusCode::kInvalidArgument));
}

TEST_F(DispatcherTest, LocalChannelCallsAsItself) {
  v1::ListEntriesRequest request;
  request.set_parent("tenants/acme");
  v1::ListEntriesResponse response;
  const CallContext context{Caller("admin/root"), kNow + absl::Seconds(1), "r1"};
  LocalChannel gateway(dispatcher_, Caller("service/gateway"));
  EXPECT_THAT(gateway.Call(context, kListEntries, request, &response),
              StatusIs(absl::StatusCode::kPermissionDenied));
  LocalChannel auditor(dispatcher_, Caller("tenant/acme/auditor/ann"));
  EXPECT_THAT(auditor.Call(context, kListEntries, request, &response), IsOk());
  EXPECT_EQ(handler_.seen_deadline, kNow + absl::Seconds(1));
}

TEST_F(DispatcherTest, RefusesAnIncompleteBinding) {
  EXPECT_THAT(dispatcher_.Add(ServiceBinding("tam.v1.SigningService")),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("want 8 methods, got 0")));
  EXPECT_THAT(dispatcher_.Add(ServiceBinding("tam.v1.NoService")),
              StatusIs(absl::StatusCode::kInvalidArgument));
}

// Every service of the package; naming a message of each file links it in.
std::vector<const google::protobuf::ServiceDescriptor*> AllServices() {
  std::vector<const google::protobuf::ServiceDescriptor*> services;
  for (const google::protobuf::FileDescriptor* file :
       {v1::GetAttestationPolicyRequest::descriptor()->file(),
        v1::AppraiseRequest::descriptor()->file(), v1::ListEntriesRequest::descriptor()->file(),
        v1::GetDomainRequest::descriptor()->file(), v1::ResolveRequest::descriptor()->file(),
        v1::GetTenantRequest::descriptor()->file(), v1::LookupRequest::descriptor()->file(),
        v1::GetSigningKeyRequest::descriptor()->file(),
        v1::SignUpdateRequest::descriptor()->file()}) {
    EXPECT_EQ(file->service_count(), 1) << file->name();
    services.push_back(file->service(0));
  }
  return services;
}

TEST(AuthorizationTest, TableHasEveryMethodAndNoOther) {
  std::set<std::string> described;
  for (const auto* service : AllServices()) {
    for (int i = 0; i < service->method_count(); ++i) {
      described.insert(absl::StrCat("/", service->full_name(), "/", service->method(i)->name()));
    }
  }
  std::set<std::string> permitted;
  for (const Permission& row : AllPermissions()) permitted.insert(std::string(row.method));
  EXPECT_EQ(permitted, described);
  EXPECT_EQ(permitted.size(), AllPermissions().size());
}

TEST(AuthorizationTest, TenantScopedRequestsNameOneResource) {
  std::set<std::string> tenant_scoped;
  for (const Permission& row : AllPermissions()) {
    if (row.scope != Scope::kPlatform) tenant_scoped.insert(std::string(row.method));
  }
  for (const auto* service : AllServices()) {
    for (int i = 0; i < service->method_count(); ++i) {
      const auto* method = service->method(i);
      if (!tenant_scoped.contains(absl::StrCat("/", service->full_name(), "/", method->name()))) {
        continue;
      }
      const bool has_name = method->input_type()->FindFieldByName("name") != nullptr;
      const bool has_parent = method->input_type()->FindFieldByName("parent") != nullptr;
      EXPECT_NE(has_name, has_parent) << method->full_name();
    }
  }
}

TEST(AuthorizationTest, ServicesReachTheirSessionCallsOnly) {
  v1::LookupRequest lookup;
  EXPECT_THAT(Authorize(Caller("service/gateway"), "/tam.v1.RegistrySessionService/Lookup", lookup),
              IsOk());
  EXPECT_THAT(Authorize(Caller("admin/root"), "/tam.v1.RegistrySessionService/Lookup", lookup),
              StatusIs(absl::StatusCode::kPermissionDenied));
  EXPECT_THAT(Authorize(Caller("service/gateway"),
                        "/tam.v1.SigningSessionService/SignAttestationResult", lookup),
              StatusIs(absl::StatusCode::kPermissionDenied));
  EXPECT_THAT(Authorize(Caller("admin/root"), "/tam.v1.NoService/Call", lookup),
              StatusIs(absl::StatusCode::kPermissionDenied));
}

TEST(AuthorizationTest, DevelopersReachTheDomainsTheyOwnOnly) {
  const CallContext jo{Caller("tenant/acme/developer/jo"), kNow, ""};
  const std::string jos_id = jo.caller.spiffe_id();
  EXPECT_THAT(CheckDomainOwner(jo, {jos_id}), IsOk());
  EXPECT_THAT(CheckDomainOwner(jo, {}), StatusIs(absl::StatusCode::kPermissionDenied));
  EXPECT_THAT(CheckDomainOwner({Caller("tenant/acme/operator/op"), kNow, ""}, {}), IsOk());
}

TEST(LogTest, WritesOneLineOfJson) {
  EXPECT_EQ(FormatLogLine(absl::FromUnixMillis(1'767'323'045'678), Severity::kWarning, "a.b",
                          {{"text", "say \"\\\n\xff"}}),
            R"({"time":"2026-01-02T03:04:05.678Z","severity":"warning","event":"a.b",)"
            R"("text":"say \"\\\u000a\u00ff"})");
}

}  // namespace
}  // namespace tam::runtime

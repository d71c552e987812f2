#include "services/runtime/tls_source.h"

#include <sys/stat.h>

#include <cstdio>
#include <fstream>
#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "services/runtime/peer_trust.h"
#include "services/runtime/test_credentials.h"
#include "tests/support/status_matchers.h"

namespace tam::runtime {
namespace {

using ::tam::testing::IsOk;
using ::tam::testing::StatusIs;
using ::testing::HasSubstr;

constexpr char kUri[] = "spiffe://tamarack.example/service/registry";

void Write(const std::string& path, const std::string& content) {
  std::ofstream(path, std::ios::binary | std::ios::trunc) << content;
  chmod(path.c_str(), 0600);
}

class TlsFilesTest : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    authority_ = new TestAuthority(*TestAuthority::Create("authority"));
    first_ = new TlsMaterial(*authority_->Issue({kUri}));
    second_ = new TlsMaterial(*authority_->Issue({kUri}));
  }

  void SetUp() override {
    const std::string base = ::testing::TempDir() + "/" +
                             ::testing::UnitTest::GetInstance()->current_test_info()->name();
    paths_ = {base + ".ca", base + ".pem", base + ".key"};
    WriteAll(*first_);
  }

  void WriteAll(const TlsMaterial& material) {
    Write(paths_.ca, material.ca_pem);
    Write(paths_.certificate, material.certificate_pem);
    Write(paths_.key, material.private_key_pem);
  }

  absl::StatusOr<std::shared_ptr<TlsFiles>> Open() { return TlsFiles::Open(paths_); }

  static TestAuthority* authority_;
  static TlsMaterial* first_;
  static TlsMaterial* second_;
  TlsFiles::Paths paths_;
};

TestAuthority* TlsFilesTest::authority_ = nullptr;
TlsMaterial* TlsFilesTest::first_ = nullptr;
TlsMaterial* TlsFilesTest::second_ = nullptr;

TEST_F(TlsFilesTest, TakesNewFilesWhenPolledAndNotWhenAsked) {
  TAM_ASSERT_OK_AND_ASSIGN(auto files, Open());
  EXPECT_EQ(files->Get().generation, 1);
  EXPECT_EQ(*files->Get().material, *first_);
  EXPECT_EQ(files->Poll(), TlsFiles::Change::kNone);
  WriteAll(*second_);
  EXPECT_EQ(*files->Get().material, *first_);
  EXPECT_EQ(files->Poll(), TlsFiles::Change::kUnsettled);
  EXPECT_EQ(*files->Get().material, *first_);
  EXPECT_EQ(files->Poll(), TlsFiles::Change::kReplaced);
  EXPECT_EQ(*files->Get().material, *second_);
  EXPECT_EQ(files->Get().generation, 2);
  EXPECT_EQ(files->Poll(), TlsFiles::Change::kNone);
  EXPECT_EQ(files->Get().generation, 2);
}

// Cut between two certificates, it is a good bundle that lacks the new authority.
TEST_F(TlsFilesTest, DoesNotTakeABundleThatIsStillWritten) {
  TAM_ASSERT_OK_AND_ASSIGN(TestAuthority next, TestAuthority::Create("next"));
  TAM_ASSERT_OK_AND_ASSIGN(TestAuthority other, TestAuthority::Create("other"));
  Write(paths_.ca, other.ca_pem() + first_->ca_pem);
  TAM_ASSERT_OK_AND_ASSIGN(auto files, Open());
  Write(paths_.ca, first_->ca_pem);
  EXPECT_EQ(files->Poll(), TlsFiles::Change::kUnsettled);
  Write(paths_.ca, first_->ca_pem + next.ca_pem());
  EXPECT_EQ(files->Poll(), TlsFiles::Change::kUnsettled);
  EXPECT_EQ(files->Get().generation, 1);
  EXPECT_EQ(files->Poll(), TlsFiles::Change::kReplaced);
  EXPECT_EQ(files->Get().material->ca_pem, first_->ca_pem + next.ca_pem());
  // What was seen, then gone, then seen again is new again.
  Write(paths_.ca, first_->ca_pem);
  EXPECT_EQ(files->Poll(), TlsFiles::Change::kUnsettled);
  Write(paths_.ca, "");
  EXPECT_EQ(files->Poll(), TlsFiles::Change::kRefused);
  Write(paths_.ca, first_->ca_pem);
  EXPECT_EQ(files->Poll(), TlsFiles::Change::kUnsettled);
}

// The same trouble at every look is one line.
TEST_F(TlsFilesTest, LogsWhatIsNotUsedOnce) {
  TAM_ASSERT_OK_AND_ASSIGN(auto files, Open());
  Write(paths_.certificate, second_->certificate_pem);
  ::testing::internal::CaptureStderr();
  for (int i = 0; i < 3; ++i) EXPECT_EQ(files->Poll(), TlsFiles::Change::kRefused);
  const std::string log = ::testing::internal::GetCapturedStderr();
  EXPECT_NE(log.find("tls.kept"), std::string::npos);
  EXPECT_EQ(log.find("tls.kept"), log.rfind("tls.kept"));
}

TEST_F(TlsFilesTest, KeepsTheOldWhileTheNewIsHalfThere) {
  TAM_ASSERT_OK_AND_ASSIGN(auto files, Open());
  const auto still_first = [&] {
    return files->Poll() == TlsFiles::Change::kRefused && files->Get().generation == 1 &&
           *files->Get().material == *first_;
  };
  Write(paths_.certificate, second_->certificate_pem);
  EXPECT_TRUE(still_first()) << "certificate without its key";
  Write(paths_.key, second_->private_key_pem.substr(0, second_->private_key_pem.size() / 2));
  EXPECT_TRUE(still_first()) << "half a key";
  Write(paths_.key, "");
  EXPECT_TRUE(still_first()) << "an empty key";
  ASSERT_EQ(std::remove(paths_.key.c_str()), 0);
  EXPECT_TRUE(still_first()) << "no key";
  Write(paths_.key, second_->private_key_pem);
  Write(paths_.ca, second_->ca_pem.substr(0, 40));
  EXPECT_TRUE(still_first()) << "half an authority";
  Write(paths_.ca, second_->ca_pem);
  EXPECT_EQ(files->Poll(), TlsFiles::Change::kUnsettled);
  EXPECT_EQ(files->Poll(), TlsFiles::Change::kReplaced);
  EXPECT_EQ(*files->Get().material, *second_);
}

TEST_F(TlsFilesTest, RefusesToStartWithWhatDoesNotFit) {
  Write(paths_.key, second_->private_key_pem);
  EXPECT_THAT(Open(), StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr(paths_.key)));
  Write(paths_.key, first_->private_key_pem);
  chmod(paths_.key.c_str(), 0644);
  EXPECT_THAT(Open(), StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr(paths_.key)));
  ASSERT_EQ(std::remove(paths_.ca.c_str()), 0);
  EXPECT_THAT(Open(), StatusIs(absl::StatusCode::kNotFound, HasSubstr(paths_.ca)));
}

TEST_F(TlsFilesTest, ForgetsPeersOfAWithdrawnAuthority) {
  TAM_ASSERT_OK_AND_ASSIGN(TestAuthority other, TestAuthority::Create("other"));
  TAM_ASSERT_OK_AND_ASSIGN(TlsMaterial others, other.Issue({kUri}));
  TAM_ASSERT_OK_AND_ASSIGN(auto files, Open());
  PeerTrust trust(files);
  const auto chain = [&] { return first_->certificate_pem; };
  // The handshake let it in.
  EXPECT_THAT(trust.Check(chain), IsOk());
  Write(paths_.ca, first_->ca_pem + others.ca_pem);
  files->Poll();
  EXPECT_EQ(files->Poll(), TlsFiles::Change::kReplaced);
  EXPECT_THAT(trust.Check(chain), IsOk());
  EXPECT_THAT(trust.Check([&] { return others.certificate_pem; }), IsOk());
  Write(paths_.ca, others.ca_pem);
  files->Poll();
  EXPECT_EQ(files->Poll(), TlsFiles::Change::kReplaced);
  EXPECT_THAT(trust.Check(chain), StatusIs(absl::StatusCode::kUnauthenticated));
  EXPECT_THAT(trust.Check([&] { return others.certificate_pem; }), IsOk());
}

}  // namespace
}  // namespace tam::runtime

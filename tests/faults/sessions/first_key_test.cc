// Replicas of signing that meet at a tenant's first use of a key, on one real PostgreSQL.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "crypto/cose/cose.h"
#include "services/signing/key_ring.h"
#include "storage/postgres/postgres_storage.h"
#include "storage/postgres/pqxx_connection.h"
#include "storage/postgres/schema.h"
#include "tests/support/postgres.h"
#include "tests/support/status_matchers.h"

namespace tam::signing {
namespace {

using testing::IsOk;
using ::testing::SizeIs;

constexpr char kDatabase[] = "first_key";
constexpr storage::SigningPurpose kPurpose = storage::SigningPurpose::kAttestationResult;

void FillRandom(absl::Span<uint8_t> out) { secret::RandomSource::System().Fill(out); }

// One replica: connections, ring and caches of its own.
struct Replica {
  Replica(const std::string& dsn, const secret::KeyWrapper& wrapper)
      : database(storage::postgres::NewDatabase(dsn)),
        storage(storage::postgres::NewPostgresStorage(*database)),
        audit(storage->pseudonyms(), FillRandom),
        keys({storage->signing(), storage->tenants(), audit, wrapper,
              secret::RandomSource::System(), [] { return absl::Hours(1); }}) {}

  std::unique_ptr<storage::postgres::Database> database;
  std::unique_ptr<storage::Storage> storage;
  runtime::AuditComposer audit;
  KeyRing keys;
};

class FirstKeyTest : public ::testing::Test {
 protected:
  void SetUp() override {
    TAM_ASSERT_OK_AND_ASSIGN(testing::PrivatePostgres * server, testing::PrivatePostgres::Get());
    ASSERT_THAT(server->CreateDatabase(kDatabase), IsOk());
    TAM_ASSERT_OK_AND_ASSIGN(const auto connection,
                             storage::postgres::ConnectPqxx(server->Dsn(kDatabase)));
    ASSERT_THAT(storage::postgres::Migrate(*connection), IsOk());
    for (int i = 0; i < 2; ++i) {
      replicas_.push_back(std::make_unique<Replica>(server->Dsn(kDatabase), wrapper_));
    }
  }

  storage::Storage& storage() { return *replicas_.front()->storage; }

  storage::TenantId MakeTenant(const std::string& name) {
    storage::Tenant tenant;
    tenant.id = storage::NewId<storage::TenantId>(FillRandom);
    tenant.name = name;
    storage::AuditEntry audit;
    audit.tenant = tenant.id;
    audit.kind = "tenant.create";
    EXPECT_THAT(storage().tenants().Create(tenant, audit, {}), IsOk());
    return tenant.id;
  }

  const secret::KeyWrapper wrapper_ =
      *secret::KeyWrapper::Create(secret::SecretBytes(std::vector<uint8_t>(32, 'k')));
  const runtime::CallContext context_ = {
      *runtime::Identity::Parse("spiffe://test/service/attestation", "test"),
      absl::InfiniteFuture(), "r"};
  std::vector<std::unique_ptr<Replica>> replicas_;
};

TEST_F(FirstKeyTest, CallsThatMeetMakeOneKeyAndAllSignWithIt) {
  constexpr size_t kCalls = 16;
  constexpr int kRounds = 10;
  for (int round = 0; round < kRounds; ++round) {
    const storage::TenantId tenant = MakeTenant("t" + std::to_string(round));
    std::vector<absl::StatusOr<keys::PrivateKey>> got(kCalls, absl::UnknownError("not called"));
    std::vector<std::thread> threads;
    for (size_t i = 0; i < kCalls; ++i) {
      threads.emplace_back([&, i] {
        got[i] = replicas_[i % replicas_.size()]->keys.ActiveKey(context_, tenant, kPurpose,
                                                                 cose::kEsp256);
      });
    }
    for (std::thread& thread : threads) thread.join();
    TAM_ASSERT_OK_AND_ASSIGN(const auto stored, storage().signing().ListKeys(tenant, {}));
    ASSERT_THAT(stored, SizeIs(1));
    EXPECT_EQ(stored[0].state, storage::SigningKeyState::kActive);
    for (const auto& key : got) {
      ASSERT_THAT(key, IsOk());
      EXPECT_EQ(key->public_key().thumbprint(), stored[0].thumbprint.array());
    }
  }
  TAM_ASSERT_OK_AND_ASSIGN(testing::PrivatePostgres * server, testing::PrivatePostgres::Get());
  TAM_ASSERT_OK_AND_ASSIGN(
      const std::string audited,
      server->Query(kDatabase,
                    "SELECT count(*) FROM audit.entries WHERE kind = 'signing-key.create'"));
  EXPECT_EQ(audited, std::to_string(kRounds) + "\n");
}

}  // namespace
}  // namespace tam::signing

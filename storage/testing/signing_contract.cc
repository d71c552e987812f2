// Signing keys and the root of challenges.
#include <thread>

#include "storage/testing/contract.h"

namespace tam::storage {
namespace {

using ::absl::StatusCode;
using ::tam::testing::IsOk;
using ::tam::testing::StatusIs;
using ::testing::IsEmpty;
using ::testing::SizeIs;

TEST_P(StorageContract, ANewSigningKeyRetiresTheOneBefore) {
  auto& signing = storage().signing();
  SigningKey first;
  first.tenant = tenant_;
  first.thumbprint = RandomFixed<KeyThumbprint>();
  first.algorithm = -9;
  first.wrapped_private_key = BytesOf("wrapped");
  first.public_key = BytesOf("public");
  first.not_after = absl::FromUnixSeconds(2000000000);
  ASSERT_THAT(signing.AddKey(first, Audit("add"), soon_), IsOk());
  SigningKey stolen = first;
  stolen.tenant = RandomFixed<TenantId>();
  EXPECT_THAT(signing.AddKey(stolen, Audit("add"), soon_), StatusIs(StatusCode::kAlreadyExists));
  SigningKey other = first;
  other.thumbprint = RandomFixed<KeyThumbprint>();
  other.algorithm = -19;
  ASSERT_THAT(signing.AddKey(other, Audit("add"), soon_), IsOk());
  Advance(absl::Seconds(1));
  SigningKey second = first;
  second.thumbprint = RandomFixed<KeyThumbprint>();
  ASSERT_THAT(signing.AddKey(second, Audit("add"), soon_), IsOk());
  auto keys = signing.ListKeys(tenant_, soon_);
  ASSERT_THAT(keys, IsOk());
  ASSERT_THAT(*keys, SizeIs(3));
  EXPECT_EQ((*keys)[0].thumbprint, second.thumbprint);
  auto stored = signing.GetKey(tenant_, first.thumbprint, soon_);
  ASSERT_THAT(stored, IsOk());
  EXPECT_EQ(stored->state, SigningKeyState::kRetired);
  EXPECT_EQ(absl::ToUnixMillis(*stored->retired), NowMs());
  EXPECT_EQ(stored->wrapped_private_key, BytesOf("wrapped"));
  EXPECT_EQ(stored->not_after, first.not_after);
  EXPECT_EQ(signing.GetKey(tenant_, other.thumbprint, soon_)->state, SigningKeyState::kActive);
  EXPECT_THAT(signing.GetKey(stolen.tenant, first.thumbprint, soon_),
              StatusIs(StatusCode::kNotFound));
}

TEST_P(StorageContract, NoSigningKeyIsFirstWhereThereWasOne) {
  auto& signing = storage().signing();
  SigningKey key;
  key.tenant = tenant_;
  key.algorithm = -9;
  const auto add_first = [&] {
    key.thumbprint = RandomFixed<KeyThumbprint>();
    return signing.AddFirstKey(key, Audit("first"), soon_);
  };
  ASSERT_THAT(add_first(), IsOk());
  const KeyThumbprint first = key.thumbprint;
  EXPECT_THAT(add_first(), StatusIs(StatusCode::kAlreadyExists));
  key.algorithm = -19;
  EXPECT_THAT(add_first(), IsOk());
  key.algorithm = -9;
  key.purpose = SigningPurpose::kAttestationResult;
  EXPECT_THAT(add_first(), IsOk());
  key.purpose = SigningPurpose::kTeepMessage;
  for (const SigningKeyState state : {SigningKeyState::kRetired, SigningKeyState::kDestroyed}) {
    ASSERT_THAT(signing.SetKeyState(tenant_, first, state, Audit("state"), soon_), IsOk());
    EXPECT_THAT(add_first(), StatusIs(StatusCode::kAlreadyExists));
  }
  EXPECT_THAT(*signing.ListKeys(tenant_, soon_), SizeIs(3));
  EXPECT_THAT(AuditOf("first"), SizeIs(3));
}

TEST_P(StorageContract, AKeyOnStandbyDoesNotHinderTheFirstOne) {
  SigningKey standby;
  standby.tenant = tenant_;
  standby.thumbprint = RandomFixed<KeyThumbprint>();
  standby.state = SigningKeyState::kStandby;
  ASSERT_THAT(storage().signing().AddKey(standby, Audit("add"), soon_), IsOk());
  SigningKey first = standby;
  first.thumbprint = RandomFixed<KeyThumbprint>();
  first.state = SigningKeyState::kActive;
  EXPECT_THAT(storage().signing().AddFirstKey(first, Audit("add"), soon_), IsOk());
  EXPECT_EQ(storage().signing().GetKey(tenant_, standby.thumbprint, soon_)->state,
            SigningKeyState::kStandby);
}

TEST_P(StorageContract, ASigningKeyOnStandbyRetiresTheOneBeforeWhenActivated) {
  auto& signing = storage().signing();
  SigningKey first;
  first.tenant = tenant_;
  first.thumbprint = RandomFixed<KeyThumbprint>();
  first.wrapped_private_key = BytesOf("wrapped");
  ASSERT_THAT(signing.AddKey(first, Audit("add"), soon_), IsOk());
  SigningKey second = first;
  second.thumbprint = RandomFixed<KeyThumbprint>();
  second.state = SigningKeyState::kStandby;
  ASSERT_THAT(signing.AddKey(second, Audit("add"), soon_), IsOk());
  const auto state = [&](const SigningKey& key) {
    return signing.GetKey(tenant_, key.thumbprint, soon_)->state;
  };
  const auto activate = [&](const SigningKey& key) {
    return signing.ActivateKey(tenant_, key.thumbprint, Audit("activate"), soon_);
  };
  EXPECT_EQ(state(first), SigningKeyState::kActive);
  EXPECT_EQ(state(second), SigningKeyState::kStandby);
  EXPECT_THAT(activate(second), IsOk());
  EXPECT_THAT(activate(second), IsOk());
  EXPECT_EQ(state(first), SigningKeyState::kRetired);
  EXPECT_EQ(state(second), SigningKeyState::kActive);
  EXPECT_THAT(AuditOf("activate"), SizeIs(1));
  EXPECT_THAT(activate(first), StatusIs(StatusCode::kFailedPrecondition));
  EXPECT_EQ(state(second), SigningKeyState::kActive);
  SigningKey unused = second;
  unused.thumbprint = RandomFixed<KeyThumbprint>();
  EXPECT_THAT(activate(unused), StatusIs(StatusCode::kNotFound));
  ASSERT_THAT(signing.AddKey(unused, Audit("add"), soon_), IsOk());
  EXPECT_THAT(signing.SetKeyState(tenant_, unused.thumbprint, SigningKeyState::kRetired,
                                  Audit("state"), soon_),
              IsOk());
  EXPECT_EQ(state(unused), SigningKeyState::kRetired);
}

TEST_P(StorageContract, ADestroyedSigningKeyIsEmptied) {
  auto& signing = storage().signing();
  SigningKey key;
  key.tenant = tenant_;
  key.thumbprint = RandomFixed<KeyThumbprint>();
  key.wrapped_private_key = BytesOf("wrapped");
  ASSERT_THAT(signing.AddKey(key, Audit("add"), soon_), IsOk());
  const auto set = [&](SigningKeyState state) {
    return signing.SetKeyState(tenant_, key.thumbprint, state, Audit("state"), soon_);
  };
  EXPECT_THAT(set(SigningKeyState::kRetired), IsOk());
  EXPECT_THAT(set(SigningKeyState::kRetired), IsOk());
  EXPECT_THAT(set(SigningKeyState::kActive), StatusIs(StatusCode::kFailedPrecondition));
  EXPECT_THAT(set(SigningKeyState::kDestroyed), IsOk());
  EXPECT_THAT(set(SigningKeyState::kRetired), StatusIs(StatusCode::kFailedPrecondition));
  EXPECT_THAT(signing.GetKey(tenant_, key.thumbprint, soon_)->wrapped_private_key, IsEmpty());
  EXPECT_THAT(AuditOf("state"), SizeIs(2));
  EXPECT_THAT(signing.SetKeyState(RandomFixed<TenantId>(), key.thumbprint,
                                  SigningKeyState::kRetired, Audit("state"), soon_),
              StatusIs(StatusCode::kNotFound));
}

TEST_P(StorageContract, CertificatesOfASigningKeyKeepTheirPositions) {
  auto& signing = storage().signing();
  SigningKey key;
  key.tenant = tenant_;
  key.thumbprint = RandomFixed<KeyThumbprint>();
  ASSERT_THAT(signing.AddKey(key, Audit("add"), soon_), IsOk());
  KeyCertificate certificate;
  certificate.tenant = tenant_;
  certificate.key = key.thumbprint;
  certificate.not_before = absl::FromUnixSeconds(1'000'000'000);
  certificate.not_after = absl::FromUnixSeconds(2'000'000'000);
  const auto add = [&](const std::string& leaf) {
    certificate.chain = {BytesOf(leaf), BytesOf("issuer")};
    return signing.AddCertificate(certificate, Audit("certify"), soon_);
  };
  const auto remove = [&](int32_t position) {
    return signing.RemoveCertificate(tenant_, key.thumbprint, position, Audit("uncertify"), soon_);
  };
  const auto first = add("a");
  ASSERT_THAT(first, IsOk());
  EXPECT_EQ(first->position, 0);
  EXPECT_EQ(first->chain, certificate.chain);
  EXPECT_EQ(first->not_before, certificate.not_before);
  EXPECT_EQ(first->not_after, certificate.not_after);
  EXPECT_EQ(absl::ToUnixMillis(first->created), NowMs());
  EXPECT_THAT(add("a"), StatusIs(StatusCode::kAlreadyExists));
  EXPECT_EQ(add("b")->position, 1);
  EXPECT_THAT(remove(1), IsOk());
  EXPECT_THAT(remove(1), StatusIs(StatusCode::kNotFound));
  EXPECT_THAT(remove(7), StatusIs(StatusCode::kNotFound));
  EXPECT_EQ(add("b")->position, 2);
  const auto listed = signing.ListCertificates(tenant_, soon_);
  ASSERT_THAT(listed, IsOk());
  ASSERT_THAT(*listed, SizeIs(2));
  EXPECT_EQ((*listed)[0].position, 0);
  EXPECT_EQ((*listed)[1].position, 2);
  EXPECT_EQ((*listed)[1].chain, certificate.chain);
  EXPECT_THAT(AuditOf("certify"), SizeIs(3));
  EXPECT_THAT(AuditOf("uncertify"), SizeIs(1));
}

TEST_P(StorageContract, CertificatesAreFewAndOfKeysThatSign) {
  auto& signing = storage().signing();
  SigningKey key;
  key.tenant = tenant_;
  key.thumbprint = RandomFixed<KeyThumbprint>();
  ASSERT_THAT(signing.AddKey(key, Audit("add"), soon_), IsOk());
  KeyCertificate certificate;
  certificate.tenant = tenant_;
  certificate.key = key.thumbprint;
  const auto add = [&](int leaf) {
    certificate.chain = {BytesOf(std::to_string(leaf))};
    return signing.AddCertificate(certificate, Audit("certify"), soon_).status();
  };
  for (int i = 0; i < kMaxKeyCertificates; ++i) EXPECT_THAT(add(i), IsOk());
  EXPECT_THAT(add(9), StatusIs(StatusCode::kResourceExhausted));
  certificate.tenant = RandomFixed<TenantId>();
  EXPECT_THAT(add(9), StatusIs(StatusCode::kNotFound));
  EXPECT_THAT(*signing.ListCertificates(certificate.tenant, soon_), IsEmpty());
  EXPECT_THAT(
      signing.RemoveCertificate(certificate.tenant, key.thumbprint, 0, Audit("uncertify"), soon_),
      StatusIs(StatusCode::kNotFound));
  certificate.tenant = tenant_;
  ASSERT_THAT(signing.SetKeyState(tenant_, key.thumbprint, SigningKeyState::kRetired,
                                  Audit("state"), soon_),
              IsOk());
  EXPECT_THAT(signing.RemoveCertificate(tenant_, key.thumbprint, 0, Audit("uncertify"), soon_),
              IsOk());
  EXPECT_THAT(add(9), StatusIs(StatusCode::kFailedPrecondition));
  EXPECT_THAT(*signing.ListCertificates(tenant_, soon_), SizeIs(kMaxKeyCertificates - 1));
}

TEST_P(StorageContract, EveryReplicaGetsTheSameChallengeRoot) {
  std::vector<absl::StatusOr<ChallengeRoot>> roots(8);
  std::vector<std::thread> threads;
  for (auto& root : roots) {
    threads.emplace_back([&] {
      const ChallengeRoot candidate{RandomFixed<ChallengeRootId>(), BytesOf("wrapped"), {}};
      root = storage().challenge_roots().GetOrCreate(candidate, Audit("root"), soon_);
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (const auto& root : roots) {
    ASSERT_THAT(root, IsOk());
    EXPECT_EQ(root->id, roots[0]->id);
    EXPECT_EQ(root->wrapped_secret, BytesOf("wrapped"));
  }
  EXPECT_LE(AuditOf("root").size(), 1u);
}

}  // namespace
}  // namespace tam::storage

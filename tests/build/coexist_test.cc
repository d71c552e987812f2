// One process, two TLS stacks: OpenSSL inside the distribution's libgrpc, BoringSSL in our code.

#include <grpcpp/generic/async_generic_service.h>
#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/grpcpp.h>
#include <openssl/crypto.h>
#include <openssl/curve25519.h>
#include <openssl/ec_key.h>
#include <openssl/ecdsa.h>
#include <openssl/evp.h>
#include <openssl/nid.h>
#include <openssl/pem.h>
#include <openssl/sha.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <chrono>
#include <memory>
#include <string>

#include "gtest/gtest.h"

namespace {

constexpr char kHost[] = "coexist.test";

std::string Pem(bssl::UniquePtr<BIO> bio) {
  const uint8_t* bytes = nullptr;
  size_t size = 0;
  return BIO_mem_contents(bio.get(), &bytes, &size)
             ? std::string(reinterpret_cast<const char*>(bytes), size)
             : "";
}

struct Credential {
  std::string key_pem;
  std::string certificate_pem;
};

// A self-signed P-256 certificate for kHost, made by BoringSSL and given to gRPC.
Credential MakeCredential() {
  bssl::UniquePtr<EC_KEY> ec(EC_KEY_new_by_curve_name(NID_X9_62_prime256v1));
  bssl::UniquePtr<EVP_PKEY> key(EVP_PKEY_new());
  bssl::UniquePtr<X509> certificate(X509_new());
  EXPECT_TRUE(EC_KEY_generate_key(ec.get()) && EVP_PKEY_set1_EC_KEY(key.get(), ec.get()));
  X509* const c = certificate.get();
  X509_set_version(c, X509_VERSION_3);
  ASN1_INTEGER_set(X509_get_serialNumber(c), 1);
  X509_gmtime_adj(X509_getm_notBefore(c), -60);
  X509_gmtime_adj(X509_getm_notAfter(c), 3600);
  X509_set_pubkey(c, key.get());
  X509_NAME_add_entry_by_txt(X509_get_subject_name(c), "CN", MBSTRING_ASC,
                             reinterpret_cast<const uint8_t*>(kHost), -1, -1, 0);
  X509_set_issuer_name(c, X509_get_subject_name(c));
  const std::string names = std::string("DNS:") + kHost;
  bssl::UniquePtr<X509_EXTENSION> extension(
      X509V3_EXT_nconf_nid(nullptr, nullptr, NID_subject_alt_name, names.c_str()));
  EXPECT_TRUE(extension != nullptr && X509_add_ext(c, extension.get(), -1));
  EXPECT_TRUE(X509_sign(c, key.get(), EVP_sha256()));
  bssl::UniquePtr<BIO> key_bio(BIO_new(BIO_s_mem()));
  bssl::UniquePtr<BIO> certificate_bio(BIO_new(BIO_s_mem()));
  EXPECT_TRUE(PEM_write_bio_PKCS8PrivateKey(key_bio.get(), key.get(), nullptr, nullptr, 0, nullptr,
                                            nullptr));
  EXPECT_TRUE(PEM_write_bio_X509(certificate_bio.get(), c));
  return {Pem(std::move(key_bio)), Pem(std::move(certificate_bio))};
}

// Sends every request back.
class Echo final : public grpc::ServerGenericBidiReactor {
 public:
  Echo() { StartRead(&message_); }
  void OnReadDone(bool ok) override {
    if (!ok) return Finish(grpc::Status(grpc::StatusCode::INVALID_ARGUMENT, "no request"));
    StartWriteAndFinish(&message_, {}, grpc::Status::OK);
  }
  void OnDone() override { delete this; }

 private:
  grpc::ByteBuffer message_;
};

class EchoService final : public grpc::CallbackGenericService {
  grpc::ServerGenericBidiReactor* CreateReactor(grpc::GenericCallbackServerContext*) override {
    return new Echo;
  }
};

// A server over mutual TLS, and a channel to it.
class Server {
 public:
  explicit Server(const Credential& credential) : credential_(credential) {
    grpc::SslServerCredentialsOptions options(
        GRPC_SSL_REQUEST_AND_REQUIRE_CLIENT_CERTIFICATE_AND_VERIFY);
    options.pem_root_certs = credential.certificate_pem;
    options.pem_key_cert_pairs = {{credential.key_pem, credential.certificate_pem}};
    grpc::ServerBuilder builder;
    builder.AddListeningPort("127.0.0.1:0", grpc::SslServerCredentials(options), &port_);
    builder.RegisterCallbackGenericService(&service_);
    server_ = builder.BuildAndStart();
  }
  ~Server() { server_->Shutdown(); }

  std::shared_ptr<grpc::Channel> Connect() const {
    grpc::SslCredentialsOptions options;
    options.pem_root_certs = credential_.certificate_pem;
    options.pem_private_key = credential_.key_pem;
    options.pem_cert_chain = credential_.certificate_pem;
    grpc::ChannelArguments arguments;
    arguments.SetSslTargetNameOverride(kHost);
    return grpc::CreateCustomChannel("127.0.0.1:" + std::to_string(port_),
                                     grpc::SslCredentials(options), arguments);
  }

 private:
  Credential credential_;
  int port_ = 0;
  EchoService service_;
  std::unique_ptr<grpc::Server> server_;
};

// Sends `text` and gives what came back, or the status that the call ended with.
std::string Call(grpc::GenericStub& stub, const std::string& text) {
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(30));
  grpc::CompletionQueue queue;
  const grpc::Slice slice(text);
  auto call =
      stub.PrepareUnaryCall(&context, "/tests.Echo/Call", grpc::ByteBuffer(&slice, 1), &queue);
  grpc::ByteBuffer reply;
  grpc::Status status;
  call->StartCall();
  call->Finish(&reply, &status, nullptr);
  void* tag = nullptr;
  bool ok = false;
  queue.Next(&tag, &ok);
  grpc::Slice answer;
  if (!status.ok()) return "error: " + status.error_message();
  if (!reply.DumpToSingleSlice(&answer).ok()) return "error: no reply";
  return std::string(reinterpret_cast<const char*>(answer.begin()), answer.size());
}

TEST(CoexistTest, OurCryptoIsBoringSsl) { EXPECT_STREQ(SSLeay_version(0), "BoringSSL"); }

TEST(CoexistTest, BoringSslSignsBetweenMutualTlsCalls) {
  Server server(MakeCredential());
  grpc::GenericStub stub(server.Connect());
  uint8_t public_key[32], private_key[64], signature[64];
  ED25519_keypair(public_key, private_key);
  bssl::UniquePtr<EC_KEY> ec(EC_KEY_new_by_curve_name(NID_X9_62_prime256v1));
  ASSERT_TRUE(EC_KEY_generate_key(ec.get()));
  const uint8_t message[] = {'m'};
  for (int i = 0; i < 200; ++i) {
    ASSERT_EQ(Call(stub, "over TLS"), "over TLS");
    ASSERT_TRUE(ED25519_sign(signature, message, sizeof(message), private_key));
    ASSERT_TRUE(ED25519_verify(message, sizeof(message), signature, public_key));
    uint8_t digest[SHA256_DIGEST_LENGTH];
    SHA256(message, sizeof(message), digest);
    uint8_t ecdsa[80];
    unsigned size = 0;
    ASSERT_TRUE(ECDSA_sign(0, digest, sizeof(digest), ecdsa, &size, ec.get()));
    ASSERT_EQ(ECDSA_verify(0, digest, sizeof(digest), ecdsa, size, ec.get()), 1);
  }
}

TEST(CoexistTest, BoringSslTlsContextLivesBesideGrpcs) {
  const Credential credential = MakeCredential();
  Server server(credential);
  bssl::UniquePtr<SSL_CTX> context(SSL_CTX_new(TLS_method()));
  ASSERT_NE(context, nullptr);
  ASSERT_TRUE(SSL_CTX_set_min_proto_version(context.get(), TLS1_3_VERSION));
  bssl::UniquePtr<SSL> ssl(SSL_new(context.get()));
  ASSERT_NE(ssl, nullptr);
  grpc::GenericStub stub(server.Connect());
  EXPECT_EQ(Call(stub, "over TLS"), "over TLS");
}

}  // namespace

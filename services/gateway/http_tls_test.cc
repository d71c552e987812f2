// The listener over TLS: what it agrees to, what it refuses and counts, and new certificates.
#include <filesystem>
#include <fstream>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "crypto/tls/context.h"
#include "gtest/gtest.h"
#include "openssl/ssl.h"
#include "services/gateway/http_fixture.h"
#include "services/gateway/tls_certificate.h"
#include "tests/support/row.h"
#include "tests/support/status_matchers.h"

namespace tam::gateway {
namespace {

namespace asio = boost::asio;
using testing::IsOk;
using testing::StatusIs;

constexpr uint8_t kH2[] = {2, 'h', '2'};
constexpr uint8_t kH2AndHttp11[] = {2, 'h', '2', 8, 'h', 't', 't', 'p', '/', '1', '.', '1'};

// A client that takes any certificate and offers what `set` makes of it.
template <typename Set>
asio::ssl::context ClientThat(Set set) {
  asio::ssl::context context(asio::ssl::context::tls_client);
  set(context.native_handle());
  return context;
}

std::string LeafOf(SSL* ssl) {
  const STACK_OF(CRYPTO_BUFFER)* const chain = SSL_get0_peer_certificates(ssl);
  if (chain == nullptr || sk_CRYPTO_BUFFER_num(chain) == 0) return "none";
  const CRYPTO_BUFFER* const leaf = sk_CRYPTO_BUFFER_value(chain, 0);
  return {reinterpret_cast<const char*>(CRYPTO_BUFFER_data(leaf)), CRYPTO_BUFFER_len(leaf)};
}

class HttpTlsTest : public HttpFixture {
 protected:
  void SetUp() override { Start(Transport::kTls); }

  // The status of an empty POST over what this client agrees to, or 0.
  unsigned StatusFor(asio::ssl::context context) {
    Client client(server_->port(), context);
    if (client.handshake()) return 0;
    client.Send(Post(""));
    return client.Read().result_int();
  }
  // That the handshake of this client fails, for this reason, and leaves no connection.
  void ExpectRefused(asio::ssl::context context, Dropped reason) {
    const int before = dropped(reason);
    {
      Client client(server_->port(), context);
      EXPECT_TRUE(client.handshake()) << DroppedCode(reason);
    }
    EXPECT_TRUE(Eventually([&] { return dropped(reason) == before + 1; })) << DroppedCode(reason);
    EXPECT_TRUE(Eventually([&] { return server_->connections() == 0; })) << DroppedCode(reason);
  }
};

TEST_F(HttpTlsTest, SpeaksTls13ByItselfAndHttp11) {
  Client client(server_->port(), ClientContext());
  ASSERT_FALSE(client.handshake()) << client.handshake().message();
  EXPECT_EQ(SSL_version(client.ssl()), TLS1_3_VERSION);
  const uint8_t* protocol = nullptr;
  unsigned size = 0;
  SSL_get0_alpn_selected(client.ssl(), &protocol, &size);
  EXPECT_EQ(std::string(reinterpret_cast<const char*>(protocol), size), "http/1.1");
}

TEST_F(HttpTlsTest, SpeaksTheSuitesAndGroupsOfBcp195) {
  TAM_ROW("H-11");
  for (const char* suite : {"ECDHE-ECDSA-AES128-GCM-SHA256", "ECDHE-ECDSA-AES256-GCM-SHA384",
                            "ECDHE-ECDSA-CHACHA20-POLY1305"}) {
    // In TLS 1.2 the client's groups have to hold the curve of the certificate's key as well.
    for (const char* groups : {"X25519:P-256", "P-256"}) {
      EXPECT_EQ(StatusFor(ClientThat([&](SSL_CTX* context) {
                  SSL_CTX_set_max_proto_version(context, TLS1_2_VERSION);
                  SSL_CTX_set_strict_cipher_list(context, suite);
                  SSL_CTX_set1_curves_list(context, groups);
                })),
                200u)
          << suite << " " << groups;
    }
  }
  for (const char* group : {"X25519", "P-256", "P-384"}) {
    EXPECT_EQ(StatusFor(ClientThat([&](SSL_CTX* context) {
                SSL_CTX_set_min_proto_version(context, TLS1_3_VERSION);
                SSL_CTX_set1_curves_list(context, group);
              })),
              200u)
        << group;
  }
  EXPECT_EQ(StatusFor(ClientThat([](SSL_CTX* context) {
              SSL_CTX_set_alpn_protos(context, kH2AndHttp11, sizeof(kH2AndHttp11));
            })),
            200u);
}

TEST_F(HttpTlsTest, RefusesWhatIsOlderOrWeakerAndCountsWhy) {
  TAM_ROW("H-11");
  ExpectRefused(ClientThat([](SSL_CTX* context) {
                  SSL_CTX_set_min_proto_version(context, TLS1_VERSION);
                  SSL_CTX_set_max_proto_version(context, TLS1_1_VERSION);
                }),
                Dropped::kTlsVersion);
  for (const char* suites :
       {"ECDHE-ECDSA-AES128-SHA:ECDHE-RSA-AES128-SHA", "AES128-GCM-SHA256:AES128-SHA",
        "ECDHE-RSA-AES128-GCM-SHA256"}) {  // the last: the key is no RSA key
    ExpectRefused(ClientThat([&](SSL_CTX* context) {
                    SSL_CTX_set_max_proto_version(context, TLS1_2_VERSION);
                    SSL_CTX_set_strict_cipher_list(context, suites);
                  }),
                  Dropped::kTlsParameter);
  }
  for (const uint16_t version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    ExpectRefused(ClientThat([&](SSL_CTX* context) {
                    SSL_CTX_set_max_proto_version(context, version);
                    SSL_CTX_set1_curves_list(context, "P-521");
                  }),
                  Dropped::kTlsParameter);
  }
  ExpectRefused(ClientThat([](SSL_CTX* context) {
                  const uint16_t sha1 = SSL_SIGN_ECDSA_SHA1;
                  SSL_CTX_set_max_proto_version(context, TLS1_2_VERSION);
                  SSL_CTX_set_verify_algorithm_prefs(context, &sha1, 1);
                }),
                Dropped::kTlsParameter);
  ExpectRefused(
      ClientThat([](SSL_CTX* context) { SSL_CTX_set_alpn_protos(context, kH2, sizeof(kH2)); }),
      Dropped::kTlsProtocol);
}

TEST_F(HttpTlsTest, WhatIsNoHandshakeIsCountedAndLeavesNothing) {
  for (const std::string& octets :
       {Post(""), std::string("\x00\x01\x02\x03\x04\x05", 6), std::string(4096, 'x')}) {
    const int before = dropped(Dropped::kNotTls);
    {
      Client client(server_->port());
      client.Send(octets);
      EXPECT_TRUE(Eventually([&] { return dropped(Dropped::kNotTls) == before + 1; }));
    }
    EXPECT_TRUE(Eventually([&] { return server_->connections() == 0; }));
  }
  Client(server_->port()).socket().close();
  EXPECT_TRUE(Eventually([&] { return dropped(Dropped::kTlsGone) == 1; }));
  EXPECT_TRUE(protocol_.sources().empty());
}

TEST_F(HttpTlsTest, NoOctetProlongsTheHandshake) {
  server_->Stop(absl::ZeroDuration());
  HttpServerConfig config;
  config.handshake_timeout = absl::Milliseconds(300);
  Start(Transport::kTls, config);
  Client client(server_->port());
  // A record of 4,000 octets that begins as a ClientHello does.
  EXPECT_LT(client.Trickle(std::string("\x16\x03\x01\x0f\xa0\x01\x00\x0f\x9c\x03\x03", 11) +
                           std::string(4000, 'r')),
            1000u);
  EXPECT_TRUE(client.ReadsEnd());
  EXPECT_TRUE(Eventually([&] { return dropped(Dropped::kTlsSlow) == 1; }));
  Client silent(server_->port());
  EXPECT_TRUE(silent.ReadsEnd());
  EXPECT_TRUE(Eventually([&] { return dropped(Dropped::kTlsSlow) == 2; }));
}

// docs/adr/0007: nothing is resumed.
TEST_F(HttpTlsTest, GivesNoTicketAndResumesNothing) {
  for (const uint16_t version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    static int tickets;
    tickets = 0;
    asio::ssl::context context = ClientThat([&](SSL_CTX* c) {
      SSL_CTX_set_max_proto_version(c, version);
      SSL_CTX_set_session_cache_mode(c, SSL_SESS_CACHE_CLIENT);
      SSL_CTX_sess_set_new_cb(c, [](SSL*, SSL_SESSION* session) {
        tickets += SSL_SESSION_is_resumable(session);
        return 0;
      });
    });
    Client client(server_->port(), context);
    client.Send(Post(""));
    EXPECT_EQ(client.Read().result_int(), 200u);
    EXPECT_EQ(tickets, 0) << version;
  }
}

TEST_F(HttpTlsTest, NewConnectionsGetTheNewCertificateAndOpenOnesGoOn) {
  server_->Stop(absl::ZeroDuration());
  HttpServerConfig config;
  config.certificate_poll = absl::Milliseconds(5);
  Start(Transport::kTls, config);
  Client open(server_->port(), ClientContext());
  const std::string first = LeafOf(open.ssl());
  Install(authority().Issue("DNS:localhost"));
  std::string second;
  EXPECT_TRUE(Eventually([&] {
    second = LeafOf(Client(server_->port(), ClientContext()).ssl());
    return second != first && second != "none";
  }));
  open.Send(Post("update"));
  EXPECT_EQ(open.Read().body(), "update");
  // A pair that does not fit changes nothing.
  std::ofstream(files().key) << authority().Issue("DNS:localhost").key_pem;
  for (int i = 0; i < 20; ++i) {
    Client client(server_->port(), ClientContext());
    EXPECT_FALSE(client.handshake());
    EXPECT_EQ(LeafOf(client.ssl()), second);
  }
}

TEST_F(HttpTlsTest, WithoutFilesItDoesNotStart) {
  HttpServerConfig config;
  config.tls = {folder_ + "/absent.pem", folder_ + "/absent.key"};
  EXPECT_THAT(HttpServer::Start(config, protocol_).status(),
              StatusIs(absl::StatusCode::kNotFound, ::testing::HasSubstr("absent.pem")));
}

class TlsCertificateTest : public HttpFixture {
 protected:
  using Change = TlsCertificate::Change;

  void SetUp() override {
    Install(old_);
    auto loaded = TlsCertificate::Load(files());
    ASSERT_THAT(loaded, IsOk());
    certificate_ = *std::move(loaded);
    served_ = certificate_->Current();
  }
  bool KeepsServed() const { return certificate_->Current() == served_; }

  const testing::CertificatePair old_ = authority().Issue("DNS:localhost");
  const testing::CertificatePair new_ = authority().Issue("DNS:localhost");
  std::unique_ptr<TlsCertificate> certificate_;
  tls::Context served_;
};

TEST_F(TlsCertificateTest, TakesANewPairOnce) {
  EXPECT_EQ(certificate_->Poll(), Change::kNone);
  Install(new_);
  EXPECT_EQ(certificate_->Poll(), Change::kReplaced);
  EXPECT_FALSE(KeepsServed());
  EXPECT_EQ(certificate_->Poll(), Change::kNone);
}

TEST_F(TlsCertificateTest, KeepsTheOldPairWhileTheNewOneIsBeingWritten) {
  for (size_t size = 0; size + 1 < new_.certificate_pem.size(); size += 7) {
    Install({new_.certificate_pem.substr(0, size), new_.key_pem});
    EXPECT_EQ(certificate_->Poll(), Change::kRefused) << size;
  }
  for (size_t size = 0; size + 1 < new_.key_pem.size(); size += 7) {
    Install({new_.certificate_pem, new_.key_pem.substr(0, size)});
    EXPECT_EQ(certificate_->Poll(), Change::kRefused) << size;
  }
  EXPECT_TRUE(KeepsServed());
  Install(new_);
  EXPECT_EQ(certificate_->Poll(), Change::kReplaced);
}

TEST_F(TlsCertificateTest, KeepsTheOldPairWhereTheNewOneDoesNotFitAndSaysSoOnce) {
  Install({new_.certificate_pem, old_.key_pem});
  EXPECT_EQ(certificate_->Poll(), Change::kRefused);
  EXPECT_EQ(certificate_->Poll(), Change::kNone);
  Install({old_.certificate_pem, new_.key_pem});
  EXPECT_EQ(certificate_->Poll(), Change::kRefused);
  EXPECT_TRUE(KeepsServed());
}

TEST_F(TlsCertificateTest, KeepsTheOldPairWhereAFileIsUnreadableOrTheKeyIsForOthersToo) {
  std::filesystem::remove(files().key);
  EXPECT_EQ(certificate_->Poll(), Change::kRefused);
  EXPECT_EQ(certificate_->Poll(), Change::kNone);
  std::filesystem::create_directory(files().key);
  EXPECT_EQ(certificate_->Poll(), Change::kRefused);
  std::filesystem::remove(files().key);
  std::ofstream(files().certificate) << std::string(2 << 20, 'c');
  EXPECT_EQ(certificate_->Poll(), Change::kRefused);
  Install(new_);
  std::filesystem::permissions(files().key, std::filesystem::perms::others_read,
                               std::filesystem::perm_options::add);
  EXPECT_EQ(certificate_->Poll(), Change::kRefused);
  EXPECT_TRUE(KeepsServed());
}

}  // namespace
}  // namespace tam::gateway

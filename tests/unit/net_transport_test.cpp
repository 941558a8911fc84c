// SPDX-License-Identifier: Apache-2.0
// The byte pipe: short writes, full sockets and vanished peers, plain and under TLS; who a TLS client trusts.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <unistd.h>

#include "net/address.h"
#include "net/tls.h"
#include "net/transport.h"
#include "support/temp_dir.h"
#include "support/wire.h"
#include "unit/net_fixture.h"

namespace bixws::net {
namespace {

using ::testing::HasSubstr;

std::string pattern(std::size_t size) {
  std::string bytes(size, '\0');
  for (std::size_t i = 0; i < size; ++i) bytes[i] = static_cast<char>(i * 31 + i / 251);
  return bytes;
}

std::string read_some(Transport& transport, std::size_t most = 65536) {
  std::string buffer(most, '\0');
  const IoResult result = transport.read(buffer);
  buffer.resize(result.bytes);
  return buffer;
}

TEST(PlainTransport, ReadsWritesAndTheEnd) {
  const auto [a, b] = socket_pair();
  Transport left(a);
  Transport right(b);
  char byte = 0;
  EXPECT_EQ(left.read({&byte, 1}).status, IoStatus::again);
  EXPECT_EQ(left.write("hello").status, IoStatus::ok);
  EXPECT_EQ(read_some(right), "hello");
  left.shutdown_write();
  EXPECT_EQ(right.read({&byte, 1}).status, IoStatus::closed);
  right.close();
  const IoResult gone = left.write("x");
  EXPECT_EQ(gone.status, IoStatus::closed);
  EXPECT_EQ(gone.text(), "Broken pipe");
}

TEST(PlainTransport, AFullSocketTakesPart) {
  const auto [a, b] = socket_pair(4096);
  Transport left(a);
  Transport right(b);
  const std::string all = pattern(1'000'000);
  std::string received;
  std::size_t sent = 0;
  int full = 0;
  while (received.size() < all.size()) {
    const IoResult result = left.write(std::string_view(all).substr(sent));
    sent += result.bytes;
    if (result.status == IoStatus::again) ++full;
    received += read_some(right);
  }
  EXPECT_GT(full, 10);
  EXPECT_TRUE(received == all);
}

// A TLS connection between our server and client contexts.
class TlsTransport : public ::testing::Test {
 protected:
  explicit TlsTransport(test::CertificateKind kind = test::CertificateKind::good)
      : certificate_(kind),
        cert_file_(dir_.write("cert.pem", certificate_.certificate_pem()).string()),
        key_file_(dir_.write("key.pem", certificate_.key_pem()).string()),
        server_context_(cert_file_, key_file_) {}

  // Drives both handshakes; the client's result.
  IoResult shake(const TlsClientContext& trust, const std::string& host, int buffer = 0) {
    const auto [a, b] = socket_pair(buffer);
    server_ = Transport(a, server_context_.session());
    client_ = Transport(b, trust.session(host));
    IoResult client{IoStatus::again};
    IoResult server{IoStatus::again};
    for (int i = 0; i < 1000; ++i) {
      if (client.status == IoStatus::again) client = client_.handshake();
      if (server.status == IoStatus::again) server = server_.handshake();
      if (client.status != IoStatus::again && client.status != IoStatus::ok) break;
      if (client.status == IoStatus::ok && server.status == IoStatus::ok) break;
    }
    return client;
  }
  std::string refusal(const TlsClientContext& trust, const std::string& host) {
    const IoResult result = shake(trust, host);
    return result.status == IoStatus::ok ? "accepted" : handshake_failure(client_.ssl(), result);
  }

  test::TempDir dir_;
  test::TlsServer certificate_;
  std::string cert_file_;
  std::string key_file_;
  TlsServerContext server_context_;
  Transport server_;
  Transport client_;
};

TEST_F(TlsTransport, OnlyATrustedCertificateOfThatHostIsAccepted) {
  const TlsClientContext trusting({.ca_file = cert_file_});
  EXPECT_EQ(refusal(trusting, "localhost"), "accepted");
  EXPECT_GE(SSL_version(client_.ssl()), TLS1_2_VERSION);
  EXPECT_STREQ(SSL_get_servername(server_.ssl(), TLSEXT_NAMETYPE_host_name), "localhost");
  EXPECT_EQ(refusal(trusting, "127.0.0.1"), "accepted");
  EXPECT_EQ(refusal(trusting, "::1"), "accepted");
  EXPECT_THAT(refusal(trusting, "example.org"), HasSubstr("certificate refused: hostname mismatch"));
  EXPECT_THAT(refusal(trusting, "127.0.0.2"), HasSubstr("certificate refused: IP address mismatch"));
  const TlsClientContext system;
  EXPECT_THAT(refusal(system, "localhost"), HasSubstr("certificate refused: self-signed certificate"));
  const TlsClientContext insecure({.insecure = true});
  EXPECT_EQ(refusal(insecure, "example.org"), "accepted");
}

class WrongHostCertificate : public TlsTransport {
 protected:
  WrongHostCertificate() : TlsTransport(test::CertificateKind::wrong_host) {}
};
TEST_F(WrongHostCertificate, IsRefusedThoughTrusted) {
  EXPECT_THAT(refusal(TlsClientContext({.ca_file = cert_file_}), "localhost"), HasSubstr("hostname mismatch"));
}

class ExpiredCertificate : public TlsTransport {
 protected:
  ExpiredCertificate() : TlsTransport(test::CertificateKind::expired) {}
};
TEST_F(ExpiredCertificate, IsRefusedThoughTrusted) {
  EXPECT_THAT(refusal(TlsClientContext({.ca_file = cert_file_}), "localhost"), HasSubstr("certificate has expired"));
}

TEST_F(TlsTransport, OldProtocolsAreRefused) {
  const TlsClientContext trusting({.ca_file = cert_file_});
  const auto [a, b] = socket_pair();
  Transport server(a, server_context_.session());
  SslHandle old = trusting.session("localhost");
  SSL_set_min_proto_version(old.get(), TLS1_1_VERSION);
  SSL_set_max_proto_version(old.get(), TLS1_1_VERSION);
  SSL_set_security_level(old.get(), 0);
  Transport client(b, std::move(old));
  IoResult result{IoStatus::again};
  for (int i = 0; i < 100 && result.status == IoStatus::again; ++i) {
    client.handshake();
    result = server.handshake();
  }
  EXPECT_EQ(result.status, IoStatus::error);
}

TEST_F(TlsTransport, BytesReportedAsTakenArriveWhateverTheCallerWritesNext) {
  const TlsClientContext trusting({.ca_file = cert_file_});
  ASSERT_EQ(shake(trusting, "localhost", 4096).status, IoStatus::ok);
  std::string expected;
  std::string received;
  std::mt19937 random(2);
  int full = 0;
  // Each time the socket is full, the rest of the block is dropped and a different one of another size begins, as a
  // conflating queue does. OpenSSL alone would break the stream here ("bad write retry").
  for (int block = 0; block < 400; ++block) {
    const std::string bytes(1 + random() % 40000, static_cast<char>('a' + block % 26));
    const IoResult result = server_.write(bytes);
    ASSERT_TRUE(result.status == IoStatus::ok || result.status == IoStatus::again) << result.text();
    expected.append(bytes, 0, result.bytes);
    if (result.status == IoStatus::again) ++full;
    for (unsigned reads = random() % 3; reads > 0; --reads) received += read_some(client_);
  }
  EXPECT_GT(full, 20);
  while (server_.unflushed()) {
    server_.flush();
    received += read_some(client_);
  }
  for (std::string more = read_some(client_); !more.empty(); more = read_some(client_)) received += more;
  EXPECT_TRUE(received == expected);
}

TEST_F(TlsTransport, EndsAreToldApart) {
  const TlsClientContext trusting({.ca_file = cert_file_});
  char byte = 0;
  ASSERT_EQ(shake(trusting, "localhost").status, IoStatus::ok);
  server_.shutdown_write();
  EXPECT_EQ(client_.read({&byte, 1}).status, IoStatus::closed);
  ASSERT_EQ(shake(trusting, "localhost").status, IoStatus::ok);
  ::shutdown(server_.fd(), SHUT_WR);  // without close_notify, as a killed server leaves it
  EXPECT_EQ(client_.read({&byte, 1}).status, IoStatus::closed);
  server_.close();
  EXPECT_NE(client_.write("x").status, IoStatus::ok);
}

TEST_F(TlsTransport, OnePeersErrorDoesNotSpoilAnother) {
  const TlsClientContext trusting({.ca_file = cert_file_});
  ASSERT_EQ(shake(trusting, "localhost").status, IoStatus::ok);
  const auto [a, b] = socket_pair();
  Transport bad(a, server_context_.session());
  ASSERT_EQ(::write(b, "GET / HTTP/1.1\r\n\r\n", 18), 18);
  EXPECT_EQ(bad.handshake().status, IoStatus::error);
  ::close(b);
  char byte = 0;
  EXPECT_EQ(client_.read({&byte, 1}).status, IoStatus::again);
  EXPECT_EQ(server_.write("fine").status, IoStatus::ok);
  EXPECT_EQ(read_some(client_), "fine");
}

TEST_F(TlsTransport, TheCertificateCanBeExchangedWhileRunning) {
  const test::TlsServer other;
  const TlsClientContext trusts_new({.ca_file = dir_.write("new.pem", other.certificate_pem()).string()});
  EXPECT_NE(refusal(trusts_new, "localhost"), "accepted");
  dir_.write("cert.pem", other.certificate_pem());
  EXPECT_THROW(server_context_.reload(), std::runtime_error) << "the key is still the old one";
  EXPECT_NE(refusal(trusts_new, "localhost"), "accepted") << "a failed reload changes nothing";
  dir_.write("key.pem", other.key_pem());
  server_context_.reload();
  EXPECT_EQ(refusal(trusts_new, "localhost"), "accepted");
}

TEST_F(TlsTransport, SetUpErrorsNameTheFile) {
  const auto error_of = [](const std::string& cert, const std::string& key) -> std::string {
    try {
      const TlsServerContext context(cert, key);
    } catch (const std::runtime_error& error) {
      return error.what();
    }
    return "accepted";
  };
  EXPECT_EQ(error_of("/nowhere/cert.pem", key_file_),
            "cannot read the TLS certificate /nowhere/cert.pem: No such file or directory");
  const std::string junk = dir_.write("junk.pem", "junk").string();
  EXPECT_THAT(error_of(junk, key_file_), HasSubstr("the TLS certificate " + junk + " is not usable"));
  EXPECT_THAT(error_of(cert_file_, junk), HasSubstr("the TLS key " + junk + " is not usable"));
  const std::string other = dir_.write("other.pem", test::TlsServer().key_pem()).string();
  EXPECT_THAT(error_of(cert_file_, other), HasSubstr("the TLS key " + other));
  EXPECT_THROW(TlsClientContext({.ca_file = junk}), std::runtime_error);
  EXPECT_THROW(TlsClientContext({.ca_file = "/nowhere/ca.pem"}), std::runtime_error);
}

}  // namespace
}  // namespace bixws::net

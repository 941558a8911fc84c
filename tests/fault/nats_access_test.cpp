// SPDX-License-Identifier: Apache-2.0
// Who a real NATS server lets in, and what it lets them do: token, password, certificates, NKeys, credentials files.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <iterator>
#include <regex>
#include <string>

#include "support/broker.h"
#include "support/nkey.h"
#include "support/serving.h"
#include "support/wire.h"

namespace bixws::test {
namespace {

using testing::HasSubstr;
using testing::Not;

constexpr const char* kNotIn = "does not let us in: .*[Aa]uth";

std::string tls_url(const Broker& broker) { return "nats:url=tls://localhost:" + std::to_string(broker.port()); }

class NatsAccess : public BrokerTest {
 protected:
  /// A node with the one spec, an edge with the other: what the node says comes to the edge's clients.
  static void expect_passes(const std::string& node_spec, const std::string& edge_spec) {
    ServingFeeds node(BIXWS_BINARY, {"--feed", "sim:rate=200,seed=7", "--sink", node_spec, "BTCUSDT"});
    ASSERT_TRUE(node.process.wait_for_line("connected to", Process::Output::err)) << node.process.err();
    const ServingFeeds edge(BIXWS_BINARY, {"--feed", edge_spec});
    WsTestClient client;
    ASSERT_TRUE(client.connect(edge.ws("/?channels=book")));
    // A book comes to an edge only by asking the node for it: the way there and back is open.
    EXPECT_TRUE(client.next_text_that([](const std::string& text) {
      return text.find(R"("type":"book")") != text.npos && text.find(R"("symbol":"BTCUSDT")") != text.npos;
    })) << edge.process.err()
        << node.process.err();
    EXPECT_THAT(node.process.err() + edge.process.err(), Not(HasSubstr("ermitted")));
  }
  /// It is said why there is no connection, in words that match; `secret` is not said.
  static void expect_refused(const std::string& spec, const std::string& why, const std::string& secret = {}) {
    ProcessOptions options;
    options.args = {"serve", "--port", "0", "--feed", "sim:rate=200", "--sink", spec};
    const Process refused(BIXWS_BINARY, options);
    EXPECT_TRUE(refused.wait_for_line(why, Process::Output::err)) << refused.err();
    if (!secret.empty()) {
      EXPECT_THAT(refused.err(), Not(HasSubstr(secret)));
    }
  }

  TempDir folder_;
};

TEST_F(NatsAccess, WithTheTokenAndTheRightAuthority) {
  const TlsServer identity;
  const std::string cert = folder_.write("cert.pem", identity.certificate_pem()).string();
  const std::string key = folder_.write("key.pem", identity.key_pem()).string();
  const Broker broker("authorization { token: \"s3cret\" }\ntls { cert_file: \"" + cert + "\", key_file: \"" + key +
                      "\" }\n");
  const std::string url = tls_url(broker) + ",ca=" + cert;
  expect_passes(url + ",token=s3cret", url + ",token=s3cret");
  expect_refused(url + ",token=wr0ng", kNotIn, "wr0ng");
  const TlsServer stranger;
  const std::string strange = folder_.write("other.pem", stranger.certificate_pem()).string();
  expect_refused(tls_url(broker) + ",token=s3cret,ca=" + strange, "does not let us in: .*(SSL|certificate)", "s3cret");
}

TEST_F(NatsAccess, WithACertificateThatTheBrokerKnows) {
  const TlsServer identity, known, stranger;
  const auto file = [&](const char* name, const std::string& text) { return folder_.write(name, text).string(); };
  const std::string cert = file("cert.pem", identity.certificate_pem());
  const std::string known_cert = file("known.pem", known.certificate_pem());
  const Broker broker("tls { cert_file: \"" + cert + "\", key_file: \"" + file("key.pem", identity.key_pem()) +
                      "\", ca_file: \"" + known_cert + "\", verify: true }\n");
  const std::string url = tls_url(broker) + ",ca=" + cert;
  const std::string ours = ",cert=" + known_cert + ",key=" + file("known.key", known.key_pem());
  expect_passes(url + ours, url + ours);
  const std::string hung_up = "it hung up: is a certificate of ours missing or unknown";
  expect_refused(url, hung_up);
  expect_refused(url + ",cert=" + file("strange.pem", stranger.certificate_pem()) +
                     ",key=" + file("strange.key", stranger.key_pem()),
                 hung_up);
}

TEST_F(NatsAccess, WithAnNKey) {
  const NKey node(NKey::Kind::user), edge(NKey::Kind::user), stranger(NKey::Kind::user);
  const Broker broker("authorization { users = [ { nkey: " + node.name() + " }, { nkey: " + edge.name() + " } ] }\n");
  const std::string url = "nats:url=" + broker.url();
  const auto with = [&](const NKey& name, const NKey& seed) {
    return url + ",nkey=" + name.name() + ",seed=" + folder_.write(seed.name(), seed.seed() + "\n").string();
  };
  expect_passes(with(node, node), with(edge, edge));
  expect_refused(with(stranger, stranger), kNotIn, stranger.seed());
  expect_refused(with(node, stranger), kNotIn, stranger.seed());  // knows the name, and not the seed
}

TEST_F(NatsAccess, WithACredentialsFile) {
  const NatsOperator ours, others;
  const Broker broker(ours.configuration());
  const std::string url = "nats:url=" + broker.url() + ",creds=";
  expect_passes(url + folder_.write("node.creds", ours.credentials()).string(),
                url + folder_.write("edge.creds", ours.credentials()).string());
  expect_refused(url + folder_.write("other.creds", others.credentials()).string(), kNotIn);
}

// The least that docs/nats.md says the broker has to grant.
TEST_F(NatsAccess, WithNoMoreRightsThanTheDocumentsAskFor) {
  const Broker broker(R"(authorization { users = [
    { user: node, password: n0de, permissions: {
        publish: "md.>", subscribe: "md-ask", allow_responses: { max: -1, expires: "1m" } } }
    { user: edge, password: edg3, permissions: { publish: "md-ask", subscribe: ["md.>", "_INBOX.>"] } }
  ] })");
  const std::string url = "nats:url=" + broker.url();
  expect_passes(url + ",user=node,password=n0de", url + ",user=edge,password=edg3");
  expect_refused(url + ",user=node,password=wr0ng", kNotIn, "wr0ng");
}

TEST_F(NatsAccess, WithNoMoreRightsToAStreamThanTheDocumentsAskFor) {
  const Broker broker(R"(authorization { users = [
    { user: node, password: n0de, permissions: {
        publish: ["md.>", "$JS.API.STREAM.INFO.MD", "$JS.API.STREAM.CREATE.MD"], subscribe: ["md-ask", "_INBOX.>"],
        allow_responses: { max: -1, expires: "1m" } } }
    { user: recorder, password: r3c, permissions: {
        publish: ["$JS.API.STREAM.INFO.MD", "$JS.API.CONSUMER.*.MD", "$JS.API.CONSUMER.*.MD.>",
                  "$JS.API.CONSUMER.MSG.NEXT.MD.>"],
        subscribe: "_INBOX.>" } }
  ] })");
  const std::string url = "nats:url=" + broker.url() + ",stream=MD";
  const ServingFeeds node(BIXWS_BINARY,
                          {"--feed", "sim:rate=200,seed=7", "--sink", url + ",user=node,password=n0de", "BTCUSDT"});
  ASSERT_TRUE(wait_until([&] { return std::stoi(node.counter("bixws_plugin_sink_nats_acknowledged")) > 200; }))
      << node.process.err();
  ProcessOptions options;
  options.args = {"record", "-o",     (folder_ / "copy.db").string(),
                  "--json", "--feed", url + ",user=recorder,password=r3c"};
  Process recorder(BIXWS_BINARY, options);
  EXPECT_TRUE(recorder.wait_for_line("\"seq\":[1-9][0-9][0-9]")) << recorder.out() << recorder.err();
  recorder.send_signal(SIGTERM);
  EXPECT_EQ(recorder.wait_exit(), ExitStatus{}) << recorder.err();
  EXPECT_THAT(node.process.err() + recorder.err(), Not(HasSubstr("ermitted")));
}

TEST_F(NatsAccess, WhoMayNotPublishIsToldSoOnceAndNotWithEveryMessage) {
  const Broker broker(R"(authorization { users = [
    { user: edge, password: edg3, permissions: { publish: "md-ask", subscribe: ["md.>", "md-ask", "_INBOX.>"] } }
  ] })");
  const ServingFeeds node(BIXWS_BINARY, {"--feed", "sim:rate=200,seed=7", "--sink",
                                         "nats:url=" + broker.url() + ",user=edge,password=edg3", "BTCUSDT"});
  const std::string told = "Not Permitted .*md\\.sim\\..*grant this user that right";
  ASSERT_TRUE(node.process.wait_for_line(told, Process::Output::err)) << node.process.err();
  ASSERT_TRUE(wait_until([&] { return std::stoi(node.counter("bixws_plugin_sink_nats_published")) > 200; }));
  const std::string all = node.process.err();
  const std::regex line(told);
  EXPECT_EQ(std::distance(std::sregex_iterator(all.begin(), all.end(), line), std::sregex_iterator()), 1) << all;
}

}  // namespace
}  // namespace bixws::test

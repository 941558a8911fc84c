// SPDX-License-Identifier: Apache-2.0
// Alerts to a real HTTP(S) receiver that fails in every way it can, and a bixws that is killed: none is lost, repeats
// are marked.
#include <gmock/gmock.h>
#include <signal.h>

#include <algorithm>
#include <map>
#include <random>
#include <set>

#include "support/hook.h"
#include "support/serving.h"
#include "support/wire.h"

namespace bixws::test {
namespace {

using testing::AllOf;
using testing::HasSubstr;

class Webhook : public testing::Test {
 protected:
  /// A server whose feed gives `count` trades, each of which fires an alert; then it is silent.
  std::vector<std::string> serve(const std::string& count, const std::string& sink,
                                 const std::string& waits = "first-wait=10ms,longest-wait=50ms") const {
    const std::string feed = std::string(BIXWS_SOURCE_DIR) + "/tests/support/tools/alternating_feed.py";
    return {"serve",
            "--port",
            "0",
            "--feed",
            "exec:command=/usr/bin/python3 " + feed + " " + count,
            "--sink",
            sink + ",outbox=" + outbox() + "," + waits,
            "--alerts",
            "price:above=100,below=100,hysteresis=0,cooldown=0,name=line"};
  }
  std::string outbox() const { return (folder_ / "outbox.db").string(); }
  ProcessOptions options(std::vector<std::string> args) const {
    ProcessOptions made;
    made.args = std::move(args);
    made.cwd = folder_.path();
    made.env["HOME"] = folder_.path().string();
    made.env["NO_PROXY"] = "*";
    return made;
  }
  /// Ends it as a user does; true: in order.
  static bool stopped(Process& process) {
    process.send_signal(SIGTERM);
    return process.wait_exit() == ExitStatus{};
  }
  static RawJson body(const RawJson& request) { return RawJson::parse_or_throw(request["body"].text()); }

  TempDir folder_;
};

Hook hook(std::vector<std::string> answers) { return {BIXWS_SOURCE_DIR, std::move(answers)}; }

TEST_F(Webhook, IsTriedAgainUntilItIsTakenAndEachRepeatIsMarked) {
  const Hook receiver = hook({"500", "cut", "429:1", "ok", "--secret", "s3cret"});
  Process bixws(BIXWS_BINARY, options(serve("1", "webhook:url=" + receiver.url() + ",secret=s3cret")));
  ASSERT_TRUE(receiver.wait_for(4)) << bixws.err();
  ASSERT_TRUE(bixws.wait_for_line("delivers again", Process::Output::err)) << bixws.err();
  const auto requests = receiver.requests();
  for (std::size_t i = 0; i < 4; ++i) {
    SCOPED_TRACE(i);
    const RawJson alert = body(requests[i]);
    EXPECT_EQ(alert["type"].text(), "alert");
    EXPECT_EQ(alert["symbol"].text(), "BTCUSDT");
    EXPECT_EQ(alert["text"].text(), "BTCUSDT at 101, above 100");
    EXPECT_EQ(alert["price"].raw(), "101");
    EXPECT_EQ(alert["id"].text(), body(requests[0])["id"].text());
    EXPECT_EQ(alert["attempt"].integer(), static_cast<std::int64_t>(i) + 1);
    EXPECT_EQ(alert["repeat"].is_true(), i > 0);
    EXPECT_EQ(requests[i]["headers"]["bixws-id"].text(), alert["id"].text());
    EXPECT_EQ(requests[i]["headers"]["bixws-repeat"].exists(), i > 0);
    EXPECT_TRUE(requests[i]["signature_right"].is_true());
  }
  EXPECT_GE(std::stod(requests[3]["at"].text()) - std::stod(requests[2]["at"].text()), 0.95) << "Retry-After";
  EXPECT_TRUE(stopped(bixws)) << bixws.err();
  EXPECT_THAT(bixws.err(), testing::Not(HasSubstr("s3cret")));
}

TEST_F(Webhook, ThatNeverAnswersOrIsSlowBlocksNobodyAndIsVisible) {
  const Hook receiver = hook({"never", "slow:0.2"});
  ProcessOptions started = options(serve("1", "webhook:url=" + receiver.url() + ",timeout=1500ms"));
  Process bixws(BIXWS_BINARY, started);
  const auto listening = bixws.wait_for_line("listening on ws://(\\S+)", Process::Output::err);
  ASSERT_TRUE(listening) << bixws.err();
  const std::string metrics = "http://" + (*listening)[1] + "/metrics";
  ASSERT_TRUE(receiver.wait_for(1)) << bixws.err();
  EXPECT_THAT(http_get(metrics).body, AllOf(HasSubstr("bixws_plugin_sink_webhook_queued 1\n"),
                                            HasSubstr("bixws_plugin_sink_webhook_delivered 0\n")));
  EXPECT_TRUE(wait_until([&] {
    return http_get(metrics).body.find("bixws_plugin_sink_webhook_delivered 1\n") != std::string::npos;
  })) << bixws.err();
  EXPECT_THAT(http_get(metrics).body, AllOf(HasSubstr("bixws_plugin_sink_webhook_failed_attempts 1\n"),
                                            HasSubstr("bixws_alerts_fired_total{rule=\"line\"} 1\n")));
  EXPECT_TRUE(stopped(bixws)) << bixws.err();
}

TEST_F(Webhook, OneThatIsRefusedDoesNotHoldUpTheOthers) {
  const Hook receiver = hook({"400", "ok", "ok", "ok"});
  Process bixws(BIXWS_BINARY, options(serve("3", "webhook:url=" + receiver.url(), "first-wait=1s,longest-wait=1s")));
  ASSERT_TRUE(receiver.wait_for(4)) << bixws.err();
  std::vector<std::string> ids;
  for (const RawJson& request : receiver.requests()) ids.push_back(body(request)["id"].text());
  EXPECT_EQ(std::set<std::string>(ids.begin(), ids.end()).size(), 3U);
  EXPECT_NE(ids[1], ids[0]);
  EXPECT_TRUE(stopped(bixws)) << bixws.err();
}

TEST_F(Webhook, FollowsARedirectWithinItsHostAndNoOther) {
  const Hook elsewhere = hook({"ok"});
  const Hook receiver =
      hook({"redirect:307:/moved", "ok", "redirect:302:/moved", "redirect:308:" + elsewhere.url(), "ok"});
  Process bixws(BIXWS_BINARY, options(serve("2", "webhook:url=" + receiver.url())));
  ASSERT_TRUE(receiver.wait_for(5)) << bixws.err();
  const auto requests = receiver.requests();
  EXPECT_EQ(requests[1]["path"].text(), "/moved");
  EXPECT_EQ(requests[1]["body"].text(), requests[0]["body"].text());
  EXPECT_EQ(requests[3]["path"].text(), "/hook") << "a 302 may not be followed with a POST";
  EXPECT_EQ(body(requests[4])["attempt"].integer(), 3);
  EXPECT_TRUE(elsewhere.requests().empty());
  EXPECT_THAT(bixws.err(), HasSubstr("which is not followed; if that is the receiver, put it into url="));
  EXPECT_TRUE(stopped(bixws)) << bixws.err();
}

TEST_F(Webhook, ChecksCertificateAndHost) {
  for (const CertificateKind kind : {CertificateKind::good, CertificateKind::wrong_host, CertificateKind::expired}) {
    SCOPED_TRACE(static_cast<int>(kind));
    const TlsServer tls(kind);
    const std::string cert = folder_.write("cert.pem", tls.certificate_pem()).string();
    const std::string key = folder_.write("key.pem", tls.key_pem()).string();
    const Hook receiver = hook({"ok", "--cert", cert, "--key", key});
    const std::string sink = "webhook:url=" + receiver.url("/hook", "https");
    const bool good = kind == CertificateKind::good;
    const Finished trusting = run(BIXWS_BINARY, options({"alerts", "test", "--sink", sink + ",ca=" + cert}));
    EXPECT_EQ(trusting.exit.code, good ? 0 : 1) << trusting.err;
    EXPECT_EQ(trusting.out, good ? "webhook: delivered\n" : "webhook: not delivered, see above\n");
    const std::size_t received = receiver.requests().size();
    EXPECT_EQ(received, good ? 1U : 0U);
    if (!good) {
      EXPECT_THAT(trusting.err, HasSubstr("certificate"));
      continue;
    }
    const Finished strange = run(BIXWS_BINARY, options({"alerts", "test", "--sink", sink}));
    EXPECT_EQ(strange.exit.code, 1) << "an authority that the system does not know";
    EXPECT_EQ(receiver.requests().size(), received);
  }
}

TEST_F(Webhook, SendsASampleInTheShapeThatIsAskedFor) {
  const Hook receiver = hook({"ok"});
  const auto sample = [&](const std::string& format, const std::string& more = {}) {
    const Finished done =
        run(BIXWS_BINARY,
            options({"alerts", "test", "--sink", "webhook:url=" + receiver.url() + ",format=" + format + more}));
    EXPECT_EQ(done.exit, ExitStatus{}) << done.err;
    return body(receiver.requests().back());
  };
  EXPECT_EQ(sample("json")["text"].text(), "this is a test alert of bixws");
  EXPECT_THAT(sample("slack")["text"].text(), HasSubstr("this is a test alert of bixws (20"));
  const RawJson discord = sample("discord");
  EXPECT_THAT(discord["content"].text(), HasSubstr("this is a test alert of bixws"));
  EXPECT_EQ(discord["allowed_mentions"]["parse"].raw(), "[]");
  const RawJson telegram = sample("telegram", ",chat=-1001");
  EXPECT_EQ(telegram["chat_id"].text(), "-1001");

  const Finished json = run(BIXWS_BINARY, options({"alerts", "test", "--url", receiver.url(), "--json"}));
  EXPECT_EQ(json.out, "[{\"sink\":\"webhook\",\"delivered\":true}]\n") << json.err;
  const Finished nowhere = run(BIXWS_BINARY, options({"alerts", "test", "--url", "http://localhost:1/hook"}));
  EXPECT_EQ(nowhere.exit.code, 1);
  EXPECT_THAT(nowhere.err, HasSubstr("cannot deliver"));
  const Finished none = run(BIXWS_BINARY, options({"alerts", "test"}));
  EXPECT_EQ(none.exit.code, 2);
}

TEST_F(Webhook, AnOutboxBelongsToOneProcess) {
  const Hook receiver = hook({"ok"});
  Process first(BIXWS_BINARY, options(serve("0", "webhook:url=" + receiver.url())));
  ASSERT_TRUE(first.wait_for_line("listening on", Process::Output::err)) << first.err();
  const Finished second = run(BIXWS_BINARY, options(serve("0", "webhook:url=" + receiver.url())));
  EXPECT_EQ(second.exit.code, 1);
  EXPECT_THAT(second.err, HasSubstr("another bixws delivers from this outbox; give each its own outbox=FILE"));
  EXPECT_TRUE(stopped(first)) << first.err();
}

// Ten times here; BIXWS_KILLS=100 for the published figure.
TEST_F(Webhook, NoneIsLostHoweverOftenItIsKilled) {
  const int kills = kills_wanted(10);
  const std::size_t alerts = static_cast<std::size_t>(std::max(1, 1000 / kills));  // seen by a client before each
  const Hook receiver = hook({"flaky:7"});
  const std::string sink = "webhook:url=" + receiver.url();
  const std::string waits = "first-wait=1ms,longest-wait=5ms";
  std::mt19937 random(7);
  std::set<std::string> seen;
  for (int i = 0; i < kills; ++i) {
    SCOPED_TRACE(i);
    Process bixws(BIXWS_BINARY, options(serve("100000 0.001", sink, waits)));
    const auto listening = bixws.wait_for_line("listening on (ws://\\S+)", Process::Output::err);
    ASSERT_TRUE(listening) << bixws.err();
    WsTestClient client;
    ASSERT_TRUE(client.connect((*listening)[1] + "/?channels=alerts")) << bixws.err();
    const std::size_t enough = seen.size() + alerts + random() % 20;
    const auto note = [&](const std::optional<std::string>& message) {
      const RawJson alert = RawJson::parse_or_throw(*message);
      if (alert["type"].text() == "alert") seen.insert(alert["id"].text());
    };
    while (seen.size() < enough) {
      const auto message = client.next_text();
      ASSERT_TRUE(message) << bixws.err();
      note(message);
    }
    bixws.send_signal(SIGKILL);
    // What was still on its way to the client has been told, too.
    while (const auto message = client.next_text()) note(message);
  }
  ASSERT_GE(seen.size(), 1'000U);

  Process last(BIXWS_BINARY, options(serve("0", sink, waits)));
  std::set<std::string> missing = seen;
  std::set<std::string> received;
  std::size_t looked_at = 0;
  const auto look = [&] {
    receiver.wait_for(looked_at + 1, Milliseconds(200));
    for (const RawJson& request : receiver.requests(looked_at)) {
      ++looked_at;
      const std::string id = request["headers"]["bixws-id"].text();
      if (request["answer"].text() == "ok") missing.erase(id);
      EXPECT_TRUE(received.insert(id).second || body(request)["repeat"].is_true()) << request.raw();
    }
    return missing.empty();
  };
  EXPECT_TRUE(wait_until(look, Milliseconds(90'000)))
      << missing.size() << " alerts of " << seen.size() << " never arrived: " << last.err();
  EXPECT_TRUE(stopped(last)) << last.err();
}

}  // namespace
}  // namespace bixws::test

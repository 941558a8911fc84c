// SPDX-License-Identifier: Apache-2.0
// The client of another bixws server: what it asks, what it hands over, how it comes back, how it ends.
#include "feed/remote_feed.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <condition_variable>
#include <fstream>
#include <mutex>

#include "feed/remote_source.h"
#include "model/config_error.h"
#include "support/scripted_server.h"
#include "support/temp_dir.h"

namespace bixws::feed {
namespace {

using test::ScriptedServer;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using namespace std::chrono_literals;

std::string initial(std::string_view epoch, std::string_view data, int seq = 1) {
  return R"({"type":"initial_data","protocol":1,"epoch":")" + std::string(epoch) + R"(","seq":)" + std::to_string(seq) +
         R"(,"ts":1000,"data":{)" + std::string(data) + "}}";
}
std::string ticker(std::string_view symbol, std::string_view price, int recv_ts) {
  return "\"" + std::string(symbol) + R"(":{"price":)" + std::string(price) + R"(,"exchange":"sim","ts":1,"recv_ts":)" +
         std::to_string(recv_ts) + "}";
}
std::string trade(int seq) {
  return R"({"type":"trades","exchange":"sim","symbol":"BTCUSDT","seq":)" + std::to_string(seq) +
         R"(,"data":[{"price":1.50,"size":2,"side":"buy","id":"7","ts":5,"recv_ts":)" + std::to_string(1000 + seq) +
         "}]}";
}

/// Notes everything and lets the test wait for it.
class Notes final : public RemoteFeed::Listener {
 public:
  void on_message(std::string_view text, const ParsedMessage&, EventBatch&, std::size_t) override {
    add("message " + std::string(text));
  }
  void on_events(std::unique_ptr<EventBatch>& batch) override {
    for (const Event& event : batch->events()) add("event " + std::to_string(event.seq));
  }
  void on_link(const RemoteLink& link) override {
    static constexpr const char* kNames[] = {"connecting", "up", "waiting", "ended", "failed"};
    add(std::string("link ") + kNames[static_cast<int>(link.state)] + (link.reason.empty() ? "" : ": " + link.reason));
  }

  /// Waits for the next note that contains `part` and returns it, with all before it forgotten.
  std::string wait(std::string_view part) {
    std::unique_lock lock(mutex_);
    const auto deadline = std::chrono::steady_clock::now() + test::patience;
    for (;;) {
      for (; at_ < list_.size(); ++at_) {
        if (list_[at_].find(part) != std::string::npos) return list_[at_++];
      }
      if (added_.wait_until(lock, deadline) == std::cv_status::timeout) break;
    }
    std::string all;
    for (const std::string& note : list_) all += note + "\n";
    ADD_FAILURE() << "no note with \"" << part << "\" in\n" << all;
    return {};
  }
  std::vector<std::string> all() {
    const std::lock_guard lock(mutex_);
    return list_;
  }

 private:
  void add(std::string text) {
    const std::lock_guard lock(mutex_);
    list_.push_back(std::move(text));
    added_.notify_all();
  }
  std::mutex mutex_;
  std::condition_variable added_;
  std::vector<std::string> list_;
  std::size_t at_ = 0;
};

class RemoteFeedTest : public ::testing::Test {
 protected:
  RemoteOptions options(std::string url) {
    RemoteOptions made;
    made.url = std::move(url);
    made.reconnect_delay = 10ms;
    return made;
  }
  Instruments instruments;
  Notes notes;
};

TEST_F(RemoteFeedTest, WithoutAnAskTheDefaultStreamComesWordForWord) {
  ScriptedServer server;
  RemoteFeed feed(options("localhost:" + std::to_string(server.port())), instruments, notes);
  feed.start();
  auto link = server.accept();
  ASSERT_NE(link, nullptr);
  EXPECT_EQ(link->head().first_line, "GET / HTTP/1.1");
  const std::string text =
      initial("e1", ticker("BTCUSDT", "50000.10000", 900) + "," + ticker("kraken:BTCUSD", "2", 901));
  link->send_text(text);
  EXPECT_EQ(notes.wait("message "), "message " + text);
  notes.wait("event 1");
  feed.stop();
  EXPECT_EQ(feed.plain_exchange(), "sim");
  EXPECT_EQ(feed.epoch(), "e1");
  EXPECT_EQ(link->wait_close(), std::nullopt) << "stop() does not wait for a closing handshake";
}

TEST_F(RemoteFeedTest, AnswersAndTheStreamBeforeThemAreKeptFromTheListener) {
  ScriptedServer server;
  RemoteFeed feed(options(server.url()), instruments, notes);
  feed.ask({{{"BTCUSDT", "ETHUSDT"}, {"trades", "book:25"}, "lossless"}});
  feed.start();
  auto link = server.accept();
  ASSERT_NE(link, nullptr);
  link->send_text(initial("e1", ticker("XRPUSDT", "1", 900)));
  EXPECT_EQ(link->next_text(),
            R"({"type":"subscribe","id":1,"symbols":["BTCUSDT","ETHUSDT"],"channels":["book:25","trades"],)"
            R"("policy":"lossless"})");
  link->send_text(R"({"type":"subscribed","id":1})");
  link->send_text(trade(4));
  EXPECT_EQ(notes.wait("message "), "message " + trade(4));
  EXPECT_EQ(notes.wait("event "), "event 4");
}

TEST_F(RemoteFeedTest, ComesBackAndResumesWhereItWas) {
  auto server = std::make_unique<ScriptedServer>();
  const std::uint16_t port = server->port();
  RemoteFeed feed(options(server->url()), instruments, notes);
  feed.ask({{{"btc-usdt"}, {"trades"}, ""}, {{}, {"ticker"}, "lossless"}});
  feed.start();
  auto link = server->accept();
  ASSERT_NE(link, nullptr);
  ASSERT_TRUE(link->next_text().has_value());
  link->send_text(R"({"type":"subscribed","id":1})");
  link->send_text(initial("e1", ticker("BTCUSDT", "1", 900) + "," + ticker("ETHUSDT", "1", 900), 17));
  link->send_text(trade(8));
  notes.wait("event 8");
  server->stop();
  link->drop();
  EXPECT_THAT(notes.wait("link waiting"), HasSubstr("link waiting: "));
  // Nobody is there for a while.
  EXPECT_THAT(notes.wait("link waiting"), HasSubstr("refused"));
  server = std::make_unique<ScriptedServer>(port);
  link = server->accept();
  ASSERT_NE(link, nullptr);
  notes.wait("link up");
  const std::string first = link->next_text().value_or("");
  const std::string second = link->next_text().value_or("");
  EXPECT_THAT(
      first,
      HasSubstr(
          R"("symbols":["btc-usdt"],"channels":["trades"],"resume":{"epoch":"e1","last":{"BTCUSDT":{"trades":8}}})"));
  EXPECT_THAT(
      second,
      HasSubstr(
          R"("channels":["ticker"],"policy":"lossless","resume":{"epoch":"e1","last":{"BTCUSDT":{"ticker":17},"ETHUSDT":{"ticker":17}}})"));
}

// A symbol without trades since the subscribe: only `subscribed` says where its numbering stood. Lost before the first
// one came, it is asked for from there, and one that had none at all from the beginning.
TEST_F(RemoteFeedTest, ResumesTradesThatHadNotComeYet) {
  ScriptedServer server;
  RemoteFeed feed(options(server.url()), instruments, notes);
  feed.ask({{{"btc-usdt", "ETHUSDT", "kraken:BTCUSD"}, {"trades"}, ""}});
  feed.start();
  auto link = server.accept();
  ASSERT_NE(link, nullptr);
  ASSERT_TRUE(link->next_text().has_value());
  link->send_text(R"({"type":"subscribed","id":1,"epoch":"e1","symbols":["BTCUSDT","ETHUSDT","kraken:BTCUSD"],)"
                  R"("channels":["trades"],"last":{"BTCUSDT":{"trades":41},"kraken:BTCUSD":{"trades":7}}})");
  link->send_text(trade(42));
  notes.wait("event 42");
  link->drop();
  link = server.accept();
  ASSERT_NE(link, nullptr);
  const std::string where =
      R"("resume":{"epoch":"e1","last":{"BTCUSDT":{"trades":42},"ETHUSDT":{"trades":0},"kraken:BTCUSD":{"trades":7}}})";
  EXPECT_THAT(link->next_text().value_or(""), HasSubstr(where));
  // What was missed follows this answer: lost again before it came, it is still missing.
  link->send_text(R"({"type":"subscribed","id":2,"epoch":"e1","symbols":["BTCUSDT","ETHUSDT","kraken:BTCUSD"],)"
                  R"("channels":["trades"],"last":{"BTCUSDT":{"trades":50},"ETHUSDT":{"trades":3},)"
                  R"("kraken:BTCUSD":{"trades":9}}})");
  link->drop();
  link = server.accept();
  ASSERT_NE(link, nullptr);
  EXPECT_THAT(link->next_text().value_or(""), HasSubstr(where));
  // Another epoch counts anew.
  link->send_text(R"({"type":"subscribed","id":3,"epoch":"e2","symbols":["BTCUSDT","ETHUSDT","kraken:BTCUSD"],)"
                  R"("channels":["trades"],"last":{"BTCUSDT":{"trades":2}}})");
  link->drop();
  link = server.accept();
  ASSERT_NE(link, nullptr);
  EXPECT_THAT(
      link->next_text().value_or(""),
      HasSubstr(
          R"("resume":{"epoch":"e2","last":{"BTCUSDT":{"trades":2},"ETHUSDT":{"trades":0},"kraken:BTCUSD":{"trades":0}}})"));
}

// Whoever wants all symbols is told of those with trades; the others it knows had none.
TEST_F(RemoteFeedTest, ResumesTradesOfAllSymbolsItKnows) {
  ScriptedServer server;
  RemoteFeed feed(options(server.url()), instruments, notes);
  feed.ask({{{}, {"trades", "book"}, ""}});
  feed.start();
  auto link = server.accept();
  ASSERT_NE(link, nullptr);
  ASSERT_TRUE(link->next_text().has_value());
  link->send_text(R"({"type":"subscribed","id":1,"epoch":"e1","channels":["book","trades"],)"
                  R"("last":{"BTCUSDT":{"trades":41}}})");
  link->send_text(
      R"({"type":"book","exchange":"sim","symbol":"ETHUSDT","seq":5,"action":"snapshot","bids":[],"asks":[],)"
      R"("recv_ts":1})");
  notes.wait("event 5");
  link->drop();
  link = server.accept();
  ASSERT_NE(link, nullptr);
  EXPECT_THAT(link->next_text().value_or(""),
              HasSubstr(R"("last":{"BTCUSDT":{"trades":41},"ETHUSDT":{"book":5,"trades":0}}})"));
}

TEST_F(RemoteFeedTest, AsksForTheDifferenceOnly) {
  ScriptedServer server;
  RemoteFeed feed(options(server.url()), instruments, notes);
  feed.ask({{{}, {"ticker"}, ""}, {{"BTCUSDT"}, {"trades", "book:25"}, ""}});
  feed.start();
  auto link = server.accept();
  ASSERT_NE(link, nullptr);
  EXPECT_EQ(link->next_text(), R"({"type":"subscribe","id":1,"symbols":["BTCUSDT"],"channels":["book:25","trades"]})");
  EXPECT_EQ(link->next_text(), R"({"type":"subscribe","id":2,"channels":["ticker"]})");
  feed.ask({{{}, {"ticker"}, ""}, {{"ETHUSDT"}, {"trades"}, ""}, {{"BTCUSDT"}, {"trades"}, "lossless"}});
  EXPECT_EQ(link->next_text(), R"({"type":"subscribe","id":3,"symbols":["ETHUSDT"],"channels":["trades"]})");
  EXPECT_EQ(link->next_text(),
            R"({"type":"subscribe","id":4,"symbols":["BTCUSDT"],"channels":["trades"],"policy":"lossless"})");
  EXPECT_EQ(link->next_text(), R"({"type":"unsubscribe","id":5,"symbols":["BTCUSDT"],"channels":["book:25"]})");
  feed.send(R"({"type":"ping","id":"x"})");
  EXPECT_EQ(link->next_text(), R"({"type":"ping","id":"x"})");
}

TEST_F(RemoteFeedTest, EndsByItselfAfterEndedAnd1000) {
  ScriptedServer server;
  RemoteFeed feed(options(server.url()), instruments, notes);
  feed.start();
  auto link = server.accept();
  ASSERT_NE(link, nullptr);
  link->send_text(R"({"type":"status","state":"ended","exchange":"sim","ts":5})");
  EXPECT_TRUE(link->close(1000));
  notes.wait("event ");
  notes.wait("link ended");
  EXPECT_EQ(server.accept(50ms), nullptr) << "it does not come back";
}

TEST_F(RemoteFeedTest, A1000WithoutEndedIsALossLikeAnyOther) {
  ScriptedServer server;
  RemoteFeed feed(options(server.url()), instruments, notes);
  feed.start();
  auto link = server.accept();
  ASSERT_NE(link, nullptr);
  EXPECT_TRUE(link->close(1000, "maintenance"));
  EXPECT_THAT(notes.wait("link waiting"), HasSubstr("maintenance"));
  EXPECT_NE(server.accept(), nullptr);
}

TEST_F(RemoteFeedTest, WithoutReconnectItFails) {
  ScriptedServer server;
  const std::string url = server.url();
  server.stop();
  RemoteOptions once = options(url);
  once.reconnect = false;
  RemoteFeed feed(once, instruments, notes);
  feed.start();
  EXPECT_THAT(notes.wait("link failed"), HasSubstr(std::to_string(server.port())));
}

TEST_F(RemoteFeedTest, AWrongTokenIsNotTriedAgain) {
  ScriptedServer server;
  RemoteOptions with_token = options(server.url());
  with_token.token = "s3cret";
  RemoteFeed feed(with_token, instruments, notes);
  feed.start();
  ASSERT_TRUE(server.refuse(401, "no"));
  const std::string note = notes.wait("link failed");
  EXPECT_THAT(note, HasSubstr("--token is not the right one"));
  EXPECT_EQ(note.find("s3cret"), std::string::npos);
}

TEST_F(RemoteFeedTest, ATokenTravelsInTheHeader) {
  ScriptedServer server;
  RemoteOptions with_token = options(server.url() + "/ws?x=1");
  with_token.token = "s3cret";
  RemoteFeed feed(with_token, instruments, notes);
  feed.start();
  auto link = server.accept();
  ASSERT_NE(link, nullptr);
  EXPECT_EQ(link->head().header("authorization"), "Bearer s3cret");
  EXPECT_EQ(link->head().first_line, "GET /ws?x=1 HTTP/1.1");
}

TEST_F(RemoteFeedTest, TlsIsCheckedUnlessToldNotTo) {
  const test::TlsServer tls;
  ScriptedServer server(0, &tls);
  test::TempDir dir;
  const auto ca = dir.path() / "ca.pem";
  std::ofstream(ca) << tls.certificate_pem();
  {
    RemoteOptions strict = options(server.url());
    strict.reconnect = false;
    RemoteFeed feed(strict, instruments, notes);
    feed.start();
    EXPECT_EQ(server.accept(), nullptr);
    EXPECT_THAT(notes.wait("link failed"), HasSubstr("certificate"));
  }
  for (const bool insecure : {true, false}) {
    RemoteOptions trusting = options(server.url());
    trusting.insecure = insecure;
    if (!insecure) trusting.ca_file = ca;
    RemoteFeed feed(trusting, instruments, notes);
    feed.start();
    EXPECT_NE(server.accept(), nullptr) << insecure;
    notes.wait("link up");
  }
}

TEST_F(RemoteFeedTest, BadUrlsAndFilesAreRefusedBeforeAnythingStarts) {
  EXPECT_THROW(RemoteFeed(options("ftp://x"), instruments, notes), ConfigError);
  EXPECT_THROW(RemoteFeed(options("ws://host:99999"), instruments, notes), ConfigError);
  RemoteOptions no_ca = options("wss://localhost:1");
  no_ca.ca_file = "/does/not/exist.pem";
  EXPECT_THROW(RemoteFeed(no_ca, instruments, notes), ConfigError);
}

TEST_F(RemoteFeedTest, RefreshRedialsAtOnce) {
  ScriptedServer server;
  RemoteOptions patient = options(server.url());
  patient.reconnect_delay = 1h;
  RemoteFeed feed(patient, instruments, notes);
  feed.ask({{{}, {"ticker"}, ""}});
  feed.start();
  auto link = server.accept();
  ASSERT_NE(link, nullptr);
  link->drop();
  notes.wait("link waiting");
  feed.refresh();
  link = server.accept();
  ASSERT_NE(link, nullptr);
  EXPECT_EQ(link->next_text(), R"({"type":"subscribe","id":2,"channels":["ticker"]})");
  feed.refresh();
  EXPECT_EQ(link->next_text(), R"({"type":"subscribe","id":3,"channels":["ticker"]})") << "up: asks again";
}

/// What a session gets from a server, as one line per event.
class RemoteSourceTest : public ::testing::Test {
 protected:
  void start(const ScriptedServer& server, std::vector<std::string> channels = {"ticker", "trades"}) {
    RemoteOptions options;
    options.url = server.url();
    options.reconnect_delay = 10ms;
    source = std::make_unique<RemoteSource>(options, std::vector<std::string>{}, std::move(channels), instruments);
    source->start({[this](std::unique_ptr<EventBatch> batch) {
                     const std::lock_guard lock(mutex);
                     for (const Event& event : batch->events()) lines.push_back(describe(event));
                     return true;
                   },
                   [this](const RemoteSource::End& end) {
                     const std::lock_guard lock(mutex);
                     lines.push_back(std::string("end") + (end.failed ? " failed" : "") +
                                     (end.refused ? " refused" : "") + ": " + end.reason);
                   },
                   [](std::string_view) {}});
  }
  static std::string describe(const Event& event) {
    const std::string at = std::string(event.instrument->symbol) + " " + std::to_string(event.recv_ts);
    switch (event.kind) {
      case Kind::ticker:
        return "ticker " + at;
      case Kind::trades:
        return "trades " + at;
      case Kind::status:
        return "status " + at + " " + std::to_string(static_cast<int>(event.status().state));
      case Kind::gap:
        return "gap " + at + " " + std::to_string(event.gap().from_ts) + ".." + std::to_string(event.gap().to_ts) +
               (event.gap().client ? " client" : "");
      default:
        return "?";
    }
  }
  bool wait_lines(std::size_t count) {
    return test::wait_until([&] {
      const std::lock_guard lock(mutex);
      return lines.size() >= count;
    });
  }

  Instruments instruments;
  std::mutex mutex;
  std::vector<std::string> lines;
  std::unique_ptr<RemoteSource> source;
};

TEST_F(RemoteSourceTest, ALossAndAServerThatStartedAnewAreInTheSession) {
  ScriptedServer server;
  start(server);
  auto link = server.accept();
  ASSERT_NE(link, nullptr);
  EXPECT_THAT(link->next_text().value_or(""), HasSubstr(R"("policy":"lossless")"));
  link->send_text(R"({"type":"subscribed","id":1})");
  link->send_text(initial("e1", ticker("BTCUSDT", "1", 900)));
  link->send_text(trade(1));
  ASSERT_TRUE(wait_lines(2));
  link->drop();
  link = server.accept();
  ASSERT_NE(link, nullptr);
  EXPECT_THAT(link->next_text().value_or(""), HasSubstr(R"("resume")"));
  link->send_text(R"({"type":"subscribed","id":2})");
  link->send_text(initial("e2", ticker("BTCUSDT", "1", 2000)));
  link->send_text(
      R"({"type":"gap","scope":"client","exchange":"sim","symbol":"BTCUSDT","channel":"trades","reason":"another epoch","ts":0})");
  link->send_text(trade(7));
  ASSERT_TRUE(wait_lines(6));
  source->stop();
  EXPECT_THAT(lines, ElementsAre("ticker BTCUSDT 900", "trades BTCUSDT 1001", "status  1001 5", "gap  1001 1001..1000",
                                 "ticker BTCUSDT 2000", "trades BTCUSDT 1007"));
}

TEST_F(RemoteSourceTest, AfterALossOfTheConnectionOnlyKnownTickersAreNotRepeated) {
  ScriptedServer server;
  start(server);
  auto link = server.accept();
  ASSERT_NE(link, nullptr);
  ASSERT_TRUE(link->next_text().has_value());
  link->send_text(R"({"type":"subscribed","id":1})");
  link->send_text(initial("e1", ticker("BTCUSDT", "1", 900) + "," + ticker("ETHUSDT", "1", 900)));
  ASSERT_TRUE(wait_lines(2));
  link->drop();
  link = server.accept();
  ASSERT_NE(link, nullptr);
  ASSERT_TRUE(link->next_text().has_value());
  link->send_text(R"({"type":"subscribed","id":2})");
  link->send_text(initial("e1", ticker("BTCUSDT", "1", 900) + "," + ticker("ETHUSDT", "2", 950)));
  link->send_text(
      R"({"type":"gap","scope":"client","exchange":"sim","symbol":"ETHUSDT","channel":"ticker","reason":"no longer held","from_seq":2,"to_seq":5,"ts":0})");
  ASSERT_TRUE(wait_lines(5));
  source->stop();
  EXPECT_THAT(lines, ElementsAre("ticker BTCUSDT 900", "ticker ETHUSDT 900", "status  900 5", "ticker ETHUSDT 950",
                                 "gap ETHUSDT 950 950..0"))
      << "what this client lost, the session lacks: no gap of one client any more";
}

TEST_F(RemoteSourceTest, EndsWithTheReplay) {
  ScriptedServer server;
  start(server);
  auto link = server.accept();
  ASSERT_NE(link, nullptr);
  ASSERT_TRUE(link->next_text().has_value());
  link->send_text(R"({"type":"subscribed","id":1})");
  link->send_text(trade(1));
  link->send_text(R"({"type":"status","state":"ended","exchange":"sim","ts":1001})");
  EXPECT_TRUE(link->close(1000));
  ASSERT_TRUE(wait_lines(3));
  source->stop();
  EXPECT_THAT(lines, ElementsAre("trades BTCUSDT 1001", "status  1001 6", "end: the replay has ended"));
}

TEST_F(RemoteSourceTest, AnUnknownSymbolIsRefused) {
  ScriptedServer server;
  start(server);
  auto link = server.accept();
  ASSERT_NE(link, nullptr);
  ASSERT_TRUE(link->next_text().has_value());
  link->send_text(R"({"type":"error","id":1,"code":"unknown_symbol","message":"unknown symbol BTCUSDX"})");
  ASSERT_TRUE(wait_lines(1));
  source->stop();
  EXPECT_THAT(lines, ElementsAre("end failed refused: unknown symbol BTCUSDX"));
}

}  // namespace
}  // namespace bixws::feed

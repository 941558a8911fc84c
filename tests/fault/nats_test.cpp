// SPDX-License-Identifier: Apache-2.0
// Nodes, edges and recorders around a real NATS server that goes away and comes back.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <algorithm>
#include <functional>
#include <map>
#include <regex>
#include <set>

#include "support/broker.h"
#include "support/raw_json.h"
#include "support/serving.h"

namespace bixws::test {
namespace {

using testing::HasSubstr;

ProcessOptions args(std::vector<std::string> list) {
  ProcessOptions options;
  options.args = std::move(list);
  return options;
}

/// A `serve` of these arguments that passes tickers on as they come.
class Server : public ServingFeeds {
 public:
  explicit Server(std::vector<std::string> list) : ServingFeeds(BIXWS_BINARY, at_once(std::move(list))) {}

 private:
  static std::vector<std::string> at_once(std::vector<std::string> list) {
    list.insert(list.begin(), {"--interval", "0"});
    return list;
  }
};

constexpr const char* kSubscribe =
    R"({"type":"subscribe","symbols":["BTCUSDT"],"channels":["trades","book","ticker"],"policy":"lossless")";

/// A client that knows how far it is in each channel, as the contract asks for a resume.
class Reader {
 public:
  explicit Reader(const std::string& url) : url_(url) {}

  void connect() {
    client_ = std::make_unique<WsTestClient>();
    ASSERT_TRUE(client_->connect(url_));
    std::string last;
    for (const auto& [channel, seq] : last_) {
      last += (last.empty() ? "\"" : ",\"") + channel + "\":" + std::to_string(seq);
    }
    client_->send_text(kSubscribe +
                       (epoch.empty() ? std::string()
                                      : R"(,"resume":{"epoch":")" + epoch + R"(","last":{"BTCUSDT":{)" + last + "}}}") +
                       "}");
    ASSERT_TRUE(client_->next_text_that([](const std::string& t) { return t.find("\"subscribed\"") != t.npos; }));
  }
  void move_to(const std::string& url) {
    client_->close();
    url_ = url;
    connect();
  }
  /// Until so many messages of each channel came.
  void read(std::size_t count) {
    const auto all = [&] {
      return data["trades"].size() >= count && data["book"].size() >= count && data["ticker"].size() >= count;
    };
    const std::size_t gaps_before = gaps.size();
    while (!all() && gaps.size() < gaps_before + 20) {
      const auto text = client_->next_text();
      ASSERT_TRUE(text) << "nothing comes any more";
      take(*text);
    }
  }

  /// Until it has what the other one has.
  void read_up_to(const Reader& other) {
    const auto all = [&] {
      return std::all_of(other.last_.begin(), other.last_.end(), [&](const auto& channel) {
        const auto own = last_.find(channel.first);
        return own != last_.end() && own->second >= channel.second;
      });
    };
    while (!all()) {
      const auto text = client_->next_text();
      ASSERT_TRUE(text) << "nothing comes any more";
      take(*text);
    }
  }

  std::map<std::string, std::vector<std::string>> data;  // by channel, as it came
  std::vector<std::string> gaps;
  std::string epoch;

 private:
  void take(const std::string& text) {
    const RawJson message = RawJson::parse_or_throw(text);
    const std::string type = message["type"].text();
    if (type == "initial_data") epoch = message["epoch"].text();
    if (type == "gap") gaps.push_back(text);
    std::string channel;
    if (type == "trades") channel = "trades";
    if (type == "market_update") channel = "ticker";
    if (type == "book") channel = "book";
    if (channel.empty()) return;
    last_[channel] = message["seq"].integer().value_or(0);
    data[channel].push_back(text);
  }

  std::string url_;
  std::unique_ptr<WsTestClient> client_;
  std::map<std::string, std::int64_t> last_;
};

/// What came is a piece of what the other one got, without a hole and nothing twice.
void expect_part_of(const std::vector<std::string>& part, const std::vector<std::string>& whole,
                    const std::string& what) {
  ASSERT_FALSE(part.empty()) << what;
  const auto first = std::find(whole.begin(), whole.end(), part.front());
  ASSERT_NE(first, whole.end()) << what << ": " << part.front();
  for (std::size_t i = 0; i < part.size(); ++i) {
    if (first + static_cast<long>(i) == whole.end()) return;
    ASSERT_EQ(part[i], *(first + static_cast<long>(i))) << what << ", message " << i;
  }
}

bool is_trades(const std::string& text) { return text.starts_with("{\"type\":\"trades\""); }

class Nats : public BrokerTest {
 protected:
  void SetUp() override {
    BrokerTest::SetUp();
    if (IsSkipped() || HasFatalFailure()) return;
    broker_ = std::make_unique<Broker>();
  }
  std::string sink(const std::string& more = {}) const { return "nats:url=" + broker_->url() + more; }

  RawJson verified(const std::string& file) const {
    const Finished done = run(BIXWS_BINARY, args({"sessions", "verify", (folder_ / file).string(), "--json"}));
    EXPECT_EQ(done.exit, ExitStatus{}) << done.err << done.out;
    return RawJson::parse_or_throw(done.out);
  }
  std::string query(const std::string& file, const std::string& sql) const {
    const Finished done = run("/usr/bin/sqlite3", args({(folder_ / file).string(), sql}));
    EXPECT_EQ(done.exit, ExitStatus{}) << done.err;
    return done.out.substr(0, done.out.find_last_not_of('\n') + 1);
  }
  /// Edges know their symbols once something of them came.
  static void expect_fed(const Server& edge) {
    ASSERT_TRUE(wait_until([&] { return std::stoi(edge.counter("bixws_plugin_feed_nats_received")) > 100; }))
        << edge.process.err();
  }
  std::vector<std::string> recording_of(const std::string& file, const std::string& stream) const {
    return {"record", "-o", (folder_ / file).string(), "--json", "--feed", sink(",stream=" + stream)};
  }

  void record_both(const std::function<void()>& end_broker);

  TempDir folder_;
  std::unique_ptr<Broker> broker_;
};

TEST_F(Nats, AClientMovesBetweenEdgesWithoutLossOrRepeat) {
  Server node({"--feed", "sim:rate=1000,seed=7,channels=ticker+trades+book", "--sink", sink(), "BTCUSDT", "ETHUSDT"});
  Server first({"--feed", sink()});
  Server second({"--feed", sink()});
  Reader whole(node.ws());
  whole.connect();
  expect_fed(first);
  expect_fed(second);
  // An edge may be seconds behind the node: what is compared begins behind what both edges and `whole` began with.
  Reader now(node.ws());
  now.connect();
  now.read(1);
  Reader moving(first.ws());
  moving.connect();
  moving.read_up_to(now);
  moving.data.clear();
  moving.read(20);
  for (std::size_t move = 1; move <= 6; ++move) {
    moving.move_to(move % 2 == 1 ? second.ws() : first.ws());
    moving.read(20 + 15 * move);
  }
  whole.read_up_to(moving);
  EXPECT_EQ(moving.epoch, whole.epoch) << "edges pass it on";
  EXPECT_EQ(moving.gaps, std::vector<std::string>{});
  for (const char* channel : {"trades", "book", "ticker"}) {
    auto part = moving.data[channel];
    // What a subscriber is told first is the state as of the newest message.
    if (std::string(channel).starts_with("book")) part.erase(part.begin());
    expect_part_of(part, whole.data[channel], channel);
  }
  node.stop();
  first.stop();
  second.stop();
}

TEST_F(Nats, AnEdgeThatIsKilledLosesNothingForThoseWhoMoveToAnother) {
  Server node({"--feed", "sim:rate=2000,seed=8,channels=ticker+trades+book", "--sink", sink(), "BTCUSDT"});
  auto doomed = std::make_unique<Server>(std::vector<std::string>{"--feed", sink()});
  Server other({"--feed", sink()});
  expect_fed(*doomed);
  expect_fed(other);
  Reader reader(doomed->ws());
  reader.connect();
  reader.read(15);
  doomed->process.send_signal(SIGKILL);
  doomed->process.wait_exit();
  reader.move_to(other.ws());
  reader.read(60);
  EXPECT_EQ(reader.gaps, std::vector<std::string>{});
  std::int64_t before = 0;
  for (const std::string& text : reader.data["trades"]) {
    const std::int64_t seq = RawJson::parse_or_throw(text)["seq"].integer().value_or(0);
    if (before != 0) {
      ASSERT_EQ(seq, before + 1) << text;
    }
    before = seq;
  }
}

TEST_F(Nats, WhatABrokerMissedIsAGapAtTheEdgeAndNothingElseStops) {
  Server node({"--feed", "sim:rate=5000,seed=9,channels=trades+book", "--sink", sink(",queue=1"), "BTCUSDT"});
  Server edge({"--feed", sink()});
  expect_fed(edge);
  WsTestClient local;
  ASSERT_TRUE(local.connect(node.ws("/?channels=trades")));
  WsTestClient far;
  ASSERT_TRUE(far.connect(edge.ws("/?channels=trades,status,book")));
  ASSERT_TRUE(far.next_text_that(is_trades));
  broker_->kill();
  EXPECT_TRUE(far.next_text_that([](const std::string& t) {
    return t.find("\"status\"") != t.npos && t.find("\"down\"") != t.npos;
  })) << edge.process.err();
  // The node's own clients go on, and the queue towards the broker does not grow.
  ASSERT_TRUE(wait_until([&] { return node.counter("bixws_plugin_sink_nats_dropped") != "0"; }));
  for (int i = 0; i < 100; ++i) ASSERT_TRUE(local.next_text());
  broker_->start();
  const auto gap = far.next_text_that([](const std::string& t) {
    return t.find("\"type\":\"gap\"") != t.npos && t.find("the connection to the broker was lost") != t.npos;
  });
  ASSERT_TRUE(gap) << edge.process.err();
  EXPECT_THAT(*gap, HasSubstr("\"lost\":"));
  EXPECT_TRUE(far.next_text_that(is_trades)) << "goes on";
}

/// A node of its own records what it publishes while the broker goes and comes; then the stream is recorded, too.
void Nats::record_both(const std::function<void()>& end_broker) {
  Server node({"--feed", "sim:rate=1500,count=6000,seed=9,channels=ticker+trades+book+candles", "--sink",
               sink(",stream=MD,linger=60s"), "--record", (folder_ / "own.db").string(), "BTCUSDT", "ETHUSDT"});
  const auto acknowledged = [&] { return std::stoi(node.counter("bixws_plugin_sink_nats_acknowledged")); };
  for (int times = 0; times < 2; ++times) {
    const int before = acknowledged();
    ASSERT_TRUE(wait_until([&] { return acknowledged() > before + 300; }));
    end_broker();
    broker_->start();
  }
  ASSERT_EQ(node.process.wait_exit(Milliseconds(80'000)), ExitStatus{}) << node.process.err();
  Process recorder(BIXWS_BINARY, args(recording_of("copy.db", "MD")));
  const std::string last = query("own.db", "SELECT max(recv_ts) FROM v_trades");
  EXPECT_TRUE(wait_until(
      [&] { return recorder.lines().size() > 0 && query("copy.db", "SELECT max(recv_ts) FROM v_trades") == last; },
      Milliseconds(20'000)))
      << recorder.err() << node.process.err();
  recorder.send_signal(SIGTERM);
  EXPECT_EQ(recorder.wait_exit(), ExitStatus{}) << recorder.err();
}

TEST_F(Nats, ABrokerThatIsRestartedCostsTheStreamNothing) {
  record_both([this] {
    broker_->process().send_signal(SIGTERM);
    broker_->process().wait_exit();
  });
  EXPECT_EQ(verified("copy.db")["sessions"][0]["digest"].text(), verified("own.db")["sessions"][0]["digest"].text());
  EXPECT_EQ(query("copy.db", "SELECT count(*) FROM v_gaps"), "0");
}

// Its consumer is gone with the broker; nothing tells it so.
TEST_F(Nats, ARecordingOfAStreamOutlivesARestartOfTheBroker) {
  Server node({"--feed", "sim:rate=500,seed=9,channels=trades", "--sink", sink(",stream=MD"), "BTCUSDT"});
  ASSERT_TRUE(wait_until([&] { return node.counter("bixws_plugin_sink_nats_acknowledged") != "0"; }));
  Process recorder(BIXWS_BINARY, args(recording_of("copy.db", "MD")));
  for (int times = 0; times < 3; ++times) {
    ASSERT_TRUE(recorder.wait_for_lines(recorder.lines().size() + 3)) << "round " << times << ": " << recorder.err();
    broker_->process().send_signal(SIGTERM);
    broker_->process().wait_exit();
    broker_->start();
  }
  // What was published meanwhile comes, too.
  const std::string now = query("copy.db", "SELECT coalesce(max(recv_ts), 0) FROM v_trades");
  EXPECT_TRUE(wait_until([&] {
    return std::stoll(query("copy.db", "SELECT coalesce(max(recv_ts), 0) FROM v_trades")) > std::stoll(now) + 1'000'000;
  })) << recorder.err();
  recorder.send_signal(SIGTERM);
  EXPECT_EQ(recorder.wait_exit(), ExitStatus{}) << recorder.err();
  EXPECT_EQ(query("copy.db", "SELECT count(*) FROM v_gaps"), "0");
  EXPECT_EQ(
      query("copy.db", "SELECT count(*) FROM v_trades"),
      query("copy.db", "SELECT max(CAST(trade_id AS INTEGER)) - min(CAST(trade_id AS INTEGER)) + 1 FROM v_trades"));
}

// A lone nats-server answers for messages that it has not written yet: killed, it forgets them. That is told.
TEST_F(Nats, WhatABrokerForgetsWhenItIsKilledIsAGapInTheRecording) {
  record_both([this] { broker_->kill(); });
  const auto trades = [&](const std::string& file) {
    return std::stoll(query(file, "SELECT count(DISTINCT seq) FROM v_trades"));
  };
  const auto told = std::stoll(query("copy.db", "SELECT coalesce(sum(lost), 0) FROM v_gaps WHERE channel = 'trades'"));
  EXPECT_EQ(trades("copy.db") + told, trades("own.db"));
  if (told == 0 && query("copy.db", "SELECT count(*) FROM v_gaps") == "0") {
    EXPECT_EQ(verified("copy.db")["sessions"][0]["digest"].text(), verified("own.db")["sessions"][0]["digest"].text());
  }
}

TEST_F(Nats, ARecordingGoesOnExactlyBehindTheLastEventItHas) {
  {
    Server node({"--feed", "sim:rate=10000,count=20000,seed=10,channels=trades+book", "--sink",
                 sink(",stream=MD,linger=60s"), "--record", (folder_ / "own.db").string(), "BTCUSDT", "ETHUSDT"});
    ASSERT_EQ(node.process.wait_exit(Milliseconds(80'000)), ExitStatus{}) << node.process.err();
  }
  const auto events = std::stoll(query("own.db", "SELECT events FROM sessions"));
  // Killed again and again, at any point between two commits.
  for (int round = 0; round < 4; ++round) {
    Process recorder(BIXWS_BINARY, args(recording_of("copy.db", "MD")));
    ASSERT_TRUE(recorder.wait_for_lines(1)) << recorder.err();
    recorder.send_signal(SIGKILL);
    recorder.wait_exit();
    if (std::stoll(query("copy.db", "SELECT sum(events) FROM sessions")) >= events) break;
  }
  Process recorder(BIXWS_BINARY, args(recording_of("copy.db", "MD")));
  ASSERT_TRUE(recorder.wait_for_line("connected to", Process::Output::err));
  EXPECT_TRUE(wait_until([&] { return std::stoll(query("copy.db", "SELECT sum(events) FROM sessions")) >= events; },
                         Milliseconds(60'000)))
      << recorder.err();
  recorder.send_signal(SIGTERM);
  EXPECT_EQ(recorder.wait_exit(), ExitStatus{}) << recorder.err();
  EXPECT_EQ(query("copy.db", "SELECT sum(events) FROM sessions"), std::to_string(events)) << "none twice, none missing";
  const std::string trades =
      "SELECT exchange, symbol, trade_id, price_text, size_text, recv_ts FROM v_trades ORDER BY ";
  // Not EXPECT_EQ, which would compare megabytes character by character to show where they differ.
  EXPECT_TRUE(query("copy.db", trades + "session_id, seq") == query("own.db", trades + "session_id, seq"));
  verified("copy.db");
}

// An edge may take what it serves from the stream; what it records then keeps its place as `record` does.
TEST_F(Nats, AServerOfAStreamRecordsEachOfItsEventsOnce) {
  {
    Server node({"--feed", "sim:rate=10000,count=5000,seed=12,channels=trades+book", "--sink",
                 sink(",stream=MD,linger=60s"), "--record", (folder_ / "own.db").string(), "BTCUSDT", "ETHUSDT"});
    ASSERT_EQ(node.process.wait_exit(Milliseconds(80'000)), ExitStatus{}) << node.process.err();
  }
  const auto events = std::stoll(query("own.db", "SELECT events FROM sessions"));
  for (int round = 0; round < 2; ++round) {  // the second one finds that it has all
    Server edge({"--feed", sink(",stream=MD"), "--record", (folder_ / "copy.db").string()});
    ASSERT_TRUE(edge.process.wait_for_line("connected to", Process::Output::err)) << edge.process.err();
    EXPECT_TRUE(wait_until([&] { return std::stoll(query("copy.db", "SELECT sum(events) FROM sessions")) >= events; },
                           Milliseconds(60'000)))
        << edge.process.err();
    edge.stop();
  }
  const std::string trades = "SELECT exchange, symbol, trade_id, price_text, recv_ts FROM v_trades ORDER BY seq";
  EXPECT_TRUE(query("copy.db", trades) == query("own.db", trades));
  verified("copy.db");
}

TEST_F(Nats, ABrokerThatNeverWasThereStopsNobody) {
  const std::string nowhere = "nats:url=nats://127.0.0.1:1,queue=1";
  Server node({"--feed", "sim:rate=20000,seed=7", "--sink", nowhere, "BTCUSDT"});
  WsTestClient client;
  ASSERT_TRUE(client.connect(node.ws("/?channels=trades")));
  for (int i = 0; i < 200; ++i) ASSERT_TRUE(client.next_text());
  EXPECT_TRUE(wait_until([&] { return node.counter("bixws_plugin_sink_nats_dropped") != "0"; }))
      << "what does not fit into the queue is counted";
  node.stop();
  EXPECT_THAT(node.process.err(), HasSubstr("messages did not reach the broker"));
}

TEST(NatsOptions, WhatCannotBeAsItIsGivenIsRefused) {
  const auto refusal = [](const std::string& spec) {
    const Finished done = run(BIXWS_BINARY, args({"serve", "--port", "0", "--feed", "sim:rate=1", "--sink", spec}));
    EXPECT_EQ(done.exit.code, 2) << done.err;
    return done.err;
  };
  EXPECT_THAT(refusal("nats:url=http://x"), HasSubstr("does not begin with nats:// or tls://"));
  EXPECT_THAT(refusal("nats:url=nats://me:pw@x"), HasSubstr("options of their own"));
  EXPECT_THAT(refusal("nats:prefix=md.*"), HasSubstr("prefix must be a subject"));
  EXPECT_THAT(refusal("nats:nkey=UABC"), HasSubstr("nkey and seed go together"));
  EXPECT_THAT(refusal("nats:creds=/nowhere/at.all"), HasSubstr("/nowhere/at.all: cannot be read"));
  const Finished done = run(BIXWS_BINARY, args({"record", "-o", "/tmp/never.db", "--feed", "nats:from=5"}));
  EXPECT_EQ(done.exit.code, 2);
  EXPECT_THAT(done.err, HasSubstr("give stream= too"));
}

}  // namespace
}  // namespace bixws::test

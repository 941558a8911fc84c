// SPDX-License-Identifier: Apache-2.0
// `bixws watch` on a pipe: the server's messages word for word, a line each, and every way it can end.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <csignal>

#include "support/live_server.h"
#include "support/process.h"
#include "support/scripted_server.h"

namespace bixws::test {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;
using namespace std::chrono_literals;

class WatchPipe : public ::testing::Test {
 protected:
  ProcessOptions options(std::vector<std::string> args) const {
    ProcessOptions made;
    made.args = {"watch", "--url", server->url(), "--reconnect-delay", "50ms"};
    made.args.insert(made.args.end(), args.begin(), args.end());
    made.unset = {"BIXWS_URL", "http_proxy", "HTTP_PROXY"};
    return made;
  }
  static Finished run_watch(const ProcessOptions& with) { return run(BIXWS_BINARY, with); }
  static server::Options at_once() {
    server::Options made;
    made.interval = net::Duration::zero();
    return made;
  }

  std::unique_ptr<LiveServer> server = std::make_unique<LiveServer>(at_once());
};

TEST_F(WatchPipe, PrintsWhatAPlainClientWouldRead) {
  server->ticker(*server->btc, "50000.10000000", kT);
  server->hub->drain();
  Process watch(BIXWS_BINARY, options({}));
  ASSERT_TRUE(watch.wait_for_lines(1));
  WsTestClient plain;
  ASSERT_TRUE(plain.connect(server->url()));
  std::vector<std::string> want = {plain.next_text().value_or("nothing")};
  server->ticker(*server->eth, "3000.50", kT + 1);
  server->ticker(*server->other, "49999.0", kT + 2);
  ASSERT_TRUE(watch.wait_for_lines(3));
  for (int i = 0; i < 2; ++i) want.push_back(plain.next_text().value_or("nothing"));
  EXPECT_EQ(watch.lines(), want);
  EXPECT_THAT(want[0], HasSubstr("50000.10000000"));
  watch.send_signal(SIGTERM);
  EXPECT_EQ(watch.wait_exit(), (ExitStatus{0, 0}));
  EXPECT_EQ(watch.err(), "");
}

TEST_F(WatchPipe, OnceIsTheFirstSnapshotOfTheSymbolsAskedFor) {
  server->ticker(*server->btc, "50000.10", kT);
  server->ticker(*server->eth, "3000.50", kT);
  server->hub->drain();
  const Finished all = run_watch(options({"--once"}));
  EXPECT_EQ(all.exit, (ExitStatus{0, 0}));
  EXPECT_THAT(all.out, StartsWith(R"({"type":"initial_data","protocol":1,)"));
  EXPECT_THAT(all.out, HasSubstr("ETHUSDT"));
  EXPECT_EQ(std::count(all.out.begin(), all.out.end(), '\n'), 1);
  const Finished one = run_watch(options({"--once", "btc-usdt"}));
  EXPECT_EQ(one.exit, (ExitStatus{0, 0}));
  EXPECT_THAT(one.out, HasSubstr(R"("data":{"BTCUSDT":{"price":50000.10)"));
  EXPECT_THAT(one.out, ::testing::Not(HasSubstr("ETHUSDT")));
  const Finished trades = run_watch(options({"--once", "--view", "trades", "BTCUSDT"}));
  EXPECT_THAT(trades.out, HasSubstr("initial_data")) << "whatever is looked at, --once is about prices";
}

TEST_F(WatchPipe, CountsMessages) {
  Process watch(BIXWS_BINARY, options({"-n", "3"}));
  ASSERT_TRUE(watch.wait_for_lines(1));
  for (int i = 0; i < 10; ++i) server->ticker(*server->btc, "5." + std::to_string(i), kT + i);
  EXPECT_EQ(watch.wait_exit(), (ExitStatus{0, 0}));
  EXPECT_EQ(watch.lines().size(), 3U);
}

TEST_F(WatchPipe, ViewsChooseTheChannels) {
  Process watch(BIXWS_BINARY, options({"--view", "trades,book", "BTCUSDT"}));
  ASSERT_TRUE(wait_until([&] { return server->server->clients() == 1; }));
  // Whatever is published before the subscribe arrived is not this client's: go on until it has arrived.
  ASSERT_TRUE(wait_until([&] {
    server->ticker(*server->btc, "5", kT);
    server->trade(*server->btc, "5", "1", kT);
    server->book(*server->btc, BookAction::snapshot, levels({{"4", "1"}}), levels({{"6", "1"}}), kT);
    return watch.lines().size() >= 4;
  }));
  for (const std::string& line : watch.lines()) {
    EXPECT_THAT(line, ::testing::AnyOf(StartsWith(R"({"type":"trades")"), StartsWith(R"({"type":"book")")));
  }
}

TEST_F(WatchPipe, AnUnreachableServerIsAnErrorForOnceAndNoReconnect) {
  ProcessOptions once = options({"--once"});
  once.args[2] = "ws://localhost:1";
  for (const char* flag : {"--once", "--no-reconnect"}) {
    once.args.back() = flag;
    const Finished end = run_watch(once);
    EXPECT_EQ(end.exit, (ExitStatus{1, 0}));
    EXPECT_EQ(end.out, "");
    EXPECT_THAT(end.err, HasSubstr("bixws: cannot connect to localhost:1"));
    EXPECT_THAT(end.err, HasSubstr("refused"));
    EXPECT_THAT(end.err, HasSubstr("is a bixws server running there?"));
  }
}

TEST_F(WatchPipe, UsageErrorsAreTwo) {
  const Finished symbol = run_watch(options({"BTCUSDX"}));
  EXPECT_EQ(symbol.exit, (ExitStatus{2, 0}));
  EXPECT_THAT(symbol.err, HasSubstr("unknown symbol BTCUSDX; did you mean BTCUSDT?"));
  EXPECT_EQ(symbol.out, "");
  ProcessOptions url = options({});
  url.args[2] = "ftp://localhost";
  EXPECT_EQ(run_watch(url).exit, (ExitStatus{2, 0}));
  EXPECT_EQ(run_watch(options({"not a symbol!"})).exit, (ExitStatus{2, 0}));
  EXPECT_EQ(run_watch(options({"-n", "0"})).exit, (ExitStatus{2, 0}));
  EXPECT_EQ(run_watch(options({"--view", "tabel"})).exit, (ExitStatus{2, 0}));
}

TEST_F(WatchPipe, AClosedPipeIsNotAnErrorEvenInSilence) {
  Process idle(BIXWS_BINARY, options({}));
  ASSERT_TRUE(idle.wait_for_lines(1));
  idle.close_stdout();
  EXPECT_EQ(idle.wait_exit(), (ExitStatus{0, 0})) << "noticed although there is nothing to write";
  EXPECT_EQ(idle.err(), "");
}

TEST_F(WatchPipe, AReaderThatDoesNotReadCannotHoldItUp) {
  // A full pipe from the start: nothing of ours fits into it.
  std::array<int, 2> pipe{};
  ASSERT_EQ(pipe2(pipe.data(), O_CLOEXEC | O_NONBLOCK), 0);
  while (write(pipe[1], "x", 1) == 1) {
  }
  ProcessOptions shell = options({});
  std::vector<std::string> args = {
      "-c", "exec \"$0\" \"$@\" >/proc/" + std::to_string(getpid()) + "/fd/" + std::to_string(pipe[1]), BIXWS_BINARY};
  args.insert(args.end(), shell.args.begin(), shell.args.end());
  shell.args = args;
  Process watch("/bin/sh", shell);
  ASSERT_TRUE(wait_until([&] { return server->server->clients() == 1; }));
  server->ticker(*server->btc, "1", kT);
  server->hub->drain();
  watch.send_signal(SIGINT);
  EXPECT_EQ(watch.wait_exit(), (ExitStatus{0, 0}));
  close(pipe[0]);
  close(pipe[1]);
}

TEST_F(WatchPipe, ComesBackWhenTheServerDoes) {
  const std::uint16_t port = server->server->port();
  Process watch(BIXWS_BINARY, options({}));
  ASSERT_TRUE(watch.wait_for_lines(1));
  server.reset();
  ASSERT_TRUE(watch.wait_for_line("next attempt in", Process::Output::err));
  server = std::make_unique<LiveServer>(at_once(), port);
  ASSERT_TRUE(watch.wait_for_lines(2)) << watch.err();
  EXPECT_THAT(watch.lines()[1], StartsWith(R"({"type":"initial_data")"));
  ASSERT_TRUE(watch.wait_for_line("connected again", Process::Output::err));
  watch.send_signal(SIGTERM);
  EXPECT_EQ(watch.wait_exit(), (ExitStatus{0, 0}));
}

TEST_F(WatchPipe, EndsWithTheReplayAndWithItsDuration) {
  ScriptedServer replay;
  ProcessOptions with = options({});
  with.args[2] = replay.url();
  Process watch(BIXWS_BINARY, with);
  auto link = replay.accept();
  ASSERT_NE(link, nullptr);
  link->send_text(R"({"type":"status","state":"ended","exchange":"acme","ts":1})");
  EXPECT_TRUE(link->close(1000));
  EXPECT_EQ(watch.wait_exit(), (ExitStatus{0, 0}));
  EXPECT_EQ(watch.out(), "{\"type\":\"status\",\"state\":\"ended\",\"exchange\":\"acme\",\"ts\":1}\n");
  const Finished short_while = run_watch(options({"--duration", "200ms"}));
  EXPECT_EQ(short_while.exit, (ExitStatus{0, 0}));
  EXPECT_THAT(short_while.out, StartsWith(R"({"type":"initial_data")"));
}

TEST_F(WatchPipe, WhatIsNoMessageIsLeftOutAndLineBreaksDoNotBreakLines) {
  ScriptedServer odd;
  ProcessOptions with = options({"-n", "1"});
  with.args[2] = odd.url();
  Process watch(BIXWS_BINARY, with);
  auto link = odd.accept();
  ASSERT_NE(link, nullptr);
  link->send_text("hello");
  link->send_text("{\n \"type\": \"pong\"\n}");
  EXPECT_EQ(watch.wait_exit(), (ExitStatus{0, 0}));
  EXPECT_EQ(watch.out(), "{  \"type\": \"pong\" }\n");
  EXPECT_THAT(watch.err(), HasSubstr("not understood"));
}

}  // namespace
}  // namespace bixws::test

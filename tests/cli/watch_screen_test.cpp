// SPDX-License-Identifier: Apache-2.0
// `bixws watch` on a terminal of its own: what it shows, what keys do, and that the terminal is given back.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>

#include "support/fake_terminal.h"
#include "support/live_server.h"
#include "support/process.h"

namespace bixws::test {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;

/// The real binary with a terminal that keeps up with it.
class Screen {
 public:
  explicit Screen(const ProcessOptions& options)
      : terminal_(options.columns, options.rows), process_(BIXWS_BINARY, options) {}

  Process& process() { return process_; }
  const FakeTerminal& terminal() {
    const std::string all = process_.out();
    terminal_.write(std::string_view(all).substr(taken_));
    taken_ = all.size();
    return terminal_;
  }
  std::string text() { return terminal().text(); }
  bool shows(std::string_view part) {
    const bool found = wait_until([&] { return text().find(part) != std::string::npos; });
    if (!found) ADD_FAILURE() << "no \"" << part << "\" on\n" << text() << process_.err();
    return found;
  }
  bool shows_no_more(std::string_view part) {
    return wait_until([&] { return text().find(part) == std::string::npos; });
  }
  void type(std::string_view keys) { process_.write_stdin(keys); }
  void resize(unsigned short columns, unsigned short rows) {
    terminal();
    terminal_.resize(columns, rows);
    process_.resize(columns, rows);
  }

 private:
  FakeTerminal terminal_;
  Process process_;
  std::size_t taken_ = 0;
};

class WatchScreen : public ::testing::Test {
 protected:
  void SetUp() override {
    server->ticker(*server->btc, "50000.10", kT);
    server->ticker(*server->eth, "3000.50", kT);
    server->trade(*server->btc, "50000.10", "0.5", kT);
    server->book(*server->btc, BookAction::snapshot, levels({{"49999.90", "1.5"}}), levels({{"50000.10", "2.5"}}), kT);
    server->hub->drain();
  }
  ProcessOptions options(std::vector<std::string> args = {}) const {
    ProcessOptions made;
    made.args = {"watch", "--url", server->url(), "--reconnect-delay", "200ms"};
    made.args.insert(made.args.end(), args.begin(), args.end());
    made.env = {{"TERM", "xterm-256color"}, {"LANG", "C.UTF-8"}};
    made.unset = {"NO_COLOR", "CLICOLOR", "CLICOLOR_FORCE", "LC_ALL", "LC_CTYPE", "COLORTERM"};
    made.pty = true;
    made.columns = 80;
    made.rows = 24;
    return made;
  }
  static void expect_given_back(Screen& screen, const char* after) {
    EXPECT_FALSE(screen.terminal().alternate_screen()) << after;
    EXPECT_TRUE(screen.terminal().cursor_shown()) << after;
    EXPECT_TRUE(screen.terminal().wraps()) << after;
    EXPECT_TRUE(screen.process().line_mode()) << after;
    EXPECT_THAT(screen.terminal().complaints(), IsEmpty());
  }

  std::unique_ptr<LiveServer> server = std::make_unique<LiveServer>();
};

TEST_F(WatchScreen, ShowsTheMarketAndFollowsIt) {
  Screen screen(options());
  ASSERT_TRUE(screen.shows("BTCUSDT"));
  EXPECT_TRUE(screen.shows("50000.10"));
  EXPECT_TRUE(screen.shows("● live"));
  EXPECT_TRUE(screen.terminal().alternate_screen());
  EXPECT_FALSE(screen.process().line_mode());
  server->ticker(*server->btc, "50001.20", kT + 1);
  EXPECT_TRUE(screen.shows("50001.20 ▲"));
  screen.type("q");
  EXPECT_EQ(screen.process().wait_exit(), (ExitStatus{0, 0}));
  expect_given_back(screen, "q");
  EXPECT_EQ(screen.process().err(), "");
}

TEST_F(WatchScreen, KeysChangeTheViewAndTheServerIsAskedForWhatItNeeds) {
  Screen screen(options());
  ASSERT_TRUE(screen.shows("BTCUSDT"));
  screen.type("3");
  EXPECT_TRUE(screen.shows("book  BTCUSDT"));
  EXPECT_TRUE(screen.shows("49999.90"));
  EXPECT_TRUE(screen.shows("spread 0.20"));
  server->book(*server->btc, BookAction::update, levels({{"49999.95", "7"}}), {}, kT + 1);
  EXPECT_TRUE(screen.shows("49999.95"));
  screen.type("2");
  ASSERT_TRUE(screen.shows("trades  BTCUSDT"));
  ASSERT_TRUE(wait_until([&] {
    server->trade(*server->btc, "50002.30", "0.25", kT + 2);
    return screen.text().find("50002.30") != std::string::npos;
  }));
  screen.type("1\x1b[B");
  ASSERT_TRUE(screen.shows("▌ETHUSDT"));
  screen.type("3");
  EXPECT_TRUE(screen.shows("book  ETHUSDT"));
  screen.type("1/btc\r");
  EXPECT_TRUE(screen.shows("1 of 2 symbols"));
  screen.type("?");
  EXPECT_TRUE(screen.shows("─ Keys ─"));
}

TEST_F(WatchScreen, SymbolsComeAndGo) {
  Screen screen(options({"BTCUSDT"}));
  ASSERT_TRUE(screen.shows("50000.10"));
  EXPECT_TRUE(screen.shows("1 symbol"));
  screen.type("aeth-usdt\r");
  EXPECT_TRUE(screen.shows("3000.50"));
  screen.type("d");
  EXPECT_TRUE(screen.shows_no_more("BTCUSDT"));
  screen.type("aNOSUCH\r");
  EXPECT_TRUE(screen.shows("unknown symbol NOSUCH"));
}

TEST_F(WatchScreen, IsGivenBackWhateverEndsTheProcess) {
  for (const int signal : {SIGTERM, SIGINT, SIGHUP}) {
    Screen screen(options());
    ASSERT_TRUE(screen.shows("BTCUSDT"));
    screen.process().send_signal(signal);
    EXPECT_EQ(screen.process().wait_exit(), (ExitStatus{0, 0})) << signal;
    expect_given_back(screen, strsignal(signal));
  }
  for (const int signal : {SIGSEGV, SIGABRT, SIGQUIT, SIGBUS}) {
    Screen screen(options());
    ASSERT_TRUE(screen.shows("BTCUSDT"));
    screen.process().send_signal(signal);
    const auto exit = screen.process().wait_exit();
    ASSERT_TRUE(exit.has_value());
    EXPECT_NE(*exit, (ExitStatus{0, 0})) << "a crash stays one";
    expect_given_back(screen, strsignal(signal));
  }
}

TEST_F(WatchScreen, ADeadServerIsSeenAndItComesBack) {
  const std::uint16_t port = server->server->port();
  Screen screen(options());
  ASSERT_TRUE(screen.shows("BTCUSDT"));
  server.reset();
  ASSERT_TRUE(screen.shows("disconnected, retry in"));
  EXPECT_TRUE(screen.shows("  !")) << "ages are marked";
  server = std::make_unique<LiveServer>(server::Options{}, port);
  server->ticker(*server->btc, "51111.10", kT + 1);
  ASSERT_TRUE(screen.shows("● live"));
  EXPECT_TRUE(screen.shows("51111.10"));
}

TEST_F(WatchScreen, FollowsTheSizeOfTheTerminal) {
  Screen screen(options());
  ASSERT_TRUE(screen.shows("BTCUSDT"));
  screen.resize(200, 50);
  EXPECT_TRUE(screen.shows("book  BTCUSDT"));
  EXPECT_TRUE(screen.shows("trades  BTCUSDT"));
  screen.resize(40, 10);
  EXPECT_TRUE(screen.shows("? help"));
  EXPECT_TRUE(screen.shows_no_more("book  BTCUSDT"));
  EXPECT_THAT(screen.terminal().complaints(), IsEmpty());
}

TEST_F(WatchScreen, WithoutColourAndWithoutUtf8) {
  ProcessOptions plain = options();
  plain.env = {{"TERM", "xterm"}, {"LANG", "C"}, {"NO_COLOR", "1"}};
  Screen screen(plain);
  ASSERT_TRUE(screen.shows("* live"));
  server->ticker(*server->btc, "50001.20", kT + 1);
  ASSERT_TRUE(screen.shows("50001.20 ^"));
  for (const char c : screen.process().out()) ASSERT_LT(static_cast<unsigned char>(c), 0x80);
  EXPECT_EQ(screen.process().out().find("[0;1;3"), std::string::npos);
  EXPECT_EQ(screen.process().out().find(";5;"), std::string::npos);
}

TEST_F(WatchScreen, ADumbTerminalGetsPlainLines) {
  ProcessOptions dumb = options();
  dumb.env["TERM"] = "dumb";
  Screen screen(dumb);
  ASSERT_TRUE(screen.process().wait_for_line("BTCUSDT +50000.10"));
  EXPECT_EQ(screen.process().out().find('\x1b'), std::string::npos);
  screen.process().send_signal(SIGINT);
  EXPECT_EQ(screen.process().wait_exit(), (ExitStatus{0, 0}));
}

TEST_F(WatchScreen, JsonOnATerminalIsLinesAndARefusalStaysReadable) {
  Process json(BIXWS_BINARY, options({"--json"}));
  EXPECT_TRUE(json.wait_for_line(R"("type":"initial_data")"));
  server::Options guarded;
  guarded.tokens = {"s3cret"};
  server = std::make_unique<LiveServer>(guarded);
  Screen screen(options({"--token", "wrong!"}));
  EXPECT_EQ(screen.process().wait_exit(), (ExitStatus{1, 0}));
  EXPECT_THAT(screen.process().err(), HasSubstr("--token is not the right one"));
  EXPECT_EQ(screen.process().err().find("wrong!"), std::string::npos);
  expect_given_back(screen, "a refusal");
}

}  // namespace
}  // namespace bixws::test

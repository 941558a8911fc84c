// SPDX-License-Identifier: Apache-2.0
// The binary as a user meets it: help, mistakes with their exact words and exit codes, who wins among flags,
// environment and files.
#include <gmock/gmock.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include "support/process.h"

namespace bixws::test {
namespace {

using testing::EndsWith;
using testing::HasSubstr;
using testing::MatchesRegex;
using testing::StartsWith;

/// Runs bixws in an empty folder, without the tester's own configuration.
struct Cli : testing::Test {
  Finished bixws(std::vector<std::string> args, std::map<std::string, std::string> env = {}) {
    env.emplace("HOME", dir.path().string());
    env.emplace("XDG_CONFIG_HOME", (dir / "xdg").string());
    return run(BIXWS_BINARY, {.args = std::move(args), .env = std::move(env), .cwd = dir.path()});
  }
  void refused(std::vector<std::string> args, const std::string& words, int code = 2) {
    const Finished f = bixws(args);
    EXPECT_EQ(f.exit, (ExitStatus{code, 0})) << f.err;
    EXPECT_EQ(f.err, "bixws: " + words + "\n");
    EXPECT_EQ(f.out, "");
  }
  TempDir dir;
};

std::string folder(const std::string& name) { return std::string(BIXWS_BUILD_DIR) + "/tests/plugins/" + name; }

TEST_F(Cli, VersionAndHelp) {
  EXPECT_THAT(bixws({"--version"}).out, MatchesRegex("bixws [0-9.]+\n"));
  const Finished brief = bixws({"serve", "-h"});
  EXPECT_EQ(brief.exit.code, 0);
  EXPECT_THAT(brief.out, StartsWith("Usage: bixws serve [OPTIONS] [SYMBOL...]\n"));
  EXPECT_THAT(brief.out, testing::Not(HasSubstr("Examples:")));
  const Finished full = bixws({"serve", "--help"});
  EXPECT_THAT(full.out, HasSubstr("\nExamples:\n"));
  EXPECT_THAT(full.out, HasSubstr("--log-level LEVEL"));
  EXPECT_THAT(bixws({"--help"}).out, HasSubstr("\nExamples:\n"));
  EXPECT_THAT(bixws({"plugins", "-h"}).out, HasSubstr("plugins info"));
  const Finished nothing = bixws({});
  EXPECT_EQ(nothing.exit.code, 2);
  EXPECT_THAT(nothing.err, StartsWith("Usage: bixws"));
}

TEST_F(Cli, UnknownNamesAreRefusedWithTheNearest) {
  refused({"serv"}, "unknown command serv; did you mean serve?");
  refused({"plugins", "lst"}, "unknown command plugins lst; did you mean list?");
  refused({"serve", "--recrod", "x"}, "unknown option --recrod of serve; did you mean --record?");
  refused({"serve", "--port"}, "--port needs a value");
  refused({"serve", "--port", "http"}, "--port must be a whole number from 0 to 65535, not http");
  refused({"serve", "--feed", "simm"}, "unknown feed simm; did you mean sim?");
  refused({"serve", "--feed", "console"}, "unknown feed console; it is a sink");
  refused({"serve", "--feed", "sim:raet=5"}, "unknown key raet of feed sim; did you mean rate?");
  refused({"serve", "--feed", "sim:rate=fast"}, "rate of feed sim must be a number, not fast");
  refused({"serve", "--feed", "sim:rate=-1"}, "feed sim: rate must be from 0 to 1000000 events per second");
  refused({"serve", "--feed", "sim", "--feed", "sim"},
          "feed sim is given twice; as=NAME gives one of them another name");
  refused({"serve", "--demo", "--feed", "sim:rate=5"},
          "feed sim is given twice; as=NAME gives one of them another name");
  refused({"serve", "--demo", "--feed", "simm"}, "unknown feed simm; did you mean sim?");
  refused({"serve", "--demo", "BTCUSDX"}, "feed sim: unknown symbol BTCUSDX; did you mean BTCUSDT?");
  refused({"serve", "--demo", "krakn:BTCUSD"},
          "symbol krakn:BTCUSD names feed krakn, which is not given with --feed; known: sim");
  refused({"serve", "--demo", "--sink", "consol"}, "unknown sink consol; did you mean console?");
  refused({"serve", "--demo", "--sink", "csv"},
          "sink csv needs dir=...: folder for the files, EXCHANGE_SYMBOL_TIMEFRAME.csv each; made if missing");
  refused({"completion", "tcsh"}, "SHELL must be bash, zsh or fish, not tcsh");
  refused({"replay"}, "replay needs FILE: a recording");
}

TEST_F(Cli, RecordingsThatAreNoneFailWithOne) {
  refused({"replay", "gone.db"}, "gone.db: cannot open: No such file or directory", 1);
  refused({"record", "--feed", "sim", "-o", "nowhere/day.db"},
          "nowhere/day.db: cannot open: unable to open database file (No such file or directory)", 1);
  dir.write("text.db", "not a recording");
  refused({"replay", "text.db"}, "text.db: not a recording (no SQLite file)", 1);
}

TEST_F(Cli, SessionsSayWhatTheyDoNotHave) {
  ASSERT_EQ(bixws({"record", "BTCUSDT", "--feed", "sim:rate=0,count=50,channels=trades+book", "-o", "a.db"}).exit,
            ExitStatus{});
  refused({"sessions", "export", "a.db", "--symbols", "BTCUSDX"}, "unknown symbol BTCUSDX; did you mean BTCUSDT?");
  refused({"sessions", "export", "a.db", "--symbols", "okx:BTCUSDT"},
          "unknown symbol okx:BTCUSDT; the recording has nothing of okx");
  EXPECT_EQ(bixws({"sessions", "export", "a.db", "--symbols", "sim:btc-usdt", "--json"}).exit, ExitStatus{});
  refused({"sessions", "export", "a.db", "--json", "--format", "csv"}, "--json and --format csv: which is it to be?");
  refused({"sessions", "list", "a.db", "--session", "7"}, "a.db: there is no session 7");
  EXPECT_THAT(bixws({"sessions", "list", "a.db", "--session", "1", "--json"}).out, HasSubstr("\"session_id\":1"));
  refused({"sessions", "index", "a.db", "--session", "7"}, "a.db: there is no session 7");
  const Finished index = bixws({"sessions", "index", "a.db", "--books", "--session", "1", "--json"});
  EXPECT_THAT(index.out, MatchesRegex("\\{\"indexed\":true,\"book_levels\":[1-9][0-9]*\\}\n")) << index.err;
  dir.write("empty.db", "");
  refused({"sessions", "list", "empty.db"}, "empty.db: not a recording: the file is empty", 1);
  refused({"serve", "--demo", "--base-path", "foo bar"},
          "--base-path foo bar: a path has letters, digits and - . _ ~ /");
  const Finished chaos = bixws({"replay", "a.db", "--chaos", "drp=1"});
  EXPECT_THAT(chaos.err, HasSubstr("did you mean drop?"));
  EXPECT_EQ(chaos.exit.code, 2);
}

TEST_F(Cli, PortInUseFailsWithOneAndLeavesNoRecording) {
  const int fd = ::socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  ASSERT_EQ(::bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  ASSERT_EQ(::listen(fd, 1), 0);
  socklen_t size = sizeof address;
  ::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size);
  const std::string port = std::to_string(ntohs(address.sin_port));
  const Finished f = bixws({"serve", "--demo", "--port", port, "--record", "x.db"});
  ::close(fd);
  EXPECT_EQ(f.exit.code, 1);
  EXPECT_THAT(f.err, StartsWith("bixws: cannot listen on 127.0.0.1:" + port + ": the port is in use; "));
  EXPECT_FALSE(std::filesystem::exists(dir / "x.db"));
}

TEST_F(Cli, BrokenPluginsAreRefusedAndNeverCrashUs) {
  for (const char* name : {"throws", "crashes", "exits", "wrong_major", "no_symbol", "undefined_symbol"}) {
    const Finished f = bixws({"--plugin-dir", folder(name), "serve", "--feed", "broken"});
    EXPECT_EQ(f.exit, (ExitStatus{2, 0})) << name;
    EXPECT_THAT(f.err, StartsWith("bixws: feed broken: " + folder(name))) << name;
    const Finished list = bixws({"--plugin-dir", folder(name), "plugins", "list", "--json"});
    EXPECT_EQ(list.exit.code, 0);
    EXPECT_THAT(list.out, HasSubstr("\"name\":\"sim\""));
    EXPECT_THAT(list.err, HasSubstr("libbixws_feed_broken.so"));
  }
}

TEST_F(Cli, PluginsDescribeThemselves) {
  EXPECT_THAT(bixws({"plugins", "list"}).out, HasSubstr("a made-up market, seeded and repeatable"));
  EXPECT_THAT(bixws({"plugins", "info", "sim"}).out, HasSubstr("Keys, as --feed sim:key=value,key=value"));
  EXPECT_THAT(bixws({"plugins", "info", "sim", "--json"}).out, HasSubstr("\"options\":[{\"name\":\"rate\""));
  refused({"plugins", "info", "simm"}, "unknown plugin simm; did you mean sim?");
}

TEST_F(Cli, FlagBeatsEnvironmentBeatsFiles) {
  std::filesystem::create_directories(dir / "xdg/bixws");
  dir.write("xdg/bixws/config.yaml", "port: 1001\nhost: 10.0.0.1\n");
  dir.write("bixws.yaml", "port: 1002\ntoken: hunter22\n");
  const std::string shown = bixws({"config", "show"}, {{"BIXWS_INTERVAL", "5s"}}).out;
  EXPECT_THAT(shown, testing::ContainsRegex("port +1002 +bixws.yaml:1"));
  EXPECT_THAT(shown, testing::ContainsRegex("host +10.0.0.1 +.*xdg/bixws/config.yaml:2"));
  EXPECT_THAT(shown, testing::ContainsRegex("interval +5s +BIXWS_INTERVAL"));
  EXPECT_THAT(shown, testing::ContainsRegex("token +\\*\\*\\* +bixws.yaml:2"));
  EXPECT_THAT(shown, testing::Not(HasSubstr("hunter22")));
  EXPECT_THAT(bixws({"config", "show"}, {{"BIXWS_PORT", "1003"}}).out,
              testing::ContainsRegex("port +1003 +BIXWS_PORT"));
  EXPECT_THAT(bixws({"config", "show", "--json"}).out, HasSubstr("{\"key\":\"port\",\"value\":\"1002\""));
}

TEST_F(Cli, ConfigFilesAreCheckedLineByLine) {
  dir.write("bixws.yaml", "port: 8765\nserve:\n  intervall: 5s\nprot: 1\nfeed: simm\n");
  refused({"serve", "--demo"}, "bixws.yaml:3: unknown key intervall of serve; did you mean interval?");
  const Finished f = bixws({"config", "check"});
  EXPECT_EQ(f.exit.code, 2);
  EXPECT_EQ(f.err,
            "bixws: bixws.yaml:3: unknown key intervall of serve; did you mean interval?\n"
            "bixws: bixws.yaml:4: unknown key prot; did you mean port?\n"
            "bixws: bixws.yaml:5: unknown feed simm; did you mean sim?\n");
  refused({"--config", "gone.yaml", "serve"}, "cannot read config file gone.yaml: No such file or directory");
}

TEST_F(Cli, ASampleConfigIsRightAndNeverOverwritesOne) {
  EXPECT_EQ(bixws({"config", "init"}).exit.code, 0);
  EXPECT_EQ(bixws({"config", "check"}).out, "ok: bixws.yaml\n");
  refused({"config", "init"}, "bixws.yaml exists already; it is left as it is");
}

TEST_F(Cli, CompletionScriptsKnowTheCommands) {
  for (const char* shell : {"bash", "zsh", "fish"}) {
    const Finished f = bixws({"completion", shell});
    EXPECT_EQ(f.exit.code, 0);
    EXPECT_THAT(f.out, HasSubstr("serve"));
    EXPECT_THAT(f.out, HasSubstr("log-level"));
  }
  const auto script = dir.write("c.bash", bixws({"completion", "bash"}).out);
  const Finished completed =
      run("/bin/bash", {.args = {"-c", "source " + script.string() +
                                           "; COMP_WORDS=(bixws ser); COMP_CWORD=1; _bixws; echo ${COMPREPLY[@]}"}});
  EXPECT_EQ(completed.out, "serve\n");
}

TEST_F(Cli, ServeListensAndStopsCleanlyOnASignal) {
  for (const int signal : {SIGINT, SIGTERM}) {
    Process serve(BIXWS_BINARY, {.args = {"serve", "--demo", "--port", "0"}, .cwd = dir.path()});
    ASSERT_TRUE(serve.wait_for_line("^listening on ws://127\\.0\\.0\\.1:[0-9]+$", Process::Output::err));
    serve.send_signal(signal);
    EXPECT_EQ(serve.wait_exit(), (ExitStatus{0, 0}));
  }
}

TEST_F(Cli, FeedsThatEndEndTheCommand) {
  const Finished f = bixws({"record", "-o", "x.db", "--feed", "sim:rate=0,count=500", "--json"});
  EXPECT_EQ(f.exit.code, 0) << f.err;
  EXPECT_THAT(f.out, HasSubstr("{\"type\":\"committed\",\"session_id\":1,\"seq\":"));
  const Finished again = bixws({"replay", "x.db", "--speed", "max", "--no-serve", "--sink", "console:format=ndjson"});
  EXPECT_EQ(again.exit.code, 0) << again.err;
  EXPECT_GE(std::count(again.out.begin(), again.out.end(), '\n'), 500);
  EXPECT_THAT(bixws({"replay", "x.db", "--speed", "max", "--no-serve", "--sink", "console"}).out, HasSubstr("trade"));
}

TEST_F(Cli, AFailingSinkIsDetachedAndTheOthersGoOn) {
  const Finished f =
      bixws({"--plugin-dir", folder("moody_sink"), "record", "-o", "x.db", "--feed", "sim:rate=0,count=500"}, {});
  EXPECT_EQ(f.exit.code, 0) << f.err;
  const Finished replay = bixws({"--plugin-dir", folder("moody_sink"), "replay", "x.db", "--speed", "max", "--no-serve",
                                 "--sink", "moody:mode=no_consume,file=count", "--sink", "console"});
  EXPECT_EQ(replay.exit.code, 1);
  EXPECT_THAT(replay.err, HasSubstr("error sink moody: failed and was detached; everything else goes on"));
  EXPECT_THAT(replay.out, HasSubstr("trade"));
}

TEST_F(Cli, CsvRowsContinueAfterARestart) {
  const std::string feed = "sim:rate=0,channels=trades,start=2026-11-22T21:00:00Z,count=";
  const auto serve = [&](const std::string& count) {
    return bixws({"serve", "--port", "0", "--feed", feed + count, "--sink", "csv:dir=out", "BTCUSDT"}).exit.code;
  };
  ASSERT_EQ(serve("90000"), 0);
  const std::string whole = read_file(dir / "out/sim_BTCUSDT_1m.csv");
  EXPECT_THAT(whole, StartsWith("open_time,open,high,low,close,volume,trades,vwap\n2026-11-22T20:59:00Z,"));
  EXPECT_EQ(std::count(whole.begin(), whole.end(), '\n'), 4);  // header, the last moment before 21:00, two minutes
  EXPECT_THAT(whole, EndsWith("\n"));
  dir.write("out/sim_BTCUSDT_1m.csv", whole + "2026-11-22T21:02:00Z,torn");
  ASSERT_EQ(serve("1"), 0);
  EXPECT_THAT(read_file(dir / "out/sim_BTCUSDT_1m.csv"), testing::Not(HasSubstr("torn")));
}

}  // namespace
}  // namespace bixws::test

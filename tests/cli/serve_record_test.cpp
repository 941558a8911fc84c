// SPDX-License-Identifier: Apache-2.0
// Recording while serving: whatever happens to the disk, clients are served, /healthz says so, the hole is told in the
// recording, and it goes on by itself.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <linux/fs.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <regex>
#include <string>
#include <vector>

#include "support/raw_json.h"
#include "support/serving.h"

namespace bixws::test {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

class ServeRecord : public testing::Test {
 protected:
  TempDir folder_;

  ProcessOptions here(std::vector<std::string> args = {}) const {
    ProcessOptions made;
    made.args = std::move(args);
    made.cwd = folder_.path();
    return made;
  }

  static std::string metric(const Serving& server, const std::string& name) {
    const std::string text = http_get(server.http("/metrics")).body;
    std::smatch found;
    return std::regex_search(text, found, std::regex("(?:^|\n)" + name + " (\\S+)")) ? found[1].str() : std::string();
  }
  static bool recorded_something(const Serving& server) {
    return wait_until([&] {
      const std::string events = metric(server, "bixws_recorder_events_total");
      return !events.empty() && events != "0";
    });
  }
  static bool becomes(const Serving& server, int status, const std::string& text) {
    return wait_until(
        [&] {
          const HttpAnswer health = http_get(server.http("/healthz"));
          return health.status == status && health.body.find(text) != std::string::npos;
        },
        Milliseconds(20'000));
  }

  void stop(Serving& server) const {
    server.process.send_signal(SIGTERM);
    EXPECT_EQ(server.process.wait_exit(Milliseconds(20'000)), ExitStatus{}) << server.process.err();
  }

  void expect_good(const std::string& file) const {
    const Finished verify = run(BIXWS_BINARY, here({"sessions", "verify", file}));
    EXPECT_EQ(verify.exit, ExitStatus{}) << file << ": " << verify.err;
  }

  std::string gaps(const std::string& file) const {
    const Finished gaps = run(BIXWS_BINARY, here({"sessions", "export", file, "--channels", "gaps"}));
    EXPECT_EQ(gaps.exit, ExitStatus{}) << gaps.err;
    return gaps.out;
  }
};

TEST_F(ServeRecord, ARemovedFileIsSaidAndBegunAnew) {
  Serving server(BIXWS_BINARY, {"--record", "a.db"}, here());
  ASSERT_TRUE(recorded_something(server));
  EXPECT_NE(metric(server, "bixws_recorder_lag_us"), "");
  EXPECT_EQ(metric(server, "bixws_recorder_failing"), "0");
  for (const char* name : {"a.db", "a.db-wal", "a.db-shm"}) fs::remove(folder_ / name);
  EXPECT_TRUE(becomes(server, 503, "recording: a.db: cannot write: the file was removed or replaced"));
  EXPECT_TRUE(server.serves_another());
  EXPECT_TRUE(becomes(server, 200, "\"ok\""));
  EXPECT_TRUE(wait_until([&] { return fs::exists(folder_ / "a.db"); }));
  ASSERT_TRUE(recorded_something(server));
  stop(server);
  expect_good("a.db");
  EXPECT_THAT(gaps("a.db"), HasSubstr("\"reason\":\"recording failed\""));
}

TEST_F(ServeRecord, AFullDiskIsSaidAndNothingIsLostMeanwhile) {
  Serving server(BIXWS_BINARY, {"--record", "a.db"}, here());
  ASSERT_TRUE(recorded_something(server));
  rlimit before{};
  ASSERT_EQ(::prlimit(server.process.pid(), RLIMIT_FSIZE, nullptr, &before), 0);
  const rlimit none{4096, before.rlim_max};
  ASSERT_EQ(::prlimit(server.process.pid(), RLIMIT_FSIZE, &none, nullptr), 0);
  EXPECT_TRUE(becomes(server, 503, "recording: a.db: cannot write"));
  EXPECT_TRUE(server.serves_another());
  EXPECT_EQ(metric(server, "bixws_recorder_failing"), "1");
  ASSERT_EQ(::prlimit(server.process.pid(), RLIMIT_FSIZE, &before, nullptr), 0);
  EXPECT_TRUE(becomes(server, 200, "\"ok\""));
  EXPECT_EQ(metric(server, "bixws_recorder_dropped_total"), "0");
  stop(server);
  expect_good("a.db");
  EXPECT_EQ(gaps("a.db"), "");
}

/// What a file system that has gone read-only does to files that are open. False: this one, or who we are, cannot.
bool set_immutable(const fs::path& file, bool on) {
  const int fd = ::open(file.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return false;
  int flags = 0;
  bool done = ::ioctl(fd, FS_IOC_GETFLAGS, &flags) == 0;
  flags = on ? flags | FS_IMMUTABLE_FL : flags & ~FS_IMMUTABLE_FL;
  done = done && ::ioctl(fd, FS_IOC_SETFLAGS, &flags) == 0;
  ::close(fd);
  return done;
}

TEST_F(ServeRecord, ADiskThatTurnsReadOnlyIsSaidAndNothingIsLostMeanwhile) {
  Serving server(BIXWS_BINARY, {"--record", "a.db"}, here());
  ASSERT_TRUE(recorded_something(server));
  const fs::path file = folder_ / "a.db", log = folder_ / "a.db-wal";
  if (!set_immutable(log, true))
    GTEST_SKIP() << "only root, on a file system with attributes, can make files immutable";
  EXPECT_TRUE(set_immutable(file, true));
  EXPECT_TRUE(becomes(server, 503, "recording: a.db: cannot write"));
  EXPECT_TRUE(server.serves_another());
  EXPECT_TRUE(set_immutable(file, false));
  EXPECT_TRUE(set_immutable(log, false));
  EXPECT_TRUE(becomes(server, 200, "\"ok\""));
  stop(server);
  expect_good("a.db");
  EXPECT_EQ(gaps("a.db"), "");
}

TEST_F(ServeRecord, FilesFollowTheTime) {
  Serving server(BIXWS_BINARY, {"--record", "parts/%Y/part-%H%M%S.db", "--rotate", "1s"}, here());
  const auto files = [&] {
    std::vector<std::string> names;
    for (const auto& entry : fs::recursive_directory_iterator(folder_.path())) {
      if (entry.path().extension() == ".db") names.push_back(fs::relative(entry.path(), folder_.path()).string());
    }
    std::sort(names.begin(), names.end());
    return names;
  };
  ASSERT_TRUE(wait_until([&] { return fs::exists(folder_ / "parts") && files().size() >= 3; }));
  stop(server);
  std::uint64_t events = 0;
  for (const std::string& file : files()) {
    expect_good(file);
    const Finished list = run(BIXWS_BINARY, here({"sessions", "list", file, "--json"}));
    const RawJson session = RawJson::parse_or_throw(list.out)["sessions"][0];
    EXPECT_EQ(session["clean"].raw(), "true") << file;
    events += static_cast<std::uint64_t>(session["events"].integer().value_or(0));
    EXPECT_TRUE(std::regex_match(file, std::regex("parts/20\\d\\d/part-\\d{6}(-\\d+)?\\.db"))) << file;
  }
  EXPECT_GT(events, 0U);
}

TEST_F(ServeRecord, CommitsAreAnnouncedExactly) {
  const std::string feed = "sim:rate=0,count=100";
  const Finished plain = run(BIXWS_BINARY, here({"record", "--feed", feed, "-o", "a.db", "--json"}));
  ASSERT_EQ(plain.exit, ExitStatus{}) << plain.err;
  EXPECT_TRUE(std::regex_match(
      plain.out, std::regex("(\\{\"type\":\"committed\",\"session_id\":1,\"seq\":\\d+,\"recv_ts\":\\d{16}\\}\n)+")))
      << plain.out;
  const Finished sized =
      run(BIXWS_BINARY, here({"record", "--feed", feed, "-o", "b.db", "--json", "--rotate", "100MB"}));
  ASSERT_EQ(sized.exit, ExitStatus{}) << sized.err;
  EXPECT_THAT(sized.out, HasSubstr(",\"file\":\"b.db\"}\n"));
}

TEST_F(ServeRecord, WhatMakesNoSenseIsRefused) {
  const auto refused = [&](std::vector<std::string> args, const std::string& text) {
    const Finished done = run(BIXWS_BINARY, here(std::move(args)));
    EXPECT_EQ(done.exit, (ExitStatus{.code = 2, .signal = 0}));
    EXPECT_THAT(done.err, HasSubstr(text));
  };
  refused({"record", "--feed", "sim", "-o", "a.db", "--rotate", "soon"},
          "must be a time such as 1h, or a size such as");
  refused({"record", "--feed", "sim", "-o", "a%.db"}, "a%.db: %. stands for no part of the time");
  refused({"serve", "--demo", "--rotate", "1h"}, "add --record FILE");
  EXPECT_TRUE(fs::is_empty(folder_.path()));
}

// It once stood still with its feed as soon as the pipe behind --json was full.
TEST_F(ServeRecord, AReaderThatDoesNotReadHoldsUpNothing) {
  const std::string fifo = (folder_ / "fifo").string();
  ASSERT_EQ(::mkfifo(fifo.c_str(), 0600), 0);
  const int reader =
      ::open(fifo.c_str(), O_RDWR | O_NONBLOCK | O_CLOEXEC);  // also writes, or there would be no room to fill
  ASSERT_GE(reader, 0);
  const std::string noise(4096, 'x');
  while (::write(reader, noise.data(), noise.size()) > 0) {
  }
  while (::write(reader, "x", 1) > 0) {
  }
  Process record("/bin/sh",
                 here({"-c", "exec " + std::string(BIXWS_BINARY) +
                                 " record -o a.db --json --feed sim:rate=0,count=200000,channels=trades >" + fifo}));
  EXPECT_EQ(record.wait_exit(), ExitStatus{}) << record.err();
  ::close(reader);
  const Finished info = run(BIXWS_BINARY, here({"sessions", "info", "a.db", "--json"}));
  EXPECT_THAT(info.out, HasSubstr("200000")) << info.err;
}

}  // namespace
}  // namespace bixws::test

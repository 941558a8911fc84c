// SPDX-License-Identifier: Apache-2.0
// Recorders that are killed, cut off from power, or out of disk: what was announced is there, and the next run goes on.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>

#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <mutex>
#include <random>

#include "model/clock.h"
#include "recording/random_events.h"
#include "recording/recorder.h"
#include "recording/verify.h"
#include "support/process.h"
#include "support/raw_json.h"
#include "support/temp_dir.h"

namespace bixws::recording {
namespace {

namespace fs = std::filesystem;
using test::RawJson;

const fs::path kWriter = fs::path(BIXWS_BUILD_DIR) / "tests" / "recording_writer";

test::ProcessOptions arguments(std::vector<std::string> args) {
  test::ProcessOptions options;
  options.args = std::move(args);
  return options;
}

std::int64_t last_committed(const test::Process& process) {
  std::int64_t seq = 0;
  for (const std::string& line : process.lines()) {
    const auto json = RawJson::parse(line);
    if (json && (*json)["type"].text() == "committed") seq = (*json)["seq"].integer().value_or(0);
  }
  return seq;
}

std::string problems(const fs::path& file) {
  const VerifyReport report = verify(file.string(), {});
  std::string text;
  for (const std::string& error : report.errors) text += error + "\n";
  for (const SessionReport& session : report.sessions) {
    for (const std::string& error : session.errors) {
      text += "session " + std::to_string(session.session) + ": " + error + "\n";
    }
  }
  return text;
}

// 20 times here; BIXWS_KILLS=200 for the published figure.
TEST(RecordingCrash, KilledAtAnyMomentLosesNothingAnnouncedAndLittleElse) {
  const test::TempDir dir;
  const fs::path file = dir / "a.db";
  const int kills = test::kills_wanted(20);
  std::mt19937 random(20261122);
  const SystemClock clock;
  Micros worst = 0;
  for (int i = 1; i <= kills; ++i) {
    std::int64_t announced = 0;
    Micros killed_at = 0;
    {
      test::Process process(kWriter, arguments({file.string(), "50000", std::to_string(i)}));
      ASSERT_TRUE(process.wait_for_lines(1 + random() % 3)) << process.err();
      const auto moment = std::chrono::steady_clock::now() + std::chrono::microseconds(random() % 250'000);
      test::wait_until([&] { return std::chrono::steady_clock::now() >= moment; });
      killed_at = clock.now();
      process.send_signal(SIGKILL);
      ASSERT_TRUE(process.wait_exit().has_value());
      announced = last_committed(process);
    }
    ASSERT_GT(announced, 0);
    Recording recording(file.string());
    const SessionRow session = recording.session(0);
    EXPECT_EQ(session.id, i);
    EXPECT_FALSE(session.clean);
    EXPECT_GE(static_cast<std::int64_t>(session.events), announced);
    worst = std::max(worst, killed_at - session.ended_ts);
  }
  EXPECT_EQ(problems(file), "");
  RecordProperty("worst_loss_us", static_cast<int>(worst));
  std::printf("worst loss of %d kills: %lld ms\n", kills, static_cast<long long>(worst / 1000));
  // A commit begins 100 ms after the oldest event it holds. On a machine where others work too it may end late, so the
  // bound of 250 ms is held to where BIXWS_KILLS asks for more than 20.
  EXPECT_LT(worst, kills > 20 ? 250'000 : 1'000'000);
}

TEST(RecordingCrash, SigtermLosesNothing) {
  const test::TempDir dir;
  test::Process process(kWriter, arguments({(dir / "a.db").string(), "50000"}));
  ASSERT_TRUE(process.wait_for_lines(2));
  process.send_signal(SIGTERM);
  const auto exit = process.wait_exit();
  ASSERT_TRUE(exit.has_value());
  EXPECT_EQ(exit->code, 0);
  const RawJson end = RawJson::parse_or_throw(process.lines().back());
  EXPECT_EQ(end["type"].text(), "stopped");
  EXPECT_EQ(end["dropped"].raw(), "0");
  EXPECT_EQ(end["recorded"].raw(), end["sent"].raw());
  const SessionRow session = Recording((dir / "a.db").string()).session(0);
  EXPECT_TRUE(session.clean);
  EXPECT_EQ(std::to_string(session.events), end["sent"].text());
  EXPECT_EQ(problems(dir / "a.db"), "");
  EXPECT_FALSE(fs::exists(dir / "a.db-wal"));
}

// A session in the write-ahead log, with the log's size after each commit.
struct Logged {
  std::vector<std::pair<std::uintmax_t, std::uint64_t>> commits;  // size of the log, events
  std::string database, log;
};

Logged write_logged(const fs::path& file) {
  Logged logged;
  Instruments instruments;
  test::RandomEvents random(instruments, 77);
  SessionOptions options;
  options.path = file.string();
  options.raw = true;
  SessionWriter writer(options);
  for (int i = 0; i < 12; ++i) {
    writer.write(random.batch(40));
    const Committed committed = writer.commit();
    logged.commits.emplace_back(fs::file_size(file.string() + "-wal"), committed.seq);
  }
  logged.database = test::read_file(file);
  logged.log = test::read_file(file.string() + "-wal");
  return logged;
}

TEST(RecordingCrash, ALogCutAnywhereKeepsTheCommitsBeforeTheCut) {
  const test::TempDir dir;
  const Logged logged = write_logged(dir / "a.db");
  constexpr std::size_t kHeader = 32;
  constexpr std::size_t kFrame = 24 + 8192;
  ASSERT_EQ((logged.log.size() - kHeader) % kFrame, 0U);
  std::vector<std::size_t> cuts = {0, 1, kHeader - 1};
  for (std::size_t at = kHeader; at <= logged.log.size(); at += kFrame) {
    cuts.push_back(at);                                                             // between two frames
    if (at + kFrame <= logged.log.size()) cuts.push_back(at + (at * 31) % kFrame);  // inside one
  }
  for (const std::size_t cut : cuts) {
    std::uint64_t expected = 0;
    for (const auto& [size, events] : logged.commits) {
      if (size <= cut) expected = events;
    }
    const fs::path copy = dir.write("cut.db", logged.database);
    dir.write("cut.db-wal", logged.log.substr(0, cut));
    fs::remove(copy.string() + "-shm");
    Recording recording(copy.string());
    const auto sessions = recording.sessions();
    const std::uint64_t events = sessions.empty() ? 0 : sessions.back().events;
    ASSERT_EQ(events, expected) << "cut at " << cut;
    ASSERT_EQ(problems(copy), "") << "cut at " << cut;
  }
  // And the next run appends.
  const fs::path copy = dir.write("cut.db", logged.database);
  dir.write("cut.db-wal", logged.log.substr(0, logged.log.size() - 5));
  fs::remove(copy.string() + "-shm");
  SessionOptions options;
  options.path = copy.string();
  SessionWriter writer(options);
  EXPECT_EQ(writer.session(), 2);
  writer.finish();
  EXPECT_EQ(problems(copy), "");
}

TEST(RecordingCrash, AFullDiskIsSaidAndWhatWasAnnouncedStays) {
  const test::TempDir dir;
  const fs::path file = dir / "a.db";
  test::Process process(kWriter, arguments({file.string(), "20000", "1", "1500000"}));
  const auto line = process.wait_for_line("problem: (.*)", test::Process::Output::err);
  ASSERT_TRUE(line.has_value());
  EXPECT_THAT(line->at(1), testing::StartsWith(file.string() + ": cannot write: disk I/O error"));
  // Emptying the log into the file makes some room again, until there is none at all: then it stays silent.
  std::size_t lines = 0;
  auto since = std::chrono::steady_clock::now();
  ASSERT_TRUE(test::wait_until(
      [&] {
        if (process.lines().size() != lines) since = std::chrono::steady_clock::now();
        lines = process.lines().size();
        return std::chrono::steady_clock::now() - since > std::chrono::seconds(2);
      },
      std::chrono::seconds(60)));
  process.send_signal(SIGTERM);
  const auto exit = process.wait_exit();
  ASSERT_TRUE(exit.has_value());
  EXPECT_EQ(exit->code, 1);
  EXPECT_EQ(exit->signal, 0);
  EXPECT_GT(last_committed(process), 0);
  EXPECT_GE(static_cast<std::int64_t>(Recording(file.string()).session(0).events), last_committed(process));
  EXPECT_EQ(problems(file), "");
  // With room again the next run appends.
  test::Process next(kWriter, arguments({file.string(), "1000"}));
  ASSERT_TRUE(next.wait_for_lines(1)) << next.err();
  next.send_signal(SIGTERM);
  ASSERT_TRUE(next.wait_exit().has_value());
  EXPECT_EQ(Recording(file.string()).sessions().size(), 2U);
  EXPECT_EQ(problems(file), "");
}

// Keeps what a market adds up to, as one who was there from the start.
class Witness final : public hub::Listener {
 public:
  void on_batch(const SharedBatch& batch, const market::Market&) override {
    for (const Event& event : batch->events()) image_.apply(event);
  }
  SessionImage image_;
};

std::vector<std::string> books_of(const SessionImage& image) {
  EventBatch state;
  image.append_to(state);
  std::vector<std::string> books;
  for (const Event& event : std::as_const(state).events()) {
    if (event.kind == Kind::book) books.push_back(test::describe(event));
  }
  std::sort(books.begin(), books.end());
  return books;
}

TEST(RecordingCrash, ADiskThatIsTooSlowLeavesAGapAndFreshBooks) {
  const test::TempDir dir;
  const fs::path file = dir / "a.db";
  Instruments instruments;
  const SystemClock clock;
  test::RandomEvents::Options how;
  how.nasty = false;
  how.raw = false;
  test::RandomEvents random(instruments, 3, how);
  RecorderOptions options;
  options.session.path = file.string();
  options.queue_bytes = 1'000'000;
  options.commit_interval = std::chrono::milliseconds(10);
  const auto recorder = std::make_shared<Recorder>(std::move(options), instruments, clock);
  const auto witness = std::make_shared<Witness>();
  hub::Hub hub;
  hub.attach(recorder);
  hub.attach(witness);
  hub.start();
  std::size_t published_bytes = 0;
  const auto publish = [&](int batches) {
    for (int i = 0; i < batches; ++i) {
      auto batch = random.batch(100);
      published_bytes += batch->bytes();
      hub.publish(std::move(batch));
    }
    hub.drain();
  };
  publish(5);
  ASSERT_TRUE(test::wait_until([&] { return recorder->state().recorded == 500; }));
  {
    // Another writer that does not let go: the recorder waits, its queue fills, the hub goes on.
    Database other(file.string(), Database::Access::write);
    other.exec("BEGIN IMMEDIATE");
    publish(300);
    ASSERT_GT(recorder->state().dropped, 0U);
    // What is dropped is made up for once half of the queue is free, by a snapshot of the market in one piece.
    EXPECT_LE(recorder->state().queued_bytes, 2'000'000U);
    ASSERT_GT(published_bytes, 4'000'000U) << "too little to tell a bound from none";
  }
  ASSERT_TRUE(test::wait_until([&] { return recorder->state().queued_bytes == 0; }, std::chrono::seconds(30)));
  publish(20);
  hub.stop();
  ASSERT_TRUE(recorder->finish());
  EXPECT_EQ(problems(file), "");

  Instruments fresh;
  SessionReader reader(file.string(), 0, fresh);
  EventBatch batch;
  while (reader.next(batch, 1000)) {
  }
  SessionImage image;
  std::size_t gaps = 0;
  for (const Event& event : std::as_const(batch).events()) {
    image.apply(event);
    if (event.kind != Kind::gap || event.gap().reason != "recording fell behind") continue;
    ++gaps;
    EXPECT_GE(event.gap().to_ts, event.gap().from_ts);
    EXPECT_NE(event.gap().from_ts, 0);
    EXPECT_GE(event.gap().lost, 0);
  }
  EXPECT_GE(gaps, 5U);  // each instrument has books, trades and more
  EXPECT_EQ(books_of(image), books_of(witness->image_));
}

// Removed while it is written: a new file begins with the gap, and the market as it stands.
TEST(RecordingCrash, ARemovedFileIsBegunAnew) {
  const test::TempDir dir;
  const fs::path file = dir / "a.db";
  Instruments instruments;
  const SystemClock clock;
  test::RandomEvents::Options how;
  how.nasty = false;
  how.raw = false;
  test::RandomEvents random(instruments, 4, how);
  RecorderOptions options;
  options.session.path = file.string();
  options.commit_interval = std::chrono::milliseconds(10);
  options.retry_interval = std::chrono::milliseconds(10);
  std::mutex mutex;
  std::string problem;
  options.on_problem = [&](const std::string& text) {
    const std::lock_guard lock(mutex);
    problem = text;
  };
  const auto recorder = std::make_shared<Recorder>(std::move(options), instruments, clock);
  const auto witness = std::make_shared<Witness>();
  hub::Hub hub;
  hub.attach(recorder);
  hub.attach(witness);
  hub.start();
  const auto publish = [&](int batches) {
    for (int i = 0; i < batches; ++i) hub.publish(random.batch(100));
    hub.drain();
  };
  publish(20);
  ASSERT_TRUE(test::wait_until([&] { return recorder->state().recorded == 2000; }));
  for (const char* suffix : {"", "-wal", "-shm"}) fs::remove(file.string() + suffix);
  ASSERT_TRUE(test::wait_until([&] {
    publish(1);
    return fs::exists(file) && !recorder->state().failing;
  }));
  publish(20);
  hub.stop();
  ASSERT_TRUE(recorder->finish());
  {
    const std::lock_guard lock(mutex);
    EXPECT_EQ(problem, file.string() + ": cannot write: the file was removed or replaced");
  }
  EXPECT_EQ(problems(file), "");
  Instruments fresh;
  SessionReader reader(file.string(), 0, fresh);
  EventBatch batch;
  while (reader.next(batch, 1000)) {
  }
  // When the disk comes back between two batches, the next one is told as lost and the market as it stands follows.
  ASSERT_GT(batch.size(), 1900U);
  EXPECT_EQ(batch.events().front().kind, Kind::gap);
  EXPECT_EQ(batch.events().front().gap().reason, "recording failed");
  SessionImage image;
  for (const Event& event : std::as_const(batch).events()) image.apply(event);
  EXPECT_EQ(books_of(image), books_of(witness->image_));
}

}  // namespace
}  // namespace bixws::recording

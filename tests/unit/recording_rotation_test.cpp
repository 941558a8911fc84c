// SPDX-License-Identifier: Apache-2.0
// A recording that goes on in another file: names, moments, and files that need none of the others.
#include <gtest/gtest.h>

#include <atomic>
#include <filesystem>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "model/config_error.h"
#include "model/time_text.h"
#include "recording/file_names.h"
#include "recording/random_events.h"
#include "recording/recorder.h"
#include "recording/verify.h"
#include "support/temp_dir.h"
#include "support/wait.h"

namespace bixws::recording {
namespace {

namespace fs = std::filesystem;

Micros at(const char* text) { return parse_rfc3339(text).value(); }

TEST(FileNames, RotationsAreReadAsWritten) {
  EXPECT_EQ(parse_rotation("1h")->every, 3'600'000'000);
  EXPECT_EQ(parse_rotation("1h")->bytes, 0U);
  EXPECT_EQ(parse_rotation("100MB")->bytes, 100'000'000U);
  EXPECT_EQ(parse_rotation("2GiB")->bytes, std::uint64_t{2} << 30);
  for (const char* wrong : {"", "MB", "0MB", "1", "-1h", "1 MB", "1.5GB", "10ms", "99999999999999999999GB", "5TB"}) {
    EXPECT_FALSE(parse_rotation(wrong)) << wrong;
  }
}

TEST(FileNames, DirectivesAreTheTimeInUtc) {
  FileNames names("day-%Y%m%d.db", {});
  EXPECT_TRUE(names.rotates());
  EXPECT_EQ(names.first(at("2026-11-22T23:59:59.9Z")), "day-20261122.db");
  EXPECT_FALSE(names.due(at("2026-11-22T23:59:59.999999Z"), 1'000'000'000));
  EXPECT_TRUE(names.due(at("2026-11-23T00:00:00Z"), 0));
  EXPECT_EQ(names.next(at("2026-11-23T00:00:00Z")), "day-20261123.db");
  EXPECT_FALSE(names.due(at("2026-11-23T00:00:01Z"), 0));
  EXPECT_EQ(FileNames("100%%.db", {}).first(at("2026-11-22T00:00:00Z")), "100%.db");
  EXPECT_THROW(FileNames("a%.db", {}), ConfigError);
  EXPECT_THROW(FileNames("a%", {}), ConfigError);
  EXPECT_FALSE(FileNames("a.db", {}).rotates());
}

TEST(FileNames, ByTimeAtMultiplesAndBySizeWhenItIsReached) {
  FileNames hourly("a.db", *parse_rotation("1h"));
  EXPECT_EQ(hourly.first(at("2026-11-22T10:30:00Z")), "a.db");
  EXPECT_FALSE(hourly.due(at("2026-11-22T10:59:59Z"), 0));
  EXPECT_TRUE(hourly.due(at("2026-11-22T11:00:00Z"), 0));
  FileNames sized("a.db", *parse_rotation("1MB"));
  EXPECT_EQ(sized.first(at("2026-11-22T10:30:00Z")), "a.db");
  EXPECT_FALSE(sized.due(at("2026-11-23T10:30:00Z"), 999'999));
  EXPECT_TRUE(sized.due(at("2026-11-22T10:30:00Z"), 1'000'000));
}

TEST(FileNames, WhatIsThereIsNotTouchedAndFoldersAreMade) {
  const test::TempDir dir;
  dir.write("a.db", "");
  dir.write("a-2.db", "");
  FileNames names((dir / "a.db").string(), *parse_rotation("1h"));
  EXPECT_EQ(names.next(1), (dir / "a-3.db").string());
  FileNames folders((dir / "%Y/%m/a.db").string(), {});
  EXPECT_EQ(folders.first(at("2026-11-22T00:00:00Z")), (dir / "2026/11/a.db").string());
  EXPECT_TRUE(fs::is_directory(dir / "2026/11"));
  FileNames blocked((dir / "a.db/%Y/b.db").string(), {});
  EXPECT_THROW(blocked.first(1), RecordingError);
}

class SetClock final : public Clock {
 public:
  [[nodiscard]] Micros now() const noexcept override { return now_; }
  std::atomic<Micros> now_{0};
};

// Keeps what a market adds up to.
class Witness final : public hub::Listener {
 public:
  void on_batch(const SharedBatch& batch, const market::Market&) override {
    for (const Event& event : batch->events()) image_.apply(event);
  }
  SessionImage image_;
};

std::vector<std::string> state_of(const SessionImage& image) {
  EventBatch batch;
  image.append_to(batch);
  std::vector<std::string> lines;
  for (Event& event : batch.events()) {
    event.recv_ts = 0;  // when it was heard is not what is compared
    lines.push_back(test::describe(event));
  }
  std::sort(lines.begin(), lines.end());
  return lines;
}

TEST(Recorder, GoesOnInAnotherFileThatNeedsNoneBefore) {
  const test::TempDir dir;
  Instruments instruments;
  SetClock clock;
  clock.now_ = at("2026-11-22T23:59:00Z");
  test::RandomEvents::Options how;
  how.nasty = false;
  how.raw = false;
  how.start = clock.now_;
  test::RandomEvents random(instruments, 11, how);
  std::mutex mutex;
  std::vector<std::string> files;
  RecorderOptions options;
  options.names = FileNames((dir / "day-%Y%m%d.db").string(), {});
  options.commit_interval = std::chrono::milliseconds(5);
  options.on_file = [&](const std::string& path) {
    const std::lock_guard lock(mutex);
    files.push_back(fs::path(path).filename().string());
  };
  const auto recorder = std::make_shared<Recorder>(std::move(options), instruments, clock);
  const auto witness = std::make_shared<Witness>();
  hub::Hub hub;
  hub.attach(recorder);
  hub.attach(witness);
  hub.start();
  const auto file_count = [&] {
    const std::lock_guard lock(mutex);
    return files.size();
  };
  std::size_t sent = 0;
  const auto publish = [&] {
    hub.publish(random.batch(100));
    hub.drain();
    sent += 100;
  };
  publish();
  ASSERT_TRUE(test::wait_until([&] { return recorder->state().recorded == sent; }));
  clock.now_ = at("2026-11-23T00:00:01Z");
  ASSERT_TRUE(test::wait_until([&] {
    publish();
    return file_count() == 2;
  }));
  publish();
  hub.stop();
  ASSERT_TRUE(recorder->finish());
  {
    const std::lock_guard lock(mutex);
    EXPECT_EQ(files, (std::vector<std::string>{"day-20261122.db", "day-20261123.db"}));
  }
  std::size_t events = 0;
  for (const char* name : {"day-20261122.db", "day-20261123.db"}) {
    const VerifyReport report = verify((dir / name).string(), {});
    EXPECT_TRUE(report.good()) << name;
    ASSERT_EQ(report.sessions.size(), 1U);
    EXPECT_TRUE(report.sessions[0].clean) << name;
    EXPECT_FALSE(fs::exists((dir / name).string() + "-wal"));
    events += report.sessions[0].events;
  }
  EXPECT_GT(events, sent);  // all of it, and the state the second file begins with

  Instruments fresh;
  SessionReader reader((dir / "day-20261123.db").string(), 0, fresh);
  EventBatch batch;
  while (reader.next(batch, 1000)) {
  }
  SessionImage image;
  for (const Event& event : std::as_const(batch).events()) image.apply(event);
  EXPECT_EQ(state_of(image), state_of(witness->image_));
}

TEST(Recorder, KeepsItsFileWhileTheNextOneCannotBeMade) {
  const test::TempDir dir;
  Instruments instruments;
  SetClock clock;
  clock.now_ = at("2026-11-22T10:00:00Z");
  test::RandomEvents::Options how;
  how.nasty = false;
  how.raw = false;
  test::RandomEvents random(instruments, 12, how);
  std::mutex mutex;
  std::vector<std::string> problems;
  RecorderOptions options;
  options.names = FileNames((dir / "%H/a.db").string(), {});
  options.commit_interval = std::chrono::milliseconds(5);
  options.retry_interval = std::chrono::milliseconds(5);
  options.on_no_file = [&](const std::string& why) {
    const std::lock_guard lock(mutex);
    problems.push_back(why);
  };
  Recorder recorder(std::move(options), instruments, clock);
  const market::Market market;
  dir.write("11", "a file where a folder must be");
  clock.now_ = at("2026-11-22T11:00:00Z");
  std::size_t sent = 0;
  const auto publish = [&] {
    recorder.on_batch(SharedBatch(random.batch(10)), market);
    sent += 10;
  };
  ASSERT_TRUE(test::wait_until([&] {
    publish();
    const std::lock_guard lock(mutex);
    return !problems.empty();
  }));
  EXPECT_FALSE(recorder.state().failing);
  ASSERT_TRUE(test::wait_until([&] { return recorder.state().recorded == sent; }));
  fs::remove(dir / "11");
  ASSERT_TRUE(test::wait_until([&] {
    publish();
    return fs::exists(dir / "11/a.db");
  }));
  ASSERT_TRUE(recorder.finish());
  const std::lock_guard lock(mutex);
  EXPECT_EQ(problems.size(), 1U);  // said once
}

}  // namespace
}  // namespace bixws::recording

// SPDX-License-Identifier: Apache-2.0
// A recording with any byte changed, or cut anywhere: an exact message, or everything up to the damage; never a crash,
// never a wrong event.
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <thread>

#include "model/config_error.h"
#include "recording/exporter.h"
#include "recording/indexer.h"
#include "recording/playback.h"
#include "recording/random_events.h"
#include "recording/recording.h"
#include "recording/session_writer.h"
#include "recording/verify.h"
#include "support/temp_dir.h"

namespace bixws::recording {
namespace {

namespace fs = std::filesystem;

// Small pages, so that a sweep over every byte ends before the reader's patience.
std::string small_recording(const fs::path& file) {
  Instruments instruments;
  test::RandomEvents::Options how;
  how.levels = 3;
  test::RandomEvents random(instruments, 5, how);
  SessionOptions options;
  options.path = file.string();
  options.feeds = "someex";
  options.version = "test";
  options.raw = true;
  {
    SessionWriter writer(options);
    for (int i = 0; i < 3; ++i) writer.write(random.batch(10));
    writer.finish();
  }
  {
    SessionWriter writer(options);
    writer.write(random.batch(5));
    writer.finish();
  }
  Database database(file.string(), Database::Access::write);
  database.exec("PRAGMA page_size = 512; VACUUM");
  return test::read_file(file);
}

std::vector<std::string> events_of(const fs::path& file, std::int64_t session, bool& ended) {
  std::vector<std::string> lines;
  ended = false;
  Instruments instruments;
  EventBatch batch;
  try {
    SessionReader reader(file.string(), session, instruments);
    while (reader.next(batch, 64)) {
    }
    ended = true;
  } catch (const ConfigError&) {
  } catch (const RecordingError& error) {
    // The message says which file.
    EXPECT_TRUE(std::string(error.what()).starts_with(file.string())) << error.what();
  }
  for (const Event& event : batch.events()) lines.push_back(test::describe(event));
  return lines;
}

class Damage : public testing::Test {
 protected:
  // In memory where there is such a place: tens of thousands of files are written.
  Damage() {
    const fs::path folder = fs::exists("/dev/shm") ? fs::path("/dev/shm") : fs::temp_directory_path();
    folder_ = folder / ("bixws-damage-" + std::to_string(::getpid()));
    fs::create_directories(folder_);
    file_ = folder_ / "a.db";
    good_ = small_recording(file_);
    for (const std::int64_t session : {1, 2}) {
      bool ended = false;
      original_[session] = events_of(file_, session, ended);
      EXPECT_TRUE(ended);
      EXPECT_FALSE(original_[session].empty());
    }
  }
  ~Damage() override { fs::remove_all(folder_); }

  static void write(const fs::path& file, std::string_view bytes) {
    std::ofstream out(file, std::ios::binary | std::ios::trunc);
    out.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  }

  // Reads the file in every way; `what` names the damage in failures.
  void examine(const fs::path& file, const std::string& what) const {
    bool proven = false;
    try {
      proven = verify(file.string(), {}).good();
    } catch (const RecordingError& error) {
      ASSERT_TRUE(std::string(error.what()).starts_with(file.string())) << what << ": " << error.what();
    }
    for (const std::int64_t session : {1, 2}) {
      bool ended = false;
      const auto events = events_of(file, session, ended);
      const auto& original = original_.at(session);
      ASSERT_LE(events.size(), original.size()) << what;
      ASSERT_TRUE(std::equal(events.begin(), events.end(), original.begin())) << what << ": a wrong event";
      // An end that is no damage is the end.
      if (ended || proven) {
        ASSERT_EQ(events.size(), original.size()) << what << ": events are missing and nobody says so";
      }
      if (proven) {
        ASSERT_TRUE(ended) << what;
      }
    }
  }

  // The cases from 0 to count, on two threads with a file each.
  template <typename Case>
  void sweep(std::size_t count, Case&& each) {
    std::vector<std::thread> threads;
    for (std::size_t half = 0; half < 2; ++half) {
      threads.emplace_back([&, half] {
        const fs::path file = folder_ / ("case" + std::to_string(half) + ".db");
        for (std::size_t at = half; at < count && !HasFatalFailure(); at += 2) each(file, at);
      });
    }
    for (std::thread& thread : threads) thread.join();
  }

  fs::path folder_, file_;
  std::string good_;
  std::map<std::int64_t, std::vector<std::string>> original_;
};

// Sanitizers take ten times as long and look for something else: there, every seventh byte.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr std::size_t kStride = 7;
#else
constexpr std::size_t kStride = 1;
#endif

TEST_F(Damage, EveryChangedByteIsSurvived) {
  sweep(good_.size() / kStride, [this](const fs::path& file, std::size_t which) {
    const std::size_t at = which * kStride;
    std::string changed = good_;
    // One bit, all bits, and the next value, in turn.
    const auto byte = static_cast<unsigned char>(changed[at]);
    changed[at] = static_cast<char>(at % 3 == 0 ? byte ^ (1U << (at / 3 % 8)) : at % 3 == 1 ? ~byte : byte + 1U);
    write(file, changed);
    examine(file, "byte " + std::to_string(at));
  });
}

// Indexes and book rows are no truth: damage in them is named by verify, and nobody reads a wrong event because of it.
TEST_F(Damage, EveryChangedByteOfAnIndexedRecordingIsSurvived) {
  index_recording({.path = file_.string(), .books = true}, {});
  {
    Database database(file_.string(), Database::Access::write);
    database.exec("VACUUM");
  }
  const std::string indexed = test::read_file(file_);
  ASSERT_GT(indexed.size(), good_.size());
  ASSERT_TRUE(verify(file_.string(), {}).good());
  constexpr std::size_t kEach = 29 * kStride;
  sweep(indexed.size() / kEach, [&](const fs::path& file, std::size_t which) {
    // Not the same byte of each page.
    const std::size_t at = which * kEach + which % kEach;
    std::string changed = indexed;
    changed[at] = static_cast<char>(static_cast<unsigned char>(changed[at]) ^ (1U << (which % 8)));
    write(file, changed);
    examine(file, "byte " + std::to_string(at));
  });
}

TEST_F(Damage, EveryCutIsSurvived) {
  // Every page boundary and its neighbours, and many places inside.
  std::vector<std::size_t> cuts;
  for (std::size_t size = 0; size < good_.size(); size += size % 512 < 4 || size % 512 > 508 ? 1 : 19) {
    cuts.push_back(size);
  }
  sweep(cuts.size(), [&](const fs::path& file, std::size_t at) {
    write(file, std::string_view(good_).substr(0, cuts[at]));
    examine(file, "cut to " + std::to_string(cuts[at]));
  });
}

TEST_F(Damage, ReplayAndExportGiveWhatIsBeforeTheDamage) {
  // A changed byte in the second session's only chunk, and in the middle of a larger one.
  {
    SessionOptions options;
    options.path = file_.string();
    Instruments instruments;
    test::RandomEvents::Options how;
    how.nasty = false;
    test::RandomEvents random(instruments, 9, how);
    SessionWriter writer(options);
    for (int i = 0; i < 50; ++i) writer.write(random.batch(200));
    writer.finish();
    Database database(file_.string(), Database::Access::write);
    database.exec("UPDATE chunks SET data = substr(data, 1, 50) || x'7e' || substr(data, 52) WHERE id = (3 << 32) + 1");
  }
  Instruments instruments;
  PlaybackOptions play;
  play.path = file_.string();
  play.speed = 0;
  Playback playback(play, instruments);
  std::size_t played = 0;
  for (Playback::Step step = playback.advance(0); step.action == Playback::Action::publish;
       step = playback.advance(0)) {
    for (const Event& event : std::as_const(*step.batch).events()) {
      if (event.kind != Kind::status || event.status().replay == nullptr) ++played;
    }
  }
  EXPECT_EQ(playback.state(), Playback::State::ended);
  EXPECT_EQ(played, 4096U);
  EXPECT_NE(playback.error().find("chunk 1 (from event 4097) does not have the CRC32 it was written with; the 4096 "
                                  "events before it are good"),
            std::string::npos)
      << playback.error();

  ExportOptions options;
  options.path = file_.string();
  std::string text;
  EXPECT_THROW(export_session(options,
                              [&](std::string_view piece) {
                                text += piece;
                                return true;
                              },
                              {}),
               DamageError);
  EXPECT_EQ(text.back(), '\n');
  EXPECT_GT(std::count(text.begin(), text.end(), '\n'), 3000);
}

// Frames are the bulk of a raw recording: with any byte of their chunk changed, none of them is read wrong. Sums are
// left aside: the grammar alone must hold.
TEST(RawChunk, NoChangedByteMakesTheReaderLeaveItsPayload) {
  Instruments instruments;
  const Instrument& feed = instruments.get("someex", "");
  ChunkWriter writer;
  for (std::uint32_t i = 0; i < 40; ++i) {
    const std::string text(i * 7 % 90, static_cast<char>('a' + i % 26));
    const auto direction = static_cast<RawFrame::Direction>(i % 5);
    const RawFrame frame{i % 3, direction, i % 5 == 4 ? Text("https://example.org/a?b") : Text(), text};
    writer.add(Event::of(feed, 1'000'000 + i, 0, frame));
  }
  ColumnWriter payload;
  writer.finish(payload);
  const std::string good(payload.view());
  for (std::size_t at = 0; at < good.size(); ++at) {
    for (const unsigned flip : {0x01U, 0x80U, 0xffU}) {
      // On the heap, exactly as large as it says: a sanitizer sees any read beyond it.
      std::vector<char> changed(good.begin(), good.end());
      changed[at] = static_cast<char>(static_cast<unsigned char>(changed[at]) ^ flip);
      ChunkReader reader({changed.data(), changed.size()}, instruments);
      EventBatch events;
      while (reader.next(events) == ChunkReader::Result::event) {
      }
      ASSERT_LE(events.size(), changed.size()) << at;
      std::size_t bytes = 0;
      for (const Event& event : std::as_const(events).events()) {
        if (event.kind == Kind::raw) bytes += event.raw().bytes.size() + event.raw().url.size();
      }
      ASSERT_LE(bytes, changed.size()) << at;
    }
  }
}

}  // namespace
}  // namespace bixws::recording

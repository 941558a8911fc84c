// SPDX-License-Identifier: Apache-2.0
// What was recorded is what is replayed: events, digests, places in time.
#include <gtest/gtest.h>

#include <map>

#include "market/book.h"
#include "model/config_error.h"
#include "recording/digest.h"
#include "recording/playback.h"
#include "recording/random_events.h"
#include "recording/recorder.h"
#include "recording/replayer.h"
#include "support/temp_dir.h"
#include "support/wait.h"

namespace bixws::recording {
namespace {

constexpr Micros kStart = 1'795'372'800'000'000;

SessionOptions session_options(const std::filesystem::path& file) {
  SessionOptions options;
  options.path = file.string();
  options.feeds = "someex";
  options.version = "test";
  options.now = kStart;
  options.raw = true;
  return options;
}

// A session of `batches` batches in `file`; answers what was written, described.
std::vector<std::string> write_session(const std::filesystem::path& file, std::uint64_t seed, int batches,
                                       std::size_t events_each, bool nasty = false) {
  Instruments instruments;
  test::RandomEvents::Options how;
  how.nasty = nasty;
  test::RandomEvents random(instruments, seed, how);
  SessionWriter writer(session_options(file));
  std::vector<std::string> written;
  for (int i = 0; i < batches; ++i) {
    const SharedBatch batch = random.batch(events_each);
    writer.write(batch);
    for (const Event& event : batch->events()) {
      if (event.kind != Kind::status || event.status().replay == nullptr) written.push_back(test::describe(event));
    }
    if (i % 3 == 0) writer.commit();
  }
  writer.finish();
  return written;
}

std::vector<std::string> read_session(const std::filesystem::path& file, std::int64_t session = 0) {
  Instruments instruments;
  SessionReader reader(file.string(), session, instruments);
  std::vector<std::string> lines;
  EventBatch batch;
  while (reader.next(batch, 700)) {
    for (const Event& event : batch.events()) lines.push_back(test::describe(event));
    batch.clear();
  }
  return lines;
}

Hash digest_of(const std::filesystem::path& file, std::int64_t session = 0) {
  Instruments instruments;
  SessionReader reader(file.string(), session, instruments);
  Digest digest(1 << 16);
  EventBatch batch;
  while (reader.next(batch, 1000)) {
    for (const Event& event : batch.events()) digest.add(event);
    batch.clear();
  }
  return digest.finish();
}

// The books that a run of events leads to, as text.
class Books {
 public:
  void apply(const Event& event) {
    if (event.kind == Kind::book) books_[event.instrument->id].apply(event.book());
  }
  std::string text() const {
    std::string text;
    for (const auto& [id, book] : books_) {
      text += std::to_string(id) + ":";
      for (const Level& level : book.bids().top(SIZE_MAX))
        text += " " + level.price.to_string() + "x" + level.size.to_string();
      text += " |";
      for (const Level& level : book.asks().top(SIZE_MAX))
        text += " " + level.price.to_string() + "x" + level.size.to_string();
      text += "\n";
    }
    return text;
  }

 private:
  std::map<std::uint32_t, market::Book> books_;
};

TEST(Session, IsReadAsItWasWritten) {
  const test::TempDir dir;
  for (const bool nasty : {false, true}) {
    const auto file = dir / (nasty ? "nasty.db" : "plain.db");
    const auto written = write_session(file, 11, 40, 300, nasty);
    EXPECT_EQ(read_session(file), written);
  }
}

TEST(Session, IsAppendedToAnExistingRecording) {
  const test::TempDir dir;
  const auto first = write_session(dir / "a.db", 1, 3, 50);
  const auto second = write_session(dir / "a.db", 2, 3, 50);
  EXPECT_EQ(read_session(dir / "a.db", 1), first);
  EXPECT_EQ(read_session(dir / "a.db", 2), second);
  EXPECT_EQ(read_session(dir / "a.db"), second);
  Recording recording((dir / "a.db").string());
  const auto sessions = recording.sessions();
  ASSERT_EQ(sessions.size(), 2U);
  EXPECT_TRUE(sessions[0].clean);
  EXPECT_EQ(sessions[1].events, 150U);
  EXPECT_THROW((void)recording.session(3), ConfigError);
}

TEST(Session, CanBeReadWhileItIsWritten) {
  const test::TempDir dir;
  Instruments instruments;
  test::RandomEvents random(instruments, 4);
  SessionWriter writer(session_options(dir / "a.db"));
  std::size_t events = 0;
  for (int i = 0; i < 30; ++i) {
    const SharedBatch batch = random.batch(200);
    writer.write(batch);
    const Committed committed = writer.commit();
    events = read_session(dir / "a.db").size();
    ASSERT_EQ(events, committed.seq);
  }
  EXPECT_FALSE(Recording((dir / "a.db").string()).session(0).clean);
}

TEST(Session, TimesAreFoundAndTheBookThereIsRight) {
  const test::TempDir dir;
  write_session(dir / "a.db", 21, 300, 400);  // enough for keyframes
  Instruments instruments;
  std::vector<std::string> books;
  std::vector<Micros> times;
  {
    SessionReader reader((dir / "a.db").string(), 0, instruments);
    Books all;
    EventBatch batch;
    while (reader.next(batch, 1000)) {
      for (const Event& event : batch.events()) {
        times.push_back(event.recv_ts);
        if (times.size() % 997 == 1) books.push_back(all.text());
        all.apply(event);
      }
      batch.clear();
    }
  }
  ASSERT_EQ(times.size(), 120'000U);
  SessionReader reader((dir / "a.db").string(), 0, instruments);
  EXPECT_GE(Recording((dir / "a.db").string()).database().integer("SELECT count(*) FROM keyframes"), 1);
  for (std::size_t i = 0; i < books.size(); i += 3) {
    const std::uint64_t seq = i * 997 + 1;
    SessionImage image;
    reader.seek_seq(seq, &image);
    ASSERT_EQ(reader.next_seq(), seq);
    EventBatch state;
    image.append_to(state);
    Books restored;
    for (const Event& event : state.events()) restored.apply(event);
    ASSERT_EQ(restored.text(), books[i]) << "at event " << seq;

    const Micros ts = times[seq - 1];
    reader.seek_time(ts, nullptr);
    ASSERT_EQ(times[reader.next_seq() - 1], ts);
    ASSERT_TRUE(reader.next_seq() == 1 || times[reader.next_seq() - 2] < ts);
    EventBatch batch;
    ASSERT_TRUE(reader.next(batch, 1));
    EXPECT_EQ(batch.events().front().recv_ts, ts);
  }
  reader.seek_time(times.back() + 1, nullptr);
  EventBatch batch;
  EXPECT_FALSE(reader.next(batch, 1));
}

TEST(Digest, DependsOnGroupsNotOnTheirInterleaving) {
  Instruments instruments;
  test::RandomEvents::Options how;
  how.nasty = false;
  test::RandomEvents random(instruments, 5, how);
  const auto batch = random.batch(3000);
  Digest in_order(1 << 14);
  for (const Event& event : batch->events()) in_order.add(event);
  Digest by_instrument;
  for (std::uint32_t id = 0; id < instruments.size(); ++id) {
    for (const Event& event : batch->events()) {
      if (event.instrument->id == id) by_instrument.add(event);
    }
  }
  EXPECT_EQ(in_order.events(), by_instrument.events());
  EXPECT_EQ(hex(in_order.finish()), hex(by_instrument.finish()));
}

// Random events through a hub into a recording.
void record_market(const std::filesystem::path& file, std::uint64_t seed, int batches) {
  Instruments instruments;
  test::RandomEvents::Options how;
  how.nasty = false;
  test::RandomEvents random(instruments, seed, how);
  const SystemClock clock;
  RecorderOptions options;
  options.session = session_options(file);
  options.hold_back = true;
  const auto recorder = std::make_shared<Recorder>(std::move(options), instruments, clock);
  hub::Hub hub;
  hub.attach(recorder);
  hub.start();
  for (int i = 0; i < batches; ++i) hub.publish(random.batch(200));
  hub.stop();
  ASSERT_TRUE(recorder->finish());
  EXPECT_EQ(recorder->state().dropped, 0U);
}

// A replay of `from` through a hub into the recording `to`. `drive` may use the controls; answers when it has ended.
void replay_into(const PlaybackOptions& from, const std::filesystem::path& to,
                 const std::function<void(Replayer&)>& drive = {}) {
  Instruments instruments;
  const SystemClock clock;
  RecorderOptions options;
  options.session = session_options(to);
  options.hold_back = true;
  options.queue_bytes = 1 << 20;
  const auto recorder = std::make_shared<Recorder>(std::move(options), instruments, clock);
  hub::Hub hub;
  hub.attach(recorder);
  hub.start();
  HubTarget target(hub);
  Replayer replayer(from, instruments, target);
  replayer.start();
  if (drive) drive(replayer);
  replayer.wait();
  hub.stop();
  ASSERT_TRUE(recorder->finish());
}

PlaybackOptions play(const std::filesystem::path& file, double speed) {
  PlaybackOptions options;
  options.path = file.string();
  options.speed = speed;
  return options;
}

TEST(Replay, RecordedAgainHasTheSameDigest) {
  const test::TempDir dir;
  record_market(dir / "a.db", 31, 60);
  const std::string digest = hex(digest_of(dir / "a.db"));
  replay_into(play(dir / "a.db", 0), dir / "max.db");
  EXPECT_EQ(hex(digest_of(dir / "max.db")), digest);
  replay_into(play(dir / "a.db", 100), dir / "fast.db");
  EXPECT_EQ(hex(digest_of(dir / "fast.db")), digest);
  replay_into(play(dir / "max.db", 0), dir / "again.db");
  EXPECT_EQ(hex(digest_of(dir / "again.db")), digest);
}

// The events of a playback whose clock is turned by hand, with the time each was given.
struct Played {
  std::vector<std::string> events;
  std::vector<std::pair<Micros, std::int64_t>> times;  // recorded, given
  std::vector<std::string> states;
  std::size_t epochs = 0;
};

void collect(const Playback::Step& step, std::int64_t now, Played& played) {
  if (step.new_epoch) ++played.epochs;
  for (const Event& event : std::as_const(*step.batch).events()) {
    if (event.kind == Kind::status && event.status().replay != nullptr) {
      played.states.emplace_back(event.status().replay->state);
      continue;
    }
    played.events.push_back(test::describe(event));
    played.times.emplace_back(event.recv_ts, now);
  }
}

// Until it rests; the clock jumps to what is due.
void play_on(Playback& playback, std::int64_t& now, Played& played, std::size_t at_most = SIZE_MAX) {
  while (played.events.size() < at_most) {
    const Playback::Step step = playback.advance(now);
    if (step.action == Playback::Action::rest) return;
    if (step.action == Playback::Action::wait) {
      ASSERT_GT(step.due_ns, now);
      now = step.due_ns;
      continue;
    }
    collect(step, now, played);
  }
}

TEST(Playback, GivesEachEventWhenItIsDue) {
  const test::TempDir dir;
  const auto written = write_session(dir / "a.db", 8, 20, 100);
  for (const double speed : {0.5, 1.0, 5.0, 100.0}) {
    Instruments instruments;
    Playback playback(play(dir / "a.db", speed), instruments);
    std::int64_t now = 7'000'000'000;
    const std::int64_t begin = now;
    Played played;
    play_on(playback, now, played);
    EXPECT_EQ(playback.state(), Playback::State::ended);
    EXPECT_EQ(played.events, written);
    EXPECT_EQ(played.states.back(), "ended");
    const Micros first = playback.session().started_ts;
    for (const auto& [ts, given] : played.times) {
      ASSERT_NEAR(static_cast<double>(given - begin), static_cast<double>(ts - first) * 1000 / speed, 2000) << speed;
    }
  }
}

TEST(Playback, PausesStepsSeeksAndChangesSpeed) {
  const test::TempDir dir;
  const auto written = write_session(dir / "a.db", 9, 30, 100);
  Instruments instruments;
  PlaybackOptions options = play(dir / "a.db", 1);
  options.paused = true;
  Playback playback(options, instruments);
  std::int64_t now = 0;
  Played played;
  play_on(playback, now, played);
  EXPECT_TRUE(played.events.empty());
  EXPECT_EQ(played.states, std::vector<std::string>{"paused"});

  // An exchange's own frames, which nobody sees, are no steps.
  const auto is_raw = [](const std::string& text) { return text.starts_with("kind=9 "); };
  std::size_t stepped = 0;
  for (int steps = 0; steps < 3; ++stepped) {
    if (!is_raw(written[stepped])) ++steps;
  }
  playback.step(3, now);
  play_on(playback, now, played);
  EXPECT_EQ(played.events,
            std::vector<std::string>(written.begin(), written.begin() + static_cast<std::ptrdiff_t>(stepped)));

  playback.resume(now);
  play_on(playback, now, played, 1000);
  playback.pause(now);
  const std::size_t reached = played.events.size();
  now += 3'600'000'000'000;  // an hour of pause costs nothing
  play_on(playback, now, played);
  EXPECT_EQ(played.events.size(), reached);
  playback.set_speed(50, now);
  playback.resume(now);
  play_on(playback, now, played, 1500);
  EXPECT_EQ(played.epochs, 0U);

  playback.seek(0);
  Played again;
  play_on(playback, now, again);
  EXPECT_EQ(again.epochs, 1U);
  EXPECT_EQ(again.events, written);
}

TEST(Playback, FromBeginsWithTheStateBeforeIt) {
  const test::TempDir dir;
  write_session(dir / "a.db", 10, 50, 200);
  Instruments instruments;
  Books all;
  std::vector<std::string> rest;
  PlaybackOptions options = play(dir / "a.db", 0);
  options.from = "+2s";
  options.to = "+3s";
  Playback playback(options, instruments);
  SessionReader reader((dir / "a.db").string(), 0, instruments);
  EventBatch batch;
  std::string books_at_from;
  while (reader.next(batch, 1)) {
    const Event& event = batch.events().front();
    if (event.recv_ts >= playback.to()) break;
    if (event.recv_ts >= playback.from()) {
      if (books_at_from.empty()) books_at_from = all.text();
      rest.push_back(test::describe(event));
    }
    all.apply(event);
    batch.clear();
  }
  ASSERT_GT(rest.size(), 100U);
  Played played;
  std::int64_t now = 0;
  Books restored;
  const Playback::Step first = playback.advance(now);
  ASSERT_EQ(first.action, Playback::Action::publish);
  for (const Event& event : std::as_const(*first.batch).events()) {
    EXPECT_LT(event.recv_ts, playback.from());
    if (event.kind == Kind::book) {
      EXPECT_EQ(event.book().action, BookAction::snapshot);
    }
    restored.apply(event);
  }
  EXPECT_EQ(restored.text(), books_at_from);
  play_on(playback, now, played);
  EXPECT_EQ(played.events, rest);
}

TEST(Playback, LoopsInNewEpochs) {
  const test::TempDir dir;
  const auto written = write_session(dir / "a.db", 12, 3, 50);
  Instruments instruments;
  PlaybackOptions options = play(dir / "a.db", 0);
  options.loop = true;
  Playback playback(options, instruments);
  std::int64_t now = 0;
  Played played;
  play_on(playback, now, played, written.size() * 3);
  EXPECT_EQ(played.epochs, 2U);
  EXPECT_EQ(played.events.size(), written.size() * 3);
}

TEST(Playback, RefusesTimesThatLeaveNothing) {
  const test::TempDir dir;
  write_session(dir / "a.db", 12, 3, 50);
  Instruments instruments;
  PlaybackOptions options = play(dir / "a.db", 0);
  options.from = "+1d";
  EXPECT_THROW(Playback(options, instruments), ConfigError);
  options.from = "yesterday";
  EXPECT_THROW(Playback(options, instruments), ConfigError);
}

TEST(Pacing, DoesNotDrift) {
  Pacing pacing;
  pacing.anchor(kStart, 5'000, 100);
  EXPECT_EQ(pacing.due_ns(kStart), 5'000);
  for (const std::int64_t hours : {1, 24, 1000}) {
    const Micros later = hours * 3'600'000'000;
    EXPECT_NEAR(static_cast<double>(pacing.due_ns(kStart + later) - 5'000), static_cast<double>(later) * 10, 1.0);
    EXPECT_NEAR(static_cast<double>(pacing.position(5'000 + later * 10) - kStart), static_cast<double>(later), 1.0);
  }
  pacing.anchor(kStart, 5'000, 0.1);
  EXPECT_EQ(pacing.due_ns(INT64_MAX), INT64_MAX);
  EXPECT_EQ(pacing.due_ns(INT64_MIN), 5'000);
  pacing.anchor(kStart, 5'000, 0);
  EXPECT_EQ(pacing.due_ns(kStart + 1'000'000'000), 5'000);
}

TEST(Pacing, SpeedsAreReadAsWritten) {
  EXPECT_EQ(parse_speed("max"), 0.0);
  EXPECT_EQ(parse_speed("2"), 2.0);
  EXPECT_EQ(parse_speed("0.1"), 0.1);
  EXPECT_EQ(parse_speed("100x"), 100.0);
  for (const char* wrong : {"", "x", "0", "-1", "fast", "1e9", "nan", "inf", "2 "}) {
    EXPECT_FALSE(parse_speed(wrong).has_value()) << wrong;
  }
}

}  // namespace
}  // namespace bixws::recording

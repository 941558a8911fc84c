// SPDX-License-Identifier: Apache-2.0
// verify proves good recordings and names what is damaged in bad ones.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <memory>
#include <vector>

#include "model/config_error.h"
#include "recording/coverage.h"
#include "recording/random_events.h"
#include "recording/recording.h"
#include "recording/session_writer.h"
#include "recording/verify.h"
#include "support/temp_dir.h"

namespace bixws::recording {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr Micros kVerifyStart = 1'795'372'800'000'000;

void write_to_verify(const std::filesystem::path& file, std::uint64_t seed, int batches, std::size_t events_each,
                     bool nasty, bool books = false) {
  Instruments instruments;
  test::RandomEvents::Options how;
  how.nasty = nasty;
  test::RandomEvents random(instruments, seed, how);
  SessionOptions options;
  options.path = file.string();
  options.version = "test";
  options.now = kVerifyStart;
  options.raw = true;
  options.sql_books = books;
  SessionWriter writer(options);
  for (int i = 0; i < batches; ++i) {
    writer.write(random.batch(events_each));
    writer.commit();
  }
  writer.finish();
}

// Errors of file and sessions together, after changing the file behind the recorder's back.
std::vector<std::string> errors_after(const std::filesystem::path& file, const std::string& sql) {
  {
    Database database(file.string(), Database::Access::write);
    database.exec(sql);
  }
  const VerifyReport report = verify(file.string(), {});
  std::vector<std::string> errors = report.errors;
  for (const SessionReport& session : report.sessions) {
    errors.insert(errors.end(), session.errors.begin(), session.errors.end());
  }
  EXPECT_EQ(report.good(), errors.empty());
  return errors;
}

TEST(Verify, FindsNothingInWhatWasRecorded) {
  const test::TempDir dir;
  write_to_verify(dir / "a.db", 1, 30, 200, true);
  write_to_verify(dir / "a.db", 2, 5, 200, false, true);
  write_to_verify(dir / "a.db", 3, 0, 0, false);
  const VerifyReport report = verify((dir / "a.db").string(), {});
  EXPECT_THAT(report.errors, IsEmpty());
  ASSERT_EQ(report.sessions.size(), 3U);
  for (const SessionReport& session : report.sessions) {
    EXPECT_THAT(session.errors, IsEmpty()) << session.session;
    EXPECT_TRUE(session.digest.has_value());
    EXPECT_TRUE(session.clean);
  }
  EXPECT_EQ(report.sessions[1].events, 1000U);
  // What nothing hashes to.
  EXPECT_EQ(hex(*report.sessions[2].digest), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

// Rows go in many at a time and unnumbered where the table ends with one's own; here it mostly does not.
TEST(Verify, TwoWritersOfOneFileKeepTheirRowsApart) {
  const test::TempDir dir;
  const std::string file = (dir / "a.db").string();
  std::array<Instruments, 2> instruments;
  std::vector<test::RandomEvents> random;
  std::vector<std::unique_ptr<SessionWriter>> writers;
  for (const std::size_t i : {0, 1}) {
    random.emplace_back(instruments[i], 20 + i, test::RandomEvents::Options());
    SessionOptions options;
    options.path = file;
    options.now = kVerifyStart;
    options.sql_books = true;
    writers.push_back(std::make_unique<SessionWriter>(options));
  }
  for (int round = 0; round < 12; ++round) {
    for (const std::size_t i : {0, 1}) {
      if (round > 8 && i == 1) continue;  // the first goes on behind the rows of the second
      writers[i]->write(random[i].batch(900));
      writers[i]->commit();
    }
  }
  std::vector<std::uint64_t> events;
  for (auto& writer : writers) events.push_back(writer->finish().seq);
  writers.clear();
  const VerifyReport report = verify(file, {});
  EXPECT_TRUE(report.good());
  ASSERT_EQ(report.sessions.size(), 2U);
  for (const std::size_t i : {0, 1}) EXPECT_EQ(report.sessions[i].events, events[i]);
  Database database(file, Database::Access::read);
  for (const char* table : {"trades", "tickers", "book_levels"}) {
    for (const char* session : {"1", "2"}) {
      const std::string rows = std::string("SELECT count(*), min(id) & 0xffffffffff, max(id) & 0xffffffffff FROM ") +
                               table + " WHERE id >> 40 = " + session;
      Statement select = database.prepare(rows);
      ASSERT_TRUE(select.step());
      EXPECT_GT(select.integer(0), 200) << rows;
      EXPECT_EQ(select.integer(1), 1) << rows;
      EXPECT_EQ(select.integer(2), select.integer(0)) << rows;
    }
  }
}

TEST(Verify, ProvesKeyframes) {
  const test::TempDir dir;
  write_to_verify(dir / "a.db", 4, 300, 400, false);
  EXPECT_THAT(errors_after(dir / "a.db", "SELECT 1"), IsEmpty());
  EXPECT_THAT(errors_after(dir / "a.db",
                           "UPDATE keyframes SET data = zeroblob(100) WHERE id = (SELECT min(id) FROM keyframes)"),
              ElementsAre(HasSubstr("the keyframe before chunk")));
}

TEST(Verify, NamesTheDamagedChunkAndTheGoodEvents) {
  const test::TempDir dir;
  write_to_verify(dir / "a.db", 5, 100, 200, false);  // 20,000 events: chunks of 4,096
  const auto errors = errors_after(
      dir / "a.db",
      "UPDATE chunks SET data = substr(data, 1, 100) || x'00' || substr(data, 102) WHERE id = (1 << 32) + 2");
  ASSERT_EQ(errors.size(), 2U);
  EXPECT_THAT(errors[0], HasSubstr("chunk 2 (events 8193 to 12288, received 2026-11-22T"));
  EXPECT_THAT(errors[0], HasSubstr("does not have the CRC32 it was written with"));
  EXPECT_EQ(errors[1], "good are the events 1 to 8192, 12289 to 20000");
  EXPECT_FALSE(verify((dir / "a.db").string(), {}).sessions[0].digest.has_value());
}

TEST(Verify, NoticesWhatIsMissing) {
  const test::TempDir dir;
  write_to_verify(dir / "chunk.db", 6, 100, 200, false);
  EXPECT_THAT(errors_after(dir / "chunk.db", "DELETE FROM chunks WHERE id = (1 << 32) + 1"),
              ElementsAre("chunk 1 is missing", "good are the events 1 to 4096, 8193 to 20000"));
  write_to_verify(dir / "last.db", 6, 100, 200, false);
  EXPECT_THAT(errors_after(dir / "last.db", "DELETE FROM chunks WHERE id = (1 << 32) + 4"),
              ElementsAre("chunk 4 is missing", "good are the events 1 to 16384"));
  write_to_verify(dir / "trade.db", 6, 10, 200, false);
  EXPECT_THAT(errors_after(dir / "trade.db", "DELETE FROM trades WHERE id = (SELECT min(id) + 5 FROM trades)"),
              testing::Contains(HasSubstr("table trades: the row of event")));
  write_to_verify(dir / "session.db", 6, 10, 200, false);
  EXPECT_THAT(errors_after(dir / "session.db", "DELETE FROM sessions"),
              ElementsAre("there are chunks of a session 1, which has no row"));
  write_to_verify(dir / "view.db", 6, 10, 200, false);
  EXPECT_THAT(errors_after(dir / "view.db", "DROP VIEW v_trades"), ElementsAre("view v_trades is missing"));
}

TEST(Verify, NoticesRowsThatDifferFromTheirChunk) {
  const test::TempDir dir;
  const std::pair<const char*, const char*> changes[] = {
      {"UPDATE trades SET price = price + 1 WHERE id = (SELECT max(id) FROM trades)",
       "price is not what the chunk says"},
      {"UPDATE trades SET trade_id = 7 WHERE id = (SELECT max(id) FROM trades)", "trade_id is not what"},
      {"UPDATE trades SET instrument = 0 WHERE id = (SELECT max(id) FROM trades)", "instrument is not what"},
      {"UPDATE tickers SET bid = bid * 1.0000000000000002 WHERE id = (SELECT max(id) FROM tickers)", "bid is not what"},
      {"UPDATE candles SET closed = 1 - closed WHERE id = (SELECT max(id) FROM candles)", "closed is not what"},
      {"UPDATE gaps SET reason = 'none' WHERE id = (SELECT max(id) FROM gaps)", "reason is not what"},
      {"UPDATE annotations SET text = 'sell!' WHERE id = (SELECT max(id) FROM annotations)", "text is not what"},
      {"UPDATE book_levels SET side = 1 - side WHERE id = (SELECT max(id) FROM book_levels)", "side is not what"},
      {"INSERT INTO trades(id, seq) VALUES((1 << 40) + 1000000, 1000000)", "1 rows belong to no event"},
      {"UPDATE sessions SET feeds = 'other'", "the session's own row does not have the CRC32"},
      {"UPDATE chunks SET end_ts = end_ts + 1 WHERE id = (1 << 32)", "CRC32"},
  };
  write_to_verify(dir / "a.db", 7, 10, 200, false, true);
  for (const auto& [sql, expected] : changes) {
    const auto copy = dir / "copy.db";
    std::filesystem::copy_file(dir / "a.db", copy, std::filesystem::copy_options::overwrite_existing);
    EXPECT_THAT(errors_after(copy, sql), testing::Contains(HasSubstr(expected))) << sql;
  }
}

TEST(Verify, ASwappedChunkBreaksTheChain) {
  const test::TempDir dir;
  write_to_verify(dir / "a.db", 8, 30, 200, false);
  write_to_verify(dir / "b.db", 9, 30, 200, false);  // the same shape, other events
  const auto errors =
      errors_after(dir / "a.db",
                   "ATTACH '" + (dir / "b.db").string() +
                       "' AS b; UPDATE chunks SET (first_seq, events, start_ts, end_ts, size, crc32, chain, data) = "
                       "(SELECT first_seq, events, start_ts, end_ts, size, crc32, chain, data FROM b.chunks WHERE id = "
                       "main.chunks.id) WHERE id = (1 << 32); DETACH b");
  EXPECT_THAT(errors, testing::Contains(HasSubstr("does not follow from the one before it (hash chain)")));
}

TEST(Recording, RefusesWhatIsNoRecording) {
  const test::TempDir dir;
  const auto message = [](const std::filesystem::path& file) -> std::string {
    try {
      const Recording recording(file.string());
    } catch (const RecordingError& error) {
      return error.what();
    }
    return "opened";
  };
  EXPECT_EQ(message(dir / "none.db"), (dir / "none.db").string() + ": cannot open: No such file or directory");
  const auto text = dir.write("text.db", std::string(5000, 'x'));
  EXPECT_EQ(message(text), text.string() + ": not a recording (no SQLite file)");
  const auto foreign = dir / "foreign.db";
  {
    Database database(foreign.string(), Database::Access::create);
    database.exec("CREATE TABLE mine(a)");
  }
  EXPECT_EQ(message(foreign), foreign.string() +
                                  ": not a recording: a SQLite file of another program (application id 0x00000000, a "
                                  "recording has 0x42585752)");
  write_to_verify(dir / "future.db", 1, 1, 10, false);
  {
    Database database((dir / "future.db").string(), Database::Access::write);
    database.exec("PRAGMA user_version = 2");
  }
  EXPECT_EQ(message(dir / "future.db"), (dir / "future.db").string() +
                                            ": recording format 2 is newer than this program, which knows 1; use the "
                                            "bixws that wrote it, or a later one");
}

TEST(Recording, NothingIsAppendedToWhatIsNoRecording) {
  const test::TempDir dir;
  SessionOptions options;
  const auto text = dir.write("text.db", std::string(5000, 'x'));
  const auto foreign = dir / "foreign.db";
  {
    Database database(foreign.string(), Database::Access::create);
    database.exec("CREATE TABLE mine(a); INSERT INTO mine VALUES(1)");
  }
  for (const auto& file : {text, foreign}) {
    const std::string before = test::read_file(file);
    options.path = file.string();
    EXPECT_THROW(SessionWriter{options}, RecordingError) << file;
    EXPECT_EQ(test::read_file(file), before) << file;
  }
  options.path = (dir / "no/such/folder/a.db").string();
  EXPECT_THROW(SessionWriter{options}, RecordingError);
  options.path = dir.path().string();
  EXPECT_THROW(SessionWriter{options}, RecordingError);
  const auto empty = dir.write("empty.db", "");
  options.path = empty.string();
  EXPECT_NO_THROW(SessionWriter{options}.finish());
  EXPECT_EQ(Recording(empty.string()).sessions().size(), 1U);
}

TEST(Recording, RowsDoNotGoIntoATableThatSomebodyHasChanged) {
  const test::TempDir dir;
  write_to_verify(dir / "a.db", 5, 1, 20, false);
  {
    Database database((dir / "a.db").string(), Database::Access::write);
    database.exec("ALTER TABLE trades ADD COLUMN note");
  }
  SessionOptions options;
  options.path = (dir / "a.db").string();
  try {
    SessionWriter writer(options);
    FAIL() << "it was opened";
  } catch (const RecordingError& error) {
    EXPECT_THAT(error.what(), HasSubstr("its table trades has 10 columns instead of 9"));
  }
  EXPECT_EQ(Recording(options.path).sessions().size(), 1U);
}

TEST(Views, HaveTheColumnsOfTheInterfaceAndExactDigits) {
  const test::TempDir dir;
  Instruments instruments;
  const Instrument& i = instruments.get("someex", "BTCUSDT");
  SessionOptions options;
  options.path = (dir / "a.db").string();
  options.feeds = "someex";
  options.version = "0.1.0";
  options.sql_books = true;
  SessionWriter writer(options);
  auto batch = std::make_unique<EventBatch>();
  const std::vector<std::string> numbers = {"50000.10",
                                            "0.00420000",
                                            "-0.05",
                                            "-12.50",
                                            "7",
                                            "0",
                                            "-3",
                                            "5123456789012.00000000",
                                            "9223372036854775807",
                                            "9223372036854775808",
                                            "0.000000000000000000001",
                                            "1e3",
                                            "0.10"};
  for (const std::string& number : numbers) {
    Trade trade;
    ASSERT_EQ(parse_decimal(number, trade.price), NumberError::none);
    trade.size = trade.price;
    trade.side = Side::buy;
    trade.id = "4398231";
    trade.ts = kVerifyStart - 10;
    batch->append(Event::of(i, kVerifyStart, kVerifyStart - 10, Trades{{&trade, 1}}));
  }
  writer.write(std::move(batch));
  writer.finish();
  Recording recording(options.path);
  const auto columns = [&](const std::string& view) {
    Statement select =
        recording.database().prepare("SELECT group_concat(name, ',') FROM pragma_table_info('" + view + "')");
    return select.step() ? std::string(select.text(0)) : std::string();
  };
  EXPECT_EQ(columns("v_sessions"), "session_id,started_ts,ended_ts,clean,feeds,symbols,version");
  EXPECT_EQ(columns("v_trades"),
            "session_id,seq,ts,recv_ts,exchange,symbol,price,size,side,trade_id,price_text,size_text");
  EXPECT_EQ(columns("v_tickers"),
            "session_id,seq,symbol,price,bid,ask,bid_size,ask_size,open_24h,high_24h,low_24h,volume_24h,"
            "quote_volume_24h,change_24h,exchange,ts,recv_ts");
  EXPECT_EQ(columns("v_gaps"), "session_id,ts,exchange,symbol,channel,reason,from_ts,to_ts,lost");
  EXPECT_EQ(columns("v_book_levels"), "session_id,seq,ts,recv_ts,exchange,symbol,action,side,price,size");
  Statement select = recording.database().prepare(
      "SELECT price_text, size_text, price, typeof(price), ts, recv_ts, side, trade_id, typeof(trade_id), seq, "
      "session_id "
      "FROM v_trades ORDER BY seq");
  for (std::size_t k = 0; k < numbers.size(); ++k) {
    ASSERT_TRUE(select.step());
    const std::string digits = numbers[k] == "1e3" ? "1000" : numbers[k];
    EXPECT_EQ(select.text(0), digits);
    EXPECT_EQ(select.text(1), digits);
    EXPECT_DOUBLE_EQ(select.real(2), std::stod(digits));
    EXPECT_EQ(select.text(3), "real");
    EXPECT_EQ(select.integer(4), kVerifyStart - 10);
    EXPECT_EQ(select.integer(5), kVerifyStart);
    EXPECT_EQ(select.text(6), "buy");
    EXPECT_EQ(select.text(7), "4398231");
    EXPECT_EQ(select.text(8), "text");
    EXPECT_EQ(select.integer(9), static_cast<std::int64_t>(k + 1));
    EXPECT_EQ(select.integer(10), 1);
  }
  EXPECT_FALSE(select.step());
}

TEST(Coverage, IsWhatTheGapsLeave) {
  Instruments instruments;
  const Instrument& a = instruments.get("x", "A");
  const Instrument& b = instruments.get("x", "B");
  const Instrument& feed = instruments.get("x", "");
  Coverage coverage;
  const auto ticker = [&](const Instrument& i, Micros at) { coverage.add(Event::of(i, at, 0, Ticker{})); };
  const auto gap = [&](const Instrument& i, Channel channel, Micros from, Micros to) {
    Gap g;
    g.channel = channel;
    g.from_ts = from;
    g.to_ts = to;
    coverage.add(Event::of(i, to, 0, g));
  };
  ticker(a, 1000);
  ticker(b, 1000);
  EXPECT_EQ(coverage.percent(), 100);
  gap(a, Channel::ticker, 1100, 1300);
  gap(a, Channel::none, 1200, 1400);    // overlaps: 300 in all
  gap(a, Channel::trades, 1500, 1900);  // no such data
  ticker(a, 2000);
  EXPECT_DOUBLE_EQ(coverage.percent(), 85);  // a 70 %, b 100 %
  gap(feed, Channel::none, 1900, 2000);
  EXPECT_DOUBLE_EQ(coverage.percent(), 75);
  EXPECT_EQ(coverage.gaps(), 4U);
}

}  // namespace
}  // namespace bixws::recording

// SPDX-License-Identifier: Apache-2.0
// What a recording of a day of trades answers, and how fast.
#include <memory>
#include <random>
#include <vector>

#include "figures.h"
#include "recording/exporter.h"
#include "recording/session_writer.h"

namespace bixws::bench {
namespace {

constexpr std::size_t kTrades = 5'000'000;
constexpr std::size_t kSymbols = 10;
constexpr Micros kStart = 1'795'305'600'000'000;
constexpr Micros kDay = 86'400'000'000;

// High, low, volume and count a minute, as anybody would ask the documented view.
constexpr const char* kBars = R"sql(
SELECT symbol, recv_ts / 60000000 AS minute, max(price) AS high, min(price) AS low, sum(size) AS volume,
  count(*) AS trades
FROM v_trades GROUP BY symbol, minute)sql";

// With open and close: the first and last trade of each minute by their row. As docs/recording-format.md has it, where
// it says why one number is grouped by.
constexpr const char* kCandles = R"sql(
WITH bars AS (SELECT instrument, recv_ts / 60000000 AS minute, min(id) AS first, max(id) AS last, max(price) AS high,
    min(price) AS low, sum(size) AS volume FROM trades GROUP BY recv_ts / 60000000 * 1000000 + instrument)
SELECT i.symbol, minute, o.price / i.price_unit AS open, high / i.price_unit AS high, low / i.price_unit AS low,
  c.price / i.price_unit AS close, volume / i.size_unit AS volume
FROM bars JOIN trades o ON o.id = first JOIN trades c ON c.id = last JOIN instruments i ON i.id = bars.instrument)sql";

void write_day(const std::string& path) {
  remove_recording(path);
  Instruments instruments;
  std::mt19937_64 random(7);
  std::vector<std::int64_t> price(kSymbols);
  for (std::size_t i = 0; i < kSymbols; ++i) price[i] = static_cast<std::int64_t>(100'000 * (i + 1));
  recording::SessionOptions options;
  options.path = path;
  recording::SessionWriter writer(options);
  for (std::size_t done = 0; done < kTrades;) {
    auto batch = std::make_unique<EventBatch>();
    for (; done < kTrades && batch->size() < 1'000; ++done) {
      const std::size_t which = random() % kSymbols;
      price[which] += static_cast<std::int64_t>(random() % 21) - 10;
      const Micros at = kStart + static_cast<Micros>(static_cast<double>(done) * (static_cast<double>(kDay) / kTrades));
      const std::string id = std::to_string(1'000'000 + done);
      Trade trade;
      trade.price = Decimal::of(price[which], -2);
      trade.size = Decimal::of(static_cast<std::int64_t>(1 + random() % 100'000), -5);
      trade.side = random() % 2 == 0 ? Side::buy : Side::sell;
      trade.id = id;
      trade.ts = at - 20'000;
      const Trades trades{{&trade, 1}, false};
      batch->append(Event::of(instruments.get("bench", "COIN" + std::to_string(which) + "USD"), at, trade.ts, trades));
    }
    writer.write(SharedBatch(std::move(batch)));
    if (writer.uncommitted() >= 50'000) writer.commit();
  }
  writer.finish();
}

double time_query(const std::string& path, const char* sql, std::size_t& rows) {
  recording::Database database(path, recording::Database::Access::read);
  const Stopwatch watch;
  rows = 0;
  recording::Statement select = database.prepare(sql);
  while (select.step()) ++rows;
  return watch.wall();
}

double time_export(const std::string& path, std::size_t& lines) {
  recording::ExportOptions options;
  options.path = path;
  options.channels = {"candles"};
  lines = 0;
  const Stopwatch watch;
  recording::export_session(options,
                            [&](std::string_view text) {
                              for (const char c : text) lines += c == '\n' ? 1U : 0U;
                              return true;
                            },
                            {});
  return watch.wall();
}

}  // namespace

int bench_queries(const Options& options) {
  const std::string path = options.folder + "/queries.db";
  const Stopwatch watch;
  write_day(path);
  std::printf("\n5,000,000 trades of ten symbols over a day, written in %.1f s, %.0f MB; the file is in the cache\n",
              watch.wall(), static_cast<double>(bytes_on_disk(path)) / 1e6);
  std::printf("%-60s %8s %8s\n", "question", "seconds", "rows");
  std::size_t rows = 0;
  double seconds = time_query(path, kBars, rows);
  std::printf("%-60s %8.2f %8zu\n", "SQL, 1m bars from v_trades", seconds, rows);
  seconds = time_query(path, kCandles, rows);
  std::printf("%-60s %8.2f %8zu\n", "SQL, 1m candles with open and close", seconds, rows);
  seconds = time_export(path, rows);
  std::printf("%-60s %8.2f %8zu\n", "bixws sessions export --channels candles", seconds, rows);
  remove_recording(path);
  return 0;
}

}  // namespace bixws::bench

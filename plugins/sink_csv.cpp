// SPDX-License-Identifier: Apache-2.0
// sink_csv: chart data as CSV, one file per symbol and timeframe, built from trades or from the exchange's candles.
// Rows are whole at any moment; a restart goes on where the file ends.
#include <bixws/describe.h>
#include <sys/stat.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <new>
#include <string>
#include <vector>

#include "csv/file.h"
#include "csv/lttb.h"
#include "model/event_json.h"
#include "model/time_text.h"

namespace {

using namespace bixws;
using csv::File;

constexpr Micros kDay = 86'400'000'000;
constexpr Micros kBetweenSamples = 10'000'000;  // of event time, while rows are being added

constexpr Option kOptions[] = {
    {"dir", OptionType::string, nullptr, "folder for the files, EXCHANGE_SYMBOL_TIMEFRAME.csv each; made if missing"},
    {"timeframe", OptionType::string, "1m", "length of a row: 1m, 5m, 1h, 1d and so on"},
    {"source", OptionType::string, "trades", "trades|candles: what rows are made of; candles are the exchange's own"},
    {"rotate", OptionType::string, "never", "never|daily: a file for each day, UTC, with the date in its name"},
    {"max_points", OptionType::integer, "0",
     "keep a smaller copy too, NAME.lttb.csv, of at most so many rows that keep the looks of the line; 0: none"},
};

struct Plan {
  std::string dir, timeframe;
  Micros step = 60'000'000;
  bool candles = false;
  bool daily = false;
  std::size_t max_points = 0;
};

/// NAME.csv thinned into NAME.lttb.csv, which is replaced as a whole. Empty, or what went wrong.
std::string write_sample(const std::string& path, std::size_t most) {
  std::ifstream in(path);
  std::vector<std::string> lines;
  std::vector<csv::Spot> spots;
  std::string line;
  std::getline(in, line);  // the header
  while (std::getline(in, line)) {
    const auto time = parse_rfc3339(line.substr(0, line.find(',')));
    std::size_t from = 0;
    for (int column = 0; column < 4; ++column) from = line.find(',', from) + 1;
    Decimal close;
    if (!time || parse_decimal(line.substr(from, line.find(',', from) - from), close) != NumberError::none) continue;
    spots.push_back({static_cast<double>(*time), close.to_double()});
    lines.push_back(line);
  }
  const std::string name = path.substr(0, path.size() - 4) + ".lttb.csv";
  const std::string unfinished = name + ".new";
  std::ofstream out(unfinished, std::ios::trunc);
  out << csv::kHeader;
  for (const std::size_t index : csv::lttb(spots, most)) out << lines[index] << '\n';
  out.close();
  std::error_code error;
  if (out) std::filesystem::rename(unfinished, name, error);
  return !out ? unfinished + ": cannot be written" : error ? name + ": " + error.message() : std::string();
}

class CsvSink final : public Sink {
 public:
  explicit CsvSink(Plan plan) : plan_(std::move(plan)) {}

  int open(Host& host) noexcept override {
    host_ = &host;
    host.count("late_trades", 0);
    if (::mkdir(plan_.dir.c_str(), 0755) == 0 || errno == EEXIST) return 0;
    return fail(plan_.dir + ": " + std::strerror(errno));
  }

  int consume(const Event* events, std::size_t count) noexcept override {
    try {
      for (std::size_t i = 0; i < count; ++i) {
        const std::string problem = take(events[i]);
        if (!problem.empty()) return fail(problem);
      }
      return 0;
    } catch (const std::exception& e) {
      return fail(e.what());
    }
  }

  int flush() noexcept override {
    for (auto& [id, series] : files_) {
      if (const std::string problem = series.file.keep(); !problem.empty()) return fail(problem);
    }
    return 0;
  }

  void close() noexcept override {
    for (auto& [id, series] : files_) finish(series);
  }

 private:
  struct Series {
    File file;
    Micros day = -1;
    Micros sampled_at = 0;
  };

  std::string take(const Event& event) {
    if (plan_.candles && event.kind == Kind::candle) {
      const Candle& candle = event.candle();
      if (candle.seconds <= 0 || plan_.step % (Micros{candle.seconds} * 1'000'000) != 0) return {};
      const Micros open_ts = candle.open_ts - candle.open_ts % plan_.step;
      return with_file(event, open_ts, [&](File& file) { return file.add(candle, open_ts, event.recv_ts); });
    }
    // What was before the subscription may be in the file already, and nobody could tell.
    if (plan_.candles || event.kind != Kind::trades || event.trades().history) return {};
    for (const Trade& trade : event.trades().list) {
      const Micros ts = trade.ts != 0 ? trade.ts : event.recv_ts;
      const Micros open_ts = ts - ts % plan_.step;
      std::string problem =
          with_file(event, open_ts, [&](File& file) { return file.add(trade, open_ts, event.recv_ts); });
      if (!problem.empty()) return problem;
    }
    return {};
  }

  template <typename Add>
  std::string with_file(const Event& event, Micros open_ts, Add&& add) {
    Series& series = files_[event.instrument->id];
    const Micros day = plan_.daily ? open_ts / kDay : 0;
    // A late trade of the day before stays in the file of today's first row, where it is counted as late.
    if (!series.file.is_open() || day > series.day) {
      finish(series);
      series.day = day;
      if (std::string problem = series.file.open(path_of(*event.instrument, day)); !problem.empty()) return problem;
    }
    std::string problem = add(series.file);
    if (const std::uint64_t late = series.file.take_late(); late > 0) host_->count("late_trades", late);
    if (problem.empty() && plan_.max_points > 0 && event.recv_ts - series.sampled_at >= kBetweenSamples &&
        series.file.take_finished()) {
      series.sampled_at = event.recv_ts;
      problem = write_sample(series.file.path(), plan_.max_points);
    }
    return problem;
  }

  void finish(Series& series) {
    if (!series.file.is_open()) return;
    std::string problem = series.file.keep();
    series.file.close();
    if (problem.empty() && plan_.max_points > 0) problem = write_sample(series.file.path(), plan_.max_points);
    if (!problem.empty()) fail(problem);
  }

  [[nodiscard]] std::string path_of(const Instrument& instrument, Micros day) const {
    std::string name = std::string(instrument.exchange) + "_" + std::string(instrument.symbol) + "_" + plan_.timeframe;
    for (char& c : name) c = c == '/' || c == ':' ? '-' : c;
    if (plan_.daily) name += "_" + format_rfc3339(day * kDay).substr(0, 10);
    return plan_.dir + "/" + name + ".csv";
  }

  int fail(const std::string& problem) {
    host_->log(LogLevel::error, "cannot write " + problem);
    return 1;
  }

  Plan plan_;
  Host* host_ = nullptr;
  std::map<std::uint32_t, Series> files_;
};

Sink* make(const Settings& settings, Error& error) noexcept {
  const std::int32_t seconds = parse_timeframe(settings.get("timeframe"));
  const std::int64_t points = settings.integer("max_points");
  const bool daily = settings.get("rotate") == "daily";
  if (seconds <= 0) {
    std::snprintf(error.text, sizeof error.text, "timeframe must be such as 1m, 5m, 1h or 1d");
  } else if (points != 0 && points < 3) {
    std::snprintf(error.text, sizeof error.text, "max_points must be 0 or at least 3");
  } else if (daily && kDay % (Micros{seconds} * 1'000'000) != 0) {
    std::snprintf(error.text, sizeof error.text, "with rotate=daily the timeframe must divide a day");
  } else {
    return new (std::nothrow)
        CsvSink({std::string(settings.get("dir")), std::string(settings.get("timeframe")), Micros{seconds} * 1'000'000,
                 settings.get("source") == "candles", daily, static_cast<std::size_t>(points)});
  }
  return nullptr;
}

constexpr Descriptor kDescriptor =
    describe_sink("csv", BIXWS_VERSION, "candles of each symbol as CSV, for charts", kOptions, &make);

}  // namespace

BIXWS_EXPORT const bixws::Descriptor* bixws_plugin_v1() noexcept { return &kDescriptor; }

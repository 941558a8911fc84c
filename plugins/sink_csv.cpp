// SPDX-License-Identifier: Apache-2.0
// sink_csv: chart data as CSV, one file per symbol and timeframe, built from trades. Rows are whole at any moment; a
// restart goes on where the file ends.
#include <bixws/decimal_math.h>
#include <bixws/plugin.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <cstdio>
#include <cstring>
#include <iterator>
#include <map>
#include <new>
#include <sstream>
#include <string>
#include <vector>

#include "model/event_json.h"
#include "model/time_text.h"

namespace {

using namespace bixws;

constexpr Option kOptions[] = {
    {"dir", OptionType::string, nullptr, "folder for the files, EXCHANGE_SYMBOL_TIMEFRAME.csv each; made if missing"},
    {"timeframe", OptionType::string, "1m", "length of a row: 1m, 5m, 1h, 1d and so on"},
};
constexpr std::string_view kHeader = "open_time,open,high,low,close,volume,trades,vwap\n";
constexpr std::size_t kColumns = 8;
constexpr std::size_t kTail = 4096;  // more than any row

Decimal times(const Decimal& a, const Decimal& b) {
  int128_t product = 0;
  if (!a.has_value() || !b.has_value() || __builtin_mul_overflow(a.mantissa(), b.mantissa(), &product)) return {};
  return detail::make_decimal(product, a.exponent + b.exponent);
}

/// turnover / volume, cut two digits below the price's own.
Decimal quotient(const Decimal& turnover, const Decimal& volume, int exponent) {
  if (!turnover.has_value() || !volume.has_value() || volume.is_zero()) return {};
  int128_t top = turnover.mantissa();
  const int power = turnover.exponent - volume.exponent - exponent;
  if (power >= 0 && !detail::scale(top, power)) return {};
  for (int i = power; i < 0; ++i) top /= 10;
  return detail::make_decimal(top / volume.mantissa(), exponent);
}

/// A candle that is still growing.
struct Row {
  Micros open_ts = 0;
  Decimal open, high, low, close, volume, turnover;
  std::uint64_t trades = 0;

  void add_trade(const Trade& trade) {
    if (trades == 0) open = high = low = trade.price;
    if (high < trade.price) high = trade.price;
    if (trade.price < low) low = trade.price;
    close = trade.price;
    volume = trades == 0 ? trade.size : add(volume, trade.size);
    turnover = trades == 0 ? times(trade.price, trade.size) : add(turnover, times(trade.price, trade.size));
    ++trades;
  }

  [[nodiscard]] std::string text() const {
    const Decimal vwap = quotient(turnover, volume, close.exponent - 2);
    std::string line = format_rfc3339(open_ts);
    for (const Decimal* number : {&open, &high, &low, &close, &volume}) line += "," + number->to_string();
    return line + "," + std::to_string(trades) + "," + vwap.to_string() + "\n";
  }

  /// False: not a row of ours.
  bool parse(const std::string& line) {
    std::vector<std::string> cells;
    std::stringstream in(line);
    for (std::string cell; std::getline(in, cell, ',');) cells.push_back(cell);
    if (cells.size() != kColumns) return false;
    const auto time = parse_rfc3339(cells[0]);
    std::array<Decimal*, 5> numbers{&open, &high, &low, &close, &volume};
    for (std::size_t i = 0; i < numbers.size(); ++i) {
      if (parse_decimal(cells[i + 1], *numbers[i]) != NumberError::none) return false;
    }
    const auto [end, error] = std::from_chars(cells[6].data(), cells[6].data() + cells[6].size(), trades);
    Decimal vwap;
    if (!time || error != std::errc() || parse_decimal(cells[7], vwap) != NumberError::none) return false;
    open_ts = *time;
    turnover = times(vwap, volume);
    return true;
  }
};

class File {
 public:
  /// Empty: opened; otherwise why not. An unfinished last line is cut off, the last row is taken up again.
  std::string open(const std::string& path) {
    fd_ = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
    if (fd_ < 0) return path + ": " + std::strerror(errno);
    path_ = path;
    const off_t size = ::lseek(fd_, 0, SEEK_END);
    const off_t from = size > static_cast<off_t>(kTail) ? size - static_cast<off_t>(kTail) : 0;
    std::string tail(static_cast<std::size_t>(size - from), '\0');
    if (::pread(fd_, tail.data(), tail.size(), from) != static_cast<ssize_t>(tail.size())) {
      return path + ": " + std::strerror(errno);
    }
    const auto last_end = tail.rfind('\n');
    if (last_end == std::string::npos) return write_at(0, kHeader);
    const auto before = last_end == 0 ? std::string::npos : tail.rfind('\n', last_end - 1);
    const std::size_t begin = before == std::string::npos ? 0 : before + 1;
    end_ = from + static_cast<off_t>(last_end) + 1;
    if (row_.parse(tail.substr(begin, last_end - begin))) end_ = from + static_cast<off_t>(begin);
    return {};
  }
  void close() {
    if (fd_ >= 0) ::close(fd_);
    fd_ = -1;
  }

  std::string add(const Trade& trade, Micros open_ts) {
    if (open_ts < row_.open_ts) return {};  // what the file has already, or comes too late
    if (open_ts > row_.open_ts) {
      if (row_.trades > 0) {
        if (std::string problem = keep(); !problem.empty()) return problem;
        end_ += static_cast<off_t>(row_.text().size());
      }
      row_ = {};
      row_.open_ts = open_ts;
    }
    row_.add_trade(trade);
    return {};
  }
  /// Writes the growing row behind the finished ones; it is overwritten as it grows.
  std::string keep() { return row_.trades == 0 ? std::string() : write_at(end_, row_.text()); }

 private:
  std::string write_at(off_t at, std::string_view text) {
    // One call, so that a reader never sees half a row; then what stood behind it goes.
    if (::pwrite(fd_, text.data(), text.size(), at) != static_cast<ssize_t>(text.size()) ||
        ::ftruncate(fd_, at + static_cast<off_t>(text.size())) != 0) {
      return path_ + ": " + std::strerror(errno);
    }
    if (text == kHeader) end_ = static_cast<off_t>(text.size());
    return {};
  }

  int fd_ = -1;
  std::string path_;
  off_t end_ = 0;  ///< of the finished rows
  Row row_;
};

class CsvSink final : public Sink {
 public:
  CsvSink(std::string dir, std::string timeframe, std::int32_t seconds)
      : dir_(std::move(dir)), timeframe_(std::move(timeframe)), micros_(Micros{seconds} * 1'000'000) {}

  int open(Host& host) noexcept override {
    host_ = &host;
    if (::mkdir(dir_.c_str(), 0755) == 0 || errno == EEXIST) return 0;
    return fail(dir_ + ": " + std::strerror(errno));
  }

  int consume(const Event* events, std::size_t count) noexcept override {
    for (std::size_t i = 0; i < count; ++i) {
      if (events[i].kind != Kind::trades) continue;
      File& file = file_of(*events[i].instrument);
      for (const Trade& trade : events[i].trades().list) {
        const Micros ts = trade.ts != 0 ? trade.ts : events[i].recv_ts;
        if (const std::string problem = file.add(trade, ts - ts % micros_); !problem.empty()) return fail(problem);
      }
      if (failed_) return 1;
    }
    return 0;
  }

  int flush() noexcept override {
    for (auto& [id, file] : files_) {
      if (const std::string problem = file.keep(); !problem.empty()) return fail(problem);
    }
    return 0;
  }

  void close() noexcept override {
    for (auto& [id, file] : files_) file.close();
  }

 private:
  File& file_of(const Instrument& instrument) {
    const auto [found, added] = files_.try_emplace(instrument.id);
    if (added) {
      std::string name = std::string(instrument.exchange) + "_" + std::string(instrument.symbol) + "_" + timeframe_;
      for (char& c : name) c = c == '/' || c == ':' ? '-' : c;
      if (const std::string problem = found->second.open(dir_ + "/" + name + ".csv"); !problem.empty()) {
        failed_ = fail(problem) != 0;
      }
    }
    return found->second;
  }
  int fail(const std::string& problem) {
    host_->log(LogLevel::error, "cannot write " + problem);
    return 1;
  }

  std::string dir_, timeframe_;
  Micros micros_;
  Host* host_ = nullptr;
  bool failed_ = false;
  std::map<std::uint32_t, File> files_;
};

Sink* make(const Settings& settings, Error& error) noexcept {
  const std::int32_t seconds = parse_timeframe(settings.get("timeframe"));
  if (seconds <= 0) {
    std::snprintf(error.text, sizeof error.text, "timeframe must be such as 1m, 5m, 1h or 1d");
    return nullptr;
  }
  return new (std::nothrow) CsvSink(std::string(settings.get("dir")), std::string(settings.get("timeframe")), seconds);
}

constexpr Descriptor kDescriptor = {
    kPluginMagic,
    BIXWS_ABI_MAJOR,
    BIXWS_ABI_MINOR,
    sizeof(Descriptor),
    BIXWS_TOOLCHAIN,
    "sink",
    "csv",
    BIXWS_VERSION,
    "candles of each symbol as CSV, for charts",
    kOptions,
    std::size(kOptions),
    nullptr,
    nullptr,
    &make,
};

}  // namespace

BIXWS_EXPORT const bixws::Descriptor* bixws_plugin_v1() noexcept { return &kDescriptor; }

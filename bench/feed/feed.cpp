// SPDX-License-Identifier: Apache-2.0
// feed_bench SYMBOLS RATE SECONDS: one feed and one hub under a steady load over real sockets. For each tenth of the
// time it prints how long messages took from being sent to being handed to the hub's listeners, for busy and for quiet
// symbols, and the memory. One JSON line each.
#include <sched.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <bit>
#include <charconv>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <thread>
#include <utility>

#include "exchange.h"
#include "feed/exchange_feed.h"
#include "hub/hub.h"
#include "support/dialect_run.h"

namespace bixws::bench {
namespace {

constexpr int kParts = 10;

/// Counts in steps of three percent: its size does not depend on how much is counted.
class Latencies {
 public:
  void add(Micros micros) {
    ++counts_[index_of(static_cast<std::uint64_t>(std::clamp<Micros>(micros, 0, UINT32_MAX)))];
    ++count_;
  }
  [[nodiscard]] std::uint64_t count() const { return count_; }
  /// The upper end of the step in which this share of all lies.
  [[nodiscard]] std::uint64_t at(double share) const {
    auto left = static_cast<std::uint64_t>(share * static_cast<double>(count_));
    for (std::size_t i = 0; i < kSteps; ++i) {
      if (left < counts_[i]) return value_of(i + 1) - 1;
      left -= counts_[i];
    }
    return 0;
  }

 private:
  static constexpr std::size_t kFine = 32;  // steps in each power of two
  static constexpr std::size_t kSteps = 33 * kFine;
  static std::size_t index_of(std::uint64_t value) {
    if (value < kFine) return value;
    const auto shift = static_cast<std::size_t>(std::bit_width(value)) - 6;
    return (shift + 1) * kFine + (value >> shift) - kFine;
  }
  static std::uint64_t value_of(std::size_t index) {
    if (index < kFine) return index;
    return (index % kFine + kFine) << (index / kFine - 1);
  }

  std::uint64_t counts_[kSteps] = {};
  std::uint64_t count_ = 0;
};

/// 1700000000.123456 as microseconds; 0 for sizes that are none.
Micros sent_at(const Decimal& size) {
  const std::string text = size.to_string();
  const std::size_t point = text.find('.');
  if (point != 10) return 0;
  std::string digits = text.substr(0, point) + text.substr(point + 1);
  digits.resize(16, '0');
  return std::stoll(digits);
}

class Meter final : public hub::Listener {
 public:
  explicit Meter(const Load& load) : load_(load) {}

  void on_batch(const SharedBatch& batch, const market::Market&) override {
    const Micros now = wall_clock();
    const std::lock_guard lock(mutex_);
    for (const Event& event : batch->events()) {
      Micros sent = 0;
      if (event.kind == Kind::trades && !event.trades().list.empty()) sent = sent_at(event.trades().list[0].size);
      if (event.kind == Kind::book && event.book().action == BookAction::update) {
        const auto levels = event.book().bids.empty() ? event.book().asks : event.book().bids;
        if (!levels.empty()) sent = sent_at(levels[0].size);
      }
      if (event.kind == Kind::gap) ++gaps_;
      if (sent == 0) continue;
      const auto symbol = static_cast<unsigned>(std::stoul(std::string(event.instrument->symbol.substr(1, 3))));
      if (symbol < busy_symbols(load_)) busy_.add(now - sent);
      if (symbol >= first_quiet_symbol(load_)) quiet_.add(now - sent);
      all_.add(now - sent);
    }
  }

  struct Part {
    Latencies all, busy, quiet;
    std::uint64_t gaps = 0;
  };
  Part take() {
    const std::lock_guard lock(mutex_);
    return {std::exchange(all_, {}), std::exchange(busy_, {}), std::exchange(quiet_, {}), gaps_};
  }

 private:
  Load load_;
  std::mutex mutex_;
  Latencies all_, busy_, quiet_;
  std::uint64_t gaps_ = 0;
};

std::size_t resident_kib() {
  std::ifstream file("/proc/self/statm");
  std::size_t size = 0, resident = 0;
  file >> size >> resident;
  return resident * static_cast<std::size_t>(::sysconf(_SC_PAGESIZE)) / 1024;
}

void stay_on_core(int core) {
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(core, &set);
  ::sched_setaffinity(0, sizeof set, &set);
}

std::string read_line(int fd) {
  std::string line;
  char c = 0;
  while (::read(fd, &c, 1) == 1 && c != '\n') line += c;
  return line;
}

/// The exchange in a process of its own, on the other core.
class Exchange {
 public:
  explicit Exchange(const Load& load) {
    int fds[2];
    if (::pipe(fds) != 0) throw std::runtime_error("no pipe");
    pid_ = ::fork();
    if (pid_ == 0) {
      ::close(fds[0]);
      stay_on_core(0);
      int result = 1;
      try {
        result = run_exchange(load, fds[1]);
      } catch (const std::exception& e) {
        std::fprintf(stderr, "feed_bench: %s\n", e.what());
      }
      ::_exit(result);
    }
    ::close(fds[1]);
    port_ = read_line(fds[0]);
    ::close(fds[0]);
    if (pid_ < 0 || port_.empty()) throw std::runtime_error("the sending side did not start");
  }
  ~Exchange() {
    if (pid_ <= 0) return;
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
  }
  Exchange(const Exchange&) = delete;
  Exchange& operator=(const Exchange&) = delete;

  [[nodiscard]] const std::string& port() const { return port_; }
  /// Ended, and well.
  bool ended(bool& well) {
    int status = 0;
    if (::waitpid(pid_, &status, WNOHANG) != pid_) return false;
    pid_ = 0;
    well = WIFEXITED(status) && WEXITSTATUS(status) == 0;
    return true;
  }

 private:
  pid_t pid_ = 0;
  std::string port_;
};

template <typename Number>
Number argument(int argc, char** argv, int index, Number fallback) {
  if (index < argc) std::from_chars(argv[index], argv[index] + std::strlen(argv[index]), fallback);
  return fallback;
}

int run(int argc, char** argv) {
  Load load;
  load.symbols = argument(argc, argv, 1, load.symbols);
  load.rate = argument(argc, argv, 2, load.rate);
  load.seconds = argument(argc, argv, 3, load.seconds);
  if (load.symbols < 10 || load.symbols > 999 || load.rate < load.symbols || load.seconds < 1) {
    std::fprintf(stderr, "usage: feed_bench SYMBOLS RATE SECONDS; 10 to 999 symbols\n");
    return 2;
  }
  Exchange exchange(load);
  stay_on_core(1);

  Instruments instruments;
  const SystemClock clock;
  hub::Hub hub;
  const auto meter = std::make_shared<Meter>(load);
  hub.attach(meter);
  hub.start();
  feed::FeedConfig config;
  config.exchange = "bench";
  for (unsigned i = 0; i < load.symbols; ++i) config.symbols.push_back(symbol_name(i));
  feed::FeedHooks hooks;
  hooks.publish = [&](std::unique_ptr<EventBatch> batch) { return hub.publish(std::move(batch)); };
  hooks.log = [](LogLevel level, std::string_view text) {
    if (level >= LogLevel::warning) std::fprintf(stderr, "%.*s\n", static_cast<int>(text.size()), text.data());
  };
  feed::ExchangeFeed feed(test::load_dialect("coinbase", {{"url", "ws://127.0.0.1:" + exchange.port()},
                                                          {"rest", "http://127.0.0.1:" + exchange.port()}}),
                          std::move(config), std::move(hooks), instruments, clock);
  feed.start();

  bool over = false;
  bool well = false;
  while (feed.figures().trades.get() == 0 && !over) {
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
    over = exchange.ended(well);
  }
  const auto start = std::chrono::steady_clock::now();
  for (int part = 1; part <= kParts && !over; ++part) {
    const auto until = start + std::chrono::duration<double>(load.seconds * part / kParts);
    while (std::chrono::steady_clock::now() < until && !over) {
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
      over = exchange.ended(well);
    }
    auto seen = meter->take();
    std::printf(
        "{\"part\":%d,\"messages\":%llu,\"p50_us\":%llu,\"p99_us\":%llu,\"p999_us\":%llu,\"busy_p99_us\":%llu,"
        "\"quiet\":%llu,\"quiet_p99_us\":%llu,\"gaps\":%llu,\"resident_kib\":%zu}\n",
        part, static_cast<unsigned long long>(seen.all.count()), static_cast<unsigned long long>(seen.all.at(0.5)),
        static_cast<unsigned long long>(seen.all.at(0.99)), static_cast<unsigned long long>(seen.all.at(0.999)),
        static_cast<unsigned long long>(seen.busy.at(0.99)), static_cast<unsigned long long>(seen.quiet.count()),
        static_cast<unsigned long long>(seen.quiet.at(0.99)), static_cast<unsigned long long>(seen.gaps),
        resident_kib());
    std::fflush(stdout);
  }
  while (!over) {
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
    over = exchange.ended(well);
  }
  feed.stop();
  hub.stop();
  return well ? 0 : 1;
}

}  // namespace
}  // namespace bixws::bench

int main(int argc, char** argv) try { return bixws::bench::run(argc, argv); } catch (const std::exception& e) {
  std::fprintf(stderr, "feed_bench: %s\n", e.what());
  return 1;
}

// SPDX-License-Identifier: Apache-2.0
// FeedHost: runs a plugin's FeedSource on a thread of its own and starts it again when it fails.
#pragma once

#include <bixws/relay.h>
#include <bixws/stop_signal.h>

#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

#include "host/counters.h"
#include "host/feed.h"
#include "host/log.h"
#include "hub/hub.h"
#include "model/clock.h"
#include "model/instruments.h"

namespace bixws::host {

/// What feeds and sinks live among; all of it outlives them.
struct Surroundings {
  hub::Hub& hub;
  Instruments& instruments;
  const Clock& clock;
  Log& log;
  Counters& counters;
};

class FeedHost final : public Feed, private RelayHost {
 public:
  struct Options {
    std::chrono::milliseconds first_wait{1'000};  ///< before a failed source is started again; doubles each time
    std::chrono::milliseconds longest_wait{60'000};
    Micros good_run = 60'000'000;  ///< a run this long makes the next wait the first one again
    /// Gets what the feed says with RelayHost::plain_exchange, on the feed's thread.
    std::function<void(std::string_view exchange)> on_plain_exchange;
    bool passes_numbers = false;  ///< its events keep the numbers they come with, in the epoch it names
    std::string last_place;       ///< up to which its events are recorded
  };
  FeedHost(std::string name, std::unique_ptr<FeedSource> source, const Surroundings& around, Options options);
  FeedHost(std::string name, std::unique_ptr<FeedSource> source, const Surroundings& around)
      : FeedHost(std::move(name), std::move(source), around, Options{}) {}
  ~FeedHost() override;

  [[nodiscard]] const std::string& name() const override { return name_; }
  [[nodiscard]] bool held_back() const override { return source_->held_back(); }
  void start(OnEnd on_end) override;
  void stop() override;

 private:
  const Instrument& instrument(std::string_view symbol) noexcept override;
  bool publish(const Event* events, std::size_t count) noexcept override;
  void log(LogLevel level, std::string_view text) noexcept override;
  [[nodiscard]] int stop_fd() const noexcept override { return stop_.fd(); }
  [[nodiscard]] Micros now() const noexcept override { return around_.clock.now(); }
  void count(std::string_view name, std::uint64_t add) noexcept override;
  const Instrument& relayed(std::string_view exchange, std::string_view symbol) noexcept override {
    return around_.instruments.get(exchange, symbol);
  }
  void plain_exchange(std::string_view exchange) noexcept override;
  void numbered(std::string_view epoch) noexcept override;
  void reached(const Instrument& instrument, const Reached& numbers) noexcept override;
  void place(std::string_view text) noexcept override;
  [[nodiscard]] std::string_view last_place() const noexcept override { return options_.last_place; }

  void run();
  void tell(FeedState state, std::string_view reason, Micros when);
  bool wait(std::chrono::milliseconds time) const;

  std::string name_;
  std::unique_ptr<FeedSource> source_;
  Surroundings around_;
  Options options_;
  StopSignal stop_;
  std::atomic<bool> stopping_{false};
  std::atomic<Micros> last_recv_ts_{0};
  // The feed's thread:
  bool told_plain_ = false;
  std::string place_;  // of the next publish()
  std::mutex error_mutex_;
  std::string last_error_;  // guarded by error_mutex_
  OnEnd on_end_;
  std::thread thread_;
};

}  // namespace bixws::host

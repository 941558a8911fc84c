// SPDX-License-Identifier: Apache-2.0
// SinkHost: a plugin's Sink behind a bounded queue and on a thread of its own, so that neither its slowness nor its
// failure reaches anybody else.
#pragma once

#include <bixws/numbers.h>
#include <bixws/stop_signal.h>

#include <chrono>
#include <condition_variable>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "host/feed_host.h"
#include "hub/hub.h"

namespace bixws::host {

class SinkHost final : public hub::Listener, private NumberedHost {
 public:
  struct Options {
    std::size_t queue_bytes = std::size_t{32} << 20;
    /// Full queue: wait, and so hold the feeds back, instead of dropping the oldest events and telling the sink so
    /// with a gap.
    bool hold_back = false;
    /// The sink keeps alerts (Trait): whoever listens after it is told of an alert only when it has it.
    bool keeps_alerts = false;
    std::chrono::milliseconds alert_patience{5'000};  ///< but nobody waits longer than this
    std::vector<std::string> symbols;                 ///< only these; empty: all
    std::string plain_exchange;                       ///< whose symbols have plain names
  };
  /// From the sink's thread, when it failed and was detached.
  using OnFail = std::function<void(const std::string& name)>;

  SinkHost(std::string name, std::unique_ptr<Sink> sink, const Surroundings& around, Options options, OnFail on_fail);
  ~SinkHost() override;

  /// Opens the sink on its thread and waits for that; false: it failed, the reason is in the log.
  bool start();
  /// Waits until what is queued is written and the sink is closed. After the hub has stopped. Idempotent.
  void finish();
  [[nodiscard]] const std::string& name() const { return name_; }
  /// Events this sink did not get because it was too slow.
  [[nodiscard]] std::uint64_t dropped() const;

  void on_batch(const SharedBatch& batch, const market::Market& market) override;
  void on_epoch(const std::string& epoch, const market::Market& market) override;
  void on_stop() override;

 private:
  using SharedEpoch = std::shared_ptr<const std::string>;
  struct Queued {
    SharedBatch batch;
    SharedEpoch epoch;  ///< of its events
  };
  struct Missed {
    std::int64_t events = 0;
    Micros from_ts = 0, to_ts = 0;
  };
  struct ById {
    bool operator()(const Instrument* a, const Instrument* b) const { return a->id < b->id; }
  };
  using MissedBy = std::map<const Instrument*, Missed, ById>;

  const Instrument& instrument(std::string_view symbol) noexcept override;
  /// Sinks consume; what they would publish could wait for themselves.
  bool publish(const Event*, std::size_t) noexcept override { return false; }
  void log(LogLevel level, std::string_view text) noexcept override;
  [[nodiscard]] int stop_fd() const noexcept override { return stop_.fd(); }
  [[nodiscard]] Micros now() const noexcept override { return around_.clock.now(); }
  void count(std::string_view name, std::uint64_t add) noexcept override;
  [[nodiscard]] std::string_view epoch() const noexcept override { return *epoch_; }
  [[nodiscard]] std::string_view plain_exchange() const noexcept override { return options_.plain_exchange; }
  [[nodiscard]] bool held_back() const noexcept override { return options_.hold_back; }

  void run();
  void work();
  bool consume(const EventBatch& batch);
  bool tell_gaps(const MissedBy& missed);
  void drop_oldest();
  void wait_for_alerts(std::unique_lock<std::mutex>& lock);
  [[nodiscard]] bool wanted(const Event& event) const;

  std::string name_;
  std::unique_ptr<Sink> sink_;
  Surroundings around_;
  Options options_;
  OnFail on_fail_;
  StopSignal stop_;
  SharedEpoch hub_epoch_;  // the hub's thread
  // The sink's thread:
  std::vector<Event> chosen_;  // scratch
  SharedEpoch epoch_ = std::make_shared<const std::string>();

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Queued> queue_;
  std::size_t queued_bytes_ = 0;
  std::uint64_t taken_ = 0;    // batches that entered the queue
  std::uint64_t handled_ = 0;  // and those that the sink is done with
  MissedBy missed_;            // dropped since the sink was last told
  std::uint64_t dropped_ = 0;
  enum class State { idle, open, failed, closed } state_ = State::idle;
  bool ending_ = false;
  std::thread thread_;
};

}  // namespace bixws::host

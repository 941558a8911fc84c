// SPDX-License-Identifier: Apache-2.0
// Hub: the one owner of the truth. Feeds queue batches, one thread applies and numbers them and hands each, frozen, to
// every listener in the same order.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <variant>
#include <vector>

#include "market/market.h"
#include "model/batch.h"

namespace bixws::hub {

/// An output. All calls come from the hub's thread, in one order that is the same for every listener; none may block
/// unless holding back the feeds is what is wanted (see Outbox).
class Listener {
 public:
  virtual ~Listener() = default;
  /// `market` already contains the whole batch's effect event by event up to and including `batch`; use on_event for
  /// what needs the state in between.
  virtual void on_batch(const SharedBatch& batch, const market::Market& market) = 0;
  /// Called for each event right after it was applied, before on_batch; for encoders that need the book as it stood.
  virtual void on_event(const Event& event, const market::Market& market) {
    (void)event;
    (void)market;
  }
  /// After a reset: forget positions, tell clients.
  virtual void on_epoch(const std::string& epoch, const market::Market& market) {
    (void)epoch;
    (void)market;
  }
  /// The last call; whatever is queued for this output must still go out.
  virtual void on_stop() {}
};

/// Makes events out of events: what follows from one takes its place right behind it, for every listener and for the
/// recording alike. Called on the hub's thread, for derived events too.
class Deriver {
 public:
  virtual ~Deriver() = default;
  /// `event` has been applied. Appends what follows from it, with bodies that live in `arena`.
  virtual void derive(const Event& event, const market::Market& market, Arena& arena, std::vector<Event>& derived) = 0;
  /// A new epoch: nothing that came before counts.
  virtual void reset() = 0;
};

class Hub {
 public:
  struct Options {
    std::size_t queue_bytes = std::size_t{64} << 20;  ///< feeds wait beyond it
  };
  using Task = std::function<void(market::Market&)>;

  Hub() : Hub(Options{}) {}
  explicit Hub(Options options);
  ~Hub();
  Hub(const Hub&) = delete;
  Hub& operator=(const Hub&) = delete;

  /// Before start().
  void attach(std::shared_ptr<Listener> listener);
  /// Before start().
  void set_deriver(std::shared_ptr<Deriver> deriver) { deriver_ = std::move(deriver); }
  void start();
  /// Processes what is queued, then calls on_stop of every listener. Idempotent; not from the hub's thread.
  void stop();

  /// Any thread. Waits while the queue is full; false (and the batch is dropped) once stopping.
  bool publish(std::unique_ptr<EventBatch> batch);
  /// Any thread. Runs on the hub's thread, in order with the batches: a subscribe is answered here, so its snapshot
  /// and everything after it cannot race. Never waits. False once stopped.
  bool post(Task task);
  /// Any thread. Queues a batch without waiting for room; for the few events that clients make.
  bool inject(std::unique_ptr<EventBatch> batch);
  /// Any thread. Waits until everything queued before this call was processed.
  void drain();
  /// Any thread; in order with the batches: empties the market, starts a new epoch, tells the listeners.
  void new_epoch();
  /// Any thread; in order with the batches: numbers come with the events from now on, in this epoch; empty: they are
  /// given here, in a new one. Nothing if that is so already.
  void adopt_epoch(std::string epoch);
  /// Any thread; in order with the batches: see Market::reached(). Empty `depths`: not known.
  void reached(const Instrument& instrument, std::uint64_t trades, std::vector<std::uint64_t> depths);
  /// Hub's thread only (inside post or a listener call).
  [[nodiscard]] const std::string& epoch() const { return epoch_; }
  void set_epoch(std::string epoch) { epoch_ = std::move(epoch); }

  [[nodiscard]] std::uint64_t events() const { return events_.load(std::memory_order_relaxed); }
  [[nodiscard]] std::size_t queued_bytes() const { return queued_bytes_.load(std::memory_order_relaxed); }

 private:
  using Item = std::variant<std::unique_ptr<EventBatch>, Task>;
  void run();
  void process(EventBatch& batch);
  void begin_epoch(std::string epoch);

  Options options_;
  std::vector<std::shared_ptr<Listener>> listeners_;
  std::shared_ptr<Deriver> deriver_;
  std::vector<Event> derived_;  // scratch
  market::Market market_;
  std::string epoch_;

  std::mutex mutex_;
  std::condition_variable work_, room_;
  std::deque<Item> queue_;
  bool stopping_ = false;
  std::atomic<std::size_t> queued_bytes_{0};
  std::atomic<std::uint64_t> events_{0};
  std::thread thread_;
};

/// A new epoch's name: short, not guessable from the last one, never from the clock alone.
std::string make_epoch();

}  // namespace bixws::hub

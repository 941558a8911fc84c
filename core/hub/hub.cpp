// SPDX-License-Identifier: Apache-2.0
// Hub: the queue and the thread that owns the market.
#include "hub/hub.h"

#include <algorithm>
#include <array>
#include <future>
#include <random>

namespace bixws::hub {

std::string make_epoch() {
  std::random_device device;
  std::array<char, 8> hex{};
  const std::uint32_t value = device();
  static constexpr char kDigits[] = "0123456789abcdef";
  for (std::size_t i = 0; i < hex.size(); ++i) hex[i] = kDigits[(value >> (4 * i)) & 15U];
  return {hex.begin(), hex.end()};
}

Hub::Hub(Options options) : options_(options), epoch_(make_epoch()) {}

Hub::~Hub() { stop(); }

void Hub::attach(std::shared_ptr<Listener> listener) { listeners_.push_back(std::move(listener)); }

void Hub::start() {
  thread_ = std::thread([this] { run(); });
}

void Hub::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  work_.notify_all();
  room_.notify_all();
  if (thread_.joinable()) thread_.join();
}

bool Hub::publish(std::unique_ptr<EventBatch> batch) {
  if (batch->empty()) return true;
  const std::size_t bytes = batch->bytes();
  {
    std::unique_lock lock(mutex_);
    // One batch always fits, however large, or a big snapshot could never pass.
    room_.wait(lock, [&] {
      return stopping_ || queued_bytes_.load(std::memory_order_relaxed) == 0 ||
             queued_bytes_.load(std::memory_order_relaxed) + bytes <= options_.queue_bytes;
    });
    if (stopping_) return false;
    queued_bytes_.fetch_add(bytes, std::memory_order_relaxed);
    queue_.emplace_back(std::move(batch));
  }
  work_.notify_one();
  return true;
}

bool Hub::inject(std::unique_ptr<EventBatch> batch) {
  {
    const std::lock_guard lock(mutex_);
    if (stopping_) return false;
    queued_bytes_.fetch_add(batch->bytes(), std::memory_order_relaxed);
    queue_.emplace_back(std::move(batch));
  }
  work_.notify_one();
  return true;
}

bool Hub::post(Task task) {
  {
    const std::lock_guard lock(mutex_);
    if (stopping_) return false;
    queue_.emplace_back(std::move(task));
  }
  work_.notify_one();
  return true;
}

void Hub::drain() {
  std::promise<void> done;
  if (post([&done](market::Market&) { done.set_value(); })) done.get_future().wait();
}

void Hub::begin_epoch(std::string epoch) {
  market_.reset();
  epoch_ = std::move(epoch);
  if (deriver_) deriver_->reset();
  for (const auto& listener : listeners_) listener->on_epoch(epoch_, market_);
}

void Hub::new_epoch() {
  post([this](market::Market&) { begin_epoch(make_epoch()); });
}

void Hub::adopt_epoch(std::string epoch) {
  post([this, epoch = std::move(epoch)](market::Market& market) mutable {
    const bool given = !epoch.empty();
    if (given == market.takes_numbers() && (!given || epoch == epoch_)) return;
    market.take_numbers(given);
    begin_epoch(given ? std::move(epoch) : make_epoch());
  });
}

void Hub::reached(const Instrument& instrument, std::uint64_t trades, std::vector<std::uint64_t> depths) {
  post([&instrument, trades, depths = std::move(depths)](market::Market& market) {
    if (market.takes_numbers()) market.reached(instrument, trades, depths);
  });
}

void Hub::process(EventBatch& batch) {
  for (std::size_t i = 0; i < batch.size(); ++i) {
    Event& event = batch.events()[i];
    market_.apply(event, batch.arena());
    for (const auto& listener : listeners_) listener->on_event(event, market_);
    if (!deriver_) continue;
    deriver_->derive(event, market_, batch.arena(), derived_);
    if (derived_.empty()) continue;
    // Appended, then moved to the place right behind their cause.
    const auto behind = static_cast<std::ptrdiff_t>(i + 1);
    const auto old_end = static_cast<std::ptrdiff_t>(batch.size());
    for (const Event& made : derived_) batch.append_in_place(made);
    const auto events = batch.events();
    std::rotate(events.begin() + behind, events.begin() + old_end, events.end());
    derived_.clear();
  }
  events_.fetch_add(batch.size(), std::memory_order_relaxed);
}

void Hub::run() {
  std::deque<Item> taken;
  for (;;) {
    {
      std::unique_lock lock(mutex_);
      work_.wait(lock, [this] { return stopping_ || !queue_.empty(); });
      if (queue_.empty()) break;  // stopping, and all is done
      taken.swap(queue_);
    }
    for (Item& item : taken) {
      if (auto* task = std::get_if<Task>(&item)) {
        (*task)(market_);
        continue;
      }
      auto& owned = std::get<std::unique_ptr<EventBatch>>(item);
      const std::size_t bytes = owned->bytes();
      process(*owned);
      const SharedBatch frozen(std::move(owned));
      for (const auto& listener : listeners_) listener->on_batch(frozen, market_);
      {
        const std::lock_guard lock(mutex_);
        queued_bytes_.fetch_sub(bytes, std::memory_order_relaxed);
      }
      room_.notify_all();
    }
    taken.clear();
  }
  for (const auto& listener : listeners_) listener->on_stop();
}

}  // namespace bixws::hub

// SPDX-License-Identifier: Apache-2.0
// SinkHost: hub's thread on one side of the queue, the sink's on the other.
#include "host/sink_host.h"

#include <algorithm>
#include <exception>

#include "model/batch.h"

namespace bixws::host {

SinkHost::SinkHost(std::string name, std::unique_ptr<Sink> sink, const Surroundings& around, Options options,
                   OnFail on_fail)
    : name_(std::move(name)),
      sink_(std::move(sink)),
      around_(around),
      options_(std::move(options)),
      on_fail_(std::move(on_fail)) {}

SinkHost::~SinkHost() {
  on_stop();
  finish();
}

bool SinkHost::start() {
  thread_ = std::thread([this] { run(); });
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [this] { return state_ != State::idle; });
  return state_ == State::open;
}

void SinkHost::on_stop() {
  {
    const std::lock_guard lock(mutex_);
    ending_ = true;
  }
  stop_.set();
  changed_.notify_all();
}

void SinkHost::finish() {
  if (thread_.joinable()) thread_.join();
}

std::uint64_t SinkHost::dropped() const {
  const std::lock_guard lock(mutex_);
  return dropped_;
}

void SinkHost::on_batch(const SharedBatch& batch, const market::Market&) {
  std::unique_lock lock(mutex_);
  const auto has_room = [&] { return queue_.empty() || queued_bytes_ + batch->bytes() <= options_.queue_bytes; };
  if (options_.hold_back) changed_.wait(lock, [&] { return state_ != State::open || has_room(); });
  if (state_ != State::open) return;
  while (!has_room()) drop_oldest();
  if (!hub_epoch_) hub_epoch_ = std::make_shared<const std::string>(around_.hub.epoch());
  queue_.push_back({batch, hub_epoch_});
  queued_bytes_ += batch->bytes();
  ++taken_;
  changed_.notify_all();
  if (!options_.keeps_alerts) return;
  const auto events = batch->events();
  if (std::any_of(events.begin(), events.end(), [](const Event& e) { return e.kind == Kind::alert; })) {
    wait_for_alerts(lock);
  }
}

void SinkHost::on_epoch(const std::string& epoch, const market::Market&) {
  hub_epoch_ = std::make_shared<const std::string>(epoch);
}

void SinkHost::wait_for_alerts(std::unique_lock<std::mutex>& lock) {
  const std::uint64_t mine = taken_;
  const auto kept = [&] { return state_ != State::open || handled_ >= mine; };
  if (changed_.wait_for(lock, options_.alert_patience, kept)) return;
  log(LogLevel::warning, "has not kept an alert within " + std::to_string(options_.alert_patience.count()) +
                             " ms, is its disk slow? The alert goes on without it");
  this->count("late_alerts", 1);
}

void SinkHost::drop_oldest() {
  const SharedBatch batch = std::move(queue_.front().batch);
  queue_.pop_front();
  queued_bytes_ -= batch->bytes();
  ++handled_;
  std::uint64_t count = 0;
  for (const Event& event : batch->events()) {
    if (!wanted(event)) continue;
    ++count;
    Missed& missed = missed_[event.instrument];
    if (missed.events++ == 0) missed.from_ts = event.recv_ts;
    missed.to_ts = event.recv_ts;
  }
  if (dropped_ == 0 && count > 0) {
    log(LogLevel::warning, "is slower than the feeds; events are being dropped, and it is told so with gaps");
  }
  dropped_ += count;
  this->count("dropped", count);
}

bool SinkHost::wanted(const Event& event) const {
  if (event.kind == Kind::raw) return false;
  if (options_.symbols.empty() || event.instrument->symbol.empty()) return true;
  return std::find(options_.symbols.begin(), options_.symbols.end(), event.instrument->symbol) !=
         options_.symbols.end();
}

void SinkHost::run() {
  const int opened = sink_->open(*this);
  {
    const std::lock_guard lock(mutex_);
    state_ = opened == 0 ? State::open : State::failed;
  }
  changed_.notify_all();
  if (opened != 0) return;
  work();
  sink_->close();
}

void SinkHost::work() {
  for (;;) {
    SharedBatch batch;
    MissedBy missed;
    bool idle = false;
    {
      std::unique_lock lock(mutex_);
      changed_.wait(lock, [this] { return ending_ || !queue_.empty(); });
      if (queue_.empty()) {
        state_ = State::closed;
        break;
      }
      batch = std::move(queue_.front().batch);
      epoch_ = std::move(queue_.front().epoch);
      queue_.pop_front();
      queued_bytes_ -= batch->bytes();
      missed.swap(missed_);
      idle = queue_.empty();
    }
    changed_.notify_all();
    if (tell_gaps(missed) && consume(*batch) && (!idle || sink_->flush() == 0)) {
      {
        const std::lock_guard lock(mutex_);
        ++handled_;
      }
      if (options_.keeps_alerts) changed_.notify_all();
      continue;
    }
    {
      const std::lock_guard lock(mutex_);
      state_ = State::failed;
      queue_.clear();
      queued_bytes_ = 0;
    }
    changed_.notify_all();
    log(LogLevel::error, "failed and was detached; everything else goes on");
    if (on_fail_) on_fail_(name_);
    return;
  }
  if (sink_->flush() != 0) {
    log(LogLevel::error, "failed to write out its last events");
    if (on_fail_) on_fail_(name_);
  }
}

bool SinkHost::consume(const EventBatch& batch) {
  const auto events = batch.events();
  if (std::all_of(events.begin(), events.end(), [this](const Event& e) { return wanted(e); })) {
    return sink_->consume(events.data(), events.size()) == 0;
  }
  chosen_.clear();
  std::copy_if(events.begin(), events.end(), std::back_inserter(chosen_), [this](const Event& e) { return wanted(e); });
  return chosen_.empty() || sink_->consume(chosen_.data(), chosen_.size()) == 0;
}

bool SinkHost::tell_gaps(const MissedBy& missed) {
  if (missed.empty()) return true;
  std::vector<Gap> gaps;
  gaps.reserve(missed.size());
  chosen_.clear();
  for (const auto& [instrument, what] : missed) {
    Gap gap;
    gap.reason = "slow_consumer";
    gap.from_ts = what.from_ts;
    gap.to_ts = what.to_ts;
    gap.lost = what.events;
    gap.client = true;
    gaps.push_back(gap);
    chosen_.push_back(Event::of(*instrument, what.to_ts, 0, gaps.back()));
  }
  return sink_->consume(chosen_.data(), chosen_.size()) == 0;
}

const Instrument& SinkHost::instrument(std::string_view symbol) noexcept {
  return around_.instruments.get(name_, symbol);
}

void SinkHost::log(LogLevel level, std::string_view text) noexcept {
  try {
    around_.log.write(level, "sink " + name_ + ": " + std::string(text));
  } catch (const std::exception&) {
    // Out of memory while saying so; the sink goes on.
  }
}

void SinkHost::count(std::string_view name, std::uint64_t add) noexcept {
  try {
    around_.counters.add("sink_" + name_ + "_" + std::string(name), add);
  } catch (const std::exception&) {
    // A lost count is better than a lost sink.
  }
}

}  // namespace bixws::host

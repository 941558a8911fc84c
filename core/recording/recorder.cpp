// SPDX-License-Identifier: Apache-2.0
// Recorder: a bounded queue between the hub's thread and the one that touches the disk.
#include "recording/recorder.h"

#include <algorithm>
#include <utility>

#include "model/event_json.h"

namespace bixws::recording {

Recorder::Recorder(RecorderOptions options, Instruments& instruments, const Clock& clock)
    : options_(std::move(options)), instruments_(instruments), clock_(clock) {
  options_.session.now = clock_.now();
  if (options_.names) options_.session.path = options_.names->first(options_.session.now);
  writer_ = std::make_unique<SessionWriter>(options_.session);
  state_.session = writer_->session();
  if (options_.on_file) options_.on_file(options_.session.path);
  thread_ = std::thread([this] { run(); });
}

Recorder::~Recorder() { finish(); }

// ---- hub's thread ----

void Recorder::on_batch(const SharedBatch& batch, const market::Market& market) {
  std::unique_lock lock(mutex_);
  const std::size_t bytes = batch->bytes();
  if (options_.hold_back) room_.wait(lock, [&] { return has_room(bytes) || state_.failing || stopping_; });
  if (stopping_) return;
  for (const Event& event : batch->events()) last_recv_ts_ = std::max(last_recv_ts_, event.recv_ts);
  if (dropping_ || !has_room(bytes)) {
    drop(*batch);
    // Half empty, not merely not full: each change back costs a snapshot of every book.
    if (held_bytes() <= options_.queue_bytes / 2 && !state_.failing) queue(make_up(&market));
  } else {
    queue(batch);
  }
  lock.unlock();
  work_.notify_one();
}

bool Recorder::has_room(std::size_t bytes) const {
  if (held_bytes() == 0) return true;
  if (held_bytes() + bytes > options_.queue_bytes) return false;
  const bool waits_for_disk = at_disk_ || state_.failing;
  return !options_.hold_back || waits_for_disk || items_.empty() || items_bytes_ + bytes <= options_.ahead_bytes;
}

void Recorder::on_stop() {
  {
    const std::lock_guard lock(mutex_);
    if (dropping_) queue(make_up(nullptr));
    stopping_ = true;
  }
  work_.notify_one();
  room_.notify_all();
}

void Recorder::queue(SharedBatch batch) {
  items_bytes_ += batch->bytes();
  items_.push_back({std::move(batch), std::chrono::steady_clock::now()});
}

void Recorder::drop(const EventBatch& batch) {
  dropping_ = true;
  state_.dropped += batch.size();
  for (const Event& event : batch.events()) {
    switch (event.kind) {
      case Kind::status:
        break;
      case Kind::trades:
        add_loss(*event.instrument, Channel::trades, event.recv_ts,
                 static_cast<std::int64_t>(event.trades().list.size()));
        break;
      case Kind::gap:
        add_loss(*event.instrument, event.gap().channel, event.recv_ts, std::max<std::int64_t>(event.gap().lost, 0));
        break;
      default:
        add_loss(*event.instrument, channel_of(event.kind), event.recv_ts, 1);
        break;
    }
  }
}

void Recorder::add_loss(const Instrument& instrument, Channel channel, Micros recv_ts, std::int64_t lost) {
  const auto known = std::find_if(losses_.begin(), losses_.end(), [&](const Loss& loss) {
    return loss.instrument == &instrument && loss.channel == channel;
  });
  Loss& loss = known != losses_.end() ? *known : losses_.emplace_back(Loss{&instrument, channel, recv_ts, recv_ts, 0});
  loss.from_ts = std::min(loss.from_ts, recv_ts);
  loss.to_ts = std::max(loss.to_ts, recv_ts);
  loss.lost += lost;
}

SharedBatch Recorder::make_up(const market::Market* market) {
  auto batch = std::make_unique<EventBatch>();
  for (const Loss& loss : losses_) {
    Gap gap;
    gap.channel = loss.channel;
    gap.reason = all_lost_ || state_.failing ? "recording failed" : "recording fell behind";
    gap.from_ts = loss.from_ts;
    gap.to_ts = loss.to_ts;
    gap.lost = loss.lost;
    batch->append(Event::of(*loss.instrument, last_recv_ts_, 0, gap));
  }
  for (const market::InstrumentState* at :
       market != nullptr ? market->all() : std::vector<const market::InstrumentState*>()) {
    const bool affected = all_lost_ || std::any_of(losses_.begin(), losses_.end(), [&](const Loss& loss) {
                            return loss.instrument == at->instrument || loss.instrument->symbol.empty();
                          });
    if (!affected) continue;
    if (at->has_ticker) {
      batch->append(Event::of(*at->instrument, at->ticker_recv_ts, at->ticker_ts, at->ticker));
    }
    for (const auto& [seconds, series] : at->candles) {
      batch->append(Event::of(*at->instrument, series.recv_ts, 0, series.last));
    }
    if (at->has_book) {
      const auto bids = at->book.bids().top(SIZE_MAX);
      const auto asks = at->book.asks().top(SIZE_MAX);
      const BookChange book{BookAction::snapshot, at->book_state, at->book_depth, bids, asks};
      batch->append(Event::of(*at->instrument, at->book_recv_ts, at->book_ts, book));
    }
  }
  losses_.clear();
  dropping_ = all_lost_ = false;
  return batch;
}

// ---- any thread ----

bool Recorder::finish() {
  on_stop();
  std::call_once(joined_, [this] { thread_.join(); });
  const std::lock_guard lock(mutex_);
  return finished_;
}

void Recorder::abandon() {
  {
    const std::lock_guard lock(mutex_);
    abandoned_ = true;
  }
  finish();
}

Recorder::State Recorder::state() const {
  const std::lock_guard lock(mutex_);
  State state = state_;
  state.queued_bytes = held_bytes();
  Time oldest = uncommitted_since_;
  if (oldest == Time{} && !items_.empty()) oldest = items_.front().queued;
  if (oldest != Time{}) {
    state.lag = std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::steady_clock::now() - oldest);
  }
  return state;
}

// ---- writer's thread ----

void Recorder::run() {
  std::unique_lock lock(mutex_);
  for (;;) {
    const auto ready = [this] { return stopping_ || !items_.empty(); };
    if (state_.failing) {
      work_.wait_until(lock, next_try_, ready);
    } else if (uncommitted_since_ != Time{}) {
      work_.wait_until(lock, commit_due(), ready);
    } else {
      work_.wait(lock, ready);
    }
    // One at a time, so that what waits is bounded by what the queue holds.
    while (!items_.empty() && !abandoned_) {
      const Item item = std::move(items_.front());
      items_.pop_front();
      lock.unlock();
      write(item);
      commit_if_due(std::chrono::steady_clock::now());
      lock.lock();
      items_bytes_ -= item.batch->bytes();
      room_.notify_all();
    }
    if (stopping_) break;
    lock.unlock();
    commit_if_due(std::chrono::steady_clock::now());
    lock.lock();
  }
  const bool keep = !abandoned_;
  lock.unlock();
  const bool done = keep && try_commit(true);
  writer_.reset();
  lock.lock();
  finished_ = done;
}

void Recorder::write(const Item& item) {
  writer_->write(item.batch);
  const std::lock_guard lock(mutex_);
  writer_bytes_ = writer_->pending_bytes();
  if (uncommitted_since_ == Time{} && writer_->uncommitted() != 0) uncommitted_since_ = item.queued;
}

/// With the lock. What waited long in a flood or for a slow disk is not committed piece by piece.
Recorder::Time Recorder::commit_due() const {
  return std::max(uncommitted_since_ + options_.commit_interval, committed_at_ + options_.commit_interval / 2);
}

void Recorder::set_at_disk(bool waits) {
  {
    const std::lock_guard lock(mutex_);
    at_disk_ = waits;
  }
  if (waits) room_.notify_all();  // there is more of it
}

void Recorder::commit_if_due(Time now) {
  bool due = false;
  {
    const std::lock_guard lock(mutex_);
    if (state_.failing) {
      due = now >= next_try_;
    } else if (uncommitted_since_ != Time{}) {
      due = now >= commit_due() || writer_->uncommitted() >= options_.commit_events ||
            writer_->pending_bytes() >= options_.commit_bytes;
    }
  }
  if (!due) return;
  const bool committed = try_commit(false);
  committed_at_ = std::chrono::steady_clock::now();
  if (committed) rotate_if_due();
}

void Recorder::rotate_if_due() {
  const Time now = std::chrono::steady_clock::now();
  if (!options_.names || now < next_rotation_) return;
  const Micros time = clock_.now();
  if (!options_.names->due(time, writer_->file_bytes())) return;
  set_at_disk(true);
  const std::string problem = rotate(time);
  set_at_disk(false);
  if (!problem.empty()) {
    // The present file goes on; what cannot be made now can perhaps be made later.
    next_rotation_ = now + options_.retry_interval;
    if (!std::exchange(rotation_fails_, true) && options_.on_no_file) options_.on_no_file(problem);
    return;
  }
  rotation_fails_ = false;
  {
    const std::lock_guard lock(mutex_);
    state_.session = writer_->session();
    writer_bytes_ = writer_->pending_bytes();
    if (writer_->uncommitted() != 0) uncommitted_since_ = now;
  }
  if (options_.on_file) options_.on_file(options_.session.path);
}

std::string Recorder::rotate(Micros time) {
  SessionOptions next = options_.session;
  try {
    // A copy: what fails leaves the names as they were, so that it is tried again.
    FileNames names = *options_.names;
    next.path = names.next(time);
    next.now = time;
    auto writer = std::make_unique<SessionWriter>(next);
    auto state = std::make_unique<EventBatch>();
    writer_->image().append_to(*state);
    writer->set_places(writer_->places());
    // What was true when this file began, however long ago it was heard.
    {
      const std::lock_guard lock(mutex_);
      for (Event& event : state->events()) event.recv_ts = last_recv_ts_;
    }
    writer_->finish();
    writer_ = std::move(writer);
    writer_->write(SharedBatch(std::move(state)));
    options_.session = next;
    options_.names = std::move(names);
  } catch (const RecordingError& error) {
    return error.what();
  }
  return {};
}

bool Recorder::try_commit(bool last) {
  bool was_failing = false;
  {
    const std::lock_guard lock(mutex_);
    was_failing = state_.failing;
  }
  if (was_failing && options_.session.whole) {  // the transaction is gone, and with it the session
    next_try_ = std::chrono::steady_clock::now() + options_.retry_interval;
    return false;
  }
  set_at_disk(true);
  try {
    if (was_failing && !writer_->reopen()) begin_anew();
    const std::uint64_t before = writer_->taken() - writer_->uncommitted();
    const Committed committed = last ? writer_->finish() : writer_->commit();
    {
      const std::lock_guard lock(mutex_);
      at_disk_ = false;
      state_.recorded += committed.seq - before;
      state_.failing = false;
      state_.problem.clear();
      writer_bytes_ = writer_->pending_bytes();
      uncommitted_since_ = {};
    }
    room_.notify_all();
    if (was_failing && options_.on_recovered) options_.on_recovered();
    if (committed.seq > before && options_.on_commit) options_.on_commit(committed);
    return true;
  } catch (const RecordingError& error) {
    next_try_ = std::chrono::steady_clock::now() + options_.retry_interval;
    {
      const std::lock_guard lock(mutex_);
      at_disk_ = false;
      state_.failing = true;
      state_.problem = error.what();
    }
    room_.notify_all();  // nobody waits for a disk that may never come back
    if (!was_failing && options_.on_problem) options_.on_problem(error.what());
    return false;
  }
}

void Recorder::begin_anew() {
  auto writer = std::make_unique<SessionWriter>(options_.session);
  const std::uint64_t lost = writer_->uncommitted();
  writer_ = std::move(writer);
  const std::lock_guard lock(mutex_);
  state_.session = writer_->session();
  state_.dropped += lost;
  add_loss(instruments_.get("", ""), Channel::none, last_recv_ts_, static_cast<std::int64_t>(lost));
  // Updates without the snapshot they belong to are of no use in a new session.
  for (const Item& item : items_) {
    drop(*item.batch);
    items_bytes_ -= item.batch->bytes();
  }
  items_.clear();
  dropping_ = all_lost_ = true;
}

}  // namespace bixws::recording

// SPDX-License-Identifier: Apache-2.0
// Publisher: which topics somebody listens to, and the encoding of each event for them. Answers are in answers.cpp.
#include "server/publisher.h"

#include <algorithm>
#include <utility>

#include "model/event_json.h"
#include "model/time_text.h"

namespace bixws::server {
namespace {

constexpr std::size_t kRunBytes = 256 * 1024;  // a long batch is handed over in parts of about this size

std::uint64_t topic_key(const ChannelSpec& what, const Instrument& instrument) {
  return (std::uint64_t{instrument.id} << 32) | (std::uint64_t{static_cast<std::uint8_t>(what.channel)} << 24) |
         what.param;
}

}  // namespace

Run& Publisher::run() {
  if (!run_) run_ = std::make_unique<Run>();
  return *run_;
}

void Publisher::hand_over() {
  if (!run_ || run_->items.empty()) return;
  const SharedRun shared(std::move(run_));
  recent_.keep(shared);
  for (const auto& taker : takers_) taker->take(shared);
}

// ---- who listens to what ------------------------------------------------------------------------------------------

Publisher::Row& Publisher::row_of(const Instrument& instrument) {
  if (instrument.id >= rows_.size()) rows_.resize(instrument.id + 1);
  auto& slot = rows_[instrument.id];
  if (!slot) {
    slot = std::make_unique<Row>();
    slot->instrument = &instrument;
    slot->label = labels_->label(instrument);
    for (const auto& [what, listeners] : every_) {
      if (listeners > 0) update(*slot, what, nullptr);
    }
    if (instrument.symbol.empty()) update(*slot, {Channel::status, 0}, nullptr);
  }
  return *slot;
}

Publisher::TopicState& Publisher::topic_of(const ChannelSpec& what, const Instrument& instrument) {
  auto& slot = topics_[topic_key(what, instrument)];
  if (!slot) {
    slot = std::make_unique<TopicState>();
    slot->topic = {static_cast<std::uint32_t>(topics_.size() - 1), &instrument, what, labels_->label(instrument)};
  }
  return *slot;
}

// Whoever just left may come back and resume: its topic goes on until nothing is held any more of what it may have.
bool Publisher::lingers(TopicState& topic) {
  if (!topic.active || !recent_.enabled()) return false;
  const Channel channel = topic.topic.what.channel;
  if (channel != Channel::ticker && channel != Channel::trades && channel != Channel::book &&
      channel != Channel::candle) {
    return false;
  }
  if (topic.linger == 0) {
    topic.linger = recent_.kept() + 1;
    if (!topic.queued) lingering_.emplace_back(&topic, topic.linger);
    topic.queued = true;
  }
  return recent_.forgotten() < topic.linger;
}

void Publisher::end_lingering(const market::Market& market) {
  while (!lingering_.empty() && lingering_.front().second <= recent_.forgotten()) {
    TopicState& state = *lingering_.front().first;
    lingering_.pop_front();
    state.queued = state.linger > recent_.forgotten();  // it had subscribers in between
    if (state.queued) {
      lingering_.emplace_back(&state, state.linger);
      continue;
    }
    const Topic& topic = state.topic;
    update(row_of(*topic.instrument), topic.what, market.find(topic.instrument->id));
  }
}

void Publisher::update(Row& row, const ChannelSpec& what, const market::InstrumentState* state) {
  TopicState& topic = topic_of(what, *row.instrument);
  const auto every = every_.find(what);
  // The status of a whole feed goes to whoever listens to one of its instruments.
  const bool whole_feed = row.instrument->symbol.empty() && what.channel == Channel::status;
  const bool wanted = whole_feed || topic.subscribers > 0 || (every != every_.end() && every->second > 0);
  if (wanted) topic.linger = 0;
  const bool active = wanted || lingers(topic);
  // A book's levels as they are now are what the first subscriber is about to be told.
  if (active && !topic.active && what.channel == Channel::book && what.param != 0 && state != nullptr) {
    topic.view.reset(state->book, what.param);
  }
  topic.active = active;
  TopicState* const entry = active ? &topic : nullptr;
  switch (what.channel) {
    case Channel::ticker:
      row.ticker = entry;
      break;
    case Channel::trades:
      row.trades = entry;
      break;
    case Channel::book: {
      if (what.param == 0) {
        row.book = entry;
        break;
      }
      const auto* const at = std::find(std::begin(market::kDepths), std::end(market::kDepths), what.param);
      row.depths[static_cast<std::size_t>(at - std::begin(market::kDepths))] = entry;
      row.any_depth = std::any_of(row.depths.begin(), row.depths.end(), [](const auto* t) { return t != nullptr; });
      break;
    }
    case Channel::candle: {
      const auto* const at =
          std::find(market::kTimeframes.begin(), market::kTimeframes.end(), static_cast<std::int32_t>(what.param));
      row.candles[static_cast<std::size_t>(at - market::kTimeframes.begin())] = entry;
      row.any_candle = std::any_of(row.candles.begin(), row.candles.end(), [](const auto* t) { return t != nullptr; });
      break;
    }
    case Channel::status:
      row.status = entry;
      break;
    case Channel::alert:
      row.alert = entry;
      break;
    case Channel::annotation:
      row.annotation = entry;
      break;
    case Channel::none:
      break;
  }
}

void Publisher::count(const Selection& selection, int change, const market::Market& market) {
  for (const Selection::Item& item : selection.items()) {
    if (item.excluded) continue;
    const auto add = [change](std::uint32_t& counter) {
      counter = static_cast<std::uint32_t>(static_cast<int>(counter) + change);
    };
    if (item.instrument == nullptr) {
      add(every_[item.what]);
      for (auto& row : rows_) {
        if (row) update(*row, item.what, market.find(row->instrument->id));
      }
      continue;
    }
    Row& row = row_of(*item.instrument);
    add(topic_of(item.what, *item.instrument).subscribers);
    update(row, item.what, market.find(item.instrument->id));
  }
}

std::map<std::string, Publisher::Shared>::iterator Publisher::acquire(Selection selection,
                                                                      const market::Market& market) {
  const auto [at, made] = selections_.try_emplace(selection.key());
  if (made) at->second.selection = std::make_shared<const Selection>(std::move(selection));
  if (at->second.clients++ == 0) count(*at->second.selection, 1, market);
  return at;
}

void Publisher::release(std::map<std::string, Shared>::iterator shared, const market::Market& market) {
  if (--shared->second.clients > 0) return;
  count(*shared->second.selection, -1, market);
  selections_.erase(shared);
}

// ---- events -------------------------------------------------------------------------------------------------------

void Publisher::add_item(const TopicState& topic, const Extent& frame, std::uint64_t seq, Micros recv_ts,
                         std::optional<Extent> part) {
  RunItem& item = run().items.emplace_back();
  item.kind = part ? RunItem::Kind::ticker : RunItem::Kind::message;
  item.topic = &topic.topic;
  item.frame = frame;
  if (part) {
    item.part = *part;
    item.previous = row_of(*topic.topic.instrument).previous_ticker_seq;
  }
  item.seq = seq;
  item.recv_ts = recv_ts;
  encoded_.fetch_add(1, std::memory_order_relaxed);
  if (chaos_ && topic.topic.what.channel != Channel::status) meet_fate(RunItem(item));
}

void Publisher::set_chaos(const ChaosOptions& options, std::function<void(std::string_view)> log) {
  chaos_.emplace(options);
  chaos_log_ = std::move(log);
}

// The message stands last in the run.
void Publisher::meet_fate(const RunItem& item) {
  const std::string name = channel_text(item.topic->what) + " " + item.topic->label;
  const Fate fate = chaos_->fate(chaos_key(name, item.seq));
  std::vector<RunItem>& items = run().items;
  if (fate == Fate::pass) {
    if (!overtaken_.empty()) release_overtaken(item.topic);
    return;
  }
  if (chaos_log_) {
    chaos_log_("chaos: " + std::string(bixws::name_of(fate)) + " of " + name + " " + std::to_string(item.seq) + ", " +
               format_rfc3339(item.recv_ts));
  }
  switch (fate) {
    case Fate::drop:
      items.pop_back();
      return;
    case Fate::dup:
      items.push_back(item);
      break;
    case Fate::reorder:
      items.pop_back();
      overtaken_.push_back({item, std::string(run().text(item.frame))});
      return;
    case Fate::pass:
      break;
  }
  release_overtaken(item.topic);
}

void Publisher::release_overtaken(const Topic* topic) {
  for (auto late = overtaken_.begin(); late != overtaken_.end();) {
    if (topic != nullptr && late->item.topic != topic) {
      ++late;
      continue;
    }
    TextBuffer& out = run().bytes;
    RunItem item = late->item;
    const std::uint32_t part_at = item.part.offset - item.frame.offset;
    item.frame.offset = static_cast<std::uint32_t>(out.size());
    item.part.offset = item.frame.offset + part_at;
    out.raw(late->frame);
    run().items.push_back(item);
    late = overtaken_.erase(late);
  }
}

void Publisher::on_event(const Event& event, const market::Market& market) {
  if (detached_.load(std::memory_order_relaxed)) return;
  Row& row = row_of(*event.instrument);
  history_.note(event, *market.find(event.instrument->id));
  switch (event.kind) {
    case Kind::ticker:
      row.previous_ticker_seq = std::exchange(row.ticker_seq, event.seq);
      // An edge was not told how many there were before its first one.
      if (row.previous_ticker_seq == 0 && market.takes_numbers()) row.previous_ticker_seq = event.seq - 1;
      if (row.ticker != nullptr) encode_ticker(row, event);
      break;
    case Kind::trades:
      encode_plain(row.trades, row, event);
      if (row.any_candle) encode_derived(row, event, *market.find(event.instrument->id));
      break;
    case Kind::book:
      encode_plain(row.book, row, event);
      if (row.any_depth) encode_depths(row, event, *market.find(event.instrument->id));
      break;
    case Kind::candle: {
      const auto* const at = std::find(market::kTimeframes.begin(), market::kTimeframes.end(), event.candle().seconds);
      if (at != market::kTimeframes.end()) {
        encode_plain(row.candles[static_cast<std::size_t>(at - market::kTimeframes.begin())], row, event);
      }
      if (row.any_candle) encode_derived(row, event, *market.find(event.instrument->id));
      break;
    }
    case Kind::status:
      if (event.status().replay != nullptr) release_overtaken(nullptr);  // nothing comes behind the end
      keep_status(row, event);
      encode_plain(row.status, row, event);
      break;
    case Kind::gap:
      encode_gap(row, event);
      break;
    case Kind::alert:
      row.marks.take(event);
      encode_plain(row.alert, row, event);
      break;
    case Kind::annotation:
      if (!own_marks_.empty() && own_marks_.front() == event.mark().id) {
        own_marks_.pop_front();  // taken in when it was asked for
      } else {
        row.marks.take(event);
      }
      encode_plain(row.annotation, row, event);
      break;
    case Kind::raw:
      break;
  }
  if (run_ && run_->bytes.size() >= kRunBytes) hand_over();
}

void Publisher::on_batch(const SharedBatch& batch, const market::Market& market) {
  (void)batch;
  hand_over();
  answer_waiting(market);
  end_lingering(market);
}

void Publisher::encode_plain(TopicState* topic, Row& row, const Event& event) {
  if (topic == nullptr) return;
  TextBuffer& out = run().bytes;
  const std::size_t begin = begin_frame(out);
  append_message(out, event, row.label);
  add_item(*topic, end_frame(out, begin), event.seq, event.recv_ts);
}

void Publisher::encode_ticker(Row& row, const Event& event) {
  TextBuffer& out = run().bytes;
  const std::size_t begin = begin_frame(out);
  append_message(out, event, row.label);
  const Extent frame = end_frame(out, begin);
  // {"type":"market_update","seq":N,"ts":T,"data":{ PART }}
  const std::string_view text = run().text(frame);
  const std::size_t at = text.find("\"data\":{") + 8;
  add_item(*row.ticker, frame, event.seq, event.recv_ts,
           Extent{frame.offset + static_cast<std::uint32_t>(at), static_cast<std::uint32_t>(text.size() - at - 2)});
}

void Publisher::encode_depths(Row& row, const Event& event, const market::InstrumentState& state) {
  const std::size_t touched = std::min(state.touched.bid, state.touched.ask);
  for (std::size_t i = 0; i < market::kDepthCount; ++i) {
    TopicState* const topic = row.depths[i];
    const std::uint32_t depth = market::kDepths[i];
    if (topic == nullptr || touched >= depth) continue;
    BookMessage book{event.instrument->exchange,
                     row.label,
                     state.depth_seq[i],
                     0,
                     depth,
                     event.book().action,
                     {},
                     {},
                     event.ts,
                     event.recv_ts,
                     event.book().state};
    std::vector<Level> bids;
    std::vector<Level> asks;
    if (book.action == BookAction::snapshot) {
      topic->view.reset(state.book, depth);
      bids = state.book.bids().top(depth);
      asks = state.book.asks().top(depth);
      book.bids = bids;
      book.asks = asks;
    } else {
      topic->view.update(state.book, depth, state.touched);
      book.bids = topic->view.bids();
      book.asks = topic->view.asks();
    }
    TextBuffer& out = run().bytes;
    const std::size_t begin = begin_frame(out);
    append_book(out, book);
    add_item(*topic, end_frame(out, begin), book.seq, event.recv_ts);
  }
}

void Publisher::encode_derived(Row& row, const Event& event, const market::InstrumentState& state) {
  for (std::size_t i = 0; i < market::kTimeframeCount; ++i) {
    if (row.candles[i] == nullptr) continue;
    candle_changes_.clear();
    state.derived.changes(i, candle_changes_);
    for (const market::NumberedCandle& change : candle_changes_) {
      TextBuffer& out = run().bytes;
      const std::size_t begin = begin_frame(out);
      append_candle(out, {event.instrument->exchange, row.label, change.seq, 0, event.recv_ts, &change.candle, true});
      add_item(*row.candles[i], end_frame(out, begin), change.seq, event.recv_ts);
    }
  }
}

void Publisher::encode_gap(Row& row, const Event& event) {
  if (clients_.empty() && !recent_.enabled()) return;
  TextBuffer& out = run().bytes;
  const std::size_t begin = begin_frame(out);
  append_message(out, event, row.label);
  append_gap_number(out, ++gaps_);
  RunItem& item = run().items.emplace_back();
  item.kind = RunItem::Kind::notice;
  item.seq = gaps_;
  item.channel = event.gap().channel;
  item.instrument = event.instrument;
  item.frame = end_frame(out, begin);
  item.recv_ts = event.recv_ts;
}

void Publisher::keep_status(Row& row, const Event& event) {
  TextBuffer text;
  append_message(text, event, row.label);
  row.last_status = text.view();
  if (!event.instrument->symbol.empty()) return;
  const FeedState state = event.status().state;
  const bool well = state == FeedState::live || state == FeedState::ended || state == FeedState::none;
  const std::lock_guard lock(ailments_mutex_);
  if (well) {
    ailments_.erase(std::string(event.instrument->exchange));
    return;
  }
  std::string& ailment = ailments_[std::string(event.instrument->exchange)];
  ailment = std::string(event.instrument->exchange) + " is " + std::string(bixws::name_of(state));
  if (!event.status().reason.empty()) ailment += ": " + std::string(event.status().reason);
}

std::vector<std::string> Publisher::ailments() const {
  const std::lock_guard lock(ailments_mutex_);
  std::vector<std::string> list;
  for (const auto& [feed, ailment] : ailments_) list.push_back(ailment);
  return list;
}

}  // namespace bixws::server

// SPDX-License-Identifier: Apache-2.0
// Engine: which topics travel on which connection, and what happens when one ends.
#include <algorithm>
#include <set>

#include "feed/engine.h"

namespace bixws::feed {
namespace {

constexpr Micros kMostLifeMargin = 600'000'000;
constexpr Micros kSuccessorPatience = 30'000'000;  // after that it takes over with whatever it has

std::string seconds_text(Micros delay) {
  return std::to_string(delay / 1'000'000) + "." + std::to_string(delay / 100'000 % 10) + " s";
}

}  // namespace

void ExchangeFeed::Engine::subscribe(std::vector<std::string> symbols, std::uint32_t channels, bool wanted) {
  loop_.post([this, symbols = std::move(symbols), channels, wanted] {
    if (!resolved_) {  // the list is not here yet: they are asked for with the others
      for (const std::string& symbol : symbols) {
        if (wanted) waiting_.push_back({symbol, channels});
        if (!wanted) std::erase_if(waiting_, [&](const Waiting& w) { return w.symbol == symbol; });
      }
      return;
    }
    for (const std::string& text : symbols) {
      Symbol* symbol = resolve(text);
      if (symbol == nullptr) continue;
      for (std::size_t i = 1; i < kDataChannels; ++i) {
        const auto channel = static_cast<Channel>(i);
        if ((channels & traits_.channels & channel_bit(channel)) == 0) continue;
        if (wanted) {
          want_topic(*symbol, channel);
        } else if (auto& count = references_[{symbol, channel}]; count > 0 && --count == 0) {
          lingering_.push_back({now() + config.linger, {symbol, channel}});
        }
      }
    }
    ask_new_topics();
    flush();
  });
}

void ExchangeFeed::Engine::want_topic(Symbol& symbol, Channel channel) {
  if (references_[{&symbol, channel}]++ > 0 || symbol.of(channel).wanted) return;
  intake.want(symbol, channel, true);
  const std::string path(dialect_->path(channel));
  const std::uint32_t size = dialect_->topics_of(channel);
  const std::uint32_t most = std::max(size, traits_.limits.topics_per_connection);
  auto at = std::find_if(shards_.begin(), shards_.end(), [&](const auto& shard) {
    return shard->path == path && (traits_.limits.topics_per_connection == 0 || shard->used + size <= most);
  });
  if (at == shards_.end()) {
    auto shard = std::make_unique<Shard>();
    shard->path = path;
    shards_.push_back(std::move(shard));
    at = std::prev(shards_.end());
  }
  Shard& shard = **at;
  shard.topics.push_back({&symbol, channel});
  shard.used += size;
  for (const auto& slot : shard.slots) {
    for (Link* link : {slot->link.get(), slot->successor.get()}) {
      if (link != nullptr && link->open()) to_ask_[{link, channel}].push_back(&symbol);
    }
  }
}

void ExchangeFeed::Engine::drop_topic(Symbol& symbol, Channel channel) {
  for (auto& shard : shards_) {
    if (std::erase(shard->topics, Topic{&symbol, channel}) == 0) continue;
    shard->used -= dialect_->topics_of(channel);
    for (const auto& slot : shard->slots) {
      for (Link* link : {slot->link.get(), slot->successor.get()}) {
        if (link != nullptr && link->open()) link->ask(false, channel, {&symbol});
      }
    }
  }
  intake.want(symbol, channel, false);
  for (auto& shard : shards_) {
    if (!shard->topics.empty()) continue;
    for (const auto& slot : shard->slots) {
      for (auto* link : {&slot->link, &slot->successor}) {
        if (!*link) continue;
        keep_end(link->get(), "nothing is wanted of it any more");
        (*link)->close();
        loop_.dispose(std::move(*link));
      }
    }
  }
  std::erase_if(shards_, [](const auto& shard) { return shard->topics.empty(); });
}

void ExchangeFeed::Engine::ask_new_topics() {
  for (auto& shard : shards_) {
    while (shard->slots.size() < std::max(1U, config.connections)) {
      const Backoff pace(config.backoff_least, config.backoff_most, random_());
      shard->slots.push_back(
          std::make_unique<Slot>(loop_, pace, [this, shard = shard.get()](Slot& slot) { connect(*shard, slot); }));
      connect(*shard, *shard->slots.back());
    }
  }
  for (const auto& [key, symbols] : std::exchange(to_ask_, {})) key.first->ask(true, key.second, symbols);
}

std::unique_ptr<Link> ExchangeFeed::Engine::make_link(const Shard& shard) {
  Link::Options options;
  options.answer_timeout = config.answer_timeout;
  options.client.connect.tls = config.tls;
  options.client.peer.max_message = config.max_frame;
  options.client.peer.ping_interval = std::chrono::microseconds(config.ping_interval);
  options.client.peer.pong_deadline = std::chrono::microseconds(config.pong_deadline);
  options.client.deflate = traits_.compressed;
  auto link = std::make_unique<Link>(loop_, next_number_++, *dialect_, clock_, options, *this);
  link->connect(url_for(shard.path));
  return link;
}

void ExchangeFeed::Engine::connect(Shard& shard, Slot& slot) {
  if (const net::Duration wait = connects_.wait(loop_.now()); wait != net::Duration::zero()) {
    return slot.retry.start(wait);
  }
  connects_.take(loop_.now());
  if (!slot.link) {
    slot.link = make_link(shard);
  } else if (!slot.successor_wanted.empty() && !slot.successor) {
    slot.successor = make_link(shard);
    slot.successor_since = now();
  }
}

void ExchangeFeed::Engine::begin_successor(Shard& shard, Slot& slot, const std::string& why) {
  if (!slot.successor_wanted.empty()) return;
  slot.successor_wanted = why;
  log(LogLevel::info, "connection " + std::to_string(slot.link->number()) + " will be replaced: " + why);
  connect(shard, slot);
}

void ExchangeFeed::Engine::settle_successor(Shard& shard, Slot& slot) {
  const Micros life = config.connection_life != 0 ? config.connection_life : traits_.limits.connection_life;
  if (slot.link && slot.link->open() && life != 0 && slot.successor_wanted.empty()) {
    // Slots of one shard do not change over at the same moment.
    const Micros margin = std::min(kMostLifeMargin, life / 10);
    const Micros earlier = static_cast<Micros>(slot.link->number() % 4) * margin / 8;
    if (now() - slot.link->opened_at() >= life - margin - earlier) begin_successor(shard, slot, "its time is up");
  }
  if (!slot.successor || !slot.successor->open() || !slot.successor->settled()) return;
  const std::uint32_t number = slot.successor->number();
  const bool complete = std::all_of(shard.topics.begin(), shard.topics.end(), [&](const Topic& topic) {
    const auto& connections = topic.symbol->of(topic.channel).connections;
    if (std::find(connections.begin(), connections.end(), number) == connections.end()) {
      return !topic.symbol->of(topic.channel).refusal.empty();
    }
    return topic.channel != Channel::book || topic.symbol->book_live_on(number);
  });
  if (!complete && now() - slot.successor->opened_at() < kSuccessorPatience) return;
  std::unique_ptr<Link> old = std::move(slot.link);
  slot.link = std::move(slot.successor);
  keep_end(old.get(), slot.successor_wanted);
  intake.left(old->number(), old->last_byte(), slot.successor_wanted, now());
  slot.successor_wanted.clear();
  old->close();
  loop_.dispose(std::move(old));
}

void ExchangeFeed::Engine::subscribe_all(const Shard& shard, Link& link) {
  for (const Channel channel : {Channel::book, Channel::trades, Channel::ticker, Channel::candle}) {
    std::vector<Symbol*> symbols;
    for (const Topic& topic : shard.topics) {
      if (topic.channel == channel) symbols.push_back(topic.symbol);
    }
    if (!symbols.empty()) link.ask(true, channel, symbols);
  }
}

std::pair<Shard*, Slot*> ExchangeFeed::Engine::slot_of(const Link& link) {
  for (auto& shard : shards_) {
    for (auto& slot : shard->slots) {
      if (slot->link.get() == &link || slot->successor.get() == &link) return {shard.get(), slot.get()};
    }
  }
  return {nullptr, nullptr};
}

Link* ExchangeFeed::Engine::link_of(std::uint32_t number) {
  for (auto& shard : shards_) {
    for (auto& slot : shard->slots) {
      if (slot->link && slot->link->number() == number) return slot->link.get();
      if (slot->successor && slot->successor->number() == number) return slot->successor.get();
    }
  }
  return nullptr;
}

void ExchangeFeed::Engine::on_link_open(Link& link) {
  intake.figures().connects.add();
  keep_raw({link.number(), RawFrame::Direction::connected, link.url(), {}}, now());
  if (const auto [shard, slot] = slot_of(link); shard != nullptr) subscribe_all(*shard, link);
  flush_soon();
}

void ExchangeFeed::Engine::on_link_frame(Link& link, std::string_view payload) {
  const Micros at = link.last_byte();
  const std::string_view text = padded(payload);
  keep_raw({link.number(), RawFrame::Direction::received, {}, text}, at);
  intake.read(link.number(), text, at);
  flush_soon();
}

void ExchangeFeed::Engine::on_link_sent(Link& link, std::string_view sent) {
  if (!config.raw) return;
  keep_raw({link.number(), RawFrame::Direction::sent, {}, sent}, now());
  flush_soon();
}

void ExchangeFeed::Engine::on_link_down(Link& link, const std::string& reason, int, Micros retry_after) {
  const auto [shard, slot] = slot_of(link);
  if (shard == nullptr) return;
  const Micros time = now();
  const bool was_open = link.opened_at() != 0;
  if (was_open) {
    intake.figures().disconnects.add();
    keep_end(&link, reason);
    intake.left(link.number(), link.last_byte(), reason, time);
  }
  if (slot->successor.get() == &link) {
    loop_.dispose(std::move(slot->successor));
  } else {
    loop_.dispose(std::move(slot->link));
    slot->link = std::move(slot->successor);
    slot->successor_wanted.clear();
  }
  const Micros delay = std::max(slot->backoff.next(), retry_after);
  const bool others =
      std::any_of(shard->slots.begin(), shard->slots.end(), [](const auto& s) { return s->link && s->link->open(); });
  log(LogLevel::warning, (was_open ? "connection " + std::to_string(link.number()) + " lost: " : "cannot connect: ") +
                             reason + "; trying again in " + seconds_text(delay));
  if (!others) set_state(was_open ? FeedState::stale : FeedState::down, reason);
  if (!slot->link || !slot->successor_wanted.empty()) slot->retry.start(std::chrono::microseconds(delay));
  flush_soon();
}

void ExchangeFeed::Engine::on_accepted(Link& link, Symbol& symbol, Channel channel) {
  if (const auto [shard, slot] = slot_of(link); slot != nullptr) slot->backoff.reset();
  intake.opened(symbol, channel, link.number(), now());
  flush_soon();
}

void ExchangeFeed::Engine::on_withdrawn(Link& link, Symbol& symbol, Channel channel) {
  intake.closed(symbol, channel, link.number());
}

void ExchangeFeed::Engine::on_refused(Link&, Symbol& symbol, Channel channel, const std::string& reason) {
  log(LogLevel::error, std::string(symbol.instrument->symbol) + ": subscription refused: " + reason);
  intake.refused(symbol, channel, reason, now());
  flush_soon();
}

void ExchangeFeed::Engine::on_data(Symbol& symbol, Channel channel, std::uint32_t connection) {
  Link* link = link_of(connection);
  if (link == nullptr) return;
  link->saw(symbol, channel);
  if (const auto [shard, slot] = slot_of(*link); slot != nullptr) slot->backoff.reset();
}

void ExchangeFeed::Engine::on_answer(std::uint32_t connection, const Answer& answer, bool refused) {
  Link* link = link_of(connection);
  if (link == nullptr) return;
  link->answer(answer, refused, answer.symbol.empty() ? nullptr : intake.find(answer.symbol));
}

void ExchangeFeed::Engine::on_leaving(std::uint32_t connection, Text why) {
  Link* link = link_of(connection);
  if (link == nullptr) return;
  const auto [shard, slot] = slot_of(*link);
  if (slot->link.get() == link) begin_successor(*shard, *slot, std::string(why));
}

void ExchangeFeed::Engine::on_condition(FeedState state, const std::string& why) {
  if (state == condition_ && why == condition_reason_) return;
  log(LogLevel::warning, why.empty() ? "the exchange says that all is well again" : "the exchange says: " + why);
  condition_ = state;
  condition_reason_ = why;
  judge_state();
}

void ExchangeFeed::Engine::on_reconnect(std::uint32_t connection, Text why) {
  if (Link* link = link_of(connection)) link->fail(std::string(why));
}

}  // namespace bixws::feed

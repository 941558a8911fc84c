// SPDX-License-Identifier: Apache-2.0
// Engine: life of the feed, its instrument list, its state as a whole.
#include "feed/engine.h"

#include <algorithm>
#include <random>

#include "feed/path_text.h"
#include "model/symbol.h"

namespace bixws::feed {
namespace {

constexpr auto kTick = std::chrono::milliseconds(500);

std::uint64_t seed_of(std::uint64_t given) { return given != 0 ? given : std::random_device{}(); }

net::HttpClientOptions rest_options(const FeedConfig& config) {
  net::HttpClientOptions options;
  options.connect.tls = config.tls;
  options.max_body = config.max_rest_body;
  return options;
}

}  // namespace

ExchangeFeed::Engine::Engine(std::unique_ptr<Dialect> dialect, FeedConfig given, FeedHooks hooks,
                             Instruments& instruments, const Clock& clock)
    : config(std::move(given)),
      intake(*dialect, config.exchange, instruments, *this),
      dialect_(std::move(dialect)),
      traits_(dialect_->traits()),
      hooks_(std::move(hooks)),
      clock_(clock),
      random_(seed_of(config.seed)),
      list_backoff_(config.backoff_least, config.backoff_most, random_()),
      list_timer_(loop_, [this] { ask_list(cursor_); }),
      connects_(1, std::chrono::microseconds(config.connect_interval != 0 ? config.connect_interval
                                                                          : traits_.limits.connect_interval)),
      tick_(loop_, [this] { tick(); }),
      chore_timer_(loop_, [this] { do_chores(); }) {}

ExchangeFeed::Engine::~Engine() { stop(); }

void ExchangeFeed::Engine::start() {
  for (const Channel channel : {Channel::ticker, Channel::trades, Channel::book, Channel::candle}) {
    if ((traits_.channels & channel_bit(channel)) == 0) continue;
    const net::Url url = net::parse_url(url_for(std::string(dialect_->path(channel))));
    if (!url.websocket()) throw std::runtime_error("url=" + url.text() + " is not ws:// or wss://");
  }
  if (!traits_.rest.empty()) {
    const net::Url url = net::parse_url(traits_.rest);
    if (url.websocket()) throw std::runtime_error("rest=" + url.text() + " is not http:// or https://");
    rest_ = std::make_unique<RestQueue>(loop_, std::string(traits_.rest), rest_options(config), traits_.limits);
  }
  thread_ = std::thread([this] {
    begin();
    loop_.run();
    end();
  });
}

void ExchangeFeed::Engine::stop() {
  loop_.stop();
  if (thread_.joinable()) thread_.join();
}

void ExchangeFeed::Engine::begin() {
  set_state(FeedState::connecting, "");
  flush();
  tick_.start(kTick);
  if (traits_.has_list && rest_) return ask_list("");
  if (traits_.has_list) {
    intake.read_list(padded({}), now(), now());
  } else {
    for (const std::string& symbol : config.symbols) {
      const std::string name = symbol_key(symbol);
      listed_.push_back({name, name, true});
    }
  }
  resolve_all();
}

void ExchangeFeed::Engine::end() {
  if (rest_) rest_->stop();
  for (const auto& shard : shards_) {
    for (const auto& slot : shard->slots) {
      for (const Link* link : {slot->link.get(), slot->successor.get()}) keep_end(link, "stopped");
    }
  }
  shards_.clear();
  intake.finish(now());
  flush();
}

// ---- The instrument list.

void ExchangeFeed::Engine::ask_list(const std::string& cursor) {
  PathText path;
  dialect_->list_path(cursor, path);
  rest_->get(path.text_, traits_.limits.list_weight,
             [this, url = rest_->base() + path.text_](const RestQueue::Reply& reply) { list_answered(reply, url); });
}

void ExchangeFeed::Engine::list_answered(const RestQueue::Reply& reply, const std::string& url) {
  std::string problem = reply.problem;
  if (reply.refusal == RestQueue::Refusal::none) {
    cursor_.clear();
    keep_raw({.connection = 0, .direction = RawFrame::Direction::rest, .url = url, .bytes = reply.body}, now());
    const std::size_t before = listed_.size();
    if (!intake.read_list(padded(reply.body), now() - reply.took, now())) {
      problem = "the instrument list from " + rest_->base() + " cannot be read; is rest= right?";
    } else if (listed_.size() == before) {
      problem = "the instrument list from " + rest_->base() + " is empty; is rest= right?";
    }
  }
  if (!problem.empty()) {
    const Micros delay = std::max(reply.wait, list_backoff_.next());
    set_state(FeedState::down, problem);
    log(LogLevel::warning, "no instrument list: " + problem);
    list_timer_.start(std::chrono::microseconds(delay));
    return flush();
  }
  list_backoff_.reset();
  if (!cursor_.empty()) return ask_list(cursor_);
  resolve_all();
}

void ExchangeFeed::Engine::on_listing(const Listing& listing) {
  std::string name(listing.id);
  if (!listing.base.empty()) name = symbol_key(std::string(listing.base)) + symbol_key(std::string(listing.quote));
  listed_.push_back({std::string(listing.id), std::move(name), listing.trading});
}

void ExchangeFeed::Engine::on_more(Text cursor) { cursor_ = cursor; }

void ExchangeFeed::Engine::resolve_all() {
  // Of two listings with one name the one that trades is meant.
  for (std::size_t i = 0; i < listed_.size(); ++i) {
    const auto [known, added] = by_name_.emplace(listed_[i].name, i);
    if (added) {
      names_.push_back(listed_[i].name);
    } else if (!listed_[known->second].trading && listed_[i].trading) {
      known->second = i;
    }
  }
  resolved_ = true;
  set_state(FeedState::connecting, "");
  std::vector<std::string> found;
  for (const std::string& text : config.symbols) {
    Symbol* symbol = resolve(text);
    if (symbol == nullptr) continue;
    found.emplace_back(symbol->instrument->symbol);
    for (std::size_t i = 1; i < kDataChannels; ++i) {
      const auto channel = static_cast<Channel>(i);
      if ((config.channels & traits_.channels & channel_bit(channel)) != 0) want_topic(*symbol, channel);
    }
  }
  for (const auto& [symbol, channels] : std::exchange(waiting_, {})) subscribe({symbol}, channels, true);
  if (hooks_.resolved) hooks_.resolved(found);
  if (found.empty() && !config.symbols.empty()) set_state(FeedState::down, "none of the symbols asked for is listed");
  ask_new_topics();
  flush();
}

Symbol* ExchangeFeed::Engine::resolve(const std::string& text) {
  auto listed = std::find_if(listed_.begin(), listed_.end(), [&](const Listed& l) { return l.id == text; });
  if (listed == listed_.end()) {
    const SymbolMatch match = match_symbol(text, names_);
    if (match.symbol.empty()) {
      const std::string problem = config.exchange + ": " + match.error;
      if (config.symbols_must_exist && hooks_.refused) {
        hooks_.refused(problem);
      } else {
        log(config.symbols_must_exist ? LogLevel::error : LogLevel::warning, match.error);
      }
      return nullptr;
    }
    listed = listed_.begin() + static_cast<std::ptrdiff_t>(by_name_.at(match.symbol));
  }
  if (!listed->trading) log(LogLevel::warning, listed->name + " is listed but not traded at present");
  return &intake.add(listed->id, listed->name);
}

// ---- The feed as a whole.

void ExchangeFeed::Engine::keep_raw(const RawFrame& frame, Micros at) {
  if (config.raw) intake.raw(frame, at);
}

void ExchangeFeed::Engine::keep_end(const Link* link, std::string_view why) {
  if (link == nullptr || link->opened_at() == 0) return;
  keep_raw({link->number(), RawFrame::Direction::disconnected, {}, why}, now());
}

void ExchangeFeed::Engine::set_state(FeedState state, const std::string& reason) {
  if (state == state_ && reason == state_reason_) return;
  state_ = state;
  state_reason_ = reason;
  status_at_ = now();
  intake.status(state, reason, status_at_);
}

void ExchangeFeed::Engine::judge_state() {
  if (!resolved_ || shards_.empty()) return;
  if (!rest_problem_.empty()) return set_state(FeedState::down, rest_problem_);
  bool all = true;
  for (const auto& shard : shards_) {
    all = all && std::any_of(shard->slots.begin(), shard->slots.end(), [](const auto& slot) {
            return slot->link && slot->link->open() && slot->link->settled();
          });
  }
  if (all) return set_state(condition_, condition_reason_);
  // What broke has said so itself; being on the way back up is no news.
  if (state_ == FeedState::live) set_state(FeedState::resyncing, "subscribing");
}

void ExchangeFeed::Engine::tick() {
  tick_.start(kTick);
  const Micros time = now();
  for (auto& shard : shards_) {
    for (auto& slot : shard->slots) {
      if (slot->link) slot->link->tick();
      if (slot->successor) slot->successor->tick();
      settle_successor(*shard, *slot);
    }
  }
  for (std::size_t i = 0; i < lingering_.size();) {
    const auto [due, topic] = lingering_[i];
    if (due > time) {
      ++i;
      continue;
    }
    lingering_.erase(lingering_.begin() + static_cast<std::ptrdiff_t>(i));
    if (references_[{topic.symbol, topic.channel}] == 0) drop_topic(*topic.symbol, topic.channel);
  }
  intake.tick(time);
  judge_state();
  intake.figures().lag_us.store(intake.lag().lag(), std::memory_order_relaxed);
  intake.figures().skew_us.store(intake.lag().skew(), std::memory_order_relaxed);
  if (state_ == FeedState::live && time - status_at_ >= config.status_interval) {
    status_at_ = time;
    intake.status(FeedState::live, state_reason_, time);
  }
  flush();
}

void ExchangeFeed::Engine::flush_soon() {
  if (flushing_) return;
  flushing_ = true;
  // After all the frames that can be read now: one batch for the burst.
  loop_.post([this] { flush(); });
}

void ExchangeFeed::Engine::flush() {
  flushing_ = false;
  auto batch = intake.take();
  if (batch && hooks_.publish && !hooks_.publish(std::move(batch))) loop_.stop();
}

std::string_view ExchangeFeed::Engine::padded(std::string_view text) {
  buffer_.assign(text);
  buffer_.append(kFramePadding, '\0');
  return {buffer_.data(), text.size()};
}

void ExchangeFeed::Engine::log(LogLevel level, const std::string& text) {
  if (hooks_.log) hooks_.log(level, config.exchange + ": " + text);
}

void ExchangeFeed::Engine::on_log(LogLevel level, const std::string& text) { log(level, text); }

std::string ExchangeFeed::Engine::url_for(const std::string& path) const {
  // An endpoint given with a path of its own is taken as it is.
  const net::Url url = net::parse_url(traits_.ws);
  std::string base(traits_.ws);
  if (url.target != "/") return base;
  if (base.ends_with('/')) base.pop_back();
  return base + path;
}

}  // namespace bixws::feed

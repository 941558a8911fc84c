// SPDX-License-Identifier: Apache-2.0
// RemoteFeed: a state machine on a loop of its own.
#include "feed/remote_feed.h"

#include <algorithm>
#include <charconv>
#include <iterator>
#include <map>
#include <stdexcept>
#include <utility>

#include "model/config_error.h"
#include "model/event_json.h"
#include "model/symbol.h"
#include "model/text_buffer.h"

namespace bixws::feed {
namespace {

net::Url server_url(std::string_view text) {
  std::string url(text);
  if (url.find("://") == std::string::npos) url.insert(0, "ws://");
  if (url.starts_with("http://")) url.replace(0, 4, "ws");
  if (url.starts_with("https://")) url.replace(0, 5, "wss");
  try {
    return net::parse_url(url);
  } catch (const std::exception& e) {
    throw ConfigError(e.what());
  }
}

net::WsClientOptions client_options(const RemoteOptions& options, const net::Url& url) {
  net::WsClientOptions client;
  if (!options.token.empty()) client.headers.add("Authorization", "Bearer " + options.token);
  client.peer.max_message = options.max_message;
  if (url.tls() && (!options.ca_file.empty() || options.insecure)) {
    try {
      const net::TlsClientOptions trust{options.ca_file, options.insecure};
      client.connect.tls = std::make_shared<net::TlsClientContext>(trust);
    } catch (const std::exception& e) {
      throw ConfigError(e.what());
    }
  }
  return client;
}

constexpr std::uint64_t kParameterMask = 0x3FFFFFF;
constexpr std::size_t kLargestBatch = std::size_t{256} << 10;

/// Instrument, channel and its parameter (depth or timeframe) as one number.
std::uint64_t position_key(const Event& event) {
  std::uint64_t parameter = 0;
  if (event.kind == Kind::book) parameter = event.book().depth;
  if (event.kind == Kind::candle) parameter = static_cast<std::uint64_t>(event.candle().seconds);
  return std::uint64_t{event.instrument->id} << 32U | static_cast<std::uint64_t>(event.kind) << 26U |
         (parameter & kParameterMask);
}

Kind kind_of(std::uint64_t position) { return static_cast<Kind>(position >> 26U & 0x3FU); }

/// Whether a symbol as a person may spell it means the one that the server calls `label`.
bool means(std::string_view spelled, std::string_view label, std::string_view plain_exchange) {
  const auto parts = [&](std::string_view text) {
    const auto colon = text.find(':');
    return colon == std::string_view::npos ? std::pair(plain_exchange, symbol_key(text))
                                           : std::pair(text.substr(0, colon), symbol_key(text.substr(colon + 1)));
  };
  return parts(spelled) == parts(label);
}

/// Whether a position of this kind and parameter is one of the channel, spelled as in a subscribe.
bool belongs(Kind kind, std::uint32_t parameter, std::string_view channel, std::string_view policy) {
  switch (kind) {
    case Kind::ticker:
      return channel == "ticker" && policy == "lossless";  // otherwise the newest ticker says it all
    case Kind::trades:
      return channel == "trades";
    case Kind::book:
      // A feed's own depth is told in the messages of the undivided book too.
      return channel == "book" || channel == "book:" + std::to_string(parameter);
    case Kind::candle:
      return channel == candles_channel(static_cast<std::int32_t>(parameter));
    default:
      return false;
  }
}

void append_list(TextBuffer& out, std::string_view name, const std::vector<std::string>& items) {
  out.raw(",\"");
  out.raw(name);
  out.raw("\":");
  char before = '[';
  for (const std::string& item : items) {
    out.raw(before);
    before = ',';
    out.quoted(item);
  }
  out.raw(']');
}

}  // namespace

RemoteFeed::RemoteFeed(RemoteOptions options, Instruments& instruments, Listener& listener)
    : options_(std::move(options)),
      url_(server_url(options_.url)),
      name_(url_.text()),
      instruments_(instruments),
      listener_(listener),
      parser_(instruments),
      batch_(std::make_unique<EventBatch>()) {
  if (!url_.websocket()) throw ConfigError("URL \"" + url_.text() + "\" is not ws:// or wss://");
  auto client = client_options(options_, url_);
  thread_.run_inside([&] {
    net::WsClient::Owner& owner = *this;  // a private base, out of make_unique's sight
    client_ = std::make_unique<net::WsClient>(thread_.loop(), std::move(client), owner);
    redial_ = std::make_unique<net::Timer>(thread_.loop(), [this] { dial(); });
    idle_ = std::make_unique<net::Signal>(thread_.loop(), [this] { hand_over(); });
  });
}

void RemoteFeed::start() {
  thread_.loop().post([this] { dial(); });
}

void RemoteFeed::stop() {
  if (std::exchange(stopped_, true)) return;
  thread_.run_inside([this] {
    over_ = true;
    idle_.reset();
    redial_.reset();
    client_.reset();
  });
  thread_.stop();
}

void RemoteFeed::send(std::string text) {
  thread_.loop().post([this, text = std::move(text)] {
    if (client_ != nullptr) client_->send_text(text);
  });
}

void RemoteFeed::refresh() {
  thread_.loop().post([this] {
    if (over_ || client_ == nullptr) return;
    if (redial_->active()) {
      redial_->cancel();
      dial();
    } else if (client_->open()) {
      send_topics("subscribe", topics_, false);
    }
  });
}

RemoteFeed::Topics RemoteFeed::topics_of(const std::vector<RemoteAsk>& asks) {
  Topics topics;
  for (const RemoteAsk& ask : asks) {
    for (const std::string& channel : ask.channels) {
      if (ask.symbols.empty()) topics.insert({ask.policy, {}, channel});
      for (const std::string& symbol : ask.symbols) topics.insert({ask.policy, symbol, channel});
    }
  }
  return topics;
}

void RemoteFeed::ask(const std::vector<RemoteAsk>& asks) {
  thread_.loop().post([this, wanted = topics_of(asks)]() mutable { change_topics(std::move(wanted)); });
}

void RemoteFeed::change_topics(Topics wanted) {
  Topics added;
  Topics removed;
  std::set_difference(wanted.begin(), wanted.end(), topics_.begin(), topics_.end(), std::inserter(added, added.end()));
  for (const Topic& topic : topics_) {
    // A topic of which only the policy changed is subscribed again and never given up.
    const bool kept = std::any_of(wanted.begin(), wanted.end(), [&](const Topic& w) {
      return w.symbol == topic.symbol && w.channel == topic.channel;
    });
    if (!kept) removed.insert(topic);
  }
  topics_ = std::move(wanted);
  if (client_ == nullptr || !client_->open()) return;
  send_topics("subscribe", added, false);
  send_topics("unsubscribe", removed, false);
}

void RemoteFeed::dial() {
  if (over_) return;
  tell(RemoteLink::State::connecting);
  client_->connect(url_);
}

void RemoteFeed::tell(RemoteLink::State state, std::string reason, net::Duration retry_in) {
  if (state == RemoteLink::State::ended || state == RemoteLink::State::failed) over_ = true;
  hand_over();
  listener_.on_link({state, std::move(reason), retry_in});
}

void RemoteFeed::wait_or_fail(std::string reason, bool for_good) {
  if (over_) return;
  if (for_good || !options_.reconnect) {
    tell(RemoteLink::State::failed, std::move(reason));
    return;
  }
  redial_->start(options_.reconnect_delay);
  tell(RemoteLink::State::waiting, std::move(reason), options_.reconnect_delay);
}

void RemoteFeed::on_open(net::WsClient&) {
  settled_ = topics_.empty();
  tell(RemoteLink::State::up);
  send_topics("subscribe", topics_, true);
  resumed_ids_ = next_id_ - 1;
}

void RemoteFeed::on_failed(net::WsClient&, const net::NetFailure& failure) {
  // A wrong token stays wrong, however often it is sent.
  const bool refused = failure.stage == net::Stage::http && (failure.status == 401 || failure.status == 403);
  std::string reason = failure.text;
  if (failure.stage == net::Stage::connect) reason += "; is a bixws server running there?";
  if (refused && failure.status == 401) {
    reason += options_.token.empty() ? "; it wants --token" : "; --token is not the right one";
  }
  wait_or_fail(std::move(reason), refused);
}

void RemoteFeed::on_closed(net::WsClient&, const net::WsEnd& end) {
  if (over_) return;
  if (ended_ && end.code == net::close_code::normal) {
    tell(RemoteLink::State::ended, "the replay has ended");
    return;
  }
  wait_or_fail(end.text, false);
}

void RemoteFeed::on_message(net::WsClient&, net::Opcode, std::string_view payload) {
  const std::size_t first = batch_->size();
  const ParsedMessage message = parser_.parse(payload, *batch_);
  const bool answer = message.type == MessageType::subscribed || message.type == MessageType::unsubscribed;
  if (answer || message.type == MessageType::error) settled_ = true;
  if (answer) return note_answer(message);
  if (!settled_) {  // the default stream, which nobody asked for
    batch_->truncate(first);
    return;
  }
  note_positions(message, batch_->events().subspan(first));
  listener_.on_message(payload, message, *batch_, first);
  if (batch_->bytes() >= kLargestBatch) {
    hand_over();
  } else {
    idle_->raise();
  }
}

void RemoteFeed::hand_over() {
  if (!batch_->empty()) listener_.on_events(batch_);
  listener_.on_idle();
  if (batch_ == nullptr) {
    batch_ = std::make_unique<EventBatch>();
  } else {
    batch_->clear();
  }
}

void RemoteFeed::note_epoch(const ParsedMessage& message) {
  if (message.epoch.empty() || message.epoch == epoch_) return;
  epoch_ = message.epoch;
  positions_.clear();
  trades_stand_.clear();
  all_trades_ = false;
  ended_ = false;  // a replay that begins anew
}

bool RemoteFeed::knows_trades(std::string_view label) const {
  return trades_stand_.contains(label) || std::any_of(positions_.begin(), positions_.end(), [&](const auto& position) {
           return kind_of(position.first) == Kind::trades &&
                  label_of(instruments_.at(static_cast<std::uint32_t>(position.first >> 32U))) == label;
         });
}

// Trades have no snapshot: until the first one comes, only this says what a loss of the connection would miss.
void RemoteFeed::note_answer(const ParsedMessage& message) {
  note_epoch(message);
  const auto& channels = message.channels;
  if (message.type != MessageType::subscribed ||
      std::find(channels.begin(), channels.end(), "trades") == channels.end()) {
    return;
  }
  std::map<std::string, std::uint64_t> stand;
  for (const std::string& symbol : message.symbols) stand[symbol] = 0;
  for (const ParsedMessage::Position& position : message.positions) {
    if (position.channel == "trades") stand[position.symbol] = position.seq;
  }
  std::uint64_t id = 0;
  std::from_chars(message.id.data(), message.id.data() + message.id.size(), id);
  for (const auto& [symbol, seq] : stand) {
    if (id > resumed_ids_ || !knows_trades(symbol)) trades_stand_[symbol] = seq;
  }
  all_trades_ = all_trades_ || message.symbols.empty();
}

void RemoteFeed::note_positions(const ParsedMessage& message, std::span<const Event> events) {
  note_epoch(message);
  for (const Event& event : events) {
    if (event.seq != 0) positions_[position_key(event)] = event.seq;
    if (event.kind == Kind::status && event.status().state == FeedState::ended) ended_ = true;
  }
}

std::string RemoteFeed::label_of(const Instrument& instrument) const {
  if (instrument.exchange == parser_.plain_exchange()) return std::string(instrument.symbol);
  return std::string(instrument.exchange) + ":" + std::string(instrument.symbol);
}

std::string RemoteFeed::resume_part(const Topics& topics) const {
  std::map<std::string, std::map<std::string, std::uint64_t>> last;
  std::uint64_t gap = 0;  // upstream gaps of all instruments are numbered together
  for (const auto& [key, seq] : positions_) {
    const Kind kind = kind_of(key);
    if (kind == Kind::gap) gap = std::max(gap, seq);
    const Instrument& instrument = instruments_.at(static_cast<std::uint32_t>(key >> 32U));
    const std::string label = label_of(instrument);
    for (const Topic& topic : topics) {
      if (!topic.symbol.empty() && !means(topic.symbol, label, parser_.plain_exchange())) continue;
      if (all_trades_ && topic.symbol.empty() && topic.channel == "trades" && !instrument.symbol.empty()) {
        last[label].emplace("trades", 0);
      }
      if (!belongs(kind, static_cast<std::uint32_t>(key & kParameterMask), topic.channel, topic.policy)) continue;
      auto& position = last[label][topic.channel];
      position = std::max(position, seq);
    }
  }
  for (const auto& [label, seq] : trades_stand_) {
    for (const Topic& topic : topics) {
      if (topic.channel != "trades") continue;
      if (!topic.symbol.empty() && !means(topic.symbol, label, parser_.plain_exchange())) continue;
      auto& position = last[label]["trades"];
      position = std::max(position, seq);
    }
  }
  if (epoch_.empty() || last.empty()) return {};
  TextBuffer out;
  out.raw(R"(,"resume":{"epoch":)");
  out.quoted(epoch_);
  out.raw(R"(,"last":)");
  char before = '{';
  for (const auto& [label, channels] : last) {
    out.raw(before);
    before = ',';
    out.quoted(label);
    out.raw(':');
    char inner = '{';
    for (const auto& [channel, seq] : channels) {
      out.raw(inner);
      inner = ',';
      out.quoted(channel);
      out.raw(':');
      out.integer(seq);
    }
    out.raw('}');
  }
  out.raw('}');
  if (gap != 0) {
    out.raw(R"(,"gap":)");
    out.integer(gap);
  }
  out.raw('}');
  return out.str();
}

void RemoteFeed::send_topics(std::string_view type, const Topics& topics, bool resume) {
  // Symbols with the same policy and channels share a message; all symbols and some of them are two.
  using Group = std::pair<std::string, std::vector<std::string>>;
  std::map<std::pair<std::string, std::string>, std::vector<std::string>> channels_of;
  for (const Topic& topic : topics) channels_of[{topic.policy, topic.symbol}].push_back(topic.channel);
  std::map<std::pair<bool, Group>, std::vector<std::string>> messages;
  for (const auto& [key, channels] : channels_of) {
    messages[{key.second.empty(), {key.first, channels}}].push_back(key.second);
  }
  for (const auto& [group, symbols] : messages) {
    const auto& [all, terms] = group;
    const auto& [policy, channels] = terms;
    TextBuffer out;
    out.raw("{\"type\":\"");
    out.raw(type);
    out.raw("\",\"id\":");
    out.integer(next_id_++);
    if (!all) append_list(out, "symbols", symbols);
    append_list(out, "channels", channels);
    if (!policy.empty() && type == "subscribe") {
      out.raw(",\"policy\":");
      out.quoted(policy);
    }
    if (resume) {
      Topics part;
      for (const std::string& symbol : symbols) {
        for (const std::string& channel : channels) part.insert({policy, symbol, channel});
      }
      out.raw(resume_part(part));
    }
    out.raw('}');
    client_->send_text(out.view());
  }
}

}  // namespace bixws::feed

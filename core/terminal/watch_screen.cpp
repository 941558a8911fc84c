// SPDX-License-Identifier: Apache-2.0
// watch on a terminal: a server's events into the model, the screen's wishes back to the server.
#include <algorithm>
#include <chrono>
#include <memory>
#include <mutex>
#include <optional>
#include <utility>
#include <vector>

#include "feed/history_answer.h"
#include "model/event_json.h"
#include "model/symbol.h"
#include "terminal/live_screen.h"
#include "terminal/watch.h"

namespace bixws::terminal {
namespace {

constexpr std::string_view kBookChannel = "book:100";  // deeper than any terminal is high
constexpr std::size_t kPastCandles = 500;              // no terminal is wider

/// How the server is likely to name it.
std::string label_for(const std::string& typed) {
  const SymbolQuery query = parse_symbol(typed);
  return query.exchange.empty() ? query.key : query.exchange + ":" + query.key;
}

Link link_of(const feed::RemoteLink& link, const std::string& source, Micros now) {
  using State = feed::RemoteLink::State;
  Link shown;
  shown.source = source;
  shown.reason = link.reason;
  shown.state = link.state == State::up           ? LinkState::up
                : link.state == State::connecting ? LinkState::connecting
                : link.state == State::waiting    ? LinkState::waiting
                                                  : LinkState::ended;
  shown.retry_at = now + std::chrono::duration_cast<std::chrono::microseconds>(link.retry_in).count();
  return shown;
}

class ScreenWatch final : public feed::RemoteFeed::Listener {
 public:
  ScreenWatch(const WatchOptions& options, const Capabilities& capabilities, int in, int out)
      : options_(options),
        tty_(in, out),
        screen_(tty_, capabilities, choices_of(options),
                {[this](const Command& command) { obey(command); },
                 [this](const Interest& interest) {
                   interest_ = interest;
                   ask();
                   ask_history(panes());
                 },
                 options.clock}),
        symbols_(options.symbols),
        past_items_(instruments_),
        feed_(options.remote, instruments_, *this),
        source_(feed_.name().substr(0, feed_.name().find_last_not_of('/') + 1)) {}

  WatchEnd run(int stop_fd) {
    screen_.update([this](Model& model) {
      for (const std::string& symbol : symbols_) model.expect(label_for(symbol));
      model.set_link({LinkState::connecting, source_, {}, 0, 0}, options_.clock());
    });
    options_.divert_log([this](std::string_view line) {
      screen_.update([&](Model& model) { model.notify(std::string(line), options_.clock()); });
    });
    ask();
    feed_.start();
    screen_.run(stop_fd, options_.duration == 0 ? 0 : options_.clock() + options_.duration);
    feed_.stop();
    options_.divert_log({});
    return end_;
  }

  void on_message(std::string_view text, const ParsedMessage& message, EventBatch&, std::size_t) override {
    if (message.type == MessageType::history) {
      auto past = std::make_unique<EventBatch>();
      const std::string problem = feed::read_history(text, past_items_, *past);
      if (problem.empty()) return pasts_.push_back(std::move(past));
      return screen_.update([&](Model& model) { model.notify("history: " + problem, options_.clock()); });
    }
    if (message.type != MessageType::error) return;
    if (feed::refuses_history(message)) return;  // no history is no trouble
    screen_.update([&](Model& model) {
      model.notify(message.message.empty() ? message.code : message.message, options_.clock());
    });
  }
  void on_events(std::unique_ptr<EventBatch>& batch) override {
    const Micros now = options_.clock();
    screen_.update([&](Model& model) {
      model.set_plain_exchange(feed_.plain_exchange());
      model.apply(batch->events(), now);
    });
  }
  /// What came before the answers is on the screen by now, so that it shows what of them is known.
  void on_idle() override {
    const std::string before = std::exchange(epoch_, feed_.epoch());
    if (!before.empty() && before != epoch_) begin_epoch();
    for (const auto& past : std::exchange(pasts_, {})) {
      screen_.update([&](Model& model) { model.take_history(std::as_const(*past).events()); });
    }
  }
  void on_link(const feed::RemoteLink& link) override {
    const Micros now = options_.clock();
    if (link.state == feed::RemoteLink::State::up) ask_history({});
    screen_.update([&](Model& model) {
      model.set_link(link_of(link, source_, now), now);
      if (link.state == feed::RemoteLink::State::waiting) model.notify(link.reason, now);
    });
    if (link.state != feed::RemoteLink::State::failed) return;
    // The screen is about to go: the reason must be left behind.
    end_ = {1, link.reason};
    screen_.stop();
  }

 private:
  static Choices choices_of(const WatchOptions& options) {
    Choices choices;
    choices.views =
        options.views.empty() ? std::vector<View>{View::table, View::chart, View::book, View::trades} : options.views;
    choices.focus = choices.views.front();
    return choices;
  }

  /// The screen's thread, or before it runs.
  void ask() {
    std::vector<feed::RemoteAsk> asks;
    asks.push_back({symbols_, {"ticker", "status", "alerts"}, {}});
    for (const std::string& symbol : extra_) asks.push_back({{symbol}, {"ticker", "status", "alerts"}, {}});
    if (feed::RemoteAsk shown = panes(); !shown.channels.empty()) asks.push_back(std::move(shown));
    feed_.ask(asks);
  }

  /// What the panes are about. The screen's thread.
  [[nodiscard]] feed::RemoteAsk panes() const {
    if (interest_.selected.empty()) return {};
    feed::RemoteAsk shown{{interest_.selected}, {}, {}};
    if (interest_.trades) shown.channels.emplace_back("trades");
    if (interest_.book) shown.channels.emplace_back(kBookChannel);
    if (interest_.chart) shown.channels.push_back(candles_channel(interest_.timeframe));
    return shown;
  }

  /// After a seek what was shown, and what was asked for it, is of somewhere else; a server that was started anew is
  /// not.
  void begin_epoch() {
    bool sought = false;
    screen_.update([&](Model& model) {
      sought = model.replay().has_value();
      if (sought) model.forget_past();
    });
    if (!sought) return;
    pasts_.clear();
    ask_history({});
  }

  /// What was there before, of what the panes are about; nothing given: of what was given last.
  void ask_history(std::optional<feed::RemoteAsk> about) {
    {
      const std::lock_guard lock(past_mutex_);
      if (about) past_of_ = std::move(*about);
      about = past_of_;
    }
    for (const std::string& symbol : about->symbols) {
      for (const std::string& channel : about->channels) {
        const bool trades = channel == "trades";
        if (trades) screen_.update([&](Model& model) { model.ask_for_trades(symbol); });
        if (trades || channel.starts_with("candles:")) {
          feed_.send(feed::history_request(channel, symbol, channel, trades ? Model::kTradesKept : kPastCandles));
        }
      }
    }
  }

  void obey(const Command& command) {
    switch (command.kind) {
      case Command::Kind::add:
        add(command.symbol);
        break;
      case Command::Kind::remove:
        screen_.update([&](Model& model) { model.remove(command.symbol); });
        std::erase_if(symbols_, [&](const std::string& s) { return label_for(s) == command.symbol; });
        std::erase_if(extra_, [&](const std::string& s) { return label_for(s) == command.symbol; });
        ask();
        break;
      case Command::Kind::refresh:
        feed_.refresh();
        break;
      case Command::Kind::replay:
        feed_.send(R"({"type":"replay",)" + command.request + "}");
        break;
      default:
        break;
    }
  }

  void add(const std::string& typed) {
    std::string label;
    try {
      label = label_for(typed);
    } catch (const std::exception& e) {
      screen_.update([&](Model& model) { model.notify(e.what(), options_.clock()); });
      return;
    }
    bool known = false;
    screen_.update([&](Model& model) {
      known = model.find(label) != nullptr;
      model.expect(label);
    });
    if (known) return;
    if (!symbols_.empty()) {
      symbols_.push_back(typed);
    } else {
      extra_.push_back(typed);  // all are asked for already: the server will say if it does not know this one
    }
    ask();
  }

  const WatchOptions& options_;
  Instruments instruments_;
  Tty tty_;
  LiveScreen screen_;
  Interest interest_;                               // the screen's thread
  std::vector<std::string> symbols_;                // the screen's thread; empty: all
  std::vector<std::string> extra_;                  // the screen's thread
  WatchEnd end_;                                    // the feed's thread, read after it has gone
  MessageParser past_items_;                        // the feed's thread
  std::vector<std::unique_ptr<EventBatch>> pasts_;  // answers that are not on the screen yet; the feed's thread
  std::string epoch_;                               // of what is on the screen; the feed's thread
  std::mutex past_mutex_;
  feed::RemoteAsk past_of_;  // guarded by it
  feed::RemoteFeed feed_;
  const std::string source_;  // as shown
};

}  // namespace

WatchEnd watch_screen(const WatchOptions& options, const Capabilities& capabilities, int in, int out, int stop_fd) {
  ScreenWatch watch(options, capabilities, in, out);
  return watch.run(stop_fd);
}

}  // namespace bixws::terminal

// SPDX-License-Identifier: Apache-2.0
// Chart data from a running server: what it remembers, then what it has now.
#include <condition_variable>
#include <mutex>
#include <stdexcept>
#include <utility>

#include "chart/builder.h"
#include "chart/sources.h"
#include "feed/history_answer.h"
#include "model/config_error.h"
#include "model/event_json.h"

namespace bixws::chart {
namespace {

/// Asks for the history of candles and of marks once the connection is up, and takes the candle of now along.
class Asker final : private feed::RemoteFeed::Listener {
 public:
  Asker(const feed::RemoteOptions& server, const Wanted& wanted)
      : wanted_(wanted),
        label_((wanted.symbol.exchange.empty() ? "" : wanted.symbol.exchange + ":") + wanted.symbol.key),
        channel_(candles_channel(wanted.seconds)),
        builder_(wanted.symbol, wanted.seconds),
        items_(instruments_),
        feed_(server, instruments_, *this) {
    feed_.ask({{{label_}, {channel_}, {}}});
    feed_.start();
  }
  ~Asker() { feed_.stop(); }

  Data wait(std::chrono::milliseconds patience) {
    {
      std::unique_lock lock(mutex_);
      const bool told = changed_.wait_for(lock, patience, [this] { return done_; });
      if (!refusal_.empty()) throw ConfigError(refusal_);
      if (!failure_.empty()) throw std::runtime_error(failure_);
      if (!told && !builder_has_data_) {
        throw std::runtime_error(feed_.name() + ": no candles of " + label_ + " came within " +
                                 std::to_string(patience.count()) + " ms");
      }
    }
    feed_.stop();
    return builder_.take();
  }

 private:
  void ask_history() {
    for (const std::string& channel : {channel_, std::string("alerts"), std::string("annotations")}) {
      feed_.send(feed::history_request(channel, label_, channel, static_cast<std::size_t>(wanted_.limit)));
      ++waiting_;
    }
  }

  void on_link(const feed::RemoteLink& link) override {
    if (link.state == feed::RemoteLink::State::up) return ask_history();
    if (link.state == feed::RemoteLink::State::failed || link.state == feed::RemoteLink::State::waiting) {
      finish([&] { failure_ = feed_.name() + ": " + link.reason; });
    }
  }

  void on_message(std::string_view text, const ParsedMessage& message, EventBatch& batch, std::size_t first) override {
    if (message.type == MessageType::history) return take_history(text);
    if (message.type == MessageType::error) {
      // A server without a memory: then what arrives is all there is.
      if (feed::refuses_history(message) && message.code != "unknown_symbol") return answered();
      return finish([&] { refusal_ = message.message; });
    }
    const auto events = batch.events();
    for (std::size_t i = first; i < events.size(); ++i) add(events[i]);
  }
  void on_events(std::unique_ptr<EventBatch>& batch) override { batch->clear(); }

  void take_history(std::string_view text) {
    EventBatch batch;
    const std::string problem = feed::read_history(text, items_, batch);
    if (!problem.empty()) {
      return finish([&] { failure_ = feed_.name() + ": a history answer cannot be read: " + problem; });
    }
    for (const Event& event : std::as_const(batch).events()) add(event);
    answered();
  }

  void add(const Event& event) {
    builder_.add(event);
    if (builder_.found()) {
      const std::lock_guard lock(mutex_);
      builder_has_data_ = true;
    }
    if (waiting_ == 0 && builder_.found()) finish([] {});
  }
  void answered() {
    if (waiting_ > 0) --waiting_;
    if (waiting_ == 0 && builder_.found()) finish([] {});
  }
  template <typename Note>
  void finish(Note&& note) {
    {
      const std::lock_guard lock(mutex_);
      if (done_) return;
      note();
      done_ = true;
    }
    changed_.notify_all();
  }

  Wanted wanted_;
  std::string label_, channel_;
  Instruments instruments_;
  Builder builder_;  // the feed's thread, until it is stopped
  MessageParser items_;
  int waiting_ = 0;  // answers; the feed's thread

  std::mutex mutex_;
  std::condition_variable changed_;
  bool done_ = false;  // guarded by mutex_, like what follows
  bool builder_has_data_ = false;
  std::string refusal_, failure_;

  feed::RemoteFeed feed_;  // last: its thread uses all of the above
};

}  // namespace

Data ask_server(const feed::RemoteOptions& server, const Wanted& wanted, std::chrono::milliseconds patience) {
  feed::RemoteOptions options = server;
  options.reconnect = false;
  return Asker(options, wanted).wait(patience);
}

}  // namespace bixws::chart

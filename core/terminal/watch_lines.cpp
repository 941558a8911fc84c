// SPDX-License-Identifier: Apache-2.0
// watch on a pipe: the server's own words.
#include <poll.h>

#include <algorithm>
#include <chrono>
#include <set>
#include <span>
#include <utility>

#include "terminal/line_output.h"
#include "terminal/watch.h"

namespace bixws::terminal {
namespace {

constexpr Micros kPatience = 5'000'000;

class LineWatch final : public feed::RemoteFeed::Listener {
 public:
  LineWatch(const WatchOptions& options, int out, int stop_fd) : options_(options), output_(out, stop_fd) {}

  const Outcome& outcome() const { return outcome_; }
  std::function<void()> refresh;  // asks for the snapshot again

  void on_message(std::string_view text, const ParsedMessage& message, EventBatch& batch, std::size_t first) override {
    const auto events = batch.events().subspan(first);
    if (options_.once_symbols > 0) look_at(events);
    batch.truncate(first);  // only the words are wanted
    if (outcome_.is_set()) return;
    if (!message.problem.empty()) {
      options_.note("a message that is not understood was left out: " + message.problem);
      return;
    }
    if (message.type == MessageType::error && lines_ == 0) {
      // Our own subscribe was refused: there is nothing to wait for.
      outcome_.set({2, message.message});
      return;
    }
    if (options_.once && !is_the_one(message)) return;
    check(output_.add(text));
    ++lines_;
    if (options_.once || lines_ == options_.count) {
      check(output_.flush());
      outcome_.set({});
    }
  }
  void on_events(std::unique_ptr<EventBatch>&) override {}
  void on_idle() override {
    if (!outcome_.is_set()) check(output_.flush());
  }
  void on_link(const feed::RemoteLink& link) override {
    using State = feed::RemoteLink::State;
    if (link.state == State::ended) outcome_.set({});
    if (link.state == State::failed) outcome_.set({1, link.reason});
    if (link.state == State::waiting) {
      options_.note(link.reason + "; next attempt in " +
                    std::to_string(std::chrono::ceil<std::chrono::seconds>(link.retry_in).count()) + " s");
    }
    if (link.state == State::up && was_lost_) options_.note("connected again");
    was_lost_ = was_lost_ || link.state == State::waiting;
  }

 private:
  /// With a feed of our own there is nothing yet when we connect: the snapshot is asked for again once there is.
  void look_at(std::span<const Event> events) {
    for (const Event& event : events) {
      if (event.kind == Kind::ticker) seen_.insert(event.instrument->id);
      if (event.kind == Kind::status && event.status().state == FeedState::down) {
        outcome_.set({1, std::string(event.instrument->exchange) + ": " + std::string(event.status().reason)});
      }
    }
    if (!seen_.empty() && first_seen_ == 0) first_seen_ = options_.clock();
    const bool enough =
        seen_.size() >= options_.once_symbols || (first_seen_ != 0 && options_.clock() - first_seen_ > kPatience);
    if (enough && !std::exchange(asked_again_, true)) refresh();
  }

  [[nodiscard]] bool is_the_one(const ParsedMessage& message) const {
    return message.type == MessageType::initial_data && (options_.once_symbols == 0 || asked_again_);
  }

  void check(LineOutput::Result result) {
    if (result == LineOutput::Result::ok) return;
    if (result == LineOutput::Result::failed) {
      outcome_.set({1, output_.problem()});
    } else {
      outcome_.set({});
    }
  }

  const WatchOptions& options_;
  LineOutput output_;
  Outcome outcome_;
  std::uint64_t lines_ = 0;
  bool was_lost_ = false;
  std::set<std::uint32_t> seen_;  // instruments with a ticker
  Micros first_seen_ = 0;
  bool asked_again_ = false;
};

}  // namespace

std::vector<std::string> channels_of(const std::vector<View>& views) {
  std::vector<std::string> channels;
  const auto add = [&](std::string_view name) {
    if (std::find(channels.begin(), channels.end(), name) == channels.end()) channels.emplace_back(name);
  };
  for (const View view : views) {
    if (view == View::table) add("ticker");
    if (view == View::trades) add("trades");
    if (view == View::book) add("book");
    if (view == View::chart) add("candles:1m");
  }
  add("status");
  return channels;
}

WatchEnd wait_for_end(const Outcome& outcome, const WatchOptions& options, int out, int stop_fd) {
  using std::chrono::steady_clock;
  const auto deadline = steady_clock::now() + std::chrono::microseconds(options.duration);
  for (;;) {
    int timeout = -1;
    if (options.duration > 0) {
      const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - steady_clock::now()).count();
      if (left <= 0) return {};
      timeout = static_cast<int>(std::min<std::int64_t>(left, 3'600'000));
    }
    // Of `out` only its end: a reader that has gone is noticed although nothing is to be written.
    pollfd fds[] = {{outcome.fd(), POLLIN, 0}, {stop_fd, POLLIN, 0}, {out, 0, 0}};
    if (::poll(fds, 3, timeout) <= 0) continue;
    if (fds[0].revents != 0) return outcome.get();
    if (fds[1].revents != 0 || fds[2].revents != 0) return {};
  }
}

WatchEnd watch_lines(const WatchOptions& options, int out, int stop_fd) {
  LineWatch watch(options, out, stop_fd);
  Instruments instruments;
  feed::RemoteOptions remote = options.remote;
  if (options.once) remote.reconnect = false;
  feed::RemoteFeed feed(remote, instruments, watch);
  watch.refresh = [&feed] { feed.refresh(); };
  if (!options.symbols.empty() || !options.views.empty() || options.once_symbols > 0) {
    std::vector<View> views = options.views;
    if (views.empty() || options.once) views.insert(views.begin(), View::table);
    feed.ask({{options.symbols, channels_of(views), {}}});
  }
  feed.start();
  WatchEnd end = wait_for_end(watch.outcome(), options, out, stop_fd);
  feed.stop();
  return end;
}

}  // namespace bixws::terminal

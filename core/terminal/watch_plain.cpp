// SPDX-License-Identifier: Apache-2.0
// watch on a terminal that can only print: a line per symbol that changed, once a second.
#include <poll.h>

#include <chrono>
#include <map>
#include <mutex>

#include "terminal/line_output.h"
#include "terminal/watch.h"

namespace bixws::terminal {
namespace {

class PlainWatch final : public feed::RemoteFeed::Listener {
 public:
  PlainWatch(const WatchOptions& options, Outcome& outcome) : options_(options), outcome_(outcome) {}

  void on_message(std::string_view, const ParsedMessage& message, EventBatch&, std::size_t) override {
    if (message.type == MessageType::error) outcome_.set({2, message.message});
  }
  void on_events(std::unique_ptr<EventBatch>& batch) override {
    const std::lock_guard lock(mutex_);
    model_.apply(batch->events(), options_.clock());
  }
  void on_link(const feed::RemoteLink& link) override {
    using State = feed::RemoteLink::State;
    {
      const std::lock_guard lock(mutex_);
      Link shown;
      shown.state = link.state == State::up ? LinkState::up : LinkState::waiting;
      model_.set_link(shown, options_.clock());
      news_ = link.state == State::up        ? "connected"
              : link.state == State::waiting ? "not connected, values are stale: " + link.reason
                                             : news_;
    }
    if (link.state == State::ended) outcome_.set({});
    if (link.state == State::failed) outcome_.set({1, link.reason});
  }

  /// The rows that have changed since the last call, and news of the connection.
  std::vector<std::string> lines() {
    const std::lock_guard lock(mutex_);
    std::vector<std::string> lines;
    if (!news_.empty()) lines.push_back(std::exchange(news_, {}));
    const Micros now = options_.clock();
    for (const Row& row : model_.rows()) {
      Micros& shown = shown_[row.label];
      if (!row.has_ticker || row.heard_at <= shown) continue;
      shown = row.heard_at;
      lines.push_back(plain_line(model_, row, now));
    }
    return lines;
  }

 private:
  const WatchOptions& options_;
  Outcome& outcome_;
  std::mutex mutex_;
  Model model_;
  std::string news_;
  std::map<std::string, Micros> shown_;
};

}  // namespace

WatchEnd watch_plain(const WatchOptions& options, int out, int stop_fd) {
  using std::chrono::steady_clock;
  Outcome outcome;
  PlainWatch watch(options, outcome);
  Instruments instruments;
  feed::RemoteFeed feed(options.remote, instruments, watch);
  feed.ask({{options.symbols, {"ticker", "status"}, {}}});
  feed.start();
  LineOutput output(out, stop_fd);
  WatchOptions second = options;
  second.duration = 1'000'000;
  const auto begin = steady_clock::now();
  WatchEnd end;
  for (bool more = true; more;) {
    end = wait_for_end(outcome, second, out, stop_fd);
    const auto passed = std::chrono::duration_cast<std::chrono::microseconds>(steady_clock::now() - begin).count();
    pollfd stop{stop_fd, POLLIN, 0};
    more = !outcome.is_set() && ::poll(&stop, 1, 0) == 0 && (options.duration == 0 || passed < options.duration);
    for (const std::string& line : watch.lines()) output.add(line);
    if (output.flush() != LineOutput::Result::ok) more = false;
  }
  feed.stop();
  return end;
}

}  // namespace bixws::terminal

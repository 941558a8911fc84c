// SPDX-License-Identifier: Apache-2.0
// LiveScreen: one poll() over keys, wake-ups and the time of the next picture.
#include "terminal/live_screen.h"

#include <poll.h>

#include <algorithm>

namespace bixws::terminal {
namespace {

constexpr Micros kBetweenPictures = 1'000'000 / LiveScreen::kPicturesPerSecond;
constexpr int kEscapeWait = 40;  // milliseconds that the rest of a key's sequence may take

bool shows(const std::vector<Pane>& panes, View view) {
  return std::any_of(panes.begin(), panes.end(), [view](const Pane& pane) { return pane.view == view; });
}

}  // namespace

LiveScreen::LiveScreen(Tty& tty, Capabilities capabilities, Choices choices, Callbacks callbacks)
    : tty_(tty),
      capabilities_(capabilities),
      callbacks_(std::move(callbacks)),
      painter_(capabilities),
      choices_(std::move(choices)) {}

void LiveScreen::update(const std::function<void(Model&)>& change) {
  bool first = false;
  {
    const std::lock_guard lock(mutex_);
    change(model_);
    first = !dirty_;
    dirty_ = true;
  }
  if (first) tty_.wake();
}

void LiveScreen::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  tty_.wake();
}

void LiveScreen::take(Key key) {
  const Size size = tty_.size();
  const Micros now = callbacks_.clock();
  Command command;
  {
    const std::lock_guard lock(mutex_);
    command = press(key, choices_, frozen_ ? *frozen_ : model_, size, now);
    if (choices_.paused && !frozen_) frozen_ = model_;
    if (!choices_.paused) frozen_.reset();
  }
  switch (command.kind) {
    case Command::Kind::none:
      break;
    case Command::Kind::quit:
      quit_ = true;
      break;
    case Command::Kind::suspend:
      tty_.suspend();
      break;
    case Command::Kind::refresh:
      painter_.forget();
      callbacks_.command(command);
      break;
    default:
      callbacks_.command(command);
  }
  urgent_ = true;
}

bool LiveScreen::read_keys() {
  const auto bytes = tty_.read();
  if (!bytes) return false;
  keys_.feed(*bytes);
  while (const auto key = keys_.next(true)) take(*key);
  return true;
}

void LiveScreen::tell_interest(Size size, Micros now) {
  const auto panes = panes_of(choices_, size);
  Interest interest;
  {
    const std::lock_guard lock(mutex_);
    const Row* row = selected_row(model_, choices_, now);
    if (row != nullptr && row->instrument != nullptr) interest.selected = row->label;
  }
  interest.trades = shows(panes, View::trades);
  interest.book = shows(panes, View::book);
  interest.chart = shows(panes, View::chart);
  interest.timeframe = choices_.timeframe;
  if (told_ == interest) return;
  told_ = interest;
  callbacks_.interest(interest);
}

bool LiveScreen::show() {
  const Size size = tty_.size();
  const Micros now = callbacks_.clock();
  std::string bytes;
  {
    const std::lock_guard lock(mutex_);
    dirty_ = false;
    bytes = painter_.paint(draw({model_, frozen_ ? &*frozen_ : nullptr, choices_, capabilities_, now}, size));
    next_ = next_change(model_, now);
  }
  last_ = now;
  urgent_ = false;
  ++pictures_;
  if (!bytes.empty() && !tty_.write(bytes)) return false;
  tell_interest(size, now);
  return true;
}

void LiveScreen::run(int stop_fd, Micros until) {
  while (!quit_) {
    bool dirty = false;
    {
      const std::lock_guard lock(mutex_);
      if (stopping_) return;
      dirty = dirty_;
    }
    const Micros now = callbacks_.clock();
    if (until != 0 && now >= until) return;
    // A clock that was set back must not freeze the screen.
    if (last_ > now) last_ = now - kBetweenPictures;
    const Micros due = urgent_ ? now : std::max(last_ + kBetweenPictures, dirty ? Micros{0} : next_);
    if (due <= now) {
      if (!show()) return;
      continue;
    }
    Micros pause = std::clamp<Micros>((due - now + 999) / 1000, 1, 1000);
    if (until != 0) pause = std::min(pause, (until - now + 999) / 1000);
    int wait = static_cast<int>(pause);
    if (keys_.waiting()) wait = std::min(wait, kEscapeWait);
    pollfd fds[] = {{tty_.in(), POLLIN, 0}, {tty_.wake_fd(), POLLIN, 0}, {stop_fd, POLLIN, 0}};
    const int ready = ::poll(fds, stop_fd >= 0 ? 3 : 2, wait);
    if (ready == 0 && keys_.waiting()) {
      while (const auto key = keys_.next(false)) take(*key);
    }
    if (ready <= 0) continue;
    if (stop_fd >= 0 && fds[2].revents != 0) return;
    if (fds[1].revents != 0) {
      tty_.drain();
      if (tty_.was_away()) {
        painter_.forget();
        urgent_ = true;
      }
      const Size size = tty_.size();
      if (size != size_) {
        size_ = size;
        urgent_ = true;
      }
    }
    if (fds[0].revents != 0 && !read_keys()) return;
  }
}

}  // namespace bixws::terminal

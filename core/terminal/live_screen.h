// SPDX-License-Identifier: Apache-2.0
// LiveScreen: the loop between a model that others feed and a terminal: keys in, pictures out, at most 30 a second.
#pragma once

#include <functional>
#include <mutex>

#include "terminal/control.h"
#include "terminal/painter.h"
#include "terminal/tty.h"
#include "terminal/view.h"

namespace bixws::terminal {

/// What the screen wants to know of the world at the moment; the rest need not be sent.
struct Interest {
  std::string selected;  ///< label of the row that the panes below are about; empty: none
  bool trades = false, book = false, chart = false;
  std::int32_t timeframe = 60;
  friend bool operator==(const Interest&, const Interest&) = default;
};

class LiveScreen {
 public:
  struct Callbacks {
    /// A key asked for something that is not the screen's: add, remove, refresh, replay. On the screen's thread, the
    /// model is not locked.
    std::function<void(const Command&)> command;
    /// What is looked at has changed. On the screen's thread.
    std::function<void(const Interest&)> interest;
    /// Microseconds since the epoch.
    std::function<Micros()> clock;
  };

  LiveScreen(Tty& tty, Capabilities capabilities, Choices choices, Callbacks callbacks);

  /// Any thread: changes the model under its lock and lets the screen know. Waits at most for one picture.
  void update(const std::function<void(Model&)>& change);
  /// Any thread: run() returns soon.
  void stop();
  /// Draws and reads keys until quit, stop(), `stop_fd` readable, the terminal gone, or `until` (0: no end).
  void run(int stop_fd, Micros until);

  static constexpr int kPicturesPerSecond = 30;
  [[nodiscard]] std::uint64_t pictures() const { return pictures_; }

 private:
  bool read_keys();
  void take(Key key);
  void tell_interest(Size size, Micros now);
  bool show();

  Tty& tty_;
  Capabilities capabilities_;
  Callbacks callbacks_;
  Painter painter_;
  KeyDecoder keys_;

  std::mutex mutex_;
  Model model_;            // guarded by mutex_
  bool dirty_ = true;      // guarded by mutex_
  bool stopping_ = false;  // guarded by mutex_
  Choices choices_;        // the screen's thread, as all below
  std::optional<Model> frozen_;
  std::optional<Interest> told_;
  Size size_;
  bool quit_ = false, urgent_ = true;
  Micros next_ = 0;  // when the picture changes by itself, local clock
  Micros last_ = 0;  // last picture, local clock
  std::uint64_t pictures_ = 0;
};

}  // namespace bixws::terminal

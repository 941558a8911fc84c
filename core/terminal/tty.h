// SPDX-License-Identifier: Apache-2.0
// Tty: the terminal itself, borrowed: raw keys and the alternate screen while it is held, all as it was afterwards,
// however the process ends.
#pragma once

#include <termios.h>

#include <optional>
#include <string>
#include <string_view>

#include "terminal/cells.h"

namespace bixws::terminal {

/// The size of the terminal behind a descriptor; LINES and COLUMNS, then 80x24, where the kernel does not know.
Size size_of(int fd);

/// Gives a held terminal back right now. Async-signal-safe: for handlers and for exits that skip destructors.
void restore_terminal() noexcept;

/// One at a time in a process. While it is held: SIGWINCH and SIGCONT wake wake_fd(); SIGSEGV, SIGBUS, SIGFPE, SIGILL,
/// SIGABRT, SIGQUIT and exit() give the terminal back before they do what they did before.
class Tty {
 public:
  /// `in` and `out` are terminals. Throws std::system_error if they are not.
  Tty(int in, int out);
  ~Tty();
  Tty(const Tty&) = delete;
  Tty& operator=(const Tty&) = delete;

  [[nodiscard]] int in() const noexcept { return in_; }
  /// Readable after the size changed or the process was continued, and after wake(); clear with drain().
  [[nodiscard]] int wake_fd() const noexcept { return wake_fd_; }
  /// Any thread.
  void wake() const noexcept;
  void drain() const noexcept;
  /// True once after the process was stopped and continued: the terminal was taken again, and shows what others wrote.
  [[nodiscard]] bool was_away() noexcept;

  [[nodiscard]] Size size() const { return size_of(out_); }
  /// Waits while the terminal is slow. False: it is gone.
  bool write(std::string_view bytes) noexcept;
  /// What was typed, without waiting; nullopt: the terminal is gone.
  std::optional<std::string> read() noexcept;
  /// Ctrl-Z: gives the terminal back and stops the process group, as a shell expects.
  void suspend() noexcept;

 private:
  void enter() noexcept;

  int in_, out_, wake_fd_;
};

}  // namespace bixws::terminal

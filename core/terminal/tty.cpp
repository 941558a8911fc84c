// SPDX-License-Identifier: Apache-2.0
// Tty: termios, the alternate screen and the signals that must not leave them behind.
#include "terminal/tty.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstdint>
#include <cstdlib>
#include <system_error>

namespace bixws::terminal {
namespace {

// Alternate screen, cursor hidden, no wrapping at the right edge.
constexpr std::string_view kEnter = "\x1b[?1049h\x1b[?25l\x1b[?7l\x1b[0m\x1b[2J";
constexpr std::string_view kLeave = "\x1b[0m\x1b[?7h\x1b[?25h\x1b[?1049l";

// What handlers need, and nothing else: a handler may run at any moment.
struct Held {
  std::atomic<bool> held{false};
  std::atomic<bool> continued{false};
  std::atomic<int> wake_fd{-1};
  int in = -1, out = -1;
  termios before{};
};
Held g_held;  // NOLINT: signal handlers have no other way

constexpr std::array<int, 6> kDeadly = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGQUIT};
std::array<struct sigaction, kDeadly.size()> g_deadly_before;  // NOLINT
struct sigaction g_winch_before, g_cont_before;                // NOLINT

void poke() noexcept {
  const std::uint64_t one = 1;
  [[maybe_unused]] const auto written = ::write(g_held.wake_fd, &one, sizeof one);
}

void on_deadly(int signal) {
  restore_terminal();
  for (std::size_t i = 0; i < kDeadly.size(); ++i) {
    if (kDeadly[i] == signal) ::sigaction(signal, &g_deadly_before[i], nullptr);
  }
  ::raise(signal);  // what would have happened without us
}

void on_change(int signal) {
  const int saved = errno;
  if (signal == SIGCONT) g_held.continued = true;
  poke();
  errno = saved;
}

void install() {
  struct sigaction action {};
  sigemptyset(&action.sa_mask);
  action.sa_handler = on_deadly;
  action.sa_flags = SA_NODEFER;
  for (std::size_t i = 0; i < kDeadly.size(); ++i) ::sigaction(kDeadly[i], &action, &g_deadly_before[i]);
  action.sa_handler = on_change;
  action.sa_flags = SA_RESTART;
  ::sigaction(SIGWINCH, &action, &g_winch_before);
  ::sigaction(SIGCONT, &action, &g_cont_before);
}

void uninstall() {
  for (std::size_t i = 0; i < kDeadly.size(); ++i) ::sigaction(kDeadly[i], &g_deadly_before[i], nullptr);
  ::sigaction(SIGWINCH, &g_winch_before, nullptr);
  ::sigaction(SIGCONT, &g_cont_before, nullptr);
}

int number_from(const char* name, int fallback) {
  const char* text = std::getenv(name);
  const int value = text == nullptr ? 0 : std::atoi(text);
  return value > 0 ? value : fallback;
}

}  // namespace

Size size_of(int fd) {
  winsize size{};
  if (::ioctl(fd, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 && size.ws_row > 0) return {size.ws_col, size.ws_row};
  return {number_from("COLUMNS", 80), number_from("LINES", 24)};
}

void restore_terminal() noexcept {
  if (!g_held.held.exchange(false)) return;
  const int saved = errno;
  [[maybe_unused]] const auto written = ::write(g_held.out, kLeave.data(), kLeave.size());
  ::tcsetattr(g_held.in, TCSANOW, &g_held.before);
  errno = saved;
}

Tty::Tty(int in, int out) : in_(in), out_(out), wake_fd_(-1) {
  if (::tcgetattr(in, &g_held.before) != 0) throw std::system_error(errno, std::generic_category(), "the terminal");
  wake_fd_ = ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (wake_fd_ < 0) throw std::system_error(errno, std::generic_category(), "eventfd");
  g_held.in = in;
  g_held.out = out;
  g_held.wake_fd = wake_fd_;
  static const int registered = std::atexit([] { restore_terminal(); });
  (void)registered;
  install();
  enter();
}

Tty::~Tty() {
  restore_terminal();
  uninstall();
  g_held.wake_fd = -1;
  ::close(wake_fd_);
}

void Tty::enter() noexcept {
  termios raw = g_held.before;
  raw.c_iflag &= ~static_cast<tcflag_t>(BRKINT | ICRNL | INLCR | IGNCR | ISTRIP | IXON | PARMRK);
  raw.c_lflag &= ~static_cast<tcflag_t>(ECHO | ECHONL | ICANON | ISIG | IEXTEN);
  raw.c_cc[VMIN] = 0;
  raw.c_cc[VTIME] = 0;
  g_held.held = true;
  ::tcsetattr(in_, TCSANOW, &raw);
  write(kEnter);
}

void Tty::wake() const noexcept {
  const std::uint64_t one = 1;
  [[maybe_unused]] const auto written = ::write(wake_fd_, &one, sizeof one);
}

void Tty::drain() const noexcept {
  std::uint64_t count = 0;
  [[maybe_unused]] const auto got = ::read(wake_fd_, &count, sizeof count);
}

bool Tty::was_away() noexcept {
  if (!g_held.continued.exchange(false)) return false;
  // A shell has set the terminal its own way meanwhile.
  enter();
  return true;
}

bool Tty::write(std::string_view bytes) noexcept {
  while (!bytes.empty()) {
    const ssize_t sent = ::write(out_, bytes.data(), bytes.size());
    if (sent > 0) {
      bytes.remove_prefix(static_cast<std::size_t>(sent));
    } else if (sent < 0 && errno == EAGAIN) {
      pollfd ready{out_, POLLOUT, 0};
      ::poll(&ready, 1, 1000);
    } else if (sent < 0 && errno != EINTR) {
      return false;
    }
  }
  return true;
}

std::optional<std::string> Tty::read() noexcept {
  std::array<char, 512> bytes{};
  const ssize_t got = ::read(in_, bytes.data(), bytes.size());
  if (got > 0) return std::string(bytes.data(), static_cast<std::size_t>(got));
  if (got < 0 && (errno == EAGAIN || errno == EINTR)) return std::string();
  if (got == 0) {
    // VMIN 0: nothing typed, unless the other side has hung up.
    pollfd ready{in_, POLLIN, 0};
    ::poll(&ready, 1, 0);
    if ((ready.revents & (POLLHUP | POLLERR | POLLNVAL)) == 0) return std::string();
  }
  return std::nullopt;
}

void Tty::suspend() noexcept {
  restore_terminal();
  ::kill(0, SIGTSTP);  // the whole job, as the terminal would
}

}  // namespace bixws::terminal

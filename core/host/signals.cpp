// SPDX-License-Identifier: Apache-2.0
// Signals: blocked everywhere, read from a signalfd; so nothing ever runs in a handler.
#include "host/signals.h"

#include <poll.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

namespace bixws::host {
namespace {
constexpr int kForced = 130;
}

Signals::Signals() {
  sigset_t signals;
  sigemptyset(&signals);
  for (const int signal : {SIGINT, SIGTERM, SIGHUP}) sigaddset(&signals, signal);
  ::pthread_sigmask(SIG_BLOCK, &signals, &before_);
  signal_fd_ = ::signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK);
  if (signal_fd_ < 0) throw std::system_error(errno, std::generic_category(), "signalfd");
  thread_ = std::thread([this] { watch(); });
}

Signals::~Signals() {
  end_.set();
  thread_.join();
  ::close(signal_fd_);
  ::pthread_sigmask(SIG_SETMASK, &before_, nullptr);
}

void Signals::on_hangup(std::function<void()> action) {
  const std::lock_guard lock(mutex_);
  hangup_ = std::move(action);
}

void Signals::watch() {
  pollfd fds[] = {{signal_fd_, POLLIN, 0}, {end_.fd(), POLLIN, 0}};
  for (;;) {
    if (::poll(fds, 2, -1) < 0) continue;
    if (fds[1].revents != 0) return;
    signalfd_siginfo info{};
    while (::read(signal_fd_, &info, sizeof info) == sizeof info) {
      if (info.ssi_signo == SIGHUP) {
        const std::lock_guard lock(mutex_);
        if (hangup_) {
          hangup_();
          continue;
        }
      }
      if (seen_.exchange(true)) {
        if (auto* const last_words = last_words_.load()) last_words();
        ::_exit(kForced);
      }
      seen_fd_.set();
    }
  }
}

}  // namespace bixws::host

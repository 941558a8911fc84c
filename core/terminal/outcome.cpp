// SPDX-License-Identifier: Apache-2.0
// Outcome: an eventfd with a result.
#include "terminal/outcome.h"

#include <sys/eventfd.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <system_error>
#include <utility>

namespace bixws::terminal {

Outcome::Outcome() : fd_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  if (fd_ < 0) throw std::system_error(errno, std::generic_category(), "eventfd");
}

Outcome::~Outcome() { ::close(fd_); }

void Outcome::set(WatchEnd end) {
  const std::lock_guard lock(mutex_);
  if (std::exchange(set_, true)) return;
  end_ = std::move(end);
  const std::uint64_t one = 1;
  [[maybe_unused]] const auto written = ::write(fd_, &one, sizeof one);
}

bool Outcome::is_set() const {
  const std::lock_guard lock(mutex_);
  return set_;
}

WatchEnd Outcome::get() const {
  const std::lock_guard lock(mutex_);
  return end_;
}

}  // namespace bixws::terminal

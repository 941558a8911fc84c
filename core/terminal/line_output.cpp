// SPDX-License-Identifier: Apache-2.0
// LineOutput: poll, then as much as surely fits.
#include "terminal/line_output.h"

#include <limits.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace bixws::terminal {
namespace {
constexpr std::size_t kMostWaiting = 64 * 1024;
}

LineOutput::Result LineOutput::add(std::string_view line) {
  const std::size_t begin = waiting_.size();
  waiting_ += line;
  // JSON may be spread over lines, and then a line break stands between tokens; here it would end the message.
  std::replace(waiting_.begin() + static_cast<std::ptrdiff_t>(begin), waiting_.end(), '\n', ' ');
  waiting_ += '\n';
  return waiting_.size() >= kMostWaiting ? flush() : Result::ok;
}

LineOutput::Result LineOutput::flush() {
  std::string_view left = waiting_;
  while (!left.empty()) {
    pollfd fds[] = {{fd_, POLLOUT, 0}, {stop_fd_, POLLIN, 0}};
    if (::poll(fds, 2, -1) < 0) continue;
    if ((fds[0].revents & POLLOUT) == 0) {
      if ((fds[0].revents & (POLLERR | POLLHUP)) != 0) return Result::closed;
      if (fds[1].revents != 0) return Result::stopped;
      continue;
    }
    // So much a pipe takes without waiting once it says that it is writable.
    const ssize_t sent = ::write(fd_, left.data(), std::min<std::size_t>(left.size(), PIPE_BUF));
    if (sent > 0) {
      left.remove_prefix(static_cast<std::size_t>(sent));
    } else if (sent < 0 && errno == EPIPE) {
      return Result::closed;
    } else if (sent < 0 && errno != EINTR && errno != EAGAIN) {
      problem_ = std::string("cannot write: ") + std::strerror(errno);
      return Result::failed;
    }
  }
  waiting_.clear();
  return Result::ok;
}

}  // namespace bixws::terminal

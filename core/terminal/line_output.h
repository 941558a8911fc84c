// SPDX-License-Identifier: Apache-2.0
// LineOutput: whole lines to a pipe, file or terminal, at once, without ever being stuck in a write.
#pragma once

#include <string>
#include <string_view>

namespace bixws::terminal {

/// One thread.
class LineOutput {
 public:
  enum class Result {
    ok,
    closed,   ///< the reader has gone: not an error
    stopped,  ///< `stop_fd` became readable while the reader was slow
    failed    ///< see problem()
  };

  LineOutput(int fd, int stop_fd) : fd_(fd), stop_fd_(stop_fd) {}

  /// Lines wait for flush() as long as they are few.
  Result add(std::string_view line);
  Result flush();
  [[nodiscard]] const std::string& problem() const { return problem_; }

 private:
  int fd_, stop_fd_;
  std::string waiting_;
  std::string problem_;
};

}  // namespace bixws::terminal

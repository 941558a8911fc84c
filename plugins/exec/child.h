// SPDX-License-Identifier: Apache-2.0
// Child: a program with pipes on its stdin and stdout; its stderr is ours.
#pragma once

#include <sys/types.h>

#include <string>
#include <string_view>
#include <vector>

namespace bixws::exec {

/// Words of a command as a shell splits them: blanks, "..." and '...', backslash. No variables, no globs, no shell.
/// Throws std::runtime_error on a quote without its end.
[[nodiscard]] std::vector<std::string> split_command(std::string_view text);

/// How a program ended: "exit code 3", "signal 9 (Killed)".
[[nodiscard]] std::string describe_exit(int wait_status);

/// Not thread-safe.
class Child {
 public:
  Child() = default;
  ~Child() { kill(); }
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;

  /// Empty: it runs; otherwise why not ("No such file or directory"). Its stdin ends when we do, however that is.
  std::string start(const std::vector<std::string>& words);
  [[nodiscard]] bool running() const { return pid_ > 0; }
  /// Both ends are non-blocking; -1 once closed.
  [[nodiscard]] int in() const { return in_; }
  [[nodiscard]] int out() const { return out_; }
  void close_in();
  void close_out();
  /// Waits until it has ended, at most so long, then asks with SIGTERM, then with SIGKILL. Returns its wait status.
  int finish(int patience_ms);
  /// At once.
  void kill();

 private:
  bool wait_for_end(int patience_ms, int& status);

  pid_t pid_ = -1;
  int pid_fd_ = -1;
  int in_ = -1, out_ = -1;
};

}  // namespace bixws::exec

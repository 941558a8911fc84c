// SPDX-License-Identifier: Apache-2.0
// Runs a program as a test sees it from outside: arguments, environment, signals, what it prints and how it ends.
#pragma once

#include <sys/types.h>

#include <condition_variable>
#include <filesystem>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "support/temp_dir.h"
#include "support/wait.h"

namespace bixws::test {

struct ProcessOptions {
  std::vector<std::string> args;           // without the program itself
  std::map<std::string, std::string> env;  // added to this process's own
  std::vector<std::string> unset;          // names taken out of it
  std::filesystem::path cwd;               // empty: this process's own
  bool pty = false;                        // stdin and stdout on a terminal of its own; stderr stays a pipe
  unsigned short columns = 120;            // of that terminal
  unsigned short rows = 40;
};

struct ExitStatus {
  int code = 0;    // meaningful when signal is 0
  int signal = 0;  // what killed it, or 0
  friend bool operator==(const ExitStatus&, const ExitStatus&) = default;
};

// A running program. The destructor kills what still runs and reaps it; nothing outlives the test.
// All members may be called from any thread.
class Process {
 public:
  enum class Output { out, err };

  // Throws std::runtime_error when it cannot be started, a missing program included.
  explicit Process(const std::filesystem::path& program, const ProcessOptions& options = {});
  ~Process();
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;

  pid_t pid() const { return pid_; }
  // Everything printed so far.
  std::string out() const;
  std::string err() const;
  // The complete lines printed so far.
  std::vector<std::string> lines(Output which = Output::out) const;

  // The first line, printed already or still to come, in which the expression is found: element 0 is what matched, then
  // its groups. nullopt at the deadline, or as soon as the output has ended without such a line.
  std::optional<std::vector<std::string>> wait_for_line(const std::string& expression, Output which = Output::out,
                                                        Milliseconds within = patience) const;
  // Until that many complete lines were printed.
  bool wait_for_lines(std::size_t count, Output which = Output::out, Milliseconds within = patience) const;

  // False when the program no longer reads.
  bool write_stdin(std::string_view text);
  void close_stdin();
  // Stops reading the output, as `| head` does: the program gets SIGPIPE or EPIPE when it writes on.
  void close_stdout();
  void send_signal(int signal);
  // Of a terminal (ProcessOptions::pty): another size, told by SIGWINCH; whether it edits lines, as shells want it, or
  // a program has set it to hand over each key.
  void resize(unsigned short columns, unsigned short rows);
  bool line_mode() const;

  bool running();
  // nullopt when it still runs at the deadline. On return all output has been read.
  std::optional<ExitStatus> wait_exit(Milliseconds within = patience);

 private:
  struct Channel {
    int fd = -1;
    std::string text;
    bool ended = false;
  };

  void read_outputs();
  bool read_some(Channel& channel);
  void reap(bool block);
  const Channel& channel(Output which) const { return which == Output::out ? out_ : err_; }

  pid_t pid_ = -1;
  bool pty_ = false;
  int stdin_ = -1;
  int wake_[2] = {-1, -1};
  mutable std::mutex mutex_;
  mutable std::condition_variable changed_;
  Channel out_;
  Channel err_;
  bool stop_out_ = false;
  bool stopping_ = false;
  std::optional<ExitStatus> exit_;
  std::thread reader_;
};

struct Finished {
  ExitStatus exit;
  std::string out;
  std::string err;
};

// Runs a program to its end, with `input` on its stdin. Throws std::runtime_error when it does not end in time.
Finished run(const std::filesystem::path& program, const ProcessOptions& options = {}, std::string_view input = {},
             Milliseconds within = Milliseconds(30'000));

/// How often a test of kills kills: BIXWS_KILLS for a published figure, otherwise `in_ci`.
int kills_wanted(int in_ci);

}  // namespace bixws::test

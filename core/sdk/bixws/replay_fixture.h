// SPDX-License-Identifier: Apache-2.0
// A recording as a server, for tests of programs that read bixws: starts `bixws replay FILE --port 0 --wait-clients 1`,
// hands over its URL, and ends it with the test. Needs GoogleTest and nothing else of bixws but its program.
#pragma once

#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace bixws {

/// A running replay. One thread.
class ReplayProcess {
 public:
  struct Options {
    std::string recording;
    /// Besides --port 0 and --wait-clients; "--speed", "max" makes a test quick and loses nothing.
    std::vector<std::string> more = {"--speed", "max"};
    int wait_clients = 1;  ///< it begins when so many clients miss nothing of it (docs/replay.md)
    std::string program;   ///< empty: $BIXWS, else "bixws" on the PATH
    std::chrono::milliseconds patience = std::chrono::seconds(20);
  };

  /// Waits until it listens. Throws std::runtime_error with what it printed if it does not.
  explicit ReplayProcess(const Options& options) : patience_(options.patience) {
    start(options);
    const auto deadline = Clock::now() + patience_;
    static constexpr char kMark[] = "listening on ";
    std::size_t at = std::string::npos;
    while ((at = output_.find(kMark)) == std::string::npos || output_.find('\n', at) == std::string::npos) {
      if (!read_some(deadline)) {
        end();
        throw std::runtime_error("bixws replay does not listen: " + output_);
      }
    }
    at += sizeof kMark - 1;
    url_ = output_.substr(at, output_.find('\n', at) - at);
  }
  ~ReplayProcess() { end(); }
  ReplayProcess(const ReplayProcess&) = delete;
  ReplayProcess& operator=(const ReplayProcess&) = delete;

  /// "ws://127.0.0.1:PORT"
  [[nodiscard]] const std::string& url() const { return url_; }
  /// "http://127.0.0.1:PORT"
  [[nodiscard]] std::string http_url() const { return "http" + url_.substr(2); }
  [[nodiscard]] std::string port() const { return url_.substr(url_.rfind(':') + 1); }
  /// Its exit code once the recording is over and everybody was told; nothing if it still plays after `within`.
  std::optional<int> wait_exit(std::chrono::milliseconds within) {
    const auto deadline = Clock::now() + within;
    while (read_some(deadline)) {
    }
    return reap(deadline);
  }
  std::optional<int> wait_exit() { return wait_exit(patience_); }
  /// What it has said on stderr so far: injected faults, for one.
  [[nodiscard]] const std::string& output() const { return output_; }

 private:
  using Clock = std::chrono::steady_clock;

  void start(const Options& options) {
    const char* named = std::getenv("BIXWS");
    const std::string program = !options.program.empty() ? options.program : named != nullptr ? named : "bixws";
    std::vector<std::string> words = {
        program, "replay", options.recording, "--port", "0", "--wait-clients", std::to_string(options.wait_clients)};
    words.insert(words.end(), options.more.begin(), options.more.end());
    std::vector<char*> arguments;
    for (std::string& word : words) arguments.push_back(word.data());
    arguments.push_back(nullptr);
    int pipe[2];
    if (::pipe2(pipe, O_CLOEXEC) != 0) throw std::runtime_error(std::string("pipe: ") + std::strerror(errno));
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, pipe[1], STDERR_FILENO);
    const int error = ::posix_spawnp(&pid_, program.c_str(), &actions, nullptr, arguments.data(), environ);
    posix_spawn_file_actions_destroy(&actions);
    ::close(pipe[1]);
    output_fd_ = pipe[0];
    if (error == 0) return;
    ::close(output_fd_);
    throw std::runtime_error("cannot start " + program + ": " + std::strerror(error) +
                             "; set BIXWS to where bixws is, or put it on the PATH");
  }

  /// False at the deadline, and when it has nothing more to say.
  bool read_some(Clock::time_point deadline) {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(deadline - Clock::now()).count();
    pollfd waiting{output_fd_, POLLIN, 0};
    if (left <= 0 || ::poll(&waiting, 1, static_cast<int>(left)) <= 0) return false;
    char part[4096];
    const ssize_t count = ::read(output_fd_, part, sizeof part);
    if (count > 0) output_.append(part, static_cast<std::size_t>(count));
    return count > 0;
  }

  std::optional<int> reap(Clock::time_point deadline) {
    while (pid_ > 0 && !exit_) {
      int status = 0;
      if (::waitpid(pid_, &status, WNOHANG) == pid_) {
        exit_ = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
      } else if (Clock::now() >= deadline) {
        return std::nullopt;
      } else {
        std::this_thread::sleep_for(std::chrono::milliseconds(1));  // its output has ended: it is about to
      }
    }
    return exit_;
  }

  void end() {
    if (pid_ > 0 && !exit_) {
      ::kill(pid_, SIGTERM);
      if (!wait_exit(std::chrono::seconds(5))) {
        ::kill(pid_, SIGKILL);
        ::waitpid(pid_, nullptr, 0);
      }
    }
    pid_ = -1;
    if (output_fd_ >= 0) ::close(std::exchange(output_fd_, -1));
  }

  std::chrono::milliseconds patience_;
  pid_t pid_ = -1;
  int output_fd_ = -1;
  std::string output_, url_;
  std::optional<int> exit_;
};

/// A test with a replay of its own: say which recording, connect to url().
class ReplayTest : public ::testing::Test {
 protected:
  virtual ReplayProcess::Options replay_options() const = 0;

  void SetUp() override {
    try {
      replay_.emplace(replay_options());
    } catch (const std::runtime_error& e) {
      FAIL() << e.what();
    }
  }
  void TearDown() override { replay_.reset(); }

  ReplayProcess& replay() { return *replay_; }
  const std::string& url() const { return replay_->url(); }

 private:
  std::optional<ReplayProcess> replay_;
};

}  // namespace bixws

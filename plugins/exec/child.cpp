// SPDX-License-Identifier: Apache-2.0
// Child: posix_spawn, pipes, and an end that is always waited for.
#include "child.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstring>
#include <stdexcept>

extern "C" char** environ;

namespace bixws::exec {
namespace {

constexpr int kAfterTerm = 1'000;  // ms from SIGTERM to SIGKILL

void close_fd(int& fd) {
  if (fd >= 0) ::close(fd);
  fd = -1;
}

}  // namespace

std::vector<std::string> split_command(std::string_view text) {
  std::vector<std::string> words;
  bool inside = false;
  char quote = '\0';
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (quote == '\0' && (c == ' ' || c == '\t' || c == '\n')) {
      inside = false;
      continue;
    }
    if (!inside) words.emplace_back();
    inside = true;
    if (quote != '\0' && c == quote) {
      quote = '\0';
    } else if (quote == '\0' && (c == '\'' || c == '"')) {
      quote = c;
    } else if (c == '\\' && quote != '\'' && i + 1 < text.size()) {
      words.back() += text[++i];
    } else {
      words.back() += c;
    }
  }
  if (quote != '\0') throw std::runtime_error(std::string("command: a ") + quote + " without its end");
  return words;
}

std::string describe_exit(int wait_status) {
  if (WIFEXITED(wait_status)) return "exit code " + std::to_string(WEXITSTATUS(wait_status));
  const int signal = WTERMSIG(wait_status);
  return "signal " + std::to_string(signal) + " (" + ::strsignal(signal) + ")";
}

std::string Child::start(const std::vector<std::string>& words) {
  int to_child[2] = {-1, -1};
  int from_child[2] = {-1, -1};
  if (::pipe2(to_child, O_CLOEXEC) != 0) return std::strerror(errno);
  if (::pipe2(from_child, O_CLOEXEC) != 0) {
    std::string why = std::strerror(errno);
    close_fd(to_child[0]);
    close_fd(to_child[1]);
    return why;
  }
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, to_child[0], STDIN_FILENO);
  posix_spawn_file_actions_adddup2(&actions, from_child[1], STDOUT_FILENO);
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  // A process group of its own, so that Ctrl-C reaches us and we end it in order; signals as a fresh program has them.
  sigset_t none;
  sigset_t all;
  ::sigemptyset(&none);
  ::sigfillset(&all);
  posix_spawnattr_setsigmask(&attributes, &none);
  posix_spawnattr_setsigdefault(&attributes, &all);
  posix_spawnattr_setpgroup(&attributes, 0);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP);
  std::vector<char*> argv;
  for (const std::string& word : words) argv.push_back(const_cast<char*>(word.c_str()));
  argv.push_back(nullptr);
  const int error = ::posix_spawnp(&pid_, argv[0], &actions, &attributes, argv.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  posix_spawnattr_destroy(&attributes);
  close_fd(to_child[0]);
  close_fd(from_child[1]);
  in_ = to_child[1];
  out_ = from_child[0];
  if (error != 0) {
    pid_ = -1;
    close_in();
    close_out();
    return std::strerror(error);
  }
  pid_fd_ = static_cast<int>(::syscall(SYS_pidfd_open, pid_, 0));
  for (const int fd : {in_, out_}) ::fcntl(fd, F_SETFL, O_NONBLOCK);
  return {};
}

void Child::close_in() { close_fd(in_); }
void Child::close_out() { close_fd(out_); }

bool Child::wait_for_end(int patience_ms, int& status) {
  if (pid_fd_ >= 0) {
    pollfd fd{pid_fd_, POLLIN, 0};
    if (::poll(&fd, 1, patience_ms) <= 0) return false;
  } else if (patience_ms == 0 && ::waitpid(pid_, &status, WNOHANG) == 0) {
    return false;
  }
  while (::waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
  }
  return true;
}

int Child::finish(int patience_ms) {
  if (!running()) return 0;
  close_in();
  int status = 0;
  if (!wait_for_end(patience_ms, status)) {
    // The whole group: a shell's children too.
    ::kill(-pid_, SIGTERM);
    if (!wait_for_end(kAfterTerm, status)) {
      ::kill(-pid_, SIGKILL);
      wait_for_end(-1, status);
    }
  }
  close_out();
  close_fd(pid_fd_);
  pid_ = -1;
  return status;
}

void Child::kill() {
  if (running()) ::kill(-pid_, SIGKILL);
  finish(-1);
}

}  // namespace bixws::exec

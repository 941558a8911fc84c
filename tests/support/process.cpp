// SPDX-License-Identifier: Apache-2.0
// Process on fork and exec, with one thread that reads both outputs as they come.
#include "support/process.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <regex>
#include <stdexcept>

extern char** environ;

namespace bixws::test {

namespace {

struct Pipe {
  int read = -1;
  int write = -1;
};

Pipe make_pipe() {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) throw std::runtime_error(std::string("pipe: ") + std::strerror(errno));
  return {ends[0], ends[1]};
}

struct Pty {
  int controller = -1;
  int terminal = -1;
};

Pty make_pty(unsigned short columns, unsigned short rows) {
  Pty pty;
  pty.controller = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
  if (pty.controller < 0 || grantpt(pty.controller) != 0 || unlockpt(pty.controller) != 0) {
    throw std::runtime_error(std::string("no pseudo terminal: ") + std::strerror(errno));
  }
  std::array<char, 128> name{};
  if (ptsname_r(pty.controller, name.data(), name.size()) != 0) throw std::runtime_error("ptsname failed");
  pty.terminal = open(name.data(), O_RDWR | O_NOCTTY | O_CLOEXEC);
  if (pty.terminal < 0) throw std::runtime_error(std::string(name.data()) + ": " + std::strerror(errno));
  const winsize size{rows, columns, 0, 0};
  ioctl(pty.terminal, TIOCSWINSZ, &size);
  // What a test types must not come back as if the program had printed it.
  termios mode{};
  tcgetattr(pty.terminal, &mode);
  mode.c_lflag &= ~static_cast<tcflag_t>(ECHO);
  tcsetattr(pty.terminal, TCSANOW, &mode);
  return pty;
}

std::vector<std::string> environment(const ProcessOptions& options) {
  std::map<std::string, std::string> values;
  for (char** entry = environ; *entry; ++entry) {
    const std::string_view text(*entry);
    const std::size_t equals = text.find('=');
    if (equals != std::string_view::npos) values[std::string(text.substr(0, equals))] = text.substr(equals + 1);
  }
  for (const auto& name : options.unset) values.erase(name);
  for (const auto& [name, value] : options.env) values[name] = value;
  std::vector<std::string> entries;
  entries.reserve(values.size());
  for (const auto& [name, value] : values) entries.emplace_back(name).append("=").append(value);
  return entries;
}

std::vector<char*> pointers(std::vector<std::string>& strings) {
  std::vector<char*> out;
  out.reserve(strings.size() + 1);
  for (auto& text : strings) out.push_back(text.data());
  out.push_back(nullptr);
  return out;
}

// Between fork and exec: only what is safe there.
[[noreturn]] void become(const char* program, char** args, char** env, const char* cwd, int in, int out, int err,
                         bool pty, int report) {
  // A process group of its own: a signal for the test runner must not reach it, nor its signals the runner.
  if (pty) {
    setsid();
    ioctl(in, TIOCSCTTY, 0);
  } else {
    setpgid(0, 0);
  }
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
  signal(SIGPIPE, SIG_DFL);
  dup2(in, 0);
  dup2(out, 1);
  dup2(err, 2);
  if (!*cwd || chdir(cwd) == 0) execve(program, args, env);
  const int why = errno;
  const ssize_t told = write(report, &why, sizeof(why));
  _exit(told > 0 ? 127 : 126);
}

void close_all(std::initializer_list<int> descriptors) {
  for (const int fd : descriptors) {
    if (fd >= 0) close(fd);
  }
}

std::vector<std::string> complete_lines(const std::string& text) {
  std::vector<std::string> lines;
  std::size_t start = 0;
  for (std::size_t end = text.find('\n'); end != std::string::npos; end = text.find('\n', start)) {
    std::string line = text.substr(start, end - start);
    if (line.ends_with('\r')) line.pop_back();
    lines.push_back(std::move(line));
    start = end + 1;
  }
  return lines;
}

}  // namespace

Process::Process(const std::filesystem::path& program, const ProcessOptions& options) : pty_(options.pty) {
  std::vector<std::string> args = options.args;
  args.insert(args.begin(), program.string());
  std::vector<std::string> env = environment(options);
  auto arg_pointers = pointers(args);
  auto env_pointers = pointers(env);
  const std::string cwd = options.cwd.string();

  const Pipe report = make_pipe();
  const Pipe err = make_pipe();
  Pipe in;
  Pipe out;
  if (pty_) {
    const Pty pty = make_pty(options.columns, options.rows);
    in = {pty.terminal, fcntl(pty.controller, F_DUPFD_CLOEXEC, 3)};
    out = {pty.controller, fcntl(pty.terminal, F_DUPFD_CLOEXEC, 3)};
  } else {
    in = make_pipe();
    out = make_pipe();
  }
  if (pipe2(wake_, O_CLOEXEC) != 0) throw std::runtime_error("pipe failed");

  pid_ = fork();
  if (pid_ < 0) throw std::runtime_error(std::string("fork: ") + std::strerror(errno));
  if (pid_ == 0) {
    become(program.c_str(), arg_pointers.data(), env_pointers.data(), cwd.c_str(), in.read, out.write, err.write, pty_,
           report.write);
  }
  close_all({in.read, out.write, err.write, report.write});
  int why = 0;
  const ssize_t failed = read(report.read, &why, sizeof(why));
  close(report.read);
  if (failed > 0) {
    waitpid(pid_, nullptr, 0);
    close_all({in.write, out.read, err.read, wake_[0], wake_[1]});
    throw std::runtime_error("cannot run " + program.string() + ": " + std::strerror(why));
  }
  stdin_ = in.write;
  out_.fd = out.read;
  err_.fd = err.read;
  reader_ = std::thread([this] { read_outputs(); });
}

Process::~Process() {
  if (running()) {
    kill(-pid_, SIGKILL);  // its whole group
    reap(true);
  }
  {
    const std::scoped_lock lock(mutex_);
    stopping_ = true;
  }
  // Something the program started may still hold its output open.
  const ssize_t woken = write(wake_[1], "x", 1);
  static_cast<void>(woken);
  reader_.join();
  close_all({stdin_, out_.fd, err_.fd, wake_[0], wake_[1]});
}

bool Process::read_some(Channel& channel) {
  std::array<char, 65536> buffer;
  const ssize_t count = read(channel.fd, buffer.data(), buffer.size());
  if (count < 0 && (errno == EINTR || errno == EAGAIN)) return true;
  const std::scoped_lock lock(mutex_);
  // A terminal whose other end is gone answers EIO where a pipe answers 0.
  if (count <= 0) {
    channel.ended = true;
  } else {
    channel.text.append(buffer.data(), static_cast<std::size_t>(count));
  }
  changed_.notify_all();
  return count > 0;
}

void Process::read_outputs() {
  while (true) {
    std::array<pollfd, 3> fds{{{wake_[0], POLLIN, 0}, {-1, POLLIN, 0}, {-1, POLLIN, 0}}};
    {
      const std::scoped_lock lock(mutex_);
      if (stop_out_ && out_.fd >= 0) {
        close(out_.fd);
        out_.fd = -1;
        out_.ended = true;
        changed_.notify_all();
      }
      if (stopping_ || (out_.ended && err_.ended)) return;
      if (!out_.ended) fds[1].fd = out_.fd;
      if (!err_.ended) fds[2].fd = err_.fd;
    }
    if (poll(fds.data(), fds.size(), -1) < 0) continue;
    if (fds[0].revents) {
      char byte = 0;
      const ssize_t drained = read(wake_[0], &byte, 1);
      static_cast<void>(drained);
    }
    if (fds[1].revents) read_some(out_);
    if (fds[2].revents) read_some(err_);
  }
}

std::string Process::out() const {
  const std::scoped_lock lock(mutex_);
  return out_.text;
}

std::string Process::err() const {
  const std::scoped_lock lock(mutex_);
  return err_.text;
}

std::vector<std::string> Process::lines(Output which) const {
  const std::scoped_lock lock(mutex_);
  return complete_lines(channel(which).text);
}

std::optional<std::vector<std::string>> Process::wait_for_line(const std::string& expression, Output which,
                                                               Milliseconds within) const {
  const std::regex pattern(expression);
  const SteadyTime deadline = std::chrono::steady_clock::now() + within;
  std::size_t seen = 0;
  std::unique_lock lock(mutex_);
  while (true) {
    const std::string& text = channel(which).text;
    const bool ended = channel(which).ended;
    for (std::size_t end = text.find('\n', seen); seen < text.size(); end = text.find('\n', seen)) {
      // A last line without its newline counts once the output is over.
      if (end == std::string::npos && !ended) break;
      std::string line = text.substr(seen, end == std::string::npos ? end : end - seen);
      if (line.ends_with('\r')) line.pop_back();
      std::smatch match;
      if (std::regex_search(line, match, pattern)) return std::vector<std::string>(match.begin(), match.end());
      seen = end == std::string::npos ? text.size() : end + 1;
    }
    if (ended) return std::nullopt;
    if (changed_.wait_until(lock, deadline) == std::cv_status::timeout) return std::nullopt;
  }
}

bool Process::wait_for_lines(std::size_t count, Output which, Milliseconds within) const {
  std::unique_lock lock(mutex_);
  const auto enough = [&] { return complete_lines(channel(which).text).size() >= count; };
  changed_.wait_for(lock, within, [&] { return enough() || channel(which).ended; });
  return enough();
}

bool Process::write_stdin(std::string_view text) {
  // A program that has stopped reading must not take the test down with SIGPIPE.
  sigset_t pipe_signal;
  sigset_t before;
  sigemptyset(&pipe_signal);
  sigaddset(&pipe_signal, SIGPIPE);
  pthread_sigmask(SIG_BLOCK, &pipe_signal, &before);
  bool written = stdin_ >= 0;
  while (written && !text.empty()) {
    const ssize_t count = write(stdin_, text.data(), text.size());
    if (count < 0 && errno == EINTR) continue;
    written = count > 0;
    if (written) text.remove_prefix(static_cast<std::size_t>(count));
  }
  const timespec at_once{0, 0};
  while (sigtimedwait(&pipe_signal, nullptr, &at_once) > 0) {
  }
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  return written;
}

void Process::close_stdin() {
  if (stdin_ < 0) return;
  // Closing one end of a terminal says nothing to the program; end of file is a character there.
  if (pty_) write_stdin("\x04");
  close(stdin_);
  stdin_ = -1;
}

void Process::close_stdout() {
  {
    const std::scoped_lock lock(mutex_);
    stop_out_ = true;
  }
  const ssize_t woken = write(wake_[1], "x", 1);
  static_cast<void>(woken);
  wait_until([&] {
    const std::scoped_lock lock(mutex_);
    return out_.ended;
  });
}

void Process::resize(unsigned short columns, unsigned short rows) {
  const winsize size{rows, columns, 0, 0};
  ioctl(stdin_, TIOCSWINSZ, &size);
}

bool Process::line_mode() const {
  termios mode{};
  return tcgetattr(stdin_, &mode) == 0 && (mode.c_lflag & ICANON) != 0;
}

void Process::send_signal(int signal) {
  if (running()) kill(pid_, signal);
}

void Process::reap(bool block) {
  const std::scoped_lock lock(mutex_);
  if (exit_) return;
  int status = 0;
  pid_t got = 0;
  do {
    got = waitpid(pid_, &status, block ? 0 : WNOHANG);
  } while (got < 0 && errno == EINTR);
  if (got != pid_) return;
  exit_ = WIFSIGNALED(status) ? ExitStatus{0, WTERMSIG(status)} : ExitStatus{WEXITSTATUS(status), 0};
}

bool Process::running() {
  reap(false);
  const std::scoped_lock lock(mutex_);
  return !exit_;
}

std::optional<ExitStatus> Process::wait_exit(Milliseconds within) {
  if (!wait_until([this] { return !running(); }, within)) return std::nullopt;
  // The last words may still be in the pipe; a grandchild that keeps it open is not waited for.
  std::unique_lock lock(mutex_);
  changed_.wait_for(lock, Milliseconds(2000), [this] { return out_.ended && err_.ended; });
  return exit_;
}

Finished run(const std::filesystem::path& program, const ProcessOptions& options, std::string_view input,
             Milliseconds within) {
  Process process(program, options);
  process.write_stdin(input);
  process.close_stdin();
  const auto exit = process.wait_exit(within);
  if (!exit) {
    throw std::runtime_error(program.string() + " did not end within " + std::to_string(within.count()) +
                             " ms; stderr so far: " + process.err());
  }
  return {*exit, process.out(), process.err()};
}

int kills_wanted(int in_ci) {
  const char* const wanted = std::getenv("BIXWS_KILLS");
  return wanted != nullptr ? std::max(1, std::atoi(wanted)) : in_ci;
}

}  // namespace bixws::test

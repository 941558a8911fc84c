// SPDX-License-Identifier: Apache-2.0
// From the socket to the disk: the real program records, with frames and rows, what a server sends as fast as it can.
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <spawn.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>

#include "figures.h"
#include "net/ws_handshake.h"
#include "recording/database.h"

extern char** environ;

namespace bixws::bench {
namespace {

constexpr std::size_t kWriteBytes = std::size_t{256} << 10;

void write_all(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t done = ::send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (done < 0) throw std::runtime_error("bixws has hung up");
    bytes.remove_prefix(static_cast<std::size_t>(done));
  }
}

void append_frame(std::string& out, std::string_view text) {
  out += '\x81';
  if (text.size() < 126) {
    out += static_cast<char>(text.size());
  } else if (text.size() < 65'536) {
    out += '\x7e';
    out += static_cast<char>(text.size() >> 8);
    out += static_cast<char>(text.size() & 0xff);
  } else {
    out += '\x7f';
    for (int shift = 56; shift >= 0; shift -= 8) out += static_cast<char>(text.size() >> shift & 0xff);
  }
  out += text;
}

int listen_anywhere(std::uint16_t& port) {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  if (::bind(fd, reinterpret_cast<sockaddr*>(&address), size) != 0 || ::listen(fd, 16) != 0) {
    throw std::runtime_error("cannot listen");
  }
  ::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size);
  port = ntohs(address.sin_port);
  return fd;
}

std::string read_head(int fd) {
  std::string head;
  char c = 0;
  while (!head.ends_with("\r\n\r\n") && ::read(fd, &c, 1) == 1) head += c;
  return head;
}

/// Answers the instrument list, and gives back the connection that became a WebSocket and has subscribed.
int accept_feed(int listener, const std::string& list) {
  for (;;) {
    const int fd = ::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC);
    const std::string head = read_head(fd);
    const std::size_t key = head.find("Sec-WebSocket-Key: ");
    if (key == std::string::npos) {
      write_all(fd, "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: " +
                        std::to_string(list.size()) + "\r\nConnection: close\r\n\r\n" + list);
      ::close(fd);
      continue;
    }
    const std::string value = head.substr(key + 19, head.find('\r', key) - key - 19);
    write_all(
        fd, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: " +
                net::ws_accept(value) + "\r\n\r\n");
    char request[4096];
    if (::read(fd, request, sizeof request) <= 0) throw std::runtime_error("nobody subscribed");
    return fd;
  }
}

struct Child {
  pid_t pid = 0;
  int out = -1;
};

Child start(const std::vector<std::string>& arguments) {
  int pipe[2];
  if (::pipe2(pipe, O_CLOEXEC) != 0) throw std::runtime_error("no pipe");
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, pipe[1], 1);
  std::vector<char*> argv;
  for (const std::string& argument : arguments) argv.push_back(const_cast<char*>(argument.c_str()));
  argv.push_back(nullptr);
  Child child;
  const int error = ::posix_spawn(&child.pid, argv[0], &actions, nullptr, argv.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  ::close(pipe[1]);
  if (error != 0) throw std::runtime_error("cannot start " + arguments[0]);
  child.out = pipe[0];
  return child;
}

/// Megabytes it ever held. Not what wait4() says: that counts the memory of the process it was started from, too.
long largest_memory(pid_t pid) {
  std::ifstream status("/proc/" + std::to_string(pid) + "/status");
  for (std::string word; status >> word;) {
    long kilobytes = 0;
    if (word == "VmHWM:" && status >> kilobytes) return kilobytes / 1024;
  }
  throw std::runtime_error("bixws is gone");
}

/// Until nothing was committed for a second: when the last commit was announced.
double last_commit(int out, const Stopwatch& watch) {
  double last = 0;
  char text[4096];
  for (;;) {
    fd_set set;
    FD_ZERO(&set);
    FD_SET(out, &set);
    timeval second{1, 0};
    if (::select(out + 1, &set, nullptr, nullptr, &second) <= 0) return last;
    if (::read(out, text, sizeof text) <= 0) return last;
    last = watch.wall();
  }
}

}  // namespace

int bench_flood(const Options& options) {
  const Traffic traffic = coinbase_traffic(options, false);
  const std::string path = options.folder + "/flood.db";
  remove_recording(path);
  std::string list = "[";
  std::vector<std::string> arguments = {options.plugins + "/bixws", "record"};
  for (const char* id : {"SKL-USD", "SKL-BTC", "BAND-GBP", "NMR-EUR", "BAND-BTC", "YFI-BTC", "DASH-BTC", "NU-GBP",
                         "CRV-EUR", "SKL-GBP"}) {
    const std::string name(id);
    const std::string base = name.substr(0, name.find('-'));
    const std::string quote = name.substr(name.find('-') + 1);
    list += (list.size() > 1 ? "," : "") + (R"({"id":")" + name) + R"(","base_currency":")" + base +
            R"(","quote_currency":")" + quote + R"(","status":"online"})";
    arguments.push_back(base + quote);
  }
  list += "]";
  std::uint16_t port = 0;
  const int listener = listen_anywhere(port);
  const std::string here = "127.0.0.1:" + std::to_string(port);
  for (const std::string& argument : {std::string("--feed"), "coinbase:url=ws://" + here + ",rest=http://" + here,
                                      std::string("--raw"), std::string("--json"), std::string("-o"), path}) {
    arguments.push_back(argument);
  }
  const Child child = start(arguments);
  const int feed = accept_feed(listener, list);
  // Requests are read and thrown away; they are few and small.
  std::thread sink([feed] {
    char text[4096];
    while (::read(feed, text, sizeof text) > 0) {
    }
  });
  std::string buffer;
  for (const std::string& frame : traffic.start) append_frame(buffer, frame);
  write_all(feed, buffer);
  const Stopwatch watch;
  buffer.clear();
  for (const std::string& frame : traffic.frames) {
    append_frame(buffer, frame);
    if (buffer.size() < kWriteBytes) continue;
    write_all(feed, buffer);
    buffer.clear();
  }
  write_all(feed, buffer);
  const double sent = watch.wall();
  const double committed = last_commit(child.out, watch);
  const long memory = largest_memory(child.pid);
  ::kill(child.pid, SIGTERM);
  ::shutdown(feed, SHUT_RDWR);
  int status = 0;
  rusage usage{};
  ::wait4(child.pid, &status, 0, &usage);
  sink.join();
  ::close(feed);
  ::close(listener);
  recording::Database database(path, recording::Database::Access::read);
  const auto messages = static_cast<double>(traffic.frames.size());
  const auto cpu = static_cast<double>(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
                   static_cast<double>(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
  std::printf("\nFrom the socket to the disk with --raw and typed rows: %zu messages of %.0f B\n",
              traffic.frames.size(), static_cast<double>(traffic.bytes) / messages);
  std::printf(
      "sent in %.2f s, on the disk after %.2f s: %.2f M messages/s, %.2f us of processor time each, %.1f B each\n",
      sent, committed, messages / committed / 1e6, cpu / messages * 1e6,
      static_cast<double>(bytes_on_disk(path)) / messages);
  std::printf("gaps %lld, largest memory %ld MB\n",
              static_cast<long long>(database.integer("SELECT count(*) FROM v_gaps")), memory);
  remove_recording(path);
  return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? 0 : 1;
}

}  // namespace bixws::bench

// SPDX-License-Identifier: Apache-2.0
// Reads a replay as fast as it comes and counts: lines of an HTTP stream, or messages of a WebSocket. Parses nothing
// else, so that it costs the least a client can.
//   replay_reader http PORT TARGET
//   replay_reader ws PORT TARGET [TEXT TO SEND]...
//   replay_reader times PORT TARGET             one line a message: our clock in microseconds, its recv_ts
// Prints: messages, bytes, and seconds from the first byte of the body to the last.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <charconv>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <string_view>

namespace {

using Clock = std::chrono::steady_clock;

[[noreturn]] void fail(const std::string& what) {
  std::fprintf(stderr, "replay_reader: %s\n", what.c_str());
  std::exit(1);
}

int connect_to(const char* port) {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<std::uint16_t>(std::atoi(port)));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (fd < 0 || ::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    fail("cannot connect to port " + std::string(port));
  }
  return fd;
}

void send_all(int fd, std::string_view text) {
  while (!text.empty()) {
    const ssize_t sent = ::send(fd, text.data(), text.size(), MSG_NOSIGNAL);
    if (sent <= 0) fail("the server is gone");
    text.remove_prefix(static_cast<std::size_t>(sent));
  }
}

/// A client's frame, masked with zeros.
std::string frame(unsigned char opcode, std::string_view payload) {
  std::string out;
  out += static_cast<char>(0x80 | opcode);
  if (payload.size() < 126) {
    out += static_cast<char>(0x80 | payload.size());
  } else {
    out += static_cast<char>(0x80 | 126);
    out += static_cast<char>(payload.size() >> 8);
    out += static_cast<char>(payload.size());
  }
  out.append(4, '\0');
  out += payload;
  return out;
}

std::int64_t recv_ts_of(std::string_view message) {
  const std::size_t at = message.rfind("\"recv_ts\":");
  std::int64_t value = 0;
  if (at != std::string_view::npos) {
    std::from_chars(message.data() + at + 10, message.data() + message.size(), value);
  }
  return value;
}

struct Count {
  std::uint64_t messages = 0, bytes = 0;
  Clock::time_point first{}, last{};
  void touch() {
    last = Clock::now();
    if (bytes == 0) first = last;
  }
};

/// Counts complete frames in `input` and removes them; false: the server closed.
bool take_frames(int fd, std::string& input, Count& count, bool times) {
  std::size_t at = 0;
  bool open = true;
  while (open && input.size() - at >= 2) {
    const auto byte = [&](std::size_t i) { return std::size_t{static_cast<unsigned char>(input[at + i])}; };
    std::size_t size = byte(1) & 127;
    std::size_t head = 2;
    if (size == 126) {
      if (input.size() - at < 4) break;
      size = byte(2) << 8 | byte(3);
      head = 4;
    } else if (size == 127) {
      if (input.size() - at < 10) break;
      size = 0;
      for (std::size_t i = 2; i < 10; ++i) size = size << 8 | byte(i);
      head = 10;
    }
    if (input.size() - at < head + size) break;
    const std::string_view payload(input.data() + at + head, size);
    switch (byte(0) & 15) {
      case 1:
        ++count.messages;
        if (times) {
          const auto now = std::chrono::duration_cast<std::chrono::microseconds>(Clock::now().time_since_epoch());
          if (const std::int64_t ts = recv_ts_of(payload); ts != 0) {
            std::printf("%lld %lld\n", static_cast<long long>(now.count()), static_cast<long long>(ts));
          }
        }
        break;
      case 8:
        open = false;
        break;
      case 9:
        send_all(fd, frame(10, payload));
        break;
      default:
        break;
    }
    at += head + size;
  }
  input.erase(0, at);
  return open;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 4) fail("usage: replay_reader http|ws|times PORT TARGET [TEXT]...");
  const std::string_view mode = argv[1];
  const bool http = mode == "http";
  const int fd = connect_to(argv[2]);
  std::string request = "GET " + std::string(argv[3]) + " HTTP/1.1\r\nHost: localhost\r\n";
  if (!http) {
    request +=
        "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
        "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n";
  } else {
    request += "Connection: close\r\n";
  }
  send_all(fd, request + "\r\n");

  static std::array<char, 1 << 20> buffer;
  std::string input;
  std::size_t head = std::string::npos;
  while ((head = input.find("\r\n\r\n")) == std::string::npos) {
    const ssize_t got = ::recv(fd, buffer.data(), 4096, 0);
    if (got <= 0) fail("no answer");
    input.append(buffer.data(), static_cast<std::size_t>(got));
  }
  const std::string_view wanted = http ? "HTTP/1.1 200" : "HTTP/1.1 101";
  if (!std::string_view(input).starts_with(wanted)) fail(input.substr(0, 300));
  input.erase(0, head + 4);
  for (int i = 4; i < argc; ++i) send_all(fd, frame(1, argv[i]));

  Count count;
  for (;;) {
    const ssize_t got = ::recv(fd, buffer.data(), buffer.size(), 0);
    if (got <= 0) break;
    count.touch();
    count.bytes += static_cast<std::uint64_t>(got);
    if (http) {
      const char* at = buffer.data();
      const char* const end = at + got;
      // Chunk heads end with \r\n: a line of the body ends with a newline alone.
      while ((at = static_cast<const char*>(std::memchr(at, '\n', static_cast<std::size_t>(end - at)))) != nullptr) {
        if (at == buffer.data() || at[-1] != '\r') ++count.messages;
        ++at;
      }
      continue;
    }
    input.append(buffer.data(), static_cast<std::size_t>(got));
    if (!take_frames(fd, input, count, mode == "times")) break;
  }
  const double seconds = std::chrono::duration<double>(count.last - count.first).count();
  std::fprintf(mode == "times" ? stderr : stdout, "%llu %llu %.6f\n", static_cast<unsigned long long>(count.messages),
               static_cast<unsigned long long>(count.bytes), seconds);
  ::close(fd);
  return 0;
}

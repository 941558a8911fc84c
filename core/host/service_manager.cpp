// SPDX-License-Identifier: Apache-2.0
// ServiceManager: the protocol of sd_notify(3), which is one line of text in a datagram.
#include "host/service_manager.h"

#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <charconv>
#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <utility>

namespace bixws::host {
namespace {

std::string_view environment(const char* name) {
  const char* value = std::getenv(name);
  return value != nullptr ? value : std::string_view();
}

std::int64_t number(std::string_view text) {
  std::int64_t value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

}  // namespace

ServiceManager::ServiceManager() : socket_(environment("NOTIFY_SOCKET")) {
  const std::string_view process = environment("WATCHDOG_PID");
  if (present() && (process.empty() || number(process) == ::getpid())) {
    watchdog_ = std::chrono::microseconds(number(environment("WATCHDOG_USEC")));
  }
}

void ServiceManager::send(std::string_view state) const {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (socket_.empty() || socket_.size() >= sizeof address.sun_path) return;
  std::memcpy(address.sun_path, socket_.data(), socket_.size());
  if (socket_.front() == '@') address.sun_path[0] = '\0';  // an abstract name
  const int fd = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return;  // told again with the next beat; a service that cannot tell is restarted
  const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + socket_.size());
  ::sendto(fd, state.data(), state.size(), MSG_NOSIGNAL, reinterpret_cast<const sockaddr*>(&address), size);
  ::close(fd);
}

void ServiceManager::ready(std::function<void()> beat) {
  if (!present()) return;
  send("READY=1");
  if (watchdog_.count() <= 0) return;
  thread_ = std::thread([this, beat = std::move(beat)] {
    const auto half = std::chrono::ceil<std::chrono::milliseconds>(watchdog_ / 2);
    pollfd end{end_.fd(), POLLIN, 0};
    while (::poll(&end, 1, static_cast<int>(half.count())) <= 0) beat();
  });
}

void ServiceManager::stopping() {
  if (!present() || std::exchange(stopping_, true)) return;
  send("STOPPING=1");
  stop();
}

void ServiceManager::stop() {
  end_.set();
  if (thread_.joinable()) thread_.join();
}

}  // namespace bixws::host

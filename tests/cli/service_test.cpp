// SPDX-License-Identifier: Apache-2.0
// What a service manager is told: when clients are served, that it is alive, and that it stops; and what it asks for.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstring>

#include "support/serving.h"
#include "support/temp_dir.h"

namespace bixws::test {
namespace {

/// The socket that systemd would give it.
class Manager {
 public:
  Manager() : path_((folder_ / "notify").string()), fd_(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0)) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::strncpy(address.sun_path, path_.c_str(), sizeof address.sun_path - 1);
    EXPECT_EQ(::bind(fd_, reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
  }
  ~Manager() { ::close(fd_); }
  Manager(const Manager&) = delete;
  Manager& operator=(const Manager&) = delete;

  const std::string& path() const { return path_; }
  /// The next thing it is told; empty at the deadline.
  std::string next(Milliseconds within = patience) const {
    pollfd waiting{fd_, POLLIN, 0};
    if (::poll(&waiting, 1, static_cast<int>(within.count())) <= 0) return {};
    char text[256];
    const ssize_t size = ::recv(fd_, text, sizeof text, 0);
    return size > 0 ? std::string(text, static_cast<std::size_t>(size)) : std::string();
  }

 private:
  TempDir folder_;
  std::string path_;
  int fd_;
};

ProcessOptions under(const Manager& manager, const std::string& watchdog_us) {
  ProcessOptions options;
  options.env = {{"NOTIFY_SOCKET", manager.path()}, {"WATCHDOG_USEC", watchdog_us}};
  return options;
}

TEST(Service, ItSaysWhenItIsReadyAliveAndStopping) {
  Manager manager;
  Serving server(BIXWS_BINARY, {}, under(manager, "100000"));
  EXPECT_EQ(manager.next(), "READY=1");
  EXPECT_TRUE(server.serves_another()) << "ready means that";
  for (int i = 0; i < 3; ++i) EXPECT_EQ(manager.next(), "WATCHDOG=1");
  server.process.send_signal(SIGTERM);
  std::string told;
  do told = manager.next();
  while (told == "WATCHDOG=1");
  EXPECT_EQ(told, "STOPPING=1");
  EXPECT_EQ(server.process.wait_exit(), ExitStatus{}) << server.process.err();
}

TEST(Service, WithoutAWatchdogItIsOnlyReady) {
  Manager manager;
  Serving server(BIXWS_BINARY, {}, under(manager, "0"));
  EXPECT_EQ(manager.next(), "READY=1");
  EXPECT_EQ(manager.next(Milliseconds(300)), "");
}

TEST(Service, AReloadWithNothingToReadEndsNothing) {
  Manager manager;
  Serving server(BIXWS_BINARY, {}, under(manager, "0"));
  server.process.send_signal(SIGHUP);
  EXPECT_TRUE(server.process.wait_for_line("nothing to read again", Process::Output::err)) << server.process.err();
  EXPECT_TRUE(server.serves_another());
}

TEST(Service, ASocketThatIsNotThereDisturbsNobody) {
  ProcessOptions options;
  options.env = {{"NOTIFY_SOCKET", "/nowhere/at.all"}, {"WATCHDOG_USEC", "100000"}};
  Serving server(BIXWS_BINARY, {}, options);
  EXPECT_TRUE(server.serves_another());
  server.process.send_signal(SIGTERM);
  EXPECT_EQ(server.process.wait_exit(), ExitStatus{}) << server.process.err();
}

}  // namespace
}  // namespace bixws::test

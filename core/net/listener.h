// SPDX-License-Identifier: Apache-2.0
// Listening sockets on every address of a host name; accepts as fast as clients come and survives a full file table.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "net/address.h"
#include "net/loop.h"

namespace bixws::net {

struct ListenOptions {
  std::string host = "127.0.0.1";  // a name listens on all its addresses; empty: every interface
  std::uint16_t port = 0;          // 0: any free one, the same on every address
  int backlog = 4096;
  bool reuse_port = false;  // SO_REUSEPORT: several loops listen on one port, each with a listener of its own
};

/// Loop's thread only.
class Listener {
 public:
  /// Gets a connected, non-blocking descriptor that is its own from now on.
  using Accepted = std::function<void(int fd, const Address& peer)>;

  /// Throws std::runtime_error: what failed, where, and what to do about it.
  Listener(Loop& loop, const ListenOptions& options, Accepted accepted);
  ~Listener();
  Listener(const Listener&) = delete;
  Listener& operator=(const Listener&) = delete;

  std::uint16_t port() const noexcept { return addresses_.front().port(); }
  const std::vector<Address>& addresses() const noexcept { return addresses_; }
  /// Connections that were closed at once because no descriptor was left for them.
  std::uint64_t turned_away() const noexcept { return turned_away_; }
  /// Stops listening.
  void close();

 private:
  class Socket;
  void accept_from(int fd);
  bool shed_one(int fd);
  void pause();

  Loop* loop_;
  Accepted accepted_;
  std::vector<std::unique_ptr<Socket>> sockets_;
  std::vector<Address> addresses_;
  int spare_fd_;  // given up for a moment to turn somebody away when no other descriptor is left
  std::uint64_t turned_away_ = 0;
  Timer resume_;
};

}  // namespace bixws::net

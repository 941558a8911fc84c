// SPDX-License-Identifier: Apache-2.0
// Inbox: the bounded queue between the hub's thread and one server loop.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <memory>
#include <mutex>

#include "net/loop.h"
#include "server/run.h"

namespace bixws::server {

class Inbox final : public RunTaker {
 public:
  /// Beyond this the hub waits: a loop takes in faster than any number of clients can be sent to, so it does so only
  /// when the machine is at its limit, and then feeds have to wait somewhere.
  static constexpr std::size_t kBytes = std::size_t{4} << 20;

  explicit Inbox(net::Signal& signal) : signal_(&signal) {}

  void take(SharedRun run) override;
  /// Loop's thread: the oldest run, null if there is none.
  SharedRun next();
  [[nodiscard]] std::size_t bytes() const;
  /// Any thread: drops what comes from now on, releases a waiting hub; the signal is not used any more.
  void close();

 private:
  net::Signal* signal_;  // null once closed
  mutable std::mutex mutex_;
  std::condition_variable room_;
  std::deque<SharedRun> runs_;
  std::size_t bytes_ = 0;
};

}  // namespace bixws::server

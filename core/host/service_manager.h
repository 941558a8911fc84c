// SPDX-License-Identifier: Apache-2.0
// ServiceManager: tells systemd that the service is ready, stopping, and alive: datagrams to the socket it names in
// NOTIFY_SOCKET. Without one, nothing is told to nobody.
#pragma once

#include <bixws/stop_signal.h>

#include <chrono>
#include <functional>
#include <string>
#include <string_view>
#include <thread>

namespace bixws::host {

class ServiceManager {
 public:
  ServiceManager();
  ~ServiceManager() { stop(); }
  ServiceManager(const ServiceManager&) = delete;
  ServiceManager& operator=(const ServiceManager&) = delete;

  [[nodiscard]] bool present() const { return !socket_.empty(); }
  /// Clients are served. From now on `beat` is called in half the time in which it must be followed by alive(), from a
  /// thread of its own, if a watchdog is wanted at all.
  void ready(std::function<void()> beat);
  /// Any thread.
  void alive() const { send("WATCHDOG=1"); }
  /// It ends, which may take a while. Idempotent.
  void stopping();

 private:
  void send(std::string_view state) const;
  void stop();

  std::string socket_;
  std::chrono::microseconds watchdog_{};
  bool stopping_ = false;
  StopSignal end_;
  std::thread thread_;
};

}  // namespace bixws::host

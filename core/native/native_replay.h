// SPDX-License-Identifier: Apache-2.0
// NativeReplay: a recording's raw frames played by the exchange's own protocol, WebSocket and REST on one port. There
// is one timeline for all connections, as at an exchange: each frame goes to those who have subscribed to it by then.
// It runs only while somebody listens, and waits for whoever reads slowly, so nothing is missed by a client that is
// there.
#pragma once

#include <bixws/event.h>

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "model/chaos.h"
#include "native/exchange.h"
#include "net/loop.h"
#include "net/tls.h"
#include "recording/playback.h"

namespace bixws::native {

struct NativeOptions {
  recording::PlaybackOptions playback;  ///< path, session, speed, from, to, loop
  std::string exchange;                 ///< whose raw frames
  std::string host = "127.0.0.1";
  std::uint16_t port = 8765;  ///< 0: any free one
  std::shared_ptr<const net::TlsServerContext> tls;
  /// The first frame, and the first one after each injected disconnect, waits until so many connections have
  /// subscribed, to so many topics (channel and symbol) together.
  std::size_t wait_clients = 1;
  std::size_t wait_topics = 1;
  ChaosOptions chaos;
  std::size_t client_bytes = std::size_t{1} << 20;           ///< waiting for one client: beyond it the timeline waits
  net::Duration client_deadline = std::chrono::seconds(10);  ///< a client that takes nothing for so long is cut off
  std::size_t max_clients = 1000;
  std::function<void(std::string_view)> log;
};

class NativeReplay {
 public:
  /// Reads the whole session once to learn what there is, then listens. Throws RecordingError, ConfigError,
  /// std::runtime_error.
  NativeReplay(NativeOptions options, std::unique_ptr<Exchange> exchange);
  ~NativeReplay();
  NativeReplay(const NativeReplay&) = delete;
  NativeReplay& operator=(const NativeReplay&) = delete;

  [[nodiscard]] std::uint16_t port() const;
  /// `on_ended` is called once when the recording is over and every client has been closed with 1000; `error` says what
  /// is damaged, empty: nothing.
  void start(std::function<void(const std::string& error)> on_ended);
  /// Closes what is open with 1001 and ends. Idempotent.
  void stop();

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

/// The exchange whose raw frames a session has; throws ConfigError if it has none, or several and `wanted` names none.
[[nodiscard]] std::string exchange_of(const std::string& path, std::int64_t session, const std::string& wanted);

}  // namespace bixws::native

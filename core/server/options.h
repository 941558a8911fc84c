// SPDX-License-Identifier: Apache-2.0
// Options of the server: every limit and switch, with the defaults of docs/protocol.md.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "model/chaos.h"
#include "net/loop.h"
#include "server/history_desk.h"
#include "server/private_replay.h"
#include "server/recent.h"
#include "server/request.h"
#include "server/stream.h"

namespace bixws::server {

struct Options {
  std::string host = "127.0.0.1";  ///< a name: all its addresses; empty: every interface
  std::uint16_t port = 8765;       ///< 0: any free one
  unsigned io_threads = 1;         ///< loops, each with a thread of its own
  std::string first_exchange;      ///< the first feed given: its symbols need no prefix

  net::Duration interval = std::chrono::milliseconds(100);  ///< ticker batching; zero: at once
  net::Duration tick = net::Duration::zero();               ///< least time between two sweeps
  std::size_t max_batch = 0;                                ///< messages a send may carry; 0: all that is due
  std::size_t client_bytes = std::size_t{1} << 20;          ///< a client may be behind
  std::size_t resume_bytes = Recent::kDefaultBytes;         ///< of messages kept for clients that come back
  /// Feeds wait for lossless clients instead of cutting them; for replays and other sources that can wait. A client
  /// that takes nothing for `hold_deadline` is cut all the same.
  bool hold_back = false;
  net::Duration hold_deadline = std::chrono::seconds(10);

  std::size_t max_clients = 20000;
  std::optional<std::size_t> max_clients_per_address;  ///< absent: 256, loopback exempt
  std::size_t max_message = std::size_t{64} * 1024;    ///< bytes of a client's message
  std::size_t max_subscriptions = 4096;                ///< channels times symbols of one client
  unsigned messages_per_second = 50;                   ///< of one client, with as many again in reserve
  int send_buffer = 128 * 1024;                        ///< SO_SNDBUF; bounds what goes stale in the kernel
  net::Duration ping_interval = std::chrono::seconds(20);
  net::Duration pong_deadline = std::chrono::seconds(20);
  net::Duration head_deadline = std::chrono::seconds(5);
  net::Duration tls_deadline = std::chrono::seconds(10);
  net::Duration close_deadline = std::chrono::seconds(2);

  bool compress = false;          ///< agree to permessage-deflate
  std::string tls_cert, tls_key;  ///< PEM files; both or none
  std::vector<std::string> tokens;
  std::string token_file;                    ///< one token a line, # comments; read at start and by reload()
  std::vector<std::string> allowed_origins;  ///< "https://example.org"; "*": all
  std::string base_path;                     ///< "/bixws": only below it
  bool trust_proxy = false;                  ///< believe X-Forwarded-For, -Host and -Proto

  std::string web_dir;  ///< the dashboard's files are read from here; empty: the embedded ones

  std::string version;  ///< shown on the page and in metrics

  /// Why this process is not healthy, beyond what status events tell; called from server threads.
  std::function<std::vector<std::string>()> health;
  /// More lines for /metrics, in Prometheus text; called from server threads.
  std::function<std::string()> metrics;
  /// Steers a replay; called from server threads. Empty text: done. Otherwise the text of the error. Absent: this is
  /// no replay.
  std::function<std::string(const ReplayRequest&)> replay;
  /// Called from server threads whenever Server::ready_clients() has grown. Only with it are clients asked whether they
  /// have anything to say.
  std::function<void()> on_ready;
  ChaosOptions chaos;  ///< drop, dup and reorder of messages on their way to clients
  /// Text made while it is sent, for a GET of this path and query; nothing: there is no such path. Called from server
  /// threads, the planner from the stream's own.
  std::function<std::optional<StreamPlanner>(std::string_view path, const net::Query& query)> stream;
  /// A replay for one client alone, who connects to /replay; null, and the status and why in `refusal`: not this one.
  /// Called from server threads.
  std::function<std::unique_ptr<PrivateReplay>(const net::Query& query, StreamRefusal& refusal)> private_replay;
  std::size_t max_private_replays = 16;
  /// A page of the past from a recording; called on one thread of the server. May throw std::exception. Absent: there
  /// is only what memory holds.
  HistorySource history;
  /// Writes to the log; called from server threads.
  std::function<void(std::string_view)> log;
};

}  // namespace bixws::server

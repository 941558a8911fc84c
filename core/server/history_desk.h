// SPDX-License-Identifier: Apache-2.0
// HistoryDesk: answers `history` on a thread of its own. Reading a recording and writing thousands of items takes
// milliseconds, which neither the hub nor a loop has.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>

#include "model/history.h"
#include "server/request.h"
#include "server/run.h"

namespace bixws::server {

/// A page of the past from a recording; called on the desk's thread. Throws std::exception; its text goes to the log.
using HistorySource = std::function<HistoryPage(const HistoryQuery&)>;

struct HistoryJob {
  using Deliver = std::function<void(const ClientKey& client, std::string payload)>;

  ClientKey client;
  std::string id;  ///< the request's, as JSON text
  HistoryQuery query;
  HistoryPage recent;        ///< what memory holds
  Micros floor = INT64_MAX;  ///< what is not later than this is the recording's
  std::string label;         ///< the instrument's name on the wire
  // Of a replay that one client has for itself; else the desk's own.
  HistorySource source;
  Deliver deliver;  ///< on the desk's thread
};

class HistoryDesk {
 public:
  static constexpr std::size_t kMostWaiting = 256;  ///< of all clients
  static constexpr std::size_t kMostOfOne = 32;     ///< of one client, so that others get their turn

  using Deliver = HistoryJob::Deliver;
  using Log = std::function<void(std::string_view)>;

  /// `source` may be empty: then there is only memory. `deliver` is called on the desk's thread.
  HistoryDesk(HistorySource source, Deliver deliver, Log log);
  ~HistoryDesk();
  HistoryDesk(const HistoryDesk&) = delete;
  HistoryDesk& operator=(const HistoryDesk&) = delete;

  /// Any thread. False: too many wait already.
  [[nodiscard]] bool ask(HistoryJob job);
  /// Gives up what waits and what is being read. Idempotent.
  void stop();

 private:
  void run();
  [[nodiscard]] std::string answer(HistoryJob& job);

  HistorySource source_;
  Deliver deliver_;
  Log log_;
  std::atomic<bool> stopping_{false};
  std::mutex mutex_;
  std::condition_variable work_;
  std::deque<HistoryJob> jobs_;
  std::thread thread_;
};

}  // namespace bixws::server

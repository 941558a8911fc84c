// SPDX-License-Identifier: Apache-2.0
// Delivery: sends what the outbox holds, one alert at a time, on a thread of its own.
#pragma once

#include <bixws/plugin.h>

#include <condition_variable>
#include <mutex>
#include <optional>
#include <string>

#include "feed/backoff.h"
#include "net/http_client.h"
#include "net/loop.h"
#include "outbox.h"
#include "request.h"

namespace bixws::webhook {

struct DeliveryOptions {
  Target target;
  net::HttpClientOptions http;
  Micros first_wait = 1'000'000;  ///< after a first failure; doubles each time
  Micros longest_wait = 300'000'000;
  Micros keep = 3 * 86'400'000'000;  ///< what could not be delivered for so long is given up
  std::int64_t most = 100'000;       ///< likewise the oldest beyond so many
};

class Delivery {
 public:
  /// `host` and `outbox` outlive it.
  Delivery(DeliveryOptions options, Outbox& outbox, Host& host);
  ~Delivery() { stop(); }
  Delivery(const Delivery&) = delete;
  Delivery& operator=(const Delivery&) = delete;

  /// Any thread: something was added.
  void wake();
  /// Until nothing waits, the receiver fails, or the time is over.
  void drain(std::chrono::milliseconds patience);
  /// Ends it at once; what is not delivered stays in the outbox.
  void stop();

 private:
  static constexpr int kMostRedirects = 3;

  // all on the loop's thread
  void next();
  void send(const net::HttpCall& call);
  void answered(const net::HttpReply& reply);
  void failed(const net::HttpReply& reply, const std::string& why);
  void done();
  void idle(bool waiting);
  void give_up_old();
  template <typename Action>
  bool with_outbox(Action&& action);

  DeliveryOptions options_;
  Outbox& outbox_;
  Host& host_;
  feed::Backoff backoff_;
  std::optional<Waiting> current_;
  net::HttpCall call_;
  int redirects_ = 0;
  bool failing_ = false;  // the last attempt did, and that was said
  bool paused_ = false;   // until the timer fires, whatever is added

  std::mutex mutex_;
  std::condition_variable changed_;
  bool settled_ = false;  // guarded by mutex_: nothing waits, or the receiver fails

  net::LoopThread thread_;
  std::optional<net::HttpClient> client_;  // of the loop's thread
  std::optional<net::Timer> timer_;        // likewise
};

}  // namespace bixws::webhook

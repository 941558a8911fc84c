// SPDX-License-Identifier: Apache-2.0
// RestQueue: REST requests of one feed, within the exchange's weights, and quiet for as long as it says.
#pragma once

#include <bixws/dialect.h>

#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "feed/pacer.h"
#include "net/http_client.h"
#include "net/loop.h"

namespace bixws::feed {

/// Loop's thread only.
class RestQueue {
 public:
  /// What an answer means to the feed, apart from its body.
  enum class Refusal : std::uint8_t {
    none,          ///< 2xx
    failed,        ///< no answer, or a status that asking again may cure
    rate_limited,  ///< 429: nothing is asked until `wait` is over
    banned,        ///< 418, 403: the same, for longer
    blocked        ///< 451: this place is not served
  };
  struct Reply {
    Refusal refusal = Refusal::none;
    std::string body;
    std::string problem;  ///< for a human, with what to do
    Micros wait = 0;      ///< before asking again makes sense
    Micros took = 0;      ///< from sending it to this answer; the time in the queue is not in it
  };
  using Done = std::function<void(const Reply& reply)>;

  RestQueue(net::Loop& loop, std::string base, net::HttpClientOptions options, const Limits& limits);

  /// `path` begins with '/'. `done` is called once, from the loop, never inside this call.
  void get(std::string path, std::uint32_t weight, Done done);
  /// No `done` is called any more.
  void stop();
  [[nodiscard]] const std::string& base() const { return base_; }

 private:
  struct Call {
    std::string path;
    std::uint32_t weight;
    Done done;
    net::Instant sent{};
  };
  void pump();
  void finished(const Call& call, net::HttpReply&& reply);
  [[nodiscard]] Reply judge(net::HttpReply&& reply) const;

  net::Loop& loop_;
  std::string base_;
  net::HttpClientOptions options_;
  Limits limits_;
  Window weights_;
  std::deque<Call> waiting_;
  std::vector<std::unique_ptr<net::HttpClient>> clients_;
  net::Instant quiet_until_{};
  net::Timer timer_;
};

}  // namespace bixws::feed

// SPDX-License-Identifier: Apache-2.0
// Streams: answers over HTTP that threads of their own make while they are sent, as fast as the client takes them and
// never further ahead than a few pieces.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <variant>

#include "net/http_server.h"

namespace bixws::server {

/// Takes a piece of text, of any size; false: the client is gone, make no more.
using StreamWriter = std::function<bool(std::string_view)>;

/// Whatever is wrong with a request for a stream.
struct StreamRefusal {
  int status = 400;
  std::string text;
};

/// What is to be sent: its type, and who makes it. The maker returns why it broke off, or nothing when it is complete.
struct StreamPlan {
  std::string type;
  std::function<std::string(const StreamWriter&)> make;
};

/// Finds out on the stream's thread, so that it may open files.
using StreamPlanner = std::function<std::variant<StreamPlan, StreamRefusal>()>;

/// The streams of one loop. Loop's thread only.
class Streams {
 public:
  static constexpr std::size_t kMost = 16;  ///< at a time, each with a thread

  Streams(net::Loop& loop, net::HttpServer& http, std::function<void(std::string_view)> log)
      : loop_(loop), http_(http), log_(std::move(log)) {}
  ~Streams() { stop(); }
  Streams(const Streams&) = delete;
  Streams& operator=(const Streams&) = delete;

  /// Answers the session, now or later.
  void answer(net::HttpSession& session, StreamPlanner planner);
  /// Breaks all of them off.
  void stop();
  [[nodiscard]] std::size_t size() const { return streams_.size(); }

 private:
  class Pipe;
  class Body;
  struct Stream {
    std::shared_ptr<Pipe> pipe;
    std::thread thread;
  };
  void run(std::uint64_t number, std::uint64_t session, const std::shared_ptr<Pipe>& pipe,
           const StreamPlanner& planner);
  void ended(std::uint64_t number);

  net::Loop& loop_;
  net::HttpServer& http_;
  std::function<void(std::string_view)> log_;
  std::map<std::uint64_t, Stream> streams_;
  std::uint64_t next_ = 1;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);  // what was posted and comes too late looks here first
};

}  // namespace bixws::server

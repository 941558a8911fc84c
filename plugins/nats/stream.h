// SPDX-License-Identifier: Apache-2.0
// Streams: JetStream's log over our subjects, made if missing, and read from a place on.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "nats/link.h"
#include "nats/stream_place.h"

namespace bixws::nats {

struct StreamPlan {
  std::string name;
  std::chrono::microseconds keep{};
  std::int64_t keep_bytes = 0;  ///< 0: what the broker allows
};

/// Makes the stream over PREFIX.> if there is none of that name. Waits for the broker; throws std::runtime_error.
void ensure_stream(natsConnection* connection, const StreamPlan& plan, const std::string& prefix);

/// What a broker says of a stream. Throws std::runtime_error.
struct StreamState {
  std::int64_t created = 0;
  std::uint64_t first = 0, last = 0;
};
StreamState stream_state(natsConnection* connection, const std::string& name);

/// Messages in the order of the stream. Not thread-safe.
class StreamReader {
 public:
  using Take = std::function<void(std::string_view subject, std::string_view payload, std::uint64_t seq)>;
  /// Begins with message `from`. Throws std::runtime_error.
  StreamReader(natsConnection* connection, const std::string& name, const std::string& subjects, std::uint64_t from);
  ~StreamReader();
  StreamReader(const StreamReader&) = delete;
  StreamReader& operator=(const StreamReader&) = delete;

  /// Waits up to `timeout` for what there is, and no longer than until some came. False: this reader is of no use any
  /// more (the broker forgot it, or something was lost on the way); a new one goes on.
  bool read(std::chrono::milliseconds timeout, const Take& take);

 private:
  [[nodiscard]] bool still_known() const;

  jsCtx* context_ = nullptr;
  RawSubscriptionPtr subscription_;
  std::uint64_t delivered_ = 0;  // messages, as the broker counts them for us
  std::chrono::steady_clock::time_point heard_;
};

}  // namespace bixws::nats

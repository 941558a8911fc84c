// SPDX-License-Identifier: Apache-2.0
// Stream: what one client receives after its handshake, checked frame by frame and message by message.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "histogram.h"

namespace bixws::bench {

/// What all clients of a run add up to.
struct Tally {
  bool measuring = false;      ///< the window is open: count and take latencies
  std::uint64_t messages = 0;  ///< trades messages in the window
  std::uint64_t bytes = 0;     ///< of their payloads
  std::uint64_t checked = 0;   ///< trades messages in all, each compared with its predecessor
  std::uint64_t holes = 0;     ///< a number that is not its predecessor's plus one, and no gap message said so
  std::uint64_t gaps = 0;      ///< gap messages
  std::uint64_t others = 0;    ///< messages of other types
  Histogram latency;           ///< microseconds from recv_ts to the recv() that brought the message's end
  std::string complaint;       ///< the first thing that was wrong, empty: nothing
};

/// Messages are told apart by how they begin, as all servers of this bench write them:
/// {"type":"trades",...,"seq":N,...,"recv_ts":T}]}
class Stream {
 public:
  enum class Outcome : std::uint8_t {
    more,    ///< all is taken in
    closed,  ///< a close frame came
    broken,  ///< see Tally::complaint
  };

  /// Takes in what a recv() returned at `now` (microseconds since the epoch). Pings are answered into `reply`.
  Outcome take(std::string_view bytes, std::int64_t now, Tally& tally, std::string& reply);
  [[nodiscard]] std::uint16_t close_code() const { return close_code_; }
  [[nodiscard]] const std::string& close_reason() const { return close_reason_; }
  [[nodiscard]] std::uint64_t messages() const { return messages_; }
  /// Trades messages from here on are counted anew.
  void restart_count() { messages_ = 0; }

 private:
  Outcome take_frames(std::string_view& bytes, std::int64_t now, Tally& tally, std::string& reply);
  Outcome control(unsigned opcode, std::string_view payload, Tally& tally, std::string& reply);
  bool message(std::string_view text, std::int64_t now, Tally& tally);

  std::string rest_;  // an incomplete frame
  std::uint64_t seq_ = 0;
  std::uint64_t messages_ = 0;
  std::size_t seq_at_ = 0;  // where the last message had its number: most have it there
  bool gap_told_ = false;
  std::uint16_t close_code_ = 0;
  std::string close_reason_;
};

/// One masked client frame.
std::string client_frame(unsigned opcode, std::string_view payload);

}  // namespace bixws::bench

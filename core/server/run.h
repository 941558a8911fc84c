// SPDX-License-Identifier: Apache-2.0
// Run: what the hub's thread hands to the server's loops, an ordered list of encoded messages and answers, immutable
// once handed over and shared by all loops.
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "model/text_buffer.h"
#include "server/selection.h"
#include "server/topic.h"

namespace bixws::server {

/// Which client: the loop it lives on and a number that is never used twice on that loop.
struct ClientKey {
  std::uint32_t loop = 0;
  std::uint64_t number = 0;
  bool operator==(const ClientKey&) const = default;
};

/// Bytes of a run: whole WebSocket frames, or a part of one.
struct Extent {
  std::uint32_t offset = 0;
  std::uint32_t size = 0;
};

struct RunItem {
  enum class Kind : std::uint8_t {
    message,  ///< for everybody subscribed to `topic`
    ticker,   ///< the same, but clients that take tickers batched need only `part`
    notice,   ///< a gap: for everybody it concerns
    epoch,    ///< for everybody: the numbering starts anew
    answer,   ///< for one client: see answers[index]
  };
  Kind kind = Kind::message;
  Channel channel = Channel::none;         ///< notice
  std::uint32_t index = 0;                 ///< answer
  const Topic* topic = nullptr;            ///< message, ticker
  const Instrument* instrument = nullptr;  ///< notice
  Extent frame;                            ///< header and payload
  Extent part;                             ///< ticker: "LABEL":{...} inside the payload
  std::uint64_t seq = 0;
  std::uint64_t previous = 0;  ///< ticker: the number of the instrument's one before
  Micros recv_ts = 0;
};

/// The server's reply to one client, at its place in the order: what it is told, and what it gets from here on.
struct Answer {
  enum class Kind : std::uint8_t {
    plain,    ///< only bytes
    select,   ///< the client's selection is `selection` from here on
    refresh,  ///< fresh state for a client that had fallen behind
  };
  Kind kind = Kind::plain;
  ClientKey client;
  std::shared_ptr<const Selection> selection;
  std::shared_ptr<const Selection> covered;  ///< select: whose newest state the bytes contain; null: none
  Extent frames;
  std::uint64_t ticker_seq = 0;  ///< the newest ticker that had come
  std::uint64_t token = 0;       ///< refresh: of the request
};

struct Run {
  TextBuffer bytes;
  std::vector<RunItem> items;
  std::vector<Answer> answers;

  [[nodiscard]] std::string_view text(const Extent& extent) const {
    return bytes.view().substr(extent.offset, extent.size);
  }
};

using SharedRun = std::shared_ptr<const Run>;

/// Where the hub's thread hands runs over: one per loop.
class RunTaker {
 public:
  virtual ~RunTaker() = default;
  /// Hub's thread. Waits while the loop is too far behind, which holds the feeds back.
  virtual void take(SharedRun run) = 0;
};

/// A server's ping without payload.
inline constexpr std::string_view kPingFrame{"\x89\0", 2};

/// Starts a server-to-client text frame in `out`; encode the payload, then end_frame() with what this returned.
[[nodiscard]] std::size_t begin_frame(TextBuffer& out);
/// Completes the header, in its shortest form, and says where the frame lies.
Extent end_frame(TextBuffer& out, std::size_t begin);
/// Where the frame that holds the byte before `offset` ends; `offset` itself between two frames. `frames` are whole
/// server-to-client frames.
[[nodiscard]] std::size_t frame_boundary(std::string_view frames, std::size_t offset);

}  // namespace bixws::server

// SPDX-License-Identifier: Apache-2.0
// The ways in which the stand-in exchange misbehaves, as values: written up front in a script or given while it runs.
#pragma once

#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

#include "support/standin_venue.h"

namespace bixws::test {

struct Fault {
  enum class Kind {
    // To the connections that get the frame; when nobody gets it, to the next frame that somebody gets.
    skip,         // `count` frames are not sent
    duplicate,    // `count` frames are sent twice
    swap,         // the frame is sent after the next one of its symbol and channel
    cut,          // only the first `bytes` bytes of the frame go out, then FIN
    cut_reset,    // ... then RST
    inject_text,  // `payload` goes out as a text frame before the frame
    inject_raw,   // `payload` goes out as it is before the frame
    // To all connections, right after the frame.
    drop,             // FIN
    reset,            // RST
    silence,          // nothing is sent or answered any more, pings included; the connection stays open
    close,            // close frame with code `count` and reason `payload`
    ping,             // ping with `payload`
    shutdown_notice,  // what the exchange says before maintenance
    stop_listening,   // drops all and refuses connections until listen_again()
  };

  Kind kind = Kind::drop;
  // Number of the frame, from 1. 0: skip, duplicate, swap, cut and inject act on the next frame, the others at once.
  std::uint64_t at = 0;
  int connection = -1;      // which WebSocket connection, counted from 0 as they come; -1: all
  std::uint64_t count = 1;  // skip, duplicate: frames; close: the code
  std::size_t bytes = 0;    // cut: of the frame as sent, header included
  std::string payload;
  std::string symbol;      // only frames of this symbol; empty: any
  std::string channel;     // only frames whose channel starts like this; empty: any
  std::uint64_t lose = 0;  // drop, reset, cut, silence: the capture goes on for so many frames, heard or not
};

// Connections lost about every `every` frames up to `total`, each time by FIN, RST or a cut inside a frame, with up to
// `lose` frames lost after it. The same seed gives the same faults.
std::vector<Fault> random_drops(std::uint64_t every, std::uint64_t total, std::uint64_t seed, std::uint64_t lose = 0);

// Things to inject, each wrong in its own way.
namespace bad {
std::string html();
std::string truncated_json();
std::string digits(std::size_t count);  // a number of so many digits
std::string invalid_utf8();             // inside otherwise good JSON
}  // namespace bad

// Answers an exchange gives when it does not want to.
namespace replies {
HttpReply too_many(int retry_after_seconds);             // 429
HttpReply banned(int retry_after_seconds);               // 418
HttpReply geo_blocked();                                 // 451
HttpReply unavailable();                                 // 503
HttpReply html();                                        // 200 with a page instead of JSON
HttpReply truncated(HttpReply good, std::size_t bytes);  // the body breaks off and the connection ends
}  // namespace replies

inline constexpr int always = std::numeric_limits<int>::max();

}  // namespace bixws::test

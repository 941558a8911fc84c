// SPDX-License-Identifier: Apache-2.0
// Replies: the messages that answer one client and are no events.
#pragma once

#include <string>

#include "model/text_buffer.h"
#include "server/request.h"

namespace bixws::server {

/// What rate_limited says.
[[nodiscard]] inline std::string too_fast_text(unsigned per_second) {
  return "more than " + std::to_string(per_second) + " messages a second";
}
void append_error(TextBuffer& out, const RequestError& error);
/// `ts`: the newest recv_ts known to the server, as all envelopes carry; 0: none yet.
void append_pong(TextBuffer& out, const PingRequest& request, Micros ts);

/// Adds to a complete gap message which depth or timeframe its numbers belong to.
void append_gap_param(TextBuffer& out, const ChannelSpec& what);

}  // namespace bixws::server

// SPDX-License-Identifier: Apache-2.0
// Replies: the messages that answer one client and are no events.
#pragma once

#include <span>
#include <string>
#include <string_view>

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

struct HistoryReply {
  std::string_view id;  ///< the request's, as JSON text
  std::string_view exchange, label;
  ChannelSpec what;
  std::span<const Event* const> items;
  bool more = false;
};
void append_history(TextBuffer& out, const HistoryReply& reply);

/// Adds to a complete message that it tells of what was before the subscription.
void append_history_flag(TextBuffer& out);

/// Adds to a complete gap message its number, by which a client that resumes says which gaps it knows.
void append_gap_number(TextBuffer& out, std::uint64_t number);

/// Adds to a complete gap message which depth or timeframe its numbers belong to.
void append_gap_param(TextBuffer& out, const ChannelSpec& what);

}  // namespace bixws::server

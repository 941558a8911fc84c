// SPDX-License-Identifier: Apache-2.0
// Replies: written by hand like every other message.
#include "server/replies.h"

#include "model/event_json.h"

namespace bixws::server {
namespace {

void append_id(TextBuffer& out, std::string_view id) {
  if (id.empty()) return;
  out.raw(",\"id\":");
  out.raw(id);
}

}  // namespace

void append_error(TextBuffer& out, const RequestError& error) {
  out.raw("{\"type\":\"error\"");
  append_id(out, error.id);
  out.raw(",\"code\":\"");
  out.raw(name_of(error.code));
  out.raw("\",\"message\":");
  out.quoted(error.message);
  out.raw('}');
}

void append_pong(TextBuffer& out, const PingRequest& request, Micros ts) {
  out.raw("{\"type\":\"pong\"");
  append_id(out, request.id);
  if (ts != 0) {
    out.raw(",\"ts\":");
    out.integer(ts);
  }
  out.raw('}');
}

void append_history(TextBuffer& out, const HistoryReply& reply) {
  out.raw("{\"type\":\"history\"");
  append_id(out, reply.id);
  out.raw(",\"exchange\":");
  out.quoted(reply.exchange);
  out.raw(",\"symbol\":");
  out.quoted(reply.label);
  out.raw(",\"channel\":");
  out.quoted(channel_text(reply.what));
  out.raw(",\"data\":[");
  bool first = true;
  for (const Event* item : reply.items) {
    if (!first) out.raw(',');
    first = false;
    append_item(out, *item);
  }
  out.raw(reply.more ? std::string_view("],\"more\":true}") : std::string_view("]}"));
}

void append_history_flag(TextBuffer& out) {
  out.shrink_to(out.size() - 1);
  out.raw(",\"history\":true}");
}

void append_gap_number(TextBuffer& out, std::uint64_t number) {
  out.shrink_to(out.size() - 1);
  out.raw(",\"seq\":");
  out.integer(number);
  out.raw('}');
}

void append_gap_param(TextBuffer& out, const ChannelSpec& what) {
  if (what.param == 0) return;
  out.shrink_to(out.size() - 1);
  if (what.channel == Channel::book) {
    out.raw(",\"depth\":");
    out.integer(what.param);
  } else {
    out.raw(",\"timeframe\":\"");
    append_timeframe(out, static_cast<std::int32_t>(what.param));
    out.raw('"');
  }
  out.raw('}');
}

}  // namespace bixws::server

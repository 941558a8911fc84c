// SPDX-License-Identifier: Apache-2.0
// Publisher: requests that are no subscriptions: annotations, which everybody sees, and history, which a desk answers.
#include <algorithm>

#include "model/clock.h"
#include "model/event_json.h"
#include "server/publisher.h"

namespace bixws::server {
namespace {

constexpr std::size_t kMostAnnotationBytes = std::size_t{16} << 20;  // of all instruments

template <typename Value>
void change(Value& field, const std::optional<Value>& wanted) {
  if (wanted) field = *wanted;
}

}  // namespace

void Publisher::annotate(ClientKey client, const AnnotateRequest& request, const market::Market& market) {
  const Instrument& instrument = *request.instrument;
  const auto refuse = [&](ErrorCode code, std::string why) {
    TextBuffer text;
    append_error(text, {request.id, code, std::move(why)});
    reply(client, text.view(), market);
  };
  const MarkBook& marks = row_of(instrument).marks;
  const StoredMark* const before = marks.annotation(request.mark);
  if (request.remove && before == nullptr) {
    return refuse(ErrorCode::bad_request,
                  "there is no annotation " + request.mark + " of " + row_of(instrument).label + " to delete");
  }
  // Stamped with the market's time, not the clock's: a replay of it falls at the same place.
  const Micros now = market.last_recv_ts() != 0 ? market.last_recv_ts() : SystemClock().now();
  const std::string id = request.mark.empty() ? "a" + hub::make_epoch() : request.mark;
  Mark fresh;
  fresh.id = id;
  StoredMark mark = before != nullptr ? *before : StoredMark(Event::annotation(instrument, now, now, fresh));
  mark.recv_ts = now;
  mark.deleted = request.remove;
  if (!request.remove) {
    change(mark.ts, request.ts);
    change(mark.price, request.price);
    change(mark.text, request.text);
    change(mark.kind, request.kind);
    change(mark.color, request.color);
    change(mark.points, request.points);
    if (before == nullptr && marks.full()) {
      return refuse(ErrorCode::too_many, "more than " + std::to_string(MarkBook::kMostAnnotations) +
                                             " annotations of " + row_of(instrument).label + "; delete some");
    }
    std::size_t bytes = mark.size();
    for (const auto& row : rows_) bytes += row ? row->marks.bytes() : 0;
    if (bytes > kMostAnnotationBytes) {
      return refuse(ErrorCode::too_many,
                    "annotations take more than " + std::to_string(kMostAnnotationBytes >> 20) + " MiB; delete some");
    }
  }
  auto batch = std::make_unique<EventBatch>();
  TextBuffer told;
  mark.as_event(instrument, [&](const Event& event) {
    batch->append(event);
    append_message(told, event, row_of(instrument).label);
    // At once, so that the next change meets it; the event itself goes the way of all events.
    row_of(instrument).marks.take(event);
  });
  own_marks_.push_back(mark.id);
  hub_.inject(std::move(batch));
  // Whoever made it is told what became of it, subscribed or not.
  const auto at = clients_.find(client);
  const bool hears =
      at != clients_.end() && at->second.shared->second.selection->find({Channel::annotation, 0}, instrument);
  if (!hears) reply(client, told.view(), market);
}

void Publisher::ask_history(ClientKey client, const HistoryRequest& request, const market::Market& market) {
  HistoryJob job;
  job.client = client;
  job.id = request.id;
  job.query = request.query;
  job.label = row_of(*request.query.instrument).label;
  HistoryRing::Answer recent = history_.page(request.query, market.find(request.query.instrument->id));
  job.recent = std::move(recent.page);
  job.floor = recent.floor;
  job.query.now = market.last_recv_ts();
  if (desk_(std::move(job))) return;
  TextBuffer text;
  append_error(text, {request.id, ErrorCode::rate_limited, "too many history requests wait; ask again later"});
  reply(client, text.view(), market);
}

}  // namespace bixws::server

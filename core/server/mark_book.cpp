// SPDX-License-Identifier: Apache-2.0
// MarkBook: few entries, so they are searched one by one.
#include "server/mark_book.h"

#include <algorithm>

namespace bixws::server {

StoredMark::StoredMark(const Event& event)
    : id(event.mark().id),
      text(event.mark().text),
      kind(event.mark().kind),
      color(event.mark().color),
      price(event.mark().price),
      points(event.mark().points.begin(), event.mark().points.end()),
      deleted(event.mark().deleted),
      ts(event.ts),
      recv_ts(event.recv_ts),
      alert(event.kind == Kind::alert) {}

std::size_t StoredMark::size() const {
  return sizeof *this + id.size() + text.size() + kind.size() + color.size() + points.size() * sizeof(Point);
}

void MarkBook::take(const Event& event) {
  if (event.kind == Kind::alert) {
    alerts_.emplace_back(event);
    if (alerts_.size() > kMostAlerts) alerts_.pop_front();
    return;
  }
  const auto at = std::find_if(annotations_.begin(), annotations_.end(),
                               [&](const StoredMark& mark) { return mark.id == event.mark().id; });
  const bool known = at != annotations_.end();
  if (known) bytes_ -= at->size();
  if (event.mark().deleted) {
    if (known) annotations_.erase(at);
    return;
  }
  if (known) {
    *at = StoredMark(event);
    bytes_ += at->size();
    return;
  }
  if (full()) {
    bytes_ -= annotations_.front().size();
    annotations_.pop_front();
  }
  annotations_.emplace_back(event);
  bytes_ += annotations_.back().size();
}

const StoredMark* MarkBook::annotation(std::string_view id) const {
  const auto at =
      std::find_if(annotations_.begin(), annotations_.end(), [&](const StoredMark& mark) { return mark.id == id; });
  return at == annotations_.end() ? nullptr : &*at;
}

void MarkBook::clear() {
  annotations_.clear();
  alerts_.clear();
  bytes_ = 0;
}

}  // namespace bixws::server

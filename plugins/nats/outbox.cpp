// SPDX-License-Identifier: Apache-2.0
// Outbox: two queues, one of what was sent and one of what was not.
#include "nats/outbox.h"

#include <utility>

namespace bixws::nats {

std::size_t Outbox::size_of(const Outgoing& message) {
  constexpr std::size_t kOverhead = 160;  // strings, control block, place in the queue
  return message.subject.size() + message.payload.size() + message.id.size() + message.reply.size() + kOverhead;
}

std::size_t Outbox::push(Outgoing message) {
  const std::size_t bytes = size_of(message);
  std::size_t dropped = 0;
  while (!waiting_.empty() && bytes_ + bytes > most_bytes_) {
    bytes_ -= size_of(*waiting_.front());
    waiting_.pop_front();
    ++dropped;
  }
  bytes_ += bytes;
  waiting_.push_back(std::make_shared<const Outgoing>(std::move(message)));
  return dropped;
}

bool Outbox::has_next() const {
  if (resend_ < flying_.size()) return true;
  return !waiting_.empty() && (most_in_flight_ == 0 || flying_.size() < most_in_flight_);
}

Outbox::Next Outbox::next() {
  while (resend_ < flying_.size() && flying_[resend_].done) ++resend_;
  if (resend_ < flying_.size()) {
    const std::size_t at = resend_++;
    return {flying_[at].message, first_ + at};
  }
  if (!has_next()) return {};
  Next next{std::move(waiting_.front()), 0};
  waiting_.pop_front();
  if (most_in_flight_ == 0 || next.message->id.empty()) {
    bytes_ -= size_of(*next.message);
    return next;
  }
  next.number = first_ + flying_.size();
  flying_.push_back({next.message, false});
  resend_ = flying_.size();
  return next;
}

bool Outbox::acknowledged(std::uint64_t number) {
  if (number < first_ || number - first_ >= flying_.size()) return false;
  flying_[number - first_].done = true;
  while (!flying_.empty() && flying_.front().done) {
    bytes_ -= size_of(*flying_.front().message);
    flying_.pop_front();
    ++first_;
    if (resend_ > 0) --resend_;
  }
  return true;
}

}  // namespace bixws::nats

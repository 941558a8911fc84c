// SPDX-License-Identifier: Apache-2.0
// Reel: events are read many at a time, those of other kinds are passed over.
#include "native/reel.h"

#include <utility>

namespace bixws::native {
namespace {

constexpr std::size_t kBatchEvents = 1024;

}  // namespace

Reel::Reel(const recording::PlaybackOptions& playback, std::string exchange)
    : exchange_(std::move(exchange)), reader_(playback.path, playback.session, instruments_) {}

const Event* Reel::peek() {
  for (;;) {
    for (; at_ < batch_.size(); ++at_) {
      const Event& event = std::as_const(batch_).events()[at_];
      if (event.kind == Kind::raw && event.instrument->exchange == exchange_) return &event;
    }
    if (exhausted_) return nullptr;
    batch_.clear();
    at_ = 0;
    try {
      exhausted_ = !reader_.next(batch_, kBatchEvents);
    } catch (const recording::DamageError& e) {
      error_ = e.what();
      exhausted_ = true;
    }
  }
}

void Reel::advance() {
  ++at_;
  ++place_;
}

void Reel::rewind() {
  reader_.seek_seq(1, nullptr);
  batch_.clear();
  at_ = 0;
  place_ = 0;
  exhausted_ = false;
}

}  // namespace bixws::native

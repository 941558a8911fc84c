// SPDX-License-Identifier: Apache-2.0
// EventBatch: deep copies of events into one arena.
#include "model/batch.h"

#include <algorithm>
#include <cstring>

namespace bixws {
namespace {
constexpr std::size_t kFirstChunk = 4096;
constexpr std::size_t kLargestChunk = 1U << 20;
}  // namespace

void* Arena::allocate(std::size_t bytes, std::size_t alignment) {
  auto address = reinterpret_cast<std::uintptr_t>(next_);
  const std::size_t padding = (alignment - address % alignment) % alignment;
  if (next_ == nullptr || static_cast<std::size_t>(end_ - next_) < bytes + padding) {
    const std::size_t grown = chunks_.empty() ? kFirstChunk : std::min(chunks_.back().size * 2, kLargestChunk);
    const std::size_t size = std::max(grown, bytes + alignment);
    chunks_.push_back({std::make_unique_for_overwrite<std::byte[]>(size), size});
    next_ = chunks_.back().bytes.get();
    end_ = next_ + size;
    return allocate(bytes, alignment);
  }
  std::byte* const at = next_ + padding;
  next_ = at + bytes;
  used_ += bytes + padding;
  return at;
}

Text Arena::copy(Text text) {
  if (text.empty()) return {};
  auto* to = static_cast<char*>(allocate(text.size(), 1));
  std::memcpy(to, text.data(), text.size());
  return {to, text.size()};
}

void Arena::clear() {
  if (chunks_.size() > 1) chunks_.resize(1);
  next_ = chunks_.empty() ? nullptr : chunks_.front().bytes.get();
  end_ = chunks_.empty() ? nullptr : next_ + chunks_.front().size;
  used_ = 0;
}

Event& EventBatch::append(const Event& event) {
  Event& copy = events_.emplace_back(event);
  switch (event.kind) {
    case Kind::ticker:
      copy.body = arena_.make(event.ticker());
      break;
    case Kind::candle:
      copy.body = arena_.make(event.candle());
      break;
    case Kind::trades: {
      auto* body = arena_.make(event.trades());
      const auto list = arena_.copy(event.trades().list);
      for (Trade& trade : list) trade.id = arena_.copy(trade.id);
      body->list = list;
      copy.body = body;
      break;
    }
    case Kind::book: {
      auto* body = arena_.make(event.book());
      body->bids = arena_.copy(event.book().bids);
      body->asks = arena_.copy(event.book().asks);
      copy.body = body;
      break;
    }
    case Kind::status: {
      auto* body = arena_.make(event.status());
      body->reason = arena_.copy(body->reason);
      if (body->replay != nullptr) {
        auto* replay = arena_.make(*body->replay);
        replay->state = arena_.copy(replay->state);
        body->replay = replay;
      }
      copy.body = body;
      break;
    }
    case Kind::gap: {
      auto* body = arena_.make(event.gap());
      body->reason = arena_.copy(body->reason);
      copy.body = body;
      break;
    }
    case Kind::alert:
    case Kind::annotation: {
      auto* body = arena_.make(event.mark());
      body->id = arena_.copy(body->id);
      body->text = arena_.copy(body->text);
      body->kind = arena_.copy(body->kind);
      body->color = arena_.copy(body->color);
      body->points = arena_.copy(body->points);
      copy.body = body;
      break;
    }
    case Kind::raw: {
      auto* body = arena_.make(event.raw());
      body->url = arena_.copy(body->url);
      body->bytes = arena_.copy(body->bytes);
      copy.body = body;
      break;
    }
  }
  return copy;
}

}  // namespace bixws

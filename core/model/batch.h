// SPDX-License-Identifier: Apache-2.0
// EventBatch: owns a run of events and everything they point to. Feeds fill one, the hub numbers it, then it is frozen
// and shared by all outputs.
#pragma once

#include <bixws/event.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace bixws {

/// Bump allocator in chunks; addresses stay valid until clear().
class Arena {
 public:
  void* allocate(std::size_t bytes, std::size_t alignment);
  Text copy(Text text);
  template <typename T>
  std::span<T> copy(std::span<const T> items);
  template <typename T>
  T* make(const T& value) {
    return new (allocate(sizeof(T), alignof(T))) T(value);
  }
  /// Keeps the first chunk for reuse.
  void clear();
  [[nodiscard]] std::size_t used() const { return used_; }

 private:
  struct Chunk {
    std::unique_ptr<std::byte[]> bytes;
    std::size_t size = 0;
  };
  std::vector<Chunk> chunks_;
  std::byte* next_ = nullptr;
  std::byte* end_ = nullptr;
  std::size_t used_ = 0;
};

/// How far a log was read that a feed's events come from, in the feed's words.
struct LogPlace {
  std::string feed, text;
};

/// Not thread-safe while being filled; once shared as `shared_ptr<const EventBatch>` it never changes.
class EventBatch {
 public:
  EventBatch() = default;
  EventBatch(const EventBatch&) = delete;
  EventBatch& operator=(const EventBatch&) = delete;

  /// Deep copy of the event with all it points to; the instrument is kept by reference. Returns the copy, whose header
  /// fields may still be changed while the batch is being filled.
  Event& append(const Event& event);

  [[nodiscard]] std::span<Event> events() { return events_; }
  [[nodiscard]] std::span<const Event> events() const { return events_; }
  [[nodiscard]] bool empty() const { return events_.empty(); }
  [[nodiscard]] std::size_t size() const { return events_.size(); }
  /// Memory held, for queue bounds.
  [[nodiscard]] std::size_t bytes() const { return arena_.used() + events_.size() * sizeof(Event); }
  /// For the hub and for decoders that build bodies in place.
  [[nodiscard]] Arena& arena() { return arena_; }
  /// Appends an event whose body already lives in arena().
  Event& append_in_place(const Event& event) { return events_.emplace_back(event); }
  /// Where the log was when the last event of this batch was read from it; a recording keeps it together with them.
  void set_place(LogPlace place) { place_ = std::make_unique<const LogPlace>(std::move(place)); }
  /// nullptr: they come from no log.
  [[nodiscard]] const LogPlace* place() const { return place_.get(); }
  /// Forgets the events after the first `count`; their memory stays until clear().
  void truncate(std::size_t count) { events_.resize(count); }
  void clear() {
    events_.clear();
    arena_.clear();
    place_.reset();
  }

 private:
  std::vector<Event> events_;
  Arena arena_;
  std::unique_ptr<const LogPlace> place_;
};

using SharedBatch = std::shared_ptr<const EventBatch>;

template <typename T>
std::span<T> Arena::copy(std::span<const T> items) {
  static_assert(std::is_trivially_copyable_v<T>);
  if (items.empty()) return {};
  auto* to = static_cast<T*>(allocate(items.size_bytes(), alignof(T)));
  std::uninitialized_copy(items.begin(), items.end(), to);
  return {to, items.size()};
}

}  // namespace bixws

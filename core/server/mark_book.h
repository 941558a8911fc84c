// SPDX-License-Identifier: Apache-2.0
// MarkBook: an instrument's annotations as they are now, and the alerts that fired last, for whoever joins late.
#pragma once

#include <bixws/event.h>

#include <cstddef>
#include <deque>
#include <string>
#include <string_view>
#include <vector>

namespace bixws::server {

/// An alert or annotation that owns what it says.
struct StoredMark {
  explicit StoredMark(const Event& event);

  std::string id, text, kind, color;
  Decimal price;
  std::vector<Point> points;
  bool deleted = false;
  Micros ts = 0, recv_ts = 0;
  bool alert = false;

  /// Bytes held.
  [[nodiscard]] std::size_t size() const;
  /// Calls use(event); the event borrows from this mark.
  template <typename Use>
  void as_event(const Instrument& instrument, Use&& use) const {
    const Mark mark{id, text, kind, color, price, points, deleted};
    use(alert ? Event::alert(instrument, recv_ts, ts, mark) : Event::annotation(instrument, recv_ts, ts, mark));
  }
};

/// Hub's thread only.
class MarkBook {
 public:
  static constexpr std::size_t kMostAnnotations = 1000;
  static constexpr std::size_t kMostAlerts = 100;

  /// An alert, or an annotation made, changed or removed. With more annotations than there is room for, the one that
  /// was made first goes.
  void take(const Event& event);
  /// nullptr: there is none of this id. Valid until the next take().
  [[nodiscard]] const StoredMark* annotation(std::string_view id) const;
  [[nodiscard]] bool full() const { return annotations_.size() >= kMostAnnotations; }

  /// In the order in which they were made.
  [[nodiscard]] const std::deque<StoredMark>& annotations() const { return annotations_; }
  /// Oldest first.
  [[nodiscard]] const std::deque<StoredMark>& alerts() const { return alerts_; }
  /// Of annotations.
  [[nodiscard]] std::size_t bytes() const { return bytes_; }
  void clear();

 private:
  std::deque<StoredMark> annotations_, alerts_;
  std::size_t bytes_ = 0;
};

}  // namespace bixws::server

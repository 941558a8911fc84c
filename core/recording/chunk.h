// SPDX-License-Identifier: Apache-2.0
// Chunk: a run of events as compact bytes and back, digit for digit. The grammar stands in docs/recording-format.md.
#pragma once

#include <bixws/event.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "model/batch.h"
#include "model/instruments.h"
#include "recording/columns.h"
#include "recording/format.h"

namespace bixws::recording {

/// True if the id is a number of up to 18 digits written the one way numbers are written, so that the number alone
/// gives the text back.
[[nodiscard]] bool numeric_id(Text id, std::uint64_t& value) noexcept;

/// The last number of a field, from which the next one is predicted.
struct NumberSlot {
  std::int64_t mantissa = 0;
  std::int8_t exponent = 0;
};

/// What writer and reader remember of one instrument within one chunk; both start from zeros.
struct ChunkMemory {
  NumberSlot bid, ask, trade;
  std::array<NumberSlot, 11> ticker;
  std::array<NumberSlot, 5> candle;
  std::uint64_t trade_id = 0;
  std::uint32_t depth = 0;
  Micros candle_open_ts = 0;
};

/// Encodes events. Not thread-safe. An event's hub number is not kept: its place in the session is its number.
class ChunkWriter {
 public:
  void add(const Event& event);
  /// Appends the payload (not yet compressed) of all events since clear() to `out`.
  void finish(ColumnWriter& out) const;
  void clear();

  [[nodiscard]] std::uint32_t events() const { return events_; }
  /// Size the payload has by now, without its short head.
  [[nodiscard]] std::size_t bytes() const;
  /// Smallest and largest recv_ts of the events; 0 if there are none.
  [[nodiscard]] Micros min_recv_ts() const { return min_recv_ts_; }
  [[nodiscard]] Micros max_recv_ts() const { return max_recv_ts_; }

 private:
  ColumnWriter& column(Column name) { return columns_[static_cast<std::size_t>(name)]; }
  ChunkMemory& memory_of(const Instrument& instrument, bool& is_new, std::uint32_t& index);
  void number(const Decimal& value, Column forms, Column digits, std::int64_t predicted);
  void price(const Decimal& value, NumberSlot& slot);
  void size(const Decimal& value) { number(value, Column::size_forms, Column::sizes, 0); }
  void text(Text value);
  void trade_id(Text id, ChunkMemory& memory);
  void time_or_none(Micros value);
  void add_trades(const Event& event, ChunkMemory& memory);
  void add_book(const Event& event, ChunkMemory& memory);
  void add_candle(const Event& event, ChunkMemory& memory);
  void add_status(const Event& event);
  void add_gap(const Event& event);
  void add_mark(const Event& event, ChunkMemory& memory);
  void add_raw(const Event& event);

  std::array<ColumnWriter, kColumnCount> columns_;
  std::vector<ChunkMemory> memory_;   // by place in the chunk's dictionary
  std::vector<std::uint32_t> place_;  // by instrument id: place + 1, 0 if not in the dictionary
  std::vector<std::uint32_t> known_;  // instrument ids in the dictionary
  std::uint32_t last_instrument_ = UINT32_MAX;
  Micros last_recv_ts_ = 0, last_ts_ = 0;
  Micros min_recv_ts_ = 0, max_recv_ts_ = 0;
  std::uint32_t events_ = 0;
};

/// Decodes a payload event by event. Never reads outside it and never makes an event out of bytes that are not one,
/// whatever they are. The payload must outlive the reader; events are complete copies.
class ChunkReader {
 public:
  enum class Result : std::uint8_t { event, end, damaged };

  ChunkReader(std::string_view payload, Instruments& instruments);

  /// Appends the next event to `into`. `damaged` is final.
  Result next(EventBatch& into);
  /// As the payload says; trust it no further than next() confirms it.
  [[nodiscard]] std::uint64_t events() const { return events_; }

 private:
  ColumnReader& column(Column name) { return columns_[static_cast<std::size_t>(name)]; }
  Decimal number(Column forms, Column digits, const NumberSlot* slot);
  Decimal price(NumberSlot& slot);
  Decimal size() { return number(Column::size_forms, Column::sizes, nullptr); }
  Text text(Arena& arena);
  Text trade_id(ChunkMemory& memory, Arena& arena);
  Micros time_or_none();
  const void* read_trades(Arena& arena, ChunkMemory& memory, Micros ts);
  const void* read_book(Arena& arena, ChunkMemory& memory);
  const void* read_candle(Arena& arena, ChunkMemory& memory);
  const void* read_status(Arena& arena);
  const void* read_gap(Arena& arena);
  const void* read_mark(Arena& arena, ChunkMemory& memory, Micros ts);
  const void* read_raw(Arena& arena);
  [[nodiscard]] bool failed() const;

  std::array<ColumnReader, kColumnCount> columns_;
  Instruments& instruments_;
  std::vector<ChunkMemory> memory_;
  std::vector<const Instrument*> known_;
  std::uint32_t last_place_ = UINT32_MAX;
  Micros last_recv_ts_ = 0, last_ts_ = 0;
  std::uint64_t events_ = 0, done_ = 0;
  bool bad_ = false;
};

}  // namespace bixws::recording

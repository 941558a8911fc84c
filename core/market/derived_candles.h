// SPDX-License-Identifier: Apache-2.0
// DerivedCandles: candles of every timeframe for one instrument, made from the feed's 1 m candles or, where it sends
// none, from its trades. They follow from the events alone, so a replay makes the same ones with the same numbers.
#pragma once

#include <bixws/event.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace bixws::market {

/// Seconds, ascending; the first is what the others are made of.
inline constexpr std::array<std::int32_t, 11> kTimeframes = {60,   180,   300,   900,   1800, 3600,
                                                             7200, 14400, 21600, 43200, 86400};
inline constexpr std::size_t kTimeframeCount = kTimeframes.size();

/// Exact sum, in the finer of both scales; absent if one is absent or it would not fit.
[[nodiscard]] Decimal add(const Decimal& a, const Decimal& b);

struct NumberedCandle {
  Candle candle;
  std::uint64_t seq = 0;
};

/// Not thread-safe: part of the market, owned by the hub's thread. Buckets begin at multiples of the timeframe since
/// 1970 UTC. A bucket whose end no event marked is closed when the next one begins.
class DerivedCandles {
 public:
  /// One of the feed's own candles. 1 m ones feed the larger timeframes from now on; another one silences its own
  /// timeframe here.
  void apply(const Candle& candle, Micros recv_ts);
  /// Ignored once the feed sent a 1 m candle, and for trades from before the subscription. `recv_ts` dates trades that
  /// carry no time.
  void apply(const Trades& trades, Micros recv_ts);

  /// Appends what the latest apply() changed in this timeframe, in order; nothing if the feed sends it itself.
  void changes(std::size_t timeframe, std::vector<NumberedCandle>& out) const;
  /// The newest state, false if there is none or the feed sends this timeframe itself.
  [[nodiscard]] bool current(std::size_t timeframe, NumberedCandle& out) const;
  /// Of the newest event in it.
  [[nodiscard]] Micros recv_ts() const { return recv_ts_; }

 private:
  enum class Change : std::uint8_t { none, simple, listed };
  struct Series {
    bool started = false;
    bool has_past = false;
    bool closed = false;
    Micros open_ts = 0;
    Candle past;              // the bucket's finished minutes
    std::uint64_t extra = 0;  // closing messages beyond one message per step
    std::vector<NumberedCandle> listed;
  };

  void step(const Candle& minute);
  void begin_minute(const Candle& minute);
  [[nodiscard]] Candle whole(std::size_t timeframe, const Series& series) const;
  [[nodiscard]] bool derives(std::size_t timeframe) const;

  std::array<Series, kTimeframeCount> series_;
  Candle minute_;
  bool has_minute_ = false;
  bool from_candles_ = false;
  std::uint32_t own_ = 0;  // timeframes the feed sends itself, a bit each
  Micros recv_ts_ = 0;
  std::uint64_t steps_ = 0;  // every step is one message in every timeframe
  Change kind_ = Change::none;
};

}  // namespace bixws::market

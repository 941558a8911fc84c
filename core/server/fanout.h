// SPDX-License-Identifier: Apache-2.0
// Fanout: one loop's delivery of runs to its clients. Clients with equal selections share a log and are given all that
// is due in one send per sweep; those that cannot follow are treated as the policies of their topics say.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "model/clock.h"
#include "net/loop.h"
#include "net/transport.h"
#include "server/audience.h"
#include "server/member.h"
#include "server/metrics.h"
#include "server/publisher.h"
#include "server/run.h"
#include "server/squeezer.h"

namespace bixws::server {

/// Counters of one loop; written on its thread, read anywhere.
struct FanoutCounters {
  using Counter = std::atomic<std::uint64_t>;
  Counter sends{0}, messages{0}, bytes{0}, sweeps{0};
  Counter blocked{0};         ///< sends that the socket did not take whole
  Counter refreshes{0};       ///< conflations: stale state replaced by fresh
  Counter gaps{0};            ///< gap messages for single clients
  Counter dropped{0};         ///< messages those gaps stand for
  Counter slow_consumers{0};  ///< closed with 1013
  Counter backlog{0};         ///< bytes that clients are behind, all together, after the last sweep
  Counter laggards{0};        ///< clients that are behind
  Histogram delay;            ///< from a message's recv_ts to the end of the sweep that sent it, once per client
  Counter squeezed{0};        ///< messages compressed, each once per window size
  Counter saved{0};           ///< bytes by which that made them smaller, each message once
};

struct FanoutOptions {
  std::size_t cap = std::size_t{1} << 20;                   ///< bytes a client may be behind
  std::size_t max_batch = 0;                                ///< messages a send may carry; 0: all that is due
  net::Duration interval = std::chrono::milliseconds(100);  ///< of batched tickers; zero: at once
  net::Duration tick = net::Duration::zero();               ///< least time between two sweeps; zero: none
  std::size_t answers = std::size_t{32} << 20;              ///< bytes of answers that may wait when another comes
  const Clock* clock = nullptr;                             ///< what recv_ts came from; null: delays are not measured
};

/// Loop's thread only, the counters apart.
class Fanout {
 public:
  /// Asks the hub's thread for fresh state, answered by an Answer::refresh.
  using Refresh = std::function<void(std::uint64_t number, const RefreshRequest& request)>;

  Fanout(net::Loop& loop, std::uint32_t index, const FanoutOptions& options, const Labels& labels, Refresh refresh);
  ~Fanout();

  /// A client without a selection yet; `number` is that of its ClientKey. `outlet` must live until remove(). `window`:
  /// Squeezer::window_for() what it agreed on.
  Member& add(Outlet& outlet, std::uint64_t number, int window = 0);
  void remove(Member& member);
  /// Whole frames for this client alone, at the next message boundary.
  void send(Member& member, std::string frames);
  /// Its socket has room again.
  void writable(Member& member);
  /// Nothing more goes out to it but the rest of a half-sent frame.
  void drop_backlog(Member& member);
  /// Calls `drained` when all that was taken in so far is out; at once if it is.
  void when_drained(Member& member, std::function<void()> drained);

  /// How long a turn may send when a send carries few messages: others want to be served, too.
  static constexpr net::Duration kTurn = std::chrono::milliseconds(10);

  /// Takes a run in; finish_turn() sends.
  void take(const Run& run);
  /// Sends everything due, once per client (more often with max_batch), or arms the timer that will.
  void finish_turn();
  /// With max_batch: there was more to send than fits in a turn. It goes on by itself; nothing should be taken in
  /// meanwhile.
  [[nodiscard]] bool unfinished() const { return unfinished_; }
  /// As finish_turn(), without waiting for the rest of the tickers' interval: nothing comes any more.
  void finish_last_turn();
  /// Bytes that the client furthest behind is behind, of those that must get everything.
  [[nodiscard]] std::size_t lossless_lag() const;
  /// Closes that client as too slow.
  void cut_slowest();

  [[nodiscard]] const FanoutCounters& counters() const { return counters_; }
  [[nodiscard]] std::size_t clients() const { return members_.size(); }
  [[nodiscard]] std::size_t audiences() const { return audiences_.size(); }

 private:
  struct Listening {
    Audience* audience;
    Policy policy;
  };
  struct Fragment {
    std::string text;  ///< "LABEL":{...}
    std::uint64_t seq = 0;
    Micros recv_ts = 0;
    bool fresh = false;
  };

  // what comes in
  Audience& audience_of(const std::shared_ptr<const Selection>& selection, int window);
  void enter(Member& member, Audience& audience);
  void leave(Member& member);
  void drop_empty_audiences();
  const std::vector<Listening>& listening(const Topic& topic);
  void append(Audience& audience, std::string_view frame, const LogEntry& entry);
  void take_ticker(const Run& run, const RunItem& item);
  void take_answer(const Run& run, const RunItem& item);
  void select(Member& member, const Answer& answer, std::string_view frames);
  void refreshed(Member& member, const Answer& answer, std::string_view frames);
  void flush_tickers();
  void flush_tickers(Audience& audience);

  // what goes out
  void sweep(net::Instant deadline);
  bool sweep(Audience& audience, net::Instant deadline);
  void count_sent(const Audience& audience, const LogChunk& chunk);
  void count_laggards();
  void send_piece(Audience& audience, std::string_view bytes, std::uint64_t begin);
  void deliver(Member& member);
  bool write(Member& member, std::string_view bytes);
  void block(Member& member);
  void fall_behind(Member& member);
  void caught_up(Member& member);
  void add_private(Member& member, std::uint64_t at, std::string bytes);
  void hurry(Member& member);

  // who cannot follow (laggards.cpp)
  void trim(Audience& audience);
  void overrun(Member& member, const LogChunk& chunk);
  bool refresh_instead(Member& member);
  bool recover(Member& member);
  void request(Member& member, RefreshRequest request);
  [[nodiscard]] static bool lost_epoch(const Member& member);
  [[nodiscard]] RefreshRequest lost_state(const Member& member) const;
  void keep_tail(Member& member);
  std::string keep_unrefreshed(Member& member, std::uint64_t to, std::string* of_next_epoch);
  std::string take_gaps(Member& member);
  void too_slow(Member& member);

  net::Loop& loop_;
  std::uint32_t index_;
  FanoutOptions options_;
  const Labels& labels_;
  Refresh refresh_;

  std::unordered_map<std::uint64_t, std::unique_ptr<Member>> members_;
  std::map<std::pair<const Selection*, int>, std::unique_ptr<Audience>> audiences_;  // and by window
  std::vector<Audience*> order_;                                                     // of the audiences in a sweep
  std::vector<std::optional<std::vector<Listening>>> listening_;  // by topic id, found when first needed
  std::vector<const Topic*> topics_;                              // by id
  std::vector<Member*> hurried_;                                  // to be served one by one in the next sweep

  std::vector<Fragment> fragments_;  // by topic id
  std::vector<const Topic*> fresh_;  // tickers that came since the last flush
  net::Timer interval_;
  net::Timer tick_;
  net::Timer rest_;  // of a sweep that did not fit in its turn
  net::Instant flushed_at_{};
  net::Instant swept_at_{};
  bool due_ = false;
  bool unfinished_ = false;
  bool emptied_ = false;
  std::size_t sent_ = 0;  // what the last write() that was not whole had sent

  TextBuffer composed_;
  Squeezer squeezer_;
  std::uint64_t epochs_ = 0;
  std::uint64_t tokens_ = 0;
  std::size_t turn_ = 0;  // rotates who is served first
  FanoutCounters counters_;
};

}  // namespace bixws::server
